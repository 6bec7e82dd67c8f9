//! The way down: each step has its time, and then comes the next one.

use std::time::Duration;

use outboard_lifecycle::{Exit, Order, Policy};
use outboard_protocol::control::PluginState;
use tokio::time::{Instant, sleep};

use crate::plugin::testing::{Answer, Happened, Nature, Says, Stage, Subject};
use crate::routes::{RouteState, Upstream};

async fn running(nature: Nature) -> (Stage, Subject) {
    let stage = Stage::new(nature);
    let subject = stage.actor(Policy::default());
    subject.order(Order::Start).await;
    subject.until(PluginState::Running).await;
    (stage, subject)
}

fn upstream(subject: &Subject) -> std::sync::Arc<Upstream> {
    let RouteState::Open(upstream) = &*subject.route().state() else { panic!("{}", subject.routed()) };
    std::sync::Arc::clone(upstream)
}

/// Seconds from `began` until this happened.
fn after(stage: &Stage, began: Instant, what: &Happened) -> u64 {
    (stage.launcher.latest().when(what).unwrap() - began).as_secs()
}

#[tokio::test(start_paused = true)]
async fn a_stop_asks_then_closes_the_input_then_waits_and_nothing_of_it_is_left() {
    let (stage, subject) = running(Nature { grandchildren: 2, ..Nature::HEALTHY }).await;
    subject.order(Order::Stop).await;
    assert_eq!(subject.routed(), "closed", "no request is let in from the order on");
    subject.until(PluginState::Stopped).await;
    let told: Vec<Happened> = stage.launcher.latest().happened().into_iter().skip(2).collect();
    let stop = Happened::Told("stop".to_owned());
    assert_eq!(told[..3], [stop, Happened::InputEnded, Happened::Ended(Exit::Code(0))]);
    assert!(!told.contains(&Happened::Terminated), "{told:?}");
    assert!(!stage.launcher.latest().lives() && !stage.launcher.latest().has_socket());
    assert_eq!(subject.last().ended, "exited with code 0");
}

#[tokio::test(start_paused = true)]
async fn one_that_listens_to_nothing_gets_each_step_of_the_stop_when_the_one_before_is_over() {
    let deaf = Nature { stop: Answer::NEVER, leaves: None, terminates: None, ..Nature::HEALTHY };
    let (stage, subject) = running(deaf).await;
    let began = Instant::now();
    subject.order(Order::Stop).await;
    subject.until(PluginState::Stopped).await;
    let steps = [Happened::Told("stop".to_owned()), Happened::Terminated, Happened::Killed];
    assert_eq!(steps.map(|step| after(&stage, began, &step)), [0, 5, 7]);
    assert!(subject.last().ended.starts_with("it did not answer `stop` within 5s"), "{:?}", subject.last());
    assert!(stage.context.log().iter().any(|line| line.contains("did not answer `stop`")));
}

#[tokio::test(start_paused = true)]
async fn one_that_answers_and_does_not_leave_gets_sigterm() {
    let (stage, subject) = running(Nature { leaves: None, ..Nature::HEALTHY }).await;
    let began = Instant::now();
    subject.order(Order::Stop).await;
    subject.until(PluginState::Stopped).await;
    assert_eq!(after(&stage, began, &Happened::Terminated), 1);
    assert_eq!(subject.last().ended, "was killed by SIGTERM (15)");
}

#[tokio::test(start_paused = true)]
async fn a_stop_that_failed_is_told_with_its_stack() {
    let stop = Answer::after(1).saying(Says::No("the disk is full\\n  at flush"));
    let (_stage, subject) = running(Nature { stop, ..Nature::HEALTHY }).await;
    subject.order(Order::Stop).await;
    subject.until(PluginState::Stopped).await;
    let last = subject.last();
    assert_eq!(last.ended, "its stop failed: the disk is full, and exited with code 0");
    assert_eq!(last.detail.as_deref(), Some("  at flush"));
}

#[tokio::test(start_paused = true)]
async fn requests_in_flight_have_their_time_and_the_stop_goes_on_when_the_last_has_left() {
    let (stage, subject) = running(Nature::HEALTHY).await;
    let upstream = upstream(&subject);
    let (one, other) = (upstream.enter().unwrap(), upstream.enter().unwrap());
    let began = Instant::now();
    subject.order(Order::Stop).await;
    assert!(upstream.enter().is_none(), "no further one is let in");
    drop(one);
    sleep(Duration::from_millis(700)).await;
    assert_eq!(subject.view().status.phase.as_deref(), Some("draining"));
    drop(other);
    subject.until(PluginState::Stopped).await;
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());

    let (stage, subject) = {
        drop(stage);
        running(Nature::HEALTHY).await
    };
    let _stays = self::upstream(&subject).enter().unwrap();
    let began = Instant::now();
    subject.order(Order::Stop).await;
    subject.until(PluginState::Stopped).await;
    assert_eq!(
        after(&stage, began, &Happened::Told("stop".to_owned())),
        2,
        "an event stream holds up no stop"
    );
}

#[tokio::test(start_paused = true)]
async fn one_that_the_kernel_does_not_let_go_of_is_errored_and_no_other_starts_before_it_has_gone() {
    let stuck = Nature { terminates: None, leaves: None, dies: None, stop: Answer::NEVER, ..Nature::HEALTHY };
    let (stage, subject) = running(stuck).await;
    let began = Instant::now();
    subject.order(Order::Stop).await;
    let view = subject.until(PluginState::Errored).await;
    assert_eq!(view.status.cause_code.as_deref(), Some("not-empty"));
    assert!(began.elapsed() < Policy::default().longest_stop() + Duration::from_millis(100));
    assert!(
        view.status.cause.as_ref().is_some_and(|why| why.contains(&stage.launcher.latest().pid.to_string()))
    );
    subject.order(Order::Start).await;
    subject.until(PluginState::Errored).await;
    assert_eq!(stage.launcher.asked(), 1, "never two processes of one plugin");
    subject.order(Order::Start).await;
    stage.launcher.latest().end(Exit::Code(9));
    subject.until(PluginState::Running).await;
    assert_eq!(stage.launcher.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn kill_now_takes_no_longer_than_the_kernel() {
    let (stage, subject) = running(Nature { grandchildren: 3, ..Nature::HEALTHY }).await;
    let began = Instant::now();
    subject.order(Order::KillNow).await;
    subject.until(PluginState::Stopped).await;
    assert!(began.elapsed() < Duration::from_millis(100), "{:?}", began.elapsed());
    assert!(!stage.launcher.latest().lives());
}

#[tokio::test(start_paused = true)]
async fn where_it_cannot_be_looked_nothing_is_called_gone_and_nothing_is_called_left() {
    let (stage, subject) = running(Nature { unseen: 40, ..Nature::HEALTHY }).await;
    let began = Instant::now();
    subject.order(Order::Restart).await;
    sleep(Duration::from_secs(8)).await;
    assert_eq!(stage.launcher.asked(), 1);
    assert_eq!(subject.view().status.phase.as_deref(), Some("emptying"), "longer than `empty` lasts");
    subject.until(PluginState::Running).await;
    assert!(began.elapsed() > Duration::from_secs(9) && stage.launcher.asked() == 2, "{:?}", began.elapsed());
}
