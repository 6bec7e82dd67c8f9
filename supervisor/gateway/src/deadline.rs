//! A deadline that costs next to nothing while things go well.
//!
//! Called wherever bytes are awaited. Moving a timer at every read is dear, so the timer is left where it stands and only
//! moved when it fires too early. Must not know what is being waited for.

use std::future::Future;
use std::pin::Pin;
use std::task::Context;

use tokio::time::{Instant, Sleep, sleep_until};

/// One reusable timer. It is made at the first wait.
#[derive(Debug, Default)]
pub(crate) struct Deadline {
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Deadline {
    /// Whether the task will be woken, at the time that was last asked for or earlier.
    pub(crate) fn is_armed(&self) -> bool {
        self.sleep.as_ref().is_some_and(|sleep| !sleep.is_elapsed())
    }

    /// Whether `at` has passed; if not, the task is woken when it does (or earlier).
    pub(crate) fn poll_passed(&mut self, cx: &mut Context<'_>, at: Instant) -> bool {
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if sleep.deadline() > at {
            sleep.as_mut().reset(at);
        }
        while sleep.as_mut().poll(cx).is_ready() {
            if Instant::now() >= at {
                return true;
            }
            sleep.as_mut().reset(at);
        }
        false
    }
}
