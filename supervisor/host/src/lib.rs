//! Finds plugins, runs each as a process, and talks with it.
//!
//! # Theory of operation
//!
//! *A plugin is a task that owns a state machine, a process and a session.* [`Host`] is the handle for everybody outside;
//! behind it one supervisor task knows which plugins there are, and one actor a plugin looks after everything else.
//!
//! ```text
//!   gateway, cli ──▶ Host ──orders──▶ supervisor ──▶ plugin actor ──▶ process/   bytes and pids
//!        ▲                                              │   ▲    └──▶ session/   messages
//!        │                                              │   └─ lifecycle: the decisions
//!        └── Routes, status, events ◀──── snapshots ────┘
//! ```
//!
//! Orders go down as messages in bounded queues; facts come up as snapshots that anyone may read at any time, without
//! asking and without waiting. Nothing flows sideways: no plugin's actor knows another's.
//!
//! * [`discovery`] reads the plugin folders.
//! * [`process`] starts, watches and ends processes. It knows no messages.
//! * [`session`] speaks JSON-RPC. It knows no pids.
//! * `plugin` is the actor, the one room that knows both.
//! * [`routes`] is what the gateway reads.
//! * [`javascript`] turns a module into a command.
//! * [`python`] reads the text of a Python plugin.
//! * [`virtual_environment`] finds the Python of a plugin that has its own.

mod calling;
mod catalogue;
pub mod discovery;
mod host;
pub mod javascript;
mod lost_sockets;
mod operators;
mod pages;
mod plugin;
pub mod process;
pub mod python;
pub mod routes;
mod scratch;
pub mod session;
mod supervisor;
mod tries;
mod upkeep;
pub mod virtual_environment;

pub use host::{Host, HostOptions, HostTasks, Order, StartError};
pub use pages::Pages;
pub use plugin::{Debugger, Icons, PluginSettings, debugger_of, trial};
pub use supervisor::{PluginPolicy, ShutdownMode};
