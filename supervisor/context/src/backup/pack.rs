//! Writes the archive of a backup: plain tar, one database after the other.
//!
//! Used by [`super::make`]. Must not know where the databases come from, nor how the archive gets its name.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::contents::{Contents, LIST};
use super::copy::Until;
use crate::store::StoreError;

/// What is read and written at once.
const CHUNK: usize = 256 * 1024;

/// An archive on its way.
pub(super) struct Pack {
    path: PathBuf,
    archive: tar::Builder<BufWriter<File>>,
    made: u64,
    until: Until,
}

impl Pack {
    /// Begins a new archive, 0600.
    pub(super) fn begin(path: PathBuf, until: Until) -> Result<Self, StoreError> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let file = file.map_err(|error| StoreError::from_io(&path, &error))?;
        let archive = tar::Builder::new(BufWriter::with_capacity(CHUNK, file));
        let made = u64::try_from(jiff::Timestamp::now().as_second()).unwrap_or_default();
        Ok(Self { path, archive, made, until })
    }

    /// Moves a file into the archive under a name.
    pub(super) fn take(&mut self, name: &str, from: &Path) -> Result<(), StoreError> {
        let opened = File::open(from).and_then(|file| Ok((file.metadata()?.len(), file)));
        let (length, file) = opened.map_err(|error| StoreError::from_io(from, &error))?;
        let file = InTime { inner: BufReader::with_capacity(CHUNK, file), until: self.until };
        self.append(name, length, file)?;
        fs::remove_file(from).map_err(|error| StoreError::from_io(from, &error))
    }

    /// Ends the archive with the list of what is in it, and syncs it; tells its length. Whoever finds the list finds all of it.
    pub(super) fn end(mut self, contents: &Contents) -> Result<u64, StoreError> {
        let list = contents.to_json();
        self.append(LIST, list.len() as u64, list.as_slice())?;
        let Self { path, archive, .. } = self;
        let ended = archive.into_inner().and_then(|mut buffer| {
            buffer.flush()?;
            buffer.get_ref().sync_all()?;
            Ok(buffer.get_ref().metadata()?.len())
        });
        ended.map_err(|error| StoreError::from_io(&path, &error))
    }

    fn append(&mut self, name: &str, length: u64, data: impl Read) -> Result<(), StoreError> {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_mode(0o600);
        // Nobody's in particular: whoever unpacks it owns it.
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(self.made);
        header.set_size(length);
        let appended = self.archive.append_data(&mut header, name, data);
        appended.map_err(|error| match self.until.check() {
            Ok(()) => StoreError::from_io(&self.path, &error),
            Err(late) => late,
        })
    }
}

/// Reads on for as long as there is time.
struct InTime<R> {
    inner: R,
    until: Until,
}

impl<R: Read> Read for InTime<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.until.check().map_err(io::Error::other)?;
        self.inner.read(into)
    }
}
