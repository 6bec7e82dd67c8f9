//! Silence: pings, debuggers and closed pipes.

use outboard_lifecycle::{Deadline, Exit, Fact, Health, Mishap, Order, Stage, State};

use crate::decision;
use crate::play::{Play, names};

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
