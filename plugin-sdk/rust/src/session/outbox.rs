//! What waits to be written: one bounded buffer of whole frames, and the task that drains it.
//!
//! Frames are serialized outside the lock and appended under it; the writer takes everything that has gathered in one
//! swap and writes it at once, so that many small frames cost one system call. Must not know what a frame means.

use std::cell::Cell;
use std::sync::{Mutex, MutexGuard, PoisonError};

use outboard_protocol::wire::FRAME_MAX;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::Notify;

/// Calls wait, and nothing is read, while more than this is unwritten: the host is not reading, and memory is not a queue.
const HIGH_MARK: usize = 4 * 1024 * 1024;
/// Log records are dropped from here on, so that a talkative plugin leaves room for its calls.
const LOG_MARK: usize = 1024 * 1024;
/// A buffer that grew beyond this for one large frame is given back.
const KEEP: usize = 64 * 1024;

thread_local! {
    /// A buffer to serialize into. It is taken out while in use, so that a value that logs while it is serialized works.
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// The unwritten frames.
#[derive(Default)]
pub(crate) struct Outbox {
    queue: Mutex<Queue>,
    filled: Notify,
    drained: Notify,
}

#[derive(Default)]
struct Queue {
    bytes: Vec<u8>,
    closed: bool,
    /// What the writer has taken and not yet written.
    in_hand: usize,
}

/// Why a frame was not taken.
#[derive(Debug)]
pub(crate) enum NotTaken {
    /// The other side is gone.
    Closed,
    /// Too much is unwritten.
    Full,
    /// It is larger than a frame may be.
    TooLarge(usize),
    /// It cannot be JSON.
    Unwritable(serde_json::Error),
}

/// How much may be unwritten for a frame to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// Taken whatever is unwritten: answers, which are bounded by the calls that they answer, and calls, which wait for
    /// room before they are entered.
    Always,
    /// Taken below the high mark.
    Normal,
    /// Taken while there is plenty of room.
    Log,
}

impl Outbox {
    /// Serializes one frame and queues it.
    pub(crate) fn push(
        &self,
        urgency: Urgency,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), serde_json::Error>,
    ) -> Result<(), NotTaken> {
        let mut scratch = SCRATCH.take();
        scratch.clear();
        let taken = match write(&mut scratch) {
            Err(error) => Err(NotTaken::Unwritable(error)),
            Ok(()) if scratch.len() > FRAME_MAX => Err(NotTaken::TooLarge(scratch.len())),
            Ok(()) => self.append(urgency, &scratch),
        };
        if scratch.capacity() <= KEEP {
            SCRATCH.set(scratch);
        }
        taken
    }

    fn append(&self, urgency: Urgency, frame: &[u8]) -> Result<(), NotTaken> {
        let mut queue = self.lock();
        let mark = match urgency {
            Urgency::Always => usize::MAX,
            Urgency::Normal => HIGH_MARK,
            Urgency::Log => LOG_MARK,
        };
        if queue.closed {
            return Err(NotTaken::Closed);
        }
        if queue.unwritten() > mark {
            return Err(NotTaken::Full);
        }
        let was_empty = queue.bytes.is_empty();
        queue.bytes.extend_from_slice(frame);
        drop(queue);
        if was_empty {
            self.filled.notify_one();
        }
        Ok(())
    }

    /// Whether a frame would be taken now, or be refused at once because it is closed.
    pub(crate) fn has_room(&self) -> bool {
        self.is_below(HIGH_MARK)
    }

    fn is_below(&self, mark: usize) -> bool {
        let queue = self.lock();
        queue.closed || queue.unwritten() <= mark
    }

    /// Waits until there is room, or until it is closed.
    pub(crate) async fn room(&self) {
        self.below(HIGH_MARK).await;
    }

    /// Waits until everything is written, or until it is closed.
    pub(crate) async fn flushed(&self) {
        self.below(0).await;
    }

    async fn below(&self, mark: usize) {
        // Nearly always so, and listening costs more than looking.
        if self.is_below(mark) {
            return;
        }
        loop {
            let drained = self.drained.notified();
            tokio::pin!(drained);
            // Listen first and look then, or a drain between the two would be missed.
            drained.as_mut().enable();
            if self.is_below(mark) {
                return;
            }
            drained.await;
        }
    }

    /// Takes no more frames, and lets nobody wait.
    pub(crate) fn close(&self) {
        let mut queue = self.lock();
        queue.closed = true;
        queue.bytes = Vec::new();
        drop(queue);
        self.filled.notify_one();
        self.drained.notify_waiters();
    }

    /// Writes what is queued until the outbox is closed or the other side is gone.
    pub(crate) async fn write_to(&self, mut output: impl AsyncWrite + Unpin) {
        let mut batch = Vec::new();
        loop {
            {
                let mut queue = self.lock();
                queue.in_hand = 0;
                if queue.closed {
                    return;
                }
                std::mem::swap(&mut queue.bytes, &mut batch);
                queue.in_hand = batch.len();
            }
            if batch.is_empty() {
                self.filled.notified().await;
                continue;
            }
            if output.write_all(&batch).await.is_err() || output.flush().await.is_err() {
                return self.close();
            }
            batch.clear();
            batch.shrink_to(KEEP);
            self.lock().in_hand = 0;
            self.drained.notify_waiters();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Nothing panics while the lock is held; were it otherwise, whole frames would still be whole.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn unwritten(&self) -> usize {
        self.bytes.len() + self.in_hand
    }
}
