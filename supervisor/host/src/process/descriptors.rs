//! How many descriptors this process may have open. Raised at its start; plugins get the limit as it was.
//!
//! Called by the binary before anything is opened, read when a process is ordered. Many programs walk over all numbers that
//! they may use, and some still call select(2), so a raised limit is nothing to hand on.

use std::io;
use std::sync::OnceLock;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The limit is raised to this at most: room for every connection, every plugin and what else there is, many times over.
const ENOUGH: u64 = 65_536;

/// The soft limit with which this process was started.
static BEFORE: OnceLock<u64> = OnceLock::new();

/// Raises the soft limit as far as the hard one allows, and returns what it is then.
///
/// # Errors
/// When the system refuses; the limit is what it was.
pub fn raise_limit() -> io::Result<u64> {
    let limit = getrlimit(Resource::Nofile);
    let before = limit.current.unwrap_or(u64::MAX);
    let wanted = limit.maximum.unwrap_or(u64::MAX).min(ENOUGH).max(before);
    if wanted > before {
        setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum })?;
        BEFORE.get_or_init(|| before);
    }
    Ok(wanted)
}

/// The soft limit that a child is to have; none where it is what it inherits.
pub(super) fn for_children() -> Option<u64> {
    BEFORE.get().copied()
}
