//! Who wants to hear of a change that the host tells.
//!
//! Filled by `ctx.config.on_change` and its sisters, called by the dispatcher in the order of the host's notifications.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use crate::failure::discard;

type Observer<T> = Arc<dyn Fn(&T) + Send + Sync>;

/// The observers of one kind of change.
pub(crate) struct Observers<T>(Mutex<Vec<Observer<T>>>);

impl<T> Default for Observers<T> {
    fn default() -> Self {
        Self(Mutex::new(Vec::new()))
    }
}

impl<T> Observers<T> {
    pub(crate) fn add(&self, observer: impl Fn(&T) + Send + Sync + 'static) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::new(observer));
    }

    /// Tells everybody. A panic ends that observer's turn; the panic hook has printed it.
    pub(crate) fn tell(&self, change: &T) {
        // Called outside the lock, so that an observer may add another.
        let observers = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for observer in observers {
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| observer(change))) {
                discard(panic);
            }
        }
    }
}
