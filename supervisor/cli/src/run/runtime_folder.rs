//! The runtime folder, ours alone: made, checked and locked before anything else is opened, and made again where somebody
//! removes it, or something in it, while we run.
//!
//! Held by [`super::layers`], looked after by [`super::mending`]. Must not know what is said over the control socket.

use std::fs::{DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use outboard_control::BindError;
use rustix::fs::FlockOperation;

use super::former::{self, Standing};
use super::{CONTROL_SOCKET, SupervisorRecord};
use crate::failure::{Exit, Failure, Outcome};

/// Only its user enters.
const FOLDER_MODE: u32 = 0o700;
/// Only its user opens it.
const LOCK_MODE: u32 = 0o600;
/// The file whose lock says that a supervisor runs here. The kernel lets go of it however the supervisor ends.
const LOCK: &str = "lock";

/// Folders within folders that are looked through for what is not ours: sockets and ledger lie one below.
const DEPTH: u32 = 4;
/// Entries that are looked at: far more than plugins have sockets.
const ENTRIES: u32 = 100_000;

/// How long the kernel may take to let go of what a killed holder held.
const DYING_WAIT: Duration = Duration::from_secs(2);
/// Between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// The runtime folder, held until this is dropped.
#[derive(Debug)]
pub(super) struct RuntimeFolder {
    path: PathBuf,
    held: Mutex<Held>,
}

/// What has to stay as it is.
#[derive(Debug)]
struct Held {
    /// The folder. Cleaners of temporary folders leave alone what somebody has locked.
    folder: File,
    lock: File,
    /// Device and inode of the control socket, once there is one.
    socket: Option<(u64, u64)>,
}

/// What was made again.
#[derive(Debug, Default)]
pub(super) struct Mended {
    /// The names of what was gone.
    pub(super) gone: Vec<&'static str>,
    /// The new control socket, where that was gone.
    pub(super) socket: Option<UnixListener>,
}

impl RuntimeFolder {
    /// Makes the folder and takes it. Waits for a former supervisor that is on its way down: for one that ends its plugins
    /// so long, and says that it does.
    ///
    /// # Errors
    /// [`Exit::Refused`] when another supervisor holds it, another user owns it, or somebody else's files lie in it.
    pub(super) fn take(path: &Path, patience: Duration) -> Outcome<Self> {
        let folder = folder(path)?;
        let lock = lock_file(path)?;
        let (began, mut said) = (Instant::now(), false);
        loop {
            match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {
                    let held = Mutex::new(Held { folder, lock, socket: None });
                    return Ok(Self { path: path.to_owned(), held });
                }
                Err(rustix::io::Errno::WOULDBLOCK) => {
                    let standing = former::standing(&lock, path);
                    if let Standing::Leaves(pid) = standing
                        && !said
                    {
                        say_waiting(path, pid, patience);
                        said = true;
                    }
                    let limit = match standing {
                        Standing::Stays => Duration::ZERO,
                        Standing::Leaves(_) => patience,
                        // Once it was seen to leave, what it does last takes as long as it takes.
                        Standing::Dies | Standing::Unknown if said => patience,
                        Standing::Dies | Standing::Unknown => DYING_WAIT,
                    };
                    if began.elapsed() >= limit {
                        return Err(held(path));
                    }
                    std::thread::sleep(LOOK_AGAIN);
                }
                Err(error) => return Err(cannot(path, "lock", &error.into())),
            }
        }
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the control socket.
    ///
    /// # Errors
    /// As [`outboard_control::bind`].
    pub(super) fn control_socket(&self) -> Result<UnixListener, BindError> {
        let path = self.path.join(CONTROL_SOCKET);
        let listener = outboard_control::bind(&path)?;
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.socket = std::fs::symlink_metadata(&path).ok().as_ref().map(identity);
        Ok(listener)
    }

    /// Looks whether everything is in its place, and makes again what is not. Blocks for a few looks at the disk.
    ///
    /// # Errors
    /// Why it could not be made again: another supervisor has taken the folder's name by now, or the system refuses.
    pub(super) fn mend(&self, record: &SupervisorRecord) -> Outcome<Mended> {
        let mut mended = Mended::default();
        if !self.is_in_place(|held| &held.folder, &self.path) {
            let folder = folder(&self.path)?;
            self.held.lock().unwrap_or_else(PoisonError::into_inner).folder = folder;
            mended.gone.push("the folder");
        }
        if !self.is_in_place(|held| &held.lock, &self.path.join(LOCK)) {
            let lock = lock_file(&self.path)?;
            rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive)
                .map_err(|_| held(&self.path))?;
            self.held.lock().unwrap_or_else(PoisonError::into_inner).lock = lock;
            mended.gone.push(LOCK);
        }
        let socket = std::fs::symlink_metadata(self.path.join(CONTROL_SOCKET)).ok().as_ref().map(identity);
        if socket != self.held.lock().unwrap_or_else(PoisonError::into_inner).socket {
            mended.socket = Some(self.control_socket().map_err(|error| Failure::failed(error.to_string()))?);
            mended.gone.push(CONTROL_SOCKET);
        }
        if !SupervisorRecord::is_there(&self.path) {
            record.write(&self.path).map_err(|error| cannot(&self.path, "write to", &error))?;
            mended.gone.push("supervisor.json");
        }
        Ok(mended)
    }

    fn is_in_place(&self, what: impl Fn(&Held) -> &File, path: &Path) -> bool {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let (Ok(here), Ok(open)) = (std::fs::symlink_metadata(path), what(&held).metadata()) else {
            return false;
        };
        identity(&here) == identity(&open)
    }
}

/// Whether a supervisor holds a runtime folder.
pub(crate) fn is_held(path: &Path) -> bool {
    let lock = OpenOptions::new().read(true).custom_flags(CAREFULLY).open(path.join(LOCK));
    lock.is_ok_and(|lock| {
        rustix::fs::flock(&lock, FlockOperation::NonBlockingLockShared) == Err(rustix::io::Errno::WOULDBLOCK)
    })
}

/// No planted link is followed, and no planted FIFO waited for.
const CAREFULLY: i32 =
    (rustix::fs::OFlags::NOFOLLOW.bits() | rustix::fs::OFlags::NONBLOCK.bits()).cast_signed();

fn identity(found: &Metadata) -> (u64, u64) {
    (found.dev(), found.ino())
}

fn cannot(path: &Path, act: &str, error: &io::Error) -> Failure {
    Failure::failed(format!(
        "cannot {act} the runtime folder {}: {error}; choose another one with --runtime-dir",
        path.display()
    ))
}

fn folder(path: &Path) -> Outcome<File> {
    DirBuilder::new()
        .recursive(true)
        .mode(FOLDER_MODE)
        .create(path)
        .map_err(|error| cannot(path, "make", &error))?;
    ours_alone(path)?;
    let folder = File::open(path).map_err(|error| cannot(path, "open", &error))?;
    // Where it cannot be had, cleaners go by age.
    let _ = rustix::fs::flock(&folder, FlockOperation::NonBlockingLockShared);
    Ok(folder)
}

fn lock_file(path: &Path) -> Outcome<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(LOCK_MODE)
        .custom_flags(CAREFULLY)
        .open(path.join(LOCK))
        .map_err(|error| cannot(path, "lock", &error))
}

/// A folder below a shared one can have been made by anybody: what is not ours is refused. One that others could write to is
/// closed, and refused where they have left something in it.
fn ours_alone(path: &Path) -> Outcome {
    let unusable =
        |why: String| Failure::new(Exit::Refused, format!("the runtime folder {} {why}", path.display()));
    let metadata =
        std::fs::symlink_metadata(path).map_err(|error| unusable(format!("cannot be looked at: {error}")))?;
    let (owner, me) = (metadata.uid(), rustix::process::geteuid().as_raw());
    if !metadata.is_dir() {
        return Err(unusable(
            "is not a folder; remove it, or choose another one with --runtime-dir".to_owned(),
        ));
    }
    if owner != me {
        return Err(unusable(format!(
            "belongs to uid {owner}, and you are uid {me}; choose another one with --runtime-dir"
        )));
    }
    let mode = metadata.mode() & 0o7777;
    if mode == FOLDER_MODE {
        return Ok(());
    }
    std::fs::set_permissions(path, Permissions::from_mode(FOLDER_MODE))
        .map_err(|error| unusable(format!("cannot be closed to others: {error}")))?;
    match foreign(path, me, DEPTH, &mut 0) {
        None => Ok(()),
        Some(what) => Err(unusable(format!(
            "was open to others (mode {mode:04o}) and holds {what}; remove the folder, or choose another one with --runtime-dir"
        ))),
    }
}

/// The first thing below a folder that we would not have made: somebody else's, or a link.
fn foreign(folder: &Path, me: u32, depth: u32, seen: &mut u32) -> Option<String> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => return Some(format!("{}, which cannot be read ({error})", folder.display())),
    };
    for entry in entries {
        *seen += 1;
        let Ok(entry) = entry else { return Some("what cannot be read".to_owned()) };
        let path = entry.path();
        let shown = path.display();
        match std::fs::symlink_metadata(&path) {
            Ok(found) if found.uid() != me => {
                return Some(format!("{shown}, which belongs to uid {}", found.uid()));
            }
            Ok(found) if found.is_symlink() => return Some(format!("{shown}, which is a link")),
            Ok(_) if *seen > ENTRIES => return Some(format!("more than {ENTRIES} entries")),
            Ok(found) if found.is_dir() => match depth {
                0 => return Some(format!("{shown}, which lies too deep")),
                _ => match foreign(&path, me, depth - 1, seen) {
                    None => {}
                    found => return found,
                },
            },
            _ => {}
        }
    }
    None
}

fn say_waiting(path: &Path, pid: i32, patience: Duration) {
    // It starts also where nobody listens.
    let _ = writeln!(
        io::stderr().lock(),
        "outboard: the former supervisor at {} (pid {pid}) has lost its keeper and is ending its plugins; waiting for it, {} s at most",
        path.display(),
        patience.as_secs()
    );
}

fn held(path: &Path) -> Failure {
    let who = SupervisorRecord::read(path).map_or_else(
        |_| String::new(),
        |record| format!(" (pid {}, {})", record.pid, super::shown(&record.listen)),
    );
    Failure::new(
        Exit::Refused,
        format!(
            "a supervisor runs at {} already{who}; stop that one, or choose another folder with --runtime-dir",
            path.display()
        ),
    )
}
