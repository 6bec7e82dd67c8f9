//! Everything about OS processes: starting, watching, containing, ending and accounting for them.
//!
//! Called by the plugin actor (spawn, exit, containment), the supervisor (orphans, sweep) and the command line (keeper,
//! trampoline). It knows bytes and pids; it must not know messages, plugins' states or HTTP.
//!
//! # Theory of operation
//!
//! ```text
//! outboard run       keeper        subreaper, one thread, no runtime; kills all that a dead supervisor left
//!  └ __supervise     supervisor    subreaper; forks on one thread that never ends
//!     ├ __exec ⇒     leader        own session and group, PDEATHSIG, marked environment; the plugin's program
//!     │  └ …         descendants   whatever the program starts
//!     └ …            orphans       whose parents died; attributed to a containment, or killed
//! ```
//!
//! One generation of a plugin is one [`Containment`]: its leader, group and session, all descendants, and the orphans
//! that came from it. Its end is a proof, not a hope: kill, reap and look until nothing is found, and only then reap the
//! leader, whose zombie has kept pid, group and session number from being anybody else's.
//!
//! Who kills what the supervisor cannot: the kernel (PDEATHSIG) kills leaders when the supervisor dies, the keeper kills
//! the rest, and if both die at once the next supervisor sweeps by its [`Ledger`].
//!
//! # Rooms
//!
//! - `observe` reads what is true of a process, and how one ended. It changes nothing.
//! - `contain` knows whose a process is, and ends it: containments, orphans, the ledger's sweep, the keeper.
//! - `spawn` turns a [`SpawnSpec`] into a contained process.
//!
//! Each uses those before it and never one after it. Linux is what runs today.

mod contain;
pub mod descriptors;
pub mod dumps;
mod label;
mod observe;
pub(crate) mod shortage;
mod spawn;

pub use contain::census::Containments;
pub use contain::containment::{Containment, Remnant, Remnants};
pub use contain::ledger::Ledger;
pub use contain::listening::Place;
pub use contain::port_owner::Listener;
pub use contain::sweep::{SweepOutcome, Swept, sweep};
pub use contain::{keeper, orphans};
pub use label::Label;
pub use observe::environ::MARKER_VARIABLE;
pub use observe::exit::ExitWatch;
pub use observe::{facts, mark};
pub use outboard_lifecycle::Exit;
pub use rustix::process::Signal;
pub use spawn::error::SpawnError;
pub use spawn::port::Port;
pub use spawn::socket;
pub use spawn::spawner::{Spawned, Spawner, SpawnerOptions};
pub use spawn::spec::{CPU_GRACE_SECONDS, LimitName, Limits, SpawnSpec, Wire};
pub use spawn::trampoline::{TRAMPOLINE_ARGUMENT, trampoline_main};
