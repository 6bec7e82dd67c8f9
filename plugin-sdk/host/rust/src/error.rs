//! What can go wrong between an application and its supervisor.

use std::time::Duration;

use outboard_protocol::RpcError;

/// What went wrong. It says what to do.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No program `outboard` was found, or it cannot be run.
    #[error("{0}")]
    NoBinary(String),
    /// An option cannot be used as it is.
    #[error("{0}")]
    BadOption(String),
    /// The supervisor ended before it was ready, or did not become ready in time.
    #[error("{0}")]
    NotStarted(String),
    /// What lies in the runtime folder is not ours alone, so nothing was sent there.
    #[error("{0}")]
    Refused(String),
    /// No answer came in time; what was asked for may still happen.
    #[error("no answer to `{what}` within {:.1} s; what was asked for may still happen", .limit.as_secs_f64())]
    NoAnswer {
        /// What was asked.
        what: &'static str,
        /// The limit that ran out.
        limit: Duration,
    },
    /// The connection was lost while an answer was awaited.
    #[error("the connection was lost before `{0}` was answered; what was asked for may have happened")]
    Lost(&'static str),
    /// The supervisor, or a plugin behind it, answered with an error.
    #[error("{0}")]
    Answered(RpcError),
    /// The supervisor ended a subscription, most often since it was not read fast enough.
    #[error("the subscription ended: {0}")]
    SubscriptionEnded(String),
    /// The supervisor was stopped.
    #[error("Outboard was stopped: {0}")]
    Stopped(String),
    /// It died too often, and was given up.
    #[error("{0}")]
    GaveUp(String),
}
