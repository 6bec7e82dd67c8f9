//! One source's log files: appended to, rotated by size, never left with half a line.
//!
//! Used by the writer. Must not know what a line means.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A source's present file, open.
pub(super) struct LogFile {
    path: PathBuf,
    file: File,
    size: u64,
}

impl LogFile {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        // A planted link must not make the supervisor write to another file, nor a planted pipe make it wait.
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true).mode(0o600);
        let mut file = outboard_files::open_own(path, &options)?;
        let mut size = file.metadata()?.len();
        if size > 0 {
            // A supervisor that was killed may have left half a line; what follows must not be glued to it.
            let mut last = [0];
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
            if last != *b"\n" {
                file.write_all(b"\n")?;
                size += 1;
            }
        }
        Ok(Self { path: path.to_owned(), file, size })
    }

    /// Whether it is still the file at its name. One that somebody removed takes every line, and nobody can read them.
    pub(super) fn is_in_place(&self) -> bool {
        let (Ok(here), Ok(open)) = (fs::symlink_metadata(&self.path), self.file.metadata()) else {
            return false;
        };
        (here.dev(), here.ino()) == (open.dev(), open.ino())
    }

    /// Appends whole lines, all or none of them.
    pub(super) fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        if let Err(error) = self.file.write_all(lines) {
            // Where not even this works, opening it again mends the half line.
            let _ = self.file.set_len(self.size);
            return Err(error);
        }
        self.size += lines.len() as u64;
        Ok(())
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Moves the file to `.1`, that one to `.2` and so on; the one beyond `files` is deleted.
    pub(super) fn rotate(&mut self, files: u32) -> io::Result<()> {
        let last = files.max(1) - 1;
        if last == 0 {
            self.file.set_len(0)?;
            self.size = 0;
            return Ok(());
        }
        for number in (1..last).rev() {
            match fs::rename(numbered(&self.path, number), numbered(&self.path, number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        fs::rename(&self.path, numbered(&self.path, 1))?;
        *self = Self::open(&self.path)?;
        Ok(())
    }
}

/// The name of an older file.
pub(super) fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

/// A file as it was at one moment: found again by what it is, as it may bear another number by then, and opened only while it is
/// read, since there are many.
pub(super) struct Place {
    /// The names that it may have, the one that it had first.
    names: Vec<PathBuf>,
    identity: (u64, u64),
    /// How long it was.
    pub(super) size: u64,
}

impl Place {
    fn of(names: Vec<PathBuf>) -> Option<Self> {
        let found = fs::metadata(names.first()?).ok()?;
        Some(Self { names, identity: (found.dev(), found.ino()), size: found.len() })
    }

    /// Opens it; `None` where it is gone, by rotation or because somebody removed it.
    ///
    /// # Errors
    /// A sentence that names a file that is there and cannot be read.
    pub(super) fn open(&self) -> Result<Option<File>, String> {
        for name in &self.names {
            let is_it = |found: io::Result<fs::Metadata>| {
                found.is_ok_and(|found| (found.dev(), found.ino()) == self.identity)
            };
            if !is_it(fs::metadata(name)) {
                continue;
            }
            match outboard_files::open(name) {
                // It may have been rotated away in between.
                Ok(file) if !is_it(file.metadata()) => {}
                Ok(file) => return Ok(Some(file)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(format!("{} cannot be read: {error}", name.display())),
            }
        }
        Ok(None)
    }
}

/// A source's files that exist, latest first.
pub(super) fn places(path: &Path, files: u32) -> Vec<Place> {
    let older = (1..files.max(1)).map(|number| numbered(path, number));
    let names: Vec<PathBuf> = std::iter::once(path.to_owned()).chain(older).collect();
    (0..names.len()).filter_map(|at| Place::of(names[at..].to_vec())).collect()
}
