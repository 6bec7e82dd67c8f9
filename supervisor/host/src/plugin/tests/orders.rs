//! Orders at any moment: each takes effect at once, and the last one counts.

use std::time::Duration;

use outboard_lifecycle::{Order, Policy};
use outboard_protocol::control::PluginState;
use tokio::time::{Instant, sleep, timeout};

use crate::plugin::testing::{FOR_EVER, Happened, Nature, Stage};

#[tokio::test(start_paused = true)]
async fn a_start_during_a_stop_makes_a_restart_of_it() {
    let stage = Stage::new(Nature::HEALTHY);
    let subject = stage.actor(Policy::default());
    subject.order(Order::Start).await;
    subject.until(PluginState::Running).await;
    subject.order(Order::Stop).await;
    assert_eq!(subject.routed(), "closed");
    subject.order(Order::Start).await;
    assert_eq!(subject.routed(), "waiting", "from then on a request waits");
    subject.when(|view| view.status.generation == 2 && view.status.state == PluginState::Running).await;
    assert_eq!(subject.view().status.restarts, 0, "an order is not a failure");
}

#[tokio::test(start_paused = true)]
async fn a_stop_during_a_spawn_ends_what_was_begun() {
    for millis in [0, 1, 3, 6, 9] {
        let stage = Stage::new(Nature { spawn: Duration::from_millis(8), ..Nature::HEALTHY });
        let subject = stage.actor(Policy::default());
        subject.order(Order::Start).await;
        sleep(Duration::from_millis(millis)).await;
        let began = Instant::now();
        subject.order(Order::Stop).await;
        subject.until(PluginState::Stopped).await;
        assert!(began.elapsed() < Duration::from_secs(1), "after {millis} ms: {:?}", began.elapsed());
        sleep(Duration::from_secs(1)).await;
        assert!(stage.launcher.processes().iter().all(|process| !process.lives()), "after {millis} ms");
        assert_eq!(subject.view().status.state, PluginState::Stopped);
    }
}

#[tokio::test(start_paused = true)]
async fn a_restart_during_a_back_off_or_a_start_is_one_start() {
    let stage = Stage::with(|_, nth| if nth < 4 { Nature::HEALTHY.ending(3, 1) } else { Nature::HEALTHY });
    let subject = stage.actor(Policy::default());
    subject.order(Order::Start).await;
    subject.until(PluginState::BackingOff).await;
    let began = Instant::now();
    subject.order(Order::Restart).await;
    assert_eq!(subject.view().status.state, PluginState::Starting, "the delay is over");
    subject.until(PluginState::BackingOff).await;
    subject.until(PluginState::Running).await;
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}

/// How many live of those that somebody answers for.
fn answered_for(stage: &Stage) -> usize {
    let processes = stage.launcher.processes();
    processes.iter().filter(|process| process.lives() && process.is_owned()).count()
}

#[tokio::test(start_paused = true)]
async fn however_many_orders_come_there_is_one_process_and_the_last_order_counts() {
    for seed in 0_u64..40 {
        let stage =
            Stage::new(Nature { spawn: Duration::from_millis(7), grandchildren: 1, ..Nature::HEALTHY });
        let subject = stage.actor(Policy::default());
        let mut chance = seed;
        for _ in 0..100 {
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let order = match (chance >> 33) % 5 {
                0 | 1 => Order::Start,
                2 => Order::Stop,
                3 => Order::Restart,
                _ => Order::KillNow,
            };
            subject.order(order).await;
            sleep(Duration::from_millis((chance >> 40) % 12)).await;
            assert!(answered_for(&stage) <= 1, "seed {seed}");
        }
        let up = seed.is_multiple_of(2);
        subject.order(if up { Order::Start } else { Order::Stop }).await;
        let last = if up { PluginState::Running } else { PluginState::Stopped };
        subject.until(last).await;
        assert_eq!(answered_for(&stage), usize::from(up), "seed {seed}");
        // What a withdrawn launch had begun was killed when it was dropped.
        sleep(Duration::from_millis(10)).await;
        let living = stage.launcher.processes().iter().filter(|process| process.lives()).count();
        assert_eq!(living, usize::from(up), "seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_plugin_that_is_removed_is_stopped_and_its_task_ends() {
    let stage = Stage::new(Nature::HEALTHY);
    let subject = stage.actor(Policy::default());
    subject.order(Order::Start).await;
    subject.until(PluginState::Running).await;
    subject.order(Order::Remove).await;
    let handle = subject.handle.clone();
    timeout(FOR_EVER, subject.task).await.unwrap().unwrap();
    assert!(stage.launcher.latest().is_empty());
    assert!(!handle.order(Order::Start, None).await, "there is nobody to take it");
}

#[tokio::test(start_paused = true)]
async fn a_plugin_that_nobody_holds_any_more_is_shut_down_in_order() {
    let stage = Stage::new(Nature::HEALTHY);
    let subject = stage.actor(Policy::default());
    subject.order(Order::Start).await;
    subject.until(PluginState::Running).await;
    drop(subject.handle);
    timeout(FOR_EVER, subject.task).await.unwrap().unwrap();
    assert!(stage.launcher.latest().happened().contains(&Happened::Told("stop".to_owned())));
    assert!(stage.launcher.latest().is_empty());
}
