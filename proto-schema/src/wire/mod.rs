//! Bytes to messages and back, without any I/O: the reader's and the writer's half of the protocol as plain functions
//! and buffers, so that they can be tested byte by byte and used by any transport.
//!
//! ```text
//!   bytes ─▶ frame::Decoder ─▶ one line ─▶ message::parse ─▶ Request | Notification | Response
//!   bytes ◀─ frame (one line) ◀─ message::write_* ◀─ typed parameters and results
//!                                        pending::Pending keeps what awaits an answer
//! ```

pub mod frame;
pub mod message;
pub mod pending;
pub mod readable;
pub mod salvage;

/// Largest frame that either side need accept, in bytes, the line end not counted. Bulk data goes over HTTP.
pub const FRAME_MAX: usize = 8 * 1024 * 1024;

/// Deepest nesting of arrays and objects in a frame. serde_json reads trees to 127 levels and skips raw text to any
/// depth; one limit for both keeps what we pass on readable for every receiver.
pub const DEPTH_MAX: usize = 100;
