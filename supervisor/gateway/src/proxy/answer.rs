//! The body of a plugin's answer on its way to the client, as a stream that the front door pulls.
//!
//! Made by [`super::forward`] once the head is there. It carries the rest of the upload too, holds the request's place in the
//! generation, and gives the connection back at the end. A body that does not come to its end is an error, never an end.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::Frame;
use outboard_host::routes::{InFlight, Upstream};

use super::answer_head::AnswerFraming;
use super::backend::Backend;
use super::connection::{Connection, take};
use super::exchange::Exchange;
use super::stream::Stream;
use super::trailers::allowed_lines;
use crate::broken_off::BrokenOff;
use crate::descriptors;
use crate::wire::chunks::{Chunks, Step};
use crate::wire::signals::Signals;

/// A probe on its way.
type Probe = Pin<Box<dyn Future<Output = io::Result<Stream>> + Send>>;

#[derive(Debug)]
enum At {
    Length(u64),
    Chunked(Box<Chunks>),
    UntilEnd,
    /// All data has gone to hyper, and these trailers are to follow once it has written that.
    Trailing(Bytes),
    /// The plugin has closed a body that only closing can end: whether it lives is being found out.
    Probing,
    Over,
}

/// What the answer keeps until it is over.
#[derive(Debug)]
pub(crate) struct Holding {
    pub(crate) backend: Arc<Backend>,
    pub(crate) upstream: Arc<Upstream>,
    /// `None` where the stream has no end that would be worth waiting for.
    pub(crate) _in_flight: Option<InFlight>,
    pub(crate) keep_alive: bool,
    pub(crate) idle: Duration,
    /// The connection of a client that takes trailers.
    pub(crate) trailers_for: Option<Arc<Signals>>,
}

/// The body.
pub(crate) struct AnswerBody {
    exchange: Option<Exchange>,
    at: At,
    holding: Option<Holding>,
    trailers_for: Option<Arc<Signals>>,
    probe: Option<Probe>,
}

impl std::fmt::Debug for AnswerBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AnswerBody").field("at", &self.at).finish_non_exhaustive()
    }
}

impl AnswerBody {
    pub(crate) fn new(exchange: Exchange, framing: AnswerFraming, mut holding: Holding) -> Self {
        let at = match framing {
            AnswerFraming::None => At::Over,
            AnswerFraming::Length(length) => At::Length(length),
            AnswerFraming::Chunked => At::Chunked(Box::new(Chunks::new())),
            AnswerFraming::UntilEnd => At::UntilEnd,
        };
        let trailers_for = holding.trailers_for.take();
        let mut body =
            Self { exchange: Some(exchange), at, holding: Some(holding), trailers_for, probe: None };
        if framing == AnswerFraming::None {
            body.finish();
        }
        body
    }

    /// Whether nothing will come any more.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.at, At::Over)
    }

    /// How much will come, where that is known.
    pub(crate) fn left(&self) -> Option<u64> {
        match self.at {
            At::Length(left) => Some(left),
            At::Over => Some(0),
            _ => None,
        }
    }

    /// The next piece.
    pub(crate) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        match self.at {
            At::Probing => return self.poll_probe(cx),
            At::Trailing(_) => return self.poll_trailers(cx),
            _ => {}
        }
        let frame = ready!(self.poll_piece(cx));
        if let Some(Err(broken)) = &frame {
            if let Some(Holding { backend, .. }) = &self.holding {
                backend
                    .trouble
                    .tell(&backend.route.owner, format_args!("an answer did not come to its end: {broken}"));
            }
            self.at = At::Over;
            (self.exchange, self.holding) = (None, None);
        }
        Poll::Ready(frame)
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        loop {
            let Some(exchange) = &mut self.exchange else { return Poll::Ready(None) };
            // The client's half may be broken while its ears are open; the plugin has the last word.
            if exchange.poll_upload(cx).is_err() {
                exchange.upload.abandon();
                exchange.connection.discard_output();
            }
            match self.decode() {
                Ok(Some(frame)) => return Poll::Ready(Some(Ok(frame))),
                Ok(None) if self.is_over() => return Poll::Ready(None),
                Ok(None) if matches!(self.at, At::Trailing(_)) => return self.poll_trailers(cx),
                Ok(None) => {}
                Err(broken) => return Poll::Ready(Some(Err(broken))),
            }
            let Some(exchange) = &mut self.exchange else { return Poll::Ready(None) };
            let idle = self.holding.as_ref().map_or(Duration::MAX, |holding| holding.idle);
            match exchange.poll_read(cx) {
                Poll::Ready(Ok(0)) if matches!(self.at, At::UntilEnd) => {
                    self.begin_probe();
                    return self.poll_probe(cx);
                }
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Some(Err(BrokenOff::Plugin))),
                Poll::Ready(Ok(_)) => {}
                Poll::Pending if exchange.is_still(cx, idle) => {
                    return Poll::Ready(Some(Err(BrokenOff::Silent)));
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Takes a piece out of what has come. `None`: more has to come, or it is over.
    fn decode(&mut self) -> Result<Option<Frame<Bytes>>, BrokenOff> {
        let Some(exchange) = &mut self.exchange else { return Ok(None) };
        let input = &mut exchange.connection.input;
        if input.is_empty() {
            return Ok(None);
        }
        let piece = match &mut self.at {
            At::Length(left) => {
                let taken = usize::try_from(*left).map_or(input.len(), |left| left.min(input.len()));
                *left -= taken as u64;
                let piece = take(input, taken);
                if *left == 0 {
                    self.finish();
                }
                piece
            }
            At::Chunked(_) => return self.decode_chunk(),
            _ => take(input, input.len()),
        };
        Ok(Some(Frame::data(piece)))
    }

    fn decode_chunk(&mut self) -> Result<Option<Frame<Bytes>>, BrokenOff> {
        let (Some(exchange), At::Chunked(chunks)) = (&mut self.exchange, &mut self.at) else {
            return Ok(None);
        };
        let input = &mut exchange.connection.input;
        let malformed = |bad: crate::wire::fault::BadChunk| BrokenOff::Malformed(bad.0);
        loop {
            let frame = match chunks.step(input).map_err(malformed)? {
                Step::Framing(0) => return Ok(None),
                Step::Framing(taken) => {
                    let _ = input.split_to(taken);
                    None
                }
                Step::Data(taken) => Some(Frame::data(take(input, taken))),
                Step::End => {
                    let trailers = allowed_lines(chunks.trailers());
                    self.finish();
                    if let Some(client) = &self.trailers_for
                        && !trailers.is_empty()
                    {
                        client.outgoing.ask(Bytes::new());
                        self.at = At::Trailing(trailers);
                    }
                    return Ok(None);
                }
            };
            if frame.is_some() {
                return Ok(frame);
            }
        }
    }

    /// All has come: the connection goes back where another request may use it.
    fn finish(&mut self) {
        self.at = At::Over;
        let (Some(exchange), Some(holding)) = (self.exchange.take(), self.holding.take()) else { return };
        let reusable = holding.keep_alive && exchange.upload.is_done() && exchange.connection.is_clean();
        if reusable {
            holding.backend.keep(&holding.upstream, exchange.connection);
        }
    }

    /// hyper sends announced trailers alone, and a plugin that knows them at the end only cannot announce them (gRPC never does).
    fn poll_trailers(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        if let (At::Trailing(trailers), Some(client)) = (&mut self.at, &self.trailers_for) {
            ready!(client.outgoing.poll_done(cx));
            client.outgoing.end_with(std::mem::take(trailers));
        }
        self.at = At::Over;
        Poll::Ready(None)
    }

    /// A process that is killed closes its listening socket before the connections it has accepted, as the kernel closes
    /// descriptors in order. So whoever can still be reached has ended the body on purpose.
    fn begin_probe(&mut self) {
        self.at = At::Probing;
        self.exchange = None;
        if let Some(holding) = &self.holding {
            let upstream = Arc::clone(&holding.upstream);
            self.probe = Some(Box::pin(async move { Stream::open(upstream.address()).await }));
        }
    }

    fn poll_probe(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        let Some(probe) = &mut self.probe else { return Poll::Ready(None) };
        let outcome = ready!(probe.as_mut().poll(cx));
        (self.probe, self.at) = (None, At::Over);
        let holding = self.holding.take();
        match (outcome, holding) {
            (Ok(stream), Some(holding)) if !stream.is_of_reserve() => {
                // A connection that is there may as well serve the next request.
                holding.backend.keep(&holding.upstream, Connection::new(stream));
                Poll::Ready(None)
            }
            // A full backlog is a sign of life, and what this machine lacks does not show that it is dead.
            (Err(error), _) if !is_full(&error) && !descriptors::is_shortage(&error) => {
                Poll::Ready(Some(Err(BrokenOff::Plugin)))
            }
            (Ok(_) | Err(_), _) => Poll::Ready(None),
        }
    }
}

/// Whether somebody listens there who has no room for another connection: a socket says so, a port keeps silent.
fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}
