//! `outboard services`: who provides what, and who uses it.

use outboard_protocol::context::service::ServiceState;
use outboard_protocol::control::methods::Services;
use outboard_protocol::control::{NoParams, ServiceStatus};

use crate::client::{Client, QUESTION_WAIT};
use crate::failure::Outcome;
use crate::render::{Screen, Style, Table};

/// Lists them.
pub(super) async fn run(client: &Client, screen: &mut Screen) -> Outcome {
    let services = client.ask::<Services>(&NoParams {}, QUESTION_WAIT).await?;
    if screen.json() {
        screen.json_document(&services)?;
        return Ok(());
    }
    if services.is_empty() {
        screen.line("no service is provided, and none is wanted")?;
        return Ok(());
    }
    let mut table =
        Table::new(&["SERVICE", "STATE", "PROVIDER", "CONSUMERS", "CALLS", "OPEN", "ERRORS", "EVENTS"]);
    for service in &services {
        let (state, style) = state(service.state);
        let number = |number: u64| (number.to_string(), Style::Plain);
        let consumers: Vec<&str> = service.consumers.iter().map(AsRef::as_ref).collect();
        table.row([
            (service.service.to_string(), Style::Bold),
            (state.to_owned(), style),
            (service.provider.clone().unwrap_or_else(|| "-".to_owned()), Style::Plain),
            (if consumers.is_empty() { "-".to_owned() } else { consumers.join(", ") }, Style::Plain),
            number(service.calls),
            number(service.open_calls),
            number(service.errors),
            number(service.events),
        ]);
    }
    table.print(screen)?;
    services.iter().try_for_each(|service| explain(screen, service))
}

/// What the columns leave open.
fn explain(screen: &mut Screen, service: &ServiceStatus) -> Outcome {
    let name = &service.service;
    if let Some(because) = &service.because {
        screen.line(format!("{name}: {because}"))?;
    }
    if !service.others.is_empty() {
        screen.line(format!(
            "{name}: {} would provide it as well; a line below [services] in the settings decides",
            service.others.join(", ")
        ))?;
    }
    if !service.prefixes.is_empty() {
        let prefixes: Vec<&str> = service.prefixes.iter().map(AsRef::as_ref).collect();
        screen.line(format!("{name}: its provider answers {} as well", prefixes.join(", ")))?;
    }
    if service.missed > 0 {
        let missed = service.missed;
        screen
            .line(format!("{name}: {missed} events were left out, because their consumers did not read"))?;
    }
    Ok(())
}

fn state(state: ServiceState) -> (&'static str, Style) {
    match state {
        ServiceState::Available => ("available", Style::Good),
        ServiceState::Starting => ("starting", Style::Off),
        ServiceState::Unavailable => ("unavailable", Style::Bad),
        ServiceState::Unprovided => ("unprovided", Style::Off),
    }
}
