//! The mark that a process cannot shed by accident: a limit that limits nothing and that everything inherits.
//!
//! Set by `spawn::trampoline`, looked for by `contain::kinship` and `contain::sweep`. Environment, session and group are a process's own to
//! change, and a daemon changes all three; resource limits it keeps through every fork and exec. The one on real-time
//! scheduling is counted in microseconds: set to a number of thirty thousand years it stops nobody, and names a generation.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit};

use super::facts;

/// The least mark, about 36,500 years. The highest is twice as large, and both are far from what the kernel takes for no limit.
const LEAST: u64 = 1 << 60;
/// How the kernel names the limit.
const NAME: &str = "Max realtime timeout";

/// The mark of the generation with this marker.
pub(in crate::process) fn of(marker: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    marker.hash(&mut hasher);
    LEAST | (hasher.finish() % LEAST)
}

/// Puts it on this process. Where a limit is there already it stays, and there is no mark.
pub(in crate::process) fn put(mark: u64) {
    if can_be_put() {
        // One net of several; what the system refuses is found by the others, or not.
        let _ = setrlimit(Resource::Rttime, Rlimit { current: Some(mark), maximum: Some(mark) });
    }
}

/// Whether processes that start from here can be marked.
pub fn can_be_put() -> bool {
    getrlimit(Resource::Rttime).maximum.is_none_or(|maximum| maximum >= LEAST)
}

/// The mark of a child that has ended and is not reaped, taken off it: in one call, where [`on`] makes several. There may be
/// thousands of them. A second look finds none. `None` where there is none, or it may not be looked.
pub(in crate::process) fn taken_off(dead: Pid) -> Option<u64> {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let was = prlimit(Some(dead), Resource::Rttime, none).ok()?;
    was.maximum.filter(|mark| *mark >= LEAST)
}

/// The mark of a process. `None` for one that has none, or has gone. No memory of the process is read for it, so that it
/// answers at once.
///
/// # Errors
/// When the look failed.
pub(in crate::process) fn on(pid: i32) -> io::Result<Option<u64>> {
    let limits = facts::unless_gone(fs::read_to_string(format!("/proc/{pid}/limits")))?;
    Ok(limits.and_then(|limits| {
        let line = limits.lines().find_map(|line| line.strip_prefix(NAME))?;
        // Soft, hard, unit.
        line.split_ascii_whitespace().nth(1)?.parse().ok().filter(|mark| *mark >= LEAST)
    }))
}
