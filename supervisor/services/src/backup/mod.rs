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
mod staging;

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::time::Duration;

use outboard_protocol::control::BackupReport;
use outboard_protocol::{ErrorReason, RpcError};
use tokio::sync::Semaphore;

pub(crate) use restore::recover;
pub use restore::{RestoreError, Restored, restore};
pub(crate) use staging::sweep;

use crate::store::{Store, StoreError};
use contents::{Contents, STATE};
use copy::Until;
use staging::Staging;

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
        let noted_in = data_dir.clone();
        let staging = blocking(move || Staging::begin(&folder, &noted_in)).await?;
        let state = staging.path.join(STATE);
        let copying = store.gradually(limit, move |db, between| copy::copy(db, &state, until, between));
        copying.await?;
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
