//! `outboard listen ID`: what a plugin pushes to its UIs, a line each, until interrupted. Values that are kept come first.

use outboard_protocol::control::PluginParams;
use outboard_protocol::control::methods::BusEvents;

use outboard_context::terminal::escape_json;

use super::plugin_id;
use crate::client::Client;
use crate::failure::Outcome;
use crate::render::{Screen, Style};

/// Listens until the supervisor or the reader goes.
pub(super) async fn run(client: &Client, screen: &mut Screen, id: &str) -> Outcome {
    let params = PluginParams { id: plugin_id(id)? };
    let mut events = client.subscribe::<BusEvents>(&params).await?;
    while let Some(event) = events.next().await {
        let Ok(event) = event else { continue };
        if screen.json() {
            screen.json_line(&event)?;
        } else {
            let kept = if event.replayed.is_some() { "(kept) " } else { "" };
            screen.line(format!(
                "{kept}{} {}",
                screen.paint(Style::Bold, event.channel.as_str()),
                escape_json(&event.payload.to_string())
            ))?;
            screen.flush()?;
        }
    }
    Err(client.subscription_ended())
}
