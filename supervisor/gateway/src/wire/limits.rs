//! How much of a request's head there may be.
//!
//! What reads requests keeps to it, and what refuses them says it.
//! Must not know HTTP beyond that.

/// Most header lines of a request: hyper reads no more.
pub(crate) const HEADERS_MAX: usize = 100;
/// Longest target, in bytes: what the type of a target holds.
pub(crate) const TARGET_MAX: usize = 65_534;
/// Empty lines that are passed over before each request. Old clients send one behind a body; a client that sends them for ever
/// would keep its connection without ever asking for anything.
pub(crate) const EMPTY_LINES_MAX: u8 = 4;
