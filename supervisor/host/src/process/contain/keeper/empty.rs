//! Ends everything below the keeper, and proves it: the kernel says that there is no child left.
//!
//! Called by [`super`] when the supervisor has died. It must not ask what a process was for.

use std::time::{Duration, Instant};

use rustix::process::{WaitId, WaitIdOptions};

use crate::process::contain::containment::{Remnant, end};
use crate::process::contain::kinship::descend;
use crate::process::contain::sighting::Sighting;
use crate::process::observe::facts;
use crate::process::observe::facts::own_pid;

/// Everything must be gone within 2 s of the supervisor's death; SIGKILL takes milliseconds, and what is stuck in the
/// kernel for this long will not go.
const EMPTY_LIMIT: Duration = Duration::from_millis(1500);
/// Between two rounds.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// Kills and reaps until this process has no child. Returns how many were killed, and what still lives at the limit.
pub(super) fn everything_below() -> (usize, Vec<Remnant>) {
    let deadline = Instant::now() + EMPTY_LIMIT;
    let mut killed = std::collections::HashSet::new();
    loop {
        // Where the look fails, the kernel's own word below decides.
        let living: Vec<Sighting> = below().unwrap_or_default().into_iter().filter(end).collect();
        if no_child_is_left() {
            return (killed.len(), Vec::new());
        }
        killed.extend(living.iter().map(|one| (one.pid, one.stat.start_time)));
        if Instant::now() >= deadline {
            return (killed.len(), living.into_iter().map(Remnant::from).collect());
        }
        std::thread::sleep(LOOK_AGAIN);
    }
}

fn below() -> std::io::Result<Vec<Sighting>> {
    let child = |pid| Some(Sighting { pid, stat: facts::stat(pid)?, is_child: true });
    descend(facts::children(own_pid())?.into_iter().filter_map(child).collect())
}

/// What the kernel says, not what a list in /proc showed a moment ago.
fn no_child_is_left() -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    rustix::process::waitid(WaitId::All, options).is_err_and(|errno| errno == rustix::io::Errno::CHILD)
}
