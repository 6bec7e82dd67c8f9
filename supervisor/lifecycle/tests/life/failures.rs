//! Failures: what is restarted, what is given up, and the reasons that are kept.

use std::time::Duration;

use outboard_lifecycle::{
    Cause, Deadline, Decision, Desired, Effect, Event, Exit, Fact, Generation, Lifecycle, Order, Policy,
    RestartPolicy, State, StopReason,
};

use crate::play::{Play, names};
use crate::{cause, decision};

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
        restart: RestartPolicy { in_a_row: 0, ..Default::default() },
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
fn a_machine_that_is_short_is_tried_again_for_as_long_as_it_takes_and_counts_against_nobody() {
    let mut play = Play::new();
    play.start().crash();
    assert_eq!(decision(&play), "restart at once, attempt 1 of 10");
    let mut pauses = Vec::new();
    for _ in 0..100 {
        play.fact(Fact::SpawnFailed {
            why: "fork: resource temporarily unavailable".into(),
            transient: true,
        });
        play.fact(Fact::Empty);
        assert!(decision(&play).starts_with("try again in "), "{}", decision(&play));
        let State::BackingOff { until, .. } = *play.life.state() else { panic!() };
        pauses.push(until - play.now);
        play.reach(Deadline::BackOff);
    }
    let within = |pause: Duration, nominal| {
        let nominal = Duration::from_secs(nominal);
        assert!(pause <= nominal && pause * 5 >= nominal * 4, "{pause:?} of {nominal:?}");
    };
    pauses.iter().zip([1, 2, 4, 8, 10, 10]).for_each(|(pause, nominal)| within(*pause, nominal));
    within(pauses[99], 10);
    assert_eq!(play.life.snapshot().restarts, 1, "only after the crash; nothing else has failed");
    play.come_up();
    play.crash();
    assert!(decision(&play).ends_with("attempt 2 of 10"), "{}", decision(&play));
}

#[test]
fn a_lost_task_leaves_its_plugin_errored_with_nothing_alive() {
    let mut lost = Play::new();
    lost.start();
    (0..3).for_each(|_| {
        lost.order(Order::Restart);
        lost.crash();
        lost.come_up();
    });
    let mut life = Lifecycle::succeeding(Policy::default(), 1, &lost.life.snapshot());
    let effects = life.step(Event::Fault { why: "task panicked".into() }, Duration::ZERO);
    assert_eq!(names(&effects), ["Disarm", "KillAll", "ProveEmpty", "Arm(empty)", "Publish"]);
    life.step(Event::Fact(Generation(4), Fact::Empty), Duration::ZERO);
    assert_eq!(life.state().cause(), Some(Cause::Internal));
    let effects = life.step(Event::Order(Order::Start), Duration::ZERO);
    assert!(effects.contains(&Effect::Spawn { generation: Generation(5) }));
}

#[test]
fn a_lost_task_that_was_to_bring_nothing_up_again_has_a_successor_that_does_not_either() {
    let mut lost = Play::new();
    lost.start().order(Order::Remove);
    let mut life = Lifecycle::succeeding(Policy::default(), 1, &lost.life.snapshot());
    life.step(Event::Fault { why: "task panicked".into() }, Duration::ZERO);
    life.step(Event::Fact(life.generation(), Fact::Empty), Duration::ZERO);
    assert_eq!(life.step(Event::Order(Order::Start), Duration::ZERO), []);
    assert_eq!(life.desired(), Desired::Down);
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

#[test]
fn exactly_a_minute_of_running_ends_a_row_of_failures_and_less_does_not() {
    for (ran, attempt) in [(59_999, 2), (60_000, 1)] {
        let mut play = Play::new();
        play.start().crash();
        play.come_up();
        play.now += Duration::from_millis(ran);
        play.crash();
        assert!(decision(&play).ends_with(&format!("attempt {attempt} of 10")), "{}", decision(&play));
    }
}

#[test]
fn a_minute_of_running_ends_a_row_of_failures_however_the_process_ends() {
    for order in [Order::Restart, Order::ManifestChanged, Order::Stop, Order::KillNow] {
        let mut play = Play::new();
        play.start().crash();
        play.come_up().crash();
        play.reach(Deadline::BackOff);
        play.come_up();
        assert_eq!(play.life.past().in_a_row, 2);
        play.now += Duration::from_secs(60);
        play.order(order);
        assert_eq!(play.life.past().in_a_row, 0);
    }
}

/// Crashes until it is given up, after so long a run each time.
fn give_up(play: &mut Play, ran: Duration) {
    while play.place() != "errored" {
        match play.place() {
            "backing-off" => drop(play.reach(Deadline::BackOff)),
            "spawning" => drop(play.come_up()),
            _ => {
                play.now += ran;
                play.crash();
            }
        }
    }
}

#[test]
fn a_changed_folder_ends_a_row_and_not_the_hour() {
    let mut play = Play::new();
    play.start();
    give_up(&mut play, Duration::from_secs(1));
    play.order(Order::FolderChanged);
    play.come_up().crash();
    assert_eq!(decision(&play), "restart at once, attempt 1 of 10");
    give_up(&mut play, Duration::from_secs(1));
    play.order(Order::FolderChanged);
    give_up(&mut play, Duration::from_secs(1));
    assert!(decision(&play).contains("31 unexpected ends within"), "{}", decision(&play));
    play.order(Order::FolderChanged);
    play.come_up().crash();
    assert_eq!(cause(&play), Some(Cause::CrashLoop), "one end more is too many still");
    assert_eq!(play.life.past().ends.len(), 31, "what is kept is bounded");
}

#[test]
fn new_tries_are_deserved_by_somebodys_start_or_by_a_steady_run_and_not_by_a_crash_loop() {
    let after = |ran, order| {
        let mut play = Play::new();
        play.start();
        give_up(&mut play, ran);
        let before = play.life.snapshot().beginnings;
        play.order(order);
        give_up(&mut play, ran);
        play.life.snapshot().beginnings != before
    };
    let (short, steady) = (Duration::from_secs(1), Duration::from_secs(61));
    assert!(!after(short, Order::FolderChanged));
    assert!(!after(steady, Order::FolderChanged), "the hour is spent");
    assert!(after(short, Order::Start));
    let mut play = Play::new();
    play.start().crash();
    play.come_up();
    let before = play.life.snapshot().beginnings;
    play.now += steady;
    play.crash();
    assert_ne!(play.life.snapshot().beginnings, before);
}

#[test]
fn a_delayed_restart_says_how_long_and_which() {
    let mut play = Play::new();
    play.start().crash();
    play.come_up().crash();
    let State::BackingOff { until, .. } = *play.life.state() else { panic!() };
    let delay = (until - play.now).as_millis();
    assert_eq!(decision(&play), format!("restart in {delay} ms, attempt 2 of 10"));
}

#[test]
fn chance_differs_from_one_delay_to_the_next() {
    let mut play = Play::new();
    play.start().crash();
    let mut thousandths = std::collections::BTreeSet::new();
    for attempt in 2..=8_u32 {
        play.come_up().crash();
        let State::BackingOff { until, .. } = *play.life.state() else { panic!() };
        let nominal = Duration::from_millis(250) * 2_u32.pow(attempt - 2);
        thousandths.insert((until - play.now).as_micros() * 1000 / nominal.as_micros());
        play.reach(Deadline::BackOff);
    }
    assert!(thousandths.len() > 3, "{thousandths:?}");
}

#[test]
fn plugins_that_fell_together_do_not_rise_together() {
    let delay = |seed| {
        let mut play = Play { life: Lifecycle::new(Policy::default(), seed), ..Play::new() };
        play.start();
        for _ in 0..6 {
            if play.place() == "backing-off" {
                play.reach(Deadline::BackOff);
            }
            if play.place() == "spawning" {
                play.come_up();
            }
            play.crash();
        }
        play.armed[&Deadline::BackOff].1
    };
    let delays: std::collections::BTreeSet<Duration> = (0..20).map(delay).collect();
    assert!(delays.len() > 15, "{delays:?}");
}

#[test]
fn a_start_that_overtakes_giving_up_has_a_fresh_budget() {
    let mut play = Play::with(Policy {
        restart: RestartPolicy { in_a_row: 1, ..RestartPolicy::default() },
        ..Policy::default()
    });
    play.start().crash();
    play.come_up().exit(Exit::Code(1));
    play.order(Order::Start);
    play.fact(Fact::Empty);
    play.come_up().crash();
    assert_eq!(decision(&play), "restart at once, attempt 1 of 1");
}

#[test]
fn a_changed_manifest_gives_a_fresh_budget_at_once() {
    let mut play = Play::new();
    play.start().crash();
    play.come_up().crash();
    assert_eq!(play.place(), "backing-off");
    play.order(Order::ManifestChanged);
    play.come_up().crash();
    assert_eq!(decision(&play), "restart at once, attempt 1 of 10");
}

#[test]
fn an_operators_start_in_a_back_off_ends_the_delay_and_keeps_the_budget() {
    let mut play = Play::new();
    play.start().crash();
    play.come_up().crash();
    play.start().crash();
    assert!(decision(&play).ends_with("attempt 3 of 10"), "{}", decision(&play));
    assert_eq!(play.life.snapshot().restarts, 1, "what an operator starts is not a restart of ours");
}

#[test]
fn a_shortage_during_a_restart_leaves_the_count_of_restarts_where_it_was() {
    let mut play = Play::new();
    play.start().crash();
    play.come_up().crash();
    play.reach(Deadline::BackOff);
    play.fact(Fact::SpawnFailed { why: "fork: resource temporarily unavailable".into(), transient: true });
    play.fact(Fact::Empty);
    assert!(matches!(play.life.state(), State::BackingOff { attempt: 2, .. }), "{:?}", play.life.state());
}

#[test]
fn each_phase_of_a_restart_tells_which_restart_in_a_row_it_is() {
    let mut play = Play::new();
    play.start().crash();
    play.come_up().crash();
    play.reach(Deadline::BackOff);
    for fact in [Fact::Spawned { pid: 7 }, Fact::HandshakeDone { resumes: false }] {
        assert!(matches!(play.life.state(), State::Starting { attempt: 2, .. }), "{:?}", play.life.state());
        play.fact(fact);
    }
    assert!(matches!(play.life.state(), State::Starting { attempt: 2, .. }), "{:?}", play.life.state());
}
