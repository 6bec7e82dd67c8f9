//! The reading half: frames come in, host calls become tasks, notifications reach their observers.
//!
//! Run once by `Plugin`, until the host says stop or hangs up. Every host call is answered exactly once, by its own task; a
//! ping is answered at once, so that a busy handler does not look like a hang as long as it yields.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};
use std::time::Duration;

use outboard_protocol::context::ipc::InvokeParams;
use outboard_protocol::context::service::{CallParams, EventParams};
use outboard_protocol::error::{ErrorReason, RpcError};
use outboard_protocol::handshake::{Empty, ResumeParams};
use outboard_protocol::methods::{HostCall, HostNotice, ServiceReply, SharedCall, SharedNotice};
use outboard_protocol::wire::FRAME_MAX;
use outboard_protocol::wire::frame::{Decoder, Frame};
use outboard_protocol::wire::message::{self, Id};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::lifecycle::{Lifecycle, Work};
use super::outbox::Urgency;
use super::peer::Asked;
use super::services::reply_of;
use super::{Boxed, Session};
use crate::failure::{discard, panic_message};

/// Host calls that are worked on at a time; further ones are refused with `limit_exceeded`, which says that it may be retried.
const HOST_CALLS_MAX: usize = 256;
/// How long `on_stop` may take when the host hung up without a `stop`: its own figure for a stop.
const STOP_GRACE: Duration = Duration::from_secs(5);
/// How long the last answers may take to be written: a host that does not read them will not miss them.
const FLUSH_GRACE: Duration = Duration::from_secs(2);
/// Room that a read asks for; as much as a pipe holds.
const READ_ROOM: usize = 64 * 1024;

type Answering = Boxed<Result<Box<RawValue>, RpcError>>;

/// What a finished host call means for the plugin's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Invoked,
    Started(bool),
    Stopped,
}

/// Reads and dispatches.
pub(crate) struct Dispatcher {
    session: Arc<Session>,
    life: Lifecycle,
    running: JoinSet<(Box<str>, Step)>,
    cancels: HashMap<Box<str>, oneshot::Sender<()>>,
}

impl Dispatcher {
    pub(crate) fn new(session: Arc<Session>, life: Lifecycle) -> Self {
        Self { session, life, running: JoinSet::new(), cancels: HashMap::new() }
    }

    /// Works until the host said stop, or hung up.
    pub(crate) async fn run(mut self, mut input: impl AsyncRead + Unpin) {
        let mut decoder = Decoder::new(FRAME_MAX);
        loop {
            // Read whatever is unwritten: the host stops reading while we leave its frames unread, and two sides that both
            // wait for the other to read first wait for ever. What the host asks meanwhile is refused, see `invoked`.
            let buffer = decoder.buffer();
            buffer.reserve(READ_ROOM);
            tokio::select! {
                finished = self.running.join_next(), if !self.running.is_empty() => {
                    if self.finish(finished) == Some(Step::Stopped) {
                        let flushed = self.session.peer.outbox.flushed();
                        let _ = tokio::time::timeout(FLUSH_GRACE, flushed).await;
                        return self.session.peer.close();
                    }
                }
                read = input.read_buf(buffer) => match read {
                    Ok(0) | Err(_) => return self.hung_up().await,
                    Ok(_) => self.frames(&mut decoder),
                },
            }
        }
    }

    fn frames(&mut self, decoder: &mut Decoder) {
        let session = Arc::clone(&self.session);
        while let Some(frame) = decoder.next_frame() {
            match frame {
                Frame::Line(line) => session.peer.receive(line, |asked| match asked {
                    Asked::Call { id, method, params } => self.called(id, method, params),
                    Asked::Told { method, params } => self.told(method, params),
                }),
                Frame::Oversized(beginning) => session.peer.oversized(beginning),
                Frame::Skipped(ending) => session.peer.skipped(ending),
            }
        }
    }

    fn called(&mut self, id: Id<'_>, method: &str, params: Option<&RawValue>) {
        let Some(call) = HostCall::named(method) else {
            if let Some(SharedCall::ServiceCall) = SharedCall::named(method) {
                return match self
                    .room()
                    .and_then(|()| read::<CallParams>(params))
                    .and_then(|call| self.session.services.call(call))
                {
                    Ok(work) => self.spawn(id, work, Step::Invoked),
                    Err(error) => self.session.peer.refuse(Some(id), &error),
                };
            }
            let message =
                format!("a plugin has no method {method:?}; see docs/PROTOCOL.md for those that it has");
            return self.session.peer.refuse(Some(id), &RpcError::new(ErrorReason::MethodNotFound, message));
        };
        let begun = match call {
            HostCall::Ping => return self.session.peer.answer(id, Ok(Empty {})),
            HostCall::Initialize => {
                let outcome = read(params).and_then(|params| self.life.initialize(&self.session, params));
                return self.session.peer.answer(id, outcome);
            }
            HostCall::IpcInvoke => self.invoked(params).map(|work| (work, Step::Invoked)),
            HostCall::Start => {
                self.life.start(&self.session, None).map(|work| (raw(work), Step::Started(true)))
            }
            HostCall::Resume => read::<ResumeParams>(params)
                .and_then(|params| self.life.start(&self.session, Some(params.from_version)))
                .map(|work| (raw(work), Step::Started(true))),
            HostCall::Stop => {
                let work = self.life.stop().unwrap_or_else(|| Box::pin(async { Ok(Empty {}) }));
                Ok((raw(work), Step::Stopped))
            }
        };
        match begun {
            Ok((work, step)) => self.spawn(id, work, step),
            Err(error) => self.session.peer.refuse(Some(id), &error),
        }
    }

    fn invoked(&mut self, params: Option<&RawValue>) -> Result<Answering, RpcError> {
        let InvokeParams { channel, args } = read(params)?;
        self.room()?;
        self.session.channels.invoke(&channel, args)
    }

    /// Whether one more call may be worked on.
    fn room(&self) -> Result<(), RpcError> {
        if self.running.len() >= HOST_CALLS_MAX {
            return Err(RpcError::new(
                ErrorReason::LimitExceeded,
                format!(
                    "the plugin works on {HOST_CALLS_MAX} calls already; try again when some have finished"
                ),
            ));
        }
        if !self.session.peer.outbox.has_room() {
            return Err(RpcError::new(
                ErrorReason::LimitExceeded,
                "the host leaves the plugin's answers unread; try again when it has read them",
            ));
        }
        Ok(())
    }

    fn spawn(&mut self, id: Id<'_>, work: Answering, step: Step) {
        let key: Box<str> = id.as_json().into();
        if self.cancels.contains_key(&key) {
            let error = RpcError::new(ErrorReason::InvalidRequest, "a call with this id is being worked on");
            return self.session.peer.refuse(Some(id), &error);
        }
        let (cancel, cancelled) = oneshot::channel();
        self.cancels.insert(key.clone(), cancel);
        let session = Arc::clone(&self.session);
        self.running.spawn(async move {
            let outcome = tokio::select! {
                biased;
                outcome = unwound(work) => outcome,
                Ok(()) = cancelled => {
                    Err(RpcError::new(ErrorReason::Cancelled, "the caller withdrew the call"))
                }
            };
            let step = if step == Step::Started(true) { Step::Started(outcome.is_ok()) } else { step };
            if let Some(id) = Id::from_json(&key) {
                session.peer.answer(id, outcome);
            }
            (key, step)
        });
    }

    fn finish(&mut self, finished: Option<Result<(Box<str>, Step), tokio::task::JoinError>>) -> Option<Step> {
        // A task catches its work's panics and is never aborted, so it always ends with its key.
        let (key, step) = finished?.ok()?;
        self.cancels.remove(&key);
        if let Step::Started(ok) = step {
            self.life.started(ok);
        }
        Some(step)
    }

    fn told(&mut self, method: &str, params: Option<&RawValue>) {
        if SharedNotice::named(method) == Some(SharedNotice::CancelRequest) {
            return self.cancel(params);
        }
        match HostNotice::named(method) {
            Some(HostNotice::ConfigChanged) => {
                tell(params, |change| self.session.config_observers.tell(&change));
            }
            Some(HostNotice::AuthChanged) => tell(params, |change| self.session.auth_observers.tell(&change)),
            Some(HostNotice::AirlineChanged) => {
                tell(params, |change| self.session.airline_observers.tell(&change));
            }
            Some(HostNotice::ServiceEvent) => tell(params, |event| self.event(&event)),
            Some(HostNotice::ServiceChanged) => {
                tell(params, |change| self.session.services.changes.tell(&change));
            }
            Some(HostNotice::ServiceSubscribed) => {
                tell(params, |told| self.session.services.subscribed.tell(&told));
            }
            // ctx has no member for it; the host has written a warning into this plugin's log.
            Some(HostNotice::DatabaseQuota) => {}
            // A notification of a newer host: nothing waits for an answer.
            None => {}
        }
    }

    /// An event of a service. Where the provider waits for an answer, that is worked on beside everything else; one that panics gives
    /// none, and the provider's default counts.
    fn event(&self, event: &EventParams) {
        let Some(reply) = self.session.services.told(event) else { return };
        let id = event.answer.clone().unwrap_or_default();
        match reply {
            Ok(reply) => {
                let payload = event.payload.as_deref().and_then(|raw| serde_json::from_str(raw.get()).ok());
                tokio::spawn(async move { reply(payload.unwrap_or_default(), id).await });
            }
            Err(error) => {
                // A host that does not read takes its default.
                let reply = reply_of(id, Err(error));
                let _ = self.session.peer.tell(Urgency::Normal, ServiceReply::NAME, &reply);
            }
        }
    }

    fn cancel(&mut self, params: Option<&RawValue>) {
        #[derive(Deserialize)]
        struct Cancel<'a> {
            #[serde(borrow)]
            id: &'a RawValue,
        }
        let cancel =
            message::object_of(params).ok().and_then(|text| serde_json::from_str::<Cancel<'_>>(text).ok());
        if let Some(sender) = cancel.and_then(|cancel| self.cancels.remove(cancel.id.get())) {
            // The task that has just finished no longer listens; its answer is on its way.
            let _ = sender.send(());
        }
    }

    /// The host is gone: calls fail at once, and the plugin puts its things in order.
    async fn hung_up(mut self) {
        self.session.peer.close();
        if let Some(work) = self.life.stop()
            && let Ok(Err(error)) = tokio::time::timeout(STOP_GRACE, unwound(raw(work))).await
        {
            // Nobody reads the wire; standard error may still become the plugin's log.
            eprintln!("on_stop failed after the host had gone: {}", error.message);
        }
    }
}

fn tell<T: DeserializeOwned>(params: Option<&RawValue>, observers: impl FnOnce(T)) {
    if let Ok(change) = read(params) {
        observers(change);
    }
}

fn read<T: DeserializeOwned>(params: Option<&RawValue>) -> Result<T, RpcError> {
    serde_json::from_str(message::object_of(params)?)
        .map_err(|error| RpcError::new(ErrorReason::InvalidParams, error.to_string()))
}

fn raw(work: Work) -> Answering {
    Box::pin(async move {
        let empty = work.await?;
        serde_json::value::to_raw_value(&empty)
            .map_err(|error| RpcError::new(ErrorReason::InternalError, error.to_string()))
    })
}

/// Some work. A panic of it is its outcome, be it in its own code, in what it drops when it ends or is withdrawn, or in what the
/// panic carried.
struct Unwound(Option<Answering>);

fn unwound(work: Answering) -> Unwound {
    Unwound(Some(work))
}

impl Future for Unwound {
    type Output = Result<Box<RawValue>, RpcError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        let Some(work) = &mut self.0 else { return Poll::Pending };
        match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))) {
            Ok(outcome) => outcome,
            Err(panic) => {
                let said = format!("the plugin panicked: {}", panic_message(panic.as_ref()));
                discard(panic);
                Poll::Ready(Err(RpcError::new(ErrorReason::InternalError, said)))
            }
        }
    }
}

impl Drop for Unwound {
    fn drop(&mut self) {
        discard(self.0.take());
    }
}
