//! Reads the archive of a backup as coming from a stranger.
//!
//! Used by [`super::source`]. Every header is looked at before a byte is copied: an archive holds plain files under the names of a
//! data folder's databases, each once, and nothing that tar knows besides. What another tar packed from an unpacked backup is
//! read as well, so folders, and remarks that change nothing, are passed over. Must not know what is done with the files.
//!
//! Headers are read raw, so that no record of the archive has an effect that is not written down here.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use super::contents::{FILES_MAX, LIST, LIST_MAX, is_allowed, is_folder};

/// Headers in an archive: for each file itself, its folder, a long name and remarks.
const HEADERS_MAX: usize = 4 * FILES_MAX + 16;
/// Longest record that says more of the next file: no name is that long.
const RECORD_MAX: u64 = 64 * 1024;
/// Remarks of PAX that change neither name, size nor kind of what follows.
const REMARKS: [&str; 8] = ["mtime", "atime", "ctime", "uid", "gid", "uname", "gname", "comment"];
/// How further ones begin: attributes that a file system keeps beside a file.
const REMARKS_BELOW: [&str; 4] = ["SCHILY.xattr.", "SCHILY.acl.", "LIBARCHIVE.", "RHT.security."];
/// What to do with an archive that only other programs read.
const ANOTHER_WAY: &str = "unpack it with `tar -xf` and restore the folder";

/// Where a file lies in the archive.
#[derive(Debug, Clone, Copy)]
struct Member {
    at: u64,
    length: u64,
}

/// An archive whose headers have been looked at.
#[derive(Debug)]
pub(super) struct Archive {
    file: File,
    members: BTreeMap<String, Member>,
}

impl Archive {
    /// Looks at every header; the sentence says what is wrong.
    pub(super) fn open(file: File) -> Result<Self, String> {
        let members = Headers::read(&file)?;
        Ok(Self { file, members })
    }

    /// The text of the list.
    pub(super) fn list(&self) -> Result<Vec<u8>, String> {
        let Some(member) = self.members.get(LIST) else {
            return Err(format!(
                "there is no {LIST} in it, which is the last to be written; copy it again whole"
            ));
        };
        if member.length > LIST_MAX {
            return Err(format!("its {LIST} is longer than {LIST_MAX} bytes"));
        }
        let mut text = Vec::new();
        let read = self.open_file(LIST).and_then(|(file, length)| file.take(length).read_to_end(&mut text));
        read.map(|_| text).map_err(|error| format!("its {LIST} cannot be read: {error}"))
    }

    /// Whether exactly these files are in it, beside the list; the sentence says which is not.
    pub(super) fn holds_exactly(&self, names: &[String]) -> Result<(), String> {
        if let Some(name) = names.iter().find(|name| !self.members.contains_key(*name)) {
            return Err(format!("its {LIST} names {name}, which is not in it; copy it again whole"));
        }
        let named: BTreeSet<&String> = names.iter().collect();
        let more = self.members.keys().find(|name| *name != LIST && !named.contains(name));
        more.map_or(Ok(()), |name| Err(format!("it holds {name}, which its {LIST} does not name")))
    }

    /// A file in it: where it begins, and how long it is.
    pub(super) fn open_file(&self, name: &str) -> io::Result<(File, u64)> {
        let Some(member) = self.members.get(name) else { return Err(io::ErrorKind::NotFound.into()) };
        let mut file = self.file.try_clone()?;
        file.seek(SeekFrom::Start(member.at))?;
        Ok((file, member.length))
    }
}

/// What the headers said so far.
#[derive(Default)]
struct Headers {
    seen: usize,
    members: BTreeMap<String, Member>,
    /// The next file's, where its own header is too short for it.
    long_name: Option<Vec<u8>>,
}

impl Headers {
    fn read(file: &File) -> Result<BTreeMap<String, Member>, String> {
        let unreadable = |error: io::Error| format!("it cannot be read: {error}");
        let whole = file.metadata().map_err(unreadable)?.len();
        let mut archive = tar::Archive::new(BufReader::new(file));
        let mut headers = Self::default();
        for entry in archive.entries_with_seek().map_err(unreadable)?.raw(true) {
            let entry = entry.map_err(|error| match headers.seen {
                0 => {
                    format!("it is not a tar archive ({error}); where it is compressed, decompress it first")
                }
                _ => format!("one of its headers makes no sense ({error}); copy it again"),
            })?;
            headers.seen += 1;
            if headers.seen > HEADERS_MAX {
                return Err(format!("it has more than {HEADERS_MAX} headers"));
            }
            // Else a length is what somebody says, and the next header is looked for where nothing is.
            if entry.raw_file_position().checked_add(entry.size()).is_none_or(|end| end > whole) {
                let name = shown(&entry.header().path_bytes());
                return Err(format!("it ends in the middle of {name}; copy it again whole"));
            }
            headers.take(entry)?;
        }
        match headers.long_name {
            Some(_) => Err("it ends after a name; copy it again whole".to_owned()),
            None => Ok(headers.members),
        }
    }

    fn take(&mut self, mut entry: tar::Entry<'_, impl Read>) -> Result<(), String> {
        let kind = entry.header().entry_type();
        if kind.is_gnu_longname() {
            let name = record(&mut entry)?;
            let second = self.long_name.replace(name).is_some();
            return if second { Err("it gives one file two names".to_owned()) } else { Ok(()) };
        }
        if kind.is_pax_local_extensions() || kind.is_pax_global_extensions() {
            return only_remarks(&record(&mut entry)?);
        }
        let (at, length) = (entry.raw_file_position(), entry.size());
        let bytes = self.long_name.take().unwrap_or_else(|| entry.header().path_bytes().into_owned());
        let name = name(&bytes);
        if kind.is_dir() && length == 0 && name.is_some_and(|name| is_folder(name.trim_end_matches('/'))) {
            return Ok(());
        }
        let Some(name) = name.filter(|name| *name == LIST || is_allowed(name)) else {
            return Err(format!("it holds {}, which is not a database of a data folder", shown(&bytes)));
        };
        if !kind.is_file() {
            return Err(format!("{name} in it is not a plain file; {ANOTHER_WAY}"));
        }
        match self.members.insert(name.to_owned(), Member { at, length }) {
            Some(_) => Err(format!("it holds {name} twice")),
            None => Ok(()),
        }
    }
}

/// A name without what other programs put in front of it.
fn name(bytes: &[u8]) -> Option<&str> {
    let name = std::str::from_utf8(bytes).ok()?;
    Some(name.strip_prefix("./").unwrap_or(name))
}

fn shown(name: &[u8]) -> String {
    format!("{:?}", String::from_utf8_lossy(name))
}

/// The content of a record that says more of the next file, without the zero at its end.
fn record(entry: &mut impl Read) -> Result<Vec<u8>, String> {
    let mut record = Vec::new();
    let read = entry.take(RECORD_MAX + 1).read_to_end(&mut record);
    read.map_err(|error| format!("it cannot be read: {error}"))?;
    if record.len() as u64 > RECORD_MAX {
        return Err(format!("it has a record of more than {RECORD_MAX} bytes; {ANOTHER_WAY}"));
    }
    if record.last() == Some(&0) {
        record.pop();
    }
    Ok(record)
}

fn only_remarks(record: &[u8]) -> Result<(), String> {
    for extension in tar::PaxExtensions::new(record) {
        let extension = extension.map_err(|error| format!("one of its records makes no sense: {error}"))?;
        let key = String::from_utf8_lossy(extension.key_bytes());
        if !REMARKS.contains(&key.as_ref()) && !REMARKS_BELOW.iter().any(|begin| key.starts_with(begin)) {
            return Err(format!("it says {key:?} of a file, which is not read here; {ANOTHER_WAY}"));
        }
    }
    Ok(())
}
