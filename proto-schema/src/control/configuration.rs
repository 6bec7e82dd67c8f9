//! Plugins' configuration, as operators read and write it.
//!
//! Part of the control API's types; re-exported by [`super`]. Must not know where values are kept.

use std::collections::BTreeMap;

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::id::{ConfigKey, PluginId};

/// Parameters that name a config key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ConfigKeyParams {
    /// Which plugin.
    pub id: PluginId,
    /// Which key.
    pub key: ConfigKey,
}

/// Parameters of `config.set`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ConfigSetParams {
    /// Which plugin.
    pub id: PluginId,
    /// Which key.
    pub key: ConfigKey,
    /// Any JSON. It is kept as it is written, so that no number loses a digit.
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

/// What was set for some plugins, as a document. Keys that an import does not name are left as they are.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ConfigDocument {
    /// 1.
    pub version: u32,
    /// Every key that was set with its value, by plugin.
    #[cfg_attr(feature = "schema", schemars(with = "BTreeMap<String, BTreeMap<String, Value>>"))]
    pub plugins: BTreeMap<PluginId, BTreeMap<ConfigKey, Box<RawValue>>>,
}

/// Parameters of `config.import`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ConfigImportParams {
    /// Which plugin; the document may hold no other.
    pub id: PluginId,
    /// What is to be set, as `config.export` answers it.
    pub document: ConfigDocument,
}

/// What an import came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct ConfigImportReport {
    /// How many keys were set.
    pub imported: u64,
}
