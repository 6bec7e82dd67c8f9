//! What facts do while a process is on its way up.
//!
//! Called by `step`. Every fact is listed: one that means nothing in a phase is named where it is left out.

use crate::cause::Cause;
use crate::decision::Mishap;
use crate::event::{Deadline, Fact};
use crate::machine::Lifecycle;
use crate::phase::StartPhase;
use crate::state::State;

use StartPhase::{Activating, Handshaking, Spawning};

impl Lifecycle {
    pub(super) fn learn_starting(&mut self, phase: StartPhase, fact: Fact) {
        match (phase, fact) {
            (Spawning, Fact::Spawned { .. }) => {
                self.shortages = 0;
                self.handshake(self.attempt());
            }
            (Spawning, Fact::SpawnFailed { why, transient }) => self.spawn_failed(why, transient),
            (Handshaking, Fact::HandshakeDone { resumes }) => self.activate(self.attempt(), resumes),
            (Handshaking, Fact::Incompatible { why }) => {
                let after = self.refuse(Cause::Incompatible, Mishap::Incompatible(why));
                self.terminate(after);
            }
            (Activating, Fact::StartOk) => self.run(),
            (Activating, Fact::StartRejected { why }) => {
                let after = self.refuse(Cause::StartRejected, Mishap::StartRejected(why));
                self.terminate(after);
            }
            (_, Fact::Exited { exit }) => {
                let after = self.fail(Mishap::Exited(exit));
                self.empty(after);
            }
            (Handshaking | Activating, Fact::StdioLost) => {
                let after = self.fail(Mishap::StdioLost);
                self.leave(after);
            }
            // Within a second deadline, which is the session's, a word from the plugin is better than any suspicion.
            (Handshaking | Activating, Fact::Progress) => {
                self.process.suspected = false;
                self.arm(phase_deadline(phase));
            }
            (Handshaking | Activating, Fact::TracerSeen) if self.process.suspected => {
                self.process.suspected = false;
                self.arm(phase_deadline(phase));
            }
            (Handshaking | Activating, Fact::TracerGone) if self.process.suspected => self.overdue(phase),
            (
                _,
                Fact::Spawned { .. }
                | Fact::SpawnFailed { .. }
                | Fact::HandshakeDone { .. }
                | Fact::Incompatible { .. }
                | Fact::Progress
                | Fact::StartOk
                | Fact::StartRejected { .. }
                | Fact::StdioLost
                | Fact::TracerSeen
                | Fact::TracerGone
                | Fact::Pong
                | Fact::PingUnanswered
                | Fact::PingExcused
                | Fact::Drained
                | Fact::StopAnswered
                | Fact::Empty
                | Fact::NotEmpty { .. },
            ) => {}
        }
    }

    /// Too late, and no debugger is the reason.
    pub(super) fn overdue(&mut self, phase: StartPhase) {
        let deadline = phase_deadline(phase);
        let after = self.fail(Mishap::Overdue { deadline, limit: self.policy.limit(deadline) });
        match phase {
            Spawning => self.kill(after),
            Handshaking | Activating => self.terminate(after),
        }
    }

    fn spawn_failed(&mut self, why: String, transient: bool) {
        let mishap = Mishap::SpawnFailed(why);
        let after = if transient { self.fail(mishap) } else { self.refuse(Cause::CannotSpawn, mishap) };
        self.empty(after);
    }

    fn attempt(&self) -> u32 {
        match self.state {
            State::Starting { attempt, .. } => attempt,
            _ => 0,
        }
    }
}

const fn phase_deadline(phase: StartPhase) -> Deadline {
    match phase {
        Spawning => Deadline::Spawn,
        Handshaking => Deadline::Handshake,
        Activating => Deadline::Start,
    }
}
