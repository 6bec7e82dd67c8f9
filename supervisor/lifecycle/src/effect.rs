//! What is to be done: the machine's answers, in the order in which they are to be carried out.
//!
//! Made by the machine, carried out by the plugin's actor, one after the other. Each does exactly one thing to the
//! process of the present generation; carrying one out never needs to ask for the state.

use std::time::Duration;

use crate::decision::Decision;
use crate::event::Deadline;
use crate::reason::StopReason;
use crate::state::Generation;

/// One thing to do. Everything here may be carried out on a process that has already gone, and then does nothing.
///
/// An answer is always an event of its own: carry out all effects of a step before the next event is stepped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Bind a fresh socket and ask for a process. Answer once with `Spawned` or `SpawnFailed`, whatever happens.
    Spawn {
        /// The generation that the process and all its facts carry.
        generation: Generation,
    },
    /// Send `initialize`. Answer with `HandshakeDone` or `Incompatible`.
    SendInitialize,
    /// Send `start`. Answer with `StartOk` or `StartRejected`.
    SendStart,
    /// Send `resume`. Answer with `StartOk` or `StartRejected`.
    SendResume {
        /// The version that ran before.
        from_version: String,
    },
    /// Let requests through to this process.
    OpenRoute,
    /// Let no further request through to this process.
    CloseRoute,
    /// Say `Drained` as soon as no request is in flight.
    AwaitDrain,
    /// Send `stop`. Answer with `StopAnswered`, also to an error.
    SendStop {
        /// Why it is stopped.
        reason: StopReason,
    },
    /// Close its stdin; go on reading its stdout.
    CloseStdin,
    /// SIGTERM to its process group.
    SendTerminate,
    /// SIGKILL to everything in its containment.
    KillAll,
    /// Look once whether anything of it is left, reaping what can be reaped. Answer with `Empty` or `NotEmpty`.
    ProveEmpty,
    /// Remove its socket from the file system.
    RemoveSocket,
    /// Send `ping`. Say `Pong` when it is answered.
    SendPing,
    /// Look whether a debugger holds it. Answer with `TracerSeen` or `TracerGone`.
    LookForTracer,
    /// Make the old version the installed one. Where that fails, answer the `Spawn` that follows with
    /// `SpawnFailed` and the reason instead of carrying it out.
    RollBack {
        /// The version to go back to.
        to: String,
    },
    /// Deliver [`Event::Deadline`](crate::Event::Deadline) when this time has passed. Replaces an armed deadline of the same kind.
    Arm {
        /// Which.
        deadline: Deadline,
        /// The generation to deliver with it.
        generation: Generation,
        /// From now.
        after: Duration,
    },
    /// Forget every deadline that is armed.
    Disarm,
    /// The state changed: show it. Always the last of a step.
    Publish,
    /// A process is over: keep the report on it, with what was decided.
    RecordExit {
        /// What follows.
        decision: Decision,
    },
}

impl Effect {
    /// The variant's name, for logs and for the table in the documentation.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Spawn { .. } => "Spawn",
            Self::SendInitialize => "SendInitialize",
            Self::SendStart => "SendStart",
            Self::SendResume { .. } => "SendResume",
            Self::OpenRoute => "OpenRoute",
            Self::CloseRoute => "CloseRoute",
            Self::AwaitDrain => "AwaitDrain",
            Self::SendStop { .. } => "SendStop",
            Self::CloseStdin => "CloseStdin",
            Self::SendTerminate => "SendTerminate",
            Self::KillAll => "KillAll",
            Self::ProveEmpty => "ProveEmpty",
            Self::RemoveSocket => "RemoveSocket",
            Self::SendPing => "SendPing",
            Self::LookForTracer => "LookForTracer",
            Self::RollBack { .. } => "RollBack",
            Self::Arm { .. } => "Arm",
            Self::Disarm => "Disarm",
            Self::Publish => "Publish",
            Self::RecordExit { .. } => "RecordExit",
        }
    }
}
