//! Since when the store's thread has been at one commit: how it is noticed from outside that the disk hangs.
//!
//! Kept by [`super::thread`], read through [`super::Store`]. Must not know what is written.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

/// No commit began before.
static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Marks that nothing is being committed.
const AT_REST: u64 = u64::MAX;

/// Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Pulse(Arc<AtomicU64>);

/// One commit, for as long as it takes.
pub(super) struct Beat(Arc<AtomicU64>);

impl Default for Pulse {
    fn default() -> Self {
        Self(Arc::new(AtomicU64::new(AT_REST)))
    }
}

impl Pulse {
    /// A commit begins.
    pub(super) fn beat(&self) -> Beat {
        self.0.store(now(), Ordering::Relaxed);
        Beat(Arc::clone(&self.0))
    }

    /// For how long the present commit has been under way; zero while there is none.
    pub(super) fn held_for(&self) -> Duration {
        match self.0.load(Ordering::Relaxed) {
            AT_REST => Duration::ZERO,
            since => Duration::from_millis(now().saturating_sub(since)),
        }
    }
}

impl Drop for Beat {
    fn drop(&mut self) {
        self.0.store(AT_REST, Ordering::Relaxed);
    }
}

fn now() -> u64 {
    u64::try_from(EPOCH.elapsed().as_millis()).unwrap_or(AT_REST - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_that_hangs_is_noticed_and_one_that_is_over_is_not() {
        let pulse = Pulse::default();
        assert_eq!(pulse.held_for(), Duration::ZERO);
        let beat = pulse.beat();
        while pulse.held_for() < Duration::from_millis(5) {
            std::thread::yield_now();
        }
        drop(beat);
        assert_eq!(pulse.held_for(), Duration::ZERO);
    }
}
