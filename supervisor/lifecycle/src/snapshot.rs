//! All that can be shown of a plugin's life, copied at one moment.
//!
//! Taken by the actor when an effect says `Publish`, and handed to readers; it never leads back to the machine.

use std::time::Duration;

use crate::cause::Cause;
use crate::decision::{Decision, Failure};
use crate::state::{Desired, Generation, RouteIntent, State};

/// A plugin's life at one moment. Times count from the epoch of the `now` that `step` was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// What is.
    pub state: State,
    /// What the operator wants.
    pub desired: Desired,
    /// Whether nothing brings the plugin up again: the supervisor ends, or the plugin is installed no longer.
    pub closing: bool,
    /// The generation of the present or last process.
    pub generation: Generation,
    /// The process id, while the leader lives.
    pub pid: Option<u32>,
    /// How often the plugin was restarted after a failure, since the supervisor has known it.
    pub restarts: u32,
    /// Another number says that the plugin has deserved new tries since: by an order to start it, by another version or manifest,
    /// or by a steady run outside of a crash loop.
    pub beginnings: u32,
    /// When the state took its present name.
    pub since: Duration,
    /// The last failure, if there was any.
    pub failure: Option<Failure>,
    /// The last decision, if there was any.
    pub decision: Option<Decision>,
}

impl Snapshot {
    /// What a request for this plugin meets.
    #[must_use]
    pub const fn route_intent(&self) -> RouteIntent {
        self.state.route_intent()
    }

    /// Why the plugin is errored, when it is: the cause, what to do, and what was seen.
    #[must_use]
    pub fn cause_sentence(&self) -> Option<String> {
        let State::Errored { cause, diagnosis } = &self.state else {
            return None;
        };
        if cause.is_refusal() {
            return Some(format!("{diagnosis}; {}", cause.sentence()));
        }
        Some(format!("{} ({})", cause.sentence(), self.diagnosis()?))
    }

    /// What was seen of a plugin that is errored, the last failure of a crash loop included.
    pub(crate) fn diagnosis(&self) -> Option<String> {
        let State::Errored { cause, diagnosis } = &self.state else {
            return None;
        };
        Some(match (&self.failure, cause) {
            (Some(failure), Cause::CrashLoop) => format!("{diagnosis}; the last time {failure}"),
            _ => diagnosis.clone(),
        })
    }
}
