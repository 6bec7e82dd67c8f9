//! What a scan brings home, folder by folder.
//!
//! Made by the scan; findings are made of it. Knows neither.

use std::path::PathBuf;

use super::Installed;

/// What came of the look at one folder.
#[derive(Debug, Clone)]
pub(crate) enum Reading {
    /// A plugin, or the sentence that says why not.
    Read(Box<Result<Installed, String>>),
    /// No plugin, and nothing that is to be one.
    Nothing,
    /// Its file system said nothing; the sentence says so.
    Unanswered(String),
}

/// Readings of one scan.
#[derive(Debug, Default)]
pub(crate) struct Readings {
    /// Folders in the order in which they count.
    pub(crate) folders: Vec<(PathBuf, Reading)>,
    /// Plugins folders that could not be listed, each with its sentence.
    pub(crate) unlisted: Vec<(PathBuf, String)>,
}

impl Readings {
    /// Whether something did not answer, so that its coming back is to be awaited.
    pub(crate) fn misses_something(&self) -> bool {
        let silent = |(_, reading): &(PathBuf, Reading)| matches!(reading, Reading::Unanswered(_));
        !self.unlisted.is_empty() || self.folders.iter().any(silent)
    }
}
