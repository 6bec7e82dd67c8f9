//! The reader's task: bytes from a plugin to frames, frames to [`Inbound`], slow calls to tasks of their own.
//!
//! Run by the session. It reads no further while the plugin leaves unread what is there for it, or while as many context
//! calls are worked on as there may be: the pipe then fills, and the plugin waits.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use outboard_protocol::wire::frame::{Decoder, Frame};
use tokio::io::AsyncRead;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::SessionLimits;
use super::inbound::{Inbound, Slow};
use super::{Unfinished, gone};
use crate::scratch;

/// After the process has gone: how long the pipe must be silent to count as read to its end. Someone else may hold it open.
const SILENCE: Duration = Duration::from_millis(20);
/// After the process has gone: how long is read at most.
const LAST_WORDS: Duration = Duration::from_millis(500);

pub(super) async fn run<R: AsyncRead + Unpin>(
    mut reader: R,
    inbound: Arc<Inbound>,
    limits: SessionLimits,
    mut finish: watch::Receiver<bool>,
    ended: watch::Sender<bool>,
    unfinished: Unfinished,
) {
    let mut decoder = Decoder::new(limits.frame);
    let mut slow = JoinSet::new();
    tokio::select! {
        () = read_on(&mut reader, &mut decoder, &mut slow, &inbound, &limits) => {}
        () = gone(&mut finish) => {
            last_words(&mut reader, &mut decoder, &mut slow, &inbound, &limits).await;
        }
    }
    inbound.half_frame(decoder.remainder());
    inbound.close();
    // There is nobody to answer, and the end of the conversation does not wait for what takes time.
    *unfinished.lock().unwrap_or_else(PoisonError::into_inner) = slow;
    ended.send_replace(true);
}

async fn last_words<R: AsyncRead + Unpin>(
    reader: &mut R,
    decoder: &mut Decoder,
    slow: &mut JoinSet<()>,
    inbound: &Arc<Inbound>,
    limits: &SessionLimits,
) {
    let until_silent = async {
        take_frames(decoder, slow, inbound, limits).await;
        while let Ok(Ok(1..)) = timeout(SILENCE, scratch::read(reader, decoder)).await {
            take_frames(decoder, slow, inbound, limits).await;
        }
    };
    // What is left after this is more than a process can leave in a pipe: somebody else is writing.
    let _ = timeout(LAST_WORDS, until_silent).await;
}

async fn read_on<R: AsyncRead + Unpin>(
    reader: &mut R,
    decoder: &mut Decoder,
    slow: &mut JoinSet<()>,
    inbound: &Arc<Inbound>,
    limits: &SessionLimits,
) {
    while let Ok(1..) = scratch::read(reader, decoder).await {
        take_frames(decoder, slow, inbound, limits).await;
    }
}

async fn take_frames(
    decoder: &mut Decoder,
    slow: &mut JoinSet<()>,
    inbound: &Arc<Inbound>,
    limits: &SessionLimits,
) {
    while let Some(frame) = decoder.next_frame() {
        let call = match frame {
            Frame::Oversized(beginning) => {
                inbound.oversized(beginning, limits.frame);
                None
            }
            Frame::Line(line) if line.len() > limits.inline_frame => large(inbound, line).await,
            Frame::Line(line) => inbound.frame(line),
        };
        if let Some(call) = call {
            spawn(slow, inbound, call, limits).await;
        }
        inbound.room().await;
    }
    while slow.try_join_next().is_some() {}
}

async fn large(inbound: &Arc<Inbound>, line: &[u8]) -> Option<Slow> {
    let (inbound, line) = (Arc::clone(inbound), line.to_vec());
    // A panic in there costs this one frame.
    tokio::task::spawn_blocking(move || inbound.frame(&line)).await.ok().flatten()
}

async fn spawn(slow: &mut JoinSet<()>, inbound: &Arc<Inbound>, call: Slow, limits: &SessionLimits) {
    // The set is empty where none may be worked on at all; waiting would then never end.
    while slow.len() >= limits.context_calls && slow.join_next().await.is_some() {}
    let inbound = Arc::clone(inbound);
    slow.spawn(async move { inbound.run(call).await });
}
