//! Turns work that is done into events for the state machine.
//!
//! Called by the actor with whatever its work ended in. Takes in what the work brought, sets to work what belongs to it, and says
//! which event that is. It never steps the machine.

use std::sync::Arc;
use std::time::Duration;

use outboard_lifecycle::{Event, Exit, Fact, Generation};
use outboard_protocol::context::logger::LogLevel;
use outboard_protocol::handshake::{Hook, InitializeResult, features};
use tokio::task::JoinError;
use tokio::time::timeout;

use super::done::Done;
use super::launching::{LaunchFailure, NewProcess};
use super::living::Living;
use super::state::Plugin;
use super::stopping::StopFailure;
use super::{remembering, spawning};

/// How long a dead process's pipes are read at most before its end is reported. What it said last is in there.
const PIPES_READ_WITHIN: Duration = Duration::from_millis(600);
/// How long the context calls of a dead process may go on. They were accepted, and their caller's end is dealt with meanwhile.
const CALLS_END_WITHIN: Duration = Duration::from_millis(600);
/// A process whose streams have closed is about to end, most of the time. Only one that is still there after this has
/// hung up on us.
const EXIT_FOLLOWS: Duration = Duration::from_millis(250);

/// The event that finished work amounts to, where it amounts to one.
pub(super) fn event(plugin: &mut Plugin, done: Result<Done, JoinError>) -> Option<Event> {
    let done = match done {
        Ok(done) => done,
        Err(error) if error.is_cancelled() => return None,
        Err(error) => return Some(Event::Fault { why: format!("a task of the plugin failed: {error}") }),
    };
    match done {
        Done::Nothing => None,
        // While our own disk hangs, a plugin may be waiting for what we keep for it, and its silence says nothing.
        Done::Fact(generation, Fact::PingUnanswered) if plugin.shared.context.are_held_up() => {
            Some(Event::Fact(generation, Fact::PingExcused))
        }
        Done::Fact(generation, fact) => {
            if matches!(fact, Fact::Empty | Fact::NotEmpty { .. }) {
                plugin.unseen = false;
            }
            Some(Event::Fact(generation, fact))
        }
        Done::Unseen(generation, why) => {
            if !std::mem::replace(&mut plugin.unseen, true) {
                tracing::error!(plugin = %plugin.installed.id(), why, "it is not known whether anything of its old process is left; the supervisor looks again until it can, and no new process is started before");
            }
            Some(Event::Fact(generation, Fact::NotEmpty { left: Vec::new() }))
        }
        Done::Turn(generation, turn) => {
            spawning::begin(plugin, generation, turn);
            None
        }
        Done::Launched(generation, launched) => launched_event(plugin, generation, launched),
        Done::Initialized(generation, answer) => initialized(plugin, generation, answer),
        Done::StopAnswered(generation, said) => {
            stop_answered(plugin, generation, said.as_deref());
            Some(Event::Fact(generation, Fact::StopAnswered))
        }
        Done::Ended(generation, exit) => {
            ended(plugin, generation, exit);
            None
        }
        Done::Drained(generation, exit) => {
            finish_calls(plugin, generation);
            Some(Event::Fact(generation, Fact::Exited { exit }))
        }
    }
}

fn launched_event(
    plugin: &mut Plugin,
    generation: Generation,
    launched: Result<NewProcess, LaunchFailure>,
) -> Option<Event> {
    if generation != plugin.machine.generation() {
        // Nobody wants it any more: dropping it ends it. Where it was withdrawn, the answer to that is given.
        return None;
    }
    plugin.spawning = None;
    let fact = match launched {
        Ok(launched) => Fact::Spawned { pid: live(plugin, generation, launched) },
        Err(LaunchFailure { why, transient }) => {
            plugin.turn = None;
            plugin.spawn_failure = Some(why.clone());
            Fact::SpawnFailed { why, transient }
        }
    };
    Some(Event::Fact(generation, fact))
}

/// Begins the conversation with a process, and waits for its end and for the end of its streams. Gives its pid.
fn live(plugin: &mut Plugin, generation: Generation, launched: NewProcess) -> u32 {
    let living = Living::new(launched, &plugin.installed, &plugin.settings, &plugin.shared, generation);
    let pid = living.pid;
    let (session, containment) = (living.session.clone(), Arc::clone(&living.containment));
    plugin.living = Some(living);
    let ends = Arc::clone(&containment);
    plugin.work.spawn(async move { Done::Ended(generation, ends.exited().await) });
    plugin.work.spawn(async move {
        session.ended().await;
        // A process that ends closes its streams first; that is one event and not two.
        let gone = timeout(EXIT_FOLLOWS, containment.exited()).await.is_ok();
        Done::told(generation, (!gone).then_some(Fact::StdioLost))
    });
    pid
}

fn initialized(
    plugin: &mut Plugin,
    generation: Generation,
    answer: Result<InitializeResult, String>,
) -> Option<Event> {
    if generation != plugin.machine.generation() {
        return None;
    }
    plugin.turn = None;
    let fact = match answer {
        Err(why) => Fact::Incompatible { why },
        Ok(result) => {
            if result.has_feature(features::HTTP) {
                remembering::own_prefix(plugin);
            }
            let resumes = result.has_hook(Hook::OnResume);
            if let Some(living) = plugin.living.as_mut() {
                living.initialized = Some(result);
            }
            Fact::HandshakeDone { resumes }
        }
    };
    Some(Event::Fact(generation, fact))
}

fn stop_answered(plugin: &mut Plugin, generation: Generation, said: Option<&str>) {
    let living = plugin.living.as_mut().filter(|living| living.generation == generation);
    let failure = living.and_then(|living| living.stop.answered(said)).cloned();
    if let Some(StopFailure { clause, stack }) = failure {
        plugin.log(LogLevel::Error, clause, stack.as_deref());
    }
}

/// The process is gone. Its conversation ends with it, and what it left in its pipes is still read.
fn ended(plugin: &mut Plugin, generation: Generation, exit: Exit) {
    if generation != plugin.machine.generation() {
        return;
    }
    plugin.turn = None;
    let Some(living) = plugin.living.as_mut() else { return };
    // A connection to a process that is gone would be refused; requests wait for the next one instead.
    living.upstream.close();
    let mut tasks = living.finish(exit);
    plugin.work.spawn(async move {
        // Beyond this somebody else holds the pipes and writes; the rest is not this process's.
        let _ = timeout(PIPES_READ_WITHIN, async { while tasks.join_next().await.is_some() {} }).await;
        Done::Drained(generation, exit)
    });
}

/// Lets the calls of a process that is gone come to their ends.
fn finish_calls(plugin: &mut Plugin, generation: Generation) {
    if let Some(living) = plugin.living.as_ref().filter(|living| living.generation == generation) {
        let session = living.session.clone();
        plugin.work.spawn(async move {
            let _ = timeout(CALLS_END_WITHIN, session.unfinished()).await;
            Done::Nothing
        });
    }
}
