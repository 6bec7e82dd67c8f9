//! Write an Outboard plugin in Rust.
//!
//! ```no_run
//! use outboard_plugin::axum::{Router, routing::get};
//! use outboard_plugin::Plugin;
//!
//! fn main() -> std::process::ExitCode {
//!     Plugin::new()
//!         .on_start(|ctx| async move {
//!             let visits: u64 = ctx.config.get_or("visits", 0).await?;
//!             ctx.logger.info("Start", format!("{visits} visits so far"));
//!             ctx.server.register_router("/api/my-plugin", Router::new().route("/", get(|| async { "hello" })));
//!             Ok(())
//!         })
//!         .run()
//! }
//! ```
//!
//! # Theory of operation
//!
//! One thread runs everything. The dispatcher reads frames, the outbox writes them, and what the author wrote runs in between:
//!
//! ```text
//!              ┌───────────────────────────── one process, one thread ──────────────────────────────┐
//!  host ══════▶│ dispatch ─▶ lifecycle (on_start, on_stop, on_resume)                               │
//!   ▲  wire    │          ─▶ ctx.ipc handlers      each host call is a task, answered exactly once  │
//!   ║          │          ─▶ observers of changes                                                   │
//!   ╚══════════│ outbox ◀── answers, ctx.* calls (book of calls with deadlines), log records        │
//!  gateway ═══▶│ serving ─▶ axum routers by prefix, on the inherited listener                       │
//!              └────────────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! Every call of the host ends with one answer: a result, the handler's error, its panic, or its withdrawal. Every call of the
//! plugin ends within its deadline (30 s); dropping its future tells the host that nobody waits. Queues are bounded: calls wait
//! for room, log records are dropped and counted. A panic in a task that the author spawned is that task's alone; a panic in
//! `main` ends the process, which the host takes for the crash that it is.
//!
//! This crate must not know the supervisor: it depends on `outboard-protocol` alone.

pub mod context;
mod failure;
mod inherited;
mod plugin;
mod session;
mod strict;
pub mod testing;

pub use axum;
pub use context::Context;
pub use context::registration::Registration;
pub use failure::{CallError, Failure, Result};
pub use outboard_protocol as protocol;
pub use outboard_protocol::context::logger::LogLevel;
pub use outboard_protocol::error::ErrorReason;
pub use plugin::Plugin;
#[cfg(feature = "sqlite")]
pub use rusqlite;
pub use serde_json;
