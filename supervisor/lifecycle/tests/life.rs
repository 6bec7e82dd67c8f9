//! A plugin's life, told in sentences. Goes through the public surface alone.
#![allow(clippy::unwrap_used)] // a test may stop at once

mod play;

use std::time::Duration;

use outboard_lifecycle::{
    Cause, Deadline, Decision, Desired, Effect, Event, Exit, Fact, Generation, Health, Lifecycle, Mishap,
    Order, Policy, RouteIntent, Stage, State, StopReason,
};
use play::{Play, names};

fn update(from: &str, to: &str, has_old: bool) -> Order {
    Order::Update { from: from.into(), to: to.into(), has_old }
}

fn cause(play: &Play) -> Option<Cause> {
    play.life.state().cause()
}

fn decision(play: &Play) -> String {
    play.life.snapshot().decision.unwrap().to_string()
}

fn sends_stop(effects: &[Effect]) -> Option<StopReason> {
    effects.iter().find_map(|e| if let Effect::SendStop { reason } = e { Some(*reason) } else { None })
}

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
fn the_first_restart_is_at_once_and_later_ones_wait_twice_as_long_each() {
    let mut play = Play::new();
    play.start();
    let effects = play.crash();
    assert!(effects.contains(&Effect::Spawn { generation: Generation(2) }));
    assert_eq!(decision(&play), "restart at once, attempt 1 of 10");
    let mut last = Duration::ZERO;
    for attempt in 2..=7_u32 {
        play.come_up().crash();
        let State::BackingOff { attempt: seen, until } = *play.life.state() else { panic!() };
        let nominal = Duration::from_millis(250) * 2_u32.pow(attempt - 2);
        let delay = until - play.now;
        assert_eq!(seen, attempt);
        assert!(delay <= nominal && delay * 5 >= nominal * 4, "{delay:?} of {nominal:?}");
        assert!(delay > last);
        last = delay;
        play.reach(Deadline::BackOff);
    }
    assert_eq!(play.life.snapshot().restarts, 7);
}

#[test]
fn a_crash_in_a_row_of_eleven_ends_errored() {
    let mut play = Play::new();
    play.start();
    for _ in 0..10 {
        play.crash();
        if play.place() == "backing-off" {
            play.reach(Deadline::BackOff);
        }
        play.come_up();
    }
    let trying = play.now;
    assert!(trying > Duration::from_secs(70) && trying < Duration::from_secs(95), "{trying:?}");
    play.crash();
    assert_eq!(cause(&play), Some(Cause::CrashLoop));
    assert_eq!(
        decision(&play),
        "errored (crash-loop): budget spent: 11 unexpected ends in a row without 60s of running in between"
    );
    assert!(play.armed.is_empty());
    let sentence = play.life.snapshot().cause_sentence().unwrap();
    assert!(sentence.contains("the last time it exited with code 1"), "{sentence}");
}

#[test]
fn more_than_thirty_crashes_within_an_hour_end_errored_however_long_it_ran_in_between() {
    let mut play = Play::new();
    play.start();
    for _ in 0..30 {
        play.now += Duration::from_secs(61);
        play.crash();
        play.come_up();
    }
    play.now += Duration::from_secs(61);
    play.crash();
    assert_eq!(cause(&play), Some(Cause::CrashLoop));
    assert!(decision(&play).contains("31 unexpected ends within"), "{}", decision(&play));
}

#[test]
fn thirty_crashes_an_hour_are_borne_for_ever() {
    let mut play = Play::new();
    play.start();
    for _ in 0..300 {
        play.now += Duration::from_secs(60 * 60 / 30);
        play.crash();
        play.come_up();
    }
    assert_eq!(play.life.snapshot().restarts, 300);
}

#[test]
fn an_operators_start_gives_an_errored_plugin_a_fresh_budget() {
    let mut play = Play::with(Policy {
        restart: outboard_lifecycle::RestartPolicy { in_a_row: 0, ..Default::default() },
        ..Policy::default()
    });
    play.start().crash();
    assert_eq!(cause(&play), Some(Cause::CrashLoop));
    play.life.set_policy(Policy::default());
    play.start().crash();
    assert_eq!(decision(&play), "restart at once, attempt 1 of 10");
}

#[test]
fn an_exit_with_code_zero_that_nobody_asked_for_is_a_crash() {
    let mut play = Play::new();
    play.start();
    play.exit(Exit::Code(0));
    play.fact(Fact::Empty);
    assert_eq!(decision(&play), "restart at once, attempt 1 of 10");
}

#[test]
fn a_rejected_start_is_an_answer_and_no_crash() {
    let mut play = Play::new();
    play.order(Order::Start);
    play.fact(Fact::Spawned { pid: 9 });
    play.fact(Fact::HandshakeDone { resumes: false });
    let effects = play.fact(Fact::StartRejected { why: "no licence".into() });
    assert_eq!(names(&effects), ["Disarm", "CloseStdin", "SendTerminate", "Arm(terminate)", "Publish"]);
    play.crash();
    assert_eq!(cause(&play), Some(Cause::StartRejected));
    assert!(play.life.snapshot().cause_sentence().unwrap().contains("no licence"));
    assert_eq!(play.life.snapshot().restarts, 0);
}

#[test]
fn what_cannot_be_spawned_is_errored_at_once_and_never_tried_again() {
    for end in ["answer", "code"] {
        let mut play = Play::new();
        play.order(Order::Start);
        if end == "answer" {
            play.fact(Fact::SpawnFailed { why: "/x: no such file".into(), transient: false });
        } else {
            play.fact(Fact::Spawned { pid: 9 });
            play.exit(Exit::Code(127));
        }
        play.fact(Fact::Empty);
        assert_eq!(cause(&play), Some(Cause::CannotSpawn), "{end}");
        assert!(play.armed.is_empty());
    }
}

#[test]
fn a_machine_that_is_short_of_processes_is_tried_again_within_the_budget() {
    let mut play = Play::new();
    play.order(Order::Start);
    play.fact(Fact::SpawnFailed { why: "fork: resource temporarily unavailable".into(), transient: true });
    play.fact(Fact::Empty);
    assert_eq!(decision(&play), "restart at once, attempt 1 of 10");
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
fn a_hang_is_found_by_three_missed_pings_and_restarted() {
    let mut play = Play::new();
    play.start();
    for late in 1..=3 {
        play.reach(Deadline::Ping);
        assert_eq!(play.place(), "running", "{late}");
    }
    let effects = play.reach(Deadline::Ping);
    assert_eq!(names(&effects), ["LookForTracer", "Arm(verdict)", "Publish"]);
    play.fact(Fact::TracerGone);
    assert_eq!(play.place(), "terminating");
    play.exit(Exit::Signal { number: 15, core_dumped: false });
    play.fact(Fact::Empty);
    let failure = play.life.snapshot().failure.unwrap();
    assert_eq!(failure.mishap, Mishap::PingsLost(3));
    assert_eq!(failure.to_string(), "it did not answer 3 pings in a row after running for 20 s");
    assert_eq!(decision(&play), "restart at once, attempt 1 of 10");
}

#[test]
fn an_answered_ping_makes_a_late_plugin_healthy_again() {
    let mut play = Play::new();
    play.start();
    play.reach(Deadline::Ping);
    play.reach(Deadline::Ping);
    assert!(matches!(play.life.state(), State::Running { health: Health::Late(1), .. }));
    play.fact(Fact::Pong);
    assert!(matches!(play.life.state(), State::Running { health: Health::Healthy, .. }));
}

#[test]
fn a_process_under_a_debugger_is_never_called_hung() {
    let mut play = Play::new();
    play.start();
    for _ in 0..4 {
        play.reach(Deadline::Ping);
    }
    play.fact(Fact::TracerSeen);
    for _ in 0..100 {
        assert!(matches!(play.life.state(), State::Running { health: Health::Traced, .. }));
        play.reach(Deadline::Tracer);
        play.fact(Fact::TracerSeen);
    }
    play.fact(Fact::TracerGone);
    assert!(matches!(play.life.state(), State::Running { health: Health::Healthy, .. }));
    assert!(play.armed.contains_key(&Deadline::Ping));
}

#[test]
fn a_handshake_under_a_debugger_may_take_for_ever() {
    let mut play = Play::new();
    play.order(Order::Start);
    play.fact(Fact::Spawned { pid: 9 });
    for _ in 0..10 {
        play.reach(Deadline::Handshake);
        play.fact(Fact::TracerSeen);
    }
    assert_eq!(play.place(), "handshaking");
    play.reach(Deadline::Handshake);
    play.reach(Deadline::Verdict);
    assert_eq!(play.place(), "terminating");
    assert_eq!(
        play.life.snapshot().failure.unwrap().to_string(),
        "its handshake took longer than 10s (stage: handshake)"
    );
}

#[test]
fn an_update_stops_the_old_process_and_resumes_in_the_new_one() {
    let mut play = Play::new();
    play.start();
    play.order(update("1.0.0", "2.0.0", true));
    assert_eq!(play.life.route_intent(), RouteIntent::Waiting);
    assert_eq!(sends_stop(&play.fact(Fact::Drained)), Some(StopReason::Update));
    play.crash();
    play.fact(Fact::Spawned { pid: 9 });
    let effects = play.fact(Fact::HandshakeDone { resumes: true });
    assert!(effects.contains(&Effect::SendResume { from_version: "1.0.0".into() }));
    play.fact(Fact::StartOk);
    assert!(matches!(play.life.state(), State::Running { probation: Some(_), .. }));
    play.reach(Deadline::Probation);
    assert!(matches!(play.life.state(), State::Running { probation: None, .. }));
    play.crash();
    assert_eq!(decision(&play), "restart at once, attempt 1 of 10", "the old version is out of reach now");
}

#[test]
fn a_plugin_without_on_resume_is_started_after_an_update() {
    let mut play = Play::new();
    play.start();
    play.order(update("1.0.0", "2.0.0", true));
    play.crash();
    play.fact(Fact::Spawned { pid: 9 });
    assert!(play.fact(Fact::HandshakeDone { resumes: false }).contains(&Effect::SendStart));
}

#[test]
fn a_new_version_that_fails_its_probation_is_rolled_back() {
    for failure in [
        Fact::Exited { exit: Exit::Code(3) },
        Fact::Incompatible { why: "9".into() },
        Fact::StartRejected { why: "no".into() },
    ] {
        let mut play = Play::new();
        play.start();
        play.order(update("1.0.0", "2.0.0", true));
        play.crash();
        play.fact(Fact::Spawned { pid: 9 });
        if matches!(failure, Fact::StartRejected { .. }) {
            play.fact(Fact::HandshakeDone { resumes: true });
        }
        play.fact(failure);
        play.exit(Exit::Code(0));
        let effects = play.fact(Fact::Empty);
        let roll_back = effects.iter().position(|e| *e == Effect::RollBack { to: "1.0.0".into() });
        let spawn = effects.iter().position(|e| matches!(e, Effect::Spawn { .. }));
        assert!(roll_back.unwrap() < spawn.unwrap());
        assert_eq!(decision(&play), "roll back to version 1.0.0");
        play.fact(Fact::Spawned { pid: 10 });
        assert!(play.fact(Fact::HandshakeDone { resumes: true }).contains(&Effect::SendStart));
    }
}

#[test]
fn a_folder_changed_by_hand_has_no_old_version_to_go_back_to() {
    let mut play = Play::new();
    play.start();
    play.order(update("1.0.0", "2.0.0", false));
    play.crash();
    play.come_up().crash();
    assert_eq!(decision(&play), "restart at once, attempt 1 of 10");
}

#[test]
fn two_updates_in_a_row_resume_from_the_version_that_ran_and_go_back_to_the_one_that_proved_itself() {
    let mut play = Play::new();
    play.start();
    play.order(update("1", "2", true));
    play.order(update("2", "3", true));
    play.crash();
    play.fact(Fact::Spawned { pid: 9 });
    let effects = play.fact(Fact::HandshakeDone { resumes: true });
    assert!(effects.contains(&Effect::SendResume { from_version: "1".into() }));
    play.crash();
    assert_eq!(decision(&play), "roll back to version 1");
}

#[test]
fn an_update_of_a_stopped_plugin_waits_for_its_start() {
    let mut play = Play::new();
    assert_eq!(play.order(update("1", "2", true)), []);
    play.start();
    assert!(matches!(play.life.state(), State::Running { probation: Some(_), .. }));
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
fn a_closed_stdout_just_before_the_exit_does_not_hide_how_it_exited() {
    let mut play = Play::new();
    play.start();
    assert_eq!(
        names(&play.fact(Fact::StdioLost)),
        ["Disarm", "CloseRoute", "CloseStdin", "Arm(leave)", "Publish"]
    );
    let exit = Exit::Signal { number: 9, core_dumped: false };
    play.exit(exit);
    play.fact(Fact::Empty);
    let failure = play.life.snapshot().failure.unwrap();
    assert_eq!((failure.stage, failure.mishap.clone()), (Stage::Run, Mishap::Exited(exit)));
    assert_eq!(failure.to_string(), "it was ended by signal 9 (SIGKILL) after running for 0 ms");
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
fn a_lost_task_leaves_its_plugin_errored_with_nothing_alive() {
    let mut life = Lifecycle::succeeding(Policy::default(), 1, Generation(4), Desired::Up);
    let effects = life.step(Event::Fault { why: "task panicked".into() }, Duration::ZERO);
    assert_eq!(names(&effects), ["Disarm", "KillAll", "ProveEmpty", "Arm(empty)", "Publish"]);
    life.step(Event::Fact(Generation(4), Fact::Empty), Duration::ZERO);
    assert_eq!(life.state().cause(), Some(Cause::Internal));
    let effects = life.step(Event::Order(Order::Start), Duration::ZERO);
    assert!(effects.contains(&Effect::Spawn { generation: Generation(5) }));
}

#[test]
fn the_decision_is_data_as_well_as_words() {
    let mut play = Play::new();
    play.start().order(Order::Stop);
    let effects = play.crash();
    let decision = Decision::Stopped { reason: StopReason::Stop };
    assert!(effects.contains(&Effect::RecordExit { decision: decision.clone() }));
    assert_eq!(decision.to_string(), "stays stopped (order: stop)");
}
