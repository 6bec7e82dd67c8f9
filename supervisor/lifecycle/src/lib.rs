//! What happens to a plugin, and when: a pure state machine.
//!
//! # Theory of operation
//!
//! A plugin is a task that owns a state machine, a process and a session. This crate is the state machine. It is
//! told what happened ([`Event`]) and at what time, and answers with what is to be done ([`Effect`]), in order. It
//! has no clock, starts nothing and reads nothing: the same events at the same times with the same seed always
//! give the same effects, which is why every promise about a plugin's life can be tested here, in microseconds.
//!
//! Two things are kept apart: what the operator wants ([`Desired`]) and what is ([`State`]).
//!
//! ```text
//!                start                    start ok
//!   Stopped ───────────────▶ Starting ───────────────▶ Running
//!      ▲                     ▲  ▲   │                     │
//!      │       delay over    │  │   │ exited, refused,    │ exited, hung, stop,
//!      │   ┌─────────────────┘  │   │ overdue, stop …     │ restart, update …
//!      │   │                    │   ▼                     ▼
//!      │ BackingOff ◀───┐       │  Stopping  draining ▸ asking ▸ leaving ▸
//!      │                │       │            terminating ▸ killing ▸ emptying
//!      │                │       │                │
//!      └────────────────┴───────┴──── empty ─────┤
//!                                                └───▶ Errored
//! ```
//!
//! Rules that hold everything together:
//!
//! * Every fact and every deadline carries the [`Generation`] of the process it belongs to; one that is not the
//!   present generation changes nothing.
//! * Every way from one process to the next leads through `emptying`: another process is spawned only when the
//!   containment of the one before was proved empty. Where it cannot be, the plugin is errored, not doubled.
//! * Every state with a process has an armed deadline; nothing waits for ever on what a process may never do.
//! * An order never waits in a queue: in every state it takes effect at once by changing what follows.
//! * What is decided is kept as data ([`Decision`], [`Failure`]), so that nobody has to guess why.
//!
//! The full table of states and events is `docs/LIFECYCLE.md`; a test holds it to this code.
//!
//! # Use
//!
//! ```
//! use std::time::Duration;
//! use outboard_lifecycle::{Effect, Event, Lifecycle, Order, Policy};
//!
//! let mut life = Lifecycle::new(Policy::default(), 7);
//! for effect in life.step(Event::Order(Order::Start), Duration::ZERO) {
//!     match effect {
//!         Effect::Spawn { generation } => assert_eq!(generation.0, 1), // … spawn, later answer with a fact
//!         Effect::Arm { .. } | Effect::Disarm => {}                    // … keep the timers
//!         Effect::Publish => assert_eq!(life.snapshot().state.name(), "starting"),
//!         other => unreachable!("{other:?}"),
//!     }
//! }
//! ```

mod backoff;
mod budget;
mod cause;
mod chance;
mod decision;
mod effect;
mod event;
mod machine;
mod past;
mod phase;
mod policy;
mod reason;
mod snapshot;
mod state;

pub use cause::Cause;
pub use chance::Chance;
pub use decision::{Decision, Failure, Mishap, Stage};
pub use effect::Effect;
pub use event::{Deadline, Event, Exit, Fact, Order};
pub use machine::Lifecycle;
pub use past::Past;
pub use phase::{After, Health, StartPhase, StopPhase};
pub use policy::{Policy, PolicyError, RestartPolicy};
pub use reason::StopReason;
pub use snapshot::Snapshot;
pub use state::{Desired, Generation, RouteIntent, State};
