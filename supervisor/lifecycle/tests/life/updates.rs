//! Changes of version: resume, probation and the way back.

use outboard_lifecycle::{Cause, Deadline, Effect, Exit, Fact, Order, RouteIntent, State, StopReason};

use crate::play::Play;
use crate::{decision, sends_stop, update};

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
fn a_version_is_resumed_into_once() {
    let mut play = Play::new();
    play.order(update("1", "2", false));
    play.order(Order::Start);
    for (process, resumes) in
        [("failed before its start", true), ("came up", true), ("came up before", false)]
    {
        play.fact(Fact::Spawned { pid: 9 });
        let effects = play.fact(Fact::HandshakeDone { resumes: true });
        let resume = Effect::SendResume { from_version: "1".into() };
        assert_eq!(effects.contains(&resume), resumes, "{process}");
        if process != "failed before its start" {
            play.fact(Fact::StartOk);
        }
        play.crash();
        if play.place() == "backing-off" {
            play.reach(Deadline::BackOff);
        }
    }
}

#[test]
fn a_shortage_of_the_machine_is_not_held_against_a_new_version() {
    let mut play = Play::new();
    play.order(update("1", "2", true));
    play.order(Order::Start);
    play.fact(Fact::SpawnFailed { why: "fork: resource temporarily unavailable".into(), transient: true });
    play.fact(Fact::Empty);
    assert!(decision(&play).starts_with("try again in "), "{}", decision(&play));
    play.reach(Deadline::BackOff);
    play.come_up();
    assert!(matches!(play.life.state(), State::Running { probation: Some(_), .. }));
}

#[test]
fn a_rollback_that_cannot_be_carried_out_ends_errored() {
    let mut play = Play::new();
    play.order(update("1", "2", true));
    play.start().crash();
    play.fact(Fact::SpawnFailed { why: "version 1 is no longer there".into(), transient: false });
    play.fact(Fact::Empty);
    assert_eq!(play.life.state().cause(), Some(Cause::CannotSpawn));
}

#[test]
fn a_stop_in_the_probation_does_not_end_it() {
    let mut play = Play::new();
    play.order(update("1", "2", true));
    play.start().order(Order::Stop);
    play.crash();
    play.start().crash();
    assert_eq!(decision(&play), "roll back to version 1");
}
