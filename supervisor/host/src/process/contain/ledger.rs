//! The pid ledger: one small file a living process, so that the next supervisor can find what a killed one left behind.
//!
//! Written by `spawn::launch` before the child becomes its program, removed once the containment is proved empty, read
//! by [`super::sweep`] at boot. It must not be taken for the truth: pids are reused, so an entry is believed only
//! together with boot id and start time.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::process::label::Label;
use crate::process::observe::facts;

/// An entry is some two hundred bytes; a longer file is not one of ours.
const ENTRY_LIMIT: u64 = 4096;
const SUFFIX: &str = "process";

/// The folder of entries.
#[derive(Clone, Debug)]
pub struct Ledger {
    folder: PathBuf,
    boot_id: String,
}

/// What is known of one process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::process) struct Entry {
    /// Whose process it is.
    pub label: Label,
    /// The leader's pid.
    pub pid: i32,
    /// The leader's start time, in clock ticks since boot.
    pub start_time: u64,
    /// The boot in which pid and start time mean something.
    pub boot_id: String,
    /// What its environment was marked with.
    pub marker: String,
    /// What it and all that it starts are marked with besides, see `observe::mark`; 0 in entries of former versions.
    #[serde(default)]
    pub mark: u64,
    /// The supervisor that started it: pid and start time.
    pub supervisor: (i32, u64),
}

impl Ledger {
    /// Opens the folder, making it with mode 0700 where it is absent.
    pub fn open(folder: impl Into<PathBuf>) -> io::Result<Self> {
        let folder = folder.into();
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        Ok(Self { folder, boot_id: facts::boot_id()? })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub(in crate::process) fn boot_id(&self) -> &str {
        &self.boot_id
    }

    /// Writes an entry, whole or not at all. Not synced: after a power failure there is no process to find.
    pub(in crate::process) fn record(&self, entry: &Entry) -> io::Result<()> {
        let path = self.path(&entry.label);
        let unfinished = path.with_extension("new");
        let entry = serde_json::to_vec(entry)?;
        write(&unfinished, &entry).or_else(|error| match error.kind() {
            // Somebody may have removed the whole runtime folder.
            io::ErrorKind::NotFound => {
                fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
                write(&unfinished, &entry)
            }
            _ => Err(error),
        })?;
        fs::rename(unfinished, path)
    }

    /// Removes an entry. An absent one is fine.
    pub(in crate::process) fn remove(&self, label: &Label) {
        remove_file(&self.path(label));
    }

    /// Every readable entry with its file. Files that are not entries are removed, as nothing else belongs here.
    pub(in crate::process) fn entries(&self) -> io::Result<Vec<(PathBuf, Entry)>> {
        let mut found = Vec::new();
        for file in fs::read_dir(&self.folder)? {
            let path = file?.path();
            match read_entry(&path) {
                Some(entry) => found.push((path, entry)),
                None => {
                    tracing::warn!(path = %path.display(), "removed a file from the pid ledger that is not an entry");
                    remove_file(&path);
                }
            }
        }
        Ok(found)
    }

    fn path(&self, label: &Label) -> PathBuf {
        self.folder.join(format!("{}.{}.{SUFFIX}", label.plugin, label.generation))
    }
}

pub(in crate::process) fn remove_file(path: &Path) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(path = %path.display(), %error, "could not remove an entry of the pid ledger");
    }
}

/// Whatever somebody else may have put there, it is neither followed nor waited for.
fn write(path: &Path, entry: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    outboard_files::open_own(path, &options)?.write_all(entry)
}

fn read_entry(path: &Path) -> Option<Entry> {
    let meta = fs::symlink_metadata(path).ok()?;
    let ours = path.extension().is_some_and(|suffix| suffix == SUFFIX);
    if !ours || !meta.is_file() || meta.len() > ENTRY_LIMIT {
        return None;
    }
    serde_json::from_slice(&outboard_files::read(path, ENTRY_LIMIT).ok()?).ok()
}
