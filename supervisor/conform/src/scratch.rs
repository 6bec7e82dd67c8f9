//! A folder that is there as long as an examination lasts. Must not know what is kept in it.

use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// How many names are tried. A second is only needed where a process of the same id has left its folder.
const ATTEMPTS: u32 = 64;

/// Removed with all that is in it when dropped.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// A new folder, closed to others. Its path is short, as sockets are bound below it.
    pub(crate) fn new() -> io::Result<Self> {
        let root = std::env::temp_dir();
        for attempt in 0..ATTEMPTS {
            let path = root.join(format!("outboard-conform-{}-{attempt}", std::process::id()));
            match std::fs::DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays behind is in the system's folder for what may be lost.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
