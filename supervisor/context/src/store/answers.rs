//! Carries the answers of a whole group to the runtime: one wake for all its callers, not one for each.
//!
//! The store's thread hands a group over once it is on disk. Waking a task from another thread costs a system call, and a
//! group has up to hundreds; the task here wakes them from the runtime's own thread, where it costs none.

use std::sync::{Mutex, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use super::write::AnyWrite;

/// Settled writes whose callers are not answered yet. They are when this is dropped, wherever that happens.
pub(super) struct Answers {
    writes: Vec<Box<dyn AnyWrite>>,
    closed: Option<oneshot::Sender<()>>,
}

impl Answers {
    pub(super) fn of(writes: Vec<Box<dyn AnyWrite>>) -> Self {
        Self { writes, closed: None }
    }

    /// The last word: the database is closed.
    pub(super) fn closed(closed: oneshot::Sender<()>) -> Self {
        Self { writes: Vec::new(), closed: Some(closed) }
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        self.writes.drain(..).for_each(|write| write.answer());
        if let Some(closed) = self.closed.take() {
            let _ = closed.send(());
        }
    }
}

/// Groups that may be under way. With more, the runtime is behind, and the thread waits for it: answers keep their order.
const UNDER_WAY: usize = 16;

/// The way from the store's thread to the task that answers.
#[derive(Default)]
pub(super) struct Herald {
    way: Mutex<Option<mpsc::Sender<Answers>>>,
}

impl Herald {
    /// Makes sure that the task is there, for a caller inside a runtime.
    pub(super) fn attend(&self) {
        let mut way = self.way.lock().unwrap_or_else(PoisonError::into_inner);
        if way.as_ref().is_some_and(|way| !way.is_closed()) {
            return;
        }
        // Without a runtime, callers are answered from the store's thread.
        let Ok(runtime) = Handle::try_current() else { return };
        let (sender, mut receiver) = mpsc::channel(UNDER_WAY);
        *way = Some(sender);
        runtime.spawn(async move { while receiver.recv().await.is_some() {} });
    }

    /// Hands a group over. Called on the store's thread alone.
    pub(super) fn carry(&self, answers: Answers) {
        let way = self.way.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // Where there is no runtime, or no longer, dropping the group answers it here.
        if let Some(way) = way {
            let _ = way.blocking_send(answers);
        }
    }
}
