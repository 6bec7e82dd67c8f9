//! Services: who provides which, who uses them, and what goes between the two.
//!
//! # Theory of operation
//!
//! ```text
//!   consumer (a plugin, its page)                     provider (a plugin, the host application, the page)
//!        │ call ──────────────▶ Broker ── Answerer::call ──▶ │
//!        │                        │ one provider a name      │
//!        │ ◀── Inbox (bounded) ◀──┤ ◀───── emit, ask ────────┤
//!        │ ──── reply ───────────▶│ ── Answerer::subscribed ▶│
//! ```
//!
//! A name has any number of claims and one provider at most: the one that the settings choose, else the first that came; a page
//! gives way to everybody else. A provider on its way up keeps its name, and calls wait for it; one that is down loses it to the next
//! claim that is not. Subscriptions are the consumers' and outlive every provider: the next one is told what is wanted.
//!
//! Nothing in here waits for a provider or a consumer but the call itself, which has a deadline. Events wait in the consumer's inbox,
//! bounded in bytes: what is marked as latest only is replaced there by what is newer, what is not is left out beyond the bound
//! and counted.
//!
//! What this crate must not know: processes, sessions, sockets, HTTP, settings files, and the states of plugins beyond a [`Standing`].

mod asking;
mod broker;
mod calling;
mod consumer;
mod desk;
mod inbox;
mod provider;
mod registry;
mod service;

pub use broker::Broker;
pub use consumer::Consumer;
pub use desk::{Desk, Word};
pub use inbox::Told;
pub use provider::{Answer, Answerer, Choice, Provider, Standing};
