//! Orders: up, down and up again, and what happens to a process that will not go.

use std::time::Duration;

use outboard_lifecycle::{
    Cause, Deadline, Desired, Effect, Event, Exit, Fact, Generation, Order, RouteIntent, State, StopReason,
};

use crate::play::{Play, names};
use crate::{cause, decision, sends_stop, update};

#[test]
fn a_plugin_comes_up_is_asked_to_stop_and_is_stopped_when_its_containment_is_empty() {
    let mut play = Play::new();
    assert_eq!(play.life.route_intent(), RouteIntent::Closed);
    assert_eq!(names(&play.order(Order::Start)), ["Disarm", "Spawn", "Arm(spawn)", "Publish"]);
    assert_eq!(play.life.route_intent(), RouteIntent::Waiting);
    play.come_up();
    assert_eq!(play.life.route_intent(), RouteIntent::Open);
    assert_eq!(play.life.snapshot().pid, Some(100));

    let effects = play.order(Order::Stop);
    assert_eq!(names(&effects), ["Disarm", "CloseRoute", "AwaitDrain", "Arm(drain)", "Publish"]);
    assert_eq!(play.life.route_intent(), RouteIntent::Closed);
    assert_eq!(sends_stop(&play.fact(Fact::Drained)), Some(StopReason::Stop));
    assert_eq!(names(&play.fact(Fact::StopAnswered)), ["Disarm", "CloseStdin", "Arm(leave)", "Publish"]);
    let effects = play.exit(Exit::Code(0));
    assert_eq!(names(&effects), ["Disarm", "KillAll", "ProveEmpty", "Arm(empty)", "Publish"]);
    assert_eq!(play.place(), "emptying", "the leader's end is not the end");
    assert_eq!(names(&play.fact(Fact::Empty)), ["RemoveSocket", "RecordExit", "Disarm", "Publish"]);
    assert_eq!(play.life.state(), &State::Stopped);
    assert_eq!(play.life.snapshot().failure, None);
}

#[test]
fn stop_is_sent_only_to_a_plugin_whose_start_succeeded() {
    let mut play = Play::new();
    play.order(Order::Start);
    play.fact(Fact::Spawned { pid: 9 });
    play.fact(Fact::HandshakeDone { resumes: false });
    let mut all = play.order(Order::Stop);
    all.extend(play.reach(Deadline::Terminate));
    all.extend(play.crash());
    assert_eq!(sends_stop(&all), None);
    assert_eq!(play.life.state(), &State::Stopped);
}

#[test]
fn a_child_that_ignores_everything_is_killed_when_every_grace_is_spent() {
    let mut play = Play::new();
    play.start().order(Order::Stop);
    let mut seen = Vec::new();
    for deadline in [Deadline::Drain, Deadline::Ask, Deadline::Terminate, Deadline::Kill] {
        seen.push(play.place());
        play.reach(deadline);
    }
    assert_eq!(seen, ["draining", "asking", "terminating", "killing"]);
    play.fact(Fact::NotEmpty { left: vec![101] });
    play.reach(Deadline::Look);
    play.fact(Fact::NotEmpty { left: vec![101] });
    play.reach(Deadline::Empty);
    assert_eq!(cause(&play), Some(Cause::NotEmpty));
    assert!(play.life.snapshot().cause_sentence().unwrap().contains("process 101"));
    assert!(play.now <= play.life.policy().longest_stop());
}

#[test]
fn what_could_not_be_emptied_is_emptied_before_another_start() {
    let mut play = Play::new();
    play.start().order(Order::KillNow);
    play.reach(Deadline::Kill);
    play.reach(Deadline::Empty);
    assert_eq!(cause(&play), Some(Cause::NotEmpty));
    let effects = play.order(Order::Start);
    assert_eq!(names(&effects), ["Disarm", "KillAll", "ProveEmpty", "Arm(empty)", "Publish"]);
    let effects = play.fact(Fact::Empty);
    assert!(effects.contains(&Effect::Spawn { generation: Generation(2) }));
}

#[test]
fn a_start_in_the_middle_of_a_stop_makes_a_restart_and_never_a_second_process() {
    let mut play = Play::new();
    play.start().order(Order::Stop);
    assert_eq!(names(&play.order(Order::Start)), ["Publish"]);
    assert_eq!(play.life.desired(), Desired::Up);
    play.order(Order::Restart);
    play.order(Order::ManifestChanged);
    let effects = play.crash();
    assert_eq!(effects.iter().filter(|e| matches!(e, Effect::Spawn { .. })).count(), 1);
}

#[test]
fn nothing_brings_a_plugin_up_after_a_shutdown() {
    let mut play = Play::new();
    play.start().order(Order::Shutdown);
    for order in [Order::Start, Order::Restart, Order::ManifestChanged, update("1", "2", true)] {
        assert_eq!(play.order(order), []);
    }
    play.crash();
    assert_eq!(play.life.state(), &State::Stopped);
    assert_eq!(play.order(Order::Start), []);
}

#[test]
fn kill_now_skips_every_grace() {
    let mut play = Play::new();
    play.start().order(Order::Stop);
    assert_eq!(names(&play.order(Order::KillNow)), ["Disarm", "KillAll", "Arm(kill)", "Publish"]);
}

#[test]
fn a_process_that_comes_to_life_after_it_was_stopped_is_killed_before_stopped_is_said() {
    let mut play = Play::new();
    play.order(Order::Start);
    play.order(Order::Stop);
    play.reach(Deadline::Kill);
    assert_eq!(play.fact(Fact::Empty), [], "the spawn is not answered yet");
    assert_eq!(names(&play.fact(Fact::Spawned { pid: 9 })), ["KillAll", "ProveEmpty", "Publish"]);
    play.exit(Exit::Signal { number: 9, name: "SIGKILL", core_dumped: false });
    play.fact(Fact::Empty);
    assert_eq!(play.life.state(), &State::Stopped);
}

#[test]
fn a_fact_of_a_stale_generation_changes_nothing() {
    let mut play = Play::new();
    play.start().crash();
    let stale = Event::Fact(Generation(1), Fact::Exited { exit: Exit::Code(0) });
    assert_eq!(play.step(stale), []);
    assert_eq!(play.place(), "spawning");
}

#[test]
fn the_newest_order_is_the_reason_that_the_plugin_is_told() {
    let orders = [
        (Order::Stop, StopReason::Stop),
        (Order::Start, StopReason::Restart),
        (Order::ManifestChanged, StopReason::ManifestChanged),
        (Order::Restart, StopReason::Restart),
        (update("1", "2", false), StopReason::Update),
        (Order::Shutdown, StopReason::Shutdown),
        (Order::Remove, StopReason::Removed),
    ];
    for count in 1..=orders.len() {
        let mut play = Play::new();
        play.start();
        for (order, _) in &orders[..count] {
            play.order(order.clone());
        }
        assert_eq!(sends_stop(&play.fact(Fact::Drained)), Some(orders[count - 1].1));
    }
    for (order, reason) in orders.into_iter().filter(|(order, _)| *order != Order::Start) {
        let mut play = Play::new();
        play.start().order(order);
        assert_eq!(sends_stop(&play.fact(Fact::Drained)), Some(reason));
    }
}

#[test]
fn a_stop_without_a_process_is_a_decision_too() {
    let mut play = Play::new();
    play.start().crash();
    play.come_up().crash();
    play.order(Order::Shutdown);
    assert_eq!(decision(&play), "stays stopped (order: shutdown)");
    let mut play = Play::new();
    play.start().order(Order::Restart);
    play.order(Order::KillNow);
    play.crash();
    assert_eq!(decision(&play), "stays stopped (order: stop)");
}

#[test]
fn since_is_when_the_state_took_its_name() {
    let mut play = Play::new();
    play.now = Duration::from_secs(3);
    play.start();
    play.now = Duration::from_secs(5);
    play.reach(Deadline::Ping);
    assert_eq!(play.life.snapshot().since, Duration::from_secs(3));
    play.now = Duration::from_secs(20);
    play.order(Order::Stop);
    play.now = Duration::from_secs(21);
    play.fact(Fact::Drained);
    assert_eq!(play.life.snapshot().since, Duration::from_secs(20));
}

#[test]
fn a_process_id_is_shown_only_while_the_leader_lives() {
    let mut play = Play::new();
    play.start();
    assert_eq!(play.life.snapshot().pid, Some(100));
    play.exit(Exit::Code(0));
    assert_eq!(play.life.snapshot().pid, None);
}

#[test]
fn a_few_of_the_processes_that_would_not_die_are_named() {
    for (count, more) in [(8, false), (9, true)] {
        let mut play = Play::new();
        play.start().order(Order::KillNow);
        play.exit(Exit::Unknown);
        play.fact(Fact::NotEmpty { left: (1..=count).collect() });
        play.reach(Deadline::Empty);
        let sentence = play.life.snapshot().cause_sentence().unwrap();
        assert!(sentence.contains("process 1, 2, 3, 4, 5, 6, 7, 8"), "{sentence}");
        assert_eq!(sentence.contains("and more"), more, "{sentence}");
    }
}

#[test]
fn a_spawn_that_is_answered_twice_leaves_no_process_behind() {
    let mut play = Play::new();
    play.order(Order::Start);
    play.order(Order::Stop);
    play.fact(Fact::SpawnFailed { why: "it was withdrawn".into(), transient: true });
    play.fact(Fact::Empty);
    assert_eq!(play.place(), "stopped");
    assert!(play.fact(Fact::Spawned { pid: 9 }).contains(&Effect::KillAll));
    play.fact(Fact::Empty);
    assert_eq!(play.place(), "stopped");
}
