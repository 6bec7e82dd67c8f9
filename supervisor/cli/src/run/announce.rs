//! What `run` says on standard output once it is clear what became of each plugin: a summary for people, or one JSON line for
//! a parent program.

use std::io::{self, Write};
use std::path::Path;

use outboard_context::terminal::escape_json;
use outboard_gateway::Address;
use outboard_protocol::control::{PluginState, PluginStatus, StatusReport, UI_ONLY};
use serde_json::json;

use super::SupervisorRecord;
use crate::settings::Settings;
use crate::tame::{harmless, tame};

/// What is said while plugins are held back.
pub(crate) const WAITING: &str = "plugins are held back until somebody is signed in; `outboard auth set` does that, `outboard start ID` starts one anyway";

/// What is said where plugins have no origins of their own.
pub(crate) const SHARED_ORIGIN: &str = "every plugin's pages share one origin (isolate_origins = false): a page of any plugin reaches all the others";

/// Says it, on a thread of its own: whoever reads standard output may stand still, and the supervisor must not.
pub(super) fn announce(report: &StatusReport, record: &SupervisorRecord, runtime_dir: &Path, as_json: bool) {
    let text = if as_json {
        escape_json(&ready_line(report, record, runtime_dir)).into_owned()
    } else {
        harmless(&summary(report))
    };
    let said = std::thread::Builder::new().name("announce".to_owned()).spawn(move || {
        let mut out = io::stdout().lock();
        // A closed standard output does not stop anything.
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    });
    if let Err(error) = said {
        tracing::error!(%error, "what became of the plugins cannot be printed; `outboard status` tells it");
    }
}

/// What is amiss with the settings of plugins that are not there, and with the address: a sentence each.
pub(super) fn remarks(report: &StatusReport, settings: &Settings, listen: &Address) -> Vec<String> {
    let mut remarks = Vec::new();
    for id in settings.options.plugins.keys() {
        if !report.plugins.iter().any(|plugin| plugin.id == id.as_str()) {
            remarks.push(format!("the settings hold [plugins.{id}], and there is no such plugin"));
        }
    }
    let options = &settings.options;
    remarks.extend(about_address(listen, &options.gateway.allowed_hosts));
    let known = options.http.token_file.is_some() || options.gateway.trust_unknown_peers;
    remarks.extend(about_peers(listen).filter(|_| !known));
    remarks
}

/// Whether other machines reach it.
fn is_open(listen: &Address) -> bool {
    matches!(listen, Address::Tcp(address) if !address.ip().is_loopback())
}

fn about_peers(listen: &Address) -> Option<String> {
    is_open(listen).then(|| {
        format!(
            "{listen} can be reached from other machines, whose users nobody knows here, and they are refused with 403; give them a \
             token (`token_file` below [http]), or set `trust_unknown_peers` where everybody who reaches it may come in"
        )
    })
}

fn about_address(listen: &Address, allowed_hosts: &[String]) -> Option<String> {
    let reached = is_open(listen) && allowed_hosts.is_empty();
    reached.then(|| {
        format!(
            "{listen} can be reached from other machines, and requests are refused with 403 under every name but this \
             machine's own; name those that people use in `allowed_hosts` below [http]"
        )
    })
}

fn ready_line(report: &StatusReport, record: &SupervisorRecord, runtime_dir: &Path) -> String {
    let plugins: Vec<_> = report
        .plugins
        .iter()
        .map(|plugin| json!({ "id": plugin.id, "state": plugin.state, "cause": plugin.cause }))
        .collect();
    let line = json!({
        "listen": record.listen,
        "pid": record.pid,
        "keeperPid": record.keeper_pid,
        "version": record.version,
        "pages": report.pages,
        "runtimeDir": runtime_dir,
        "dataDir": record.data_dir,
        "waitingForSignIn": report.waiting_for_sign_in,
        "plugins": plugins,
    });
    format!("{line}\n")
}

fn summary(report: &StatusReport) -> String {
    let running = report.plugins.iter().filter(|plugin| plugin.state == PluginState::Running).count();
    let ui_only = report.plugins.iter().filter(|plugin| plugin.shown_state() == UI_ONLY).count();
    let origin = if is_unix(&report.listen) { "http://localhost".to_owned() } else { shown(&report.listen) };
    let mut text = match report.plugins.len() {
        0 => format!(
            "outboard {}: no plugins; put a folder with a plugin.json into {}\n",
            report.version,
            report.plugin_dirs.join(" or ")
        ),
        // One that has a UI alone has nothing that could run.
        all => {
            let besides = if ui_only > 0 { format!(", {ui_only} with a UI alone") } else { String::new() };
            format!(
                "outboard {}: {running} of {} plugins are running{besides}\n",
                report.version,
                all - ui_only
            )
        }
    };
    if report.waiting_for_sign_in {
        text.push_str(WAITING);
        text.push('\n');
    }
    let width = |of: fn(&PluginStatus) -> usize| report.plugins.iter().map(of).max().unwrap_or(0);
    let (ids, states) =
        (width(|plugin| plugin.id.chars().count()), width(|plugin| plugin.shown_state().chars().count()));
    for plugin in &report.plugins {
        let line = format!(
            "  {:ids$}  {:states$}  {}",
            tame(&plugin.id),
            plugin.shown_state(),
            what_of(plugin, &origin)
        );
        text.push_str(line.trim_end());
        text.push('\n');
    }
    if report.shared_origin {
        text.push_str(&format!("{SHARED_ORIGIN}\n"));
    }
    if let Some(pages) = &report.pages {
        text.push_str(&format!("pages at {pages}\n"));
    }
    text.push_str(&format!("ready at {}\n", shown(&report.listen)));
    text
}

/// Where a supervisor listens, as a person uses it: a URL, or a socket.
pub(crate) fn shown(listen: &str) -> String {
    if is_unix(listen) { listen.to_owned() } else { format!("http://{listen}") }
}

fn is_unix(listen: &str) -> bool {
    listen.starts_with("unix:")
}

/// Where it answers, or why it does not run.
fn what_of(plugin: &PluginStatus, origin: &str) -> String {
    if let Some(cause) = &plugin.cause {
        return tame(cause);
    }
    match plugin.state {
        PluginState::Running if plugin.routes.is_empty() => "serves no HTTP".to_owned(),
        PluginState::Running => {
            plugin.routes.iter().map(|route| format!("{origin}{route}/")).collect::<Vec<_>>().join(" ")
        }
        PluginState::Stopped if !plugin.enabled => {
            format!("disabled; `outboard enable {}` starts it", plugin.id)
        }
        PluginState::Stopped => String::new(),
        PluginState::Starting
        | PluginState::Stopping
        | PluginState::BackingOff
        | PluginState::Errored
        | PluginState::Invalid => format!("not ready yet; `outboard status {}` tells", plugin.id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_others_reach_is_remarked_until_somebody_named_hosts() {
        let remark =
            |listen: [u8; 4], hosts: &[String]| about_address(&Address::Tcp((listen, 2066).into()), hosts);
        assert_eq!(remark([127, 0, 0, 1], &[]), None);
        assert!(remark([0, 0, 0, 0], &[]).is_some_and(|remark| remark.contains("`allowed_hosts`")));
        assert_eq!(remark([0, 0, 0, 0], &["ops.example".to_owned()]), None);
    }
}
