//! Every place that a plugin's life can be in, under every condition that makes an event mean something else there,
//! reached by driving the real machine; and every event in every form.

use outboard_lifecycle::{Deadline, Event, Exit, Fact, Order, Policy, RestartPolicy};

use crate::play::Play;

/// A machine in a place, under a condition (empty where there is none).
pub struct Scene {
    pub place: &'static str,
    pub when: &'static str,
    pub play: Play,
}

/// An event in one of its forms (empty for the plain one).
pub struct Form {
    pub event: &'static str,
    pub when: &'static str,
    pub make: fn(&Play) -> Event,
}

/// The places, in the order of the documentation's columns.
pub const PLACES: [&str; 14] = [
    "stopped",
    "spawning",
    "handshaking",
    "activating",
    "running",
    "draining",
    "asking",
    "leaving",
    "terminating",
    "killing",
    "emptying",
    "backing-off",
    "errored",
    "not-empty",
];

pub fn all() -> Vec<Scene> {
    let mut scenes = vec![scene("stopped", "", Play::new())];
    for (when, spawning) in beginnings() {
        let handshaking = after(&spawning, |p| drop(p.fact(Fact::Spawned { pid: 100 })));
        let activating = after(&handshaking, |p| drop(p.fact(Fact::HandshakeDone { resumes: true })));
        let running = after(&activating, |p| drop(p.fact(Fact::StartOk)));
        scenes.push(scene("spawning", when, spawning));
        scenes.push(scene("handshaking", when, handshaking));
        scenes.push(scene("activating", when, activating));
        scenes.push(scene("running", when, running));
    }
    scenes.extend(suspicions());
    scenes.extend(ways_out());
    scenes.extend(ends());
    scenes
}

fn scene(place: &'static str, when: &'static str, play: Play) -> Scene {
    assert_eq!(play.place(), place, "the scene {place} ({when}) is what it says");
    Scene { place, when, play }
}

fn after(play: &Play, act: impl Fn(&mut Play)) -> Play {
    let mut play = play.clone();
    act(&mut play);
    play
}

fn update() -> Order {
    Order::Update { from: "1".into(), to: "2".into(), has_old: true }
}

/// Spawning, under each condition that decides what a failure leads to.
fn beginnings() -> Vec<(&'static str, Play)> {
    let fresh = after(&Play::new(), |p| drop(p.order(Order::Start)));
    let failed_before = after(&fresh, |p| drop(p.crash()));
    let no_budget =
        Policy { restart: RestartPolicy { in_a_row: 0, ..Default::default() }, ..Policy::default() };
    let spent = after(&Play::with(no_budget), |p| drop(p.order(Order::Start)));
    let kept = after(&Play::new(), |p| {
        p.order(update());
        p.order(Order::Start);
    });
    vec![("", fresh), ("failed before", failed_before), ("budget spent", spent), ("old version kept", kept)]
}

fn running() -> Play {
    let mut play = Play::new();
    play.start();
    play
}

/// Silence, debuggers, and a folder changed by hand.
fn suspicions() -> Vec<Scene> {
    let up = |phase: &'static str| {
        after(&Play::new(), |p| {
            p.order(Order::Start);
            p.fact(Fact::Spawned { pid: 100 });
            if phase == "activating" {
                p.fact(Fact::HandshakeDone { resumes: false });
            }
        })
    };
    let pings = |times: usize| {
        after(&running(), move |p| {
            for _ in 0..times {
                p.reach(Deadline::Ping);
            }
        })
    };
    let on_probation = after(&Play::new(), |p| {
        p.order(update());
        p.start();
        p.fact(Fact::TracerSeen);
    });
    let by_hand = after(&Play::new(), |p| {
        p.order(Order::Update { from: "1".into(), to: "2".into(), has_old: false });
        p.order(Order::Start);
        p.fact(Fact::Spawned { pid: 100 });
    });
    vec![
        scene("handshaking", "updated by hand", by_hand),
        scene("handshaking", "suspected", after(&up("handshaking"), |p| drop(p.reach(Deadline::Handshake)))),
        scene("activating", "suspected", after(&up("activating"), |p| drop(p.reach(Deadline::Start)))),
        scene("running", "ping unanswered", pings(1)),
        scene("running", "last ping unanswered", pings(3)),
        scene("running", "suspected", pings(4)),
        scene("running", "traced", after(&running(), |p| drop(p.fact(Fact::TracerSeen)))),
        scene("running", "traced on probation", on_probation),
    ]
}

/// Every phase of stopping, with everything that can be to follow.
fn ways_out() -> Vec<Scene> {
    let restart = after(&running(), |p| drop(p.order(Order::Restart)));
    let stop = after(&restart, |p| drop(p.order(Order::Stop)));
    let mut scenes = Vec::new();
    for (when, draining) in [("", restart), ("then stopped", stop)] {
        let asking = after(&draining, |p| drop(p.fact(Fact::Drained)));
        let leaving = after(&asking, |p| drop(p.fact(Fact::StopAnswered)));
        scenes.push(scene("draining", when, draining));
        scenes.push(scene("asking", when, asking));
        scenes.extend(rest_of_the_way(when, &leaving));
    }
    for (when, play) in beginnings() {
        let when = match when {
            "" => "then at once",
            "failed before" => "then back-off",
            "budget spent" => "then errored",
            _ => "then rollback",
        };
        let leaving = after(&play, |p| drop(p.come_up().fact(Fact::StdioLost)));
        scenes.extend(rest_of_the_way(when, &leaving));
    }
    let silent = after(&Play::new(), |p| {
        p.order(Order::Start);
        p.fact(Fact::Spawned { pid: 100 });
        p.fact(Fact::StdioLost);
    });
    scenes.push(scene("leaving", "stdio lost in the handshake", silent));
    let unborn = after(&Play::new(), |p| {
        p.order(Order::Start);
        p.order(Order::Restart);
    });
    scenes.push(scene("emptying", "unborn", after(&unborn, |p| drop(p.reach(Deadline::Kill)))));
    scenes.push(scene("killing", "unborn", unborn));
    scenes
}

fn rest_of_the_way(when: &'static str, leaving: &Play) -> Vec<Scene> {
    let terminating = after(leaving, |p| drop(p.reach(Deadline::Leave)));
    let killing = after(&terminating, |p| drop(p.reach(Deadline::Terminate)));
    let emptying = after(&killing, |p| drop(p.reach(Deadline::Kill)));
    vec![
        scene("leaving", when, leaving.clone()),
        scene("terminating", when, terminating),
        scene("killing", when, killing),
        scene("emptying", when, emptying),
    ]
}

/// The states without a process.
fn ends() -> Vec<Scene> {
    let backing_off = after(&running(), |p| {
        p.crash();
        p.crash();
    });
    let errored = after(&running(), |p| {
        p.step(Event::Fault { why: "test".into() });
        p.fact(Fact::Empty);
    });
    let stuck = after(&running(), |p| {
        p.order(Order::Restart);
        p.exit(Exit::Code(0));
        p.reach(Deadline::Empty);
    });
    let stuck_down = after(&running(), |p| {
        p.order(Order::KillNow);
        p.exit(Exit::Code(0));
        p.reach(Deadline::Empty);
    });
    vec![
        scene("backing-off", "", backing_off),
        scene("errored", "", errored),
        scene("not-empty", "", stuck),
        scene("not-empty", "wanted down", stuck_down),
    ]
}

/// Every event, in the order of the documentation's rows.
pub fn forms() -> Vec<Form> {
    let mut forms = orders();
    forms.extend(facts_on_the_way_up());
    forms.extend(facts_afterwards());
    forms.extend(deadlines());
    forms
}

fn orders() -> Vec<Form> {
    vec![
        form("start", "", |_| Event::Order(Order::Start)),
        form("stop", "", |_| Event::Order(Order::Stop)),
        form("kill-now", "", |_| Event::Order(Order::KillNow)),
        form("restart", "", |_| Event::Order(Order::Restart)),
        form("update", "", |_| Event::Order(update())),
        form("manifest-changed", "", |_| Event::Order(Order::ManifestChanged)),
        form("folder-changed", "", |_| Event::Order(Order::FolderChanged)),
        form("shutdown", "", |_| Event::Order(Order::Shutdown)),
        form("remove", "", |_| Event::Order(Order::Remove)),
        form("fault", "", |_| Event::Fault { why: "test".into() }),
    ]
}

fn facts_on_the_way_up() -> Vec<Form> {
    vec![
        form("spawned", "", |p| fact(p, Fact::Spawned { pid: 200 })),
        form("spawn-failed", "", |p| fact(p, Fact::SpawnFailed { why: "test".into(), transient: false })),
        form("spawn-failed", "passing shortage", |p| {
            fact(p, Fact::SpawnFailed { why: "test".into(), transient: true })
        }),
        form("handshake-done", "", |p| fact(p, Fact::HandshakeDone { resumes: false })),
        form("handshake-done", "declares onResume", |p| fact(p, Fact::HandshakeDone { resumes: true })),
        form("incompatible", "", |p| fact(p, Fact::Incompatible { why: "test".into() })),
        form("progress", "", |p| fact(p, Fact::Progress)),
        form("start-ok", "", |p| fact(p, Fact::StartOk)),
        form("start-rejected", "", |p| fact(p, Fact::StartRejected { why: "test".into() })),
    ]
}

fn facts_afterwards() -> Vec<Form> {
    vec![
        form("exited", "", |p| fact(p, Fact::Exited { exit: Exit::Code(0) })),
        form("exited", "", |p| {
            fact(p, Fact::Exited { exit: Exit::Signal { number: 9, name: "SIGKILL", core_dumped: true } })
        }),
        form("exited", "", |p| fact(p, Fact::Exited { exit: Exit::Unknown })),
        form("exited", "code 126 or 127", |p| fact(p, Fact::Exited { exit: Exit::Code(126) })),
        form("exited", "code 126 or 127", |p| fact(p, Fact::Exited { exit: Exit::Code(127) })),
        form("stdio-lost", "", |p| fact(p, Fact::StdioLost)),
        form("pong", "", |p| fact(p, Fact::Pong)),
        form("ping-unanswered", "", |p| fact(p, Fact::PingUnanswered)),
        form("ping-excused", "", |p| fact(p, Fact::PingExcused)),
        form("tracer-seen", "", |p| fact(p, Fact::TracerSeen)),
        form("tracer-gone", "", |p| fact(p, Fact::TracerGone)),
        form("drained", "", |p| fact(p, Fact::Drained)),
        form("stop-answered", "", |p| fact(p, Fact::StopAnswered)),
        form("empty", "", |p| fact(p, Fact::Empty)),
        form("not-empty", "", |p| fact(p, Fact::NotEmpty { left: vec![300] })),
    ]
}

fn deadlines() -> Vec<Form> {
    vec![
        form("spawn deadline", "", |p| deadline(p, Deadline::Spawn)),
        form("handshake deadline", "", |p| deadline(p, Deadline::Handshake)),
        form("start deadline", "", |p| deadline(p, Deadline::Start)),
        form("ping deadline", "", |p| deadline(p, Deadline::Ping)),
        form("verdict deadline", "", |p| deadline(p, Deadline::Verdict)),
        form("tracer deadline", "", |p| deadline(p, Deadline::Tracer)),
        form("probation deadline", "", |p| deadline(p, Deadline::Probation)),
        form("drain deadline", "", |p| deadline(p, Deadline::Drain)),
        form("ask deadline", "", |p| deadline(p, Deadline::Ask)),
        form("leave deadline", "", |p| deadline(p, Deadline::Leave)),
        form("terminate deadline", "", |p| deadline(p, Deadline::Terminate)),
        form("kill deadline", "", |p| deadline(p, Deadline::Kill)),
        form("empty deadline", "", |p| deadline(p, Deadline::Empty)),
        form("look deadline", "", |p| deadline(p, Deadline::Look)),
        form("back-off deadline", "", |p| deadline(p, Deadline::BackOff)),
    ]
}

fn form(event: &'static str, when: &'static str, make: fn(&Play) -> Event) -> Form {
    Form { event, when, make }
}

fn fact(play: &Play, fact: Fact) -> Event {
    Event::Fact(play.life.generation(), fact)
}

fn deadline(play: &Play, deadline: Deadline) -> Event {
    Event::Deadline(play.life.generation(), deadline)
}
