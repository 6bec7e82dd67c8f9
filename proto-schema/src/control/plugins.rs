//! The supervisor and its plugins, as operators see them: what each does, and why.
//!
//! Part of the control API's types; re-exported by [`super`]. Must not know how any of it comes about.

use std::collections::BTreeMap;

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DataUse, ServiceStatus};
use crate::id::PluginId;

/// Parameters that name a plugin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PluginParams {
    /// Which plugin.
    pub id: PluginId,
}

/// Parameters of `status`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct StatusParams {
    /// One plugin; all of them when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<PluginId>,
}

/// The supervisor and its plugins at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct StatusReport {
    /// The address that people reach, `ADDR:PORT`, with the real port.
    pub listen: String,
    /// The origin at which the operator's pages are, such as `http://outboard.localhost:2066`; null where browsers are served none.
    #[serde(default)]
    pub pages: Option<String>,
    /// Whether all plugins' pages share one origin (`isolate_origins = false`).
    #[serde(default)]
    pub shared_origin: bool,
    /// The supervisor's process.
    pub pid: u32,
    /// The keeper above it, if there is one.
    pub keeper_pid: Option<u32>,
    /// The product's version.
    pub version: String,
    /// When it started, RFC 3339.
    pub since: String,
    /// Where it keeps what must last.
    pub data_dir: String,
    /// The plugin folders, in the order in which they are read.
    pub plugin_dirs: Vec<String>,
    /// Whether plugins are held back until a host signs in.
    #[serde(default)]
    pub waiting_for_sign_in: bool,
    /// What is amiss with the supervisor itself, and with no plugin; empty while all is well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub troubles: Vec<Trouble>,
    /// How many log records were not kept since it started: the disk refused them, or they came too fast.
    #[serde(default)]
    pub log_records_dropped: u64,
    /// The plugins, by id.
    pub plugins: Vec<PluginStatus>,
    /// The services that are provided, wanted or chosen, by name.
    #[serde(default)]
    pub services: Vec<ServiceStatus>,
}

/// Something that is amiss with the supervisor itself: a file that is gone, a folder that was removed, a shortage of the machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Trouble {
    /// A stable word for programs, such as `state-file`, `log-files`, `runtime-folder`.
    pub kind: String,
    /// What is wrong and what to do, a sentence.
    pub says: String,
}

/// One plugin at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PluginStatus {
    /// Its id; of an invalid plugin, the name of its folder.
    pub id: String,
    /// The name that people see.
    pub name: String,
    /// The installed version; empty where the manifest cannot be read.
    pub version: String,
    /// Its folder.
    pub install_dir: String,
    /// What it does.
    pub state: PluginState,
    /// The phase within starting and stopping; else null.
    pub phase: Option<String>,
    /// Why it is in this state, a sentence; null where there is nothing to explain.
    pub cause: Option<String>,
    /// The stable word of the cause of an errored plugin, such as `crash-loop`; `ui-only` for a plugin that has a UI and nothing to run;
    /// else null.
    pub cause_code: Option<String>,
    /// The plugin's process; null while there is none.
    pub pid: Option<u32>,
    /// How many processes it has had since the supervisor started.
    pub generation: u64,
    /// How many of them were started after an unexpected exit.
    pub restarts: u64,
    /// The prefixes below which it answers HTTP.
    pub routes: Vec<String>,
    /// The address at which a browser on this machine shows its UI; null where it has none, or where browsers are served no pages.
    #[serde(default)]
    pub ui: Option<String>,
    /// When the present state began, RFC 3339.
    pub since: String,
    /// Whether an operator wants it up.
    pub desired: Desired,
    /// False: disabled by an operator, and not started with the supervisor.
    pub enabled: bool,
    /// What is amiss with its manifest and not fatal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Its databases, once it has opened one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<DataUse>,
}

/// The cause code of a plugin that has a UI and nothing to run.
pub const UI_ONLY: &str = "ui-only";

impl PluginStatus {
    /// Its state in a word for people: a plugin that has a UI alone is not stopped, since nothing of it was ever to run.
    pub fn shown_state(&self) -> &'static str {
        if self.state == PluginState::Stopped && self.cause_code.as_deref() == Some(UI_ONLY) {
            UI_ONLY
        } else {
            self.state.name()
        }
    }
}

/// What a plugin does at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum PluginState {
    /// It has no process, and none is wanted.
    Stopped,
    /// A process is on its way up.
    Starting,
    /// It serves.
    Running,
    /// A process is on its way down.
    Stopping,
    /// It failed, and the next try waits.
    BackingOff,
    /// It was given up: somebody has to do something.
    Errored,
    /// Its folder cannot be used as it is.
    Invalid,
}

impl PluginState {
    /// The stable word, as it is on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::BackingOff => "backing-off",
            Self::Errored => "errored",
            Self::Invalid => "invalid",
        }
    }
}

impl std::fmt::Display for PluginState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// What an operator wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Desired {
    /// It ought to run.
    Up,
    /// It ought not.
    Down,
}

/// What a rescan found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct RescanReport {
    /// New plugins, by id.
    pub added: Vec<String>,
    /// Plugins whose folder is gone.
    pub removed: Vec<String>,
    /// Plugins whose version or manifest changed.
    pub changed: Vec<String>,
    /// Folders that cannot be used, with the reason.
    pub invalid: BTreeMap<String, String>,
}

/// Why a plugin is as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct WhyReport {
    /// The plugin now.
    pub status: PluginStatus,
    /// What happened, latest first.
    pub history: Vec<ExitRecord>,
}

/// One end of a process, and what was decided upon it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ExitRecord {
    /// When, RFC 3339.
    pub at: String,
    /// Which process, counted from 1.
    pub generation: u64,
    /// Its pid; null when it could not be spawned.
    pub pid: Option<u32>,
    /// The state or phase in which it ended.
    pub phase: String,
    /// How it ended, in words: `killed by SIGKILL`, `exited with code 3`, `cannot spawn: …`.
    pub ended: String,
    /// The exit code, where it exited.
    pub exit_code: Option<i32>,
    /// The signal's name, where a signal ended it.
    pub signal: Option<String>,
    /// Whether it left a core dump.
    pub core_dumped: bool,
    /// What to try, where it is a mistake that is often made; null for most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
    /// What belongs to it and takes several lines, such as the stack of a start that failed; null for most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// How long it ran, in milliseconds.
    pub uptime_ms: u64,
    /// What was decided, in words: `restart at once`, `restart in 500 ms`, `errored: …`.
    pub decision: String,
    /// The last lines of its standard error, oldest first.
    pub stderr: Vec<String>,
    /// The calls that were in flight, by name.
    pub in_flight: Vec<String>,
}
