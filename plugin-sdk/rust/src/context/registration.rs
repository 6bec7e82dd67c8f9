//! A registration that the author need not wait for.
//!
//! Made by `ctx.server` and `ctx.ipc`. Must not know what is registered.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::sync::oneshot;

use super::logger;
use crate::failure::{CallError, chain};
use crate::session::Session;

/// A registration under way. It proceeds by itself; awaiting it gives its outcome and takes the responsibility for a failure,
/// which otherwise fails the plugin's start (or is logged, later on).
pub struct Registration {
    outcome: oneshot::Receiver<Result<(), CallError>>,
    session: Arc<Session>,
}

impl Registration {
    /// Begins one.
    pub(super) fn begin(
        session: &Arc<Session>,
        work: impl Future<Output = Result<(), CallError>> + Send + 'static,
    ) -> Self {
        session.registrations.begun();
        let (done, outcome) = oneshot::channel();
        let shared = Arc::clone(session);
        session.runtime.spawn(async move {
            if let Err(Err(unseen)) = done.send(work.await) {
                failed_unseen(&shared, unseen);
            }
            shared.registrations.ended();
        });
        Self { outcome, session: Arc::clone(session) }
    }
}

impl Future for Registration {
    type Output = Result<(), CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = ready!(Pin::new(&mut self.outcome).poll(cx));
        // The task is gone without a word only when the runtime is: the session is over.
        Poll::Ready(outcome.unwrap_or(Err(CallError::Closed { method: "registration" })))
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.outcome.close();
        if let Ok(Err(unseen)) = self.outcome.try_recv() {
            failed_unseen(&self.session, unseen);
        }
    }
}

impl std::fmt::Debug for Registration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registration").finish_non_exhaustive()
    }
}

/// A failure that nobody awaited: it fails the start, or is logged after it.
fn failed_unseen(session: &Session, error: CallError) {
    if let Some(late) = session.registrations.failed_unseen(error) {
        logger::registration_failed(session, &chain(&late));
    }
}
