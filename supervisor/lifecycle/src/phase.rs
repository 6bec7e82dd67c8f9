//! What a state says beside its name: how far up or down a process has come, what follows, and how it feels.
//!
//! Part of [`State`](crate::State), written by the machine alone. Knows no event and no effect.

use std::time::Duration;

use crate::cause::Cause;

/// How far a process has come on its way up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StartPhase {
    /// The operating system was asked for a process.
    Spawning,
    /// The process lives; `initialize` was sent.
    Handshaking,
    /// The handshake is done; `start` or `resume` was sent.
    Activating,
}

impl StartPhase {
    /// The stable word: `spawning`, `handshaking` or `activating`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Spawning => "spawning",
            Self::Handshaking => "handshaking",
            Self::Activating => "activating",
        }
    }
}

/// How far a process has come on its way out. Every phase is bounded by one deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StopPhase {
    /// The route is closed; requests in flight may finish.
    Draining,
    /// `stop` was sent and not answered yet.
    Asking,
    /// Its stdin is closed; it may exit by itself.
    Leaving,
    /// SIGTERM went to its process group.
    Terminating,
    /// SIGKILL went to the whole containment; the leader has not been reaped yet.
    Killing,
    /// The leader is gone; the containment is being proved empty.
    Emptying,
}

impl StopPhase {
    /// The stable word: `draining`, `asking`, `leaving`, `terminating`, `killing` or `emptying`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Draining => "draining",
            Self::Asking => "asking",
            Self::Leaving => "leaving",
            Self::Terminating => "terminating",
            Self::Killing => "killing",
            Self::Emptying => "emptying",
        }
    }
}

/// What follows when a stopping plugin's containment is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum After {
    /// Nothing: it was ordered down.
    Stopped,
    /// A new process, by order.
    Start,
    /// A new process of the old version, because the new one failed its probation.
    Rollback {
        /// The version to go back to.
        to: String,
    },
    /// A new process, by the restart policy.
    BackOff {
        /// Which restart in a row it will be.
        attempt: u32,
        /// How long to wait first; zero is at once.
        delay: Duration,
    },
    /// Nothing: it was given up.
    Errored {
        /// Which kind of failure it was.
        cause: Cause,
        /// What was seen, in words for an operator.
        diagnosis: String,
    },
}

impl After {
    /// Whether a new process follows, so that a request does well to wait.
    #[must_use]
    pub const fn comes_back(&self) -> bool {
        match self {
            Self::Start | Self::Rollback { .. } | Self::BackOff { .. } => true,
            Self::Stopped | Self::Errored { .. } => false,
        }
    }

    /// The stable word: `stopped`, `start`, `rollback`, `back-off` or `errored`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Start => "start",
            Self::Rollback { .. } => "rollback",
            Self::BackOff { .. } => "back-off",
            Self::Errored { .. } => "errored",
        }
    }
}

/// Whether a running plugin answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Health {
    /// It answered its last ping, or has not been asked yet.
    Healthy,
    /// It owes answers to so many pings in a row.
    Late(u32),
    /// A debugger holds it, so that silence means nothing.
    Traced,
}

impl Health {
    /// The stable word: `healthy`, `late` or `traced`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Late(_) => "late",
            Self::Traced => "traced",
        }
    }
}
