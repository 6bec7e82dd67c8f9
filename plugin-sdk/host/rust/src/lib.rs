//! Outboard inside a Rust application: start it, ask it, follow it, stop with it. The same shape as npm's `@outboard/host`.
//!
//! ```no_run
//! use outboard_embed::{Options, Outboard, control::StatusParams, control::methods::Status};
//!
//! # async fn example() -> Result<(), outboard_embed::Error> {
//! let outboard = Outboard::start(Options::new("./plugins", "./data")).await?;
//! println!("{}", outboard.ui_url("fleet").await?);
//! let report = outboard.call::<Status>(&StatusParams::default()).await?;
//! println!("{} plugins", report.plugins.len());
//! outboard.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! ```text
//!   Outboard::start ─▶ binary, options ─▶ run ── ready ──▶ runtime_folder ─▶ connection
//!                                          │                                     │
//!                        keeping ◀── its end: a pause, and from the start        │ lost: connected again
//!                           └── publishes the present connection ──▶ Outboard: call, subscribe
//! ```
//!
//! What may be asked is the control table's; nothing here knows a row of it, but for the few that have a name of their own.

mod binary;
mod connection;
mod error;
mod items;
mod keeping;
mod options;
mod outboard;
mod provided;
mod run;
mod runtime_folder;

pub use error::Error;
pub use items::Items;
pub use options::{Limits, Options, RestartPolicy};
pub use outboard::{Event, Outboard};
pub use outboard_protocol::{ErrorReason, RpcError};
pub use provided::{Consumers, Provided, ServiceCall};
/// The samples of the guide, which are compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../../docs/EMBEDDING.md")]
pub struct Guide;

/// Everything that may be asked, and what is answered.
pub use outboard_protocol::control;
pub use run::{PluginAtReady, Ready};
