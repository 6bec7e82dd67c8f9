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
//! All calls of the operating system are in this folder. Linux is what runs today.

mod census;
mod containment;
mod debugger;
pub mod descriptors;
pub mod dumps;
mod environ;
mod error;
mod exit;
pub mod facts;
mod forker;
mod image;
mod inherited;
pub mod keeper;
mod kill;
mod kinship;
mod launch;
mod ledger;
mod listening;
pub mod mark;
mod order;
pub mod orphans;
mod pipes;
mod port;
pub(crate) mod shortage;
pub mod socket;
mod spawner;
mod spec;
mod sweep;
mod trampoline;

pub use census::Containments;
pub use containment::{Containment, Remnant, Remnants};
pub use error::SpawnError;
pub use exit::ExitWatch;
pub use ledger::Ledger;
pub use listening::Place;
pub use outboard_lifecycle::Exit;
pub use port::{Listener, Port};
pub use rustix::process::Signal;
pub use spawner::{Spawned, Spawner, SpawnerOptions};
pub use spec::{CPU_GRACE_SECONDS, Label, LimitName, Limits, SpawnSpec, Wire};
pub use sweep::{SweepOutcome, Swept, sweep};
pub use trampoline::{TRAMPOLINE_ARGUMENT, trampoline_main};

/// The variable that marks every process of one generation; its value names plugin, generation and supervisor.
pub const MARKER_VARIABLE: &str = "OUTBOARD_CONTAINMENT";
/// The child's descriptor for its listening socket, as socket activation has it.
const LISTENER_NUMBER: i32 = 3;
/// The child's descriptors for the wire where that is not stdio: the one it reads, and the one it writes.
const WIRE_NUMBERS: (i32, i32) = (4, 5);

/// This process, as the kernel's calls want it.
fn own_pid() -> i32 {
    rustix::process::getpid().as_raw_pid()
}
