//! Waiting for a state. Every test waits through here, so that none waits for a time.

use std::time::{Duration, Instant};

/// When something that should happen counts as not happening. Not a promise about time: a guard against waiting for ever,
/// generous for machines that do much else.
pub const GUARD: Duration = Duration::from_secs(60);
/// Between two looks: short beside what is waited for, long beside the look itself.
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

/// Looks until there is something, and gives it. `what` says what was waited for.
///
/// # Panics
/// When it does not come within [`GUARD`].
pub fn eventually<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    within(GUARD, look).unwrap_or_else(|| panic!("this did not come true in {GUARD:?}: {what}"))
}

/// Looks until there is something, for this long at most.
pub fn within<T>(limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + limit;
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if Instant::now() >= end {
            return None;
        }
        std::thread::sleep(BETWEEN_LOOKS);
    }
}

/// How often something is done: a few times in `make test`, many in `make trials`, which sets `OUTBOARD_TRIALS`.
pub fn repeats(few: u64, many: u64) -> u64 {
    if std::env::var_os("OUTBOARD_TRIALS").is_some() { many } else { few }
}
