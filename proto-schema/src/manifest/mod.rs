//! `plugin.json`: what a plugin says of itself. Text in, a [`Manifest`] or one clear error out.
//!
//! Called by discovery and by `outboard check`. Knows both forms of the original shell's manifest and our own `run` key;
//! must not touch the file system: whether the files that it names exist is discovery's question.

mod dev;
mod keys;
mod mistakes;
mod provided;
mod read;
mod run;
mod size;

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

pub use dev::Dev;
pub use mistakes::mistakes;
pub use provided::{Provided, SERVICE_PREFIXES_MAX, check_prefixes};
pub use read::{DEV_IGNORED, FOR_THE_STORE, ManifestError, parse};
pub use run::{Background, Http, HttpListen, Limits, Run, RunProtocol, Wire};
pub use size::{SIZE_RULE, bytes_of};

use crate::id::PluginId;
use crate::settings::Setting;

/// Name of the manifest file in a plugin's folder.
pub const FILE_NAME: &str = "plugin.json";

/// Largest manifest that is read, in bytes.
pub const MANIFEST_MAX: usize = 1024 * 1024;

/// The newer form's background module, relative to the plugin's folder: its existence alone declares it.
pub const BACKGROUND_ENTRY: &str = "background/index.js";

/// The UI module, relative to the plugin's folder.
pub const UI_ENTRY: &str = "ui/index.js";

/// A plugin's manifest.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Manifest {
    /// The plugin's id.
    pub id: PluginId,
    /// What people see.
    pub name: String,
    /// The plugin's version, by the rules of semantic versioning.
    pub version: semver::Version,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The older form's declaration of a background module.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub background: Option<Background>,
    /// Our own key: how to run a plugin in any language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<Run>,
    /// The services that it would provide, if nobody else does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub provides: Vec<Provided>,
    /// Which descriptors the protocol uses.
    #[serde(default)]
    pub wire: Wire,
    /// How the plugin serves HTTP.
    #[serde(default)]
    pub http: Http,
    /// What the plugin's processes may use at most.
    #[serde(default)]
    pub limits: Limits,
    /// What a user may set.
    #[serde(rename = "availableSettings", default, skip_serializing_if = "Vec::is_empty")]
    pub available_settings: Vec<Setting>,
    /// How it is built and watched while it is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dev: Option<Dev>,
    /// Keys that we do not know or do not need, kept as they are.
    #[serde(flatten)]
    pub other: Map<String, Value>,
    /// What is amiss and not fatal, a sentence each.
    #[serde(skip)]
    pub warnings: Vec<String>,
    /// Those of the warnings that are about keys which seem to be misspelt: an author means something by them.
    #[serde(skip)]
    pub misspelt: Vec<String>,
}

impl Manifest {
    /// Whether the program speaks the protocol of this crate; else it is an unmodified HTTP server.
    pub fn speaks_the_protocol(&self) -> bool {
        self.run.as_ref().is_none_or(|run| run.protocol == RunProtocol::Outboard)
    }
}
