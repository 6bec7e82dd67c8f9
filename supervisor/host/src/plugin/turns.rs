//! Turns to begin: how many plugins may be on their way from nothing to their first answer at once.
//!
//! Taken by the actor before it starts a process, given back when that has shaken hands, or has failed to. At boot there may be
//! hundreds of plugins and two processors. Where all begin at once, none is done before nearly all are, and the deadlines of
//! those that wait for a processor run out, which says nothing about them.

use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::timeout;

/// Turns for each processor: an interpreter that begins reads files as well as it computes.
const FOR_EACH_PROCESSOR: usize = 4;
/// How long a turn keeps others waiting. One that takes longer is waiting for something, and goes on beside the next: plugins that
/// never answer delay the others no longer than this for each turn.
const HELD_AT_MOST: Duration = Duration::from_secs(2);

/// All turns of a supervisor. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Turns(Arc<Semaphore>);

impl Turns {
    pub(crate) fn new() -> Self {
        let processors = available_parallelism().map_or(1, usize::from);
        Self(Arc::new(Semaphore::new(processors * FOR_EACH_PROCESSOR)))
    }

    /// Waits for a turn, in the order of asking. Dropped earlier, it takes none.
    pub(super) async fn next(&self) -> Taken {
        Taken(Arc::clone(&self.0).acquire_owned().await.ok())
    }
}

/// A turn that has come.
pub(super) struct Taken(Option<OwnedSemaphorePermit>);

impl Taken {
    /// The turn, which is over when it is dropped; and what is to be run meanwhile, which ends then, or when others have waited
    /// long enough.
    pub(super) fn begin(self) -> (Turn, impl Future<Output = ()> + Send + 'static) {
        let (over, dropped) = oneshot::channel();
        let held = async move {
            let _ = timeout(HELD_AT_MOST, dropped).await;
            drop(self.0);
        };
        (Turn { _over: over }, held)
    }
}

/// Held by whoever begins.
pub(super) struct Turn {
    _over: oneshot::Sender<()>,
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::time::{Instant, advance};

    use super::*;

    fn turns(number: usize) -> Turns {
        Turns(Arc::new(Semaphore::new(number)))
    }

    #[tokio::test(start_paused = true)]
    async fn as_many_begin_as_there_are_turns_and_each_that_is_over_lets_in_the_next() {
        let turns = turns(2);
        let (first, first_held) = turns.next().await.begin();
        let (_second, _second_held) = turns.next().await.begin();
        let mut third = Box::pin(turns.next());
        let mut fourth = Box::pin(turns.next());
        assert!((&mut third).now_or_never().is_none() && (&mut fourth).now_or_never().is_none());
        drop(first);
        first_held.await;
        assert!((&mut fourth).now_or_never().is_none(), "who asked first is first");
        assert!(third.now_or_never().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn who_never_answers_keeps_the_next_waiting_for_a_limited_time() {
        let turns = turns(1);
        let (_turn, held) = turns.next().await.begin();
        let began = Instant::now();
        let mut held = Box::pin(held);
        let mut next = Box::pin(turns.next());
        assert!((&mut held).now_or_never().is_none());
        advance(HELD_AT_MOST - Duration::from_millis(1)).await;
        assert!((&mut held).now_or_never().is_none() && (&mut next).now_or_never().is_none());
        held.await;
        assert!(next.now_or_never().is_some());
        assert!(began.elapsed() < HELD_AT_MOST * 2);
    }

    #[tokio::test]
    async fn a_turn_that_nobody_began_or_waited_for_is_not_lost() {
        let turns = turns(1);
        drop(turns.next().await);
        let taken = turns.next().await;
        let mut withdrawn = Box::pin(turns.next());
        assert!((&mut withdrawn).now_or_never().is_none());
        drop((withdrawn, taken));
        assert!(turns.next().now_or_never().is_some());
    }
}
