//! Whether the files that are written are still the ones at their names: a file that somebody removed, replaced or cut short
//! under a running supervisor takes every write, and gives none back at the next start.
//!
//! Asked by the store's thread around each commit. Costs two `stat` calls. Must not know what is written.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::beside::with_suffix;
use super::error::StoreError;

/// The database, its log and the link to them, as they were when the store began.
pub(super) struct Watch {
    files: Vec<Watched>,
}

struct Watched {
    path: PathBuf,
    device: u64,
    inode: u64,
    /// SQLite makes neither file shorter while it is open, so less than this is somebody else's work.
    bytes: u64,
}

impl Watch {
    /// Remembers the files of an open database. What is not there now is not watched. `name` is where the next start looks for it:
    /// a link to it, or the database itself.
    pub(super) fn begin(database: &Path, name: &Path) -> Self {
        let link = (name != database).then(|| name.to_owned());
        let files = [database.to_owned(), with_suffix(database, "-wal")];
        Self { files: files.into_iter().chain(link).filter_map(Watched::begin).collect() }
    }

    /// Looks.
    ///
    /// # Errors
    /// [`StoreError::Gone`], which names the file and what became of it.
    pub(super) fn look(&mut self) -> Result<(), StoreError> {
        self.files.iter_mut().try_for_each(Watched::look)
    }
}

impl Watched {
    fn begin(path: PathBuf) -> Option<Self> {
        let found = std::fs::symlink_metadata(&path).ok()?;
        Some(Self { device: found.dev(), inode: found.ino(), bytes: found.len(), path })
    }

    fn look(&mut self) -> Result<(), StoreError> {
        let found = std::fs::symlink_metadata(&self.path);
        let became = match &found {
            Err(_) => "was removed or moved away",
            Ok(found) if !self.is(found) => "was replaced by another file",
            Ok(found) if found.len() < self.bytes => "was cut short",
            Ok(found) => {
                self.bytes = found.len();
                return Ok(());
            }
        };
        Err(StoreError::Gone { file: self.path.display().to_string(), became })
    }

    fn is(&self, found: &Metadata) -> bool {
        found.dev() == self.device && found.ino() == self.inode
    }
}
