//! The runtime folder, ours alone: made, checked and locked before anything else is opened.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use outboard_host::process::facts;
use rustix::fs::FlockOperation;

use super::SupervisorRecord;
use crate::failure::{Exit, Failure, Outcome};

/// Only its user enters.
const FOLDER_MODE: u32 = 0o700;
/// Only its user opens it.
const LOCK_MODE: u32 = 0o600;
/// The file whose lock says that a supervisor runs here. The kernel lets go of it however the supervisor ends.
const LOCK: &str = "lock";

/// How long the kernel may take to let go of what a killed holder held.
const DYING_WAIT: Duration = Duration::from_secs(2);
/// Between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// The runtime folder, held until this is dropped.
#[derive(Debug)]
pub(super) struct Ground {
    path: PathBuf,
    _lock: File,
}

impl Ground {
    /// Makes the folder and takes it.
    ///
    /// # Errors
    /// [`Exit::Refused`] when another supervisor holds it or another user owns it.
    pub(super) fn take(path: &Path) -> Outcome<Self> {
        let cannot = |act: &str, error: io::Error| {
            Failure::failed(format!(
                "cannot {act} the runtime folder {}: {error}; choose another one with --runtime-dir",
                path.display()
            ))
        };
        DirBuilder::new()
            .recursive(true)
            .mode(FOLDER_MODE)
            .create(path)
            .map_err(|error| cannot("make", error))?;
        ours_alone(path)?;
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(LOCK_MODE)
            .open(path.join(LOCK))
            .map_err(|error| cannot("lock", error))?;
        let until = Instant::now() + DYING_WAIT;
        loop {
            match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Self { path: path.to_owned(), _lock: lock }),
                Err(rustix::io::Errno::WOULDBLOCK) if holder_is_dying(path) && Instant::now() < until => {
                    std::thread::sleep(LOOK_AGAIN);
                }
                Err(rustix::io::Errno::WOULDBLOCK) => return Err(held(path)),
                Err(error) => return Err(cannot("lock", error.into())),
            }
        }
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// A folder below a shared one can have been made by anybody: what is not ours is refused, and what is too open is closed.
fn ours_alone(path: &Path) -> Outcome {
    let unusable =
        |why: String| Failure::new(Exit::Refused, format!("the runtime folder {} {why}", path.display()));
    let metadata =
        std::fs::symlink_metadata(path).map_err(|error| unusable(format!("cannot be looked at: {error}")))?;
    let (owner, me) = (metadata.uid(), rustix::process::geteuid().as_raw());
    if !metadata.is_dir() {
        return Err(unusable("is no folder; remove it, or choose another one with --runtime-dir".to_owned()));
    }
    if owner != me {
        return Err(unusable(format!(
            "belongs to uid {owner}, and you are uid {me}; choose another one with --runtime-dir"
        )));
    }
    std::fs::set_permissions(path, Permissions::from_mode(FOLDER_MODE))
        .map_err(|error| unusable(format!("cannot be closed to others: {error}")))
}

/// Whether the supervisor that wrote itself down here has been killed, so that the kernel is about to let go of its lock.
fn holder_is_dying(path: &Path) -> bool {
    let Ok(pid) = SupervisorRecord::read(path).map(|record| record.pid) else { return false };
    let Ok(pid) = i32::try_from(pid) else { return false };
    facts::stat(pid).is_none_or(|stat| matches!(stat.state, 'Z' | 'X')) || facts::is_killed(pid)
}

fn held(path: &Path) -> Failure {
    let who = SupervisorRecord::read(path)
        .map_or_else(|_| String::new(), |record| format!(" (pid {}, http://{})", record.pid, record.listen));
    Failure::new(
        Exit::Refused,
        format!(
            "a supervisor runs at {} already{who}; stop that one, or choose another folder with --runtime-dir",
            path.display()
        ),
    )
}
