//! From the order to start to the first request: handshake, start, and what each of them may not do.

use std::time::Duration;

use outboard_lifecycle::{Order, Policy};
use outboard_protocol::control::PluginState;
use tokio::time::Instant;

use crate::plugin::testing::{Answer, Happened, Nature, Says, Spawns, Stage};

/// The first process is this, and all that follow are healthy.
fn at_first(first: Nature) -> Stage {
    Stage::with(move |_, nth| if nth == 1 { first.clone() } else { Nature::HEALTHY })
}

fn told(message: &str) -> Happened {
    Happened::Told(message.to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_plugin_comes_up_by_handshake_and_start_and_its_route_leads_to_that_process() {
    let stage = Stage::new(Nature::HEALTHY);
    let subject = stage.actor(Policy::default());
    assert_eq!(subject.routed(), "closed");
    subject.order(Order::Start).await;
    assert_eq!(subject.routed(), "waiting", "a request waits from the order on");
    let view = subject.until(PluginState::Running).await;
    assert_eq!(subject.routed(), "open 1");
    assert_eq!(view.status.pid, Some(stage.launcher.latest().pid));
    assert_eq!(stage.launcher.latest().happened(), [told("initialize"), told("start")]);
    assert_eq!(stage.context.prefixes(), ["/api/subject"]);
}

#[tokio::test(start_paused = true)]
async fn a_process_that_answers_no_handshake_is_ended_at_the_deadline_and_another_takes_its_place() {
    let stage = at_first(Nature { initialize: Answer::NEVER, ..Nature::HEALTHY });
    let subject = stage.actor(Policy::default());
    subject.order(Order::Start).await;
    let view = subject.until(PluginState::Running).await;
    let silent = &stage.launcher.processes()[0];
    let waited = silent.when(&Happened::Terminated).unwrap() - silent.when(&told("initialize")).unwrap();
    assert_eq!(waited.as_secs(), Policy::default().handshake.as_secs());
    assert_eq!((view.status.generation, view.status.restarts), (2, 1));
    assert_eq!((subject.last().phase.as_str(), subject.last().generation), ("handshake", 1));
}

#[tokio::test(start_paused = true)]
async fn a_start_that_is_not_answered_is_ended_at_its_own_deadline() {
    let stage = at_first(Nature { start: Answer::NEVER, ..Nature::HEALTHY });
    let subject = stage.actor(Policy::default());
    subject.order(Order::Start).await;
    subject.until(PluginState::Running).await;
    let silent = &stage.launcher.processes()[0];
    let waited = silent.when(&Happened::Terminated).unwrap() - silent.when(&told("start")).unwrap();
    assert_eq!(waited.as_secs(), Policy::default().start.as_secs());
    assert_eq!(subject.last().phase, "start");
}

#[tokio::test(start_paused = true)]
async fn a_start_that_says_that_it_still_works_has_more_time() {
    let start = Answer::after(90_000).saying(Says::Progress);
    let stage = Stage::new(Nature { start, ..Nature::HEALTHY });
    let subject = stage.actor(Policy::default());
    let began = Instant::now();
    subject.order(Order::Start).await;
    let view = subject.until(PluginState::Running).await;
    assert!(began.elapsed() >= Duration::from_secs(90), "{:?}", began.elapsed());
    assert_eq!((view.status.generation, view.status.restarts), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn what_a_debugger_holds_is_not_called_late() {
    let stage = Stage::new(Nature { traced: true, ..Nature::HEALTHY });
    let subject = stage.actor(Policy::default());
    subject.order(Order::Start).await;
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(subject.view().status.phase.as_deref(), Some("handshaking"));
    assert!(stage.launcher.latest().lives());
}

#[tokio::test(start_paused = true)]
async fn a_launch_that_hangs_is_given_up_and_what_was_begun_is_ended() {
    let stage = at_first(Nature { spawn: Duration::from_secs(8), ..Nature::HEALTHY });
    let subject = stage.actor(Policy::default());
    subject.order(Order::Start).await;
    let view = subject.until(PluginState::Running).await;
    let begun = &stage.launcher.processes()[0];
    assert!(!begun.lives() && begun.happened().contains(&Happened::Killed), "{:?}", begun.happened());
    assert_eq!((view.status.generation, view.status.restarts), (2, 0), "a shortage is not a restart");
}

#[tokio::test(start_paused = true)]
async fn what_the_machine_was_short_of_is_tried_again_and_what_is_missing_is_not() {
    let short = Nature { spawns: Spawns::No { transient: true }, ..Nature::HEALTHY };
    let stage = Stage::with(move |_, nth| if nth < 8 { short.clone() } else { Nature::HEALTHY });
    let subject = stage.actor(Policy::default());
    subject.order(Order::Start).await;
    assert_eq!(subject.until(PluginState::Running).await.status.restarts, 0);
    assert_eq!(subject.handle.history().len(), 1, "tries in a row are one record");
    assert!(subject.last().ended.contains("7 times in a row"), "{:?}", subject.last());

    let stage = Stage::new(Nature { spawns: Spawns::No { transient: false }, ..Nature::HEALTHY });
    let subject = stage.actor(Policy::default());
    subject.order(Order::Start).await;
    let view = subject.until(PluginState::Errored).await;
    assert_eq!(view.status.cause_code.as_deref(), Some("cannot-spawn"));
    assert_eq!(stage.launcher.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_an_answer_and_not_tried_again() {
    let no = Answer::after(5).saying(Says::No("no key\\n  at line 7"));
    for (nature, cause) in [
        (Nature { initialize: no, ..Nature::HEALTHY }, "incompatible"),
        (Nature { start: no, ..Nature::HEALTHY }, "start-rejected"),
    ] {
        let stage = Stage::new(nature);
        let subject = stage.actor(Policy::default());
        subject.order(Order::Start).await;
        let view = subject.until(PluginState::Errored).await;
        assert_eq!(view.status.cause_code.as_deref(), Some(cause));
        assert!(view.status.cause.as_ref().is_some_and(|why| why.contains("no key")), "{:?}", view.status);
        assert_eq!((stage.launcher.asked(), subject.routed().as_str()), (1, "closed"));
        assert!(!stage.launcher.latest().lives());
        assert!(subject.last().detail.is_some_and(|stack| stack.contains("line 7")), "{cause}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_answer_changes_nothing_and_what_is_no_message_is_no_answer() {
    let twice = Answer::after(5).saying(Says::Twice);
    let stage = Stage::new(Nature { initialize: twice, start: twice, stop: twice, ..Nature::HEALTHY });
    let subject = stage.actor(Policy::default());
    subject.order(Order::Start).await;
    assert_eq!(subject.until(PluginState::Running).await.status.generation, 1);
    subject.order(Order::Stop).await;
    subject.until(PluginState::Stopped).await;
    assert_eq!(subject.last().ended, "exited with code 0");

    let stage = at_first(Nature { initialize: Answer::after(5).saying(Says::Noise), ..Nature::HEALTHY });
    let subject = stage.actor(Policy::default());
    subject.order(Order::Start).await;
    subject.until(PluginState::Running).await;
    let advice = subject.last().advice.unwrap_or_default();
    assert!(advice.contains("1 line on stdout was not a message: `this is not a message`"), "{advice}");
}

#[tokio::test(start_paused = true)]
async fn only_so_many_are_on_their_way_at_once_and_none_holds_up_the_others_for_ever() {
    let silent = Nature { initialize: Answer::NEVER, ..Nature::HEALTHY };
    let stage = Stage::new(silent);
    let before = stage.launcher.asked();
    let many: Vec<_> = (0..500).map(|nth| stage.actor_of(&format!("p{nth}"), Policy::default())).collect();
    for subject in &many {
        subject.order(Order::Start).await;
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    let begun = stage.launcher.asked() - before;
    assert!(begun > 0 && begun < 250, "{begun} began at once");
}
