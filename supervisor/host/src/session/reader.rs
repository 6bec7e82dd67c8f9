//! The reader's task: bytes from a plugin to frames, frames to [`Inbound`], and the work on slow calls meanwhile.
//!
//! Run by the session. The pipe is always read: an answer to a ping may stand behind any number of calls. Calls beyond those
//! that may be worked on are refused at once. Only a plugin that goes on calling and never reads is read no further, once the
//! refusals that it is owed fill what they may.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use outboard_protocol::wire::frame::{Decoder, Frame};
use tokio::io::AsyncRead;
use tokio::sync::watch;
use tokio::time::timeout;

use super::finish::gone;
use super::inbound::{Inbound, Slow};
use super::limits::SessionLimits;
use super::working::{Unfinished, Working};
use crate::scratch;

/// After the process has gone: how long the pipe must be silent to count as read to its end. Someone else may hold it open.
const SILENCE: Duration = Duration::from_millis(20);
/// After the process has gone: how long is read at most.
const READ_OUT_WITHIN: Duration = Duration::from_millis(500);

pub(super) async fn run<R: AsyncRead + Unpin>(
    mut reader: R,
    inbound: Arc<Inbound>,
    limits: SessionLimits,
    mut finish: watch::Receiver<bool>,
    ended: watch::Sender<bool>,
    unfinished: Unfinished,
) {
    let mut decoder = Decoder::new(limits.frame);
    let mut working = Working::default();
    tokio::select! {
        biased;
        () = read_on(&mut reader, &mut decoder, &mut working, &inbound, &limits) => {}
        () = gone(&mut finish) => {
            last_words(&mut reader, &mut decoder, &mut working, &inbound, &limits).await;
        }
    }
    inbound.half_frame(decoder.remainder());
    inbound.close();
    // There is nobody to answer, and the end of the conversation does not wait for what takes time.
    *unfinished.lock().unwrap_or_else(PoisonError::into_inner) = working;
    ended.send_replace(true);
}

async fn last_words<R: AsyncRead + Unpin>(
    reader: &mut R,
    decoder: &mut Decoder,
    working: &mut Working,
    inbound: &Arc<Inbound>,
    limits: &SessionLimits,
) {
    let until_silent = async {
        take_frames(decoder, working, inbound, limits).await;
        while let Ok(Ok(1..)) = timeout(SILENCE, scratch::read(reader, decoder)).await {
            take_frames(decoder, working, inbound, limits).await;
        }
    };
    // What is left after this is more than a process can leave in a pipe: somebody else is writing.
    let _ = timeout(READ_OUT_WITHIN, until_silent).await;
}

async fn read_on<R: AsyncRead + Unpin>(
    reader: &mut R,
    decoder: &mut Decoder,
    working: &mut Working,
    inbound: &Arc<Inbound>,
    limits: &SessionLimits,
) {
    loop {
        let read = tokio::select! {
            biased;
            read = scratch::read(reader, decoder) => read,
            () = working.turn(), if !working.is_empty() => continue,
        };
        let Ok(1..) = read else { return };
        take_frames(decoder, working, inbound, limits).await;
        // Also while more is always there to be read.
        working.now();
    }
}

async fn take_frames(
    decoder: &mut Decoder,
    working: &mut Working,
    inbound: &Arc<Inbound>,
    limits: &SessionLimits,
) {
    while let Some(frame) = decoder.next_frame() {
        if working.len() >= limits.context_calls {
            // Those that are done make room.
            working.now();
        }
        let places = limits.context_calls.saturating_sub(working.len());
        let call = match frame {
            Frame::Oversized(beginning) => {
                inbound.oversized(beginning, limits.frame);
                None
            }
            Frame::Skipped(ending) => {
                inbound.skipped(ending, limits.frame);
                None
            }
            Frame::Line(line) if line.len() > limits.inline_frame => large(inbound, line, places).await,
            Frame::Line(line) => inbound.frame(line, places),
        };
        if let Some(call) = call {
            working.add(inbound, call);
        }
        while inbound.owes_all_it_may() {
            tokio::select! {
                biased;
                () = inbound.may_owe() => {}
                () = working.turn(), if !working.is_empty() => {}
            }
        }
    }
}

async fn large(inbound: &Arc<Inbound>, line: &[u8], places: usize) -> Option<Slow> {
    let (inbound, line, within) = (Arc::clone(inbound), line.to_vec(), tracing::Span::current());
    // A panic in there costs this one frame.
    tokio::task::spawn_blocking(move || within.in_scope(|| inbound.frame(&line, places))).await.ok().flatten()
}
