//! The book of what a plugin registers with its host: `start` is answered only after all of it, and fails with the first
//! failure that nobody looked at.
//!
//! Kept by the registrations of `ctx.server` and `ctx.ipc`, settled by the lifecycle. Must not know what is registered.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::failure::CallError;

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

impl Registrations {
    /// One is under way.
    pub(crate) fn begun(&self) {
        self.lock().under_way += 1;
    }

    /// One is no longer.
    pub(crate) fn ended(&self) {
        self.lock().under_way -= 1;
        self.settled.notify_waiters();
    }

    /// One failed, and nobody looked at it. Gives the failure back where it is too late to fail the start with it.
    pub(crate) fn failed_unseen(&self, error: CallError) -> Option<CallError> {
        let mut book = self.lock();
        if book.closed {
            return Some(error);
        }
        book.failed.get_or_insert(error);
        None
    }

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
