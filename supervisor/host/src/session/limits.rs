//! The bounds of a session.
//!
//! Set by operators, kept by the session's parts, each its own.
//! Must not know what is counted.

use std::time::Duration;

use outboard_protocol::wire::FRAME_MAX;

/// The bounds of a session.
#[derive(Debug, Clone)]
pub struct SessionLimits {
    /// Largest frame that is accepted, in bytes. A longer line costs that line.
    pub frame: usize,
    /// Frames over this many bytes are read on a thread of their own, so that one plugin's large message delays nobody.
    pub inline_frame: usize,
    /// Host calls that may await their answers at once.
    pub host_calls: usize,
    /// Context calls that may be worked on at once; further ones that take time are refused.
    pub context_calls: usize,
    /// Bytes that may wait for a plugin that does not read. Beyond, host calls fail as overloaded, notifications are dropped
    /// and counted, and the plugin's calls are refused.
    pub outbox: usize,
    /// Bytes of ids of calls that were refused so and whose refusals wait as well. Beyond, nothing more is read from the
    /// plugin until it reads.
    pub refusals: usize,
    /// How often and how far `$/progress` can move a call's deadline: never later than this after the call was made.
    pub longest_call: Duration,
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self {
            frame: FRAME_MAX,
            inline_frame: 64 * 1024,
            host_calls: 1024,
            context_calls: 256,
            outbox: 4 * 1024 * 1024,
            refusals: 1024 * 1024,
            longest_call: Duration::from_secs(600),
        }
    }
}
