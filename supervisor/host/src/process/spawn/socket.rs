//! The Unix socket on which one generation of a plugin hears HTTP.
//!
//! Bound by the plugin actor before the spawn, so that the first request finds an open door. It must not know what is
//! served. The descriptor goes to the child; the path goes to whoever connects; the file goes when the generation ends.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use outboard_files::look;
use tokio::runtime::Handle;

/// How long the disk may take to remove a socket's file.
const REMOVED_WITHIN: Duration = Duration::from_secs(5);
/// What the kernel takes as a path, the final NUL included.
const PATH_LIMIT: usize = 108;

/// The socket could not be bound.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The path does not fit in a socket address.
    #[error(
        "the socket path {} is {length} bytes long and the system takes {}; choose a shorter runtime folder",
        .path.display(), PATH_LIMIT - 1
    )]
    TooLong {
        /// The path that would have been used.
        path: PathBuf,
        /// Its length in bytes.
        length: usize,
    },
    /// Others could put themselves between the gateway and the plugin.
    #[error("the runtime folder {} must belong to this user and be closed to others (it has mode {mode:04o} and owner {owner}); chmod 700 it", .path.display())]
    OpenToOthers {
        /// The folder.
        path: PathBuf,
        /// Its mode.
        mode: u32,
        /// Its owner's uid.
        owner: u32,
    },
    /// The operating system refused.
    #[error("cannot bind the socket {}", .path.display())]
    System {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The file of a bound socket. Removed by [`Self::remove`], or at the latest when dropped.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
}

impl SocketFile {
    /// Where to connect.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the file; connecting fails from here on.
    pub fn remove(self) {}
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        remove_later(std::mem::take(&mut self.path));
    }
}

/// Removes the file of a socket, away from the runtime's thread where there is one. What is not removed is replaced when its slot
/// is given out again.
pub fn remove_later(path: PathBuf) {
    let Ok(runtime) = Handle::try_current() else { return remove(&path) };
    runtime.spawn(async move {
        let place = path.clone();
        if let Err(error) = look(&place, REMOVED_WITHIN, move || remove(&path)).await {
            tracing::warn!(%error, "could not remove a socket file");
        }
    });
}

fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(path = %path.display(), %error, "could not remove a socket file");
    }
}

/// `<folder>/<slot>`, free for a program to bind by itself, in a folder as for [`bind`].
///
/// # Errors
/// As for [`bind`].
pub fn place(folder: &Path, slot: &str) -> Result<PathBuf, BindError> {
    let path = folder.join(slot);
    let length = path.as_os_str().len();
    if length >= PATH_LIMIT {
        return Err(BindError::TooLong { path, length });
    }
    closed_folder(folder)?;
    match fs::remove_file(&path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(BindError::System { path, source }),
        _ => Ok(path),
    }
}

/// Binds `<folder>/<slot>` with mode 0600, where the folder is made with mode 0700 if absent. A stale file of that name
/// is replaced: slots are given out by one supervisor, which holds the lock on its folder.
///
/// # Errors
/// When the path is too long, the folder is open to others, or the system refuses.
pub fn bind(folder: &Path, slot: &str) -> Result<(OwnedFd, SocketFile), BindError> {
    let path = place(folder, slot)?;
    let refused = |source| BindError::System { path: path.clone(), source };
    let listener = UnixListener::bind(&path).map_err(refused)?;
    let file = SocketFile { path: path.clone() };
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).map_err(refused)?;
    Ok((listener.into(), file))
}

fn closed_folder(folder: &Path) -> Result<(), BindError> {
    let refused = |source| BindError::System { path: folder.to_owned(), source };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(refused)?;
    let meta = fs::symlink_metadata(folder).map_err(refused)?;
    let (mode, owner) = (meta.mode() & 0o7777, meta.uid());
    if !meta.is_dir() || mode & 0o077 != 0 || owner != rustix::process::geteuid().as_raw() {
        return Err(BindError::OpenToOthers { path: folder.to_owned(), mode, owner });
    }
    Ok(())
}
