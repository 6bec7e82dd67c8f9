//! Plugins as people see them: a table of all, or everything about one.

use std::io;

use outboard_protocol::control::{PluginState, PluginStatus};

use super::{Screen, Style, Table, ago};
use crate::tame::tame;

/// How a state is shown.
pub(crate) fn state_style(state: &str) -> Style {
    match state {
        "running" => Style::Good,
        "ui-only" => Style::Good,
        "errored" | "invalid" => Style::Bad,
        "stopped" => Style::Dim,
        _ => Style::Off,
    }
}

/// A row for each plugin.
pub(crate) fn plugin_table(screen: &mut Screen, plugins: &[PluginStatus]) -> io::Result<()> {
    if plugins.is_empty() {
        return screen.line(
            "no plugins: put a folder with a plugin.json into a plugin folder, then `outboard rescan`",
        );
    }
    let mut table = Table::new(&["ID", "VERSION", "STATE", "SINCE", "PID", "RESTARTS", "ROUTES", "CAUSE"]);
    for plugin in plugins {
        table.row([
            (plugin.id.clone(), Style::Bold),
            (dash(&plugin.version), Style::Plain),
            (state(plugin), state_style(plugin.shown_state())),
            (ago(&plugin.since), Style::Plain),
            (plugin.pid.map_or_else(|| "-".to_owned(), |pid| pid.to_string()), Style::Plain),
            (plugin.restarts.to_string(), Style::Plain),
            (dash(&plugin.routes.join(" ")), Style::Plain),
            (plugin.cause.clone().unwrap_or_default(), Style::Plain),
        ]);
    }
    table.print(screen)
}

/// Everything about one plugin.
pub(crate) fn plugin_details(screen: &mut Screen, plugin: &PluginStatus) -> io::Result<()> {
    let title = format!("{} {}", tame(&plugin.id), tame(&plugin.version));
    screen.line(screen.paint(Style::Bold, title.trim_end()))?;
    let mut table = Table::new(&[]);
    let mut fact = |name: &str, text: String, style: Style| {
        if !text.is_empty() {
            table.row([(format!("  {name}"), Style::Dim), (text, style)]);
        }
    };
    fact("name", plugin.name.clone(), Style::Plain);
    fact("state", format!("{} for {}", state(plugin), ago(&plugin.since)), state_style(plugin.shown_state()));
    fact("cause", plugin.cause.clone().unwrap_or_default(), Style::Plain);
    fact("pid", plugin.pid.map(|pid| pid.to_string()).unwrap_or_default(), Style::Plain);
    fact("generation", plugin.generation.to_string(), Style::Plain);
    fact("restarts", plugin.restarts.to_string(), Style::Plain);
    fact("routes", plugin.routes.join(" "), Style::Plain);
    fact("folder", plugin.install_dir.clone(), Style::Plain);
    if !plugin.enabled {
        fact("enabled", format!("no; `outboard enable {}` starts it", plugin.id), Style::Off);
    }
    if let Some(data) = &plugin.data {
        fact("databases", data.opened.join(" "), Style::Plain);
        fact("data", format!("{} of {}", bytes(data.bytes), bytes(data.quota)), Style::Plain);
    }
    for warning in &plugin.warnings {
        fact("warning", warning.clone(), Style::Off);
    }
    table.print(screen)
}

fn state(plugin: &PluginStatus) -> String {
    match &plugin.phase {
        Some(phase) => format!("{} ({phase})", plugin.state),
        None if !plugin.enabled && plugin.state == PluginState::Stopped => "disabled".to_owned(),
        None => plugin.shown_state().to_owned(),
    }
}

/// A number of bytes for people.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    match UNITS.iter().find(|(_, size)| bytes >= *size) {
        Some((unit, size)) => format!("{:.1} {unit}", bytes as f64 / *size as f64),
        None => format!("{bytes} B"),
    }
}

fn dash(text: &str) -> String {
    if text.is_empty() { "-".to_owned() } else { text.to_owned() }
}
