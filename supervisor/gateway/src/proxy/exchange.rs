//! One request and its answer on one connection to a plugin: both directions at once.
//!
//! [`super::forward`] begins it and waits for the head of the answer; [`super::answer`] carries the body on. Must not know
//! routes, pools, or whether a request may be sent again.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Method, StatusCode};
use hyper::body::Incoming;
use tokio::time::Instant;

use super::answer_head::{self, AnswerHead, Progress};
use super::connection::Connection;
use super::interim;
use super::prefix::Stripped;
use super::upload::{Upload, UploadFailure};
use crate::wire::signals::Signals;

/// Most interim answers (100, 103) before the real one: more is not what a plugin does that means to answer.
const INTERIM_MAX: u32 = 32;

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Nothing of the request has gone out: the connection was dead already.
    NotSent,
    /// The plugin ended the connection before its answer began.
    NoAnswer,
    /// The answer's head cannot be passed on.
    BadAnswer(&'static str),
    /// Neither side moved for too long.
    Slow,
    /// The client broke off its body, or sent nothing of it for too long.
    Client { slow: bool },
}

/// A request under way.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) connection: Connection,
    pub(crate) upload: Upload<Incoming>,
    method: Method,
    /// Since when nothing has moved; `None` when something just did.
    still_since: Option<Instant>,
    interim: u32,
    /// How far the head of the answer was looked at.
    progress: Progress,
    hears: Option<Hears>,
}

/// A client that can be told interim answers.
#[derive(Debug)]
pub(crate) struct Hears {
    pub(crate) signals: Arc<Signals>,
    /// What is put back into the links that it is told, and the host by which it called.
    pub(crate) stripped: Option<(Stripped, String)>,
}

impl Exchange {
    /// An exchange whose request head is in the connection's output.
    pub(crate) fn new(
        connection: Connection,
        upload: Upload<Incoming>,
        method: Method,
        hears: Option<Hears>,
    ) -> Self {
        let progress = Progress::default();
        Self { connection, upload, method, still_since: None, interim: 0, progress, hears }
    }

    /// Resolves when the head of the answer is there.
    pub(crate) async fn head(&mut self, patience: Duration) -> Result<AnswerHead, Failure> {
        std::future::poll_fn(|cx| self.poll_head(cx, patience)).await
    }

    fn poll_head(&mut self, cx: &mut Context<'_>, patience: Duration) -> Poll<Result<AnswerHead, Failure>> {
        loop {
            self.poll_upload(cx)?;
            if self.interim > 0
                && let Some(hears) = &self.hears
                && hears.signals.outgoing.poll_done(cx).is_pending()
            {
                return Poll::Pending;
            }
            match answer_head::take(&mut self.connection.input, &self.method, &mut self.progress) {
                Err(bad) => return Poll::Ready(Err(Failure::BadAnswer(bad.0))),
                Ok(Some(head))
                    if head.status.is_informational() && head.status != StatusCode::SWITCHING_PROTOCOLS =>
                {
                    self.interim(head)?;
                    continue;
                }
                Ok(Some(head)) => return Poll::Ready(Ok(head)),
                Ok(None) => {}
            }
            match self.poll_read(cx) {
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Err(self.ended())),
                Poll::Ready(Ok(_)) => {}
                Poll::Pending if self.is_still(cx, patience) => return Poll::Ready(Err(Failure::Slow)),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn interim(&mut self, head: AnswerHead) -> Result<(), Failure> {
        self.interim += 1;
        if self.interim > INTERIM_MAX {
            return Err(Failure::BadAnswer("it has more than 32 interim answers"));
        }
        if head.status == StatusCode::CONTINUE {
            // hyper says it for us, to those who have asked.
            self.upload.release();
        } else if let Some(hears) = &self.hears {
            let stripped = hears.stripped.as_ref();
            let told = interim::told(head, stripped.map(|(stripped, host)| (stripped, host.as_str())));
            hears.signals.outgoing.ask(told);
        }
        Ok(())
    }

    fn ended(&self) -> Failure {
        if !self.connection.sent {
            return Failure::NotSent;
        }
        if self.connection.input.is_empty() {
            Failure::NoAnswer
        } else {
            Failure::BadAnswer("its head broke off")
        }
    }

    /// Moves the upload on, as far as it goes now. An error is the client's.
    pub(crate) fn poll_upload(&mut self, cx: &mut Context<'_>) -> Result<(), Failure> {
        if self.upload.is_done() && self.connection.is_drained() {
            return Ok(());
        }
        let mut moved = false;
        let outcome = self.upload.poll(cx, &mut self.connection, &mut moved);
        if moved {
            self.still_since = None;
        }
        match outcome {
            Poll::Ready(Err(UploadFailure::Client { slow })) => Err(Failure::Client { slow }),
            Poll::Ready(Err(UploadFailure::Plugin)) if !self.connection.sent => Err(Failure::NotSent),
            Poll::Ready(Err(UploadFailure::Plugin)) => {
                // A plugin may refuse an upload, answer, and close: what it said is still to be read.
                self.upload.abandon();
                self.connection.discard_output();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Reads what the plugin has sent.
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let read = self.connection.poll_read(cx);
        if read.is_ready() {
            self.still_since = None;
        }
        read
    }

    /// Whether nothing has moved for as long as `patience`. To be asked when there is nothing to do but wait.
    pub(crate) fn is_still(&mut self, cx: &mut Context<'_>, patience: Duration) -> bool {
        let since = *self.still_since.get_or_insert_with(Instant::now);
        if !self.connection.deadline.poll_passed(cx, since + patience) {
            return false;
        }
        if self.connection.is_drained() || !self.connection.push() {
            return true;
        }
        let now = Instant::now();
        self.still_since = Some(now);
        self.connection.deadline.poll_passed(cx, now + patience)
    }
}
