//! Puts a backup back, while no supervisor runs on the data folder.
//!
//! Called by the command line. Everything is copied and checked first, in `restore-….partial`; then that folder is called
//! `restore-….ready`, and from here on there is no way back: each old file is moved aside and the new one takes its place, by
//! this process or, where it was killed, by the next that opens the data folder. Nothing is deleted, and what the backup does
//! not hold stays as it is.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::contents::{self, Contents, STATE};
use super::copy;
use super::source::Source;
use crate::store::{Folder, FolderError, SCHEMA, make_private_folder, with_suffix};

/// How the folder with the copies begins.
const NEW: &str = "restore-";
/// How it ends while copies are being made: what is in it is in the backup as well.
const PARTIAL: &str = ".partial";
/// How it ends once all copies are checked and on disk.
const READY: &str = ".ready";
/// How the folder with the old files begins.
const OLD: &str = "before-restore-";

const MIB: u64 = 1024 * 1024;

/// What SQLite keeps beside a database; it belongs to the old one and goes with it.
const WITH_SIDES: [&str; 4] = ["", "-wal", "-shm", "-journal"];

/// What was done.
#[derive(Debug)]
pub struct Restored {
    /// The files that were put back, as paths below the data folder.
    pub files: Vec<String>,
    /// Where the old ones are; `None` where there were none.
    pub aside: Option<PathBuf>,
}

/// Why a backup was not put back.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The data folder cannot be taken; a supervisor may run on it.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// There is no backup, or one that cannot be trusted.
    #[error("{} is not a backup: {why}; nothing was changed", path.display())]
    NotABackup {
        /// The archive or folder.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A file of the backup cannot be used.
    #[error("{file} in the backup cannot be used ({why}); nothing was changed")]
    Unusable {
        /// The file's path in the backup.
        file: String,
        /// What is wrong.
        why: String,
    },
    /// The copies have no place.
    #[error(
        "the backup needs {} MiB in {}, where {} MiB are free; nothing was changed. Free some space and try again",
        needed.div_ceil(MIB), folder.display(), free / MIB
    )]
    NoSpace {
        /// Where.
        folder: PathBuf,
        /// Bytes of all databases.
        needed: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// The system refused; what had been moved was moved back.
    #[error("cannot {act} {}; what was there before is there still", path.display())]
    Refused {
        /// What was tried.
        act: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Puts a backup back into a data folder. Blocks on the disk.
///
/// # Errors
/// See [`RestoreError`]; whatever it is, the data folder is as it was.
pub fn restore(data_dir: &Path, backup: &Path) -> Result<Restored, RestoreError> {
    let not_a_backup = |why| RestoreError::NotABackup { path: backup.to_owned(), why };
    let (source, contents) = Source::open(backup).map_err(not_a_backup)?;
    let held = Folder::take(data_dir)?;
    let data_dir = held.path();
    recover(data_dir)?;
    has_space(&source, &contents, data_dir)?;
    let stamp = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%S%3fZ").to_string();
    let (partial, ready, old) = (
        data_dir.join(format!("{NEW}{stamp}{PARTIAL}")),
        data_dir.join(format!("{NEW}{stamp}{READY}")),
        data_dir.join(format!("{OLD}{stamp}")),
    );
    let brought = bring(&contents, &source, &partial).and_then(|()| {
        let refused = |source| RestoreError::Refused { act: "rename", path: partial.clone(), source };
        fs::rename(&partial, &ready).and_then(|()| fs::File::open(data_dir)?.sync_all()).map_err(refused)
    });
    let swapped = brought.and_then(|()| swap(&contents.files, data_dir, &ready, &old));
    // The copies that were not put in place are ours alone, and the backup still has them.
    let _ = fs::remove_dir_all(&partial);
    let _ = fs::remove_dir_all(&ready);
    let moved = swapped?;
    Ok(Restored { files: contents.files, aside: (moved > 0).then_some(old) })
}

/// Brings to its end, or undoes, what a restore that was killed has left in a data folder that is held. Tells what was done, a
/// sentence each.
///
/// # Errors
/// [`RestoreError::Refused`], when a file cannot be moved; then the next attempt goes on.
pub(crate) fn recover(data_dir: &Path) -> Result<Vec<String>, RestoreError> {
    let mut told = Vec::new();
    for name in names_in(data_dir) {
        let folder = data_dir.join(&name);
        let Some(rest) = name.strip_prefix(NEW) else { continue };
        if rest.ends_with(PARTIAL) {
            // What cannot be removed is tried again at the next start.
            let _ = fs::remove_dir_all(&folder);
            told.push(format!(
                "a restore that was cut off had changed nothing; its copies in {} are removed",
                folder.display()
            ));
        } else if let Some(stamp) = rest.strip_suffix(READY) {
            let mut files: Vec<String> =
                contents::databases_below(&folder).found.into_iter().map(|(name, _)| name).collect();
            files.extend(folder.join(STATE).exists().then(|| STATE.to_owned()));
            let old = data_dir.join(format!("{OLD}{stamp}"));
            swap(&files, data_dir, &folder, &old)?;
            let _ = fs::remove_dir_all(&folder);
            told.push(format!(
                "a restore that was cut off is brought to its end; what was there before is in {}",
                old.display()
            ));
        }
    }
    Ok(told)
}

fn names_in(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

/// Looks whether the copies will have a place, before a disk is filled that others write to.
fn has_space(source: &Source, contents: &Contents, data_dir: &Path) -> Result<(), RestoreError> {
    let needed = contents.files.iter().fold(0, |sum: u64, name| sum.saturating_add(source.length(name)));
    let refused = |source: rustix::io::Errno| {
        let (path, source) = (data_dir.to_owned(), source.into());
        RestoreError::Refused { act: "look at the free space of", path, source }
    };
    let found = rustix::fs::statvfs(data_dir).map_err(refused)?;
    let free = found.f_bavail.saturating_mul(found.f_frsize);
    if needed <= free {
        return Ok(());
    }
    Err(RestoreError::NoSpace { folder: data_dir.to_owned(), needed, free })
}

/// Copies every file beside the data and looks at it.
fn bring(contents: &Contents, source: &Source, new: &Path) -> Result<(), RestoreError> {
    make_private_folder(new)?;
    for name in &contents.files {
        let to = new.join(name);
        make_private_folder(to.parent().unwrap_or(new))?;
        let unusable = |why: String| RestoreError::Unusable { file: name.clone(), why };
        source.copy(name, &to).map_err(|error| unusable(error.to_string()))?;
        if !copy::is_database(&to) {
            return Err(unusable("it does not begin as an SQLite database does".to_owned()));
        }
        let version = copy::check(&to).map_err(unusable)?;
        if name == STATE && version > SCHEMA {
            let why = format!("its tables have version {version}, and this program knows {SCHEMA}");
            return Err(unusable(why));
        }
    }
    sync_tree(new).map_err(|source| RestoreError::Refused { act: "sync", path: new.to_owned(), source })
}

/// Moves old files aside and new ones in their places; tells how many were moved aside. All of it, or nothing.
fn swap(files: &[String], data_dir: &Path, new: &Path, old: &Path) -> Result<usize, RestoreError> {
    let mut moves: Vec<(PathBuf, PathBuf)> = Vec::new();
    let mut aside = 0;
    for name in files {
        match swap_one(name, data_dir, new, old, &mut moves) {
            Ok(moved) => aside += moved,
            Err(error) => {
                for (from, to) in moves.iter().rev() {
                    // A file that cannot go back is where the message says that the old ones are.
                    let _ = fs::rename(to, from);
                }
                return Err(error);
            }
        }
    }
    for folder in [data_dir, old].into_iter().filter(|folder| folder.exists()) {
        // Everything is in its place; a disk that cannot sync a folder says so at the next write.
        let _ = sync_tree(folder);
    }
    Ok(aside)
}

fn swap_one(
    name: &str,
    data_dir: &Path,
    new: &Path,
    old: &Path,
    moves: &mut Vec<(PathBuf, PathBuf)>,
) -> Result<usize, RestoreError> {
    let place = data_dir.join(name);
    let folder = place.parent().unwrap_or(data_dir);
    if fs::symlink_metadata(folder).is_ok_and(|found| !found.is_dir()) {
        return Err(FolderError::NotAFolder { folder: folder.to_owned() }.into());
    }
    make_private_folder(folder)?;
    let mut aside = 0;
    for side in WITH_SIDES {
        let (from, to) = (with_suffix(&place, side), with_suffix(&old.join(name), side));
        if fs::symlink_metadata(&from).is_ok() {
            make_private_folder(to.parent().unwrap_or(old))?;
            rename("set aside", from, to, moves)?;
            aside += 1;
        }
    }
    rename("put back", new.join(name), place, moves)?;
    Ok(aside)
}

fn rename(
    act: &'static str,
    from: PathBuf,
    to: PathBuf,
    moves: &mut Vec<(PathBuf, PathBuf)>,
) -> Result<(), RestoreError> {
    match fs::rename(&from, &to) {
        Ok(()) => {
            moves.push((from, to));
            Ok(())
        }
        Err(source) => Err(RestoreError::Refused { act, path: from, source }),
    }
}

/// Syncs the folders from the inside out; the files in them are synced when they are written.
fn sync_tree(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_tree(&entry.path())?;
        }
    }
    fs::File::open(folder)?.sync_all()
}
