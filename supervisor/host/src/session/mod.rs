//! The JSON-RPC conversation with one process: ids, deadlines, cancellation, and a bound on everything.
//!
//! Opened by the plugin's actor over two byte streams; the actor makes host calls through [`Session`], and context
//! calls go to whoever implements [`ContextCalls`]. Knows messages, never pids: which process is behind the streams, and
//! what becomes of it when the conversation ends, is the actor's affair.
//!
//! ```text
//!            ┌── reader task ──▶ inbound ──▶ ContextCalls (answered at once, or worked on meanwhile)
//!   stdout ──┘                      ├──────▶ calls: an answer wakes its caller
//!                                   └──────▶ NoiseSink: a line that is not a message
//!   stdin  ◀── writer task ◀── outbox ◀──── host calls, notifications, answers
//! ```
//!
//! No queue between these grows without bound, and none can wait for another in a circle: the reader reads whatever the
//! plugin leaves unread and refuses its calls meanwhile, the writer waits for the plugin alone, and a caller waits until its
//! own deadline.

mod calls;
mod inbound;
mod outbox;
mod print;
mod reader;
mod working;
mod writer;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use outboard_protocol::wire::{FRAME_MAX, message};
use outboard_protocol::{ErrorReason, RpcError};
use outboard_services::Reply;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::task::JoinSet;

use calls::Calls;
use inbound::Inbound;
use outbox::{Full, Outbox};
use working::Working;

/// The bounds of a session.
#[derive(Debug, Clone)]
pub struct SessionLimits {
    /// Largest frame that is accepted, in bytes. A longer line costs that line.
    pub frame: usize,
    /// Frames over this many bytes are read on a thread of their own, so that one plugin's large message delays nobody.
    pub inline_frame: usize,
    /// Host calls that may await their answers at once.
    pub host_calls: usize,
    /// Context calls that may be worked on at once; further ones that take time are refused.
    pub context_calls: usize,
    /// Bytes that may wait for a plugin that does not read. Beyond, host calls fail as overloaded, notifications are dropped
    /// and counted, and the plugin's calls are refused.
    pub outbox: usize,
    /// Bytes of ids of calls that were refused so and whose refusals wait as well. Beyond, nothing more is read from the
    /// plugin until it reads.
    pub refusals: usize,
    /// How often and how far `$/progress` can move a call's deadline: never later than this after the call was made.
    pub longest_call: Duration,
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self {
            frame: FRAME_MAX,
            inline_frame: 64 * 1024,
            host_calls: 1024,
            context_calls: 256,
            outbox: 4 * 1024 * 1024,
            refusals: 1024 * 1024,
            longest_call: Duration::from_secs(600),
        }
    }
}

/// Who answers a plugin's context calls.
pub trait ContextCalls: Send + Sync + 'static {
    /// Answers a request, at once or later; later is bounded in time by the implementor.
    fn request(&self, method: &str, params: Option<&RawValue>) -> Reply;
    /// Whether a method may be answered later: asked where no more such calls may be worked on.
    fn takes_time(&self, method: &str) -> bool;
    /// Takes a notification.
    fn notify(&self, method: &str, params: Option<&RawValue>);
}

impl ContextCalls for outboard_services::ProcessServices {
    fn request(&self, method: &str, params: Option<&RawValue>) -> Reply {
        Self::request(self, method, params)
    }
    fn takes_time(&self, method: &str) -> bool {
        Self::takes_time(method)
    }
    fn notify(&self, method: &str, params: Option<&RawValue>) {
        Self::notify(self, method, params);
    }
}

/// Where lines go that are not messages, and remarks about broken ones.
pub trait NoiseSink: Send + Sync + 'static {
    /// A line that is not a message: somebody printed it.
    fn line(&self, line: &[u8]);
    /// Something is wrong with what the plugin sent; a sentence.
    fn remark(&self, remark: &str);
}

/// Why a host call has no answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CallError {
    /// The plugin answered with an error.
    #[error("the plugin answered {method} with an error: {}", .error.message)]
    Answered {
        /// The method.
        method: &'static str,
        /// The plugin's error, as it came.
        error: RpcError,
    },
    /// No answer came in time. The plugin was told that nobody waits any more.
    #[error("the plugin did not answer {method} within {}", seconds(.after))]
    Timeout {
        /// The method.
        method: &'static str,
        /// How long was waited.
        after: Duration,
    },
    /// The conversation ended before the answer came.
    #[error("the plugin's process ended before it answered {method}")]
    Closed {
        /// The method.
        method: &'static str,
    },
    /// Too much waits for this plugin already; the call was not made.
    #[error("too much waits for the plugin already; {method} was not sent")]
    Overloaded {
        /// The method.
        method: &'static str,
    },
    /// No plugin need take such a frame; the call was not made.
    #[error("{method} was not sent: {why}")]
    Unfit {
        /// The method.
        method: &'static str,
        /// What is wrong with the frame.
        why: String,
    },
}

/// As exactly as anybody wants to know.
fn seconds(time: &Duration) -> String {
    match time.as_secs_f64() {
        short if short < 1.0 => format!("{} ms", time.as_millis()),
        long => format!("{} s", (long * 10.0).round() / 10.0),
    }
}

impl CallError {
    /// As an error object for whoever asked over HTTP, the bus or control.
    pub fn into_rpc(self) -> RpcError {
        let message = self.to_string();
        match self {
            CallError::Answered { error, .. } => error,
            CallError::Timeout { .. } => RpcError::new(ErrorReason::Timeout, message),
            CallError::Closed { .. } => RpcError::new(ErrorReason::ShuttingDown, message),
            CallError::Overloaded { .. } | CallError::Unfit { .. } => {
                RpcError::new(ErrorReason::LimitExceeded, message)
            }
        }
    }
}

/// The context calls that were still worked on when the reader ended.
type Unfinished = Arc<Mutex<Working>>;

/// A handle on the conversation with one process. Clones are the same conversation.
#[derive(Debug, Clone)]
pub struct Session {
    outbox: Arc<Outbox>,
    calls: Arc<Calls>,
    ended: watch::Receiver<bool>,
    finish: watch::Sender<bool>,
    unfinished: Unfinished,
}

impl Session {
    /// Begins the conversation. Its two tasks run in `tasks`, which the caller awaits.
    pub fn open<R, W>(
        reader: R,
        writer: W,
        context: Arc<dyn ContextCalls>,
        noise: Arc<dyn NoiseSink>,
        limits: &SessionLimits,
        tasks: &mut JoinSet<()>,
    ) -> Self
    where
        R: AsyncRead + Send + Unpin + 'static,
        W: AsyncWrite + Send + Unpin + 'static,
    {
        let outbox = Arc::new(Outbox::new(limits.outbox, limits.refusals));
        let calls = Arc::new(Calls::new(limits.host_calls, limits.longest_call));
        let inbound = Inbound::new(Arc::clone(&outbox), Arc::clone(&calls), context, noise, limits);
        let ended = watch::Sender::new(false);
        let finish = watch::Sender::new(false);
        let unfinished = Unfinished::default();
        let session = Self {
            outbox: Arc::clone(&outbox),
            calls,
            ended: ended.subscribe(),
            finish,
            unfinished: Arc::clone(&unfinished),
        };
        tasks.spawn(writer::run(writer, outbox, session.finish.subscribe(), ended.clone()));
        tasks.spawn(reader::run(
            reader,
            Arc::new(inbound),
            limits.clone(),
            session.finish.subscribe(),
            ended,
            unfinished,
        ));
        session
    }

    /// Makes a host call. Dropping the future withdraws the call, and the plugin is told so.
    ///
    /// # Errors
    /// [`CallError`], for each way in which there is no answer.
    pub async fn call<P: Serialize>(
        &self,
        method: &'static str,
        params: P,
        limit: Duration,
    ) -> Result<Box<RawValue>, CallError> {
        self.make(method, params, limit, false).await
    }

    /// As [`Self::call`], for a caller with a deadline of its own: [`Self::progressed`] tells when to move it.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub async fn call_told<P: Serialize>(
        &self,
        method: &'static str,
        params: P,
        limit: Duration,
    ) -> Result<Box<RawValue>, CallError> {
        self.make(method, params, limit, true).await
    }

    /// Resolves when `$/progress` has moved the deadline of a call made with [`Self::call_told`] since the last time.
    pub async fn progressed(&self) {
        self.calls.progressed().await;
    }

    async fn make<P: Serialize>(
        &self,
        method: &'static str,
        params: P,
        limit: Duration,
        told: bool,
    ) -> Result<Box<RawValue>, CallError> {
        let refused = |full| match full {
            Full::Closed => CallError::Closed { method },
            Full::NoRoom => CallError::Overloaded { method },
            Full::Unfit(why) => CallError::Unfit { method, why },
        };
        let ticket = self.calls.enter(method, limit, told).map_err(refused)?;
        let sent = self.outbox.offer(|out| message::write_request(out, ticket.id(), method, params));
        sent.map_err(refused)?;
        ticket.answer(&self.outbox).await
    }

    /// Tells the plugin something. False: it was dropped, because too much waits for the plugin already.
    pub fn notify<P: Serialize>(&self, method: &str, params: P) -> bool {
        let sent = self.outbox.offer(|out| message::write_notification(out, method, params));
        if sent == Err(Full::NoRoom) {
            self.outbox.note_dropped();
        }
        sent.is_ok()
    }

    /// Closes the plugin's input once what waits there is written. Its output is still read.
    pub fn close_input(&self) {
        self.outbox.close();
    }

    /// The process is gone: read what it left in the pipe, then end, whoever else holds the pipe open.
    pub fn finish(&self) {
        self.outbox.close();
        self.finish.send_replace(true);
    }

    /// Resolves when nothing more can come from the plugin, or nothing reaches it any more.
    pub async fn ended(&self) {
        let mut ended = self.ended.clone();
        // An error means that the reader is gone altogether, which is an end as well.
        let _ = ended.wait_for(|ended| *ended).await;
    }

    /// Whether [`Self::ended`] has resolved.
    pub fn is_over(&self) -> bool {
        *self.ended.borrow()
    }

    /// Waits for the context calls that were still worked on when the plugin's output ended. Dropping the future gives them up.
    pub async fn unfinished(&self) {
        let working = std::mem::take(&mut *self.unfinished.lock().unwrap_or_else(PoisonError::into_inner));
        working.finish().await;
    }

    /// The names of the host calls that await their answers, for a diagnosis.
    pub fn in_flight(&self) -> Vec<String> {
        self.calls.names()
    }

    /// Notifications that were dropped because the plugin did not read.
    pub fn dropped(&self) -> u64 {
        self.outbox.dropped()
    }
}

async fn gone(finish: &mut watch::Receiver<bool>) {
    // An error means that every handle on the session is gone: nobody waits for anything any more.
    let _ = finish.wait_for(|finish| *finish).await;
}
