//! What reached deadlines do. One that belongs to another phase means nothing: it was on its way when the phase ended.
//!
//! Called by `step`.

use crate::event::Deadline;
use crate::machine::Lifecycle;
use crate::phase::{StartPhase, StopPhase};
use crate::state::State;

impl Lifecycle {
    pub(super) fn reach(&mut self, deadline: Deadline) {
        match self.state {
            State::Starting { phase, .. } => self.reach_starting(phase, deadline),
            State::Running { .. } => self.reach_running(deadline),
            State::Stopping { phase, .. } => self.reach_stopping(phase, deadline),
            State::BackingOff { attempt, .. } => {
                if deadline == Deadline::BackOff {
                    self.restart(attempt);
                }
            }
            State::Stopped | State::Errored { .. } => {}
        }
    }

    fn reach_starting(&mut self, phase: StartPhase, deadline: Deadline) {
        match (phase, deadline) {
            (StartPhase::Spawning, Deadline::Spawn) => self.overdue(phase),
            (StartPhase::Handshaking, Deadline::Handshake) | (StartPhase::Activating, Deadline::Start)
                if !self.process.suspected =>
            {
                self.suspect();
            }
            (StartPhase::Handshaking | StartPhase::Activating, Deadline::Verdict)
                if self.process.suspected =>
            {
                self.overdue(phase);
            }
            _ => {}
        }
    }

    fn reach_running(&mut self, deadline: Deadline) {
        match deadline {
            Deadline::Ping => self.ping(),
            Deadline::Verdict if self.process.suspected => self.hang(),
            Deadline::Tracer => self.look_at_tracer(),
            Deadline::Probation => self.prove(),
            _ => {}
        }
    }

    fn reach_stopping(&mut self, phase: StopPhase, deadline: Deadline) {
        match (phase, deadline) {
            (StopPhase::Draining, Deadline::Drain) => self.ask(self.after()),
            (StopPhase::Asking, Deadline::Ask) | (StopPhase::Leaving, Deadline::Leave) => {
                self.terminate(self.after());
            }
            (StopPhase::Terminating, Deadline::Terminate) => self.kill(self.after()),
            (StopPhase::Killing, Deadline::Kill) => self.empty(self.after()),
            (StopPhase::Emptying, Deadline::Look) => self.look(),
            (StopPhase::Emptying, Deadline::Empty) => self.stick(),
            _ => {}
        }
    }
}
