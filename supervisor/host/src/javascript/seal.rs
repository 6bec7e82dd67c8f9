//! Whether a folder of ours is still as it was when its contents were last read: every file and folder in it by its number, size,
//! mode and times. The time of the last change is the kernel's own, which no program sets back.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// More entries than any folder of ours holds: one that somebody fills is not looked through.
const MOST: usize = 1_000;
/// Group and others.
const OTHERS_MAY_WRITE: u32 = 0o022;

/// All that is known of a folder without reading a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Seal(Vec<Entry>);

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    path: PathBuf,
    is_file: bool,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Seal {
    /// Looks through a folder.
    ///
    /// # Errors
    /// What is neither a file nor a folder, has another owner or another name elsewhere, or can be written by others.
    pub(super) fn of(folder: &Path) -> io::Result<Self> {
        let (mut entries, mut pending) = (Vec::new(), vec![folder.to_owned()]);
        while let Some(path) = pending.pop() {
            let entry = look(path)?;
            if !entry.is_file {
                for inner in std::fs::read_dir(&entry.path)? {
                    pending.push(inner?.path());
                }
            }
            entries.push(entry);
            if entries.len() + pending.len() > MOST {
                return Err(refused(folder, "holds far more than it should"));
            }
        }
        entries.sort_unstable();
        Ok(Self(entries))
    }

    /// How many files there are.
    pub(super) fn files(&self) -> usize {
        self.0.iter().filter(|entry| entry.is_file).count()
    }
}

fn look(path: PathBuf) -> io::Result<Entry> {
    let about = std::fs::symlink_metadata(&path)?;
    let is_file = about.is_file();
    if !is_file && !about.is_dir() {
        return Err(refused(&path, "is neither a file nor a folder"));
    }
    if about.uid() != rustix::process::geteuid().as_raw() {
        return Err(refused(&path, "belongs to another user"));
    }
    if about.mode() & OTHERS_MAY_WRITE != 0 {
        return Err(refused(&path, "can be written by others"));
    }
    if is_file && about.nlink() != 1 {
        return Err(refused(&path, "has a second name"));
    }
    let modified = (about.mtime(), about.mtime_nsec());
    let changed = (about.ctime(), about.ctime_nsec());
    Ok(Entry { path, is_file, inode: about.ino(), size: about.size(), modified, changed })
}

fn refused(path: &Path, why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{} {why}", path.display()))
}
