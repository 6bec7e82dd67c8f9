//! The machine: one plugin's life, stepped by events, answering with effects.
//!
//! Owned and stepped by the plugin's actor. Knows no clock (the caller says what time it is), no process and no
//! message. What each order, fact and deadline does stands in the files below this one, one concern each.

mod deadlines;
mod failures;
mod moves;
mod orders;
mod process;
mod running;
mod starting;
mod stopping;
mod versions;

use std::time::Duration;

use self::process::Process;
use self::versions::Versions;
use crate::budget::CrashHistory;
use crate::chance::Chance;
use crate::decision::{Decision, Failure};
use crate::effect::Effect;
use crate::event::{Event, Fact};
use crate::policy::Policy;
use crate::reason::StopReason;
use crate::snapshot::Snapshot;
use crate::state::{Desired, Generation, RouteIntent, State};

/// One plugin's life.
///
/// Everything that happens goes through [`step`](Self::step); everything that is to be done comes out of it.
#[derive(Clone, Debug)]
pub struct Lifecycle {
    pub(crate) policy: Policy,
    chance: Chance,
    pub(crate) desired: Desired,
    /// The supervisor ends, or the plugin was removed: nothing brings it up again.
    closing: bool,
    pub(crate) state: State,
    generation: Generation,
    process: Process,
    /// The order that the process on its way out was last given.
    reason: StopReason,
    versions: Versions,
    pub(crate) history: CrashHistory,
    /// The history is that of another supervisor, whose end does not let the plugin begin anew.
    pub(crate) recalled: bool,
    pub(crate) restarts: u32,
    /// Tries in a row for which the machine was short of something.
    shortages: u32,
    since: Duration,
    failure: Option<Failure>,
    decision: Option<Decision>,
    /// The latest time that was heard of.
    pub(crate) now: Duration,
    effects: Vec<Effect>,
}

impl Lifecycle {
    /// A plugin that was never started. `seed` is the chance in its delays: give each plugin its own.
    #[must_use]
    pub fn new(policy: Policy, seed: u64) -> Self {
        Self {
            policy,
            chance: Chance::new(seed),
            desired: Desired::Down,
            closing: false,
            state: State::Stopped,
            generation: Generation::NONE,
            process: Process::default(),
            reason: StopReason::Stop,
            versions: Versions::default(),
            history: CrashHistory::default(),
            recalled: false,
            restarts: 0,
            shortages: 0,
            since: Duration::ZERO,
            failure: None,
            decision: None,
            now: Duration::ZERO,
            effects: Vec::new(),
        }
    }

    /// The successor of a machine that was lost with its task, of which this was seen last.
    ///
    /// Step it with [`Event::Fault`] first: that ends whatever the lost task left behind.
    #[must_use]
    pub fn succeeding(policy: Policy, seed: u64, lost: &Snapshot) -> Self {
        let Snapshot { generation, desired, closing, .. } = *lost;
        Self { generation, desired, closing, ..Self::new(policy, seed) }
    }

    /// For a version other than the one that ran last, in another life of the supervisor: the first start is one after
    /// an update. The same version changes nothing.
    #[must_use]
    pub fn updated(mut self, from: String, to: &str) -> Self {
        self.versions.change(from, to, false);
        self
    }

    /// Takes in one event at time `now` (since any epoch that stays the same) and says what to do, in order.
    ///
    /// Total and free of panics: an event that means nothing in the present state does nothing. Time that runs
    /// backwards is taken for time that stands still.
    pub fn step(&mut self, event: Event, now: Duration) -> Vec<Effect> {
        self.now = self.now.max(now);
        self.note_steadiness();
        let before = (self.state.clone(), self.desired, self.process.pid());
        match event {
            Event::Order(order) => self.obey(order),
            Event::Fault { why } => self.distrust(why),
            Event::Fact(generation, _) | Event::Deadline(generation, _) if generation != self.generation => {}
            Event::Fact(_, fact) => self.learn(fact),
            Event::Deadline(_, deadline) => self.reach(deadline),
        }
        if before.0.name() != self.state.name() {
            self.since = self.now;
        }
        if before != (self.state.clone(), self.desired, self.process.pid()) {
            self.effects.push(Effect::Publish);
        }
        std::mem::take(&mut self.effects)
    }

    /// A fact of the present generation, sorted by what the plugin is doing.
    fn learn(&mut self, fact: Fact) {
        self.process.note(&fact);
        match self.state {
            State::Starting { phase, .. } => self.learn_starting(phase, fact),
            State::Running { .. } => self.learn_running(&fact),
            State::Stopping { phase, .. } => self.learn_stopping(phase, fact),
            State::Stopped | State::BackingOff { .. } | State::Errored { .. } => self.learn_at_rest(&fact),
        }
    }

    /// What is.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// What the operator wants.
    #[must_use]
    pub const fn desired(&self) -> Desired {
        self.desired
    }

    /// The generation of the present or last process.
    #[must_use]
    pub const fn generation(&self) -> Generation {
        self.generation
    }

    /// What a request for this plugin meets.
    #[must_use]
    pub const fn route_intent(&self) -> RouteIntent {
        self.state.route_intent()
    }

    /// The policy in force.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Puts other settings in force, from the next wait and the next failure on.
    pub fn set_policy(&mut self, policy: Policy) {
        self.policy = policy;
    }

    /// All that can be shown, copied.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            state: self.state.clone(),
            desired: self.desired,
            closing: self.closing,
            generation: self.generation,
            pid: self.process.pid(),
            restarts: self.restarts,
            beginnings: self.history.beginnings(),
            since: self.since,
            failure: self.failure.clone(),
            decision: self.decision.clone(),
        }
    }
}
