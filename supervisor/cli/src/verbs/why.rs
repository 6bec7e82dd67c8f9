//! `outboard why ID`: the plugin now, and its last ends with what was decided.

use outboard_protocol::control::methods::Why;
use outboard_protocol::control::{ExitRecord, PluginParams, WhyReport};
use outboard_protocol::manifest::FOR_THE_STORE;

use super::plugin_id;
use crate::client::{Client, QUESTION_WAIT};
use crate::failure::Outcome;
use crate::render::{Screen, Style, Table, ago, plugin_details, span};
use crate::tame::tame;

/// Explains.
pub(super) async fn run(client: &Client, screen: &mut Screen, id: &str) -> Outcome {
    let mut report = match plugin_id(id) {
        Ok(id) => client.ask::<Why>(&PluginParams { id }, QUESTION_WAIT).await?,
        // What is not an id may still be the folder of an invalid plugin, of which the status says everything.
        Err(_) => WhyReport { status: super::status::of_one(client, id).await?, history: Vec::new() },
    };
    if screen.json() {
        screen.json_document(&report)?;
        return Ok(());
    }
    // What a store would like to show explains nothing.
    report.status.warnings.retain(|warning| !warning.starts_with(FOR_THE_STORE));
    plugin_details(screen, &report.status)?;
    if report.history.is_empty() {
        screen.line("")?;
        screen.paragraph("it has not ended unexpectedly since the supervisor started")?;
    }
    for end in &report.history {
        screen.line("")?;
        show(screen, end)?;
    }
    Ok(())
}

fn show(screen: &mut Screen, end: &ExitRecord) -> std::io::Result<()> {
    let process = match end.pid {
        Some(pid) => format!("generation {} (pid {pid})", end.generation),
        None => format!("generation {}", end.generation),
    };
    let core = if end.core_dumped { ", core dumped" } else { "" };
    let ended = screen.paint(Style::Bad, &format!("{}{core}", tame(&end.ended)));
    screen.line(format!("{} ago  {process} {ended}", ago(&end.at)))?;
    let mut facts = Table::new(&[]);
    let mut fact =
        |name: &str, text: String| facts.row([(format!("  {name}"), Style::Plain), (text, Style::Plain)]);
    fact("while", format!("{}, after {}", end.phase, span(end.uptime_ms)));
    fact("decision", end.decision.clone());
    if let Some(advice) = &end.advice {
        fact("advice", advice.clone());
    }
    facts.print(screen)?;
    if let Some(detail) = &end.detail {
        screen.line("  it said")?;
        for line in detail.lines() {
            screen.line(format!("    {}", tame(line)))?;
        }
    }
    if !end.in_flight.is_empty() {
        screen.line(format!("  in flight {}", tame(&end.in_flight.join(", "))))?;
    }
    if !end.stderr.is_empty() {
        screen.line("  its last lines on standard error:")?;
        for line in &end.stderr {
            screen.line(format!("    {}", tame(line)))?;
        }
    }
    Ok(())
}
