//! `ctx.config`: a plugin's own durable key-value store. A plugin can name only its own keys: identity comes from the
//! pipe, so no parameter here says whose configuration is meant.
//!
//! Where a value is any JSON, its type is a parameter: a plugin reads a [`Value`] or what it likes, and the host passes on the text
//! as it came (`&RawValue`), so that no number loses a digit.

use std::collections::BTreeMap;

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::id::ConfigKey;

/// Parameters of `config.get`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(rename = "ConfigGetParams"))]
#[serde(bound(deserialize = "V: Deserialize<'de>"))]
pub struct GetParams<V = Value> {
    /// The key to read.
    pub key: ConfigKey,
    /// What to answer when nothing was set and the manifest declares no default.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub default: Option<V>,
}

/// Answer to `config.get`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(rename = "ConfigGetResult"))]
pub struct GetResult<V = Value> {
    /// The value; null when there is none.
    pub value: V,
    /// Whether a value was set, or is declared by the manifest. False: `value` is the caller's default, or null.
    pub found: bool,
}

/// Parameters of `config.set`. Answered when the value is on disk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(rename = "ConfigSetParams"))]
pub struct SetParams<V = Value> {
    /// The key to write.
    pub key: ConfigKey,
    /// Its new value, any JSON.
    pub value: V,
}

/// Parameters of `config.delete`. Answered when the deletion is on disk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(rename = "ConfigDeleteParams"))]
pub struct DeleteParams {
    /// The key to forget.
    pub key: ConfigKey,
}

/// Answer to `config.delete`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(rename = "ConfigDeleteResult"))]
pub struct DeleteResult {
    /// Whether there was a value.
    pub deleted: bool,
}

/// Answer to `config.getAll`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(rename = "ConfigGetAllResult"))]
pub struct GetAllResult<V = BTreeMap<String, Value>> {
    /// Every key with its value: those that were set, and the manifest's defaults for the others.
    pub values: V,
}

/// Parameters of the notification `config.changed`, sent to the plugin and to its UIs after a change is on disk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema), schemars(rename = "ConfigChangedParams"))]
pub struct ChangedParams {
    /// The key that changed.
    pub key: ConfigKey,
    /// What `config.get` answers from now on; null when there is nothing left.
    pub value: Value,
    /// Whether the stored value was deleted (`value` is then the manifest's default, or null).
    #[serde(default)]
    pub deleted: bool,
}

/// Keeps the difference between a member that is null and one that is absent.
fn present<'de, V: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<V>, D::Error> {
    V::deserialize(deserializer).map(Some)
}
