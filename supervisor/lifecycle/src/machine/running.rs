//! What facts do while a plugin runs: pings, debuggers, and unexpected ends.
//!
//! Called by `step` and by the deadlines of this state.

use crate::decision::Mishap;
use crate::effect::Effect;
use crate::event::{Deadline, Fact};
use crate::machine::Lifecycle;
use crate::phase::Health;
use crate::state::State;

impl Lifecycle {
    pub(super) fn learn_running(&mut self, fact: &Fact) {
        match fact {
            Fact::Exited { exit } => {
                let after = self.fail(Mishap::Exited(*exit));
                self.empty(after);
            }
            Fact::StdioLost => {
                let after = self.fail(Mishap::StdioLost);
                self.leave(after);
            }
            Fact::Pong => self.ponged(),
            // None is on its way while it is suspected: it became that by the last one's miss, and gets no other.
            Fact::PingUnanswered if self.process.pinged => self.miss(),
            Fact::PingExcused => self.process.pinged = false,
            Fact::TracerSeen => self.trace(),
            Fact::TracerGone if self.health() == Health::Traced => self.untrace(),
            Fact::TracerGone if self.process.suspected => self.hang(),
            Fact::PingUnanswered
            | Fact::TracerGone
            | Fact::Spawned { .. }
            | Fact::SpawnFailed { .. }
            | Fact::HandshakeDone { .. }
            | Fact::Incompatible { .. }
            | Fact::Progress
            | Fact::StartOk
            | Fact::StartRejected { .. }
            | Fact::Drained
            | Fact::StopAnswered
            | Fact::Empty
            | Fact::NotEmpty { .. } => {}
        }
    }

    /// Whatever ends it later, a process that has run for so long has ended a row of failures. Called at every event, before it.
    pub(super) fn note_steadiness(&mut self) {
        let State::Running { since, .. } = self.state else { return };
        if !self.process.steady && self.now.saturating_sub(since) >= self.policy.restart.steady {
            self.process.steady = true;
            self.history.steadied(self.now, &self.policy.restart);
        }
    }

    /// Time for the next ping; the one before counts as missed if it is still on its way.
    pub(super) fn ping(&mut self) {
        if self.process.suspected || self.health() == Health::Traced {
            return;
        }
        if self.process.pinged {
            self.miss();
        }
        if !self.process.suspected {
            self.process.pinged = true;
            self.emit(Effect::SendPing);
            self.arm(Deadline::Ping);
        }
    }

    /// Time to see whether the debugger is still there.
    pub(super) fn look_at_tracer(&mut self) {
        if self.health() == Health::Traced {
            self.emit(Effect::LookForTracer);
            self.arm(Deadline::Tracer);
        }
    }

    /// It is silent, and no debugger is the reason.
    pub(super) fn hang(&mut self) {
        let missed = match self.health() {
            Health::Late(missed) => missed,
            Health::Healthy | Health::Traced => 0,
        };
        let after = self.fail(Mishap::PingsLost(missed));
        self.terminate(after);
    }

    /// The new version has proved itself.
    pub(super) fn prove(&mut self) {
        if let State::Running { health: Health::Healthy | Health::Late(_), probation, .. } = &mut self.state
            && probation.take().is_some()
        {
            self.versions.settle();
        }
    }

    fn ponged(&mut self) {
        if self.health() == Health::Traced {
            return;
        }
        self.process.pinged = false;
        if std::mem::take(&mut self.process.suspected) {
            self.arm(Deadline::Ping);
        }
        self.set_health(Health::Healthy);
    }

    /// One more ping without an answer. The last that is allowed makes it suspect, and only suspect: whether a
    /// debugger holds it is looked at before the verdict.
    fn miss(&mut self) {
        self.process.pinged = false;
        let missed = match self.health() {
            Health::Late(missed) => missed.saturating_add(1),
            Health::Healthy | Health::Traced => 1,
        };
        self.set_health(Health::Late(missed));
        if missed >= self.policy.pings_missed {
            self.suspect();
        }
    }

    /// Asks whether a debugger is the reason for the silence.
    pub(super) fn suspect(&mut self) {
        self.process.suspected = true;
        self.emit(Effect::LookForTracer);
        self.arm(Deadline::Verdict);
    }

    /// A debugger holds it: nothing is asked of it until that is over, and its probation stands still.
    fn trace(&mut self) {
        if self.health() == Health::Traced {
            return;
        }
        self.process.suspected = false;
        self.process.pinged = false;
        self.set_health(Health::Traced);
        self.emit(Effect::Disarm);
        self.arm(Deadline::Tracer);
    }

    fn untrace(&mut self) {
        self.set_health(Health::Healthy);
        self.emit(Effect::Disarm);
        self.arm(Deadline::Ping);
        let until = self.now.saturating_add(self.policy.probation);
        if let State::Running { probation: Some(end), .. } = &mut self.state {
            *end = until;
            self.arm(Deadline::Probation);
        }
    }

    pub(super) fn health(&self) -> Health {
        match self.state {
            State::Running { health, .. } => health,
            _ => Health::Healthy,
        }
    }

    fn set_health(&mut self, now: Health) {
        if let State::Running { health, .. } = &mut self.state {
            *health = now;
        }
    }
}
