//! Registrations that the author need not wait for: `start` is answered only after all of them, and fails with the first
//! failure that nobody looked at.
//!
//! Used by `ctx.server` and `ctx.ipc`. Must not know what is registered.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::sync::{Notify, oneshot};

use super::Session;
use crate::context::logger;
use crate::failure::{CallError, chain};

/// Registrations of one session.
#[derive(Default)]
pub(crate) struct Registrations {
    book: Mutex<Book>,
    settled: Notify,
}

#[derive(Default)]
struct Book {
    under_way: usize,
    failed: Option<CallError>,
    /// `start` was answered; failures from now on are log records.
    closed: bool,
}

/// A registration under way. It proceeds by itself; awaiting it gives its outcome and takes the responsibility for a failure,
/// which otherwise fails the plugin's start (or is logged, later on).
pub struct Registration {
    outcome: oneshot::Receiver<Result<(), CallError>>,
    session: Arc<Session>,
}

impl Registration {
    /// Begins one.
    pub(crate) fn begin(
        session: &Arc<Session>,
        work: impl Future<Output = Result<(), CallError>> + Send + 'static,
    ) -> Self {
        session.registrations.lock().under_way += 1;
        let (done, outcome) = oneshot::channel();
        let shared = Arc::clone(session);
        session.runtime.spawn(async move {
            if let Err(Err(unseen)) = done.send(work.await) {
                shared.failed_unseen(unseen);
            }
            shared.registrations.lock().under_way -= 1;
            shared.registrations.settled.notify_waiters();
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
            self.session.failed_unseen(unseen);
        }
    }
}

impl std::fmt::Debug for Registration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registration").finish_non_exhaustive()
    }
}

impl Session {
    fn failed_unseen(&self, error: CallError) {
        let mut book = self.registrations.lock();
        if !book.closed {
            book.failed.get_or_insert(error);
            return;
        }
        drop(book);
        logger::registration_failed(self, &chain(&error));
    }
}

impl Registrations {
    /// Waits until none is under way, and gives the first failure that nobody looked at.
    pub(crate) async fn settle(&self) -> Result<(), CallError> {
        loop {
            let settled = self.settled.notified();
            tokio::pin!(settled);
            settled.as_mut().enable();
            {
                let mut book = self.lock();
                if book.under_way == 0 {
                    book.closed = true;
                    return book.failed.take().map_or(Ok(()), Err);
                }
            }
            settled.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
