//! Whether the system lets us have the threads that we are made of. Looked at before any is needed: what finds none later on,
//! in a library, ends the whole process without a word that would help.
//!
//! Called by the supervisor, and by whatever else starts plugins. Must not know what the threads are for.

use std::io;
use std::sync::RwLock;

use rustix::process::{Resource, getrlimit};

use crate::failure::{Failure, Outcome};

/// Threads of a supervisor without plugins: one each to spawn processes, to keep settings, to write logs, to write to the
/// console, to say that all is ready, and to watch folders; and some that look at the disk.
pub(crate) const OF_A_SUPERVISOR: usize = 12;
/// Enough for a thread that only waits.
const STACK: usize = 32 * 1024;

/// Starts so many threads at once, and lets them end.
///
/// # Errors
/// A sentence that names the limit.
pub(crate) fn can_be_had(count: usize) -> Outcome {
    let gate = RwLock::new(());
    std::thread::scope(|scope| {
        // They stay until this function has counted them.
        let closed = gate.write();
        let started = (0..count).try_for_each(|_| {
            let wait = || drop(gate.read());
            std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, wait).map(drop)
        });
        drop(closed);
        started
    })
    .map_err(|error| Failure::failed(sentence(&error)))
}

fn sentence(error: &io::Error) -> String {
    let limit = match getrlimit(Resource::Nproc).current {
        Some(limit) => format!("this user may have {limit} processes and threads at once (`ulimit -u`)"),
        None => {
            "this user's processes and threads are not limited (`ulimit -u`), so the machine is short of them"
                .to_owned()
        }
    };
    format!(
        "cannot start: the system gives us no more threads ({error}), and {OF_A_SUPERVISOR} are needed at least; {limit}. Raise that limit (`LimitNPROC=` in a \
         unit of systemd, `pids.max` of a container), or end what takes them"
    )
}
