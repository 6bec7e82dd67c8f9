//! What of a plugin's life must outlive the supervisor: that it was given up, and how often it has failed.
//!
//! Taken by the actor whenever it may have changed, kept by whoever keeps things, and handed to the machine of the next
//! supervisor. Times are ages, since two supervisors have no clock in common.

use std::time::Duration;

use crate::cause::Cause;
use crate::machine::Lifecycle;
use crate::state::{Desired, State};

/// A plugin's past. The default is that of one that never failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// The cause and the diagnosis for which it was given up. It leaves out causes of the supervisor itself.
    pub errored: Option<(Cause, String)>,
    /// Unexpected ends in a row.
    pub in_a_row: u32,
    /// How long ago each unexpected end was that still counts.
    pub ends: Vec<Duration>,
    /// How often the plugin was restarted after a failure.
    pub restarts: u32,
}

impl Lifecycle {
    /// The past as of now.
    #[must_use]
    pub fn past(&self) -> Past {
        let errored = match &self.state {
            State::Errored { cause, .. } if cause.is_its_own() => {
                self.snapshot().diagnosis().map(|diagnosis| (*cause, diagnosis))
            }
            _ => None,
        };
        let (in_a_row, ends) = self.history.ages(self.now);
        Past { errored, in_a_row, ends, restarts: self.restarts }
    }

    /// With the past of the same plugin under another supervisor. What was given up is so still, and was wanted up; what was not
    /// goes on with the history that it had.
    #[must_use]
    pub fn with_past(mut self, past: Past) -> Self {
        self.history.recall(past.in_a_row, past.ends, self.policy.restart.window);
        self.recalled = true;
        self.restarts = past.restarts;
        if let Some((cause, diagnosis)) = past.errored {
            self.desired = Desired::Up;
            self.state = State::Errored { cause, diagnosis };
        }
        self
    }
}
