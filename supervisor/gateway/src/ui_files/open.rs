//! Opens a file below a folder, and never one outside of it: the kernel itself refuses links that lead out.
//!
//! Called on a blocking thread. Must not know HTTP.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::SystemTime;

/// A regular file, opened.
pub(crate) struct Opened {
    pub(crate) file: File,
    pub(crate) length: u64,
    pub(crate) modified: SystemTime,
}

/// Opens `relative` below `root`. Anything that is not a regular file, or is somebody else's by a hard link, is an error.
pub(crate) fn open(root: &Path, relative: &Path) -> io::Result<Opened> {
    let (folder, file) = open_beneath(root, relative)?;
    let (folder, metadata) = (folder.metadata()?, file.metadata()?);
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    if is_anothers(metadata.nlink(), metadata.uid(), folder.uid()) {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "a hard link to another owner's file"));
    }
    let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    Ok(Opened { length: metadata.len(), modified, file })
}

/// Whether a file with more than one name belongs to somebody else than the folder: whoever owns the folder may not be able to
/// read it, and we may. Where the owner is one and the same, the link shows nothing that the plugin could not show by itself;
/// package tools and backups make many of those.
fn is_anothers(names: u64, owner: u32, folder_owner: u32) -> bool {
    names > 1 && owner != folder_owner
}

/// The folder and the file.
#[cfg(target_os = "linux")]
fn open_beneath(root: &Path, relative: &Path) -> io::Result<(File, File)> {
    use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};
    let folder = OFlags::DIRECTORY | OFlags::PATH | OFlags::CLOEXEC;
    // A served folder that is itself a link could lead anywhere.
    let root = rustix::fs::openat(CWD, root, folder | OFlags::NOFOLLOW, Mode::empty())?;
    // Not blocking: a named pipe in the folder must not hold a thread.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    let file = rustix::fs::openat2(&root, relative, flags, Mode::empty(), resolve)?;
    Ok((root.into(), file.into()))
}

#[cfg(not(target_os = "linux"))]
fn open_beneath(root: &Path, relative: &Path) -> io::Result<(File, File)> {
    let root = root.canonicalize()?;
    let path = root.join(relative).canonicalize()?;
    if !path.starts_with(&root) || !path.metadata()?.is_file() {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    Ok((File::open(root)?, File::open(path)?))
}
