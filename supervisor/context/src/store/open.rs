//! Opens `state.db`: checks it, sets a damaged one aside, refuses a newer one, and gives it its tables.
//!
//! Called once, when the context opens. Must not know who uses the tables.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::beside::with_suffix;
use super::error::StoreError;
use super::reserve::CHECKPOINT_BYTES;

/// The shape of the tables that this program knows, kept in the file's `user_version`.
pub(crate) const SCHEMA: i64 = 1;

/// The tables. Values are JSON text, byte for byte as they were given.
const TABLES: &str = "
CREATE TABLE config (plugin TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (plugin, key));
CREATE TABLE prefixes (prefix TEXT NOT NULL PRIMARY KEY, plugin TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE plugins (id TEXT NOT NULL PRIMARY KEY, enabled INTEGER NOT NULL DEFAULT 1, last_version TEXT) WITHOUT ROWID;
";

/// Tables that came later, and that an older program does without.
const LATER: &str = "
CREATE TABLE IF NOT EXISTS pasts (plugin TEXT NOT NULL PRIMARY KEY, past TEXT NOT NULL) WITHOUT ROWID;
";

/// Prepared statements that are kept: all that the context has.
const STATEMENTS: usize = 32;

/// Why the database cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenStoreError {
    /// A later version of this program has written the file.
    #[error("{} was written by a newer Outboard (its tables have version {found}, this program knows {known}); run that version, or choose another data folder", file.display())]
    Newer {
        /// The file.
        file: PathBuf,
        /// The version of its tables.
        found: i64,
        /// The latest version known here.
        known: i64,
    },
    /// The file cannot be used, and is not damaged either.
    #[error("cannot open the state of the supervisor")]
    Unusable(#[source] StoreError),
    /// A damaged file could not be moved.
    #[error("{} is damaged and cannot be set aside", file.display())]
    CannotSetAside {
        /// The damaged file.
        file: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

/// An open database.
pub(crate) struct Opened {
    pub(crate) db: Connection,
    /// What an operator must know, a sentence each.
    pub(crate) findings: Vec<String>,
}

/// Opens the file, at most `max_bytes` large. `used`: a supervisor has run on its folder before.
pub(crate) fn open(file: &Path, max_bytes: u64, used: bool) -> Result<Opened, OpenStoreError> {
    let cannot_set_aside = |source| OpenStoreError::CannotSetAside { file: file.to_owned(), source };
    let lost = lost(file, used).map_err(cannot_set_aside)?;
    match attempt(file, max_bytes) {
        Ok(db) => Ok(Opened { db, findings: lost.into_iter().collect() }),
        Err(OpenStoreError::Unusable(StoreError::Corrupt { detail, .. })) => {
            let aside = set_aside(file).map_err(cannot_set_aside)?;
            let finding = format!(
                "{} was damaged ({detail}) and has been set aside as {}; the supervisor begins with empty settings. Restore a backup, or ask somebody who knows SQLite to recover that file",
                file.display(),
                aside.display()
            );
            Ok(Opened { db: attempt(file, max_bytes)?, findings: vec![finding] })
        }
        Err(error) => Err(error),
    }
}

/// A file that is gone, or empty, where there was one: SQLite would take it for new, and delete the log beside it, which may
/// hold the latest values. What is left is set aside, and said.
///
/// A first start that was cut off leaves an empty file as well; there `used` is false and there is no log, and nothing is lost.
fn lost(file: &Path, used: bool) -> std::io::Result<Option<String>> {
    let bytes = |path: &Path| fs::symlink_metadata(path).ok().map(|found| found.len());
    let (database, log) = (bytes(file), bytes(&with_suffix(file, "-wal")).unwrap_or(0));
    if database.is_some_and(|bytes| bytes > 0) || (!used && log == 0) {
        return Ok(None);
    }
    let was = if database.is_some() { "is empty" } else { "is gone" };
    let aside = if database.is_some() || log > 0 {
        format!("; what was left of it has been set aside as {}", set_aside(file)?.display())
    } else {
        String::new()
    };
    Ok(Some(format!(
        "{} {was}, though its folder has been used before{aside}; the supervisor begins with empty settings. Restore a backup with `outboard restore`, or put the former file back while no supervisor runs",
        file.display()
    )))
}

fn attempt(file: &Path, max_bytes: u64) -> Result<Connection, OpenStoreError> {
    // Made here with its mode, so that it is never readable for others, not even for a moment; SQLite gives its log the same mode.
    OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .open(file)
        .map_err(|error| OpenStoreError::Unusable(StoreError::from_io(file, &error)))?;
    let name = |error: rusqlite::Error| OpenStoreError::Unusable(StoreError::from_sqlite(file, &error));
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut db = Connection::open_with_flags(file, flags).map_err(name)?;
    if db.is_readonly("main").map_err(name)? {
        return Err(OpenStoreError::Unusable(StoreError::ReadOnly { file: file.display().to_string() }));
    }
    // The lock of the folder keeps others away already, so SQLite may hold the file for itself from the first look on: no
    // shared-memory file, which could fail on a full disk, and no locking calls a commit.
    db.pragma_update(None, "locking_mode", "EXCLUSIVE").map_err(name)?;
    check_version(file, &db)?;
    set_up(&db, max_bytes).map_err(name)?;
    check(file, &db)?;
    create_tables(&mut db).map_err(name)?;
    Ok(db)
}

fn check_version(file: &Path, db: &Connection) -> Result<(), OpenStoreError> {
    let found: i64 = db
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .map_err(|error| OpenStoreError::Unusable(StoreError::from_sqlite(file, &error)))?;
    if found > SCHEMA {
        return Err(OpenStoreError::Newer { file: file.to_owned(), found, known: SCHEMA });
    }
    Ok(())
}

/// Size of a page in a new file. A commit writes whole pages to the log, and one changed setting is far smaller than SQLite's usual
/// 4096 bytes; pages of this size put it into one block of the disk instead of two or three.
const PAGE_BYTES: u32 = 1024;

/// How the file is written: a log ahead of it, synced at every commit, so that what was acknowledged survives anything.
fn set_up(db: &Connection, max_bytes: u64) -> rusqlite::Result<()> {
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    // Says nothing to a file that has its size already.
    db.pragma_update(None, "page_size", PAGE_BYTES)?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.pragma_update(None, "synchronous", "FULL")?;
    let page: u64 = db.query_row("PRAGMA page_size", [], |row| row.get::<_, i64>(0))?.unsigned_abs().max(1);
    let pages = |bytes: u64| i64::try_from(bytes / page).unwrap_or(i64::MAX).max(1);
    db.pragma_update(None, "wal_autocheckpoint", pages(CHECKPOINT_BYTES))?;
    db.pragma_update(None, "trusted_schema", false)?;
    db.pragma_update(None, "cell_size_check", true)?;
    db.query_row(&format!("PRAGMA max_page_count = {}", pages(max_bytes)), [], |_| Ok(()))
}

fn check(file: &Path, db: &Connection) -> Result<(), OpenStoreError> {
    let verdict: String = db
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|error| OpenStoreError::Unusable(StoreError::from_sqlite(file, &error)))?;
    if verdict == "ok" {
        return Ok(());
    }
    Err(OpenStoreError::Unusable(StoreError::Corrupt { file: file.display().to_string(), detail: verdict }))
}

fn create_tables(db: &mut Connection) -> rusqlite::Result<()> {
    let transaction = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let found: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found == 0 {
        transaction.execute_batch(TABLES)?;
        transaction.pragma_update(None, "user_version", SCHEMA)?;
    }
    transaction.execute_batch(LATER)?;
    transaction.commit()
}

/// Renames the file and its log to a name that tells when; nothing is deleted or replaced.
fn set_aside(file: &Path) -> std::io::Result<PathBuf> {
    let stamp = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let mut aside = with_suffix(file, &format!(".damaged-{stamp}"));
    let mut again = 1;
    while aside.exists() {
        again += 1;
        aside = with_suffix(file, &format!(".damaged-{stamp}-{again}"));
    }
    // The log first: left alone by a kill in between, it would be taken for that of the new file.
    for side in ["-wal", "-shm", "-journal"] {
        let from = with_suffix(file, side);
        if from.exists() {
            fs::rename(&from, with_suffix(&aside, side))?;
        }
    }
    match fs::rename(file, &aside) {
        // There may be a log alone.
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(aside),
    }
}
