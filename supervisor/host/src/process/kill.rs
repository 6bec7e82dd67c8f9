//! Signals that reach the process that was meant and no other.
//!
//! Used by the containment, the orphan watch, the ledger's sweep and the keeper. It must not decide whom to kill.
//!
//! A pid read from /proc may be somebody else's by the time of a kill. So: open a pidfd, compare the start time, and
//! signal through the pidfd, which can never come to mean another process.

use rustix::process::{PidfdFlags, Signal, WaitId, WaitIdOptions};

use super::exit::to_pid;
use super::facts;

/// Kills the process that has this pid and start time. False when it has gone, or may not be signalled.
pub(super) fn kill_verified(pid: i32, start_time: u64) -> bool {
    let Ok(target) = to_pid(pid) else { return false };
    let Ok(pidfd) = rustix::process::pidfd_open(target, PidfdFlags::empty()) else { return false };
    facts::start_time(pid) == Some(start_time)
        && rustix::process::pidfd_send_signal(&pidfd, Signal::KILL).is_ok()
}

/// Kills the whole group that `child`, an unreaped child of this process, leads.
///
/// Exact because only this process can reap `child`, and until then the number is taken. The kernel gives the signal to
/// the group as one, so a fork in progress cannot slip through.
pub(super) fn kill_group_of_child(child: i32) {
    if let Ok(group) = to_pid(child) {
        let _ = rustix::process::kill_process_group(group, Signal::KILL);
    }
}

/// Reaps `child` if it has ended. True when it is gone, also when it was no child of this process.
pub(super) fn reap_child(child: i32) -> bool {
    let Ok(pid) = to_pid(child) else { return true };
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
    !matches!(rustix::process::waitid(WaitId::Pid(pid), options), Ok(None) | Err(rustix::io::Errno::INTR))
}
