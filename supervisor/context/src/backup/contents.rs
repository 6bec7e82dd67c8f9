//! What is in a backup: `backup.json`, and which files may be named there.
//!
//! Used by backup and restore. A backup is read as coming from a stranger: no name leads out of the data folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use outboard_protocol::PluginId;
use outboard_protocol::id::DatabaseFile;
use serde::{Deserialize, Serialize};

use super::copy::is_database;
use crate::store::PLUGINS_DATA;

/// The supervisor's own database.
pub(super) const STATE: &str = "state.db";
/// The list of what is in the backup.
pub(super) const LIST: &str = "backup.json";
/// The version of the list.
const VERSION: u32 = 1;
/// Databases of plugins in a backup: a hundred for each of a hundred plugins.
pub(super) const FILES_MAX: usize = 10_000;
/// Entries of one folder that are looked at, as when it is measured.
const ENTRIES_MAX: usize = 100_000;
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
        // And the supervisor's own.
        if contents.files.len() > FILES_MAX + 1 {
            return Err(format!("it names more than {FILES_MAX} databases of plugins"));
        }
        match contents.files.iter().find(|name| !is_allowed(name)) {
            Some(name) => Err(format!("it names {name:?}, which is not a database of a data folder")),
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

/// The plugins' databases in a data folder.
#[derive(Debug, Default)]
pub(super) struct Databases {
    /// Their names in a backup, and where they are.
    pub(super) found: Vec<(String, PathBuf)>,
    /// What a backup cannot hold, a sentence for each plugin.
    pub(super) left_out: Vec<String>,
}

/// Looks for the plugins' databases. Follows no link.
pub(super) fn databases_below(data_dir: &Path) -> Databases {
    at_most(FILES_MAX, data_dir)
}

/// Where there are too many, each plugin's first, by name, comes before any plugin's second: one plugin's many must not leave
/// out another's few.
fn at_most(most: usize, data_dir: &Path) -> Databases {
    let mut all = Databases::default();
    // Resolved once, so that below it every link is a stranger's.
    let Ok(root) = data_dir.join(PLUGINS_DATA).canonicalize() else { return all };
    let mut ranked: Vec<(usize, String, PathBuf)> = Vec::new();
    let mut too_many: BTreeMap<String, usize> = BTreeMap::new();
    for id in plain_names(&root, |kind| kind.is_dir()).filter(|id| PluginId::new(id.as_str()).is_ok()) {
        let folder = root.join(&id);
        let mut files: Vec<String> = plain_names(&folder, |kind| kind.is_file())
            .filter(|file| DatabaseFile::new(file.as_str()).is_ok() && is_database(&folder.join(file)))
            .collect();
        files.sort();
        // No more of one can come in anyway.
        if let Some(more) = files.len().checked_sub(most).filter(|more| *more > 0) {
            files.truncate(most);
            too_many.insert(id.clone(), more);
        }
        let named = |file: String| (format!("{PLUGINS_DATA}/{id}/{file}"), folder.join(file));
        ranked
            .extend(files.into_iter().map(named).enumerate().map(|(rank, (name, path))| (rank, name, path)));
    }
    ranked.sort();
    for (_, name, _) in ranked.drain(most.min(ranked.len())..) {
        let id = name.split('/').nth(1).unwrap_or_default();
        *too_many.entry(id.to_owned()).or_default() += 1;
    }
    all.found = ranked.into_iter().map(|(_, name, path)| (name, path)).collect();
    all.found.sort();
    let sentence = |(id, more)| {
        format!(
            "{PLUGINS_DATA}/{id}: {more} of its databases are left out, since a backup holds {most} of all plugins"
        )
    };
    all.left_out = too_many.into_iter().map(sentence).collect();
    all
}

fn plain_names(folder: &Path, wanted: fn(&fs::FileType) -> bool) -> impl Iterator<Item = String> {
    let entries = fs::read_dir(folder).into_iter().flatten().take(ENTRIES_MAX).flatten();
    entries
        .filter(move |entry| entry.file_type().is_ok_and(|kind| wanted(&kind)))
        .filter_map(|entry| entry.file_name().into_string().ok())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that fails here fails loudly

    use super::*;

    fn fill(dir: &Path, id: &str, files: &[&str]) {
        let folder = dir.join(PLUGINS_DATA).join(id);
        fs::create_dir_all(&folder).unwrap();
        for file in files {
            fs::write(folder.join(file), b"SQLite format 3\0").unwrap();
        }
    }

    #[test]
    fn one_plugins_many_databases_leave_out_none_of_anothers_few_and_are_named() {
        let dir = tempfile::tempdir().unwrap();
        fill(dir.path(), "a", &["1.db", "2.db", "3.db", "4.db", "5.db"]);
        fill(dir.path(), "b", &["only.db"]);
        let names = |most| {
            let all = at_most(most, dir.path());
            (all.found.into_iter().map(|(name, _)| name).collect::<Vec<_>>(), all.left_out)
        };
        let (found, left_out) = names(3);
        assert_eq!(found, ["plugins-data/a/1.db", "plugins-data/a/2.db", "plugins-data/b/only.db"]);
        assert_eq!(
            left_out,
            ["plugins-data/a: 3 of its databases are left out, since a backup holds 3 of all plugins"]
        );
        let (found, left_out) = names(6);
        assert_eq!((found.len(), left_out.len()), (6, 0));
    }

    #[test]
    fn as_many_databases_as_a_backup_holds_can_be_put_back() {
        let mut files: Vec<String> = (0..FILES_MAX).map(|n| format!("{PLUGINS_DATA}/a/{n}.db")).collect();
        files.push(STATE.to_owned());
        let text = Contents::new(files.clone()).to_json();
        assert!(Contents::parse(&text).is_ok());
        files.push(format!("{PLUGINS_DATA}/b/more.db"));
        assert!(Contents::parse(&Contents::new(files).to_json()).is_err());
    }
}
