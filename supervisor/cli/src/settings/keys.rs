//! Every key of the settings file by name, so that a mistyped one is told with its line and the nearest known key.
//!
//! Called by [`super::file`] before the typed reading, which knows the same keys by their types.

use toml::de::{DeTable, DeValue};

/// Every key; `*` stands for a name that the operator chooses.
pub(super) const KEYS: &[&str] = &[
    "runtime_dir",
    "data_dir",
    "plugin_dirs",
    "listen",
    "json",
    "color",
    "timeout",
    "ready_json",
    "exit_with_parent",
    "restart_supervisor",
    "hold_until_auth",
    "log_level",
    "env.*",
    "deadlines.spawn",
    "deadlines.handshake",
    "deadlines.start",
    "deadlines.drain",
    "deadlines.stop",
    "deadlines.leave",
    "deadlines.terminate",
    "deadlines.kill",
    "deadlines.empty",
    "deadlines.call",
    "deadlines.ping",
    "deadlines.pings_missed",
    "deadlines.probation",
    "deadlines.look_again",
    "deadlines.verdict",
    "deadlines.tracer_look",
    "restart.base",
    "restart.cap",
    "restart.jitter_percent",
    "restart.steady",
    "restart.in_a_row",
    "restart.in_window",
    "restart.window",
    "limits.memory",
    "limits.processes",
    "limits.open_files",
    "limits.file_size",
    "limits.cpu",
    "limits.data",
    "wire.frame",
    "wire.outbox",
    "wire.host_calls",
    "wire.context_calls",
    "wire.longest_call",
    "http.allowed_hosts",
    "http.allowed_origins",
    "http.isolate_origins",
    "http.plugin_origin",
    "http.token_file",
    "http.allowed_users",
    "http.trust_unknown_peers",
    "http.socket_mode",
    "http.socket_group",
    "http.connections",
    "http.websockets",
    "http.head_size",
    "http.head_timeout",
    "http.keep_alive",
    "http.client_stall",
    "http.client_unread",
    "http.answer_timeout",
    "http.stream_idle",
    "http.tunnel_idle",
    "http.waiting_requests",
    "http.waiting_size",
    "http.waiting_time",
    "http.bus_clients",
    "http.bus_size",
    "log_files.level",
    "log_files.size",
    "log_files.files",
    "log_files.rate",
    "storage.state_size",
    "storage.measure",
    "storage.backup",
    "javascript.node",
    "logs.follow",
    "logs.lines",
    "logs.level",
    "logs.tag",
    "logs.since",
    "logs.until",
    "logs.grep",
    "auth.token_file",
    "airline.token_file",
    "airline.refresh_token_file",
    "airline.refresh_url",
    "airline.refresh_body",
    "airline.refresh_token_field",
    "airline.refresh_extra_file",
    "airline.access_token_field",
    "airline.new_refresh_token_field",
    "airline.connect_timeout",
    "airline.refresh_timeout",
    "airline.refresh_pause",
    "airline.request_timeout",
    "plugins.*.enabled",
];

/// Tables that stand at the top for all plugins and below `plugins.*` for one.
const FOR_ONE_PLUGIN_TOO: [&str; 5] = ["env.", "deadlines.", "restart.", "limits.", "wire."];

/// How far a mistyped key may be from a known one to be taken for it, as a share of its letters.
const LIKENESS: f64 = 0.5;

/// A key that nobody knows.
#[derive(Debug)]
pub(super) struct Unknown {
    /// Where it stands, in bytes.
    pub(super) at: usize,
    /// What to tell.
    pub(super) message: String,
}

/// Looks at every key of a table.
pub(super) fn check(table: &DeTable<'_>) -> Result<(), Unknown> {
    check_below(table, &mut Vec::new())
}

fn check_below(table: &DeTable<'_>, above: &mut Vec<String>) -> Result<(), Unknown> {
    for (key, value) in table {
        let name: &str = key.get_ref();
        let known = names_below(above);
        if !known.iter().any(|known| known == name || known == "*") {
            return Err(unknown(key.span().start, above, name, &known));
        }
        if let DeValue::Table(inner) = value.get_ref() {
            above.push(name.to_owned());
            check_below(inner, above)?;
            above.pop();
        }
    }
    Ok(())
}

/// Where a key stands, in bytes.
pub(super) fn find(table: &DeTable<'_>, key: &[&str]) -> Option<usize> {
    let (name, below) = key.split_first()?;
    let (found, value) = table.iter().find(|(found, _)| found.get_ref() == name)?;
    match value.get_ref() {
        _ if below.is_empty() => Some(found.span().start),
        DeValue::Table(inner) => find(inner, below),
        _ => None,
    }
}

/// The names that may stand in the table that is reached by these names.
fn names_below(above: &[String]) -> Vec<String> {
    let mut names: Vec<String> = all()
        .filter_map(|path| {
            let mut parts = path.split('.');
            for name in above {
                let part = parts.next()?;
                if part != "*" && part != name {
                    return None;
                }
            }
            parts.next().map(str::to_owned)
        })
        .collect();
    names.sort();
    names.dedup();
    names
}

/// Every key with those for one plugin written out.
fn all() -> impl Iterator<Item = String> {
    let for_one = |key: &&&str| FOR_ONE_PLUGIN_TOO.iter().any(|table| key.starts_with(table));
    let below = KEYS.iter().filter(for_one).map(|key| format!("plugins.*.{key}"));
    KEYS.iter().map(|key| (*key).to_owned()).chain(below)
}

fn unknown(at: usize, above: &[String], name: &str, known: &[String]) -> Unknown {
    let full = |name: &str| above.iter().map(String::as_str).chain([name]).collect::<Vec<_>>().join(".");
    let nearest = known
        .iter()
        .map(|known| (strsim::normalized_damerau_levenshtein(known, name), known))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(likeness, _)| *likeness >= LIKENESS);
    let hint = match nearest {
        Some((_, nearest)) => format!("did you mean `{}`?", full(nearest)),
        None if known.is_empty() => "nothing stands below this key".to_owned(),
        None => format!("known here are {}", known.join(", ")),
    };
    Unknown { at, message: format!("unknown key `{}`; {hint}", full(name)) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step fails the test")]
    use super::*;
    use crate::settings::file::File;

    #[test]
    fn every_key_of_the_list_is_read_by_the_typed_file() {
        for key in all() {
            let key = key.replace("plugins.*", "plugins.some-id").replace("env.*", "env.NAME");
            let read = [
                "true",
                "7",
                "\"1s\"",
                "\"8MiB\"",
                "\"127.0.0.1:1\"",
                "\"info\"",
                "\"auto\"",
                "\"form\"",
                "[]",
                "\"x\"",
            ]
            .iter()
            .any(|value| toml::from_str::<File>(&format!("{key} = {value}")).is_ok());
            assert!(read, "{key} is in the list and nobody reads it");
        }
    }

    #[test]
    fn the_documentation_names_every_key() {
        let told = include_str!("../../../../docs/OPERATING.md");
        for key in KEYS {
            let last = key.trim_end_matches(".*").rsplit('.').next().unwrap();
            let named = [format!("`{last}`"), format!("`[{last}]`")].iter().any(|name| told.contains(name));
            assert!(named, "docs/OPERATING.md does not name `{last}` (of {key})");
        }
    }
}
