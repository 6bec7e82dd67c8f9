//! Why something could not be kept: one enum for SQLite's and the file system's answers, and its words for plugins.

use std::path::Path;
use std::time::Duration;

use outboard_protocol::{ErrorReason, RpcError};
use rusqlite::ErrorCode;

/// Why something could not be kept. Nothing was changed, but for [`StoreError::TimedOut`].
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// No space is left on the disk, or `state.db` has reached its own limit.
    #[error("no space is left for {file}; nothing was changed. Free some space and try again")]
    Full {
        /// The file that could not grow.
        file: String,
    },
    /// The file cannot be written.
    #[error(
        "{file} is read-only; nothing was changed. Make it and its folder writable for the supervisor's user"
    )]
    ReadOnly {
        /// The file.
        file: String,
    },
    /// The file's content makes no sense.
    #[error(
        "{file} is damaged ({detail}); restart the supervisor, which sets a damaged file aside and begins a new one"
    )]
    Corrupt {
        /// The file.
        file: String,
        /// What was found.
        detail: String,
    },
    /// The file is not at its name any more, or not whole: what is written would be gone at the next start.
    #[error(
        "{file} {became} while the supervisor runs; nothing was changed. What was kept before is still in memory: save it with `outboard backup FILE`, then restart the supervisor"
    )]
    Gone {
        /// The file.
        file: String,
        /// What somebody did with it.
        became: &'static str,
    },
    /// The disk failed in another way.
    #[error("{file} cannot be read or written ({detail}); nothing was changed. Look at the disk")]
    Io {
        /// The file.
        file: String,
        /// What the system said.
        detail: String,
    },
    /// A limit of ours was reached; the sentence names it.
    #[error("{0}")]
    Limit(String),
    /// The queue of writes is full.
    #[error(
        "{waiting} writes are waiting for the disk, which is the limit; nothing was changed. Try again later"
    )]
    Busy {
        /// How many wait.
        waiting: usize,
    },
    /// The disk did not answer in time.
    #[error("the disk did not answer for {waited:?}; whether the value was kept is not known. Read it again")]
    TimedOut {
        /// How long was waited.
        waited: Duration,
    },
    /// The supervisor is stopping.
    #[error("the supervisor is stopping and keeps nothing more")]
    Closed,
}

impl StoreError {
    /// Names what SQLite said about `file`.
    pub(crate) fn from_sqlite(file: &Path, error: &rusqlite::Error) -> Self {
        let file = file.display().to_string();
        let detail = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full { file },
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Self::ReadOnly { file },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt { file, detail },
            _ => Self::Io { file, detail },
        }
    }

    /// Names what the file system said about `file`.
    pub(crate) fn from_io(file: &Path, error: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        let file = file.display().to_string();
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                Self::Full { file }
            }
            ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => Self::ReadOnly { file },
            _ => Self::Io { file, detail: error.to_string() },
        }
    }

    /// The row of the protocol's table of errors.
    pub fn reason(&self) -> ErrorReason {
        match self {
            Self::Full { .. } => ErrorReason::StorageFull,
            Self::Corrupt { .. } => ErrorReason::StorageCorrupt,
            Self::ReadOnly { .. } | Self::Io { .. } | Self::Gone { .. } => ErrorReason::InternalError,
            Self::Limit(_) | Self::Busy { .. } => ErrorReason::LimitExceeded,
            Self::TimedOut { .. } => ErrorReason::Timeout,
            Self::Closed => ErrorReason::ShuttingDown,
        }
    }

    /// A stable word for programs where the table's row is not enough.
    fn storage_word(&self) -> Option<&'static str> {
        match self {
            Self::ReadOnly { .. } => Some("read_only"),
            Self::Io { .. } => Some("io"),
            Self::Gone { .. } => Some("gone"),
            _ => None,
        }
    }
}

impl From<StoreError> for RpcError {
    fn from(error: StoreError) -> Self {
        let rpc = RpcError::new(error.reason(), error.to_string());
        match error.storage_word() {
            Some(word) => rpc.with("storage", word),
            None => rpc,
        }
    }
}
