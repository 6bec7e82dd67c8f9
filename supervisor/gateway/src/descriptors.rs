//! How many descriptors are left for connections. The highest numbers are nobody's here: control, health, the plugins' pipes
//! and their next processes need some at any time.
//!
//! The kernel gives out the lowest free number, so a number tells how many are open at least: no counting, and no look into
//! /proc. The limit is asked for anew each time, since it can be changed from outside.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};

/// One part of so many is the reserve.
const PARTS: u64 = 4;
/// The reserve is at least this: a process of a plugin takes a dozen while it is started.
const RESERVE_LEAST: u64 = 16;
/// And at most this: enough for a few dozen plugins to be started again at once.
const RESERVE_MOST: u64 = 256;

/// The first number that is not for connections.
fn end() -> u64 {
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    limit.saturating_sub((limit / PARTS).clamp(RESERVE_LEAST, RESERVE_MOST))
}

/// How many more there must be below the reserve to be far from it: what others open between two connections.
const NEAR: u64 = 16;

/// How far from the reserve the descriptors are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reserve {
    Far,
    Near,
    Reached,
}

/// How far a descriptor is, which was just opened.
pub(crate) fn reserve(descriptor: BorrowedFd<'_>) -> Reserve {
    match (u64::try_from(descriptor.as_raw_fd()).unwrap_or(u64::MAX), end()) {
        (number, end) if number >= end => Reserve::Reached,
        (number, end) if number.saturating_add(NEAR) >= end => Reserve::Near,
        _ => Reserve::Far,
    }
}

/// Whether this descriptor, which was just opened, reaches into the reserve.
pub(crate) fn is_of_reserve(descriptor: BorrowedFd<'_>) -> bool {
    reserve(descriptor) == Reserve::Reached
}

/// Whether the next descriptor would be one of the reserve.
pub(crate) fn are_scarce() -> bool {
    next().is_none_or(|next| next >= end())
}

/// How many connections' descriptors fit between what is open now and the reserve.
pub(crate) fn free() -> u64 {
    next().map_or(0, |next| end().saturating_sub(next))
}

/// Whether a connection could not be made because this process or this machine is short of something, whoever is at the other
/// end.
pub(crate) fn is_shortage(error: &io::Error) -> bool {
    const SHORTAGES: [Errno; 5] =
        [Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::NOBUFS, Errno::ADDRNOTAVAIL];
    let errno = error.raw_os_error();
    SHORTAGES.iter().any(|shortage| errno == Some(shortage.raw_os_error()))
}

/// The lowest free number.
fn next() -> Option<u64> {
    let copy = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stderr(), 0).ok()?;
    u64::try_from(copy.as_fd().as_raw_fd()).ok()
}
