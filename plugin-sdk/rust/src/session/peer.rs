//! One end of a JSON-RPC conversation: calls with deadlines and withdrawal, notifications, answers.
//!
//! Symmetric: the plugin's session is one, the test host is another. Must not know any method.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use outboard_protocol::RpcError;
use outboard_protocol::error::ErrorReason;
use outboard_protocol::methods::{CancelParams, CancelRequest, Progress, ProgressParams};
use outboard_protocol::wire::FRAME_MAX;
use outboard_protocol::wire::message::{self, Id, Message, NotAMessage};
use outboard_protocol::wire::pending::Pending;
use outboard_protocol::wire::salvage::{self, Answered};
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use super::outbox::{NotTaken, Outbox, Urgency};
use crate::failure::CallError;

/// How long a call waits for its answer unless its maker says otherwise; the host's own figure for its calls.
pub(crate) const CALL_DEADLINE: Duration = Duration::from_secs(30);
/// Calls that may await an answer at a time; further ones wait their turn, within their own deadline. As many as a host works on
/// at once, unless it is set otherwise: it refuses those beyond.
const CALLS_MAX: usize = 256;

type Outcome = Result<Box<RawValue>, Ended>;

/// Why a call ended without a result.
enum Ended {
    Refused(RpcError),
    TimedOut,
    Closed,
}

struct Caller {
    answer: oneshot::Sender<Outcome>,
    allowed: Duration,
}

/// One end of the conversation.
pub(crate) struct Peer {
    pub(crate) outbox: Outbox,
    calls: Mutex<Calls>,
    /// Deadlines are distances from here.
    epoch: Instant,
    /// A call with an earlier deadline than all others was made.
    sooner: Notify,
    /// The book was full and is not any longer.
    vacant: Notify,
    /// Whether the frame that is being skipped is an answer whose call is not known yet.
    unnamed: AtomicBool,
}

/// The book, and the moment up to which the watcher of deadlines sleeps.
struct Calls {
    book: Pending<Caller>,
    watched_until: Duration,
}

/// What a frame asks of this side.
pub(crate) enum Asked<'a> {
    /// A request: it must be answered.
    Call { id: Id<'a>, method: &'a str, params: Option<&'a RawValue> },
    /// A notification.
    Told { method: &'a str, params: Option<&'a RawValue> },
}

impl Default for Peer {
    fn default() -> Self {
        Self {
            outbox: Outbox::default(),
            calls: Mutex::new(Calls { book: Pending::new(CALLS_MAX), watched_until: Duration::MAX }),
            epoch: Instant::now(),
            sooner: Notify::new(),
            vacant: Notify::new(),
            unnamed: AtomicBool::new(false),
        }
    }
}

impl Peer {
    /// Makes a call and waits for its answer. Dropping the future withdraws the call.
    pub(crate) async fn call(
        &self,
        method: &'static str,
        params: &impl Serialize,
        allowed: Duration,
    ) -> Result<Box<RawValue>, CallError> {
        let (answer, outcome) = oneshot::channel();
        let id = self.enter(Caller { answer, allowed }, method).await?;
        let withdrawal = Withdrawal { peer: self, id, made: true };
        // It has had its turn: what another thread queues between that and this is one frame more, and no reason to fail.
        if let Err(error) =
            self.outbox.push(Urgency::Always, |out| message::write_request(out, id, method, params))
        {
            withdrawal.unmade();
            return Err(not_sent(method, error));
        }
        let outcome = outcome.await;
        withdrawal.done();
        match outcome {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(Ended::Refused(error))) => Err(CallError::Refused { method, error }),
            Ok(Err(Ended::TimedOut)) => Err(CallError::Timeout { method, after: allowed }),
            Ok(Err(Ended::Closed)) | Err(_) => Err(CallError::Closed { method }),
        }
    }

    /// Enters a call into the book, once there is room for it and for its frame.
    async fn enter(&self, caller: Caller, method: &'static str) -> Result<u64, CallError> {
        let allowed = caller.allowed;
        let mut caller = Some(caller);
        if let Some(id) = self.try_enter(&mut caller) {
            return Ok(id);
        }
        let turn = async {
            loop {
                let vacant = self.vacant.notified();
                tokio::pin!(vacant);
                vacant.as_mut().enable();
                self.outbox.room().await;
                if let Some(id) = self.try_enter(&mut caller) {
                    return id;
                }
                vacant.await;
            }
        };
        tokio::time::timeout(allowed, turn).await.map_err(|_| CallError::Overloaded {
            method,
            what: format!("{CALLS_MAX} calls await an answer, or the host has stopped reading"),
        })
    }

    fn try_enter(&self, caller: &mut Option<Caller>) -> Option<u64> {
        if !self.outbox.has_room() {
            return None;
        }
        let mut calls = self.lock();
        if calls.book.len() >= CALLS_MAX {
            return None;
        }
        let entered = caller.take()?;
        let deadline = self.epoch.elapsed() + entered.allowed;
        let id = calls.book.insert(entered, deadline).ok()?;
        let sooner = deadline < calls.watched_until;
        drop(calls);
        if sooner {
            self.sooner.notify_one();
        }
        Some(id)
    }

    /// Tells something; nothing is answered.
    pub(crate) fn tell(
        &self,
        urgency: Urgency,
        method: &'static str,
        params: &impl Serialize,
    ) -> Result<(), CallError> {
        self.outbox
            .push(urgency, |out| message::write_notification(out, method, params))
            .map_err(|error| not_sent(method, error))
    }

    /// Answers a call.
    pub(crate) fn answer(&self, id: Id<'_>, outcome: Result<impl Serialize, RpcError>) {
        let error = match outcome {
            Ok(result) => {
                match self.outbox.push(Urgency::Always, |out| message::write_result(out, id, &result)) {
                    Ok(()) | Err(NotTaken::Closed | NotTaken::Full) => return,
                    Err(NotTaken::TooLarge(size)) => too_large(size),
                    Err(NotTaken::Unwritable(error)) => RpcError::new(
                        ErrorReason::InternalError,
                        format!("the result cannot be written as JSON: {error}"),
                    ),
                }
            }
            Err(error) => error,
        };
        self.refuse(Some(id), &error);
    }

    /// Answers a call, or a frame that names none, with an error.
    pub(crate) fn refuse(&self, id: Option<Id<'_>>, error: &RpcError) {
        let push = |error: &RpcError| {
            self.outbox.push(Urgency::Always, |out| {
                message::write_error(out, id, error);
                Ok(())
            })
        };
        if let Err(NotTaken::TooLarge(size)) = push(error) {
            // An error is small unless its maker put much into it; its code still says what it was.
            let _ = push(&too_large(size));
        }
    }

    /// Reads one frame: answers go to their callers, the rest is given back. Lines that are not messages are dropped here;
    /// broken messages are answered.
    pub(crate) fn receive<'a>(&self, frame: &'a [u8], each: impl FnOnce(Asked<'_>)) {
        let parsed: Result<Message<'a>, NotAMessage> = message::parse(frame);
        match parsed {
            Ok(Message::Response { id, outcome }) => {
                if let Some(id) = id.and_then(Id::as_u64) {
                    self.settle(id, outcome.map(ToOwned::to_owned).map_err(Ended::Refused));
                }
            }
            Ok(Message::Request { id, method, params }) => each(Asked::Call { id, method: &method, params }),
            Ok(Message::Notification { method, params }) if method == Progress::NAME => {
                self.progress(params);
            }
            Ok(Message::Notification { method, params }) => each(Asked::Told { method: &method, params }),
            Err(NotAMessage::Broken(error)) => {
                if let Some(id) = salvage::answered(frame) {
                    self.end_broken(id, &error);
                }
                self.refuse(None, &error);
            }
            Err(NotAMessage::Noise) => {}
        }
    }

    /// Takes the news that a frame which begins like this was too long to be read.
    pub(crate) fn oversized(&self, beginning: &[u8]) {
        let error = over_the_limit();
        let told = salvage::answered_by_beginning(beginning);
        if let Answered::Call(id) = told {
            self.end_broken(id, &error);
        }
        self.unnamed.store(told == Answered::Unnamed, Ordering::Relaxed);
        self.refuse(None, &error);
    }

    /// Takes the news that this frame has ended, and how: an answer whose beginning did not tell its call may tell it here.
    pub(crate) fn skipped(&self, ending: &[u8]) {
        if self.unnamed.swap(false, Ordering::Relaxed) {
            let id = salvage::answered_by_ending(ending).or_else(|| self.lock().book.only());
            id.into_iter().for_each(|id| self.end_broken(id, &over_the_limit()));
        }
    }

    /// A call whose answer is broken will get no other one.
    fn end_broken(&self, id: u64, error: &RpcError) {
        let what = format!("the host's answer is broken: {}", error.message);
        self.settle(id, Err(Ended::Refused(RpcError::new(ErrorReason::InternalError, what))));
    }

    fn settle(&self, id: u64, outcome: Outcome) {
        if let Some(caller) = self.strike(id) {
            let _ = caller.answer.send(outcome);
        }
    }

    fn strike(&self, id: u64) -> Option<Caller> {
        let mut calls = self.lock();
        let was_full = calls.book.len() >= CALLS_MAX;
        let caller = calls.book.remove(id);
        drop(calls);
        if was_full {
            self.vacant.notify_waiters();
        }
        caller
    }

    fn progress(&self, params: Option<&RawValue>) {
        let params = params.and_then(|raw| serde_json::from_str::<ProgressParams>(raw.get()).ok());
        let Some(id) = params.and_then(|params| params.id.as_u64()) else { return };
        let mut calls = self.lock();
        let now = self.epoch.elapsed();
        calls.book.renew(id, |caller| now + caller.allowed);
    }

    /// Ends calls whose deadline has passed, for as long as it is polled.
    pub(crate) async fn watch_deadlines(&self) {
        loop {
            let next = {
                let mut calls = self.lock();
                let next = calls.book.next_deadline();
                calls.watched_until = next.unwrap_or(Duration::MAX);
                next
            };
            match next {
                None => self.sooner.notified().await,
                Some(deadline) => tokio::select! {
                    () = tokio::time::sleep_until(self.epoch + deadline) => self.expire(),
                    () = self.sooner.notified() => {}
                },
            }
        }
    }

    fn expire(&self) {
        let now = self.epoch.elapsed();
        loop {
            let expired = self.lock().book.pop_expired(now);
            let Some((id, caller)) = expired else { break };
            let _ = caller.answer.send(Err(Ended::TimedOut));
            self.tell_withdrawn(id);
        }
        self.vacant.notify_waiters();
    }

    fn tell_withdrawn(&self, id: u64) {
        // Not said when the outbox is full or closed: it is a courtesy, and a late answer does no harm.
        let _ = self.tell(Urgency::Normal, CancelRequest::NAME, &CancelParams { id: id.into() });
    }

    /// Ends the conversation: every call fails, nothing more is sent.
    pub(crate) fn close(&self) {
        self.outbox.close();
        let callers: Vec<Caller> = self.lock().book.drain().map(|(_, caller)| caller).collect();
        for caller in callers {
            let _ = caller.answer.send(Err(Ended::Closed));
        }
        self.vacant.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, Calls> {
        // Nothing panics while the lock is held.
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Withdraws a call whose maker has lost interest.
struct Withdrawal<'a> {
    peer: &'a Peer,
    id: u64,
    made: bool,
}

impl Withdrawal<'_> {
    fn done(mut self) {
        self.made = false;
    }

    fn unmade(mut self) {
        self.made = false;
        self.peer.strike(self.id);
    }
}

impl Drop for Withdrawal<'_> {
    fn drop(&mut self) {
        if self.made && self.peer.strike(self.id).is_some() {
            self.peer.tell_withdrawn(self.id);
        }
    }
}

fn over_the_limit() -> RpcError {
    RpcError::new(
        ErrorReason::LimitExceeded,
        format!("a frame has at most {FRAME_MAX} bytes; send bulk data over HTTP"),
    )
    .lasting()
}

fn too_large(size: usize) -> RpcError {
    RpcError::new(
        ErrorReason::LimitExceeded,
        format!("the answer has {size} bytes, a frame at most {FRAME_MAX}; serve bulk data over HTTP"),
    )
    .lasting()
}

fn not_sent(method: &'static str, error: NotTaken) -> CallError {
    match error {
        NotTaken::Closed => CallError::Closed { method },
        NotTaken::Full => CallError::Overloaded {
            method,
            what: "the host has stopped reading and the queue is full".to_owned(),
        },
        NotTaken::TooLarge(size) => CallError::TooLarge { method, size, limit: FRAME_MAX },
        NotTaken::Unwritable(source) => CallError::Unwritable { method, source },
    }
}

#[cfg(test)]
mod tests;
