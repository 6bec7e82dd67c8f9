//! A backup on its way: a hidden folder (0700) beside the place where it is going to appear, and a note of it in the data folder.
//!
//! The folder holds the archive, and the copy of one database after the other until it is in there. Used by [`super::make`], and by
//! the context when it opens. Must not know what is in a backup.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use outboard_protocol::{ErrorReason, RpcError};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use crate::store::StoreError;

/// What stands between the backup's name and the number of the process that makes it.
const PARTIAL: &str = ".partial-";
/// Where the path of a backup on its way is written: the next supervisor removes what this one left, should it be killed.
const NOTE: &str = "backup-under-way";

/// The archive, until it gets its name.
const ARCHIVE: &str = "archive";
/// The copy of a database, until it is in the archive; a number follows.
const COPY: &str = "copy-";

/// A backup on its way; removed when it does not come to an end.
pub(super) struct Staging {
    path: PathBuf,
    pub(super) target: PathBuf,
    /// Where it is noted, for the next supervisor.
    note: PathBuf,
}

impl Staging {
    pub(super) fn begin(target: &Path, data_dir: &Path) -> Result<Self, RpcError> {
        let refuse = |why: &str| {
            let what = format!("file: {:?} {why}", target.display());
            RpcError::new(ErrorReason::InvalidParams, what)
        };
        if !target.is_absolute() {
            return Err(refuse("is not an absolute path, and the supervisor is elsewhere than you"));
        }
        if target.as_os_str().as_encoded_bytes().ends_with(b"/") {
            return Err(refuse("ends as a folder does, and a backup is one file; add a name"));
        }
        let Some(name) = target.file_name() else { return Err(refuse("names no file to be made")) };
        if fs::symlink_metadata(target).is_ok() {
            return Err(taken(target));
        }
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(format!("{PARTIAL}{}", std::process::id()));
        let path = target.with_file_name(hidden);
        let note = data_dir.join(NOTE);
        take_note(&note, &path).map_err(|error| StoreError::from_io(&note, &error))?;
        // Ours alone makes one, and one at a time: what is there was left by a process of the same number that was killed.
        let _ = fs::remove_dir_all(&path);
        let made = DirBuilder::new().mode(0o700).create(&path);
        made.map_err(|error| {
            let _ = fs::remove_file(&note);
            match error.kind() {
                io::ErrorKind::NotFound => refuse("lies in a folder that does not exist; make that first"),
                _ => RpcError::from(StoreError::from_io(&path, &error)),
            }
        })?;
        Ok(Self { path, target: target.to_owned(), note })
    }

    pub(super) fn archive(&self) -> PathBuf {
        self.path.join(ARCHIVE)
    }

    /// Where the copy of a database goes. Each has a place of its own: what SQLite may leave beside one is not the next one's.
    pub(super) fn copy(&self, number: usize) -> PathBuf {
        self.path.join(format!("{COPY}{number}"))
    }

    /// Gives the archive, which is complete and synced, its name.
    pub(super) fn publish(&self) -> Result<(), RpcError> {
        let parent = self.target.parent().unwrap_or(Path::new("/"));
        let renamed = match renameat_with(CWD, self.archive(), CWD, &self.target, RenameFlags::NOREPLACE) {
            // Network and user-space file systems may not know the flag. A second name never replaces one either; the first one
            // goes with the folder.
            Err(Errno::INVAL) => fs::hard_link(self.archive(), &self.target),
            renamed => renamed.map_err(io::Error::from),
        };
        match renamed {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(taken(&self.target)),
            renamed => renamed.map_err(|error| StoreError::from_io(&self.target, &error))?,
        }
        let synced = File::open(parent).and_then(|parent| parent.sync_all());
        Ok(synced.map_err(|error| {
            // A backup that is told to have failed is not to be found.
            let _ = fs::remove_file(&self.target);
            StoreError::from_io(parent, &error)
        })?)
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
        let _ = fs::remove_file(&self.note);
    }
}

fn take_note(note: &Path, path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(note)?;
    file.write_all(path.as_os_str().as_encoded_bytes())
}

/// The note lies in a folder of ours alone; yet nothing is ever removed that is not called as a staging folder is.
fn is_staging(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let pid = name.strip_prefix('.').and_then(|name| name.rsplit_once(PARTIAL));
    pid.is_some_and(|(_, pid)| pid.parse::<u32>().is_ok())
}

/// Removes what a backup has left whose supervisor was killed; tells what was done, a sentence each.
pub(crate) fn sweep(data_dir: &Path) -> Option<String> {
    let note = data_dir.join(NOTE);
    let path = PathBuf::from(OsString::from_vec(fs::read(&note).ok()?));
    let _ = fs::remove_file(&note);
    let removed = path.is_absolute() && is_staging(&path) && fs::remove_dir_all(&path).is_ok();
    removed.then(|| format!("a backup that was cut off is removed: {}", path.display()))
}

fn taken(target: &Path) -> RpcError {
    let what =
        format!("there is something at {} already; name a file that is not there yet", target.display());
    RpcError::new(ErrorReason::Conflict, what)
}
