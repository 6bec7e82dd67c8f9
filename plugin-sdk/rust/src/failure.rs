//! What can go wrong: [`CallError`] when the plugin asks the host, [`Failure`] when the plugin answers the host.
//!
//! Used by every namespace and by authors. Must not know how either travels.

use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use outboard_protocol::RpcError;
use outboard_protocol::error::ErrorReason;
use outboard_protocol::id::InvalidName;
use serde_json::Value;

/// A context call that gave no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The host answered with an error.
    #[error("{method}: {}", .error.message)]
    Refused {
        /// The method that was called.
        method: &'static str,
        /// The host's answer, with its code and data.
        error: RpcError,
    },
    /// No answer came within the call's deadline. The host was told that nobody waits any longer.
    #[error("{method}: the host gave no answer within {after:?}")]
    Timeout {
        /// The method that was called.
        method: &'static str,
        /// The deadline that passed.
        after: Duration,
    },
    /// The conversation with the host has ended.
    #[error("{method}: the host has closed the session; the plugin is about to exit")]
    Closed {
        /// The method that was called.
        method: &'static str,
    },
    /// Too much is under way already.
    #[error("{method}: {what}; wait for earlier ones to finish")]
    Overloaded {
        /// The method that was called.
        method: &'static str,
        /// Which limit was reached.
        what: String,
    },
    /// The message is larger than a frame may be.
    #[error("{method}: the message has {size} bytes, a frame at most {limit}; send bulk data over HTTP")]
    TooLarge {
        /// The method that was called.
        method: &'static str,
        /// Bytes of the frame.
        size: usize,
        /// Bytes that a frame may have.
        limit: usize,
    },
    /// What was to be sent cannot be JSON.
    #[error("{method}: the value cannot be written as JSON")]
    Unwritable {
        /// The method that was called.
        method: &'static str,
        /// What the serializer said.
        #[source]
        source: serde_json::Error,
    },
    /// The answer is not what the caller asked to read it as.
    #[error("{method}: the answer cannot be read as the type that was asked for")]
    Unreadable {
        /// The method that was called.
        method: &'static str,
        /// What the deserializer said.
        #[source]
        source: serde_json::Error,
    },
    /// A name broke its rule; nothing was sent.
    #[error(transparent)]
    InvalidName(#[from] InvalidName),
    /// The host handed over no HTTP listener.
    #[error(
        "server.register: no HTTP listener was handed over in OUTBOARD_HTTP_FD; is the plugin run by Outboard?"
    )]
    NoListener,
    /// The database's file could not be opened.
    #[cfg(feature = "sqlite")]
    #[error("database.open: {path} cannot be opened as a database")]
    Database {
        /// The file.
        path: String,
        /// What SQLite said.
        #[source]
        source: rusqlite::Error,
    },
}

impl CallError {
    /// The row of the error table that fits: the host's own, or what happened on this side.
    pub fn reason(&self) -> Option<ErrorReason> {
        match self {
            Self::Refused { error, .. } => error.reason(),
            Self::Timeout { .. } => Some(ErrorReason::Timeout),
            Self::Closed { .. } => Some(ErrorReason::ShuttingDown),
            Self::Overloaded { .. } | Self::TooLarge { .. } => Some(ErrorReason::LimitExceeded),
            Self::InvalidName(_) | Self::Unwritable { .. } => Some(ErrorReason::InvalidParams),
            _ => None,
        }
    }
}

/// What a hook or a handler answers when it cannot do its work. Every error converts into it with `?`.
///
/// The host gets the whole chain of causes as one sentence, and the code, which is `internal_error` unless
/// [`Failure::coded`] gave another.
#[derive(Debug)]
pub struct Failure(RpcError);

/// What hooks and handlers return.
pub type Result<T = (), E = Failure> = std::result::Result<T, E>;

impl Failure {
    /// A failure with its own sentence.
    pub fn new(message: impl Into<String>) -> Self {
        Self::coded(ErrorReason::InternalError, message)
    }

    /// A failure with a code of the table, for callers that tell failures apart.
    pub fn coded(reason: ErrorReason, message: impl Into<String>) -> Self {
        Self(RpcError::new(reason, message))
    }

    /// A failure with a code of the plugin's own, for callers that know it. A code that is text goes into `data`, where a UI's SDK
    /// looks for it: `.with("code", "E_FULL")`.
    pub fn numbered(code: i32, message: impl Into<String>) -> Self {
        match ErrorReason::from_code(code) {
            Some(reason) => Self::coded(reason, message),
            None => Self(RpcError { code, message: message.into(), data: None }),
        }
    }

    /// Adds a member to the error's `data`.
    #[must_use]
    pub fn with(self, key: &str, value: impl Into<Value>) -> Self {
        Self(self.0.with(key, value))
    }

    /// The error as it goes over the wire.
    pub fn into_rpc(self) -> RpcError {
        self.0
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl<E: std::error::Error + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        let sentence = chain(&error);
        match advice(&error) {
            Some(advice) => Self::new(format!("{sentence}: {advice}")),
            None => Self::new(sentence),
        }
    }
}

/// What to do about a failure whose own words do not say it.
#[cfg(feature = "sqlite")]
fn advice(error: &(dyn std::error::Error + 'static)) -> Option<&'static str> {
    let mut causes = std::iter::successors(Some(error), |error| error.source()).take(CAUSES_MAX);
    let full = |error: &rusqlite::Error| error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull);
    causes.any(|cause| cause.downcast_ref().is_some_and(full)).then_some(
        "the file is as large as the quota of the plugin's data allows (`limits.data`), unless the disk itself is full; delete what \
         is not needed, or raise the quota and open the database again",
    )
}

#[cfg(not(feature = "sqlite"))]
fn advice(_: &(dyn std::error::Error + 'static)) -> Option<&'static str> {
    None
}

/// More causes than anybody reads; an error whose cause is itself would never end.
const CAUSES_MAX: usize = 32;

/// An error with all its causes, as one sentence.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source()).take(CAUSES_MAX);
    causes.map(text_of).collect::<Vec<_>>().join(": ")
}

/// An error's own words. `to_string` panics where a `Display` of the author's says that it failed.
fn text_of(error: &dyn std::error::Error) -> String {
    let mut text = String::new();
    match write!(text, "{error}") {
        Ok(()) => text,
        Err(std::fmt::Error) => text + "(the rest of the message cannot be read)",
    }
}

/// Drops something of the author's, whose `Drop` may panic.
pub(crate) fn discard<T>(given: T) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(given))) {
        // What the panic carries may do the same again, and is small.
        std::mem::forget(panic);
    }
}

/// What a panic said.
pub(crate) fn panic_message(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
