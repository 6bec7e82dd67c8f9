//! What waits to be written to a plugin: one buffer of whole frames, bounded in bytes.
//!
//! Filled by the session's callers and by the answers to context calls, emptied by the writer in one piece. Knows frames,
//! not what is in them. The lock is held for the time of an encoding and never across a wait.

use std::sync::{Mutex, MutexGuard, PoisonError};

use outboard_protocol::wire::message::{self, is_deeper};
use outboard_protocol::wire::{DEPTH_MAX, FRAME_MAX};
use outboard_protocol::{ErrorReason, RpcError};
use tokio::sync::Notify;

/// As much of what is owed is written out at once, in bytes of ids: some hundred refusals.
const OWED_AT_ONCE: usize = 4 * 1024;

/// Why a frame was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Full {
    /// The buffer is at its limit.
    NoRoom,
    /// The plugin's input is closed.
    Closed,
    /// It is not a frame that the plugin need take; why.
    Unfit(String),
}

#[derive(Debug)]
pub(super) struct Outbox {
    state: Mutex<State>,
    /// Woken when there is something to write, or when the outbox closed. One waiter: the writer.
    filled: Notify,
    /// Woken when the writer took what was there. Waited for by the reader and by large answers.
    emptied: Notify,
    limit: usize,
    owed_limit: usize,
}

#[derive(Debug, Default)]
struct State {
    buffer: Vec<u8>,
    /// Ids of calls that are refused because the buffer is full, a line each: a refusal is written out of its id when its
    /// turn has come, and until then takes a thirtieth of the memory.
    owed: Vec<u8>,
    closed: bool,
    /// What was taken last is being written.
    writing: bool,
    dropped: u64,
}

impl Outbox {
    pub(super) fn new(limit: usize, owed_limit: usize) -> Self {
        Self { state: Mutex::default(), filled: Notify::new(), emptied: Notify::new(), limit, owed_limit }
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
        let before = state.buffer.len();
        encode(&mut state.buffer).map_err(|_| Full::NoRoom)?;
        // A plugin would refuse it under no id in particular, and the caller would wait for its deadline.
        if let Some(why) = unfit(&state.buffer[before..]) {
            state.buffer.truncate(before);
            return Err(Full::Unfit(why));
        }
        drop(state);
        self.filled.notify_one();
        Ok(())
    }

    /// Takes an answer. Answers are never dropped: how many there can be is bounded where the calls are let in, which is while
    /// there is room.
    pub(super) fn answer(&self, encode: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.lock();
        if state.closed {
            return;
        }
        encode(&mut state.buffer);
        drop(state);
        self.filled.notify_one();
    }

    /// Owes the call with this id, raw JSON text, the answer that too much was left unread for it to be worked on.
    pub(super) fn owe(&self, id: &str) {
        let mut state = self.lock();
        if state.closed {
            return;
        }
        state.owed.extend_from_slice(id.as_bytes());
        state.owed.push(b'\n');
        drop(state);
        self.filled.notify_one();
    }

    /// Whether as many answers are owed as the limit allows.
    pub(super) fn owes_all_it_may(&self) -> bool {
        let state = self.lock();
        !state.closed && state.owed.len() >= self.owed_limit
    }

    /// Waits until more may be owed.
    pub(super) async fn may_owe(&self) {
        while self.owes_all_it_may() {
            let emptied = self.emptied.notified();
            if self.owes_all_it_may() {
                emptied.await;
            }
        }
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

    /// Waits until nothing waits to be written and nothing is being written, or nothing ever will be.
    pub(super) async fn drained(&self) {
        let is_drained = || {
            let state = self.lock();
            state.closed || (state.buffer.is_empty() && state.owed.is_empty() && !state.writing)
        };
        while !is_drained() {
            let emptied = self.emptied.notified();
            if !is_drained() {
                emptied.await;
            }
        }
    }

    pub(super) fn is_full(&self) -> bool {
        let state = self.lock();
        !state.closed && state.buffer.len() >= self.limit
    }

    /// Takes everything that waits, in exchange for an empty buffer. False: closed, and nothing is left.
    pub(super) async fn take(&self, spare: &mut Vec<u8>) -> bool {
        loop {
            {
                let mut state = self.lock();
                if !state.buffer.is_empty() || !state.owed.is_empty() {
                    std::mem::swap(&mut state.buffer, spare);
                    state.pay(spare, self.limit);
                    state.writing = true;
                    break;
                }
                if state.closed {
                    return false;
                }
                state.writing = false;
            }
            // Who takes again has written what was taken.
            self.emptied.notify_waiters();
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

impl State {
    /// Writes out some of the refusals that are owed.
    fn pay(&mut self, out: &mut Vec<u8>, limit: usize) {
        if self.owed.is_empty() {
            return;
        }
        let error = RpcError::new(
            ErrorReason::LimitExceeded,
            format!("the plugin left {limit} bytes unread that were for it; read them, then call again"),
        );
        let end = self.owed.len().min(OWED_AT_ONCE);
        let end = memchr::memchr(b'\n', &self.owed[end - 1..]).map_or(self.owed.len(), |at| end + at);
        for id in self.owed.drain(..end).as_slice().split(|byte| *byte == b'\n') {
            if let Some(id) = std::str::from_utf8(id).ok().filter(|id| !id.is_empty()) {
                message::write_outcome(out, id, Err(&error));
            }
        }
        if self.owed.is_empty() {
            self.owed = Vec::new();
        }
    }
}

/// Why no plugin need take this frame.
fn unfit(frame: &[u8]) -> Option<String> {
    // The line end is not counted.
    let size = frame.len() - 1;
    if size > FRAME_MAX {
        return Some(format!("it has {size} bytes, a frame at most {FRAME_MAX}; send bulk data over HTTP"));
    }
    is_deeper(frame, DEPTH_MAX).then(|| format!("it is nested deeper than {DEPTH_MAX} levels"))
}
