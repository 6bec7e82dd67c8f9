//! `outboard events`: what a host application may act upon, a line each, until interrupted.

use outboard_protocol::control::methods::HostEvents;
use outboard_protocol::control::{HostEvent, NoParams};

use crate::client::Client;
use crate::failure::Outcome;
use crate::render::{Screen, Style, bytes, state_style};
use crate::tame::tame;

/// Listens until the supervisor or the reader goes.
pub(super) async fn run(client: &Client, screen: &mut Screen) -> Outcome {
    let mut events = client.subscribe::<HostEvents>(&NoParams {}).await?;
    while let Some(event) = events.next().await {
        // One that a newer supervisor sends and this command line does not know.
        let Ok(event) = event else { continue };
        if screen.json() {
            screen.json_line(&event)?;
        } else {
            screen.line(line(screen, &event))?;
            screen.flush()?;
        }
    }
    Err(client.subscription_ended())
}

fn line(screen: &Screen, event: &HostEvent) -> String {
    let name = |name: &str| screen.paint(Style::Bold, name);
    match event {
        HostEvent::PluginState { status } => {
            let state = screen.paint(state_style(status.state.name()), status.state.name());
            let phase = status.phase.as_ref().map(|phase| format!(" ({phase})")).unwrap_or_default();
            let cause = status.cause.as_ref().map(|cause| format!(": {}", tame(cause))).unwrap_or_default();
            format!("{} {} {state}{phase}{cause}", name("plugin.state"), tame(&status.id))
        }
        HostEvent::AuthRequired { reason } => format!("{} {}", name("auth.required"), tame(reason)),
        HostEvent::AuthChanged { authenticated } => {
            let word = if *authenticated { "somebody is signed in" } else { "nobody is signed in" };
            format!("{} {word}", name("auth.changed"))
        }
        HostEvent::AirlineChanged { airline } => {
            let bound = airline
                .as_ref()
                .map(|airline| format!("{} at {}", tame(&airline.id), tame(&airline.base_url)));
            format!("{} {}", name("airline.changed"), bound.as_deref().unwrap_or("none is bound"))
        }
        HostEvent::DatabaseQuota { plugin, bytes: used, quota, full } => {
            let word = if *full { "at its quota" } else { "near its quota" };
            format!("{} {plugin} is {word}: {} of {}", name("database.quota"), bytes(*used), bytes(*quota))
        }
        HostEvent::Trouble { kind, says } => {
            let says = says.as_deref().unwrap_or("is over");
            format!("{} {}: {}", name("host.trouble"), tame(kind), tame(says))
        }
        HostEvent::Lost { count } => format!("{} {count} events, not read fast enough", name("lost")),
    }
}
