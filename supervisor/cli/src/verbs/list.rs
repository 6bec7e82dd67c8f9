//! `outboard list`: the plugins, a line each.

use outboard_protocol::control::StatusParams;
use outboard_protocol::control::methods::Status;

use crate::client::{Client, QUESTION_WAIT};
use crate::failure::Outcome;
use crate::render::{Screen, plugin_table};

/// Lists.
pub(super) async fn run(client: &Client, screen: &mut Screen) -> Outcome {
    let report = client.ask::<Status>(&StatusParams::default(), QUESTION_WAIT).await?;
    if screen.json() {
        screen.json_document(&report.plugins)?;
    } else {
        plugin_table(screen, &report.plugins)?;
    }
    Ok(())
}
