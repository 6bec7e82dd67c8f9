//! Work for the store's thread that is not a write: at once, or long and in steps.
//!
//! Made by [`super::Store`], run by its thread. Must not know what the work is.

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::error::StoreError;

/// Work whose types are forgotten.
pub(super) trait AnyAside: Send {
    fn run(self: Box<Self>, db: &Connection);
}

/// Long work whose types are forgotten.
pub(super) trait AnyGradual: Send {
    /// `between` lets writes pass; where it says no, the work is to end.
    fn run(self: Box<Self>, db: &Connection, between: &mut dyn FnMut() -> bool);
}

/// Work, and whom to answer.
pub(super) struct Aside<T, W> {
    work: W,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, W> Aside<T, W> {
    /// The work, and where its outcome comes.
    pub(super) fn new(work: W) -> (Box<Self>, oneshot::Receiver<Result<T, StoreError>>) {
        let (answer, receiver) = oneshot::channel();
        (Box::new(Self { work, answer }), receiver)
    }
}

impl<T, W> AnyAside for Aside<T, W>
where
    T: Send + 'static,
    W: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
{
    fn run(self: Box<Self>, db: &Connection) {
        let outcome = (self.work)(db);
        let _ = self.answer.send(outcome);
    }
}

impl<T, W> AnyGradual for Aside<T, W>
where
    T: Send + 'static,
    W: FnOnce(&Connection, &mut dyn FnMut() -> bool) -> Result<T, StoreError> + Send + 'static,
{
    fn run(self: Box<Self>, db: &Connection, between: &mut dyn FnMut() -> bool) {
        let outcome = (self.work)(db, between);
        let _ = self.answer.send(outcome);
    }
}
