//! `outboard rescan`: read the plugin folders again, and say what was found.

use outboard_protocol::control::methods::Rescan;
use outboard_protocol::control::{NoParams, RescanReport};

use crate::client::{Client, ORDER_WAIT};
use crate::failure::Outcome;
use crate::render::{Screen, Style};
use crate::tame::tame;

/// Rescans.
pub(super) async fn run(client: &Client, screen: &mut Screen) -> Outcome {
    let report = client.ask::<Rescan>(&NoParams {}, ORDER_WAIT).await?;
    if screen.json() {
        screen.json_document(&report)?;
        return Ok(());
    }
    for (what, ids) in [("added", &report.added), ("changed", &report.changed), ("removed", &report.removed)]
    {
        for id in ids {
            screen.line(format!("{what:<8} {}", tame(id)))?;
        }
    }
    for (folder, reason) in &report.invalid {
        let what = screen.paint(Style::Bad, "invalid ");
        screen.line(format!("{what} {}: {}", tame(folder), tame(reason)))?;
    }
    if report == RescanReport::default() {
        screen.line("nothing changed")?;
    }
    Ok(())
}
