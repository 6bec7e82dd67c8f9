//! What a process inherits by number: descriptors and signal dispositions. The only module with `unsafe`.
//!
//! Called by [`super::trampoline`], alone in a fresh process with one thread, and by [`super::forker`], alone with a table of
//! descriptors of its own. It must not be called by any other thread of the supervisor: every function here changes
//! descriptors that it was not handed.
//!
//! Why `unsafe` is needed: the target numbers of a child (3, 4, 5) are a contract with programs in any language, and safe
//! Rust owns descriptors but cannot name them; and changing a disposition is `unsafe` as it could install a handler.
#![allow(
    unsafe_code,
    reason = "descriptor numbers and signal dispositions have no safe interface; see above"
)]

use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, IntoRawFd, OwnedFd};

use nix::libc;
use nix::sys::signal::SigSet;

/// Makes `fd` the descriptor `number`, open across exec, and closes what had that number.
///
/// `fd` itself should have a number that is not a target, or a later call would close it.
pub(in crate::process) fn place(fd: &OwnedFd, number: i32) -> io::Result<()> {
    // SAFETY: the caller is the trampoline, which owns every descriptor of its process and holds none below the
    // targets. The value is given up again right away, so that nothing closes it on drop.
    let mut target = unsafe { OwnedFd::from_raw_fd(number) };
    let placed = rustix::io::dup2(fd, &mut target);
    let _ = target.into_raw_fd();
    Ok(placed?)
}

/// Keeps every signal from the calling thread. A handler tells the runtime of a signal by a write to a descriptor, which a thread with
/// a table of its own does not have: a SIGTERM that came to it would be lost. The trampoline unblocks all of them again.
pub(in crate::process) fn block_signals() -> io::Result<()> {
    Ok(SigSet::all().thread_set_mask()?)
}

/// Gives the calling thread a table of descriptors of its own, with nothing in it but the standard three and `kept`.
pub(in crate::process) fn own_table(kept: &OwnedFd) -> io::Result<()> {
    nix::sched::unshare(nix::sched::CloneFlags::CLONE_FILES)?;
    let kept = kept.as_raw_fd();
    let after = kept + 1;
    if close_range(3, kept - 1) && close_range(after, i32::MAX) {
        return Ok(());
    }
    // Kernels before 5.9, and sandboxes that refuse what they do not know.
    let open: Vec<i32> = std::fs::read_dir("/proc/thread-self/fd")?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|number| *number > 2 && *number != kept)
        .collect();
    for number in open {
        // SAFETY: as for `close_range`; the one that the listing itself had is closed already, which fails cleanly.
        unsafe { libc::close(number) };
    }
    Ok(())
}

/// Closes what has these numbers; false where the kernel cannot.
fn close_range(first: i32, last: i32) -> bool {
    // SAFETY: three integers and no memory. The caller has just made the table its own, so what closes are copies that no
    // value of this thread owns; the supervisor's descriptors are in the other table.
    first > last || unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) } == 0
}

/// Marks every descriptor from `first` upwards as closed on exec, whoever opened it.
pub(in crate::process) fn close_on_exec_from(first: i32) -> io::Result<()> {
    // SAFETY: three integers and no memory; marking changes no descriptor's validity.
    let marked = unsafe {
        libc::syscall(
            libc::SYS_close_range,
            first,
            libc::c_uint::MAX,
            libc::CLOSE_RANGE_CLOEXEC as libc::c_int,
        )
    };
    if marked == 0 {
        return Ok(());
    }
    // Kernels before 5.11, and sandboxes that refuse what they do not know.
    for entry in std::fs::read_dir("/proc/self/fd")? {
        let Some(number) = entry?.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        if number >= first {
            // SAFETY: listed as open a moment ago by the only thread; the call fails cleanly where that changed.
            unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) };
        }
    }
    Ok(())
}

/// Gives every signal its default disposition and unblocks all of them.
///
/// Handlers end with exec anyway; ignored signals do not, and neither does the mask. A supervisor started with nohup
/// would hand an ignored SIGHUP to every plugin, and Rust's own ignored SIGPIPE breaks shell pipelines.
pub(in crate::process) fn reset_signals() -> io::Result<()> {
    for number in 1..=libc::SIGRTMAX() {
        // SAFETY: no handler is installed, only the default action. Numbers that cannot be changed (SIGKILL, SIGSTOP and
        // the C library's own two) are refused, and cannot be ignored either way.
        unsafe { libc::signal(number, libc::SIG_DFL) };
    }
    Ok(SigSet::empty().thread_set_mask()?)
}

/// A copy of `fd` with a number that no target has, closed on exec.
pub(in crate::process) fn out_of_the_way<Fd: AsFd>(fd: Fd) -> io::Result<OwnedFd> {
    const ABOVE_EVERY_TARGET: i32 = 10;
    let copy = rustix::io::fcntl_dupfd_cloexec(fd, ABOVE_EVERY_TARGET)?;
    debug_assert!(copy.as_raw_fd() >= ABOVE_EVERY_TARGET, "fcntl(2) gives the lowest number from there up");
    Ok(copy)
}
