//! The client's body on its way to the plugin, one piece at a time.
//!
//! Driven by [`super::exchange`]; a piece is only taken from the client when the one before has gone out, so a slow plugin
//! slows the client and nothing piles up. Must not know the answer.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{BufMut, Bytes};
use http::HeaderMap;
use http_body::Body;
use tokio::time::Instant;

use super::connection::Connection;
use super::request_head::UploadFraming;
use super::trailers::may_trail;
use crate::deadline::Deadline;

/// How long a client that asked `Expect: 100-continue` is kept waiting for the plugin's word. Many plugins never say it, and
/// clients start by themselves after about as long.
const CONTINUE_PATIENCE: Duration = Duration::from_secs(1);

/// Why an upload ended early.
#[derive(Debug)]
pub(crate) enum UploadFailure {
    /// The client broke off, was refused, or was too slow.
    Client { slow: bool },
    /// The plugin takes no more. Its answer may still be there to be read.
    Plugin,
}

/// One upload.
#[derive(Debug)]
pub(crate) struct Upload<B> {
    body: Option<B>,
    framing: UploadFraming,
    /// Until when the client is kept waiting; reading its body is what tells it to go on.
    held_until: Option<Instant>,
    deadline: Deadline,
}

impl<B: Body<Data = Bytes, Error: std::error::Error + 'static> + Unpin> Upload<B> {
    /// An upload; `expects`: the client waits for a word before it sends.
    pub(crate) fn new(body: Option<B>, framing: UploadFraming, expects: bool) -> Self {
        let body = body.filter(|_| framing != UploadFraming::None);
        let held_until = expects.then(|| Instant::now() + CONTINUE_PATIENCE);
        Self { body, framing, held_until, deadline: Deadline::default() }
    }

    /// Whether all of it has gone into the connection's hands.
    pub(crate) fn is_done(&self) -> bool {
        self.body.is_none()
    }

    /// The plugin has asked for the body.
    pub(crate) fn release(&mut self) {
        self.held_until = None;
    }

    /// The body, where nothing of it has been taken.
    pub(crate) fn take_body(&mut self) -> Option<B> {
        self.body.take()
    }

    /// Gives up; what has been taken so far stays taken.
    pub(crate) fn abandon(&mut self) {
        self.body = None;
    }

    /// Moves bytes until one side has to wait. `Ready(Ok)`: all has gone out. Counts pieces in `moved`.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        connection: &mut Connection,
        moved: &mut bool,
    ) -> Poll<Result<(), UploadFailure>> {
        loop {
            let before = connection.is_drained();
            let flushed = connection.poll_flush(cx).map_err(|_| UploadFailure::Plugin)?;
            *moved |= !before && flushed.is_ready();
            ready!(flushed);
            let Some(body) = &mut self.body else { return Poll::Ready(Ok(())) };
            if let Some(until) = self.held_until {
                if !self.deadline.poll_passed(cx, until) {
                    return Poll::Pending;
                }
                self.held_until = None;
            }
            match ready!(Pin::new(body).poll_frame(cx)) {
                Some(Err(error)) => return Poll::Ready(Err(UploadFailure::Client { slow: is_slow(&error) })),
                Some(Ok(frame)) => {
                    let frame = match frame.into_data() {
                        Ok(data) => {
                            self.piece(data, connection);
                            continue;
                        }
                        Err(frame) => frame,
                    };
                    if let Ok(trailers) = frame.into_trailers() {
                        self.end(connection, Some(&trailers));
                    }
                }
                None => self.end(connection, None),
            }
        }
    }

    fn piece(&mut self, data: Bytes, connection: &mut Connection) {
        if data.is_empty() {
            return;
        }
        if self.framing == UploadFraming::Chunked {
            write_hex(connection, data.len());
            connection.tail = b"\r\n";
        }
        connection.payload = data;
    }

    fn end(&mut self, connection: &mut Connection, trailers: Option<&HeaderMap>) {
        self.body = None;
        if self.framing != UploadFraming::Chunked {
            return;
        }
        let out = &mut connection.output;
        out.put_slice(b"0\r\n");
        for (name, value) in trailers.into_iter().flatten().filter(|(name, _)| may_trail(name)) {
            out.put_slice(name.as_str().as_bytes());
            out.put_slice(b": ");
            out.put_slice(value.as_bytes());
            out.put_slice(b"\r\n");
        }
        out.put_slice(b"\r\n");
    }
}

/// Whether the client let too much time pass.
fn is_slow(error: &(dyn std::error::Error + 'static)) -> bool {
    outboard_causes::is_behind(error, |error: &io::Error| error.kind() == io::ErrorKind::TimedOut)
}

fn write_hex(connection: &mut Connection, length: usize) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = (usize::BITS - length.leading_zeros()).div_ceil(4);
    for digit in (0..digits).rev() {
        connection.output.put_u8(DIGITS[length >> (4 * digit) & 15]);
    }
    connection.output.put_slice(b"\r\n");
}
