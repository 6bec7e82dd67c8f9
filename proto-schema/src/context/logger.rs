//! `ctx.logger`: structured log records from a plugin.

use std::borrow::Cow;

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// How much a record matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// For the plugin's developer.
    Debug,
    /// What happens in good order.
    Info,
    /// Something is off, and the plugin goes on.
    Warn,
    /// Something failed.
    Error,
}

impl LogLevel {
    /// Every level, least first.
    pub const ALL: [LogLevel; 4] = [LogLevel::Debug, LogLevel::Info, LogLevel::Warn, LogLevel::Error];

    /// The level's word, as on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            LogLevel::Debug => "debug",
            LogLevel::Info => "info",
            LogLevel::Warn => "warn",
            LogLevel::Error => "error",
        }
    }
}

impl std::fmt::Display for LogLevel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.word())
    }
}

impl std::str::FromStr for LogLevel {
    type Err = String;
    fn from_str(word: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|level| level.word() == word)
            .ok_or_else(|| format!("{word:?} is not a log level; use debug, info, warn or error"))
    }
}

/// Parameters of the notification `log`. Nothing is answered; a record that breaks a limit is cut, never refused.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct LogParams<'a> {
    /// How much it matters.
    pub level: LogLevel,
    /// Which part of the plugin speaks.
    #[serde(borrow, default)]
    pub tag: Cow<'a, str>,
    /// What it says.
    #[serde(borrow, default)]
    pub message: Cow<'a, str>,
    /// Anything else, as JSON. An error object has `name`, `message` and `stack`.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<serde_json::Value>"))]
    pub extra: Option<&'a RawValue>,
}
