//! The host's calls that carry a plugin through its life: initialize, start, resume, stop, ping.
//!
//! Made by the host, answered by every plugin. The order is fixed: `initialize` once, then `start` or `resume` once, then
//! `stop` at most once, and only to a plugin whose start succeeded.

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::PluginId;

/// Parameters of `initialize`, the first message of every session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct InitializeParams {
    /// Every protocol version that the host speaks; the plugin answers with one of them.
    pub protocol_versions: Vec<u32>,
    /// The host.
    pub host: HostInfo,
    /// The plugin, as the host knows it.
    pub plugin: PluginInfo,
    /// Where the plugin is reached over HTTP.
    pub http: HttpInfo,
    /// Optional abilities of the host. Unknown ones are ignored.
    #[serde(default)]
    pub features: Vec<String>,
}

/// Who runs the plugin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct HostInfo {
    /// Always `outboard`, unless another host speaks the protocol.
    pub name: String,
    /// The host's product version; informative.
    pub version: String,
}

/// What the host knows of the plugin that it started.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PluginInfo {
    /// The id from the manifest.
    pub id: PluginId,
    /// The version from the manifest.
    pub version: String,
    /// The folder that holds `plugin.json`; the process's working directory.
    pub install_dir: String,
    /// The plugin's own folder for what it keeps; made on first use by `database.open`, or by the plugin itself.
    pub data_dir: String,
}

/// Where the plugin is reached over HTTP.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct HttpInfo {
    /// Origin of the supervisor, without a slash at the end.
    pub base_url: String,
    /// The plugin's own prefix, `/api/<id>`.
    pub prefix: String,
}

/// Answer to `initialize`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct InitializeResult {
    /// The version that both speak from now on.
    pub protocol_version: u32,
    /// What the plugin was built with; informative.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sdk: Option<SdkInfo>,
    /// The hooks that the plugin has. `onResume` makes the host call `resume` after an update in place of `start`.
    #[serde(default)]
    pub hooks: Vec<Hook>,
    /// Optional abilities of the plugin; see [`features`]. Unknown ones are ignored.
    #[serde(default)]
    pub features: Vec<String>,
}

impl InitializeResult {
    /// Whether the plugin said that it has this hook.
    pub fn has_hook(&self, hook: Hook) -> bool {
        self.hooks.contains(&hook)
    }

    /// Whether the plugin said that it has this feature.
    pub fn has_feature(&self, feature: &str) -> bool {
        self.features.iter().any(|name| name == feature)
    }
}

/// The words that may stand in `features`.
pub mod features {
    /// Plugin: it serves HTTP below `/api/<id>` from the moment `start` is answered, without `server.register`.
    pub const HTTP: &str = "http";
}

/// A hook that a plugin may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum Hook {
    /// Runs at `start`.
    OnStart,
    /// Runs at `stop`.
    OnStop,
    /// Runs at `resume`, after an update.
    OnResume,
    /// A hook that this version does not know; ignored.
    #[serde(other)]
    #[cfg_attr(feature = "schema", schemars(skip))]
    Unknown,
}

/// What a plugin was built with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct SdkInfo {
    /// The SDK's name.
    pub name: String,
    /// The SDK's version.
    #[serde(default)]
    pub version: String,
    /// The plugin's language.
    #[serde(default)]
    pub language: String,
}

/// An empty object: parameters of a method that takes none, or the answer of one that gives none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Empty {}

/// Parameters of `resume`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ResumeParams {
    /// The version that ran before the update.
    pub from_version: String,
}

/// Parameters of `stop`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct StopParams {
    /// Why the plugin is stopped.
    pub reason: StopReason,
}

/// Why a plugin is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum StopReason {
    /// An operator stopped or disabled the plugin.
    Stopped,
    /// It is started again at once.
    Restart,
    /// Another version takes its place.
    Update,
    /// The plugin's folder is gone.
    Removed,
    /// The supervisor shuts down.
    Shutdown,
}
