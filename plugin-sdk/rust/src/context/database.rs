//! `ctx.database`: SQLite files in the plugin's own data folder. The host grants the path; the plugin opens the file.

use std::path::PathBuf;

use outboard_protocol::context::database::{OpenParams, OpenResult};
use outboard_protocol::id::DatabaseFile;
use outboard_protocol::methods::DatabaseOpen;

use super::namespace;
use crate::failure::CallError;

namespace! {
    /// SQLite files in the plugin's own data folder.
    Database
}

impl Database {
    /// The path of a database file. Its folder exists afterwards; the file may not, yet.
    ///
    /// # Errors
    /// [`CallError::InvalidName`] for anything but a plain file name.
    pub async fn path(&self, file: &str) -> Result<PathBuf, CallError> {
        Ok(self.grant(file).await?.path.into())
    }

    /// Opens a database file, and makes it where there is none. It has a write-ahead log, waits up to 5 s for a lock, and grows
    /// as far as the quota of the plugin's data leaves room now; what goes beyond fails as SQLite's `DiskFull`.
    ///
    /// # Errors
    /// As [`Database::path`], and [`CallError::Database`] for what SQLite refuses.
    #[cfg(feature = "sqlite")]
    pub async fn open(&self, file: &str) -> Result<rusqlite::Connection, CallError> {
        /// Long enough for another connection's transaction, short of every deadline of the host.
        const LOCK_WAIT: std::time::Duration = std::time::Duration::from_secs(5);
        let OpenResult { path, max_bytes } = self.grant(file).await?;
        let open = || {
            let connection = rusqlite::Connection::open(&path)?;
            connection.busy_timeout(LOCK_WAIT)?;
            connection.pragma_update(None, "journal_mode", "wal")?;
            if let Some(max_bytes) = max_bytes {
                bound(&connection, max_bytes)?;
            }
            Ok(connection)
        };
        open().map_err(|source| CallError::Database { path: path.clone(), source })
    }

    async fn grant(&self, file: &str) -> Result<OpenResult, CallError> {
        let file = DatabaseFile::new(file)?;
        self.session.call::<DatabaseOpen>(OpenParams { file }).await
    }
}

/// Lets a connection take the file to this size at most. SQLite itself never goes below the pages that are in use.
#[cfg(feature = "sqlite")]
fn bound(connection: &rusqlite::Connection, max_bytes: u64) -> rusqlite::Result<()> {
    let page: i64 = connection.query_row("PRAGMA page_size", [], |row| row.get(0))?;
    let pages = (max_bytes / page.unsigned_abs().max(1)).clamp(1, u64::from(u32::MAX) - 1);
    connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))
}
