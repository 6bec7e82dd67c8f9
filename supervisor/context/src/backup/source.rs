//! What is put back: an archive that `backup` made, or the folder that it was unpacked into.
//!
//! Used by restore. Must not know where the files go.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::contents::{Contents, LIST, LIST_MAX};
use super::unpack::Archive;

pub(super) enum Source {
    Folder(PathBuf),
    Archive(Archive),
}

impl Source {
    /// Opens a backup and looks at all that is named in it; the sentence says what is wrong.
    pub(super) fn open(path: &Path) -> Result<(Self, Contents), String> {
        // Waits for no pipe.
        let flags = OFlags::NONBLOCK.bits().cast_signed();
        let opened = OpenOptions::new().read(true).custom_flags(flags).open(path);
        let file = opened.map_err(|error| format!("it cannot be opened: {error}"))?;
        let kind = file.metadata().map_err(|error| format!("it cannot be looked at: {error}"))?.file_type();
        if kind.is_dir() {
            return Ok((Self::Folder(path.to_owned()), Contents::parse(&list_of(path)?)?));
        }
        if !kind.is_file() {
            return Err("it is neither a file nor a folder".to_owned());
        }
        let archive = Archive::open(file)?;
        let contents = Contents::parse(&archive.list()?)?;
        archive.holds_exactly(&contents.files)?;
        Ok((Self::Archive(archive), contents))
    }

    /// Bytes of a file, as it is in the backup; where there is none of that name, [`Source::copy`] says so.
    pub(super) fn length(&self, name: &str) -> u64 {
        self.open_file(name).map_or(0, |(_, length)| length)
    }

    /// Copies a file out of it, 0600 and synced.
    pub(super) fn copy(&self, name: &str, to: &Path) -> io::Result<()> {
        let (file, length) = self.open_file(name)?;
        let mut copied = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
        if io::copy(&mut file.take(length), &mut copied)? != length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        copied.sync_all()
    }

    fn open_file(&self, name: &str) -> io::Result<(File, u64)> {
        match self {
            Self::Folder(folder) => plain(folder, name),
            Self::Archive(archive) => archive.open_file(name),
        }
    }
}

fn list_of(folder: &Path) -> Result<Vec<u8>, String> {
    let mut text = Vec::new();
    let read = plain(folder, LIST).and_then(|(file, _)| file.take(LIST_MAX).read_to_end(&mut text));
    read.map(|_| text).map_err(|error| format!("its {LIST} cannot be read: {error}"))
}

/// A plain file below a folder, and its length. Follows no link, and waits for no pipe.
fn plain(folder: &Path, name: &str) -> io::Result<(File, u64)> {
    let is_folder = |above: &Path| fs::symlink_metadata(folder.join(above)).map(|found| found.is_dir());
    for above in Path::new(name).ancestors().skip(1) {
        if !is_folder(above)? {
            return Err(io::Error::other(format!("{} is not a folder", folder.join(above).display())));
        }
    }
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let opened =
        OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(folder.join(name));
    let file = opened?;
    let found = file.metadata()?;
    if found.is_file() { Ok((file, found.len())) } else { Err(io::Error::other("it is not a plain file")) }
}
