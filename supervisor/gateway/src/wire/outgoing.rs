//! What goes to a client beside what hyper writes: interim answers, trailers that were not announced, and the question whether
//! all that was handed to hyper has gone out.
//!
//! hyper calls for a flush when it has nothing left to write; so what is put in at a flush stands between two of its messages
//! or pieces. The proxy and the body of an answer ask, [`super::stream`] writes. Must not know what the bytes mean.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::io::AsyncWrite;

/// How hyper ends a chunked body.
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

#[derive(Debug, Default)]
enum Turn {
    /// Nothing is asked.
    #[default]
    Idle,
    /// These bytes are to be put in when hyper has flushed what it holds.
    Asked(Bytes, Option<Waker>),
    /// They have gone out, and whoever asked has not heard of it.
    Done,
}

/// What one connection has to put in.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    /// Whether there is anything to do, so that a flush costs no lock.
    asked: AtomicBool,
    ends: AtomicBool,
    turn: Mutex<Turn>,
    trailers: Mutex<Bytes>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere leaves nothing half done in here.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Outgoing {
    /// Asks that `bytes` go out behind all that hyper holds now; without bytes, only that it be flushed.
    pub(crate) fn ask(&self, bytes: Bytes) {
        *locked(&self.turn) = Turn::Asked(bytes, None);
        self.asked.store(true, Ordering::Relaxed);
    }

    /// Whether what was asked for is done; ready, too, when nothing was.
    pub(crate) fn poll_done(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut turn = locked(&self.turn);
        match &mut *turn {
            Turn::Idle => Poll::Ready(()),
            Turn::Done => {
                *turn = Turn::Idle;
                Poll::Ready(())
            }
            Turn::Asked(_, waker) => {
                if waker.is_none() {
                    // hyper may have flushed already in this round, and would not come again by itself.
                    cx.waker().wake_by_ref();
                }
                *waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    /// Has the chunked answer end with these trailer lines. To be called when all before the end has been flushed.
    pub(crate) fn end_with(&self, trailers: Bytes) {
        *locked(&self.trailers) = trailers;
        self.ends.store(true, Ordering::Relaxed);
    }

    /// Writes what was asked for; hyper holds nothing now.
    pub(crate) fn poll_write_asked<W: AsyncWrite + Unpin>(
        &self,
        cx: &mut Context<'_>,
        socket: &mut W,
    ) -> Poll<io::Result<()>> {
        if !self.asked.load(Ordering::Relaxed) {
            return Poll::Ready(Ok(()));
        }
        let mut turn = locked(&self.turn);
        if let Turn::Asked(bytes, waker) = &mut *turn {
            while !bytes.is_empty() {
                let written = ready!(Pin::new(&mut *socket).poll_write(cx, bytes))?;
                if written == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                bytes.advance(written);
            }
            let waker = waker.take();
            *turn = Turn::Done;
            if let Some(waker) = waker {
                waker.wake();
            }
        }
        self.asked.store(false, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }

    /// The end of the present answer, where it is to be another than the one that hyper is about to write.
    pub(crate) fn take_end(&self, hypers: &[u8]) -> Option<Bytes> {
        if !self.ends.swap(false, Ordering::Relaxed) {
            return None;
        }
        let trailers = std::mem::take(&mut *locked(&self.trailers));
        // Anything else is an answer that is not chunked towards this client: there is no place for trailers.
        (hypers == LAST_CHUNK).then(|| {
            let mut end = BytesMut::with_capacity(trailers.len() + LAST_CHUNK.len());
            end.put_slice(b"0\r\n");
            end.put_slice(&trailers);
            end.put_slice(b"\r\n");
            end.freeze()
        })
    }
}
