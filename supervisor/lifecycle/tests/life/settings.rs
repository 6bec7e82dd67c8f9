//! Settings: the range of each, and a sentence for what is out of it.

use std::time::Duration;

use outboard_lifecycle::{Cause, Policy, RestartPolicy};

use crate::cause;
use crate::play::Play;

#[test]
fn the_defaults_are_in_their_ranges() {
    assert_eq!(Policy::default().check(), Ok(()));
}

#[test]
fn a_value_out_of_its_range_is_refused_by_name() {
    let restart = |jitter_percent, cap| RestartPolicy { jitter_percent, cap, ..RestartPolicy::default() };
    let second = Duration::from_secs(1);
    for (policy, message) in [
        (
            Policy { ping_every: Duration::ZERO, ..Policy::default() },
            "`deadlines.ping` must be at least 1 ms",
        ),
        (Policy { pings_missed: 0, ..Policy::default() }, "`deadlines.pings_missed` must be at least 1"),
        (Policy { drain: Duration::MAX, ..Policy::default() }, "`deadlines.drain` must be at most 366 days"),
        (
            Policy { restart: restart(101, second), ..Policy::default() },
            "`restart.jitter_percent` must be at most 100",
        ),
        (
            Policy { restart: restart(0, Duration::MAX), ..Policy::default() },
            "`restart.cap` must be at most 366 days",
        ),
    ] {
        let error = policy.check().unwrap_err().to_string();
        assert_eq!(error, message);
    }
}

#[test]
fn the_last_value_of_each_range_is_allowed_and_the_next_is_not() {
    let days = Duration::from_secs(366 * 86_400);
    let (millisecond, nanosecond) = (Duration::from_millis(1), Duration::from_nanos(1));
    let ping = |ping_every| Policy { ping_every, ..Policy::default() }.check();
    assert_eq!((ping(millisecond), ping(days)), (Ok(()), Ok(())));
    assert!(ping(millisecond - nanosecond).is_err() && ping(days + nanosecond).is_err());
    let jitter = |jitter_percent| {
        let restart = RestartPolicy { jitter_percent, ..RestartPolicy::default() };
        Policy { restart, ..Policy::default() }.check()
    };
    assert!(jitter(100).is_ok() && jitter(101).is_err());
    assert_eq!(Policy { pings_missed: 1, ..Policy::default() }.check(), Ok(()));
}

#[test]
fn a_grace_of_nothing_is_allowed() {
    let none = Duration::ZERO;
    let policy = Policy { drain: none, ask: none, leave: none, terminate: none, ..Policy::default() };
    assert_eq!(policy.check(), Ok(()));
}

#[test]
fn restarts_can_be_switched_off() {
    let restart = RestartPolicy { in_a_row: 0, ..RestartPolicy::default() };
    let policy = Policy { restart, ..Policy::default() };
    assert_eq!(policy.check(), Ok(()));
    let mut play = Play::with(policy);
    play.start().crash();
    assert_eq!(cause(&play), Some(Cause::CrashLoop));
}
