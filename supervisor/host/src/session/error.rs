//! Why a host call has no answer, for the actor and for whoever asked over HTTP, the bus or control.
//!
//! Returned by [`super::Session::call`]. Must not know methods.

use std::time::Duration;

use outboard_protocol::{ErrorReason, RpcError};

/// Why a host call has no answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CallError {
    /// The plugin answered with an error.
    #[error("the plugin answered {method} with an error: {}", .error.message)]
    Answered {
        /// The method.
        method: &'static str,
        /// The plugin's error, as it came.
        error: RpcError,
    },
    /// No answer came in time. The plugin was told that nobody waits any more.
    #[error("the plugin did not answer {method} within {}", seconds(.after))]
    Timeout {
        /// The method.
        method: &'static str,
        /// How long was waited.
        after: Duration,
    },
    /// The conversation ended before the answer came.
    #[error("the plugin's process ended before it answered {method}")]
    Closed {
        /// The method.
        method: &'static str,
    },
    /// Too much waits for this plugin already; the call was not made.
    #[error("too much waits for the plugin already; {method} was not sent")]
    Overloaded {
        /// The method.
        method: &'static str,
    },
    /// No plugin need take such a frame; the call was not made.
    #[error("{method} was not sent: {why}")]
    Unfit {
        /// The method.
        method: &'static str,
        /// What is wrong with the frame.
        why: String,
    },
}

/// As exactly as anybody wants to know.
fn seconds(time: &Duration) -> String {
    match time.as_secs_f64() {
        short if short < 1.0 => format!("{} ms", time.as_millis()),
        long => format!("{} s", (long * 10.0).round() / 10.0),
    }
}

impl CallError {
    /// As an error object for whoever asked over HTTP, the bus or control.
    pub fn into_rpc(self) -> RpcError {
        let message = self.to_string();
        match self {
            CallError::Answered { error, .. } => error,
            CallError::Timeout { .. } => RpcError::new(ErrorReason::Timeout, message),
            CallError::Closed { .. } => RpcError::new(ErrorReason::ShuttingDown, message),
            CallError::Overloaded { .. } => RpcError::new(ErrorReason::LimitExceeded, message),
            CallError::Unfit { .. } => RpcError::new(ErrorReason::LimitExceeded, message).lasting(),
        }
    }
}
