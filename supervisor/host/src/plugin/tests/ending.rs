//! A process that ends unasked: what is reported of it, and what follows.

use std::time::Duration;

use outboard_lifecycle::{Exit, Order, Policy};
use outboard_protocol::control::PluginState;
use tokio::time::{Instant, sleep};

use crate::plugin::testing::{Happened, Nature, Stage};

#[tokio::test(start_paused = true)]
async fn crashes_are_followed_by_restarts_with_growing_delays_and_then_by_none() {
    let stage = Stage::new(Nature { prints: "one\nboom\n", ..Nature::HEALTHY.ending(20, 3) });
    let subject = stage.actor(Policy::default());
    subject.order(Order::Start).await;
    let view = subject.until(PluginState::Errored).await;
    assert_eq!(view.status.cause_code.as_deref(), Some("crash-loop"));
    let processes = stage.launcher.processes();
    assert_eq!(processes.len(), 11, "one, and ten restarts");
    let told = |nth: usize| processes[nth].when(&Happened::Told("initialize".to_owned())).unwrap();
    let ended = |nth: usize| processes[nth].when(&Happened::Ended(Exit::Code(3))).unwrap();
    let pauses: Vec<Duration> = (1..11).map(|nth| told(nth) - ended(nth - 1)).collect();
    assert!(pauses[0] < Duration::from_millis(200), "the first is at once: {pauses:?}");
    for pair in pauses.windows(2).skip(1).take(5) {
        assert!(pair[1] > pair[0], "{pauses:?}");
    }
    let last = subject.last();
    assert_eq!(
        (last.exit_code, last.stderr.as_slice()),
        (Some(3), &["one".to_owned(), "boom".to_owned()][..])
    );
    let log = stage.context.log();
    assert!(log.iter().any(|line| line.contains("it last said: boom")), "{log:?}");
    assert!(log.iter().filter(|line| line.contains("exited with code 3")).count() >= 11, "each is told");
}

#[tokio::test(start_paused = true)]
async fn requests_are_turned_away_from_a_dead_process_before_its_end_is_dealt_with() {
    let stage = Stage::new(Nature { pipes_are_held: true, grandchildren: 1, ..Nature::HEALTHY });
    let subject = stage.actor(Policy::default());
    subject.order(Order::Start).await;
    subject.until(PluginState::Running).await;
    let crate::routes::RouteState::Open(upstream) = &*subject.route().state() else { panic!("not open") };
    assert!(upstream.enter().is_some());
    stage.launcher.latest().end(Exit::Code(1));
    sleep(Duration::from_millis(1)).await;
    assert_eq!(subject.view().status.state, PluginState::Running, "its pipes are still read");
    assert!(upstream.enter().is_none(), "a connection would be refused");
}

#[tokio::test(start_paused = true)]
async fn an_end_is_reported_though_something_that_it_started_holds_its_pipes_and_that_is_ended_too() {
    let held = Nature { pipes_are_held: true, grandchildren: 2, ..Nature::HEALTHY.ending(1000, 1) };
    let stage = Stage::with(move |_, nth| if nth == 1 { held.clone() } else { Nature::HEALTHY });
    let subject = stage.actor(Policy::default());
    subject.order(Order::Start).await;
    subject.when(|view| view.status.generation == 2 && view.status.state == PluginState::Running).await;
    let first = &stage.launcher.processes()[0];
    let ended = first.when(&Happened::Ended(Exit::Code(1))).unwrap();
    let emptied = first.when(&Happened::Emptied).unwrap();
    assert!(emptied - ended < Duration::from_secs(1), "{:?}", emptied - ended);
    assert!(!first.lives());
}

#[tokio::test(start_paused = true)]
async fn one_that_closes_its_output_and_lives_on_is_ended_and_one_that_ends_with_it_is_one_event() {
    let hung_up = Nature { hangs_up: Some(Duration::from_secs(1)), leaves: None, ..Nature::HEALTHY };
    let stage = Stage::with(move |_, nth| if nth == 1 { hung_up.clone() } else { Nature::HEALTHY });
    let subject = stage.actor(Policy::default());
    let began = Instant::now();
    subject.order(Order::Start).await;
    subject.when(|view| view.status.generation == 2 && view.status.state == PluginState::Running).await;
    assert!(
        subject.last().ended.contains("closed its stdin or stdout and did not exit"),
        "{:?}",
        subject.last()
    );
    let ended = stage.launcher.processes()[0].when(&Happened::Terminated).unwrap() - began;
    assert!(ended >= Duration::from_millis(2250), "250 ms for an exit, and 1 s to leave: {ended:?}");

    let stage =
        Stage::with(|_, nth| if nth == 1 { Nature::HEALTHY.ending(1000, 0) } else { Nature::HEALTHY });
    let subject = stage.actor(Policy::default());
    subject.order(Order::Start).await;
    subject.when(|view| view.status.generation == 2 && view.status.state == PluginState::Running).await;
    assert_eq!(subject.last().ended, "exited with code 0");
}

#[tokio::test(start_paused = true)]
async fn its_calls_that_were_not_answered_are_named_in_the_report() {
    let silent = crate::plugin::testing::Answer::NEVER;
    let stage = Stage::new(Nature { start: silent, ..Nature::HEALTHY.ending(500, 1) });
    let subject = stage.actor(Policy::default());
    subject.order(Order::Start).await;
    subject.when(|view| view.status.restarts > 0).await;
    assert_eq!(subject.last().in_flight, ["start"]);
}
