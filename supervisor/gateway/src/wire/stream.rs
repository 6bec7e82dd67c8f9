//! A client's socket with the framing watch, the timeouts and the abort switch around it.
//!
//! hyper reads and writes through it, and gets whole heads alone: what it would refuse without a word never reaches it. What
//! cannot be seen at this level (whether a request is being answered, whether an answer broke off) is told by the front door
//! through [`Signals`]. Must not know requests.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::closing::Leftover;
use super::fault::Fault;
use super::framing::{Framing, Phase};
use super::signals::Signals;
use crate::deadline::Deadline;
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

/// The socket.
#[derive(Debug)]
pub(crate) struct ClientStream {
    /// Taken when this is dropped.
    socket: Option<Socket>,
    framing: Framing,
    signals: Arc<Signals>,
    patience: Patience,
    /// What has come of a head that is not whole.
    held: BytesMut,
    /// A head that came in pieces and is whole now.
    whole: BytesMut,
    /// What is wrong with whatever would come next.
    fault: Option<Fault>,
    /// It was wrong with a head, and all before it has been answered.
    refusal: Option<Fault>,
    /// To be woken when hyper has written what it had: the answers before a bad head come first.
    blocked: Option<Waker>,
    /// hyper has written, and has not flushed since.
    unflushed: bool,
    /// The end of a chunked answer that goes out in place of hyper's.
    end: Bytes,
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
            socket: Some(socket),
            framing: Framing::new(head_max),
            signals,
            patience,
            held: BytesMut::new(),
            whole: BytesMut::new(),
            fault: None,
            refusal: None,
            blocked: None,
            unflushed: false,
            end: Bytes::new(),
            head_since: now,
            first: true,
            moved: now,
            read_deadline: Deadline::default(),
            write_stalled: None,
            write_deadline: Deadline::default(),
        }
    }

    fn socket(&mut self) -> Pin<&mut Socket> {
        Pin::new(self.socket.as_mut().expect("INVARIANT: taken when this is dropped, and never before"))
    }

    /// Looks at what was read into `buf` behind `before`, and leaves there what hyper may see.
    fn watch(&mut self, buf: &mut ReadBuf<'_>, before: usize) {
        self.moved = Instant::now();
        let fresh = &buf.filled()[before..];
        let heads = self.framing.heads();
        let opaque = self.framing.phase() == Phase::Opaque;
        let fed = self.framing.feed(fresh);
        // Also one whose first bytes came together with the last ones of the message before.
        if self.framing.heads() != heads {
            self.head_since = self.moved;
            self.first = false;
        }
        let phase = self.framing.phase();
        if !opaque && phase == Phase::Opaque {
            self.signals.note_early();
        }
        self.signals.has_read(phase != Phase::Between);
        self.fault = fed.fault;
        if self.held.is_empty() && fed.passed == fresh.len() {
            return;
        }
        let (passed, rest) = fresh.split_at(fed.passed);
        if !self.held.is_empty() && !passed.is_empty() {
            self.whole = std::mem::take(&mut self.held);
            self.whole.extend_from_slice(passed);
        }
        if fed.fault.is_none() {
            self.held.extend_from_slice(rest);
        }
        let seen = if self.whole.is_empty() { fed.passed } else { 0 };
        buf.set_filled(before + seen);
    }

    /// What there is to read instead of more: nothing, for ever.
    fn poll_fault(&mut self, cx: &mut Context<'_>, fault: Fault) -> Poll<io::Result<()>> {
        if matches!(fault, Fault::Chunk(_)) {
            // The request is on its way to a plugin, and only breaking off can stop it.
            self.signals.set_fault(fault);
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, fault)));
        }
        if self.signals.is_answering() || self.unflushed {
            self.blocked = Some(cx.waker().clone());
            return Poll::Pending;
        }
        // hyper takes this for the end, and lets go of the socket; the refusal follows.
        self.refusal = Some(fault);
        Poll::Ready(Ok(()))
    }

    /// When the client's silence is too long; `None` while the silence is ours.
    fn silence_ends(&self) -> Option<Instant> {
        match self.framing.phase() {
            Phase::Body => Some(self.moved + self.patience.body),
            // Whoever has the socket after an upgrade keeps the time.
            Phase::Asked | Phase::Opaque => None,
            _ if self.signals.is_answering() => None,
            Phase::Head => Some(self.head_since + self.patience.head),
            Phase::Between if self.first => Some(self.head_since + self.patience.head),
            Phase::Between => Some(self.moved + self.patience.between),
        }
    }

    /// Judges a write that took `outcome`. The kernel calls a socket writable when a third of its buffer is free; a client that
    /// reads slowly may need minutes for that, so before it is given up it is asked whether there is room for `bytes` at all.
    fn judge_write(
        &mut self,
        cx: &mut Context<'_>,
        outcome: Poll<io::Result<usize>>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if outcome.is_ready() {
            self.write_stalled = None;
            self.moved = Instant::now();
            return outcome;
        }
        let since = *self.write_stalled.get_or_insert_with(Instant::now);
        if !self.write_deadline.poll_passed(cx, since + self.patience.write) {
            return Poll::Pending;
        }
        match rustix::io::write(&*self.socket(), bytes) {
            Ok(written) if written > 0 => {
                self.write_stalled = None;
                self.moved = Instant::now();
                Poll::Ready(Ok(written))
            }
            _ => {
                // A clean end could be taken for the end of the answer.
                self.signals.abort();
                let stalled = io::Error::new(io::ErrorKind::TimedOut, "the client does not read the answer");
                Poll::Ready(Err(stalled))
            }
        }
    }

    /// All answers have gone out. What was put off until then comes now: a refusal, and the end of an idle connection. hyper does
    /// not ask for more by itself when it was told before that there is nothing.
    fn note_answered(&mut self, cx: &mut Context<'_>) {
        if let Some(blocked) = self.blocked.take() {
            blocked.wake();
        }
        if !self.read_deadline.is_armed()
            && let Some(at) = self.silence_ends()
            && self.read_deadline.poll_passed(cx, at)
        {
            cx.waker().wake_by_ref();
        }
    }

    /// Writes our own end of a chunked answer where hyper has written `hypers`.
    fn poll_end(&mut self, cx: &mut Context<'_>, hypers: usize) -> Poll<io::Result<usize>> {
        while !self.end.is_empty() {
            let end = self.end.clone();
            let outcome = self.socket().poll_write(cx, &end);
            let written = ready!(self.judge_write(cx, outcome, &end))?;
            self.end.advance(written);
        }
        Poll::Ready(Ok(hypers))
    }

    /// Whether the client may still be sending, or has sent what nobody has read.
    fn has_unread(&self) -> bool {
        let unread = |socket: &Socket| matches!(socket.try_read(&mut [0]), Ok(1));
        matches!(self.framing.phase(), Phase::Body | Phase::Head) || self.socket.as_ref().is_some_and(unread)
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        if let Some(request) = this.signals.take_declined() {
            this.framing.decline_upgrade(request);
        }
        loop {
            if !this.whole.is_empty() {
                let piece = this.whole.split_to(this.whole.len().min(buf.remaining()));
                buf.put_slice(&piece);
                if this.whole.is_empty() {
                    this.whole = BytesMut::new();
                }
                return Poll::Ready(Ok(()));
            }
            if let Some(fault) = this.fault {
                return this.poll_fault(cx, fault);
            }
            match this.socket().poll_read(cx, buf) {
                Poll::Ready(Ok(())) if buf.filled().len() == before => return Poll::Ready(Ok(())),
                Poll::Ready(Ok(())) => {
                    this.watch(buf, before);
                    if buf.filled().len() > before {
                        return Poll::Ready(Ok(()));
                    }
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => match this.silence_ends() {
                    Some(at) if this.read_deadline.poll_passed(cx, at) => {
                        if this.framing.phase() == Phase::Head {
                            this.fault = Some(Fault::HeadTooSlow);
                            continue;
                        }
                        let slow = io::Error::new(io::ErrorKind::TimedOut, "the client is too slow");
                        return Poll::Ready(Err(slow));
                    }
                    _ => return Poll::Pending,
                },
            }
        }
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[io::IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.unflushed = true;
        let first = slices.iter().find(|slice| !slice.is_empty()).map_or(&[][..], |slice| slice);
        if this.end.is_empty()
            && let Some(end) = this.signals.outgoing.take_end(first)
        {
            this.end = end;
        }
        if !this.end.is_empty() {
            return this.poll_end(cx, first.len());
        }
        let outcome = this.socket().poll_write_vectored(cx, slices);
        this.judge_write(cx, outcome, first)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let socket = this.socket.as_mut().expect("INVARIANT: taken when this is dropped, and never before");
        if this.signals.outgoing.poll_write_asked(cx, socket)?.is_pending() {
            return this.judge_write(cx, Poll::Pending, &[]).map_ok(drop);
        }
        this.unflushed = false;
        if !this.signals.is_answering() {
            this.note_answered(cx);
        }
        // A socket has no buffer of ours.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.signals.is_aborted() || this.refusal.is_some() {
            return Poll::Ready(Ok(()));
        }
        this.socket().poll_shutdown(cx)
    }
}

impl Drop for ClientStream {
    fn drop(&mut self) {
        let unread = !self.signals.is_aborted() && self.has_unread();
        let Some(socket) = self.socket.take() else { return };
        if self.signals.is_aborted() {
            // Where it fails, the connection is already gone.
            let _ = socket.set_zero_linger();
        } else if self.refusal.is_some() || unread || self.signals.has_broken_off() {
            self.signals.leave(Leftover { socket, refusal: self.refusal });
        }
    }
}
