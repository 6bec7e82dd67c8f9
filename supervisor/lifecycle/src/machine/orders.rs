//! What orders do. They are legal in every state and never make a second process: while one is on its way out,
//! an order only changes what follows.
//!
//! Called by `step`.

use std::time::Duration;

use crate::cause::Cause;
use crate::effect::Effect;
use crate::event::Order;
use crate::machine::Lifecycle;
use crate::phase::{After, StartPhase, StopPhase};
use crate::reason::StopReason;
use crate::state::{Desired, State};

impl Lifecycle {
    pub(super) fn obey(&mut self, order: Order) {
        match order {
            Order::Stop => self.stop(StopReason::Stop),
            Order::KillNow => self.kill_now(),
            Order::Shutdown => {
                self.closing = true;
                self.stop(StopReason::Shutdown);
            }
            Order::Remove => {
                self.closing = true;
                self.stop(StopReason::Removed);
            }
            Order::Start
            | Order::Restart
            | Order::Update { .. }
            | Order::ManifestChanged
            | Order::FolderChanged
                if self.closing => {}
            Order::Start => self.start(),
            Order::Restart => self.renew(StopReason::Restart),
            Order::Update { from, to, has_old } => {
                self.versions.change(from, &to, has_old);
                self.start_over(StopReason::Update);
            }
            Order::ManifestChanged => self.start_over(StopReason::ManifestChanged),
            Order::FolderChanged if self.was_given_up() => self.try_again(),
            Order::FolderChanged => {}
        }
    }

    fn start(&mut self) {
        self.desired = Desired::Up;
        match &mut self.state {
            State::Stopped | State::Errored { .. } => self.begin(),
            State::BackingOff { attempt, .. } => {
                let attempt = *attempt;
                self.spawn(attempt);
            }
            State::Starting { .. } | State::Running { .. } => {}
            State::Stopping { after, .. } => match after {
                After::Start | After::Rollback { .. } => {}
                After::BackOff { delay, .. } => *delay = Duration::ZERO,
                After::Stopped | After::Errored { .. } => {
                    *after = After::Start;
                    self.reason = StopReason::Restart;
                    self.history.clear();
                }
            },
        }
    }

    /// A new beginning, from a state in which the operator, a new version or a new manifest had to act. What
    /// could not be emptied before must be empty first.
    fn begin(&mut self) {
        let goes_on = std::mem::take(&mut self.recalled) && matches!(self.state, State::Stopped);
        if !goes_on {
            self.history.clear();
        }
        self.shortages = 0;
        if self.stuck() {
            self.empty(After::Start);
        } else {
            self.spawn(0);
        }
    }

    /// Another version or another manifest, which deserves a fresh budget. It does not start a plugin that is
    /// wanted down.
    fn start_over(&mut self, reason: StopReason) {
        if self.desired == Desired::Down {
            return;
        }
        self.history.clear();
        match &mut self.state {
            State::Stopping { after, .. } => {
                *after = After::Start;
                self.reason = reason;
            }
            State::BackingOff { .. } => self.spawn(0),
            State::Stopped | State::Errored { .. } | State::Starting { .. } | State::Running { .. } => {
                self.renew(reason);
            }
        }
    }

    /// What was given up may be mended now. It does not begin anew: a plugin that changes its own folder and crashes gets no fresh
    /// window for that.
    fn try_again(&mut self) {
        self.recalled = false;
        self.reason = StopReason::ManifestChanged;
        self.history.end_row();
        self.spawn(0);
    }

    /// Ends the process that there is, if there is one, then starts.
    fn renew(&mut self, reason: StopReason) {
        match self.state {
            State::Stopped | State::Errored { .. } | State::BackingOff { .. } | State::Stopping { .. } => {
                self.reason = reason;
                self.start();
            }
            State::Starting { .. } | State::Running { .. } => {
                self.reason = reason;
                self.wind_down(After::Start);
            }
        }
    }

    fn stop(&mut self, reason: StopReason) {
        self.desired = Desired::Down;
        self.reason = reason;
        match &mut self.state {
            State::Stopped => {}
            State::Starting { .. } | State::Running { .. } => self.wind_down(After::Stopped),
            State::Stopping { after, .. } => *after = After::Stopped,
            State::BackingOff { .. } | State::Errored { .. } => self.put_down(),
        }
    }

    fn kill_now(&mut self) {
        self.desired = Desired::Down;
        self.reason = StopReason::Stop;
        match &mut self.state {
            State::Stopped => {}
            State::BackingOff { .. } | State::Errored { .. } => self.put_down(),
            State::Stopping { phase: StopPhase::Killing, after } => {
                *after = After::Stopped;
                self.emit(Effect::KillAll);
            }
            State::Stopping { phase: StopPhase::Emptying, after } => {
                *after = After::Stopped;
                self.look();
            }
            State::Starting { .. } | State::Running { .. } | State::Stopping { .. } => {
                self.kill(After::Stopped);
            }
        }
    }

    /// Begins the way out that fits how far the process has come: only a plugin whose start succeeded is drained
    /// and asked, and one that may not be born yet cannot be sent a signal that it would honour.
    fn wind_down(&mut self, after: After) {
        match self.state {
            State::Starting { phase: StartPhase::Spawning, .. } => self.kill(after),
            State::Starting { .. } => self.terminate(after),
            _ => self.drain(after),
        }
    }

    /// Down, from a state without a process. What could not be emptied before is tried once more.
    fn put_down(&mut self) {
        if self.stuck() {
            self.empty(After::Stopped);
        } else {
            self.rest();
        }
    }

    /// Whether it is errored, and not for a process that no file can end.
    fn was_given_up(&self) -> bool {
        matches!(self.state, State::Errored { .. }) && !self.stuck()
    }

    fn stuck(&self) -> bool {
        matches!(self.state, State::Errored { cause: Cause::NotEmpty, .. })
    }
}
