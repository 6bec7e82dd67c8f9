//! `availableSettings` of a manifest: what a user may set for a plugin, of which type, with which default.
//!
//! Read by the config service (defaults, validation) and by whoever shows a settings form. One entry that makes no sense
//! costs that entry alone; the reader of the manifest reports it as a warning.

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::id::ConfigKey;

/// One declared setting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Setting {
    /// The config key that it sets.
    pub key: ConfigKey,
    /// What people see.
    #[serde(default)]
    pub name: String,
    /// A longer explanation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What kind of value it takes.
    #[serde(rename = "type")]
    pub kind: SettingKind,
    /// Who sets it.
    #[serde(default)]
    pub scope: SettingScope,
    /// What `config.get` answers before anything was set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// Smallest number, for number and range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// Largest number, for number and range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// Step between numbers, for range; informative.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<f64>,
    /// The choices, for list and radio: plain values, or objects with a `value`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<Value>,
    /// A regular expression that a text must match, for text and longtext.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// Members that we do not know, kept for whoever does.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// What kind of value a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum SettingKind {
    /// true or false.
    Boolean,
    /// A line of text.
    Text,
    /// Text of several lines.
    Longtext,
    /// A number.
    Number,
    /// A number on a slider.
    Range,
    /// One of `options`, from a list.
    List,
    /// One of `options`, as radio buttons.
    Radio,
    /// A date, `YYYY-MM-DD` or RFC 3339.
    Date,
    /// Any JSON.
    Json,
}

/// Who sets a setting.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum SettingScope {
    /// The user, and the plugin itself.
    #[default]
    User,
    /// The airline; the plugin only reads it.
    Airline,
}
