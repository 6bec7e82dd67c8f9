//! Plays the host to one plugin and says, rule by rule of docs/PROTOCOL.md, what holds.
//!
//! # Theory of operation
//!
//! A plugin is a black box here: a folder that is started as the supervisor starts it, and then meets a scripted host in the
//! supervisor's place. Each case gets a process of its own, so that what one case broke cannot spoil the next. A case
//! ends by stopping the process and reading to the end of its stream; "exactly one answer" is judged over all of that.
//!
//! ```text
//!   examine ──▶ selection: all cases, or those that were asked for; several at a time
//!      ├──────▶ Stage ──starts──▶ the plugin's process, by outboard-host's `trial`
//!      │          │ Conversation: scripted host; answers context calls, may hold its answers back
//!      │          └─▶ Record: all that was heard, in order
//!      ├── cases that talk: send something, look at the record of it
//!      ├── cases that read: look at the records of every conversation
//!      └─▶ Report: a line for each case, with the rule's id, its section and its paragraph
//! ```
//!
//! [`rules`] has one row for every rule of the document: the cases, or the reason why there is none. A test holds the rows
//! and the document to each other, both ways.

mod cases;
mod conversation;
mod examine;
mod http;
mod junit;
mod limits;
mod record;
mod report;
pub mod rules;
mod scratch;
mod script;
mod selection;
mod stage;

pub use examine::{ConformError, Options, examine};
pub use junit::junit;
pub use limits::Limits;
pub use report::{Level, Line, Report, Verdict};
pub use rules::{Listed, listed};
pub use selection::UnknownCase;
