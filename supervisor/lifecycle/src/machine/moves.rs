//! The moves from one phase to the next, each with its effects in their order.
//!
//! Called by the files that decide which move an event means. Nothing else changes the state.

use std::time::Duration;

use crate::decision::Decision;
use crate::effect::Effect;
use crate::event::Deadline;
use crate::machine::Lifecycle;
use crate::machine::process::Process;
use crate::phase::{After, Health, StartPhase, StopPhase};
use crate::state::State;

impl Lifecycle {
    pub(super) fn emit(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Arms a wait of the length that the policy gives it.
    pub(super) fn arm(&mut self, deadline: Deadline) {
        let after = self.policy.limit(deadline);
        self.emit(Effect::Arm { deadline, generation: self.generation, after });
    }

    /// Every change of phase begins here: the waits of the phase that is left mean nothing any more, and whoever
    /// leaves `running` closes the route.
    fn enter(&mut self, state: State) {
        self.emit(Effect::Disarm);
        if matches!(self.state, State::Running { .. }) {
            self.emit(Effect::CloseRoute);
        }
        self.process.suspected = false;
        self.state = state;
    }

    pub(super) fn spawn(&mut self, attempt: u32) {
        self.generation = self.generation.next();
        self.process = Process::unborn();
        self.enter(State::Starting { phase: StartPhase::Spawning, attempt });
        self.emit(Effect::Spawn { generation: self.generation });
        self.arm(Deadline::Spawn);
    }

    pub(super) fn handshake(&mut self, attempt: u32) {
        self.enter(State::Starting { phase: StartPhase::Handshaking, attempt });
        self.emit(Effect::SendInitialize);
        self.arm(Deadline::Handshake);
    }

    pub(super) fn activate(&mut self, attempt: u32, resumes: bool) {
        self.enter(State::Starting { phase: StartPhase::Activating, attempt });
        let resume_from = self.versions.resume_from().filter(|_| resumes).map(str::to_owned);
        self.emit(match resume_from {
            Some(from_version) => Effect::SendResume { from_version },
            None => Effect::SendStart,
        });
        self.arm(Deadline::Start);
    }

    pub(super) fn run(&mut self) {
        self.versions.started();
        let probation = self.versions.rollback_to().map(|_| self.now.saturating_add(self.policy.probation));
        self.enter(State::Running { since: self.now, health: Health::Healthy, probation });
        self.emit(Effect::OpenRoute);
        self.arm(Deadline::Ping);
        if probation.is_some() {
            self.arm(Deadline::Probation);
        }
    }

    pub(super) fn drain(&mut self, after: After) {
        self.enter(State::Stopping { phase: StopPhase::Draining, after });
        self.emit(Effect::AwaitDrain);
        self.arm(Deadline::Drain);
    }

    /// Only reached from a start that succeeded, through `drain`.
    pub(super) fn ask(&mut self, after: After) {
        self.enter(State::Stopping { phase: StopPhase::Asking, after });
        self.emit(Effect::SendStop { reason: self.reason });
        self.arm(Deadline::Ask);
    }

    pub(super) fn leave(&mut self, after: After) {
        self.enter(State::Stopping { phase: StopPhase::Leaving, after });
        self.emit(Effect::CloseStdin);
        self.arm(Deadline::Leave);
    }

    pub(super) fn terminate(&mut self, after: After) {
        let open = !matches!(self.state, State::Stopping { phase: StopPhase::Leaving, .. });
        self.enter(State::Stopping { phase: StopPhase::Terminating, after });
        if open {
            self.emit(Effect::CloseStdin);
        }
        self.emit(Effect::SendTerminate);
        self.arm(Deadline::Terminate);
    }

    pub(super) fn kill(&mut self, after: After) {
        self.enter(State::Stopping { phase: StopPhase::Killing, after });
        self.emit(Effect::KillAll);
        self.arm(Deadline::Kill);
    }

    pub(super) fn empty(&mut self, after: After) {
        self.enter(State::Stopping { phase: StopPhase::Emptying, after });
        self.look();
        self.arm(Deadline::Empty);
    }

    /// Kills what is left, then looks whether anything is.
    pub(super) fn look(&mut self) {
        self.emit(Effect::KillAll);
        self.emit(Effect::ProveEmpty);
    }

    /// The containment is empty: what was to follow, follows.
    pub(super) fn follow(&mut self, after: After) {
        self.emit(Effect::RemoveSocket);
        self.conclude(&after);
        match after {
            After::Stopped => self.enter(State::Stopped),
            After::Start => self.spawn(0),
            After::Rollback { to } => {
                self.versions.settle();
                self.emit(Effect::RollBack { to });
                self.spawn(0);
            }
            After::BackOff { attempt, delay } if delay.is_zero() => self.restart(attempt),
            After::BackOff { attempt, delay } => self.back_off(attempt, delay),
            After::Errored { cause, diagnosis } => self.enter(State::Errored { cause, diagnosis }),
        }
    }

    pub(super) fn restart(&mut self, attempt: u32) {
        // What the machine had no room for is not a process that failed.
        if self.shortages == 0 {
            self.restarts = self.restarts.saturating_add(1);
        }
        self.spawn(attempt);
    }

    fn back_off(&mut self, attempt: u32, delay: Duration) {
        self.enter(State::BackingOff { attempt, until: self.now.saturating_add(delay) });
        self.emit(Effect::Arm { deadline: Deadline::BackOff, generation: self.generation, after: delay });
    }

    /// Down, from a state without a process.
    pub(super) fn rest(&mut self) {
        self.decision = Some(Decision::Stopped { reason: self.reason });
        self.enter(State::Stopped);
    }
}
