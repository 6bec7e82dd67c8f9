//! Finds plugins on disk: folders in, values out. A broken plugin is a value as well, with its reason.
//!
//! Called by the supervisor at start and at each rescan, and by `outboard check`. Reads only; must not know whether
//! any plugin runs.

mod folder;
mod watcher;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use outboard_protocol::PluginId;
use outboard_protocol::manifest::Manifest;

pub use folder::read_folder;
pub(crate) use watcher::Watcher;

/// Most folders that are looked at in one plugins folder; beyond is a mistake, not a collection of plugins.
const FOLDERS_MAX: usize = 4096;

/// A plugin as it is installed.
#[derive(Debug, Clone, PartialEq)]
pub struct Installed {
    /// Its manifest.
    pub manifest: Manifest,
    /// The folder with `plugin.json`, absolute.
    pub folder: PathBuf,
    /// What is run.
    pub program: Program,
    /// The manifest's text, to notice any change of it.
    pub text: Vec<u8>,
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

/// A folder that is no usable plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// The folder.
    pub folder: PathBuf,
    /// The file and line at fault, and what is wrong with it: one sentence.
    pub reason: String,
}

impl Invalid {
    /// Whether several folders claim one id, so that none may run.
    pub(crate) fn is_ambiguous(&self) -> bool {
        self.reason.contains(TWICE)
    }
}

/// What lies in the plugin folders.
#[derive(Debug, Clone, PartialEq)]
pub struct Findings {
    /// Usable plugins.
    pub installed: BTreeMap<PluginId, Installed>,
    /// Unusable ones, by the name under which they are shown: their id where that much is known, else the folder's name.
    pub invalid: BTreeMap<String, Invalid>,
    /// Whether every plugins folder could be read. Where one could not, a plugin that was not found may be there all the same.
    pub complete: bool,
}

/// Looks through the plugin folders. A folder that does not exist holds no plugins.
pub fn scan(plugin_dirs: &[PathBuf]) -> Findings {
    let mut findings = Findings { installed: BTreeMap::new(), invalid: BTreeMap::new(), complete: true };
    for dir in plugin_dirs {
        match candidates(dir) {
            Ok(folders) => folders.iter().for_each(|folder| findings.add(folder, read_folder(folder))),
            Err(reason) => {
                findings.complete = false;
                findings.invalid.insert(dir.display().to_string(), Invalid { folder: dir.clone(), reason });
            }
        }
    }
    findings
}

impl Findings {
    fn add(&mut self, folder: &Path, read: Result<Installed, String>) {
        match read {
            Ok(installed) => self.add_installed(installed),
            Err(reason) => {
                let name = folder
                    .file_name()
                    .map_or_else(|| folder.display().to_string(), |n| n.to_string_lossy().into());
                self.add_invalid(name, Invalid { folder: folder.to_owned(), reason });
            }
        }
    }

    /// Each is shown: one whose name is taken by another goes by its path.
    fn add_invalid(&mut self, name: String, invalid: Invalid) {
        let taken = self.invalid.contains_key(&name);
        let name = if taken { invalid.folder.display().to_string() } else { name };
        self.invalid.insert(name, invalid);
    }

    fn add_installed(&mut self, installed: Installed) {
        let id = installed.id().clone();
        if let Some(known) = self.invalid.get_mut(id.as_str()).filter(|known| known.is_ambiguous()) {
            known.reason = format!("{}, {}", known.reason, installed.folder.display());
            return;
        }
        match self.installed.remove(&id) {
            None => {
                self.installed.insert(id, installed);
            }
            // Which of the two is meant is not ours to guess.
            Some(first) => {
                let reason = format!(
                    "the id {id} {TWICE}: {}, {}",
                    first.folder.display(),
                    installed.folder.display()
                );
                let ambiguous = Invalid { folder: first.folder, reason };
                // The name is this one's, so that a third folder with the id is known again.
                if let Some(other) = self.invalid.insert(id.to_string(), ambiguous) {
                    self.invalid.insert(other.folder.display().to_string(), other);
                }
            }
        }
    }
}

/// How the reason for refusing two folders with one id begins.
const TWICE: &str = "is that of several folders, and none of them is run; remove or rename all but one";

fn candidates(dir: &Path) -> Result<Vec<PathBuf>, String> {
    let unreadable = |error: std::io::Error| format!("{} cannot be read: {error}", dir.display());
    let absolute = std::path::absolute(dir).map_err(unreadable)?;
    // Only what certainly does not exist counts as empty: a disk that fails has not lost its plugins.
    if !absolute.try_exists().map_err(unreadable)? {
        return Ok(Vec::new());
    }
    let dir = absolute.canonicalize().map_err(unreadable)?;
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(&dir).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        // One that cannot be looked at may be a plugin; reading it says what is wrong.
        let may_be_folder = std::fs::metadata(&path)
            .map_or_else(|error| error.kind() != std::io::ErrorKind::NotFound, |found| found.is_dir());
        if may_be_folder && !hidden && path.file_name().is_none_or(|name| name != "node_modules") {
            folders.push(path);
        }
        if folders.len() > FOLDERS_MAX {
            return Err(format!(
                "{} holds more than {FOLDERS_MAX} folders; name the plugins' own folder",
                dir.display()
            ));
        }
    }
    folders.sort_unstable();
    Ok(folders)
}
