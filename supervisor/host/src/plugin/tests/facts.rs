//! Late news: what finished work of a former generation brings changes nothing.

use std::sync::Arc;
use std::time::Duration;

use outboard_lifecycle::{Effect, Event, Exit, Fact, Generation, Lifecycle, Order, Policy};
use outboard_protocol::handshake::{InitializeResult, features};

use crate::plugin::done::Done;
use crate::plugin::launching::{LaunchFailure, Launcher, Wanted};
use crate::plugin::state::Plugin;
use crate::plugin::stopping::StopCall;
use crate::plugin::testing::{Nature, Stage, installed};
use crate::plugin::{PluginSettings, effects, facts};

/// A plugin whose second process is wanted, without a loop to carry anything on.
fn in_its_second_generation(stage: &Stage) -> Plugin {
    let machine = Lifecycle::new(Policy::default(), 1);
    let settings = Arc::new(PluginSettings::default());
    let mut plugin = Plugin::new(
        Arc::new(installed("subject", "1.0.0")),
        settings,
        stage.shared.clone(),
        machine,
        Arc::default(),
    );
    let first = Generation(1);
    let failed = Fact::SpawnFailed { why: "no".to_owned(), transient: true };
    for event in [
        Event::Order(Order::Start),
        Event::Fact(first, failed),
        Event::Fact(first, Fact::Empty),
        Event::Order(Order::Start),
    ] {
        for effect in plugin.machine.step(event, plugin.elapsed()) {
            effects::carry_out(&mut plugin, effect);
        }
    }
    assert_eq!(plugin.machine.generation(), Generation(2));
    plugin
}

#[tokio::test(start_paused = true)]
async fn news_of_a_former_generation_change_nothing() {
    let stage = Stage::new(Nature::HEALTHY);
    let mut plugin = in_its_second_generation(&stage);
    let former = Generation(1);
    let (before, said) = (plugin.machine.snapshot(), stage.context.log());
    let failure = LaunchFailure { why: "late".to_owned(), transient: false };
    let turn = stage.shared.turns.next().await;
    let news = [
        Done::Turn(former, turn),
        Done::Launched(former, Err(failure)),
        Done::Initialized(former, Err("late".to_owned())),
        Done::StopAnswered(former, Some("late".to_owned())),
        Done::Ended(former, Exit::Code(1)),
        Done::Drained(former, Exit::Code(1)),
        Done::Fact(former, Fact::StartOk),
        Done::Fact(former, Fact::Empty),
    ];
    for done in news {
        if let Some(event) = facts::event(&mut plugin, Ok(done)) {
            assert_eq!(
                plugin.machine.step(event.clone(), plugin.elapsed()),
                Vec::<Effect>::new(),
                "{event:?}"
            );
        }
        assert_eq!(plugin.machine.snapshot(), before);
        assert!(plugin.spawning.is_some(), "the present launch goes on");
        assert!(plugin.turn.is_none() && plugin.living.is_none() && plugin.spawn_failure.is_none());
    }
    assert_eq!(stage.launcher.asked(), 0, "a turn of a former generation begins nothing");
    assert_eq!(stage.context.log(), said);
}

#[tokio::test(start_paused = true)]
async fn news_of_a_former_process_leave_the_living_one_alone() {
    let stage = Stage::new(Nature::HEALTHY);
    let mut plugin = in_its_second_generation(&stage);
    let (former, present) = (Generation(1), Generation(2));
    let (installed, settings) = (Arc::clone(&plugin.installed), Arc::clone(&plugin.settings));
    let wanted = Wanted { installed, settings, generation: present, note: Box::new(|_| {}) };
    let Ok(process) = stage.launcher.launch(wanted).await else { panic!("a healthy one starts") };
    assert!(facts::event(&mut plugin, Ok(Done::Launched(present, Ok(process)))).is_some());
    plugin.living.as_mut().unwrap().stop = StopCall::Made(Duration::from_secs(5));
    let hello = InitializeResult {
        protocol_version: 1,
        sdk: None,
        hooks: Vec::new(),
        features: vec![features::HTTP.to_owned()],
    };
    for done in [
        Done::Initialized(former, Ok(hello)),
        Done::StopAnswered(former, Some("late".to_owned())),
        Done::Ended(former, Exit::Code(1)),
    ] {
        facts::event(&mut plugin, Ok(done));
        let living = plugin.living.as_ref().unwrap();
        assert!(living.initialized.is_none() && living.ended.is_none());
        assert!(matches!(living.stop, StopCall::Made(_)), "{:?}", living.stop);
        assert!(living.upstream.enter().is_some(), "requests are let in");
    }
    assert_eq!(stage.context.prefixes(), [""; 0], "nothing is claimed for it");
}

#[tokio::test(start_paused = true)]
async fn a_piece_of_work_that_panics_is_a_fault_of_ours() {
    let stage = Stage::new(Nature::HEALTHY);
    let mut plugin = in_its_second_generation(&stage);
    let error = tokio::spawn(async { panic!("a bug") }).await.unwrap_err();
    let event = facts::event(&mut plugin, Err(error));
    assert!(matches!(event, Some(Event::Fault { why }) if why.contains("a bug")));
}
