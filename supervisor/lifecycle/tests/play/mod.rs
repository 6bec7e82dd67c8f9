//! A play: one machine, its clock and its timers, moved by hand. Used by the tests of this crate; knows only the
//! public surface.
#![allow(clippy::unwrap_used, dead_code, unreachable_pub)] // tests may stop at once, and no test uses every line

use std::collections::BTreeMap;
use std::time::Duration;

use outboard_lifecycle::{Deadline, Effect, Event, Exit, Fact, Generation, Lifecycle, Order, Policy, State};

/// One machine with the timers that its effects arm.
#[derive(Clone, Debug)]
pub struct Play {
    pub life: Lifecycle,
    pub now: Duration,
    pub armed: BTreeMap<Deadline, (Generation, Duration)>,
}

impl Play {
    pub fn new() -> Self {
        Self::with(Policy::default())
    }

    pub fn with(policy: Policy) -> Self {
        Self { life: Lifecycle::new(policy, 1), now: Duration::ZERO, armed: BTreeMap::new() }
    }

    pub fn step(&mut self, event: Event) -> Vec<Effect> {
        let effects = self.life.step(event, self.now);
        for effect in &effects {
            match effect {
                Effect::Disarm => self.armed.clear(),
                Effect::Arm { deadline, generation, after } => {
                    self.armed.insert(*deadline, (*generation, self.now + *after));
                }
                _ => {}
            }
        }
        effects
    }

    pub fn order(&mut self, order: Order) -> Vec<Effect> {
        self.step(Event::Order(order))
    }

    pub fn fact(&mut self, fact: Fact) -> Vec<Effect> {
        self.step(Event::Fact(self.life.generation(), fact))
    }

    /// Lets time pass until this deadline, which must be armed.
    pub fn reach(&mut self, deadline: Deadline) -> Vec<Effect> {
        let armed = self.armed.remove(&deadline);
        let (generation, at) = armed.unwrap_or_else(|| panic!("{deadline:?} is armed in {:?}", self.life));
        self.now = self.now.max(at);
        self.step(Event::Deadline(generation, deadline))
    }

    pub fn start(&mut self) -> &mut Self {
        self.order(Order::Start);
        self.come_up()
    }

    /// From `spawning` to `running`.
    pub fn come_up(&mut self) -> &mut Self {
        self.fact(Fact::Spawned { pid: 100 });
        self.fact(Fact::HandshakeDone { resumes: true });
        self.fact(Fact::StartOk);
        assert!(matches!(self.life.state(), State::Running { .. }), "{:?}", self.life.state());
        self
    }

    /// Ends the leader; nothing is left of it.
    pub fn crash(&mut self) -> Vec<Effect> {
        self.exit(Exit::Code(1));
        self.fact(Fact::Empty)
    }

    pub fn exit(&mut self, exit: Exit) -> Vec<Effect> {
        self.fact(Fact::Exited { exit })
    }

    /// State and phase as the words that the documentation uses.
    pub fn place(&self) -> &'static str {
        place(self.life.state())
    }
}

/// The one word of the documentation's tables for a state: its phase where it has one.
pub fn place(state: &State) -> &'static str {
    match state {
        State::Errored { cause: outboard_lifecycle::Cause::NotEmpty, .. } => "not-empty",
        other => other.phase_name().unwrap_or_else(|| other.name()),
    }
}

/// The names of effects, with the deadline of an `Arm`.
pub fn names(effects: &[Effect]) -> Vec<String> {
    effects
        .iter()
        .map(|effect| match effect {
            Effect::Arm { deadline, .. } => format!("Arm({})", deadline.name()),
            other => other.name().to_owned(),
        })
        .collect()
}
