//! What follows a failure: roll back, restart, or give up; and the record of why.
//!
//! Called when a process ended, hung or refused. Every such judgement is made here and nowhere else.

use std::time::Duration;

use crate::backoff;
use crate::budget::Budget;
use crate::cause::Cause;
use crate::decision::{Decision, Failure, Mishap, Stage};
use crate::effect::Effect;
use crate::event::{Deadline, Exit};
use crate::machine::Lifecycle;
use crate::phase::{After, StartPhase, StopPhase};
use crate::state::{Desired, State};

/// The codes with which a shell or a trampoline says that there was no program to run.
const NOT_EXECUTABLE: i32 = 126;
const NOT_FOUND: i32 = 127;

impl Lifecycle {
    /// An unexpected end. Returns what follows when the containment is empty.
    pub(super) fn fail(&mut self, mishap: Mishap) -> After {
        if let Mishap::Exited(exit) = mishap
            && no_program(self.stage(), exit)
        {
            return self.refuse(Cause::CannotSpawn, mishap);
        }
        if is_shortage(&mishap) {
            self.note_failure(mishap);
            return self.wait_out();
        }
        self.note_failure(mishap);
        if let Some(to) = self.versions.rollback_to() {
            return After::Rollback { to: to.to_owned() };
        }
        match self.history.record(self.now, &self.policy.restart) {
            Budget::Left { attempt } => {
                let delay = backoff::delay(attempt, &self.policy.restart, &mut self.chance);
                After::BackOff { attempt, delay }
            }
            Budget::Spent(rule) => {
                After::Errored { cause: Cause::CrashLoop, diagnosis: format!("budget spent: {rule}") }
            }
        }
    }

    /// The machine was short of something: the same is tried again after a pause, as often as need be, and counts against
    /// nobody.
    fn wait_out(&mut self) -> After {
        let attempt = match self.state {
            State::Starting { attempt, .. } => attempt,
            _ => 0,
        };
        self.shortages = self.shortages.saturating_add(1);
        let delay = backoff::in_a_shortage(self.shortages, &self.policy.restart, &mut self.chance);
        After::BackOff { attempt, delay }
    }

    /// A failure that would only repeat itself. Returns what follows when the containment is empty.
    pub(super) fn refuse(&mut self, cause: Cause, mishap: Mishap) -> After {
        let failure = self.note_failure(mishap);
        match self.versions.rollback_to() {
            Some(to) => After::Rollback { to: to.to_owned() },
            None => After::Errored { cause, diagnosis: failure.to_string() },
        }
    }

    /// A process that closed its stdio was about to exit, as most are: its exit says more than the closed pipe.
    pub(super) fn learn_exit_after_stdio(&mut self, exit: Exit, after: After) -> After {
        let Some(failure) = self.failure.as_mut().filter(|f| f.generation == self.generation) else {
            return after;
        };
        if failure.mishap != Mishap::StdioLost {
            return after;
        }
        failure.mishap = Mishap::Exited(exit);
        match after {
            After::BackOff { .. } | After::Errored { cause: Cause::CrashLoop, .. }
                if no_program(failure.stage, exit) =>
            {
                After::Errored { cause: Cause::CannotSpawn, diagnosis: failure.to_string() }
            }
            other => other,
        }
    }

    /// The supervisor failed: whatever is left of the process is ended without trusting what was known of it.
    /// What was given up stays so, with its own cause.
    pub(super) fn distrust(&mut self, why: String) {
        let after = match self.desired {
            Desired::Up => After::Errored { cause: Cause::Internal, diagnosis: why },
            Desired::Down => After::Stopped,
        };
        match &mut self.state {
            State::Stopping { phase: StopPhase::Emptying, after: planned } => {
                *planned = after;
                self.look();
            }
            State::Errored { .. } => self.emit(Effect::KillAll),
            State::Stopped
            | State::Starting { .. }
            | State::Running { .. }
            | State::Stopping { .. }
            | State::BackingOff { .. } => self.empty(after),
        }
    }

    /// The containment cannot be emptied: there must not be another process.
    pub(super) fn stick(&mut self) {
        let left = std::mem::take(&mut self.process.left);
        let after =
            After::Errored { cause: Cause::NotEmpty, diagnosis: still_there(&left, self.process.unborn) };
        self.follow(after);
    }

    /// Records what was decided at the end of a process.
    pub(super) fn conclude(&mut self, after: &After) {
        let of = self.policy.restart.in_a_row;
        let decision = match after.clone() {
            After::Stopped => Decision::Stopped { reason: self.reason },
            After::Start => Decision::StartAgain { reason: self.reason },
            After::Rollback { to } => Decision::RollBack { to },
            After::BackOff { delay, .. }
                if self.failure.as_ref().is_some_and(|of| is_shortage(&of.mishap)) =>
            {
                Decision::TryAgainIn { delay }
            }
            After::BackOff { attempt, delay } if delay.is_zero() => Decision::RestartAtOnce { attempt, of },
            After::BackOff { attempt, delay } => Decision::RestartIn { delay, attempt, of },
            After::Errored { cause, diagnosis } => Decision::Errored { cause, diagnosis },
        };
        self.decision = Some(decision.clone());
        self.emit(Effect::RecordExit { decision });
    }

    fn note_failure(&mut self, mishap: Mishap) -> Failure {
        let ran_for = match self.state {
            State::Running { since, .. } => self.now.saturating_sub(since),
            _ => Duration::ZERO,
        };
        let failure = Failure { generation: self.generation, stage: self.stage(), mishap, ran_for };
        self.failure = Some(failure.clone());
        failure
    }

    fn stage(&self) -> Stage {
        match self.state {
            State::Starting { phase: StartPhase::Spawning, .. } => Stage::Spawn,
            State::Starting { phase: StartPhase::Handshaking, .. } => Stage::Handshake,
            State::Starting { phase: StartPhase::Activating, .. } => Stage::Start,
            State::Running { .. }
            | State::Stopped
            | State::Stopping { .. }
            | State::BackingOff { .. }
            | State::Errored { .. } => Stage::Run,
        }
    }
}

/// Whether the machine was short of something, which says nothing against the plugin.
const fn is_shortage(mishap: &Mishap) -> bool {
    matches!(mishap, Mishap::SpawnFailed(_) | Mishap::Overdue { deadline: Deadline::Spawn, .. })
}

/// Whether this exit says that there was no program to run.
fn no_program(stage: Stage, exit: Exit) -> bool {
    matches!(stage, Stage::Spawn | Stage::Handshake) && matches!(exit, Exit::Code(NOT_EXECUTABLE | NOT_FOUND))
}

/// How many of the processes that are left are named to an operator: enough to look at, few enough to read.
const NAMED: usize = 8;

fn still_there(left: &[u32], unborn: bool) -> String {
    if left.is_empty() {
        let what = if unborn {
            "the spawn was never answered"
        } else {
            "no look at its processes proved it in time"
        };
        return format!("it could not be shown that nothing is left: {what}");
    }
    let pids: Vec<String> = left.iter().take(NAMED).map(u32::to_string).collect();
    let more = if left.len() > NAMED { " and more" } else { "" };
    format!("alive after SIGKILL: process {}{more}", pids.join(", "))
}
