//! Backups: `state.db` and the plugins' databases, copied while everything goes on, and put back while nothing runs.
//!
//! Called by control, and for [`restore`] by the command line. Secrets are no part of a backup: not the sign-in, not the
//! credential. Must not know what the rows mean.
//!
//! ```text
//!   <folder>/                 0700, appears under its name when it is complete
//!     backup.json             what is in it
//!     state.db
//!     plugins-data/<id>/<file>   each a consistent copy by SQLite's backup, taken one after the other
//! ```

mod contents;
mod copy;
mod restore;

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use outboard_protocol::control::BackupReport;
use outboard_protocol::{ErrorReason, RpcError};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use tokio::sync::Semaphore;

pub use restore::{RestoreError, Restored, restore};

use crate::store::{Store, StoreError};
use contents::{Contents, STATE};
use copy::Until;

/// How long a backup may take where nobody says otherwise: many gigabytes on a slow disk.
pub const BACKUP_WAIT: Duration = Duration::from_secs(600);

/// One at a time: two would read the same disk, and closing a file twice opened takes locks away from SQLite.
static MAKING: Semaphore = Semaphore::const_new(1);

/// Makes a backup in a new folder. Goes on to its end when nobody waits for it any more.
pub(crate) async fn make(
    store: &Store,
    data_dir: &Path,
    folder: &Path,
    limit: Duration,
) -> Result<BackupReport, RpcError> {
    let Ok(alone) = MAKING.try_acquire() else {
        let what = "a backup is being made already; wait for its end, and try again";
        return Err(RpcError::new(ErrorReason::Conflict, what));
    };
    let (store, data_dir, folder) = (store.clone(), data_dir.to_owned(), folder.to_owned());
    let making = tokio::spawn(async move {
        let _alone = alone;
        let until = Until::within(limit);
        let staging = blocking(move || Staging::begin(&folder)).await?;
        let state = staging.path.join(STATE);
        store.aside(move |db| copy::copy(db, &state, until)).await?;
        blocking(move || finish(&staging, &data_dir, until)).await
    });
    making.await.unwrap_or_else(|_| Err(stopping())).map_err(|error| match error.reason() {
        Some(ErrorReason::Timeout) => {
            let what =
                "the disk did not take the copies in time, and no backup was made; try again on another disk";
            RpcError::new(ErrorReason::Timeout, what)
        }
        _ => error,
    })
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, RpcError> + Send + 'static,
) -> Result<T, RpcError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err(stopping()))
}

fn stopping() -> RpcError {
    RpcError::new(ErrorReason::ShuttingDown, "the supervisor is stopping; no backup was made")
}

/// Copies the plugins' databases beside the state, and gives the folder its name.
fn finish(staging: &Staging, data_dir: &Path, until: Until) -> Result<BackupReport, RpcError> {
    let mut files = vec![STATE.to_owned()];
    let mut skipped = Vec::new();
    for (name, source) in contents::databases_below(data_dir) {
        let to = staging.path.join(&name);
        let copied = private_parent(&to).and_then(|()| copy::copy_file(&source, &to, until));
        match copied {
            Ok(()) => files.push(name),
            // No space and no time are what the whole backup lacks.
            Err(error @ (StoreError::Full { .. } | StoreError::TimedOut { .. })) => return Err(error.into()),
            Err(error) => {
                // What there is of it is no copy; it may never have been made.
                let _ = fs::remove_file(&to);
                skipped.push(format!("{name}: {error}"));
            }
        }
    }
    let kept = Contents::new(files.clone()).write(&staging.path);
    kept.map_err(|error| StoreError::from_io(&staging.path, &error))?;
    let length = |name: &String| fs::metadata(staging.path.join(name)).map_or(0, |found| found.len());
    let bytes = files.iter().map(length).sum();
    staging.publish()?;
    Ok(BackupReport { folder: staging.target.display().to_string(), files, bytes, skipped })
}

fn private_parent(file: &Path) -> Result<(), StoreError> {
    let parent = file.parent().unwrap_or(file);
    let made = DirBuilder::new().recursive(true).mode(0o700).create(parent);
    made.map_err(|error| StoreError::from_io(parent, &error))
}

/// A backup on its way; removed when it does not come to an end.
struct Staging {
    path: PathBuf,
    target: PathBuf,
}

impl Staging {
    fn begin(target: &Path) -> Result<Self, RpcError> {
        let refuse = |why: &str| {
            let what = format!("folder: {:?} {why}", target.display());
            RpcError::new(ErrorReason::InvalidParams, what)
        };
        if !target.is_absolute() {
            return Err(refuse("is no absolute path, and the supervisor is elsewhere than you"));
        }
        let Some(name) = target.file_name() else { return Err(refuse("names no folder to be made")) };
        if fs::symlink_metadata(target).is_ok() {
            return Err(taken(target));
        }
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".partial-{}", std::process::id()));
        let path = target.with_file_name(hidden);
        // Ours alone makes one, and one at a time: what is there was left by a process of the same number that was killed.
        let _ = fs::remove_dir_all(&path);
        let made = DirBuilder::new().mode(0o700).create(&path);
        made.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => refuse("lies in a folder that does not exist; make that first"),
            _ => RpcError::from(StoreError::from_io(&path, &error)),
        })?;
        Ok(Self { path, target: target.to_owned() })
    }

    fn publish(&self) -> Result<(), RpcError> {
        let parent = self.target.parent().unwrap_or(Path::new("/"));
        let synced = sync_tree(&self.path);
        synced.map_err(|error| StoreError::from_io(&self.path, &error))?;
        match renameat_with(CWD, &self.path, CWD, &self.target, RenameFlags::NOREPLACE) {
            Ok(()) => {}
            Err(rustix::io::Errno::EXIST) => return Err(taken(&self.target)),
            Err(error) => return Err(StoreError::from_io(&self.target, &error.into()).into()),
        }
        let synced = File::open(parent).and_then(|parent| parent.sync_all());
        Ok(synced.map_err(|error| StoreError::from_io(parent, &error))?)
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // After it was published nothing is there any more under this name.
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn taken(target: &Path) -> RpcError {
    let what =
        format!("there is something at {} already; name a folder that is not there yet", target.display());
    RpcError::new(ErrorReason::Conflict, what)
}

/// Syncs the folders from the inside out; the files in them are synced when they are written.
fn sync_tree(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_tree(&entry.path())?;
        }
    }
    File::open(folder)?.sync_all()
}
