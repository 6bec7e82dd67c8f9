//! What is in a backup: `backup.json`, and which files may be named there.
//!
//! Used by backup and restore. A backup is read as coming from a stranger: no name leads out of the data folder.

use std::fs;
use std::path::{Path, PathBuf};

use outboard_protocol::PluginId;
use outboard_protocol::id::DatabaseFile;
use serde::{Deserialize, Serialize};

use super::copy::is_database;
use crate::services::PLUGINS_DATA;

/// The supervisor's own database.
pub(super) const STATE: &str = "state.db";
/// The list of what is in the backup.
pub(super) const LIST: &str = "backup.json";
/// The version of the list.
const VERSION: u32 = 1;
/// Databases in a backup: a hundred for each of a hundred plugins.
pub(super) const FILES_MAX: usize = 10_000;
/// Longest list that is read: so many names of the longest kind.
pub(super) const LIST_MAX: u64 = 4 * 1024 * 1024;

/// The list of what is in a backup.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Contents {
    version: u32,
    /// The program that made it.
    outboard: String,
    /// When, RFC 3339.
    made: String,
    /// Paths below the data folder.
    pub(super) files: Vec<String>,
}

impl Contents {
    pub(super) fn new(files: Vec<String>) -> Self {
        let made = format!("{:.3}", jiff::Timestamp::now());
        Self { version: VERSION, outboard: env!("CARGO_PKG_VERSION").to_owned(), made, files }
    }

    pub(super) fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).expect("INVARIANT: names and numbers are JSON")
    }

    /// Reads the list of a backup and looks at every name in it; the sentence says what is wrong.
    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        let contents: Self =
            serde_json::from_slice(text).map_err(|error| format!("its {LIST} makes no sense: {error}"))?;
        if contents.version != VERSION {
            return Err(format!("its version is {}, and {VERSION} is what is known here", contents.version));
        }
        if contents.files.len() > FILES_MAX {
            return Err(format!("it names more than {FILES_MAX} files"));
        }
        match contents.files.iter().find(|name| !is_allowed(name)) {
            Some(name) => Err(format!("it names {name:?}, which is no database of a data folder")),
            None => Ok(contents),
        }
    }
}

/// Whether a name is one of a data folder's databases.
pub(super) fn is_allowed(name: &str) -> bool {
    let parts: Vec<&str> = name.split('/').collect();
    match parts.as_slice() {
        [STATE] => true,
        [PLUGINS_DATA, id, file] => PluginId::new(id).is_ok() && DatabaseFile::new(file).is_ok(),
        _ => false,
    }
}

/// Whether a name is one of the folders that the databases are in.
pub(super) fn is_folder(name: &str) -> bool {
    let parts: Vec<&str> = name.split('/').collect();
    match parts.as_slice() {
        ["" | "." | PLUGINS_DATA] => true,
        [PLUGINS_DATA, id] => PluginId::new(id).is_ok(),
        _ => false,
    }
}

/// The plugins' databases: their names in a backup, and where they are. Follows no link.
pub(super) fn databases_below(data_dir: &Path) -> Vec<(String, PathBuf)> {
    // Resolved once, so that below it every link is a stranger's.
    let Ok(root) = data_dir.join(PLUGINS_DATA).canonicalize() else { return Vec::new() };
    let mut found: Vec<(String, PathBuf)> = plain_names(&root, |kind| kind.is_dir())
        .into_iter()
        .filter(|id| PluginId::new(id.as_str()).is_ok())
        .flat_map(|id| {
            let folder = root.join(&id);
            let files = plain_names(&folder, |kind| kind.is_file());
            files.into_iter().map(move |file| (format!("{PLUGINS_DATA}/{id}/{file}"), folder.join(file)))
        })
        .filter(|(name, path)| is_allowed(name) && is_database(path))
        .take(FILES_MAX)
        .collect();
    found.sort();
    found
}

fn plain_names(folder: &Path, wanted: fn(&fs::FileType) -> bool) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| wanted(&kind)))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .take(FILES_MAX)
        .collect()
}
