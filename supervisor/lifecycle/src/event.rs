//! What can happen to a plugin: orders, facts about one process, deadlines, and the supervisor's own failure.
//!
//! Made by the plugin's actor, consumed by the machine. Knows no machine, no bytes and no descriptors.

use std::fmt;

use crate::state::Generation;

/// One thing that happened. The actor turns whatever its `select!` yields into exactly one of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Someone wants something.
    Order(Order),
    /// Something was seen of one process. That of any but the present generation changes nothing.
    Fact(Generation, Fact),
    /// A deadline that [`Effect::Arm`](crate::Effect::Arm) set has been reached, with the generation it was armed for.
    Deadline(Generation, Deadline),
    /// The supervisor itself failed while it looked after this plugin; what is known of its process is no
    /// longer to be trusted.
    Fault {
        /// What failed, in words for an operator.
        why: String,
    },
}

/// What an operator, the control API, a rescan or the supervisor can ask for. Legal in every state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Run. From `errored` or `stopped` this is a new beginning with a fresh restart budget.
    Start,
    /// Do not run, until the next start.
    Stop,
    /// As stop, with no grace at all: SIGKILL at once. For an operator who has waited enough.
    KillNow,
    /// Stop the process that there is, then start.
    Restart,
    /// Another version is installed: stop the process that there is, then start that version.
    Update {
        /// The version that was installed before.
        from: String,
        /// The version that is installed now.
        to: String,
        /// Whether `from` is still kept, so that a failed probation can go back to it.
        has_old: bool,
    },
    /// The manifest or the settings of this plugin changed under the same version.
    ManifestChanged,
    /// Something in the folder of this plugin is not as it was when it was started last. To one that was given up that is
    /// reason enough for another try; to every other it means nothing.
    FolderChanged,
    /// The supervisor ends. As stop; and from now on nothing brings this plugin up again.
    Shutdown,
    /// The plugin is installed no longer. As stop; and nothing brings it up again.
    Remove,
}

/// What was seen of one process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// Answer to [`Effect::Spawn`](crate::Effect::Spawn): the program runs.
    Spawned {
        /// Its process id.
        pid: u32,
    },
    /// Answer to [`Effect::Spawn`](crate::Effect::Spawn): there is no program running.
    SpawnFailed {
        /// Path, failed step and reason, in words for an operator.
        why: String,
        /// `true` when the machine was short of something (processes, descriptors, memory), so that a later try
        /// may succeed; `false` when the file itself is at fault.
        transient: bool,
    },
    /// Answer to `initialize`.
    HandshakeDone {
        /// Whether the plugin declares `onResume`.
        resumes: bool,
    },
    /// Answer to `initialize`: no common protocol version, or no sensible answer at all.
    Incompatible {
        /// Both ranges, and which side to upgrade.
        why: String,
    },
    /// It says that it still works on `initialize`, `start` or `resume`, within the longest time that a call may take.
    Progress,
    /// Answer to `start` or `resume`: it is up.
    StartOk,
    /// Answer to `start` or `resume`: an error.
    StartRejected {
        /// What the plugin said.
        why: String,
    },
    /// The leader has ended and is reaped.
    Exited {
        /// How it ended.
        exit: Exit,
    },
    /// The conversation is over while the process may still live: its stdin or stdout was closed.
    StdioLost,
    /// It answered a ping.
    Pong,
    /// The session gave up on a ping before its deadline here.
    PingUnanswered,
    /// The host could not ask, being short of something itself: that says nothing about the plugin.
    PingExcused,
    /// Answer to [`Effect::LookForTracer`](crate::Effect::LookForTracer): a debugger holds it.
    TracerSeen,
    /// Answer to [`Effect::LookForTracer`](crate::Effect::LookForTracer): no debugger holds it.
    TracerGone,
    /// Answer to [`Effect::AwaitDrain`](crate::Effect::AwaitDrain): no request is in flight any more.
    Drained,
    /// Answer to `stop`, an error included: its `onStop` is over.
    StopAnswered,
    /// Answer to [`Effect::ProveEmpty`](crate::Effect::ProveEmpty): nothing of that process is left.
    Empty,
    /// Answer to [`Effect::ProveEmpty`](crate::Effect::ProveEmpty): something is left.
    NotEmpty {
        /// The processes that were found, some of them where there are many.
        left: Vec<u32>,
    },
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exit {
    /// It left by itself, with this code (0 to 255).
    Code(i32),
    /// A signal ended it.
    Signal {
        /// The signal's number.
        number: i32,
        /// Its name, such as `SIGSEGV`; `SIGRT` for the nameless real-time ones.
        name: &'static str,
        /// Whether the kernel wrote a core dump.
        core_dumped: bool,
    },
    /// The operating system did not say.
    Unknown,
}

impl Exit {
    /// The exit code, for a process that left by itself.
    #[must_use]
    pub const fn code(&self) -> Option<i32> {
        if let Self::Code(code) = self { Some(*code) } else { None }
    }

    /// The number of the signal that ended it.
    #[must_use]
    pub const fn signal(&self) -> Option<i32> {
        if let Self::Signal { number, .. } = self { Some(*number) } else { None }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exited with code {code}"),
            Self::Signal { number, name, core_dumped } => {
                write!(f, "was killed by {name} ({number}")?;
                f.write_str(if *core_dumped { ", core dumped)" } else { ")" })
            }
            Self::Unknown => f.write_str("ended in a way that was not recorded"),
        }
    }
}

/// The waits. Each has its length in [`Policy`](crate::Policy), save the back-off, which is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Deadline {
    /// The operating system must have made the process.
    Spawn,
    /// `initialize` must have been answered.
    Handshake,
    /// `start` or `resume` must have been answered.
    Start,
    /// Requests in flight must have finished.
    Drain,
    /// `stop` must have been answered.
    Ask,
    /// It must have exited by itself.
    Leave,
    /// It must have exited on SIGTERM.
    Terminate,
    /// The leader must have been reaped after SIGKILL.
    Kill,
    /// The containment must be empty.
    Empty,
    /// Time for another look at a containment that was not empty.
    Look,
    /// Time for the next ping, and for counting the one before.
    Ping,
    /// The look for a debugger must have been answered.
    Verdict,
    /// Time to see whether the debugger is still there.
    Tracer,
    /// The new version has proved itself.
    Probation,
    /// Time for the next start.
    BackOff,
}

impl Deadline {
    /// Every kind, in the order of a plugin's life.
    pub const ALL: [Self; 15] = [
        Self::Spawn,
        Self::Handshake,
        Self::Start,
        Self::Ping,
        Self::Verdict,
        Self::Tracer,
        Self::Probation,
        Self::Drain,
        Self::Ask,
        Self::Leave,
        Self::Terminate,
        Self::Kill,
        Self::Empty,
        Self::Look,
        Self::BackOff,
    ];

    /// The stable word, in lower case with dashes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Spawn => "spawn",
            Self::Handshake => "handshake",
            Self::Start => "start",
            Self::Drain => "drain",
            Self::Ask => "ask",
            Self::Leave => "leave",
            Self::Terminate => "terminate",
            Self::Kill => "kill",
            Self::Empty => "empty",
            Self::Look => "look",
            Self::Ping => "ping",
            Self::Verdict => "verdict",
            Self::Tracer => "tracer",
            Self::Probation => "probation",
            Self::BackOff => "back-off",
        }
    }
}
