//! The keys of a manifest that say how a plugin is run: types only.

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::size;

/// `"background": {"entryModule": "background/index.ts"}`, the older form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Background {
    /// The module, relative to the plugin's folder.
    pub entry_module: String,
}

/// `"run": {"command": ["./bin/plugin", "--flag"]}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Run {
    /// The program and its arguments. A program with a slash is looked up from the plugin's folder, one without on the PATH.
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    pub command: Vec<String>,
    /// What is spoken with the program.
    #[serde(default)]
    pub protocol: RunProtocol,
}

/// What is spoken with a program.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum RunProtocol {
    /// The protocol of docs/PROTOCOL.md.
    #[default]
    Outboard,
    /// Nothing: an unmodified HTTP server.
    None,
}

/// Which descriptors carry the protocol.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Wire {
    /// Standard input and output.
    #[default]
    Stdio,
    /// Descriptors 4 (in) and 5 (out); standard input is empty and standard output goes to the log.
    Fd,
}

/// How a plugin serves HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Http {
    /// Who binds the socket.
    #[serde(default)]
    pub listen: HttpListen,
    /// Whether the route's prefix is removed from the path before the plugin sees it.
    #[serde(default)]
    pub strip_prefix: bool,
    /// Whether a safe request may be sent once more, to the next process, when its process died before it answered.
    #[serde(default = "yes")]
    pub replay: bool,
    /// For a program with `run.protocol` `none`: the path that is asked for to see whether it is ready, and at each ping
    /// whether it is well; any status from 200 to 399 says so. Absent: that it can be connected to will do, so that a
    /// server that hangs is noticed when its queue of connections is full, and not before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(regex(pattern = "^/[!-~]*$")))]
    pub health: Option<String>,
}

impl Default for Http {
    fn default() -> Self {
        Self { listen: HttpListen::default(), strip_prefix: false, replay: true, health: None }
    }
}

fn yes() -> bool {
    true
}

/// Who binds the socket that a plugin serves HTTP on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum HttpListen {
    /// The supervisor; the plugin inherits it as descriptor 3.
    #[default]
    Fd,
    /// The plugin, at the path in `OUTBOARD_HTTP_SOCKET`.
    Path,
    /// The plugin, at the port of 127.0.0.1 in `PORT`: for a program with `run.protocol` `none` that can bind nothing else.
    Port,
}

/// What a plugin's processes may use at most. Absent: no limit of ours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Limits {
    /// Address space of each process, in bytes or as a text such as `"256MiB"`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "size::optional")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<size::Written>"))]
    pub memory: Option<u64>,
    /// Processes and threads of the plugin's user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processes: Option<u64>,
    /// Open descriptors of each process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_files: Option<u64>,
    /// Largest file that it may write, in bytes or as a text such as `"256MiB"`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "size::optional")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<size::Written>"))]
    pub file_size: Option<u64>,
    /// Processor time of each process, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_seconds: Option<u64>,
}
