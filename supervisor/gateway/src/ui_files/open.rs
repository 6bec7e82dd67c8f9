//! Opens a file below a folder, and never one outside of it: the kernel itself refuses links that lead out.
//!
//! Called on a blocking thread. Must not know HTTP.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::SystemTime;

/// A regular file, opened.
pub(super) struct Opened {
    pub(super) file: File,
    pub(super) length: u64,
    pub(super) modified: SystemTime,
}

/// Opens `relative` below `root`. Anything that is no regular file is an error.
pub(super) fn open(root: &Path, relative: &Path) -> io::Result<Opened> {
    let file = open_beneath(root, relative)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    Ok(Opened { length: metadata.len(), modified, file })
}

#[cfg(target_os = "linux")]
fn open_beneath(root: &Path, relative: &Path) -> io::Result<File> {
    use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};
    let folder = OFlags::DIRECTORY | OFlags::PATH | OFlags::CLOEXEC;
    // A served folder that is itself a link could lead anywhere.
    let root = rustix::fs::openat(CWD, root, folder | OFlags::NOFOLLOW, Mode::empty())?;
    // Not blocking: a named pipe in the folder must not hold a thread.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    Ok(rustix::fs::openat2(root, relative, flags, Mode::empty(), resolve)?.into())
}

#[cfg(not(target_os = "linux"))]
fn open_beneath(root: &Path, relative: &Path) -> io::Result<File> {
    let root = root.canonicalize()?;
    let path = root.join(relative).canonicalize()?;
    if !path.starts_with(&root) || !path.metadata()?.is_file() {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    File::open(path)
}
