//! What is remembered, by a disk that is slow or full: nothing of a plugin's life waits for it.

use std::time::Duration;

use outboard_lifecycle::{Order, Policy};
use outboard_protocol::control::PluginState;
use tokio::time::Instant;

use crate::plugin::context::PluginContext;
use crate::plugin::testing::{Nature, Stage};

#[tokio::test(start_paused = true)]
async fn a_slow_disk_delays_no_start_no_stop_and_no_restart() {
    let stage = Stage::with(|_, nth| {
        let nature = Nature { calls: 5, ..Nature::HEALTHY };
        if nth == 2 { nature.ending(10_000, 1) } else { nature }
    });
    stage.context.take(Duration::from_secs(3600));
    let subject = stage.actor(Policy::default());
    let began = Instant::now();
    subject.order(Order::Start).await;
    subject.until(PluginState::Running).await;
    subject.order(Order::Restart).await;
    subject.when(|view| view.status.generation == 3 && view.status.state == PluginState::Running).await;
    subject.order(Order::Stop).await;
    subject.until(PluginState::Stopped).await;
    assert!(began.elapsed() < Duration::from_secs(12), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_remembered_costs_the_plugin_nothing() {
    let stage = Stage::with(|_, nth| if nth == 1 { Nature::HEALTHY.ending(20, 1) } else { Nature::HEALTHY });
    stage.context.fail(true);
    let subject = stage.actor(Policy::default());
    subject.order(Order::Start).await;
    subject.when(|view| view.status.generation == 2 && view.status.state == PluginState::Running).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(subject.view().status.state, PluginState::Running);
    assert_eq!(stage.context.past(&subject.handle.id), None);
    stage.context.fail(false);
    stage.launcher.latest().end(outboard_lifecycle::Exit::Code(1));
    subject.when(|view| view.status.generation == 3 && view.status.state == PluginState::Running).await;
    let past = stage.context.past(&subject.handle.id);
    assert!(past.as_ref().is_some_and(|past| past.contains("\"inARow\":2")), "{past:?}");
}

#[tokio::test(start_paused = true)]
async fn the_version_that_ran_and_a_cause_that_is_the_plugins_own_are_remembered_and_a_shutdown_is_not() {
    let stage = Stage::new(Nature::HEALTHY);
    let subject = stage.actor(Policy::default());
    subject.order(Order::Start).await;
    subject.until(PluginState::Running).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(stage.context.last_version(&subject.handle.id).as_deref(), Some("1.0.0"));
    subject.order(Order::Shutdown).await;
    subject.until(PluginState::Stopped).await;
    assert_eq!(stage.context.past(&subject.handle.id), None, "nothing went wrong");

    let stage = Stage::new(Nature::HEALTHY.ending(1, 1));
    let subject = stage.actor(Policy::default());
    subject.order(Order::Start).await;
    subject.until(PluginState::Errored).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let past = stage.context.past(&subject.handle.id).unwrap();
    assert!(past.contains("crash-loop") && past.contains("exited with code 1"), "{past}");
}
