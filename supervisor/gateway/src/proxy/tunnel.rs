//! An upgraded connection: bytes both ways until both sides have ended.
//!
//! The client's connection task runs it after hyper has let go. One side may end while the other goes on. Must not know
//! what protocol it carries.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use crate::deadline::Deadline;

/// What one direction holds at most: enough for a WebSocket frame of ordinary size.
const HELD: usize = 16 * 1024;

/// One direction.
struct Way {
    held: BytesMut,
    ended: bool,
    closed: bool,
}

impl Way {
    fn new(begun: &Bytes) -> Self {
        Self { held: BytesMut::from(&begun[..]), ended: false, closed: false }
    }

    /// Moves bytes until one side has to wait; `Ready` when this direction has ended. `moved` tells of progress.
    fn poll<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut R,
        to: &mut W,
        moved: &mut bool,
    ) -> Poll<io::Result<()>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        loop {
            while !self.held.is_empty() {
                let written = ready!(Pin::new(&mut *to).poll_write(cx, &self.held))?;
                if written == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                self.held.advance(written);
                *moved = true;
            }
            if self.ended {
                if !self.closed {
                    ready!(Pin::new(&mut *to).poll_shutdown(cx))?;
                    (self.closed, *moved) = (true, true);
                }
                return Poll::Ready(Ok(()));
            }
            ready!(self.poll_fill(cx, from))?;
            *moved = true;
        }
    }

    fn poll_fill<R: AsyncRead + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut R,
    ) -> Poll<io::Result<()>> {
        self.held.resize(HELD, 0);
        let mut buffer = ReadBuf::new(&mut self.held);
        let outcome = Pin::new(from).poll_read(cx, &mut buffer);
        let filled = buffer.filled().len();
        self.held.truncate(filled);
        ready!(outcome)?;
        self.ended = filled == 0;
        Poll::Ready(Ok(()))
    }
}

/// Carries bytes until both directions have ended, one fails, or nothing moves for `idle`. What had already come on either
/// side is carried first.
pub(crate) async fn run<A, B>(
    mut a: A,
    from_a: Bytes,
    mut b: B,
    from_b: Bytes,
    idle: Duration,
) -> io::Result<()>
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    let (mut there, mut back) = (Way::new(&from_a), Way::new(&from_b));
    drop((from_a, from_b));
    let (mut deadline, mut still_since) = (Deadline::default(), Instant::now());
    std::future::poll_fn(move |cx| {
        let mut moved = false;
        let there = there.poll(cx, &mut a, &mut b, &mut moved)?;
        let back = back.poll(cx, &mut b, &mut a, &mut moved)?;
        if there.is_ready() && back.is_ready() {
            return Poll::Ready(Ok(()));
        }
        if moved {
            still_since = Instant::now();
        }
        if deadline.poll_passed(cx, still_since + idle) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    })
    .await
}
