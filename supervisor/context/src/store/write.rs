//! One write of the database and whom to answer, its types forgotten: applied and settled on the store's thread, answered
//! by [`super::answers`].
//!
//! Made by [`super::Store::write`]. Must not know what a write means.

use tokio::sync::oneshot;

use super::error::StoreError;
use super::group::Group;

/// A write whose types are forgotten.
pub(super) trait AnyWrite: Send {
    /// On the store's thread, in the transaction. May run again, in another one.
    fn apply(&mut self, group: &mut Group<'_>) -> Result<(), StoreError>;

    /// On the store's thread, once what became of it is known.
    fn settle(&mut self, commit: Result<(), StoreError>);

    /// Anywhere, after `settle`.
    fn answer(self: Box<Self>);
}

/// A write, and whom to answer.
pub(super) struct Write<T, A, C, F> {
    apply: A,
    committed: Option<C>,
    tell: Option<F>,
    outcome: Result<T, StoreError>,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, A, C, F> Write<T, A, C, F>
where
    T: Send + 'static,
    A: FnMut(&mut Group<'_>) -> Result<T, StoreError> + Send + 'static,
    C: FnOnce(&T) -> F + Send + 'static,
    F: FnOnce() + Send + 'static,
{
    #[allow(clippy::new_ret_no_self)] // both ends of the answer are made here, and nobody needs the bare type
    pub(super) fn new(
        apply: A,
        committed: C,
    ) -> (Box<dyn AnyWrite>, oneshot::Receiver<Result<T, StoreError>>) {
        let (answer, receiver) = oneshot::channel();
        let outcome = Err(StoreError::Closed);
        (Box::new(Self { apply, committed: Some(committed), tell: None, outcome, answer }), receiver)
    }
}

impl<T, A, C, F> AnyWrite for Write<T, A, C, F>
where
    T: Send + 'static,
    A: FnMut(&mut Group<'_>) -> Result<T, StoreError> + Send + 'static,
    C: FnOnce(&T) -> F + Send + 'static,
    F: FnOnce() + Send + 'static,
{
    fn apply(&mut self, group: &mut Group<'_>) -> Result<(), StoreError> {
        self.outcome = Ok((self.apply)(group)?);
        Ok(())
    }

    fn settle(&mut self, commit: Result<(), StoreError>) {
        if let Err(error) = commit {
            self.outcome = Err(error);
        }
        if let (Ok(outcome), Some(committed)) = (&self.outcome, self.committed.take()) {
            self.tell = Some(committed(outcome));
        }
    }

    fn answer(self: Box<Self>) {
        let Self { tell, outcome, answer, .. } = *self;
        if let Some(tell) = tell {
            tell();
        }
        // Nobody may be waiting for it any more.
        let _ = answer.send(outcome);
    }
}
