//! The control API: what an operator may ask of a running supervisor, and what is answered.
//!
//! The gateway serves these methods on the control socket, the CLI calls them. The types are shared so that neither can
//! drift from the other. Must not know the transport.

mod access;
mod keeping;
mod logs;

use std::collections::BTreeMap;

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::id::{Channel, ConfigKey, PluginId};

pub use access::{AirlineSetParams, AirlineStatus, AuthSetParams, AuthStatus, RefreshBody, RefreshFormat};
pub use keeping::{
    BackupParams, BackupReport, DataFile, DataReport, DataUse, LogLevelParams, LogLevelReport,
};
pub use logs::{LogRecord, LogSource, LogsParams};

/// Names of the control methods. Parameters are one object (`ParamKind::Map` in JSON-RPC words).
pub mod method {
    /// `{id?}` → [`super::StatusReport`].
    pub const STATUS: &str = "status";
    /// [`super::PluginParams`] → [`super::PluginStatus`]; answered when the plugin runs, or when it is clear that it will not.
    pub const START: &str = "start";
    /// [`super::PluginParams`] → [`super::PluginStatus`]; answered when nothing of the plugin is left running.
    pub const STOP: &str = "stop";
    /// [`super::PluginParams`] → [`super::PluginStatus`].
    pub const RESTART: &str = "restart";
    /// [`super::PluginParams`] → [`super::PluginStatus`]; remembered over restarts of the supervisor.
    pub const ENABLE: &str = "enable";
    /// [`super::PluginParams`] → [`super::PluginStatus`]; remembered over restarts of the supervisor.
    pub const DISABLE: &str = "disable";
    /// `{}` → [`super::RescanReport`].
    pub const RESCAN: &str = "rescan";
    /// [`super::PluginParams`] → [`super::WhyReport`].
    pub const WHY: &str = "why";
    /// [`super::LogsParams`] → `Vec<`[`super::LogRecord`]`>`, oldest first.
    pub const LOGS: &str = "logs";
    /// Subscription over [`super::LogsParams`]; each item is a [`super::LogRecord`].
    pub const LOGS_SUBSCRIBE: &str = "logs.subscribe";
    /// Name of the notifications of [`LOGS_SUBSCRIBE`].
    pub const LOGS_RECORD: &str = "logs.record";
    /// Ends [`LOGS_SUBSCRIBE`].
    pub const LOGS_UNSUBSCRIBE: &str = "logs.unsubscribe";
    /// [`super::PluginParams`]; each item is a [`super::BusEvent`].
    pub const EVENTS_SUBSCRIBE: &str = "events.subscribe";
    /// Name of the notifications of [`EVENTS_SUBSCRIBE`].
    pub const EVENTS_EVENT: &str = "events.event";
    /// Ends [`EVENTS_SUBSCRIBE`].
    pub const EVENTS_UNSUBSCRIBE: &str = "events.unsubscribe";
    /// `{}`; each item is a [`super::HostEvent`].
    pub const HOST_SUBSCRIBE: &str = "host.subscribe";
    /// Name of the notifications of [`HOST_SUBSCRIBE`].
    pub const HOST_EVENT: &str = "host.event";
    /// Ends [`HOST_SUBSCRIBE`].
    pub const HOST_UNSUBSCRIBE: &str = "host.unsubscribe";
    /// [`super::ConfigKeyParams`] → [`super::ConfigEntry`], or `not_found`.
    pub const CONFIG_GET: &str = "config.get";
    /// [`super::ConfigSetParams`] → `{}`; answered when the value is on disk.
    pub const CONFIG_SET: &str = "config.set";
    /// [`super::ConfigKeyParams`] → `{deleted}`.
    pub const CONFIG_DELETE: &str = "config.delete";
    /// [`super::PluginParams`] → `Vec<`[`super::ConfigEntry`]`>`.
    pub const CONFIG_LIST: &str = "config.list";
    /// [`super::PluginParams`] → a document `{version: 1, plugins: {<id>: {<key>: value}}}` with what was set, and no defaults.
    pub const CONFIG_EXPORT: &str = "config.export";
    /// `{id, document}`, the document as from [`CONFIG_EXPORT`] → `{imported}`, how many keys; all of it is on disk, or none.
    pub const CONFIG_IMPORT: &str = "config.import";
    /// [`super::PluginParams`] → [`super::DataReport`].
    pub const DATABASES: &str = "databases";
    /// [`super::BackupParams`] → [`super::BackupReport`]; answered when the backup is on disk, complete and under its name.
    pub const BACKUP: &str = "backup";
    /// [`super::PluginParams`] → [`super::LogLevelReport`].
    pub const LOGS_LEVEL: &str = "logs.level";
    /// [`super::LogLevelParams`] → [`super::LogLevelReport`]; holds until the supervisor ends.
    pub const LOGS_LEVEL_SET: &str = "logs.level.set";
    /// [`super::AuthSetParams`] → [`super::AuthStatus`].
    pub const AUTH_SET: &str = "auth.set";
    /// `{}` → [`super::AuthStatus`].
    pub const AUTH_CLEAR: &str = "auth.clear";
    /// `{}` → [`super::AuthStatus`].
    pub const AUTH_STATUS: &str = "auth.status";
    /// [`super::AirlineSetParams`] → [`super::AirlineStatus`].
    pub const AIRLINE_SET: &str = "airline.set";
    /// `{}` → [`super::AirlineStatus`].
    pub const AIRLINE_CLEAR: &str = "airline.clear";
    /// `{}` → [`super::AirlineStatus`].
    pub const AIRLINE_STATUS: &str = "airline.status";
    /// [`super::InvokeParams`] → whatever the plugin answers.
    pub const INVOKE: &str = "ipc.invoke";
}

/// Parameters that name a plugin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct PluginParams {
    /// Which plugin.
    pub id: PluginId,
}

/// Parameters of `status`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
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

/// Parameters that name a config key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct ConfigKeyParams {
    /// Which plugin.
    pub id: PluginId,
    /// Which key.
    pub key: ConfigKey,
}

/// Parameters of `config.set`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct ConfigSetParams {
    /// Which plugin.
    pub id: PluginId,
    /// Which key.
    pub key: ConfigKey,
    /// Any JSON, as text: no number loses a digit.
    #[cfg_attr(feature = "schema", schemars(with = "Value"))]
    pub value: Box<RawValue>,
}

/// One key of a plugin's configuration.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct ConfigEntry {
    /// The key.
    pub key: String,
    /// What `config.get` answers, as it is kept.
    #[cfg_attr(feature = "schema", schemars(with = "Value"))]
    pub value: Box<RawValue>,
    /// Where the value comes from.
    pub source: ConfigSource,
    /// The manifest's default, where it declares one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// `user` or `airline`, where the manifest declares the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<crate::settings::SettingScope>,
}

/// Where a config value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ConfigSource {
    /// It was set.
    Stored,
    /// The manifest declares it.
    Default,
}

/// Parameters of `ipc.invoke`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct InvokeParams {
    /// Which plugin.
    pub id: PluginId,
    /// Which channel.
    pub channel: Channel,
    /// The arguments, in order.
    #[serde(default)]
    pub args: Vec<Value>,
    /// How long to wait, in milliseconds; the setting for host calls when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
}

/// An event that a plugin pushed to its UIs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct BusEvent {
    /// Whose it is.
    pub plugin: PluginId,
    /// The leaf name of the channel.
    pub channel: Channel,
    /// Any JSON.
    pub payload: Value,
    /// Present where the value was kept and is told again: which process of the plugin had sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replayed: Option<u64>,
}

/// Something that the host application may want to act upon.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(tag = "type", rename_all_fields = "camelCase")]
pub enum HostEvent {
    /// A plugin's state changed.
    #[serde(rename = "plugin.state")]
    PluginState {
        /// The plugin as it is now.
        status: Box<PluginStatus>,
    },
    /// A refresh was refused or cannot be tried: the user has to sign in again.
    #[serde(rename = "auth.required")]
    AuthRequired {
        /// Why, a sentence without secrets.
        reason: String,
    },
    /// Somebody signed in or out. The token itself is nobody's who listens.
    #[serde(rename = "auth.changed")]
    AuthChanged {
        /// Whether somebody is signed in now.
        authenticated: bool,
    },
    /// Another airline is bound, or none.
    #[serde(rename = "airline.changed")]
    AirlineChanged {
        /// Which; null: none.
        airline: Option<crate::context::airline::AirlineName>,
    },
    /// A plugin's data folder has come near its quota, or over it.
    #[serde(rename = "database.quota")]
    DatabaseQuota {
        /// Whose it is.
        plugin: PluginId,
        /// What the folder holds.
        bytes: u64,
        /// What it may hold.
        quota: u64,
        /// Whether it holds as much as it may: no new database is granted, and those that are there may not grow.
        full: bool,
    },
    /// Something is amiss with the supervisor itself, or is no longer.
    #[serde(rename = "host.trouble")]
    Trouble {
        /// The stable word of [`Trouble::kind`].
        kind: String,
        /// What is wrong and what to do, a sentence; null: it is over.
        says: Option<String>,
    },
    /// Events were lost because this subscriber was too slow.
    #[serde(rename = "lost")]
    Lost {
        /// How many.
        count: u64,
    },
}
