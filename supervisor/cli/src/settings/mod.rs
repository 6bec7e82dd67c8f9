//! What holds: flags before variables before the settings file before defaults.
//!
//! ```text
//!   arguments (flag, else OUTBOARD_… variable) ──┐
//!   file (outboard.toml)                         ├─▶ merge ─▶ Settings
//!   paths (XDG) and constants                    ┘
//! ```
//!
//! Called by every verb. Must not know what the settings are used for.

mod file;
mod keys;
mod merge;
mod paths;
mod single;
mod span;

pub(crate) use file::{Account, Airline, Deadlines, Limits, Restart, Wire};
pub(crate) use merge::{Named, RunSettings, Settings};
pub(crate) use span::{Size, Span};
