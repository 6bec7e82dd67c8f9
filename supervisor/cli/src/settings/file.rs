//! The settings file: its shape, and how a mistake in it is told.
//!
//! Read once by every verb. Must not know flags, defaults or what a setting is for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use outboard_gateway::Address;
use outboard_protocol::PluginId;
use outboard_protocol::context::logger::LogLevel;
use serde::{Deserialize, Deserializer};

use super::keys;
use super::span::{Size, Span};
use crate::arguments::{BodyShape, Color, listen_address};

/// Settings are written by hand; a larger file is something else.
const FILE_MAX: u64 = 1024 * 1024;

/// Everything that the file may hold. An absent key is `None`; who decides is [`super::merge`].
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct File {
    pub(crate) runtime_dir: Option<PathBuf>,
    pub(crate) data_dir: Option<PathBuf>,
    pub(crate) plugin_dirs: Option<Vec<PathBuf>>,
    #[serde(deserialize_with = "listen")]
    pub(crate) listen: Option<Address>,
    pub(crate) json: Option<bool>,
    pub(crate) color: Option<Color>,
    pub(crate) timeout: Option<Span>,
    pub(crate) ready_json: Option<bool>,
    pub(crate) exit_with_parent: Option<bool>,
    pub(crate) restart_supervisor: Option<bool>,
    pub(crate) hold_until_auth: Option<bool>,
    pub(crate) log_level: Option<LogLevel>,
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) deadlines: Deadlines,
    pub(crate) restart: Restart,
    pub(crate) limits: Limits,
    pub(crate) wire: Wire,
    pub(crate) http: Http,
    pub(crate) log_files: LogFiles,
    pub(crate) storage: Storage,
    pub(crate) javascript: JavaScript,
    pub(crate) logs: Logs,
    pub(crate) auth: Auth,
    pub(crate) airline: Airline,
    pub(crate) plugins: BTreeMap<PluginId, Plugin>,
    /// The text that all of it was read from, to tell where a key stands.
    #[serde(skip)]
    text: String,
}

/// `[plugins.<id>]`: what holds for one plugin in place of the global value.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Plugin {
    pub(crate) enabled: Option<bool>,
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) deadlines: Deadlines,
    pub(crate) restart: Restart,
    pub(crate) limits: Limits,
    pub(crate) wire: Wire,
}

/// `[deadlines]`: how long each step of a plugin's life may take.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Deadlines {
    pub(crate) spawn: Option<Span>,
    pub(crate) handshake: Option<Span>,
    pub(crate) start: Option<Span>,
    pub(crate) drain: Option<Span>,
    pub(crate) stop: Option<Span>,
    pub(crate) leave: Option<Span>,
    pub(crate) terminate: Option<Span>,
    pub(crate) kill: Option<Span>,
    pub(crate) empty: Option<Span>,
    pub(crate) call: Option<Span>,
    pub(crate) ping: Option<Span>,
    pub(crate) pings_missed: Option<u32>,
    pub(crate) probation: Option<Span>,
    pub(crate) look_again: Option<Span>,
    pub(crate) verdict: Option<Span>,
    pub(crate) tracer_look: Option<Span>,
}

/// `[restart]`: what follows an unexpected end.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Restart {
    pub(crate) base: Option<Span>,
    pub(crate) cap: Option<Span>,
    pub(crate) jitter_percent: Option<u32>,
    pub(crate) steady: Option<Span>,
    pub(crate) in_a_row: Option<u32>,
    pub(crate) in_window: Option<u32>,
    pub(crate) window: Option<Span>,
}

/// `[limits]`: what a plugin's processes may use at most, and what it may keep.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Limits {
    pub(crate) memory: Option<Size>,
    pub(crate) processes: Option<u64>,
    pub(crate) open_files: Option<u64>,
    pub(crate) file_size: Option<Size>,
    pub(crate) cpu: Option<Span>,
    pub(crate) data: Option<Size>,
}

/// `[wire]`: bounds of the conversation with a plugin.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Wire {
    pub(crate) frame: Option<Size>,
    pub(crate) outbox: Option<Size>,
    pub(crate) host_calls: Option<usize>,
    pub(crate) context_calls: Option<usize>,
    pub(crate) longest_call: Option<Span>,
}

/// `[http]`: names, limits and waits of the address that people reach.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Http {
    pub(crate) allowed_hosts: Option<Vec<String>>,
    pub(crate) allowed_origins: Option<Vec<String>>,
    pub(crate) isolate_origins: Option<bool>,
    pub(crate) plugin_origin: Option<String>,
    pub(crate) token_file: Option<PathBuf>,
    pub(crate) allowed_users: Option<Vec<Account>>,
    pub(crate) trust_unknown_peers: Option<bool>,
    pub(crate) socket_mode: Option<String>,
    pub(crate) socket_group: Option<Account>,
    pub(crate) connections: Option<usize>,
    pub(crate) websockets: Option<usize>,
    pub(crate) head_size: Option<Size>,
    pub(crate) head_timeout: Option<Span>,
    pub(crate) keep_alive: Option<Span>,
    pub(crate) client_stall: Option<Span>,
    pub(crate) client_unread: Option<Span>,
    pub(crate) answer_timeout: Option<Span>,
    pub(crate) stream_idle: Option<Span>,
    pub(crate) tunnel_idle: Option<Span>,
    pub(crate) waiting_requests: Option<usize>,
    pub(crate) waiting_size: Option<Size>,
    pub(crate) waiting_time: Option<Span>,
    pub(crate) bus_clients: Option<usize>,
    pub(crate) bus_size: Option<Size>,
}

/// A user or a group of this machine, by name or by number.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum Account {
    Number(u32),
    Name(String),
}

/// `[log_files]`: how log records are kept.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LogFiles {
    pub(crate) level: Option<LogLevel>,
    pub(crate) size: Option<Size>,
    pub(crate) files: Option<u32>,
    pub(crate) rate: Option<u32>,
}

/// `[storage]`: how what plugins keep is looked after.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Storage {
    pub(crate) state_size: Option<Size>,
    pub(crate) measure: Option<Span>,
    pub(crate) backup: Option<Span>,
}

/// `[javascript]`: how JavaScript plugins are run.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct JavaScript {
    pub(crate) node: Option<PathBuf>,
}

/// `[logs]`: what `outboard logs` shows when its flags do not say.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Logs {
    pub(crate) follow: Option<bool>,
    pub(crate) lines: Option<u32>,
    pub(crate) level: Option<LogLevel>,
    pub(crate) tag: Option<String>,
    pub(crate) since: Option<String>,
    pub(crate) until: Option<String>,
    pub(crate) grep: Option<String>,
}

/// `[auth]`: where `outboard auth set` reads.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Auth {
    pub(crate) token_file: Option<PathBuf>,
}

/// `[airline]`: where `outboard airline set` reads, and how patient the supervisor is with the airline's servers.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Airline {
    pub(crate) token_file: Option<PathBuf>,
    pub(crate) refresh_token_file: Option<PathBuf>,
    pub(crate) refresh_url: Option<String>,
    pub(crate) refresh_body: Option<BodyShape>,
    pub(crate) refresh_token_field: Option<String>,
    pub(crate) refresh_extra_file: Option<PathBuf>,
    pub(crate) access_token_field: Option<String>,
    pub(crate) new_refresh_token_field: Option<String>,
    pub(crate) connect_timeout: Option<Span>,
    pub(crate) refresh_timeout: Option<Span>,
    pub(crate) refresh_pause: Option<Span>,
    pub(crate) request_timeout: Option<Span>,
}

fn listen<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Address>, D::Error> {
    let text = String::deserialize(deserializer)?;
    listen_address(&text).map(Some).map_err(serde::de::Error::custom)
}

/// Reads a settings file.
///
/// # Errors
/// A sentence with the file, the line, and what is wrong there.
pub(super) fn read(path: &Path) -> Result<(File, String), String> {
    let text = outboard_files::read_text(path, FILE_MAX).map_err(|error| match error.kind() {
        std::io::ErrorKind::FileTooLarge => {
            format!("{}: it is no settings file; at most {FILE_MAX} bytes are read", path.display())
        }
        _ => unreadable(path, &error),
    })?;
    let mut file = parse(&text).map_err(|mistake| format!("{}:{mistake}", path.display()))?;
    file.anchor(path.parent().unwrap_or(Path::new("/")));
    Ok((file, text))
}

/// Parses the text of a settings file; mistakes begin with their line.
pub(super) fn parse(text: &str) -> Result<File, String> {
    let table = toml::de::DeTable::parse(text).map_err(|error| unquoted(text, &error))?;
    keys::check(table.get_ref())
        .map_err(|unknown| format!("{}: {}", line_of(text, unknown.at), unknown.message))?;
    let toml = toml::Deserializer::parse(text).map_err(|error| located(text, &error))?;
    let file: File = serde_path_to_error::deserialize(toml).map_err(|error| {
        let key = error.path().to_string();
        let line = line_of(text, error.inner().span().map_or(0, |span| span.start));
        format!("{line}: `{key}`: {}", error.inner().message())
    })?;
    Ok(File { text: text.to_owned(), ..file })
}

fn unreadable(path: &Path, error: &std::io::Error) -> String {
    format!("cannot read the settings file {}: {error}", path.display())
}

fn located(text: &str, error: &toml::de::Error) -> String {
    let line = line_of(text, error.span().map_or(0, |span| span.start));
    format!("{line}: {}", error.message())
}

/// What cannot be read at all is a text without quotes, most of the time.
fn unquoted(text: &str, error: &toml::de::Error) -> String {
    let told = located(text, error);
    let at = error.span().map_or(0, |span| span.start).min(text.len());
    let line = text.lines().nth(line_of(text, at) - 1).unwrap_or_default();
    match line.split_once('=').map(|(key, value)| (key.trim(), value.trim())) {
        Some((key, value)) if !value.is_empty() && !value.starts_with(['"', '\'', '[', '{', '#']) => {
            format!("{told}; a text stands in quotes: {key} = \"{value}\"")
        }
        _ => told,
    }
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count()
}

impl File {
    /// The same file with other values in it.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(super) fn with_values(text: &str, values: toml::Table, folder: &Path) -> Result<Self, String> {
        let mut file = Self::deserialize(values).map_err(|error| error.message().to_owned())?;
        file.anchor(folder);
        Ok(Self { text: text.to_owned(), ..file })
    }

    /// The line on which a key stands, if it does.
    pub(crate) fn line_of(&self, key: &[&str]) -> Option<usize> {
        let table = toml::de::DeTable::parse(&self.text).ok()?;
        keys::find(table.get_ref(), key).map(|at| line_of(&self.text, at))
    }

    /// Paths in the file are meant from the file's folder; `~/` is the home folder, as in a shell.
    fn anchor(&mut self, folder: &Path) {
        let home = etcetera::home_dir().ok();
        let anchor = |path: &mut PathBuf| {
            if path.as_os_str() == "-" {
                return;
            }
            match (path.strip_prefix("~"), &home) {
                (Ok(rest), Some(home)) => *path = home.join(rest),
                _ => *path = folder.join(&*path),
            }
        };
        let files = [
            &mut self.http.token_file,
            &mut self.auth.token_file,
            &mut self.airline.token_file,
            &mut self.airline.refresh_token_file,
            &mut self.airline.refresh_extra_file,
        ];
        let folders = [&mut self.runtime_dir, &mut self.data_dir, &mut self.javascript.node];
        files.into_iter().chain(folders).flatten().for_each(anchor);
        self.plugin_dirs.iter_mut().flatten().for_each(anchor);
        if let Some(Address::Unix(path)) = &mut self.listen {
            anchor(path);
        }
    }
}
