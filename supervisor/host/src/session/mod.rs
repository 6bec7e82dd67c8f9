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
//! Where several things are ready at once, each task takes them in a fixed order: the same events make the same conversation.
//!
//! No queue between these grows without bound, and none can wait for another in a circle: the reader reads whatever the
//! plugin leaves unread and refuses its calls meanwhile, the writer waits for the plugin alone, and a caller waits until its
//! own deadline.

mod calls;
mod error;
mod finish;
mod inbound;
mod limits;
mod outbox;
mod outside;
mod print;
mod reader;
mod trace;
mod working;
mod writer;

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use outboard_protocol::wire::message;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::Instrument;

use calls::Calls;
use inbound::Inbound;
use outbox::{Full, Outbox};
use working::Unfinished;

pub use error::CallError;
pub use limits::SessionLimits;
pub use outside::{ContextCalls, NoiseSink};

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
        tasks.spawn(writer::run(writer, outbox, session.finish.subscribe(), ended.clone()).in_current_span());
        let reading = reader::run(
            reader,
            Arc::new(inbound),
            limits.clone(),
            session.finish.subscribe(),
            ended,
            unfinished,
        );
        tasks.spawn(reading.in_current_span());
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
        self.begin(method, params, limit).await
    }

    /// As [`Self::call`]; the question waits to be written when this returns, so that the order of calls is the order of questions.
    pub fn begin<P: Serialize>(
        &self,
        method: &'static str,
        params: P,
        limit: Duration,
    ) -> impl Future<Output = Result<Box<RawValue>, CallError>> + Send + 'static {
        self.make(method, params, limit, false)
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

    /// The host itself holds up whatever the plugin does in a call made with [`Self::call_told`]: its time starts anew.
    pub fn excuse(&self) {
        self.calls.excuse();
    }

    fn make<P: Serialize>(
        &self,
        method: &'static str,
        params: P,
        limit: Duration,
        told: bool,
    ) -> impl Future<Output = Result<Box<RawValue>, CallError>> + Send + 'static {
        let entered = self.calls.enter(method, limit, told);
        let sent = entered.and_then(|ticket| {
            self.outbox.offer(|out| message::write_request(out, ticket.id(), method, params))?;
            Ok(ticket.answer(&self.outbox))
        });
        async move {
            match sent {
                Ok(answer) => answer.await,
                Err(Full::Closed) => Err(CallError::Closed { method }),
                Err(Full::NoRoom) => Err(CallError::Overloaded { method }),
                Err(Full::Unfit(why)) => Err(CallError::Unfit { method, why }),
            }
        }
    }

    /// Tells the plugin something. False: it was dropped, because too much waits for the plugin already.
    pub fn notify<P: Serialize>(&self, method: &str, params: P) -> bool {
        let sent = self.outbox.offer(|out| message::write_notification(out, method, params));
        if sent == Err(Full::NoRoom) {
            self.outbox.note_dropped();
        }
        sent.is_ok()
    }

    /// Resolves when nothing waits to be written to the plugin, or nothing ever will be: it has read what it was told, but for what
    /// the system itself holds of a pipe.
    pub async fn is_read(&self) {
        self.outbox.drained().await;
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
