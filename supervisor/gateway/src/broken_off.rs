//! Why the body of an answer has no end.
//!
//! Those say it who send one piece by piece. Must not know what is done about it.

/// Why an answer broke off.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BrokenOff {
    /// The plugin ended its connection within the answer.
    #[error("the plugin broke off its answer")]
    Plugin,
    /// The plugin's framing of the body is malformed.
    #[error("the plugin's answer is malformed: {0}")]
    Malformed(&'static str),
    /// Nothing came for too long.
    #[error("the plugin was silent for too long within its answer")]
    Silent,
    /// A file shrank or could not be read.
    #[error("the file could not be read to its end")]
    File(#[source] std::io::Error),
}
