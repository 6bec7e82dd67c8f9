//! From what was read in each folder to which plugins there are, and which folders are none: above all, whose an id is.
//!
//! Made by the supervisor after each scan, and by `outboard doctor`. Reads nothing itself.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use outboard_protocol::PluginId;

use super::Installed;
use super::readings::{Reading, Readings};

/// A folder that is not a usable plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// The folder.
    pub folder: PathBuf,
    /// The file and line at fault, and what is wrong with it: one sentence.
    pub reason: String,
    /// Since when it has been so.
    pub since: Timestamp,
}

impl Invalid {
    fn new(folder: PathBuf, reason: String) -> Self {
        Self { folder, reason, since: Timestamp::now() }
    }

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
    /// Folders whose file system said nothing. What is known of a plugin there is true still.
    pub(crate) silent: BTreeSet<PathBuf>,
    /// Whether every plugins folder could be listed. Where one could not, a plugin that was not found may be there all the same.
    pub complete: bool,
}

/// How the reason for refusing two folders with one id begins.
const TWICE: &str = "is used by several folders, so none of them is run; remove or rename all but one";

impl Findings {
    /// Judges the readings. `runs_in` tells in which folder a plugin runs that is not at rest: that one keeps its id, whoever
    /// else claims it.
    pub(crate) fn of(readings: Readings, runs_in: impl Fn(&PluginId) -> Option<PathBuf>) -> Self {
        let complete = readings.unlisted.is_empty();
        let (installed, invalid, silent) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        let mut findings = Self { installed, invalid, silent, complete };
        let mut newcomers = Vec::new();
        for (folder, reading) in readings.folders {
            match reading {
                Reading::Nothing => {}
                Reading::Unanswered(reason) => {
                    findings.add_invalid(named(&folder), Invalid::new(folder.clone(), reason));
                    findings.silent.insert(folder);
                }
                Reading::Read(read) => match *read {
                    Err(reason) => findings.add_invalid(named(&folder), Invalid::new(folder, reason)),
                    Ok(found) => match runs_in(found.id()).filter(|runs| *runs != found.folder) {
                        Some(runs) => newcomers.push((found, runs)),
                        None => findings.add_installed(found),
                    },
                },
            }
        }
        for (found, runs) in newcomers {
            findings.judge_newcomer(found, &runs);
        }
        for (dir, reason) in readings.unlisted {
            findings.invalid.insert(dir.display().to_string(), Invalid::new(dir, reason));
        }
        findings.tell_apart();
        findings
    }

    /// A folder with the id of a plugin that runs in another one. The one that runs goes on, as long as its folder holds it.
    fn judge_newcomer(&mut self, found: Installed, runs: &Path) {
        let holds_it = self.silent.contains(runs)
            || self.installed.get(found.id()).is_some_and(|installed| installed.folder == runs);
        if !holds_it {
            // It was moved here, or its folder is broken by now.
            self.add_installed(found);
            return;
        }
        let reason = format!(
            "the id {} is that of the plugin in {}, which runs; give this one an id of its own, or remove one of the two",
            found.id(),
            runs.display()
        );
        self.add_invalid(named(&found.folder), Invalid::new(found.folder, reason));
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
                let ambiguous = Invalid::new(first.folder, reason);
                // The name is this one's, so that a third folder with the id is known again.
                if let Some(other) = self.invalid.insert(id.to_string(), ambiguous) {
                    self.invalid.insert(other.folder.display().to_string(), other);
                }
            }
        }
    }

    /// An unusable folder by the name of a plugin that lies elsewhere would be taken for it.
    fn tell_apart(&mut self) {
        let elsewhere = |name: &str, invalid: &Invalid| {
            let same_id = PluginId::new(name).ok().and_then(|id| self.installed.get(&id));
            same_id.is_some_and(|installed| installed.folder != invalid.folder)
        };
        let taken: Vec<String> = self
            .invalid
            .iter()
            .filter(|(name, invalid)| elsewhere(name, invalid))
            .map(|(name, _)| name.clone())
            .collect();
        for name in taken {
            if let Some(invalid) = self.invalid.remove(&name) {
                self.invalid.insert(invalid.folder.display().to_string(), invalid);
            }
        }
    }
}

/// The name under which a folder is shown of which no id is known.
fn named(folder: &Path) -> String {
    folder.file_name().map_or_else(|| folder.display().to_string(), |name| name.to_string_lossy().into())
}
