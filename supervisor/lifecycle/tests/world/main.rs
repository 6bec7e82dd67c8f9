//! An honest world: a small model of operating system and plugin that carries out effects and answers with facts.
//!
//! The invariants are tested elsewhere under senseless events; here every event is one that could really happen, so
//! that promises about the end of things can be tested: after a stop a plugin is stopped, in bounded time, and then
//! nothing of it lives.
#![allow(clippy::unwrap_used, unreachable_pub)] // a test may stop at once; its modules are its own

mod child;

use std::collections::BTreeMap;
use std::time::Duration;

use child::{Nature, Spawns, nature};
use outboard_lifecycle::{Deadline, Effect, Event, Exit, Fact, Generation, Lifecycle, Order, Policy, State};
use proptest::prelude::*;

/// What will happen, and when.
#[derive(Clone, Debug)]
enum Coming {
    Born(Generation),
    NotBorn(Generation, bool),
    Says(Generation, Fact),
    Exits(Generation, Exit),
    GrandchildDies(Generation),
    Looks(Generation),
    Order(Order),
}

/// What lives of one generation.
#[derive(Clone, Copy, Debug, Default)]
struct Alive {
    leader: bool,
    grandchildren: u32,
    killed: bool,
}

struct World {
    life: Lifecycle,
    nature: Nature,
    now: Duration,
    coming: BTreeMap<(Duration, u64), Coming>,
    armed: BTreeMap<Deadline, (Generation, Duration)>,
    alive: BTreeMap<Generation, Alive>,
    sequence: u64,
    spawns: u32,
}

impl World {
    fn new(nature: Nature, orders: Vec<(u64, Order)>) -> Self {
        let mut world = Self {
            life: Lifecycle::new(Policy::default(), 5),
            nature,
            now: Duration::ZERO,
            coming: BTreeMap::new(),
            armed: BTreeMap::new(),
            alive: BTreeMap::new(),
            sequence: 0,
            spawns: 0,
        };
        for (millis, order) in orders {
            world.later(Some(Duration::from_millis(millis)), Coming::Order(order));
        }
        world
    }

    fn later(&mut self, after: Option<Duration>, coming: Coming) {
        if let Some(after) = after {
            self.sequence += 1;
            self.coming.insert((self.now + after, self.sequence), coming);
        }
    }

    fn says(&mut self, after: Option<Duration>, fact: Fact) {
        let silent = self.nature.traced && !matches!(fact, Fact::TracerSeen | Fact::Drained);
        let generation = self.life.generation();
        self.later(after.filter(|_| !silent), Coming::Says(generation, fact));
    }

    /// Lets happen whatever happens next, until the given time; says whether anything did.
    fn turn(&mut self, until: Duration) -> bool {
        let coming = self.coming.first_key_value().map(|(key, _)| *key);
        let armed = self.armed.iter().map(|(deadline, (_, at))| (*at, *deadline)).min();
        match (coming, armed) {
            (Some(key), armed) if key.0 <= until && armed.is_none_or(|(at, _)| key.0 <= at) => {
                self.now = key.0;
                let coming = self.coming.remove(&key).unwrap();
                self.happen(coming);
            }
            (_, Some((at, deadline))) if at <= until => {
                self.now = at;
                let (generation, _) = self.armed.remove(&deadline).unwrap();
                self.step(Event::Deadline(generation, deadline));
            }
            _ => return false,
        }
        true
    }

    fn happen(&mut self, coming: Coming) {
        match coming {
            Coming::Order(order) => self.step(Event::Order(order)),
            Coming::Looks(generation) => self.look(generation),
            Coming::NotBorn(generation, transient) => {
                let why = "it is missing".into();
                self.step(Event::Fact(generation, Fact::SpawnFailed { why, transient }));
            }
            Coming::Born(generation) => {
                let grandchildren = self.nature.grandchildren;
                self.alive.insert(generation, Alive { leader: true, grandchildren, killed: false });
                self.later(self.nature.crash, Coming::Exits(generation, Exit::Code(1)));
                self.step(Event::Fact(generation, Fact::Spawned { pid: 1 }));
            }
            Coming::Says(generation, fact) => {
                let hung_up = !self.alive.get(&generation).is_some_and(|alive| alive.leader);
                if !hung_up || matches!(fact, Fact::Drained) {
                    self.step(Event::Fact(generation, fact));
                }
            }
            Coming::Exits(generation, exit) => {
                let alive = self.alive.entry(generation).or_default();
                if std::mem::take(&mut alive.leader) {
                    self.step(Event::Fact(generation, Fact::StdioLost));
                    self.step(Event::Fact(generation, Fact::Exited { exit }));
                }
            }
            Coming::GrandchildDies(generation) => {
                let alive = self.alive.entry(generation).or_default();
                alive.grandchildren = alive.grandchildren.saturating_sub(1);
            }
        }
    }

    fn step(&mut self, event: Event) {
        for effect in self.life.step(event, self.now) {
            self.carry_out(&effect);
        }
        self.check();
    }

    fn carry_out(&mut self, effect: &Effect) {
        let nature = self.nature.clone();
        match effect {
            Effect::Spawn { generation } => self.spawn(*generation),
            Effect::SendInitialize => self.says(nature.handshake, Fact::HandshakeDone { resumes: true }),
            Effect::SendStart | Effect::SendResume { .. } if nature.start_is_rejected => {
                self.says(nature.start, Fact::StartRejected { why: "no".into() });
            }
            Effect::SendStart | Effect::SendResume { .. } => self.says(nature.start, Fact::StartOk),
            Effect::SendStop { .. } => self.says(nature.stop, Fact::StopAnswered),
            Effect::SendPing => self.says(nature.pong, Fact::Pong),
            Effect::LookForTracer => {
                let seen = if nature.traced { Fact::TracerSeen } else { Fact::TracerGone };
                self.says(Some(Duration::ZERO), seen);
            }
            Effect::AwaitDrain => self.says(nature.drains, Fact::Drained),
            Effect::CloseStdin => self.exits(nature.leaves.filter(|_| !nature.traced), Exit::Code(0)),
            Effect::SendTerminate => {
                let end = Exit::Signal { number: 15, name: "SIGTERM", core_dumped: false };
                self.exits(nature.terminates.filter(|_| !nature.traced), end);
            }
            Effect::KillAll => self.kill_all(),
            Effect::ProveEmpty => self.later(Some(Duration::ZERO), Coming::Looks(self.life.generation())),
            Effect::Arm { deadline, generation, after } => {
                self.armed.insert(*deadline, (*generation, self.now + *after));
            }
            Effect::Disarm => self.armed.clear(),
            Effect::OpenRoute
            | Effect::CloseRoute
            | Effect::RemoveSocket
            | Effect::RollBack { .. }
            | Effect::Publish
            | Effect::RecordExit { .. } => {}
        }
    }

    fn spawn(&mut self, generation: Generation) {
        self.spawns += 1;
        let coming = match self.nature.spawns {
            Spawns::Always => Coming::Born(generation),
            Spawns::OnlyLater if self.spawns > 2 => Coming::Born(generation),
            Spawns::OnlyLater => Coming::NotBorn(generation, true),
            Spawns::Never => Coming::NotBorn(generation, false),
        };
        self.later(Some(self.nature.spawn), coming);
    }

    fn exits(&mut self, after: Option<Duration>, exit: Exit) {
        self.later(after, Coming::Exits(self.life.generation(), exit));
    }

    /// SIGKILL to what lives now: what is born later needs another.
    fn kill_all(&mut self) {
        let generation = self.life.generation();
        let (dies, alive) = (self.nature.dies, self.alive.entry(generation).or_default());
        if std::mem::replace(&mut alive.killed, alive.leader || alive.grandchildren > 0) {
            return;
        }
        for _ in 0..alive.grandchildren {
            self.later(Some(dies), Coming::GrandchildDies(generation));
        }
        self.later(
            Some(dies),
            Coming::Exits(generation, Exit::Signal { number: 9, name: "SIGKILL", core_dumped: false }),
        );
    }

    fn look(&mut self, generation: Generation) {
        let alive = self.alive.get(&generation).copied().unwrap_or_default();
        let left = u32::from(alive.leader) + alive.grandchildren;
        let seen = if left == 0 { Fact::Empty } else { Fact::NotEmpty { left: vec![1; left as usize] } };
        self.step(Event::Fact(generation, seen));
    }

    fn living(&self) -> usize {
        self.alive.values().filter(|alive| alive.leader || alive.grandchildren > 0).count()
    }

    fn check(&self) {
        assert!(self.living() <= 1, "two processes of one plugin live: {:?}", self.alive);
        let none = matches!(self.life.state(), State::Stopped | State::BackingOff { .. })
            || self.life.state().cause().is_some();
        assert!(!none || self.living() == 0, "{:?} while it lives: {:?}", self.life.state(), self.alive);
    }
}

fn orders() -> impl Strategy<Value = Vec<(u64, Order)>> {
    let order = prop_oneof![
        4 => Just(Order::Start),
        2 => Just(Order::Restart),
        2 => Just(Order::Stop),
        1 => Just(Order::KillNow),
        1 => Just(Order::ManifestChanged),
        1 => Just(Order::FolderChanged),
        2 => any::<bool>().prop_map(|has_old| Order::Update { from: "1".into(), to: "2".into(), has_old }),
    ];
    prop::collection::vec((0_u64..60_000, order), 0..12)
}

/// Start, other orders, then one last order, and the world until its bound has passed.
fn play(nature: Nature, mut orders: Vec<(u64, Order)>, last: Order, at: u64) -> World {
    orders.retain(|(time, _)| *time < at);
    orders.push((0, Order::Start));
    orders.push((at, last));
    let mut world = World::new(nature, orders);
    let end = Duration::from_millis(at) + world.life.policy().longest_stop();
    let mut turns = 0_u32;
    while world.turn(end) {
        turns += 1;
        assert!(turns < 200_000, "the world goes round in circles: {:?}", world.life);
    }
    world
}

proptest! {
    #[test]
    fn after_a_stop_a_plugin_is_stopped_within_the_sum_of_the_stop_deadlines(
        nature in nature(), orders in orders(), at in 0_u64..90_000,
    ) {
        let world = play(nature, orders, Order::Stop, at);
        prop_assert_eq!(world.life.state(), &State::Stopped);
        prop_assert_eq!(world.living(), 0);
    }

    #[test]
    fn after_a_shutdown_a_plugin_is_stopped_even_if_it_is_ordered_up_again(
        nature in nature(), orders in orders(), at in 0_u64..90_000,
    ) {
        let mut world = play(nature, orders, Order::Shutdown, at);
        world.step(Event::Order(Order::Start));
        prop_assert_eq!(world.life.state(), &State::Stopped);
    }

    #[test]
    fn kill_now_needs_no_longer_than_killing_and_emptying(
        nature in nature(), orders in orders(), at in 0_u64..90_000,
    ) {
        let policy = Policy::default();
        let world = play(nature, orders, Order::KillNow, at);
        prop_assert_eq!(world.life.state(), &State::Stopped);
        let took = world.life.snapshot().since.saturating_sub(Duration::from_millis(at));
        prop_assert!(took <= policy.kill + policy.empty, "{took:?}");
    }

    #[test]
    fn a_healthy_plugin_that_is_wanted_up_comes_up(nature in nature(), orders in orders()) {
        let healthy = Nature {
            spawns: Spawns::Always, start_is_rejected: false, crash: None, traced: false,
            handshake: Some(Duration::from_secs(1)), start: Some(Duration::from_secs(1)),
            pong: Some(Duration::from_millis(1)), ..nature
        };
        let world = play(healthy, orders, Order::Start, 60_000);
        prop_assert!(matches!(world.life.state(), State::Running { .. }), "{:?}", world.life.state());
    }

    #[test]
    fn nothing_that_a_plugin_is_like_makes_it_restart_more_than_thirty_times_in_an_hour(nature in nature()) {
        let world = play(nature, Vec::new(), Order::Start, 3_600_000);
        let shown = world.life.snapshot();
        prop_assert!(shown.restarts <= 30, "{shown:?}");
        prop_assert!(world.living() <= 1);
    }
}
