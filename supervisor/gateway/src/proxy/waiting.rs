//! The room in which requests wait for their plugin: bounded in number, in memory and in time.
//!
//! [`super::forward`] enters when a route is not open. Must not know HTTP.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many requests wait for one plugin, and what they hold.
#[derive(Debug, Default)]
pub(crate) struct WaitingRoom {
    requests: AtomicUsize,
    bytes: AtomicUsize,
}

/// A seat; given back when dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    room: Arc<WaitingRoom>,
    bytes: usize,
}

impl WaitingRoom {
    /// A seat for a request that holds `bytes`; `None` when the room is full.
    pub(crate) fn enter(
        self: &Arc<Self>,
        bytes: usize,
        requests_max: usize,
        bytes_max: usize,
    ) -> Option<Seat> {
        let requests = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        let held = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let seat = Seat { room: Arc::clone(self), bytes };
        (requests <= requests_max && held <= bytes_max).then_some(seat)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.room.requests.fetch_sub(1, Ordering::Relaxed);
        self.room.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
