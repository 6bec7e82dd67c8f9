//! The words on the wire between Outboard, its plugins and its operators.
//!
//! # Theory of operation
//!
//! Three parties talk, and every word that they use is a type in this crate:
//!
//! ```text
//!   operator ──control──▶ supervisor ──host calls──▶ plugin process
//!   (CLI, UI)             ▲        ◀──context calls──┘
//!                         └── plugin.json (manifest)
//! ```
//!
//! [`methods`] is the one table of methods: a row gives a method's name, direction, parameters, result and the
//! protocol version that brought it. Everything else about the protocol (JSON Schema, OpenRPC, the types of
//! every SDK, the reference in `docs/PROTOCOL.md`) is generated from that table and from these types, by the crate in
//! `generate/`: what describes itself needs the feature `schema`, which no plugin has to compile.
//!
//! [`wire`] turns bytes into messages and back without doing any I/O: framing, the JSON-RPC envelope, and the book of
//! calls that await an answer. [`error`] is the one table of error codes. [`manifest`] reads `plugin.json`.
//!
//! What this crate must not know: sockets, files, processes, clocks, or any async runtime.

pub mod context;
pub mod control;
pub mod error;
pub mod handshake;
pub mod id;
pub mod manifest;
pub mod methods;
pub mod settings;
mod table;
pub mod version;
pub mod wire;

pub use error::{ErrorReason, RpcError};
pub use id::PluginId;
