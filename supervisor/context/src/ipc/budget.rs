//! One budget in bytes for everything that waits for clients of the bus, whoever sent it and whoever is to read it.
//!
//! Kept by the bus. A frame counts once, however many clients it waits for, from its making until the last of them has let go
//! of it. Must not know clients: who is cut where the budget is spent is the bus's affair.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

/// Bytes that may wait for all clients together: some large events for a house full of slow pages.
pub const BUS_BYTES: usize = 64 * 1024 * 1024;

/// What may wait, and what does. Clones share it.
#[derive(Clone)]
pub(super) struct Budget {
    most: usize,
    held: Arc<AtomicUsize>,
}

/// A frame for as long as anybody has it.
struct Counted {
    frame: Bytes,
    held: Arc<AtomicUsize>,
}

impl Budget {
    pub(super) fn new(most: usize) -> Self {
        Self { most, held: Arc::default() }
    }

    /// A frame that counts until its last clone is dropped.
    pub(super) fn count(&self, frame: impl Into<Bytes>) -> Bytes {
        let frame = frame.into();
        self.held.fetch_add(frame.len(), Ordering::Relaxed);
        Bytes::from_owner(Counted { frame, held: Arc::clone(&self.held) })
    }

    /// Whether more waits than may.
    pub(super) fn is_spent(&self) -> bool {
        self.held.load(Ordering::Relaxed) > self.most
    }
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.frame
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.held.fetch_sub(self.frame.len(), Ordering::Relaxed);
    }
}
