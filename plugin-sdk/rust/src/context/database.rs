//! `ctx.database`: SQLite files in the plugin's own data folder. The host grants the path; the plugin opens the file.

use std::path::PathBuf;

use outboard_protocol::context::database::OpenParams;
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
        let file = DatabaseFile::new(file)?;
        Ok(self.session.call::<DatabaseOpen>(OpenParams { file }).await?.path.into())
    }

    /// Opens a database file, and makes it where there is none. It has a write-ahead log and waits up to 5 s for a lock.
    ///
    /// # Errors
    /// As [`Database::path`], and [`CallError::Database`] for what SQLite refuses.
    #[cfg(feature = "sqlite")]
    pub async fn open(&self, file: &str) -> Result<rusqlite::Connection, CallError> {
        /// Long enough for another connection's transaction, short of every deadline of the host.
        const LOCK_WAIT: std::time::Duration = std::time::Duration::from_secs(5);
        let path = self.path(file).await?;
        let open = || {
            let connection = rusqlite::Connection::open(&path)?;
            connection.busy_timeout(LOCK_WAIT)?;
            connection.pragma_update(None, "journal_mode", "wal")?;
            Ok(connection)
        };
        open().map_err(|source| CallError::Database { path: path.display().to_string(), source })
    }
}
