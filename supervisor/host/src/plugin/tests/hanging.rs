//! A plugin that runs and does not answer.

use std::time::Duration;

use outboard_lifecycle::{Order, Policy};
use outboard_protocol::control::PluginState;
use tokio::time::{Instant, sleep};

use crate::plugin::testing::{Answer, Happened, Nature, Stage};

#[tokio::test(start_paused = true)]
async fn one_that_answers_no_ping_is_ended_after_the_last_that_is_allowed() {
    let silent = Nature { pings: Some(2), ..Nature::HEALTHY };
    let stage = Stage::with(move |_, nth| if nth == 1 { silent.clone() } else { Nature::HEALTHY });
    let subject = stage.actor(Policy::default());
    subject.order(Order::Start).await;
    subject.until(PluginState::Running).await;
    let ran = Instant::now();
    subject.when(|view| view.status.generation == 2 && view.status.state == PluginState::Running).await;
    let hung = &stage.launcher.processes()[0];
    let after = (hung.when(&Happened::Terminated).unwrap() - ran).as_secs();
    // Two that are answered, and three that are not, each of which has its 5 s.
    assert!((30..=31).contains(&after), "{after}");
    assert!(subject.last().ended.contains("did not answer 3 pings in a row"), "{:?}", subject.last());
    assert_eq!(subject.last().in_flight, [""; 0], "a ping that was given up is not in flight");
}

#[tokio::test(start_paused = true)]
async fn silence_while_our_own_disk_hangs_is_excused_and_afterwards_it_counts() {
    let stage = Stage::new(Nature { pings: Some(0), ..Nature::HEALTHY });
    let subject = stage.actor(Policy::default());
    subject.order(Order::Start).await;
    subject.until(PluginState::Running).await;
    stage.context.hold_up(true);
    sleep(Duration::from_secs(600)).await;
    assert_eq!((stage.launcher.asked(), subject.view().status.state), (1, PluginState::Running));
    stage.context.hold_up(false);
    subject.when(|view| view.status.generation == 2).await;
}

#[tokio::test(start_paused = true)]
async fn no_step_of_a_start_is_called_late_while_our_own_disk_hangs_and_its_answer_still_counts() {
    let slow = Answer::after(60_000);
    let stage = Stage::new(Nature { initialize: slow, start: slow, ..Nature::HEALTHY });
    stage.context.hold_up(true);
    let subject = stage.actor(Policy::default());
    subject.order(Order::Start).await;
    let view = subject.until(PluginState::Running).await;
    assert_eq!((view.status.generation, view.status.restarts), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_start_that_our_own_disk_held_up_has_its_whole_time_afterwards_and_no_more() {
    let stage = Stage::new(Nature { start: Answer::NEVER, ..Nature::HEALTHY });
    stage.context.hold_up(true);
    let subject = stage.actor(Policy::default());
    subject.order(Order::Start).await;
    sleep(Duration::from_secs(300)).await;
    assert_eq!((stage.launcher.asked(), subject.view().status.state), (1, PluginState::Starting));
    stage.context.hold_up(false);
    let over = Instant::now();
    subject.when(|view| view.status.generation == 2).await;
    assert!(over.elapsed() < Duration::from_secs(35), "{:?}", over.elapsed());
}
