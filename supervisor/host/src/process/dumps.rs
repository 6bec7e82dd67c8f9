//! Keeps this process's memory, which holds tokens, out of core dumps and out of the reach of debuggers of the same user; and
//! remembers what limit it had on dumps, which its children get back.
//!
//! Called first of all by the command line in every role but the trampoline's. It must not know who has tokens.

use std::sync::OnceLock;

use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};

/// The limit that a keeper had before its own, for the supervisor to give to plugins: a number of bytes.
pub(super) const CORE_VARIABLE: &str = "OUTBOARD_CORE_LIMIT";
/// How no limit is written.
const UNLIMITED: u64 = u64::MAX;

static FORMER: OnceLock<u64> = OnceLock::new();

/// Forbids dumps of this process. Where the system refuses, it is as safe as it was.
pub fn forbid() {
    let limit = getrlimit(Resource::Core);
    let handed_on = std::env::var(CORE_VARIABLE).ok().and_then(|text| text.parse().ok());
    let _ = FORMER.set(handed_on.unwrap_or(limit.current.unwrap_or(UNLIMITED)));
    // The soft limit alone: a child may raise it again to what it was.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: limit.maximum });
    // A program that takes dumps through a pipe is given them whatever the limit is.
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// The limit that was there before [`forbid`]; `None` where nothing was forbidden.
pub(super) fn former_limit() -> Option<u64> {
    FORMER.get().copied()
}

/// In a child that is about to become a program: the limit is again what it was.
pub(super) fn allow(former: u64) -> rustix::io::Result<()> {
    let maximum = getrlimit(Resource::Core).maximum;
    let current = former.min(maximum.unwrap_or(UNLIMITED));
    setrlimit(Resource::Core, Rlimit { current: (current != UNLIMITED).then_some(current), maximum })
}
