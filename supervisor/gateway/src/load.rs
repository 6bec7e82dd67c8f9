//! How many connections there are, and how often the system could take no more: for operators, in the health document.
//!
//! Counted by [`crate::accept`], shown by [`crate::health`]. Must not know who connects.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// The counts of one gateway since it began.
#[derive(Debug, Default)]
pub(crate) struct Load {
    open: AtomicUsize,
    failures: AtomicU64,
}

/// One connection, for as long as it is kept.
#[derive(Debug)]
pub(crate) struct Counted<'a>(&'a Load);

impl Load {
    /// A connection was accepted.
    pub(crate) fn accepted(&self) -> Counted<'_> {
        self.open.fetch_add(1, Ordering::Relaxed);
        Counted(self)
    }

    /// The system could not accept a connection.
    pub(crate) fn failed(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    /// Connections that are open.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// How often accepting failed.
    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}
