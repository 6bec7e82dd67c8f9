//! One consistent copy of one SQLite database.
//!
//! Used by backup and restore. Must not know whose it is.

use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};
use rustix::fs::OFlags;

use crate::store::StoreError;

/// Pages that are copied at once, a quarter of a megabyte of `state.db` and mostly a whole one of a plugin's database: between two
/// steps the clock is looked at, and whoever writes gets a turn.
const PAGES: i32 = 256;
/// How long another process may hold a database for itself before it is left out.
const BUSY_WAIT: Duration = Duration::from_secs(5);
/// How every SQLite database begins.
const SQLITE_HEAD: &[u8; 16] = b"SQLite format 3\0";

/// When a backup has to have come to its end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Until {
    at: Instant,
    limit: Duration,
}

impl Until {
    pub(super) fn within(limit: Duration) -> Self {
        Self { at: Instant::now() + limit, limit }
    }

    pub(super) fn check(self) -> Result<(), StoreError> {
        if Instant::now() > self.at { Err(StoreError::TimedOut { waited: self.limit }) } else { Ok(()) }
    }
}

/// Whether a file begins as an SQLite database does. Follows no link, and waits for no pipe.
pub(super) fn is_database(file: &Path) -> bool {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let mut head = [0; SQLITE_HEAD.len()];
    let opened = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(file);
    opened.and_then(|mut file| file.read_exact(&mut head)).is_ok() && head == *SQLITE_HEAD
}

/// Copies a database file that others may be writing.
pub(super) fn copy_file(source: &Path, to: &Path, until: Until) -> Result<(), StoreError> {
    let name = |error: rusqlite::Error| StoreError::from_sqlite(source, &error);
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let db = Connection::open_with_flags(source, flags).map_err(name)?;
    db.busy_timeout(BUSY_WAIT).map_err(name)?;
    db.pragma_update(None, "trusted_schema", false).map_err(name)?;
    // One view from the first page to the last, whatever is written meanwhile.
    db.execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema;").map_err(name)?;
    copy(&db, to, until, &mut || true)
}

/// Copies an open database to a new file, 0600. What is written by this connection `between` the steps is copied as
/// well; where that says no, the copy ends.
pub(super) fn copy(
    source: &Connection,
    to: &Path,
    until: Until,
    between: &mut dyn FnMut() -> bool,
) -> Result<(), StoreError> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to);
    drop(made.map_err(|error| StoreError::from_io(to, &error))?);
    let name = |error: rusqlite::Error| StoreError::from_sqlite(to, &error);
    let mut copied = Connection::open(to).map_err(name)?;
    // It lasts until it is in the archive, which is synced; so this needs neither a journal nor a place on the disk.
    copied.pragma_update(None, "journal_mode", "OFF").map_err(name)?;
    copied.pragma_update(None, "synchronous", "OFF").map_err(name)?;
    let backup = Backup::new(source, &mut copied).map_err(name)?;
    let busy_until = Instant::now() + BUSY_WAIT;
    loop {
        match backup.step(PAGES).map_err(name)? {
            StepResult::Done => break,
            StepResult::More => {}
            _ if Instant::now() < busy_until => std::thread::sleep(Duration::from_millis(20)),
            _ => {
                return Err(StoreError::Io {
                    file: to.display().to_string(),
                    detail: "the database is locked".into(),
                });
            }
        }
        until.check()?;
        if !between() {
            return Err(StoreError::Closed);
        }
    }
    drop(backup);
    copied.close().map_err(|(_, error)| name(error))
}

/// Looks at a whole database; the sentence says what is wrong with it.
pub(super) fn check(file: &Path) -> Result<i64, String> {
    let look = || -> rusqlite::Result<(String, i64)> {
        let db = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let verdict = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        let version = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        Ok((verdict, version))
    };
    match look() {
        Ok((verdict, version)) if verdict == "ok" => Ok(version),
        Ok((verdict, _)) => Err(verdict),
        Err(error) => Err(error.to_string()),
    }
}
