//! A plugin's life, told in sentences. Goes through the public surface alone.
#![allow(clippy::unwrap_used, unreachable_pub)] // a test may stop at once; its modules are its own

mod failures;
mod hangs;
mod orders;
mod past;
#[path = "../play/mod.rs"]
mod play;
mod settings;
mod updates;
mod words;

use outboard_lifecycle::{Cause, Effect, Order, StopReason};

use play::Play;

fn update(from: &str, to: &str, has_old: bool) -> Order {
    Order::Update { from: from.into(), to: to.into(), has_old }
}

fn cause(play: &Play) -> Option<Cause> {
    play.life.state().cause()
}

fn decision(play: &Play) -> String {
    play.life.snapshot().decision.unwrap().to_string()
}

fn sends_stop(effects: &[Effect]) -> Option<StopReason> {
    effects.iter().find_map(|e| if let Effect::SendStop { reason } = e { Some(*reason) } else { None })
}
