//! What plugins keep, as operators see it: data folders, backups, and how much of a log is kept.
//!
//! Part of the control API's types. Must not know how any of it is kept.

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::context::logger::LogLevel;
use crate::id::PluginId;

/// What a plugin opened, and how much its data folder holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct DataUse {
    /// Names of the database files that it was granted since the supervisor started.
    pub opened: Vec<String>,
    /// Bytes in its data folder, as last measured.
    pub bytes: u64,
    /// How many it may have.
    pub quota: u64,
}

/// A plugin's data folder, measured now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct DataReport {
    /// Where it is; it need not exist.
    pub folder: String,
    /// The plain files in it, by name.
    pub files: Vec<DataFile>,
    /// What the plugin opened, and how much there is.
    #[serde(rename = "use")]
    pub usage: DataUse,
}

/// A file of a data folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct DataFile {
    /// Its name in the folder.
    pub name: String,
    /// Its length.
    pub bytes: u64,
}

/// Parameters of `backup`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BackupParams {
    /// The archive that is made, plain tar; an absolute path at which there is nothing yet.
    pub file: String,
}

/// A backup that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct BackupReport {
    /// Where it is.
    pub file: String,
    /// The databases in it, as paths in the archive.
    pub files: Vec<String>,
    /// Its length.
    pub bytes: u64,
    /// Databases of plugins that could not be copied, each with the reason.
    pub skipped: Vec<String>,
}

/// Parameters of `logs.level.set`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LogLevelParams {
    /// Which plugin.
    pub id: PluginId,
    /// Its least level from now on; null or absent: the common one again.
    #[serde(default)]
    pub level: Option<LogLevel>,
}

/// The least level that is kept of a plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct LogLevelReport {
    /// The level.
    pub level: LogLevel,
    /// Whether it is the plugin's own, and not the common one.
    pub own: bool,
}
