//! The data folder: private to its user, and held by one supervisor at a time.
//!
//! Called when the context opens. Must not know what is kept in it.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The file whose lock says that the folder is in use. It holds the pid of its holder, for people.
const LOCK_FILE: &str = "lock";

/// The folder, in the data folder, with a folder for each plugin.
pub(crate) const PLUGINS_DATA: &str = "plugins-data";

/// What a supervisor makes in the folder once its database is there, and never removes.
const USED: [&str; 2] = ["credential", PLUGINS_DATA];

/// How long the kernel may take to let go of what a killed holder held: its last threads may be in the middle of a sync.
const DYING_WAIT: Duration = Duration::from_secs(2);

/// Between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Longest text that is read from the lock file.
const LOCK_TEXT_MAX: u64 = 32;

/// Why a folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Another supervisor holds it.
    #[error("{} is in use by another supervisor{}; stop that one, or choose another data folder", folder.display(), match pid { Some(pid) => format!(" (pid {pid})"), None => String::new() })]
    InUse {
        /// The folder.
        folder: PathBuf,
        /// The other one's process, where it has written it down.
        pid: Option<u32>,
    },
    /// It is something else.
    #[error("{} is not a folder; move it away, or choose another data folder", folder.display())]
    NotAFolder {
        /// The path.
        folder: PathBuf,
    },
    /// It belongs to somebody else.
    #[error("{} belongs to uid {owner}, and you are uid {me}; run this as that user, or choose another data folder", folder.display())]
    Foreign {
        /// The folder.
        folder: PathBuf,
        /// Its owner.
        owner: u32,
        /// Who we are.
        me: u32,
    },
    /// The system refused.
    #[error("cannot {act} {}; the supervisor's user needs to own it and to be able to write there", path.display())]
    Refused {
        /// What was tried.
        act: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

impl FolderError {
    pub(crate) fn refused(act: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Refused { act, path: path.to_owned(), source }
    }
}

/// The data folder, held for as long as this value lives.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// The lock is the kernel's and ends with the process, however that ends.
    _lock: File,
}

impl Folder {
    /// Makes the folder if need be, makes it private, and takes it.
    pub(crate) fn take(path: &Path) -> Result<Self, FolderError> {
        let path = std::path::absolute(path)
            .map_err(|source| FolderError::refused("find the folder", path, source))?;
        if path.exists() {
            ours(&path)?;
        }
        make_private_folder(&path)?;
        let lock = lock(&path)?;
        Ok(Self { path, _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether a supervisor has run here before: each leaves a credential at its first start, and plugins their folders.
    pub(crate) fn was_used(&self) -> bool {
        USED.iter().any(|name| fs::symlink_metadata(self.path.join(name)).is_ok())
    }

    /// Where the database is: behind the link, where its name in the folder is one. SQLite puts its log beside the file itself.
    pub(crate) fn state_file(&self) -> PathBuf {
        let name = self.state_name();
        match fs::read_link(&name) {
            // One that leads nowhere yet is still followed: SQLite makes the file there.
            Ok(target) => fs::canonicalize(&name).unwrap_or_else(|_| self.path.join(target)),
            Err(_) => name,
        }
    }

    /// The database's name in the folder.
    pub(crate) fn state_name(&self) -> PathBuf {
        self.path.join("state.db")
    }
}

/// What lies in somebody else's folder is somebody else's choice: settings, credential and sign-in included. This holds for root too.
fn ours(folder: &Path) -> Result<(), FolderError> {
    let found = fs::metadata(folder).map_err(|source| FolderError::refused("look at", folder, source))?;
    let (owner, me) = (found.uid(), rustix::process::geteuid().as_raw());
    if owner == me {
        return Ok(());
    }
    Err(FolderError::Foreign { folder: folder.to_owned(), owner, me })
}

fn lock(folder: &Path) -> Result<File, FolderError> {
    let path = folder.join(LOCK_FILE);
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    let mut file = outboard_files::open_own(&path, &options)
        .map_err(|source| FolderError::refused("open the lock file", &path, source))?;
    let until = Instant::now() + DYING_WAIT;
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) => {
                let pid = read_pid(&mut file);
                if pid.is_none_or(lives) || Instant::now() > until {
                    return Err(FolderError::InUse { folder: folder.to_owned(), pid });
                }
                std::thread::sleep(LOOK_AGAIN);
            }
            Err(TryLockError::Error(source)) => return Err(FolderError::refused("lock", &path, source)),
        }
    }
    // The pid is for people only; a disk too full to hold it must not keep the supervisor from starting.
    let _ = file.set_len(0).and_then(|()| file.write_all(format!("{}\n", std::process::id()).as_bytes()));
    Ok(file)
}

fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.take(LOCK_TEXT_MAX).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// Whether a process lives. One that was killed does not, though its last threads may still be on their way out.
fn lives(pid: u32) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    // The name before it, in brackets, may hold anything.
    let state = stat.rsplit_once(')').and_then(|(_, after)| after.trim_start().chars().next());
    !matches!(state, None | Some('Z' | 'X'))
}

/// Makes a folder, and those above it, for this user alone; an existing one is made private.
pub(crate) fn make_private_folder(path: &Path) -> Result<(), FolderError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|source| {
        if source.kind() == std::io::ErrorKind::AlreadyExists {
            return FolderError::NotAFolder { folder: path.to_owned() };
        }
        FolderError::refused("make the folder", path, source)
    })?;
    let mode = fs::metadata(path)
        .map_err(|source| FolderError::refused("look at", path, source))?
        .permissions()
        .mode();
    if mode & 0o077 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))
            .map_err(|source| FolderError::refused("make private", path, source))?;
    }
    Ok(())
}
