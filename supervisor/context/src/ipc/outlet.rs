//! The queue of one bus client: bounded in frames and in bytes; who overflows it is cut off.
//!
//! Filled by the bus, emptied by the client's task, which takes long frames piece by piece: so all that waits stands here,
//! and a cut lets go of it at once. Must not know what is in a frame.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::Notify;

/// Frames that may wait for a client: a burst, not a backlog. What a UI missed it reads anew when it connects again.
const FRAMES_MAX: usize = 512;

/// Bytes that may wait for a client, beyond one frame of any size.
const BYTES_MAX: usize = 8 * 1024 * 1024;

/// Who holds less is not worth cutting: there are many like that, and all together hold little.
const LITTLE: usize = 64 * 1024;

/// The client did not keep up, and gets nothing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "too slow: too much was waiting, for this client ({FRAMES_MAX} frames or {BYTES_MAX} bytes) or for all together; connect \
     again and read the present state"
)]
pub struct CutOff;

/// A part of a frame, in the order in which it is to be written.
#[derive(Debug)]
pub struct Piece {
    /// What to write.
    pub bytes: Bytes,
    /// Whether the frame begins with it.
    pub first: bool,
    /// Whether the frame ends with it.
    pub last: bool,
}

#[derive(Default)]
pub(super) struct Outlet {
    waiting: Mutex<Waiting>,
    arrived: Notify,
    cut: Notify,
    /// Nothing waits any more. One waiter for each that fills it as fast as it is read.
    emptied: Notify,
}

#[derive(Default)]
struct Waiting {
    frames: VecDeque<Bytes>,
    /// How many frames have left the queue.
    popped: u64,
    /// How much of the first frame has been taken.
    taken: usize,
    bytes: usize,
    cut_off: bool,
    /// When anything was last taken, or came where nothing waited.
    moved: Option<Instant>,
}

impl Waiting {
    fn pop(&mut self) -> Option<Bytes> {
        let frame = self.frames.pop_front()?;
        self.bytes -= frame.len();
        self.popped += 1;
        (self.taken, self.moved) = (0, Some(Instant::now()));
        Some(frame)
    }
}

impl Outlet {
    pub(super) fn push(&self, frame: &Bytes) {
        self.insert(u64::MAX, frame.clone());
    }

    /// Where the next frame will stand, among all that ever stood here.
    pub(super) fn end(&self) -> u64 {
        let waiting = self.lock();
        waiting.popped + waiting.frames.len() as u64
    }

    /// Puts a frame before those that came since `place` was the end; behind one that is being written.
    pub(super) fn insert(&self, place: u64, frame: Bytes) {
        let mut waiting = self.lock();
        if waiting.cut_off {
            return;
        }
        let full = waiting.frames.len() >= FRAMES_MAX
            || (!waiting.frames.is_empty() && waiting.bytes + frame.len() > BYTES_MAX);
        if full {
            drop(waiting);
            self.cut_off();
            return;
        }
        let first = waiting.frames.is_empty();
        if first {
            waiting.moved = Some(Instant::now());
        }
        waiting.bytes += frame.len();
        let behind = usize::from(waiting.taken > 0);
        let index = usize::try_from(place.saturating_sub(waiting.popped)).unwrap_or(usize::MAX);
        let index = index.max(behind).min(waiting.frames.len());
        waiting.frames.insert(index, frame);
        drop(waiting);
        if first {
            self.arrived.notify_one();
        }
    }

    /// Lets go of all that waits; the client gets nothing more.
    pub(super) fn cut_off(&self) {
        let dropped = std::mem::replace(&mut *self.lock(), Waiting { cut_off: true, ..Waiting::default() });
        drop(dropped);
        self.arrived.notify_one();
        self.cut.notify_one();
        self.emptied.notify_waiters();
    }

    /// How slow the client is: for how long it has taken nothing although something waits, where that is not little.
    pub(super) fn slowness(&self) -> Option<Duration> {
        let waiting = self.lock();
        let moved = waiting.moved.filter(|_| waiting.bytes > LITTLE)?;
        Some(moved.elapsed())
    }

    /// The next frame, whole.
    pub(super) async fn next(&self) -> Result<Bytes, CutOff> {
        loop {
            self.some().await?;
            let frame = self.lock().pop();
            if let Some(frame) = frame {
                self.emptied.notify_waiters();
                return Ok(frame);
            }
        }
    }

    /// Resolves once something waits.
    pub(super) async fn some(&self) -> Result<(), CutOff> {
        loop {
            {
                let waiting = self.lock();
                if waiting.cut_off {
                    return Err(CutOff);
                }
                if !waiting.frames.is_empty() {
                    return Ok(());
                }
            }
            self.arrived.notified().await;
        }
    }

    /// Resolves once nothing waits, or the client is cut off.
    pub(super) async fn is_empty(&self) {
        let is_empty = || {
            let waiting = self.lock();
            waiting.cut_off || waiting.frames.is_empty()
        };
        while !is_empty() {
            let emptied = self.emptied.notified();
            if !is_empty() {
                emptied.await;
            }
        }
    }

    /// Resolves once the client is cut off.
    pub(super) async fn is_cut_off(&self) {
        while !self.lock().cut_off {
            self.cut.notified().await;
        }
    }

    /// The next piece of at most so many bytes, where anything waits.
    pub(super) fn piece(&self, most: usize) -> Option<Piece> {
        let mut waiting = self.lock();
        let frame = waiting.frames.front()?;
        let (from, to) = (waiting.taken, frame.len().min(waiting.taken + most));
        let piece = Piece { bytes: frame.slice(from..to), first: from == 0, last: to == frame.len() };
        if piece.last {
            waiting.pop();
            if waiting.frames.is_empty() {
                self.emptied.notify_waiters();
            }
        } else {
            (waiting.taken, waiting.moved) = (to, Some(Instant::now()));
        }
        Some(piece)
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
