//! What an event does in a scene, in the words of the documentation.

use outboard_lifecycle::{After, Effect, State};

use crate::play::{Play, names, place};
use crate::scenes::{Form, Scene};

/// What an event does. `Disarm` at a change of phase and `Publish` at a change of state are rules for all rows,
/// checked here and not repeated in the tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The next place, or `stays`, with what changed in it.
    pub next: String,
    /// What is to follow, where something is being stopped.
    pub then: String,
    pub effects: String,
}

impl Outcome {
    /// What it looks like when an event does nothing in this scene.
    pub fn nothing(scene: &Scene) -> Self {
        Self { next: "stays".into(), then: then(scene.play.life.state()), effects: String::new() }
    }
}

pub fn of(scene: &Scene, form: &Form) -> Outcome {
    let mut play: Play = scene.play.clone();
    let event = (form.make)(&play);
    let before = play.life.snapshot();
    let mut effects = play.step(event);
    let now = play.life.snapshot();
    let what = format!("{} in {} ({}, {})", form.event, scene.place, scene.when, form.when);

    let changed = (&before.state, before.desired, before.pid) != (&now.state, now.desired, now.pid);
    assert_eq!(
        effects.pop_if(|e| *e == Effect::Publish).is_some(),
        changed,
        "{what}: published when changed"
    );
    assert!(!effects.contains(&Effect::Publish), "{what}: published once, and last");

    let moved = place(&before.state) != play.place();
    let disarm = effects.iter().position(|e| *e == Effect::Disarm);
    let arm = effects.iter().position(|e| matches!(e, Effect::Arm { .. }));
    assert!(!moved || disarm.is_some(), "{what}: a change of phase disarms");
    assert!(arm.is_none() || disarm.is_none() || disarm < arm, "{what}: before anything is armed");
    effects.retain(|effect| !(moved && *effect == Effect::Disarm));

    let next =
        if moved { play.place().to_owned() } else { format!("stays{}", turn(&before.state, &now.state)) };
    Outcome { next, then: then(play.life.state()), effects: names(&effects).join(", ") }
}

/// What is to follow, in the words of the documentation; empty where nothing is being stopped.
fn then(state: &State) -> String {
    match state {
        State::Stopping { after: After::BackOff { delay, .. }, .. } if delay.is_zero() => "at once".into(),
        State::Stopping { after: After::Errored { cause, .. }, .. } => format!("errored: {}", cause.name()),
        State::Stopping { after, .. } => after.name().into(),
        _ => String::new(),
    }
}

/// What changed within `running`.
fn turn(before: &State, now: &State) -> String {
    match (before, now) {
        (State::Running { health: old, .. }, State::Running { health: new, .. }) if old != new => {
            format!(", {}", new.name())
        }
        (State::Running { probation: Some(_), .. }, State::Running { probation: None, .. }) => {
            ", proven".into()
        }
        _ => String::new(),
    }
}
