//! What facts do while a process is on its way out, and when there should be none.
//!
//! Called by `step`. Whatever ends a process, it passes through `emptying`, where alone another may follow.

use crate::effect::Effect;
use crate::event::{Deadline, Fact};
use crate::machine::Lifecycle;
use crate::phase::{After, StopPhase};
use crate::state::State;

use StopPhase::{Asking, Draining, Emptying, Killing, Leaving, Terminating};

impl Lifecycle {
    pub(super) fn learn_stopping(&mut self, phase: StopPhase, fact: Fact) {
        match (phase, fact) {
            (Draining, Fact::Drained) => self.ask(self.after()),
            (Draining | Asking, Fact::StdioLost) | (Asking, Fact::StopAnswered) => self.leave(self.after()),
            (Leaving, Fact::Exited { exit }) => {
                let after = self.learn_exit_after_stdio(exit, self.after());
                self.empty(after);
            }
            (Draining | Asking | Terminating | Killing, Fact::Exited { .. })
            | (Killing, Fact::SpawnFailed { .. }) => self.empty(self.after()),
            (Killing, Fact::Spawned { .. }) => self.emit(Effect::KillAll),
            (Emptying, Fact::Exited { .. } | Fact::Spawned { .. } | Fact::SpawnFailed { .. }) => self.look(),
            (Emptying, Fact::Empty) if !self.process.unborn => self.follow(self.after()),
            (Emptying, Fact::NotEmpty { left }) => {
                self.process.left = left;
                self.arm(Deadline::Look);
            }
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
                | Fact::Pong
                | Fact::PingUnanswered
                | Fact::PingExcused
                | Fact::TracerSeen
                | Fact::TracerGone
                | Fact::Drained
                | Fact::StopAnswered
                | Fact::Empty
                | Fact::NotEmpty { .. },
            ) => {}
        }
    }

    /// A process that comes to life when there should be none is ended, and its end made sure of before another
    /// may follow. What was given up stays so.
    pub(super) fn learn_at_rest(&mut self, fact: &Fact) {
        if !matches!(fact, Fact::Spawned { .. }) {
            return;
        }
        match self.state {
            State::Stopped => self.empty(After::Stopped),
            State::BackingOff { attempt, until } => {
                let delay = until.saturating_sub(self.now);
                self.empty(After::BackOff { attempt, delay });
            }
            _ => self.emit(Effect::KillAll),
        }
    }

    pub(super) fn after(&self) -> After {
        match &self.state {
            State::Stopping { after, .. } => after.clone(),
            _ => After::Stopped,
        }
    }
}
