//! The harness of the scenarios: the real `outboard` in folders of its own, real plugins, and seven things that must hold after
//! every case.
//!
//! ```text
//!   scenario ──▶ Builder ──installs──▶ plugins/<id>/   hostile-plugin or hello-rust under a manifest of the case
//!                   │start
//!                   ▼
//!               Supervisor ──▶ outboard run --ready-json --exit-with-parent, on port 0
//!                   ├── http       requests as bytes, so that they may be wrong
//!                   ├── control    JSON-RPC on the control socket, and the command line
//!                   ├── socket     WebSockets: the UI bus, a plugin's own, state changes
//!                   ├── processes  what /proc says of everything that was started
//!                   └── verify     the seven things
//! ```
//!
//! Only public surfaces are used: the binary, HTTP, WebSockets, the control socket, files and `/proc`. Nothing of the
//! supervisor's crates is linked. Tests wait for states; the one pause between two looks is in [`patience`].
#![allow(clippy::unwrap_used, reason = "a step that fails in the harness fails the test, with its place")]
#![allow(clippy::needless_pass_by_value, reason = "a case writes its values down where it hands them over")]

pub mod application;
pub mod asking;
pub mod binaries;
pub mod builder;
pub mod control;
pub mod examples;
pub mod family;
pub mod http;
pub mod install;
pub mod patience;
pub mod processes;
pub mod record;
pub mod script;
pub mod socket;
pub mod supervisor;
pub mod transitions;
pub mod tripwire;
pub mod verify;

pub use application::Application;
pub use builder::Builder;
pub use http::{Answer, Connection};
pub use install::Plugin;
pub use patience::{GUARD, eventually, repeats};
pub use supervisor::{Said, Supervisor};

/// The well-behaved plugin that every case has beside its own. Nothing that happens to another may be felt by it.
pub const NEIGHBOUR: &str = "neighbour";
