//! From the wish for a process to its launch: the wait for a turn, the launch itself, and giving up on either.
//!
//! Called by `effects`, and by `facts` when the turn has come. It must not know what follows on a launch.

use std::sync::{Arc, PoisonError};

use outboard_lifecycle::{Deadline, Fact, Generation};

use super::done::Done;
use super::launching::Wanted;
use super::state::Plugin;
use super::turns::Taken;

/// Asks for a turn.
pub(super) fn ask(plugin: &mut Plugin, generation: Generation) {
    plugin.living = None;
    if let Some(why) = plugin.roll_back_failure.take() {
        let fact = Fact::SpawnFailed { why, transient: false };
        plugin.work.spawn(async move { Done::Fact(generation, fact) });
        return;
    }
    let turns = plugin.shared.turns.clone();
    let work = async move { Done::Turn(generation, turns.next().await) };
    plugin.turn = None;
    plugin.spawning = Some(plugin.work.spawn(work));
}

/// Its turn has come: starts the process. What the launch may take counts from here.
pub(super) fn begin(plugin: &mut Plugin, generation: Generation, taken: Taken) {
    if generation != plugin.machine.generation() || plugin.spawning.is_none() {
        // Withdrawn while it came.
        return;
    }
    let (turn, held) = taken.begin();
    plugin.turn = Some(turn);
    plugin.work.spawn(async move {
        held.await;
        Done::Nothing
    });
    plugin.timers.arm(Deadline::Spawn, generation, plugin.machine.policy().spawn);
    let history = plugin.share_history();
    let wanted = Wanted {
        installed: Arc::clone(&plugin.installed),
        settings: Arc::clone(&plugin.settings),
        generation,
        note: Box::new(move |stamp| {
            history.lock().unwrap_or_else(PoisonError::into_inner).started_on = Some(stamp);
        }),
    };
    let launching = plugin.shared.launcher.launch(wanted);
    let work = async move { Done::Launched(generation, launching.await) };
    plugin.spawning = Some(plugin.work.spawn(work));
}

/// Gives up on a process that is on its way. That ends what was begun; the machine awaits an answer all the same.
pub(super) fn withdraw(plugin: &mut Plugin) {
    plugin.turn = None;
    if let Some(spawning) = plugin.spawning.take() {
        spawning.abort();
        let generation = plugin.machine.generation();
        let fact = Fact::SpawnFailed { why: "it was withdrawn before it ran".to_owned(), transient: true };
        plugin.work.spawn(async move { Done::Fact(generation, fact) });
    }
}

/// Whether it is others that it waits for.
pub(super) fn waits_for_its_turn(plugin: &Plugin) -> bool {
    plugin.spawning.is_some() && plugin.turn.is_none()
}
