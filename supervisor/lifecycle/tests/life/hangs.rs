//! Silence: pings, debuggers and closed pipes.

use std::time::Duration;

use outboard_lifecycle::{Deadline, Effect, Exit, Fact, Health, Mishap, Order, Stage, State};

use crate::play::{Play, names};
use crate::{decision, update};

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
    play.exit(Exit::Signal { number: 15, name: "SIGTERM", core_dumped: false });
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
        assert!(play.reach(Deadline::Handshake).contains(&Effect::LookForTracer));
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
fn a_closed_stdout_just_before_the_exit_does_not_hide_how_it_exited() {
    let mut play = Play::new();
    play.start();
    assert_eq!(
        names(&play.fact(Fact::StdioLost)),
        ["Disarm", "CloseRoute", "CloseStdin", "Arm(leave)", "Publish"]
    );
    let exit = Exit::Signal { number: 9, name: "SIGKILL", core_dumped: false };
    play.exit(exit);
    play.fact(Fact::Empty);
    let failure = play.life.snapshot().failure.unwrap();
    assert_eq!((failure.stage, failure.mishap.clone()), (Stage::Run, Mishap::Exited(exit)));
    assert_eq!(failure.to_string(), "it was killed by SIGKILL (9) after running for 0 ms");
}

#[test]
fn a_plugin_that_answers_every_ping_stays_healthy() {
    let mut play = Play::new();
    play.start();
    for _ in 0..10 {
        assert!(play.reach(Deadline::Ping).contains(&Effect::SendPing));
        assert_eq!(play.fact(Fact::Pong), []);
    }
    assert!(matches!(play.life.state(), State::Running { health: Health::Healthy, .. }));
}

#[test]
fn a_ping_is_missed_once_whoever_notices_first() {
    let mut play = Play::new();
    play.start();
    for missed in 1..=2 {
        play.reach(Deadline::Ping);
        play.fact(Fact::PingUnanswered);
        assert!(
            matches!(play.life.state(), State::Running { health: Health::Late(late), .. } if *late == missed)
        );
    }
}

#[test]
fn a_ping_that_the_host_could_not_send_is_neither_missed_nor_answered() {
    let mut play = Play::new();
    play.start();
    play.reach(Deadline::Ping);
    play.fact(Fact::PingUnanswered);
    for _ in 0..10 {
        play.reach(Deadline::Ping);
        play.fact(Fact::PingExcused);
        assert!(matches!(play.life.state(), State::Running { health: Health::Late(1), .. }));
    }
}

#[test]
fn a_hang_is_found_again_after_the_debugger_has_gone() {
    let mut play = Play::new();
    play.start();
    for _ in 0..4 {
        play.reach(Deadline::Ping);
    }
    play.fact(Fact::TracerSeen);
    play.fact(Fact::TracerGone);
    for late in 0..3 {
        play.reach(Deadline::Ping);
        let State::Running { health, .. } = play.life.state() else { panic!() };
        assert_eq!(*health, if late == 0 { Health::Healthy } else { Health::Late(late) });
    }
    play.reach(Deadline::Ping);
    play.reach(Deadline::Verdict);
    assert_eq!(play.place(), "terminating");
}

#[test]
fn a_ping_that_a_debugger_kept_from_being_answered_is_not_missed() {
    let mut play = Play::new();
    play.start();
    play.reach(Deadline::Ping);
    play.fact(Fact::TracerSeen);
    play.fact(Fact::TracerGone);
    play.reach(Deadline::Ping);
    assert!(matches!(play.life.state(), State::Running { health: Health::Healthy, .. }));
}

#[test]
fn a_probation_begins_anew_when_the_debugger_has_gone() {
    let mut play = Play::new();
    play.order(update("1", "2", true));
    play.start();
    play.fact(Fact::TracerSeen);
    play.now += Duration::from_secs(1000);
    play.fact(Fact::TracerGone);
    let end = play.now + play.life.policy().probation;
    assert!(matches!(play.life.state(), State::Running { probation: Some(until), .. } if *until == end));
    play.reach(Deadline::Probation);
    assert_eq!(play.now, end);
}
