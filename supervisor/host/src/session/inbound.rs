//! What becomes of one frame from a plugin.
//!
//! Called by the reader for each frame, on its own task or, for large frames, on a thread of its own. Nothing here waits:
//! what takes time is handed back as a [`Slow`] for the reader to run.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use outboard_context::Reply;
use outboard_protocol::methods::{CancelParams, CancelRequest, Progress, ProgressParams};
use outboard_protocol::wire::message::{self, Id, Message, NotAMessage};
use outboard_protocol::wire::readable;
use outboard_protocol::wire::salvage::{self, Answered};
use outboard_protocol::{ErrorReason, RpcError};
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::sync::{Semaphore, oneshot};

use super::calls::Calls;
use super::limits::SessionLimits;
use super::outbox::Outbox;
use super::outside::{ContextCalls, NoiseSink};
use super::print;
use super::trace::Asked;

/// The part of a raw id's text that names it for a later cancellation.
type IdText = Box<str>;
/// What an answer's frame holds besides the result, at most: fixed text and the caller's id.
const ENVELOPE: usize = 64 + message::ID_MAX;
/// Answers that may be as large as a frame and are fetched or held at once: together they are what one plugin that does not
/// read can make us keep, beyond the outbox.
const LARGE_AT_ONCE: usize = 16;
type SlowAnswer = std::pin::Pin<Box<dyn Future<Output = Result<Box<RawValue>, RpcError>> + Send>>;

pub(super) struct Inbound {
    outbox: Arc<Outbox>,
    calls: Arc<Calls>,
    context: Arc<dyn ContextCalls>,
    noise: Arc<dyn NoiseSink>,
    /// Largest frame that the plugin need accept, in bytes.
    frame_limit: usize,
    /// How many context calls may be worked on at once.
    context_calls: usize,
    /// Bytes that may wait for the plugin before its calls are refused.
    unread_limit: usize,
    /// Set once it was said that calls are refused: one record a session for each reason is enough.
    said_busy: AtomicBool,
    said_unread: AtomicBool,
    /// Whether the line that is being skipped answers a call which its beginning does not tell.
    unnamed: Mutex<bool>,
    /// Context calls that are being worked on, with the way to withdraw each.
    slow: Mutex<HashMap<IdText, oneshot::Sender<()>>>,
    /// Places for answers that may be large, each held until there is room for it.
    large: Semaphore,
}

/// A context call that takes time.
pub(super) struct Slow {
    id: IdText,
    asked: Asked,
    answer: SlowAnswer,
    large: bool,
    withdrawn: oneshot::Receiver<()>,
}

impl Inbound {
    pub(super) fn new(
        outbox: Arc<Outbox>,
        calls: Arc<Calls>,
        context: Arc<dyn ContextCalls>,
        noise: Arc<dyn NoiseSink>,
        limits: &SessionLimits,
    ) -> Self {
        Self {
            outbox,
            calls,
            context,
            noise,
            frame_limit: limits.frame,
            context_calls: limits.context_calls,
            unread_limit: limits.outbox,
            said_busy: AtomicBool::new(false),
            said_unread: AtomicBool::new(false),
            unnamed: Mutex::default(),
            slow: Mutex::default(),
            large: Semaphore::new(LARGE_AT_ONCE),
        }
    }

    /// Deals with one frame. There are places for so many more calls that take time.
    pub(super) fn frame(&self, frame: &[u8], places: usize) -> Option<Slow> {
        match message::parse(frame) {
            Ok(Message::Request { id, method, params }) => self.request(id, &method, params, places),
            Ok(Message::Notification { method, params }) => {
                self.notification(&method, params);
                None
            }
            Ok(Message::Response { id, outcome }) => {
                self.response(id, outcome);
                None
            }
            Err(NotAMessage::Noise) => {
                print::line(&*self.noise, frame);
                None
            }
            Err(NotAMessage::Broken(error)) => {
                self.noise.remark(&format!("a broken message: {}", error.message));
                if let Some(id) = salvage::answered(frame) {
                    self.end_broken(id, &error);
                }
                self.refuse(None, &error);
                None
            }
        }
    }

    /// A line over the limit; the rest of it is skipped. An answer ends its call, and a request is answered, where the id can be
    /// told: who made it would wait for nothing.
    pub(super) fn oversized(&self, beginning: &[u8], limit: usize) {
        let error = too_large(limit);
        self.noise.remark(&format!(
            "a line of more than {limit} bytes was skipped; {}",
            print::beginning(beginning)
        ));
        self.refuse(salvage::asked_by_beginning(beginning).map(Id::as_json), &error);
        let told = salvage::answered_by_beginning(beginning);
        if let Answered::Call(id) = told {
            self.end_broken(id, &error);
        }
        *self.unnamed.lock().unwrap_or_else(PoisonError::into_inner) = told == Answered::Unnamed;
    }

    /// A line over the limit has ended. An answer whose beginning did not tell its call may tell it here; one that tells none ends
    /// the only call that there is.
    pub(super) fn skipped(&self, ending: &[u8], limit: usize) {
        if std::mem::take(&mut *self.unnamed.lock().unwrap_or_else(PoisonError::into_inner))
            && let Some(id) = salvage::answered_by_ending(ending).or_else(|| self.calls.only())
        {
            self.end_broken(id, &too_large(limit));
        }
    }

    /// What was not dealt with when the output ended.
    pub(super) fn half_frame(&self, rest: &[u8]) {
        print::rest(&*self.noise, rest);
    }

    pub(super) fn close(&self) {
        self.calls.close();
        self.lock().clear();
    }

    /// Whether the plugin calls and never reads, for longer than memory is kept for it.
    pub(super) fn owes_all_it_may(&self) -> bool {
        self.outbox.owes_all_it_may()
    }

    /// Waits until it reads.
    pub(super) async fn may_owe(&self) {
        self.outbox.may_owe().await;
    }

    /// Runs a slow call to its one answer.
    pub(super) async fn run(&self, slow: Slow) {
        let Slow { id, asked, answer, large, withdrawn } = slow;
        let panicked = || {
            RpcError::new(ErrorReason::InternalError, "the supervisor failed at this call; its log says more")
        };
        let cancelled = || RpcError::new(ErrorReason::Cancelled, "the caller withdrew the call");
        // A panic in there costs this one call.
        let answer = AssertUnwindSafe(answer).catch_unwind();
        let work = async {
            let place = if large { self.large.acquire().await.ok() } else { None };
            (answer.await.unwrap_or_else(|_| Err(panicked())), place)
        };
        let (outcome, place) = tokio::select! {
            biased;
            done = work => done,
            Ok(()) = withdrawn => (Err(cancelled()), None),
        };
        if place.is_some() {
            self.outbox.room().await;
        }
        self.lock().remove(&id);
        self.answer(&id, asked, outcome);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IdText, oneshot::Sender<()>>> {
        self.slow.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn request(&self, id: Id<'_>, method: &str, params: Option<&RawValue>, places: usize) -> Option<Slow> {
        let (text, asked) = (id.as_json(), Asked::begin(method));
        if self.outbox.is_full() {
            asked.refused();
            self.owe(text);
            return None;
        }
        if self.lock().contains_key(text) {
            let error = RpcError::new(
                ErrorReason::InvalidRequest,
                format!("id {text} is that of a call which has no answer yet; use each id once"),
            );
            self.answer(text, asked, Err(error));
            return None;
        }
        if places == 0 && self.context.takes_time(method) {
            asked.refused();
            self.refuse(Some(text), &self.busy());
            return None;
        }
        match self.context.request(method, params) {
            Reply::Now(outcome) => {
                self.answer(text, asked, outcome);
                None
            }
            Reply::Later(answer) => Some(self.slow(text, asked, answer, false)),
            Reply::Large(answer) => Some(self.slow(text, asked, answer, true)),
        }
    }

    fn busy(&self) -> RpcError {
        let most = self.context_calls;
        if !self.said_busy.swap(true, Ordering::Relaxed) {
            self.noise.remark(&format!(
                "the plugin has {most} calls under way, as many as are worked on at once (`wire.context_calls`); further ones are refused, this time and later"
            ));
        }
        let what =
            format!("{most} calls of the plugin are worked on already; call again when some are answered");
        RpcError::new(ErrorReason::LimitExceeded, what)
    }

    /// An error for a call, or for what named none. Takes no more memory than there is for refusals.
    fn refuse(&self, id: Option<&str>, error: &RpcError) {
        let id = id.unwrap_or("null");
        if self.outbox.is_full() {
            self.owe(id);
        } else {
            self.outbox.answer(|out| message::write_outcome(out, id, Err(error)));
        }
    }

    fn owe(&self, id: &str) {
        if !self.said_unread.swap(true, Ordering::Relaxed) {
            self.noise.remark(&format!(
                "the plugin leaves more than {} bytes unread that are for it (`wire.outbox`); until it reads, its calls are refused, this time and later",
                self.unread_limit
            ));
        }
        self.outbox.owe(id);
    }

    fn slow(&self, id: &str, asked: Asked, answer: SlowAnswer, large: bool) -> Slow {
        let (withdraw, withdrawn) = oneshot::channel();
        let id: IdText = id.into();
        self.lock().insert(id.clone(), withdraw);
        Slow { id, asked, answer, large, withdrawn }
    }

    fn notification(&self, method: &str, params: Option<&RawValue>) {
        match method {
            CancelRequest::NAME => {
                if let Some(CancelParams { id }) = read(params)
                    && let Some(withdraw) = self.lock().remove(id.to_string().as_str())
                {
                    // Failing means that the answer is on its way already.
                    let _ = withdraw.send(());
                }
            }
            Progress::NAME => {
                if let Some(ProgressParams { id: Value::Number(id), .. }) = read(params)
                    && let Some(id) = id.as_u64()
                {
                    self.calls.progress(id);
                }
            }
            _ => match readable::check("params", params.map_or("", RawValue::get)) {
                Ok(()) => {
                    let asked = Asked::begin(method);
                    self.context.notify(method, params);
                    asked.taken();
                }
                Err(why) => self.noise.remark(&format!("a broken `{method}`, which was dropped: {why}")),
            },
        }
    }

    fn response(&self, id: Option<Id<'_>>, outcome: Result<&RawValue, RpcError>) {
        let Some(id) = id else {
            let said = outcome.err().map_or_else(|| "a result".to_owned(), |error| error.message);
            return self.noise.remark(&format!("an answer without an id: {said}"));
        };
        // It goes to whoever asked, who would be told that our answer makes no sense.
        if let Ok(result) = outcome
            && let Err(why) = readable::check("result", result.get())
        {
            self.noise.remark(&format!("a broken answer, id {}: {why}", id.as_json()));
            let error = RpcError::new(ErrorReason::ParseError, why);
            if let Some(id) = id.as_u64() {
                self.end_broken(id, &error);
            }
            return self.refuse(None, &error);
        }
        let known = id.as_u64().is_some_and(|id| self.calls.answer(id, outcome.map(RawValue::to_owned)));
        if !known {
            if let Some(meant) = salvage::rewritten(id) {
                let what =
                    format!("it has the id {} in place of {meant}; repeat an id as it came", id.as_json());
                self.end_broken(meant, &RpcError::new(ErrorReason::InvalidRequest, what));
            }
            self.noise.remark(&format!(
                "an answer to a call that was answered already, or never made, id {}",
                id.as_json()
            ));
        }
    }

    /// A call whose answer is broken will get no other one.
    fn end_broken(&self, id: u64, error: &RpcError) {
        let what = format!("the plugin's answer is broken: {}", error.message);
        self.calls.answer(id, Err(RpcError::new(ErrorReason::InternalError, what)));
    }

    fn answer(&self, id: &str, asked: Asked, mut outcome: Result<Box<RawValue>, RpcError>) {
        if outcome.as_ref().is_ok_and(|result| result.get().len() + ENVELOPE > self.frame_limit) {
            let limit = self.frame_limit;
            let error =
                format!("the answer is larger than a frame may be ({limit} bytes); ask for less at once");
            outcome = Err(RpcError::new(ErrorReason::LimitExceeded, error).lasting());
        }
        asked.answered(outcome.as_deref());
        self.outbox.answer(|out| message::write_outcome(out, id, outcome.as_deref()));
    }
}

fn too_large(limit: usize) -> RpcError {
    RpcError::new(
        ErrorReason::LimitExceeded,
        format!("a frame has at most {limit} bytes; send bulk data over HTTP"),
    )
    .lasting()
}

fn read<'a, T: serde::Deserialize<'a>>(params: Option<&'a RawValue>) -> Option<T> {
    serde_json::from_str(message::object_of(params).ok()?).ok()
}
