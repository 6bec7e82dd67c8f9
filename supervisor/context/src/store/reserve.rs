//! Room for SQLite's write-ahead log, written before it is needed.
//!
//! A sync of a file that has grown writes the file's new size as well, through the journal of the file system: two flushes of
//! the disk where overwriting takes one. So the log gets its whole size once, as zeros, which are not frames; SQLite begins
//! again from its start after each checkpoint and never makes it shorter.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::beside::with_suffix;

/// Bytes of pages in the log after which SQLite copies them to the file and begins again.
pub(super) const CHECKPOINT_BYTES: u64 = 2 * 1024 * 1024;

/// Size of the log that gets there, in bytes: the pages, their frames' heads, and a large group on top.
const LOG_BYTES: u64 = CHECKPOINT_BYTES + CHECKPOINT_BYTES / 4;

/// Times this much must be free on the disk: on a small one, the room has better uses.
const SHARE: u64 = 64;

/// Zeros that are written at once.
const STEP: usize = 64 * 1024;

/// Makes the log of an open database as long as it will get. Where that fails it grows as it is used.
pub(super) fn log(database: &Path) {
    let log = with_suffix(database, "-wal");
    let Ok(file) = outboard_files::open_own(&log, OpenOptions::new().write(true)) else { return };
    let (Ok(metadata), Ok(disk)) = (file.metadata(), rustix::fs::fstatvfs(&file)) else { return };
    let before = metadata.len();
    if disk.f_bavail.saturating_mul(disk.f_frsize) < LOG_BYTES * SHARE {
        return;
    }
    let mut end = before;
    while end < LOG_BYTES {
        let step = STEP.min(usize::try_from(LOG_BYTES - end).unwrap_or(STEP));
        if file.write_all_at(&[0; STEP][..step], end).is_err() {
            // What a full disk has left belongs to the data.
            let _ = file.set_len(before);
            return;
        }
        end += step as u64;
    }
    let _ = file.sync_all();
}
