//! A plugin's past under another supervisor.

use std::time::Duration;

use outboard_lifecycle::{Cause, Deadline, Lifecycle, Order, Past, Policy, RestartPolicy, State};

use crate::play::Play;

fn with_past(past: Past) -> Play {
    let mut play = Play::new();
    play.life = Lifecycle::new(Policy::default(), 1).with_past(past);
    play
}

#[test]
fn what_was_given_up_is_so_for_the_next_supervisor_until_somebody_says_otherwise() {
    let mut play = Play::new();
    play.start();
    while play.place() != "errored" {
        play.crash();
        if play.place() == "backing-off" {
            play.reach(Deadline::BackOff);
        }
    }
    let before = play.life.snapshot();
    let past = play.life.past();
    assert_eq!(past.errored.as_ref().map(|(cause, _)| *cause), Some(Cause::CrashLoop));
    let mut next = with_past(past.clone());
    assert_eq!(next.life.past(), past, "it can be handed on again");
    assert_eq!(next.life.snapshot().cause_sentence(), before.cause_sentence());
    assert_eq!(next.life.snapshot().restarts, before.restarts);
    next.order(Order::Start);
    assert_eq!(next.place(), "spawning");
    assert_eq!(next.life.past().in_a_row, 0, "with a fresh budget");
}

#[test]
fn ends_under_an_earlier_supervisor_count_until_they_are_too_old() {
    let policy = Policy::default().restart;
    let ends = vec![Duration::from_secs(60); usize::try_from(policy.in_window).unwrap_or_default()];
    let crashes = |past: Past| {
        let mut play = with_past(past);
        play.start().crash();
        play
    };
    let spent = crashes(Past { ends: ends.clone(), ..Past::default() });
    assert!(matches!(spent.life.state(), State::Errored { cause: Cause::CrashLoop, .. }));
    let old = ends.iter().map(|_| policy.window).collect();
    let left = crashes(Past { ends: old, ..Past::default() });
    assert_ne!(left.place(), "errored");
    let row = |age| crashes(Past { in_a_row: policy.in_a_row, ends: vec![age], ..Past::default() });
    assert_eq!(row(Duration::from_secs(60)).place(), "errored", "a row goes on");
    assert_ne!(row(policy.window).place(), "errored", "one that ended long ago does not");
}

#[test]
fn a_cause_that_is_the_supervisors_own_ends_with_it() {
    let mut play = Play::new();
    play.start();
    play.step(outboard_lifecycle::Event::Fault { why: "test".into() });
    play.fact(outboard_lifecycle::Fact::Empty);
    assert_eq!(play.life.state().cause(), Some(Cause::Internal));
    assert_eq!(play.life.past().errored, None);
}

#[test]
fn where_more_ends_are_remembered_than_are_counted_the_oldest_go_first() {
    let restart = RestartPolicy { in_window: 2, ..RestartPolicy::default() };
    let policy = Policy { restart, ..Policy::default() };
    let ends = [40, 30, 20].map(Duration::from_secs).to_vec();
    let mut play = Play::new();
    play.life = Lifecycle::new(policy, 1).with_past(Past { ends, ..Past::default() });
    play.start().crash();
    assert_eq!(play.life.state().cause(), Some(Cause::CrashLoop));
    assert_eq!(play.life.past().ends, [30, 20, 0].map(Duration::from_secs));
}

#[test]
fn a_steady_run_is_a_new_beginning_unless_one_more_end_would_spend_the_window() {
    let restart = RestartPolicy { in_window: 2, ..RestartPolicy::default() };
    let policy = Policy { restart, ..Policy::default() };
    for (ends, new_beginning) in [(1, 1), (2, 0)] {
        let mut play = Play::with(policy.clone());
        play.start();
        for _ in 0..ends {
            play.crash();
            if play.place() == "backing-off" {
                play.reach(Deadline::BackOff);
            }
            play.come_up();
        }
        let before = play.life.snapshot().beginnings;
        play.now += Policy::default().restart.steady;
        play.crash();
        assert_eq!(play.life.snapshot().beginnings, before + new_beginning, "after {ends} ends");
    }
}
