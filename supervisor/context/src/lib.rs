//! What `ctx.*` does: the context that a plugin's process calls over its pipe, one file a namespace.
//!
//! # Theory of operation
//!
//! ```text
//!   host (one session a process)                control (operators)          gateway
//!        │ request / notify                        │ get, set, tail …           │ subscribe, owner_of
//!        ▼                                         ▼                            ▼
//!   ProcessContext ──match on the method──▶ config  auth  airline  server  database  logger  ipc  service ▶ broker
//!   (who asks: id, generation, folder)         │      │       │       │        │        │      │
//!                                              ▼      ▼       ▼       ▼        │        ▼      ▼
//!        notices, host events ◀──────────── store: one thread, one state.db   │   writer    bus
//!                                              sign-in.json (secrets)          │   thread
//!                                                                              ▼
//!                                                                     a path, nothing more
//! ```
//!
//! [`Context`] is opened once on a data folder, which it holds against a second supervisor. For every process of a plugin
//! the host makes one [`ProcessContext`]; it is the only door for that process, and it alone says whose process it is.
//!
//! Reads are answered from memory, at once. Writes are queued at once, in the order of the calls, and answered when they
//! are on disk: a thread takes all writes that wait, commits them as one transaction with one sync, updates memory,
//! tells subscribers, and only then answers. So whoever was answered can read what was written, here and after a crash.
//!
//! Nothing in here waits for a plugin, a UI, a console or a full disk: every queue is bounded, and what happens at the bound
//! is said where the bound is.
//!
//! What this crate must not know: processes, pipes, sessions, sockets, HTTP servers, and the states of plugins.

pub mod airline;
pub mod auth;
pub mod backup;
pub mod config;
mod context;
pub mod database;
pub mod ipc;
pub mod logger;
mod notice;
pub mod plugins;
mod process;
mod reply;
pub mod server;
mod service;
mod sign_in;
mod store;
pub mod terminal;
pub mod trouble;

pub use context::{Context, ContextOptions, OpenError};
pub use ipc::{Bus, BusClient, BusSubscription, CutOff, Piece};
pub use logger::{Console, LogOptions, LogSubscription, Logs, NewRecord};
pub use notice::{Mailbox, Notice};
pub use process::{ProcessContext, ProcessIdentity};
pub use reply::{Durable, Outcome, Reply};
pub use store::{FolderError, OpenStoreError, StoreError};
pub use trouble::Troubles;
