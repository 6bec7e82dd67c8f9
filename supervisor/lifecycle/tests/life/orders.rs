//! Orders: up, down and up again, and what happens to a process that will not go.

use outboard_lifecycle::{
    Cause, Deadline, Desired, Effect, Event, Exit, Fact, Generation, Order, RouteIntent, State, StopReason,
};

use crate::play::{Play, names};
use crate::{cause, sends_stop, update};

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
    play.exit(Exit::Signal { number: 9, core_dumped: false });
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
