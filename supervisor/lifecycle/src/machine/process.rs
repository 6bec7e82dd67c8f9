//! What the machine remembers of the present process beside the state.
//!
//! Kept by the machine; made anew for each process, so that nothing of one reaches the next.

use crate::event::Fact;

/// The present or last process.
#[derive(Clone, Debug, Default)]
pub(super) struct Process {
    /// `Spawn` was carried out and not answered yet: a process may still come to life.
    pub(super) unborn: bool,
    /// A ping is on its way.
    pub(super) pinged: bool,
    /// It is silent, and a look for a debugger is on its way.
    pub(super) suspected: bool,
    /// It has run for as long as it takes to be called steady.
    pub(super) steady: bool,
    /// What the last look found alive.
    pub(super) left: Vec<u32>,
    pid: Option<u32>,
}

impl Process {
    /// One that was asked for.
    pub(super) fn unborn() -> Self {
        Self { unborn: true, ..Self::default() }
    }

    /// The process id, while the leader lives.
    pub(super) const fn pid(&self) -> Option<u32> {
        self.pid
    }

    /// Keeps what a fact says of life and death, whatever the state makes of it.
    pub(super) fn note(&mut self, fact: &Fact) {
        match fact {
            Fact::Spawned { pid } => {
                self.unborn = false;
                self.pid = Some(*pid);
            }
            Fact::SpawnFailed { .. } | Fact::Exited { .. } => {
                self.unborn = false;
                self.pid = None;
            }
            Fact::HandshakeDone { .. }
            | Fact::Incompatible { .. }
            | Fact::Progress
            | Fact::StartOk
            | Fact::StartRejected { .. }
            | Fact::StdioLost
            | Fact::Pong
            | Fact::PingUnanswered
            | Fact::PingExcused
            | Fact::TracerSeen
            | Fact::TracerGone
            | Fact::Drained
            | Fact::StopAnswered
            | Fact::Empty
            | Fact::NotEmpty { .. } => {}
        }
    }
}
