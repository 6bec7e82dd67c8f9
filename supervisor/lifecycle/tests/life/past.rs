//! A plugin's past under another supervisor.

use std::time::Duration;

use outboard_lifecycle::{Cause, Lifecycle, Order, Past, Policy, State};

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
            play.reach(outboard_lifecycle::Deadline::BackOff);
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
