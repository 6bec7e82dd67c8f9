//! Finds plugins on disk: folders in, values out. A broken plugin is a value as well, with its reason.
//!
//! Called by the supervisor at start and at each rescan, and by `outboard check`. Reads only; must not know whether
//! any plugin runs.

mod findings;
mod folder;
mod openness;
mod readings;
mod scan;
mod scanning;
mod stamp;
mod watcher;

use std::path::PathBuf;

use outboard_protocol::PluginId;
use outboard_protocol::manifest::Manifest;

pub use findings::{Findings, Invalid};
pub use folder::{mistakes_in, read_folder};
pub use openness::open_to_others;
pub(crate) use readings::Readings;
pub(crate) use scan::Told;
pub use scan::find;
pub(crate) use scanning::{Next, Scanning};
pub(crate) use stamp::stamp;

/// A plugin as it is installed.
#[derive(Debug, Clone, PartialEq)]
pub struct Installed {
    /// Its manifest.
    pub manifest: Manifest,
    /// The folder with `plugin.json`, absolute.
    pub folder: PathBuf,
    /// What is run.
    pub program: Program,
    /// Whether it has a UI.
    pub has_ui: bool,
    /// What its UI's files are like: another number, another UI.
    pub(crate) ui_stamp: u64,
    /// The manifest's text, to notice any change of it.
    pub text: Vec<u8>,
    /// What the folder is like, where that was asked for.
    pub(crate) stamp: Option<u64>,
}

impl Installed {
    /// The plugin's id.
    pub fn id(&self) -> &PluginId {
        &self.manifest.id
    }

    /// Whether a process of this would be one of the other: the same manifest, and the same program at the same place.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.text == other.text && self.program == other.program && self.folder == other.folder
    }

    /// Whether nobody could tell this from the other.
    pub(crate) fn looks_the_same(&self, other: &Self) -> bool {
        self.is_same(other)
            && self.has_ui == other.has_ui
            && self.ui_stamp == other.ui_stamp
            && self.manifest.warnings == other.manifest.warnings
    }

    /// The installed version, as in the manifest.
    pub fn version(&self) -> String {
        self.manifest.version.to_string()
    }
}

/// What is run for a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Program {
    /// `run.command`: the program and its arguments.
    Command(Vec<String>),
    /// A JavaScript or TypeScript module, absolute.
    Module(PathBuf),
    /// Nothing: the plugin has a UI alone.
    None,
}
