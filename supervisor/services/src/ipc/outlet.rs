//! The queue of one bus client: bounded in frames and in bytes; who overflows it is cut off.
//!
//! Filled by the bus, emptied by the client's task. Must not know what is in a frame.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;

/// Frames that may wait for a client: a burst, not a backlog. What a UI missed it reads anew when it connects again.
const FRAMES_MAX: usize = 512;

/// Bytes that may wait for a client, beyond one frame of any size.
const BYTES_MAX: usize = 8 * 1024 * 1024;

/// The client did not keep up, and gets nothing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "too slow: {FRAMES_MAX} frames or {BYTES_MAX} bytes were waiting; connect again and read the present state"
)]
pub struct CutOff;

#[derive(Default)]
pub(super) struct Outlet {
    waiting: Mutex<Waiting>,
    arrived: Notify,
}

#[derive(Default)]
struct Waiting {
    frames: VecDeque<Bytes>,
    bytes: usize,
    cut_off: bool,
}

impl Outlet {
    pub(super) fn push(&self, frame: &Bytes) {
        let mut waiting = self.lock();
        if waiting.cut_off {
            return;
        }
        let full = waiting.frames.len() >= FRAMES_MAX
            || (!waiting.frames.is_empty() && waiting.bytes + frame.len() > BYTES_MAX);
        if full {
            *waiting = Waiting { cut_off: true, ..Waiting::default() };
        } else {
            waiting.bytes += frame.len();
            waiting.frames.push_back(frame.clone());
        }
        let first = waiting.cut_off || waiting.frames.len() == 1;
        drop(waiting);
        if first {
            self.arrived.notify_one();
        }
    }

    pub(super) async fn next(&self) -> Result<Bytes, CutOff> {
        loop {
            {
                let mut waiting = self.lock();
                if waiting.cut_off {
                    return Err(CutOff);
                }
                if let Some(frame) = waiting.frames.pop_front() {
                    waiting.bytes -= frame.len();
                    return Ok(frame);
                }
            }
            self.arrived.notified().await;
        }
    }

    pub(super) async fn next_batch(&self, frames: &mut Vec<Bytes>) -> Result<(), CutOff> {
        frames.push(self.next().await?);
        let mut waiting = self.lock();
        frames.extend(waiting.frames.drain(..));
        waiting.bytes = 0;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
