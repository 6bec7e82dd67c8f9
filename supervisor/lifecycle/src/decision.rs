//! Why things are as they are: what failed, and what was decided, as data and in plain words.
//!
//! Made by the machine; shown by `outboard why`, the log and the dashboard. Knows nothing of how it is shown.

use std::fmt;
use std::time::Duration;

use crate::cause::Cause;
use crate::event::{Deadline, Exit};
use crate::reason::StopReason;
use crate::state::Generation;

/// Something that ended a process, or kept it from running, without an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Of which process.
    pub generation: Generation,
    /// How far the process had come.
    pub stage: Stage,
    /// What it was.
    pub mishap: Mishap,
    /// How long the plugin had been running; zero before its start succeeded.
    pub ran_for: Duration,
}

/// How far a process had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// It was being made.
    Spawn,
    /// It had not answered `initialize`.
    Handshake,
    /// It had not answered `start` or `resume`.
    Start,
    /// It was running.
    Run,
}

impl Stage {
    /// The stable word: `spawn`, `handshake`, `start` or `run`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Spawn => "spawn",
            Self::Handshake => "handshake",
            Self::Start => "start",
            Self::Run => "run",
        }
    }
}

/// What went wrong with a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// It ended. Exit code 0 does not excuse it: nobody had asked.
    Exited(Exit),
    /// It did not do in time what its stage asks of it.
    Overdue {
        /// Which wait was over.
        deadline: Deadline,
        /// How long that wait was.
        limit: Duration,
    },
    /// It left so many pings in a row unanswered.
    PingsLost(u32),
    /// It closed its end of the conversation and lived on.
    StdioLost,
    /// No process could be made.
    SpawnFailed(String),
    /// It speaks another protocol.
    Incompatible(String),
    /// Its start hook said no.
    StartRejected(String),
}

impl Mishap {
    /// What a plugin said below the first line of its refusal, such as a stack; none for most.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        match self {
            Self::StartRejected(why) | Self::Incompatible(why) => parts(why).1,
            Self::Exited(_)
            | Self::Overdue { .. }
            | Self::PingsLost(_)
            | Self::StdioLost
            | Self::SpawnFailed(_) => None,
        }
    }
}

/// The first line of what was said, and the rest.
fn parts(said: &str) -> (&str, Option<&str>) {
    let said = said.trim_start_matches(['\r', '\n']);
    match said.split_once('\n') {
        Some((first, rest)) => (first.trim_end(), Some(rest.trim_end()).filter(|rest| !rest.is_empty())),
        None => (said, None),
    }
}

/// On one line: what follows the first line of a refusal is [`Mishap::detail`].
impl fmt::Display for Mishap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(exit) => write!(f, "it {exit}"),
            Self::Overdue { deadline, limit } => {
                write!(f, "its {} took longer than {limit:?}", deadline.name())
            }
            Self::PingsLost(1) => f.write_str("it did not answer a ping"),
            Self::PingsLost(count) => write!(f, "it did not answer {count} pings in a row"),
            Self::StdioLost => f.write_str("it closed its stdin or stdout and did not exit"),
            Self::SpawnFailed(why) => write!(f, "it could not be spawned: {why}"),
            Self::Incompatible(why) => write!(f, "it is incompatible: {}", parts(why).0),
            Self::StartRejected(why) => write!(f, "its start was rejected: {}", parts(why).0),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.mishap)?;
        match self.stage {
            Stage::Run => write!(f, " after running for {}", Rounded(self.ran_for)),
            stage => write!(f, " (stage: {})", stage.name()),
        }
    }
}

/// What was decided when a process was over, or when no other may follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Stay down, as ordered.
    Stopped {
        /// The order.
        reason: StopReason,
    },
    /// Start again, as ordered.
    StartAgain {
        /// The order.
        reason: StopReason,
    },
    /// Restart without delay.
    RestartAtOnce {
        /// Which restart in a row it is.
        attempt: u32,
        /// How many the policy allows.
        of: u32,
    },
    /// Restart after a delay.
    RestartIn {
        /// How long.
        delay: Duration,
        /// Which restart in a row it is.
        attempt: u32,
        /// How many the policy allows.
        of: u32,
    },
    /// The machine was short of something: start again after a pause, and count it against nobody.
    TryAgainIn {
        /// How long.
        delay: Duration,
    },
    /// Go back to the old version.
    RollBack {
        /// That version.
        to: String,
    },
    /// Give up.
    Errored {
        /// Which kind of failure it was.
        cause: Cause,
        /// What was seen.
        diagnosis: String,
    },
}

impl Decision {
    /// The stable word: `stopped`, `start-again`, `restart-at-once`, `restart-in`, `try-again-in`, `roll-back` or
    /// `errored`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Stopped { .. } => "stopped",
            Self::StartAgain { .. } => "start-again",
            Self::RestartAtOnce { .. } => "restart-at-once",
            Self::RestartIn { .. } => "restart-in",
            Self::TryAgainIn { .. } => "try-again-in",
            Self::RollBack { .. } => "roll-back",
            Self::Errored { .. } => "errored",
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped { reason } => write!(f, "stays stopped (order: {})", reason.name()),
            Self::StartAgain { reason } => write!(f, "start again (order: {})", reason.name()),
            Self::RestartAtOnce { attempt, of } => write!(f, "restart at once, attempt {attempt} of {of}"),
            Self::RestartIn { delay, attempt, of } => {
                write!(f, "restart in {}, attempt {attempt} of {of}", Rounded(*delay))
            }
            Self::TryAgainIn { delay } => {
                write!(
                    f,
                    "try again in {}; the machine was short, which counts against nobody",
                    Rounded(*delay)
                )
            }
            Self::RollBack { to } => write!(f, "roll back to version {to}"),
            // How the process ended stands beside the decision, and is the whole diagnosis.
            Self::Errored { cause, .. } if cause.is_refusal() => write!(f, "errored ({})", cause.name()),
            Self::Errored { cause, diagnosis } => write!(f, "errored ({}): {diagnosis}", cause.name()),
        }
    }
}

/// A time as a person wants it: whole milliseconds below ten seconds, else whole seconds.
struct Rounded(Duration);

impl fmt::Display for Rounded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < Duration::from_secs(10) {
            write!(f, "{} ms", self.0.as_millis())
        } else {
            write!(f, "{} s", self.0.as_secs())
        }
    }
}
