//! Backups: `state.db` and the plugins' databases, copied while everything goes on, and put back while nothing runs.
//!
//! Called by control, and for [`restore`] by the command line. A backup has no secrets in it: not the sign-in, not the
//! credential. Must not know what the rows mean.
//!
//! ```text
//!   <file>                       plain tar, 0600; appears under its name when it is complete
//!     state.db
//!     plugins-data/<id>/<file>   each a consistent copy by SQLite's backup, taken one after the other
//!     backup.json                what is in it
//! ```

mod contents;
mod copy;
mod pack;
mod restore;
mod source;
mod staging;
mod unpack;

use std::fs;
use std::path::Path;
use std::time::Duration;

use outboard_protocol::control::BackupReport;
use outboard_protocol::{ErrorReason, RpcError};
use tokio::sync::Semaphore;

pub(crate) use restore::recover;
pub use restore::{RestoreError, Restored, restore};
pub(crate) use staging::sweep;

use crate::store::{Store, StoreError};
use contents::{Contents, Databases, STATE};
use copy::Until;
use pack::Pack;
use staging::Staging;

/// How long a backup may take where nobody says otherwise: many gigabytes on a slow disk.
pub const BACKUP_WAIT: Duration = Duration::from_secs(600);

/// One at a time: two would read the same disk, and closing a file twice opened takes locks away from SQLite.
static MAKING: Semaphore = Semaphore::const_new(1);

/// Makes a backup as a new file. Goes on to its end when nobody waits for it any more.
pub(crate) async fn make(
    store: &Store,
    data_dir: &Path,
    file: &Path,
    limit: Duration,
) -> Result<BackupReport, RpcError> {
    let Ok(alone) = MAKING.try_acquire() else {
        let what = "a backup is being made already; wait for its end, and try again";
        return Err(RpcError::new(ErrorReason::Conflict, what));
    };
    let (store, data_dir, file) = (store.clone(), data_dir.to_owned(), file.to_owned());
    let making = tokio::spawn(async move {
        let _alone = alone;
        let until = Until::within(limit);
        let noted_in = data_dir.clone();
        let staging = blocking(move || Staging::begin(&file, &noted_in)).await?;
        let state = staging.copy(0);
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

/// Packs the copy of the state, then the plugins' databases one after the other, and gives the archive its name. Beside the
/// archive only one copy lies on the disk at any time.
fn finish(staging: &Staging, data_dir: &Path, until: Until) -> Result<BackupReport, RpcError> {
    let Databases { found, left_out: mut skipped } = contents::databases_below(data_dir);
    let mut files = vec![STATE.to_owned()];
    let mut pack = Pack::begin(staging.archive(), until)?;
    pack.take(STATE, &staging.copy(0))?;
    for (before, (name, source)) in found.into_iter().enumerate() {
        let copy = staging.copy(before + 1);
        match copy::copy_file(&source, &copy, until) {
            Ok(()) => {
                pack.take(&name, &copy)?;
                files.push(name);
            }
            // No space and no time are what the whole backup lacks.
            Err(error @ (StoreError::Full { .. } | StoreError::TimedOut { .. })) => return Err(error.into()),
            Err(error) => {
                // What there is of it is not a copy; it may never have been made.
                let _ = fs::remove_file(&copy);
                skipped.push(format!("{name}: {error}"));
            }
        }
    }
    let bytes = pack.end(&Contents::new(files.clone()))?;
    staging.publish()?;
    Ok(BackupReport { file: staging.target.display().to_string(), files, bytes, skipped })
}
