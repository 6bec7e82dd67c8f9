//! Signals that reach the process that was meant and no other.
//!
//! Used by the containment, the orphan watch, the ledger's sweep and the keeper. It must not decide whom to kill.
//!
//! A pid read from /proc may be somebody else's by the time of a kill. So: open a pidfd, compare the start time, and
//! signal through the pidfd, which can never come to mean another process.

use std::sync::{Mutex, PoisonError};

use rustix::process::{PidfdFlags, Signal, WaitId, WaitIdOptions};

use crate::process::observe::exit::to_pid;
use crate::process::observe::facts;

/// Held while a child's number is used as that of its group, and while a child is reaped, which gives the number back: rounds
/// of killing run side by side.
static NUMBERS: Mutex<()> = Mutex::new(());

/// Kills the process that has this pid and start time. False when it has gone, or may not be signalled.
pub(in crate::process) fn kill_verified(pid: i32, start_time: u64) -> bool {
    let Ok(target) = to_pid(pid) else { return false };
    let Ok(pidfd) = rustix::process::pidfd_open(target, PidfdFlags::empty()) else { return false };
    facts::start_time(pid) == Some(start_time)
        && rustix::process::pidfd_send_signal(&pidfd, Signal::KILL).is_ok()
}

/// Kills the whole group that `child` leads, a child of this process with this start time. Nothing, once it is reaped.
///
/// Exact because only this process can reap `child`, which [`reap_child`] does, and until then the number is taken. The kernel gives the signal to
/// the group as one, so a fork in progress cannot slip through.
pub(in crate::process) fn kill_group_of_child(child: i32, start_time: u64) {
    let _unreaped = NUMBERS.lock().unwrap_or_else(PoisonError::into_inner);
    if facts::start_time(child) == Some(start_time)
        && let Ok(group) = to_pid(child)
    {
        let _ = rustix::process::kill_process_group(group, Signal::KILL);
    }
}

/// Reaps `child` if it has ended. True when it is gone, also when it was not a child of this process.
pub(in crate::process) fn reap_child(child: i32) -> bool {
    let Ok(pid) = to_pid(child) else { return true };
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
    let _unused = NUMBERS.lock().unwrap_or_else(PoisonError::into_inner);
    !matches!(rustix::process::waitid(WaitId::Pid(pid), options), Ok(None) | Err(rustix::io::Errno::INTR))
}

/// Whether `child` is a child of this process that has ended and was not reaped.
pub(in crate::process) fn is_dead_child(child: i32) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    to_pid(child).is_ok_and(|pid| matches!(rustix::process::waitid(WaitId::Pid(pid), options), Ok(Some(_))))
}

/// Kills the whole group that a zombie leads, if it does. Called with [`super::census::Containments::hunt`] held, and so before
/// anybody reaps it.
pub(in crate::process) fn kill_group_of_zombie(child: i32) {
    let _unreaped = NUMBERS.lock().unwrap_or_else(PoisonError::into_inner);
    if group_of(child) == Some(child)
        && is_dead_child(child)
        && let Ok(group) = to_pid(child)
    {
        let _ = rustix::process::kill_process_group(group, Signal::KILL);
    }
}

/// The session of a process, zombies included. 0 is one that began outside this pid namespace, as for whatever a container's
/// runtime started inside it: a number of the kernel's, and no [`rustix::process::Pid`], which may not be 0.
pub(in crate::process) fn session_of(pid: i32) -> Option<i32> {
    Some(nix::unistd::getsid(Some(nix::unistd::Pid::from_raw(pid))).ok()?.as_raw())
}

/// The group of a process, zombies included. 0 as for [`session_of`].
pub(in crate::process) fn group_of(pid: i32) -> Option<i32> {
    Some(nix::unistd::getpgid(Some(nix::unistd::Pid::from_raw(pid))).ok()?.as_raw())
}
