//! A bug of ours in one plugin's task: it costs that plugin its process, and nothing more.

use std::time::Duration;

use outboard_lifecycle::{Order, Policy};
use outboard_protocol::control::PluginState;
use tokio::time::sleep;

use crate::plugin::testing::{Nature, Spawns, Stage};

#[tokio::test(start_paused = true)]
async fn a_panic_ends_the_process_and_its_successor_begins_errored_and_obeys_the_next_order() {
    let panics = Nature { panics_on_terminate: true, leaves: None, grandchildren: 2, ..Nature::HEALTHY };
    let stage = Stage::with(move |_, nth| if nth == 1 { panics.clone() } else { Nature::HEALTHY });
    let mut subject = stage.actor(Policy::default());
    subject.order(Order::Start).await;
    subject.until(PluginState::Running).await;
    subject.order(Order::Stop).await;
    let ended = (&mut subject.task).await;
    assert!(ended.is_err_and(|error| error.is_panic()));
    sleep(Duration::from_millis(10)).await;
    assert!(
        !stage.launcher.latest().lives() && !stage.launcher.latest().has_socket(),
        "its process goes with it"
    );
    let successor = stage.successor(&subject, "it panicked");
    successor.until(PluginState::Stopped).await;
    successor.order(Order::Start).await;
    let view = successor.until(PluginState::Running).await;
    assert_eq!(view.status.generation, 2, "no generation is given twice");
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_launch_is_errored_as_ours_and_the_next_start_works() {
    let panics = Nature { spawns: Spawns::Panics, ..Nature::HEALTHY };
    let stage = Stage::with(move |_, nth| if nth == 1 { panics.clone() } else { Nature::HEALTHY });
    let mut subject = stage.actor(Policy::default());
    subject.order(Order::Start).await;
    assert!((&mut subject.task).await.is_err_and(|error| error.is_panic()));
    let successor = stage.successor(&subject, "it panicked");
    let view = successor.until(PluginState::Errored).await;
    assert_eq!(view.status.cause_code.as_deref(), Some("internal"));
    assert!(view.status.cause.as_ref().is_some_and(|why| why.contains("it panicked")), "{:?}", view.status);
    assert_eq!(successor.routed(), "closed");
    successor.order(Order::Start).await;
    successor.until(PluginState::Running).await;
}
