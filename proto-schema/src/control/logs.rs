//! Log records, as operators ask for them and as they stand in the files.
//!
//! Part of the control API's words; re-exported by [`super`].

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::context::logger::LogLevel;
use crate::id::PluginId;

/// Which log records are wanted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct LogsParams {
    /// One plugin; all of them, and the supervisor itself, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<PluginId>,
    /// How many of the latest records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<u32>,
    /// This level and above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<LogLevel>,
    /// Exactly this tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Records whose message contains this text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contains: Option<String>,
    /// Records of this moment and later, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Records of this moment and earlier, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// One log record, as it stands in the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct LogRecord {
    /// When the supervisor had it, RFC 3339.
    pub time: String,
    /// How much it matters.
    pub level: LogLevel,
    /// Whose it is; null for the supervisor's own.
    pub plugin: Option<String>,
    /// Which process of the plugin wrote it.
    pub generation: u64,
    /// Where it came from.
    pub source: LogSource,
    /// Which part of the plugin speaks.
    pub tag: String,
    /// What it says. Control characters are escaped.
    pub message: String,
    /// Anything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extra: Option<Value>,
}

/// Where a log record came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum LogSource {
    /// `ctx.logger`.
    Logger,
    /// A line on standard output that was not a message.
    Stdout,
    /// A line on standard error.
    Stderr,
    /// The supervisor, about the plugin.
    Supervisor,
}
