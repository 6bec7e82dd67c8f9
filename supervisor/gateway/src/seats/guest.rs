//! What is known of one connection while it lasts, for whoever has to find room: how long it has been idle, and whether it was
//! asked to leave.
//!
//! Marked by the socket and by the front door, read by [`super::roll`] when seats run out. Must not know HTTP.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;
use tokio::time::Instant;

/// No connection is older.
static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Marks a connection on which something is under way.
const BUSY: u64 = u64::MAX;
/// Marks one that nobody has read from yet: what it asks may be there already.
const FRESH: u64 = u64::MAX - 1;

/// How long one that has never said anything is left alone, in microseconds: its request is on the way.
const ON_THE_WAY: u64 = 100_000;

/// One connection.
#[derive(Debug)]
pub(crate) struct Guest {
    /// Since when nothing is under way, in microseconds since the epoch.
    idle_since: AtomicU64,
    spoken: AtomicBool,
    /// It has become a WebSocket, which nobody can ask to leave and which has a share of its own.
    upgraded: AtomicBool,
    leave: AtomicBool,
    waker: AtomicWaker,
}

impl Default for Guest {
    fn default() -> Self {
        Self {
            idle_since: AtomicU64::new(FRESH),
            spoken: AtomicBool::new(false),
            upgraded: AtomicBool::new(false),
            leave: AtomicBool::new(false),
            waker: AtomicWaker::new(),
        }
    }
}

impl Guest {
    /// Something of a message has come, or is being answered.
    pub(crate) fn is_busy(&self) {
        self.idle_since.store(BUSY, Ordering::Relaxed);
        self.spoken.store(true, Ordering::Relaxed);
    }

    /// Nothing was there to be read. Idle from now on, if nothing has come before.
    pub(crate) fn is_silent(&self) {
        if self.idle_since.load(Ordering::Relaxed) == FRESH {
            self.rests();
        }
    }

    /// All that came is answered.
    pub(crate) fn rests(&self) {
        self.idle_since.store(now(), Ordering::Relaxed);
    }

    /// What had come is complete, and nobody answers it any more.
    pub(crate) fn is_done(&self) {
        let _ = self.idle_since.compare_exchange(BUSY, now(), Ordering::Relaxed, Ordering::Relaxed);
    }

    /// It is a WebSocket from here on.
    pub(super) fn upgrades(&self) {
        self.upgraded.store(true, Ordering::Relaxed);
    }

    /// Since when it is idle; none while it is not, for a WebSocket, and for one that is leaving already.
    pub(super) fn idle_since(&self) -> Option<u64> {
        if self.upgraded.load(Ordering::Relaxed) {
            return None;
        }
        let since = self.idle_since.load(Ordering::Relaxed);
        let rests = self.spoken.load(Ordering::Relaxed) || since.saturating_add(ON_THE_WAY) <= now();
        (since < FRESH && rests && !self.leave.load(Ordering::Relaxed)).then_some(since)
    }

    /// Asks it to leave once what is under way is done.
    pub(super) fn ask_to_leave(&self) {
        self.leave.store(true, Ordering::Release);
        self.waker.wake();
    }

    /// Ready once it was asked to leave.
    pub(crate) fn poll_leave(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.leave.load(Ordering::Acquire) {
            return Poll::Ready(());
        }
        self.waker.register(cx.waker());
        if self.leave.load(Ordering::Acquire) { Poll::Ready(()) } else { Poll::Pending }
    }
}

fn now() -> u64 {
    u64::try_from(EPOCH.elapsed().as_micros()).unwrap_or(FRESH - 1)
}
