//! What must hold whatever happens, in whatever order: the machine under random events, sensible and senseless,
//! fresh and stale, at random times, under random policies.
#![allow(clippy::unwrap_used)] // a test may stop at once

mod play;

use std::time::Duration;

use outboard_lifecycle::{
    Cause, Deadline, Desired, Effect, Event, Exit, Fact, Generation, Lifecycle, Order, Policy, RestartPolicy,
    RouteIntent, State,
};
use play::{Play, place};
use proptest::prelude::*;

/// One thing that a test does to a machine. Events depend on the machine's generation, so they are made late.
#[derive(Clone, Debug)]
enum Act {
    Order(Order),
    Fact(Fact),
    Stale(u64, Fact),
    /// The answer that brings the plugin on.
    Advance,
    /// One of the deadlines that are armed.
    Reach(usize),
    /// Any deadline, armed or not.
    Deadline(Deadline),
    StaleDeadline(u64, Deadline),
    Fault,
    Wait(u64),
}

fn order() -> impl Strategy<Value = Order> {
    let version = || prop_oneof![Just("1".to_owned()), Just("2".to_owned()), Just("3".to_owned())];
    prop_oneof![
        6 => Just(Order::Start),
        2 => Just(Order::Stop),
        1 => Just(Order::KillNow),
        2 => Just(Order::Restart),
        2 => Just(Order::ManifestChanged),
        2 => Just(Order::FolderChanged),
        4 => (version(), version(), any::<bool>())
            .prop_map(|(from, to, has_old)| Order::Update { from, to, has_old }),
    ]
}

fn fact() -> impl Strategy<Value = Fact> {
    let exit = prop_oneof![
        Just(Exit::Code(0)),
        Just(Exit::Code(127)),
        any::<i32>().prop_map(Exit::Code),
        (any::<i32>(), any::<bool>()).prop_map(|(number, core_dumped)| Exit::Signal {
            number,
            name: "SIGRT",
            core_dumped
        }),
        Just(Exit::Unknown),
    ];
    prop_oneof![
        any::<u32>().prop_map(|pid| Fact::Spawned { pid }),
        any::<bool>().prop_map(|transient| Fact::SpawnFailed { why: "x".into(), transient }),
        any::<bool>().prop_map(|resumes| Fact::HandshakeDone { resumes }),
        Just(Fact::Incompatible { why: "x".into() }),
        Just(Fact::Progress),
        Just(Fact::StartOk),
        Just(Fact::StartRejected { why: "x".into() }),
        exit.prop_map(|exit| Fact::Exited { exit }),
        Just(Fact::StdioLost),
        Just(Fact::Pong),
        Just(Fact::PingUnanswered),
        Just(Fact::PingExcused),
        Just(Fact::TracerSeen),
        Just(Fact::TracerGone),
        Just(Fact::Drained),
        Just(Fact::StopAnswered),
        Just(Fact::Empty),
        prop::collection::vec(any::<u32>(), 0..12).prop_map(|left| Fact::NotEmpty { left }),
    ]
}

fn deadline() -> impl Strategy<Value = Deadline> {
    prop::sample::select(Deadline::ALL.to_vec())
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => order().prop_map(Act::Order),
        6 => fact().prop_map(Act::Fact),
        2 => (any::<u64>(), fact()).prop_map(|(by, fact)| Act::Stale(by, fact)),
        12 => Just(Act::Advance),
        8 => any::<usize>().prop_map(Act::Reach),
        2 => deadline().prop_map(Act::Deadline),
        1 => (any::<u64>(), deadline()).prop_map(|(by, deadline)| Act::StaleDeadline(by, deadline)),
        1 => Just(Act::Fault),
        2 => (0_u64..200_000).prop_map(Act::Wait),
    ]
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    prop::collection::vec(act(), 0..80)
}

fn policy() -> impl Strategy<Value = Policy> {
    (0_u32..4, 0_u32..6, 0_u32..200, 1_u32..4).prop_map(
        |(in_a_row, in_window, jitter_percent, pings_missed)| {
            let restart = RestartPolicy { in_a_row, in_window, jitter_percent, ..RestartPolicy::default() };
            Policy { pings_missed, restart, ..Policy::default() }
        },
    )
}

/// The answer that brings a plugin on from where it is.
fn answer(play: &Play) -> Fact {
    match play.place() {
        "spawning" => Fact::Spawned { pid: 7 },
        "handshaking" => Fact::HandshakeDone { resumes: true },
        "activating" => Fact::StartOk,
        "running" => Fact::Pong,
        "draining" => Fact::Drained,
        "asking" => Fact::StopAnswered,
        "leaving" | "terminating" | "killing" => Fact::Exited { exit: Exit::Code(0) },
        _ => Fact::Empty,
    }
}

fn perform(play: &mut Play, act: &Act) -> (Event, Vec<Effect>) {
    let now = play.life.generation();
    let other = |by: u64| Generation(now.0.wrapping_add(by.max(1)));
    let event = match act {
        Act::Order(order) => Event::Order(order.clone()),
        Act::Fact(fact) => Event::Fact(now, fact.clone()),
        Act::Stale(by, fact) => Event::Fact(other(*by), fact.clone()),
        Act::Advance => Event::Fact(now, answer(play)),
        Act::Reach(which) => match play.armed.keys().nth(which % play.armed.len().max(1)).copied() {
            Some(deadline) => {
                let (generation, at) = play.armed.remove(&deadline).unwrap();
                play.now = play.now.max(at);
                Event::Deadline(generation, deadline)
            }
            None => Event::Fact(now, answer(play)),
        },
        Act::Deadline(deadline) => Event::Deadline(now, *deadline),
        Act::StaleDeadline(by, deadline) => Event::Deadline(other(*by), *deadline),
        Act::Fault => Event::Fault { why: "x".into() },
        Act::Wait(millis) => {
            play.now += Duration::from_millis(*millis);
            Event::Fact(now, Fact::Pong)
        }
    };
    let effects = play.step(event.clone());
    (event, effects)
}

/// Follows the effects of one machine and knows what must hold.
#[derive(Debug, Default)]
struct Witness {
    open: bool,
    /// A process was asked for and not proved gone.
    alive: bool,
    /// The last spawn has not been answered.
    unanswered: bool,
    /// The present process has been seen to end.
    exited: bool,
    /// The start of the present process succeeded.
    started: bool,
}

impl Witness {
    /// What an event tells, before it is stepped.
    fn hear(&mut self, play: &Play, event: &Event) {
        match event {
            Event::Fact(generation, fact) if *generation == play.life.generation() => match fact {
                Fact::Spawned { .. } | Fact::SpawnFailed { .. } => self.unanswered = false,
                Fact::Exited { .. } => {
                    self.unanswered = false;
                    self.exited = true;
                }
                Fact::Empty if play.place() == "emptying" && !self.unanswered => self.alive = false,
                _ => {}
            },
            _ => {}
        }
    }

    fn see(&mut self, effects: &[Effect]) {
        for effect in effects {
            match effect {
                Effect::Spawn { .. } => {
                    assert!(!self.alive, "a second process: {effects:?}");
                    *self = Self { open: self.open, alive: true, unanswered: true, ..Self::default() };
                }
                Effect::OpenRoute => {
                    assert!(!self.open, "opened twice");
                    (self.open, self.started) = (true, true);
                }
                Effect::CloseRoute => {
                    assert!(self.open, "closed twice");
                    self.open = false;
                }
                Effect::SendStop { .. } => assert!(self.started, "stop is for what was started"),
                Effect::SendInitialize | Effect::SendStart | Effect::SendResume { .. } | Effect::SendPing => {
                    assert!(!self.exited, "{} to a process that has ended", effect.name());
                }
                _ => {}
            }
        }
    }

    fn check(&self, play: &Play) {
        let state = play.life.state();
        assert_eq!(self.open, matches!(state, State::Running { .. }), "a route is open exactly in running");
        assert_eq!(self.open, play.life.route_intent() == RouteIntent::Open);
        let may_live = !matches!(place(state), "stopped" | "backing-off" | "errored");
        assert!(may_live || !self.alive, "{state:?} while a process may live");
        check_wish(play);
        check_deadlines(play);
    }
}

fn check_wish(play: &Play) {
    match (play.life.state(), play.life.desired()) {
        (State::Starting { .. } | State::Running { .. } | State::BackingOff { .. }, wish) => {
            assert_eq!(wish, Desired::Up);
        }
        (State::Stopping { after, .. }, wish) => assert!(wish == Desired::Up || !after.comes_back()),
        (State::Errored { cause, .. }, Desired::Down) => assert_eq!(*cause, Cause::NotEmpty),
        (State::Stopped, wish) => assert_eq!(wish, Desired::Down),
        (State::Errored { .. }, Desired::Up) => {}
    }
}

fn check_deadlines(play: &Play) {
    let expected: &[Deadline] = match play.place() {
        "spawning" => &[Deadline::Spawn],
        "handshaking" => &[Deadline::Handshake, Deadline::Verdict],
        "activating" => &[Deadline::Start, Deadline::Verdict],
        "running" => &[Deadline::Ping, Deadline::Verdict, Deadline::Tracer],
        "draining" => &[Deadline::Drain],
        "asking" => &[Deadline::Ask],
        "leaving" => &[Deadline::Leave],
        "terminating" => &[Deadline::Terminate],
        "killing" => &[Deadline::Kill],
        "emptying" => &[Deadline::Empty],
        "backing-off" => &[Deadline::BackOff],
        _ => &[],
    };
    let bounded = expected.iter().any(|deadline| play.armed.contains_key(deadline));
    assert!(bounded || expected.is_empty(), "nothing bounds {:?}: {:?}", play.life.state(), play.armed);
    assert!(
        !expected.is_empty() || play.armed.is_empty(),
        "{:?} waits for {:?}",
        play.life.state(),
        play.armed
    );
}

/// A deadline that the test invents may be one that is armed; then it is spent.
fn spend(play: &mut Play, act: &Act) {
    if let Act::Deadline(deadline) = act {
        play.armed.remove(deadline);
    }
}

fn leaves_errored(event: &Event) -> bool {
    matches!(event, Event::Order(_))
}

proptest! {
    #[test]
    fn the_invariants_hold_after_every_step(policy in policy(), acts in acts()) {
        let mut play = Play::with(policy);
        let mut witness = Witness::default();
        for act in &acts {
            let before = play.clone();
            spend(&mut play, act);
            let (event, effects) = perform(&mut play, act);
            witness.hear(&before, &event);
            witness.see(&effects);
            witness.check(&play);
            let errored = before.life.state().cause().is_some();
            let left = before.life.state() != play.life.state();
            prop_assert!(!errored || !left || leaves_errored(&event), "{event:?} led out of errored");
        }
    }

    #[test]
    fn a_stale_fact_or_deadline_changes_nothing(acts in acts(), by in any::<u64>(), fact in fact(), deadline in deadline()) {
        let mut play = Play::new();
        for act in &acts {
            perform(&mut play, act);
            let before = play.life.snapshot();
            for stale in [Act::Stale(by, fact.clone()), Act::StaleDeadline(by, deadline)] {
                prop_assert_eq!(perform(&mut play, &stale).1, vec![]);
                prop_assert_eq!(&play.life.snapshot(), &before);
            }
        }
    }

    #[test]
    fn a_change_is_published_exactly_when_there_is_one_and_last(acts in acts()) {
        let mut play = Play::new();
        for act in &acts {
            let before = play.life.snapshot();
            let (_, effects) = perform(&mut play, act);
            let now = play.life.snapshot();
            let changed = (before.state, before.desired, before.pid) != (now.state, now.desired, now.pid);
            let published = effects.iter().filter(|e| **e == Effect::Publish).count();
            prop_assert_eq!(published, usize::from(changed));
            prop_assert!(!changed || effects.last() == Some(&Effect::Publish));
        }
    }

    #[test]
    fn no_time_and_no_policy_makes_it_panic(
        lengths in prop::array::uniform15(prop_oneof![Just(0), Just(u64::MAX), any::<u64>()]),
        counts in prop::array::uniform4(any::<u32>()),
        steps in prop::collection::vec((act(), prop_oneof![Just(u64::MAX), any::<u64>()]), 0..60),
    ) {
        let [spawn, handshake, start, drain, ask, leave, terminate, kill, empty, look_again, ping_every, verdict,
            tracer_look, probation, base] = lengths.map(Duration::from_secs);
        let [pings_missed, jitter_percent, in_a_row, in_window] = counts;
        let restart =
            RestartPolicy { base, cap: base, jitter_percent, steady: spawn, in_a_row, in_window, window: start };
        let mut play = Play::with(Policy {
            spawn, handshake, start, drain, ask, leave, terminate, kill, empty, look_again, ping_every, pings_missed,
            verdict, tracer_look, probation, restart,
        });
        for (act, now) in steps {
            let event = match act {
                Act::Reach(_) | Act::Wait(_) | Act::Advance => Event::Fact(play.life.generation(), answer(&play)),
                Act::Order(order) => Event::Order(order),
                Act::Fact(fact) | Act::Stale(_, fact) => Event::Fact(play.life.generation(), fact),
                Act::Deadline(deadline) | Act::StaleDeadline(_, deadline) => {
                    Event::Deadline(play.life.generation(), deadline)
                }
                Act::Fault => Event::Fault { why: String::new() },
            };
            play.life.step(event, Duration::from_secs(now));
            let shown = play.life.snapshot();
            let _ = (shown.cause_sentence(), shown.decision.map(|d| d.to_string()), shown.failure.map(|f| f.to_string()));
            let _ = play.life.policy().longest_stop();
        }
    }

    #[test]
    fn the_same_seed_and_the_same_events_give_the_same_effects(seed in any::<u64>(), acts in acts()) {
        let play = |seed| Play { life: Lifecycle::new(Policy::default(), seed), ..Play::new() };
        let (mut one, mut other) = (play(seed), play(seed));
        for act in &acts {
            prop_assert_eq!(perform(&mut one, act), perform(&mut other, act));
        }
    }

    #[test]
    fn no_more_failures_than_the_policy_allows_are_followed_by_a_restart(gaps in prop::collection::vec(0_u64..400, 0..200)) {
        let mut play = Play::new();
        play.start();
        let mut restarts: Vec<Duration> = Vec::new();
        for gap in gaps {
            play.now += Duration::from_secs(gap);
            play.crash();
            if play.life.state().cause().is_some() {
                break;
            }
            restarts.push(play.now);
            if play.place() == "backing-off" {
                play.reach(Deadline::BackOff);
            }
            play.come_up();
        }
        for (index, first) in restarts.iter().enumerate() {
            let within = |last: &&Duration| **last < *first + Duration::from_secs(3600);
            prop_assert!(restarts[index..].iter().take_while(within).count() <= 30);
        }
    }
}
