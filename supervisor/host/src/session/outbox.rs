//! What waits to be written to a plugin: one buffer of whole frames, bounded in bytes.
//!
//! Filled by the session's callers and by the answers to context calls, emptied by the writer in one piece. Knows frames,
//! not what is in them. The lock is held for the time of an encoding and never across a wait.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Why a frame was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    /// The buffer is at its limit.
    NoRoom,
    /// The plugin's input is closed.
    Closed,
}

#[derive(Debug)]
pub(super) struct Outbox {
    state: Mutex<State>,
    /// Woken when there is something to write, or when the outbox closed. One waiter: the writer.
    filled: Notify,
    /// Woken when the writer took what was there. Waited for by the reader and by large answers.
    emptied: Notify,
    limit: usize,
}

#[derive(Debug, Default)]
struct State {
    buffer: Vec<u8>,
    closed: bool,
    dropped: u64,
}

impl Outbox {
    pub(super) fn new(limit: usize) -> Self {
        Self { state: Mutex::default(), filled: Notify::new(), emptied: Notify::new(), limit }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic while encoding leaves at worst a torn frame, which the plugin refuses; going on is better than ending all.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a host call or a notification, where there is room.
    pub(super) fn offer(
        &self,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<(), serde_json::Error>,
    ) -> Result<(), Full> {
        let mut state = self.lock();
        if state.closed {
            return Err(Full::Closed);
        }
        if state.buffer.len() >= self.limit {
            return Err(Full::NoRoom);
        }
        // Parameters of ours are always JSON; one that is not leaves the buffer as it was and its caller without an answer.
        encode(&mut state.buffer).map_err(|_| Full::NoRoom)?;
        drop(state);
        self.filled.notify_one();
        Ok(())
    }

    /// Takes an answer. Answers are never dropped: how many there can be is bounded where the calls are let in.
    pub(super) fn answer(&self, encode: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.lock();
        if state.closed {
            return;
        }
        encode(&mut state.buffer);
        drop(state);
        self.filled.notify_one();
    }

    /// Waits until less than the limit waits to be written, or nothing ever will be.
    pub(super) async fn room(&self) {
        while self.is_full() {
            let emptied = self.emptied.notified();
            // What was taken since the first look is not told to whoever waits from now on.
            if self.is_full() {
                emptied.await;
            }
        }
    }

    fn is_full(&self) -> bool {
        let state = self.lock();
        !state.closed && state.buffer.len() >= self.limit
    }

    /// Takes everything that waits, in exchange for an empty buffer. False: closed, and nothing is left.
    pub(super) async fn take(&self, spare: &mut Vec<u8>) -> bool {
        loop {
            {
                let mut state = self.lock();
                if !state.buffer.is_empty() {
                    std::mem::swap(&mut state.buffer, spare);
                    break;
                }
                if state.closed {
                    return false;
                }
            }
            self.filled.notified().await;
        }
        self.emptied.notify_waiters();
        true
    }

    /// Takes nothing more from now on.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_one();
        self.emptied.notify_waiters();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Counts a notification for which there was no room.
    pub(super) fn note_dropped(&self) {
        self.lock().dropped += 1;
    }

    pub(super) fn dropped(&self) -> u64 {
        self.lock().dropped
    }
}
