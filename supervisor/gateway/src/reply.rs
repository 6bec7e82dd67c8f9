//! The body of an answer, whoever made it: a sentence of ours, what our own routes answer with, or a plugin's stream.
//!
//! One enum, so that no refusal needs a box. Must not know what it carries.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::broken_off::BrokenOff;
use crate::proxy::answer::AnswerBody;
use crate::wire::signals::Answering;

/// The body of an answer.
#[derive(Debug)]
pub(crate) struct ReplyBody {
    content: Content,
    /// While this lives, the connection is not idle.
    answering: Option<Answering>,
    /// It broke off, and what came before is on its way to the client.
    broken: Option<BrokenOff>,
}

#[derive(Debug)]
enum Content {
    Empty,
    Full(Bytes),
    Ours(axum::body::Body),
    Plugin(Box<AnswerBody>),
}

impl ReplyBody {
    pub(crate) fn empty() -> Self {
        Self { content: Content::Empty, answering: None, broken: None }
    }

    pub(crate) fn full(bytes: Bytes) -> Self {
        Self { content: Content::Full(bytes), answering: None, broken: None }
    }

    /// What the supervisor's own routes answer with.
    pub(crate) fn ours(body: axum::body::Body) -> Self {
        Self { content: Content::Ours(body), answering: None, broken: None }
    }

    pub(crate) fn plugin(body: Box<AnswerBody>) -> Self {
        Self { content: Content::Plugin(body), answering: None, broken: None }
    }

    /// Keeps the connection from counting as idle until the body has gone.
    pub(crate) fn hold(&mut self, answering: Answering) {
        self.answering = Some(answering);
    }

    /// hyper throws away what it holds when a body fails. So the failure is kept until all that came before it has gone out.
    fn poll_broken(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        if let Some(answering) = &self.answering {
            ready!(answering.signals.outgoing.poll_done(cx));
            answering.break_off();
        }
        Poll::Ready(self.broken.take().map(Err))
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        let this = self.get_mut();
        if this.broken.is_some() {
            return this.poll_broken(cx);
        }
        let frame = match &mut this.content {
            Content::Empty => Poll::Ready(None),
            Content::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                this.content = Content::Empty;
                Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
            }
            Content::Ours(body) => Pin::new(body).poll_frame(cx).map_err(broken_off),
            Content::Plugin(body) => body.poll_frame(cx),
        };
        match frame {
            Poll::Ready(Some(Err(broken))) => {
                this.broken = Some(broken);
                if let Some(answering) = &this.answering {
                    answering.signals.outgoing.ask(Bytes::new());
                }
                this.poll_broken(cx)
            }
            frame => frame,
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            _ if self.broken.is_some() => false,
            Content::Empty => true,
            Content::Full(bytes) => bytes.is_empty(),
            Content::Ours(body) => body.is_end_stream(),
            Content::Plugin(body) => body.is_over(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Empty => SizeHint::with_exact(0),
            Content::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Ours(body) => body.size_hint(),
            Content::Plugin(body) => body.left().map_or_else(SizeHint::default, SizeHint::with_exact),
        }
    }
}

/// Of our own bodies, files alone can fail.
fn broken_off(error: axum::Error) -> BrokenOff {
    match error.into_inner().downcast::<BrokenOff>() {
        Ok(broken) => *broken,
        Err(error) => BrokenOff::File(std::io::Error::other(error)),
    }
}
