//! How long a plugin may take. Given by whoever asks for an examination, used by every conversation.

use std::time::Duration;

/// What the host itself gives `initialize`, whatever an examination says.
const INITIALIZE: Duration = Duration::from_secs(10);
/// What it gives `start`.
const START: Duration = Duration::from_secs(30);

/// The waits of an examination. A plugin that keeps the rules meets none of them; one that does not costs one for each
/// answer that never comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How long an answer may take that needs no work.
    pub answer: Duration,
    /// How long a plugin has for `stop`, and again for its exit.
    pub grace: Duration,
}

impl Default for Limits {
    /// As under the supervisor: 10 s and 5 s.
    fn default() -> Self {
        Self { answer: Duration::from_secs(10), grace: Duration::from_secs(5) }
    }
}

impl Limits {
    pub(crate) fn initialize(self) -> Duration {
        self.answer.max(INITIALIZE)
    }

    pub(crate) fn start(self) -> Duration {
        self.answer.saturating_mul(3).max(START)
    }

    /// For what may need work: a call of one of the plugin's channels.
    pub(crate) fn work(self) -> Duration {
        self.answer.saturating_mul(3)
    }

    /// For a frame of 8 MiB, which takes an interpreter its time, and a machine that is busy with others more.
    pub(crate) fn large(self) -> Duration {
        self.answer.saturating_mul(6)
    }

    /// For a ping behind much work. The host takes a plugin for hung after three pings that come 5 s apart.
    pub(crate) fn hung(self) -> Duration {
        self.answer.saturating_mul(3) / 2
    }

    /// For an answer that was overtaken by that to the ping behind it: answers may come in any order.
    pub(crate) fn overtaken(self) -> Duration {
        self.answer / 2
    }
}

/// A length of time as findings say it.
pub(crate) fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs_f64())
}
