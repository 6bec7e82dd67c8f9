//! The deadlines that the state machine has armed, and the wait for the next one.

use std::collections::BTreeMap;
use std::time::Duration;

use outboard_lifecycle::{Deadline, Generation};
use tokio::time::{Instant, sleep_until};

/// At most one armed deadline of each kind.
#[derive(Debug, Default)]
pub(super) struct Timers {
    armed: BTreeMap<Deadline, (Instant, Generation)>,
}

impl Timers {
    pub(super) fn arm(&mut self, deadline: Deadline, generation: Generation, after: Duration) {
        self.armed.insert(deadline, (Instant::now() + after, generation));
    }

    pub(super) fn disarm(&mut self) {
        self.armed.clear();
    }

    /// Resolves with the next deadline that is reached, and forgets it. Never, where none is armed.
    pub(super) async fn next(&mut self) -> (Deadline, Generation) {
        let earliest = self.armed.iter().min_by_key(|(_, (at, _))| *at);
        let Some((deadline, (at, generation))) = earliest.map(|(kind, armed)| (*kind, *armed)) else {
            return std::future::pending().await;
        };
        sleep_until(at).await;
        self.armed.remove(&deadline);
        (deadline, generation)
    }
}
