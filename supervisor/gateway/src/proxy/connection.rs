//! One connection to a plugin: the bytes, and nothing about their meaning.
//!
//! Made and kept by [`super::pool`], used by [`super::exchange`]. It lives inside the future of the request that uses it, so
//! no task stands between the two sockets.

use std::io::{self, IoSlice};
use std::pin::pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::AsyncReadExt;

use super::stream::Stream;
use crate::deadline::Deadline;

/// How much is read at once, at first: an ordinary answer with its head.
const READ_MIN: usize = 8 * 1024;
/// How much is read at once from a plugin that sends much: about what a Unix socket holds, so one read empties it.
const READ_MAX: usize = 128 * 1024;

/// Pieces up to this are copied out of the buffer that they came in. A larger one takes the buffer with it, and the next read
/// has to get a new one.
const COPY_MAX: usize = 2 * 1024;

/// Takes the first `count` bytes out of a buffer.
pub(crate) fn take(buffer: &mut BytesMut, count: usize) -> Bytes {
    if count > COPY_MAX {
        return buffer.split_to(count).freeze();
    }
    let piece = Bytes::copy_from_slice(&buffer[..count]);
    buffer.advance(count);
    piece
}

/// A connection.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: Stream,
    /// What has come and is not used yet.
    pub(crate) input: BytesMut,
    read_size: usize,
    /// What goes out first.
    pub(crate) output: BytesMut,
    /// What goes out after that: a piece of the client's body, as it came.
    pub(crate) payload: Bytes,
    /// What goes out last.
    pub(crate) tail: &'static [u8],
    /// Whether any byte of the present request has gone out.
    pub(crate) sent: bool,
    /// Whether it has served a request before.
    pub(crate) reused: bool,
    /// Whether a request broke off within.
    broken: bool,
    pub(crate) deadline: Deadline,
}

impl Connection {
    pub(crate) fn new(stream: Stream) -> Self {
        Self {
            stream,
            input: BytesMut::new(),
            read_size: READ_MIN,
            output: BytesMut::new(),
            payload: Bytes::new(),
            tail: b"",
            sent: false,
            reused: false,
            broken: false,
            deadline: Deadline::default(),
        }
    }

    /// Whether an idle connection is still open and silent. Makes no system call unless something has happened to it.
    pub(crate) fn is_fresh(&self) -> bool {
        let mut byte = [0];
        matches!(self.stream.try_read(&mut byte), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Makes it ready for another request, with no more memory than an idle connection needs.
    pub(crate) fn recycle(&mut self) {
        (self.sent, self.reused) = (false, true);
        if self.input.capacity() > 2 * READ_MIN {
            self.input = BytesMut::new();
        }
        self.read_size = READ_MIN;
    }

    /// Nothing waits to go out.
    pub(crate) fn is_drained(&self) -> bool {
        self.output.is_empty() && self.payload.is_empty() && self.tail.is_empty()
    }

    /// Nothing is left from the last request, in either direction.
    pub(crate) fn is_clean(&self) -> bool {
        self.input.is_empty() && self.is_drained() && !self.broken
    }

    /// Reads what has come; 0 means that the plugin has ended its side.
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.input.reserve(self.read_size);
        // The library knows that a read which left room has emptied the socket, and asks the system no second time.
        let count = ready!(pin!(self.stream.read_buf(&mut self.input)).poll(cx))?;
        if count >= self.read_size && self.read_size < READ_MAX {
            self.read_size *= 2;
        }
        Poll::Ready(Ok(count))
    }

    /// Writes all that is to go out.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.is_drained() {
            let slices = [IoSlice::new(&self.output), IoSlice::new(&self.payload), IoSlice::new(self.tail)];
            let written = match self.stream.try_write_vectored(&slices) {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Ok(written) => written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    ready!(self.stream.poll_write_ready(cx))?;
                    continue;
                }
                Err(error) => return Poll::Ready(Err(error)),
            };
            self.sent = true;
            self.advance(written);
        }
        Poll::Ready(Ok(()))
    }

    /// Writes what fits, whether or not the socket is called writable. The kernel calls it so when most of its buffer is free, for
    /// which a plugin that reads slowly may need minutes. False: there is no room at all.
    pub(crate) fn push(&mut self) -> bool {
        let slices = [IoSlice::new(&self.output), IoSlice::new(&self.payload), IoSlice::new(self.tail)];
        match self.stream.write_now(&slices) {
            Ok(written) if written > 0 => {
                self.sent = true;
                self.advance(written);
                true
            }
            _ => false,
        }
    }

    /// Gives up what was to go out; the connection serves no other request after that.
    pub(crate) fn discard_output(&mut self) {
        self.output.clear();
        (self.payload, self.tail) = (Bytes::new(), b"");
        self.broken = true;
    }

    fn advance(&mut self, written: usize) {
        let head = written.min(self.output.len());
        self.output.advance(head);
        let body = (written - head).min(self.payload.len());
        self.payload.advance(body);
        if self.payload.is_empty() {
            // An empty piece still keeps the client's whole buffer alive.
            self.payload = Bytes::new();
        }
        self.tail = &self.tail[written - head - body..];
    }

    /// The socket and what had come on it, for an upgrade.
    pub(crate) fn into_parts(self) -> (Stream, Bytes) {
        (self.stream, self.input.freeze())
    }
}
