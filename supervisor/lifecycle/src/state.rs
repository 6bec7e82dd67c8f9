//! What is true of a plugin: its state, and what the operator wants of it.
//!
//! Written by the machine alone, read by whoever shows a plugin (actor, gateway, CLI). Knows no process, no
//! message and no clock: a time here is a [`Duration`] since the epoch that the caller of `step` chose.

use std::fmt;
use std::time::Duration;

use crate::cause::Cause;
use crate::phase::{After, Health, StartPhase, StopPhase};

/// Which process of a plugin is meant: 1 for the first that was ever spawned, then one more for each.
///
/// Every fact carries it, so that the last words of a dead process cannot be taken for those of the living one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(pub u64);

impl Generation {
    /// No process has been spawned yet.
    pub const NONE: Self = Self(0);

    /// The generation after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What the operator wants, apart from what is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Desired {
    /// The plugin shall run.
    Up,
    /// The plugin shall not run.
    Down,
}

impl Desired {
    /// The stable word: `up` or `down`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// What is. Each variant owns exactly what exists in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// No process, and none is wanted.
    Stopped,
    /// A process is on its way up.
    Starting {
        /// How far it has come.
        phase: StartPhase,
        /// Which restart in a row this is; 0 when an order, and no failure, led here.
        attempt: u32,
    },
    /// The plugin's start succeeded and its route is open.
    Running {
        /// When its start succeeded.
        since: Duration,
        /// Whether it answers pings.
        health: Health,
        /// Until when a failure brings the old version back; `None` once the version has proved itself.
        probation: Option<Duration>,
    },
    /// The process is on its way out.
    Stopping {
        /// How far that has come.
        phase: StopPhase,
        /// What happens when its containment is empty.
        after: After,
    },
    /// No process; the next one is spawned when the delay is over.
    BackingOff {
        /// Which restart in a row the next start will be.
        attempt: u32,
        /// When it will be.
        until: Duration,
    },
    /// Given up. Left only by an operator, a new version, a changed manifest or a changed folder.
    Errored {
        /// Which kind of failure it was.
        cause: Cause,
        /// What was seen, in words for an operator.
        diagnosis: String,
    },
}

impl State {
    /// The stable word for command line and JSON: `stopped`, `starting`, `running`, `stopping`, `backing-off`
    /// or `errored`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Starting { .. } => "starting",
            Self::Running { .. } => "running",
            Self::Stopping { .. } => "stopping",
            Self::BackingOff { .. } => "backing-off",
            Self::Errored { .. } => "errored",
        }
    }

    /// The stable word for the phase, in the two states that have phases.
    #[must_use]
    pub const fn phase_name(&self) -> Option<&'static str> {
        match self {
            Self::Starting { phase, .. } => Some(phase.name()),
            Self::Stopping { phase, .. } => Some(phase.name()),
            Self::Stopped | Self::Running { .. } | Self::BackingOff { .. } | Self::Errored { .. } => None,
        }
    }

    /// Why the plugin is errored, when it is.
    #[must_use]
    pub const fn cause(&self) -> Option<Cause> {
        match self {
            Self::Errored { cause, .. } => Some(*cause),
            Self::Stopped
            | Self::Starting { .. }
            | Self::Running { .. }
            | Self::Stopping { .. }
            | Self::BackingOff { .. } => None,
        }
    }

    /// What a request for this plugin meets.
    #[must_use]
    pub const fn route_intent(&self) -> RouteIntent {
        match self {
            Self::Running { .. } => RouteIntent::Open,
            Self::Starting { .. } | Self::BackingOff { .. } => RouteIntent::Waiting,
            Self::Stopping { after, .. } if after.comes_back() => RouteIntent::Waiting,
            Self::Stopping { .. } | Self::Stopped | Self::Errored { .. } => RouteIntent::Closed,
        }
    }
}

/// What a request for a plugin meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RouteIntent {
    /// It goes to the running process.
    Open,
    /// A process is on its way: it waits, bounded in number and time.
    Waiting,
    /// None is on its way: it is answered with 503 and the cause at once.
    Closed,
}
