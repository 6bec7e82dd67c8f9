//! A client's socket with the framing watch, the timeouts and the abort switch around it.
//!
//! hyper reads and writes through it. What cannot be seen at this level (whether a request is being answered, whether an
//! answer broke off) is told by the front door through [`Signals`]. Must not know requests.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::framing::{Fault, Framing, Phase};
use crate::deadline::Deadline;
use crate::seats::guest::Guest;
use crate::socket::Socket;

/// How long a client may keep its connection without moving a byte.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// For the whole head, from its first byte, or from the start of the connection.
    pub(crate) head: Duration,
    /// Between two requests.
    pub(crate) between: Duration,
    /// For the next bytes of a body.
    pub(crate) body: Duration,
    /// For room to write an answer into.
    pub(crate) write: Duration,
}

/// What the front door and the socket tell each other about one connection.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    fault: OnceLock<Fault>,
    answering: AtomicUsize,
    abort: AtomicBool,
    guest: Arc<Guest>,
}

impl Signals {
    /// Those of a connection that is known as this guest.
    pub(crate) fn new(guest: Arc<Guest>) -> Self {
        Self { guest, ..Self::default() }
    }

    /// Why nothing on this connection may be believed any more.
    pub(crate) fn fault(&self) -> Option<Fault> {
        self.fault.get().copied()
    }

    /// A request is being answered until the returned value is dropped: silence is no idleness now.
    pub(crate) fn answering(self: &Arc<Self>) -> Answering {
        self.answering.fetch_add(1, Ordering::Relaxed);
        self.guest.is_busy();
        Answering(Arc::clone(self))
    }

    /// An answer broke off: the connection is to be reset, so that its end cannot pass for the end of the answer.
    pub(crate) fn abort(&self) {
        self.abort.store(true, Ordering::Relaxed);
    }
}

/// A request on its way through.
#[derive(Debug)]
pub(crate) struct Answering(Arc<Signals>);

impl Answering {
    /// See [`Signals::abort`].
    pub(crate) fn abort(&self) {
        self.0.abort();
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        if self.0.answering.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.0.guest.rests();
        }
    }
}

/// The socket.
#[derive(Debug)]
pub(crate) struct ClientStream {
    socket: Socket,
    framing: Framing,
    signals: Arc<Signals>,
    patience: Patience,
    /// When the present head began, or the connection.
    head_since: Instant,
    first: bool,
    moved: Instant,
    read_deadline: Deadline,
    write_stalled: Option<Instant>,
    write_deadline: Deadline,
}

impl ClientStream {
    /// Wraps a fresh connection.
    pub(crate) fn new(socket: Socket, signals: Arc<Signals>, patience: Patience, head_max: usize) -> Self {
        let now = Instant::now();
        Self {
            socket,
            framing: Framing::new(head_max),
            signals,
            patience,
            head_since: now,
            first: true,
            moved: now,
            read_deadline: Deadline::default(),
            write_stalled: None,
            write_deadline: Deadline::default(),
        }
    }

    fn watch(&mut self, fresh: &[u8]) -> io::Result<()> {
        self.moved = Instant::now();
        if self.signals.fault.get().is_some() {
            return Ok(());
        }
        let heads = self.framing.heads();
        let outcome = self.framing.feed(fresh);
        // Also one whose first bytes came together with the last ones of the message before.
        if self.framing.heads() != heads {
            self.head_since = self.moved;
            self.first = false;
        }
        let Err(fault) = outcome else { return Ok(()) };
        // Within a head the request still reaches the front door, which refuses it with the reason. Within a body it is on its
        // way to a plugin, and only breaking off can stop it; and where there is no request, there is nothing to answer.
        let _ = self.signals.fault.set(fault);
        if matches!(fault, Fault::Chunk(_) | Fault::EmptyLines) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, fault));
        }
        Ok(())
    }

    /// When the client's silence is too long; `None` while the silence is ours.
    fn silence_ends(&self) -> Option<Instant> {
        let answering = self.signals.answering.load(Ordering::Relaxed) > 0;
        let phase = if self.signals.fault.get().is_some() { Phase::Head } else { self.framing.phase() };
        match phase {
            Phase::Body => Some(self.moved + self.patience.body),
            Phase::Opaque => None,
            _ if answering => None,
            Phase::Head => Some(self.head_since + self.patience.head),
            Phase::Between if self.first => Some(self.head_since + self.patience.head),
            Phase::Between => Some(self.moved + self.patience.between),
        }
    }

    fn note_write(&mut self, cx: &mut Context<'_>, progress: bool) -> io::Result<()> {
        if progress {
            self.write_stalled = None;
            self.moved = Instant::now();
            return Ok(());
        }
        let since = *self.write_stalled.get_or_insert_with(Instant::now);
        if self.write_deadline.poll_passed(cx, since + self.patience.write) {
            // A clean end could be taken for the end of the answer.
            self.signals.abort();
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read the answer"));
        }
        Ok(())
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        match Pin::new(&mut this.socket).poll_read(cx, buf) {
            Poll::Ready(Ok(())) => {
                let outcome = this.watch(&buf.filled()[before..]);
                if outcome.is_err() {
                    buf.set_filled(before);
                }
                Poll::Ready(outcome)
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => match this.silence_ends() {
                Some(at) if this.read_deadline.poll_passed(cx, at) => {
                    Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client is too slow")))
                }
                _ => Poll::Pending,
            },
        }
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.socket).poll_write(cx, bytes);
        this.note_write(cx, outcome.is_ready())?;
        outcome
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.socket).poll_write_vectored(cx, slices);
        this.note_write(cx, outcome.is_ready())?;
        outcome
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.signals.abort.load(Ordering::Relaxed) {
            return Poll::Ready(Ok(()));
        }
        ready!(Pin::new(&mut this.socket).poll_shutdown(cx))?;
        Poll::Ready(Ok(()))
    }
}

impl Drop for ClientStream {
    fn drop(&mut self) {
        if self.signals.abort.load(Ordering::Relaxed) {
            // Where it fails, the connection is already gone.
            let _ = self.socket.set_zero_linger();
        }
    }
}
