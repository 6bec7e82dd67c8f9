//! Carries out what the state machine decided.
//!
//! Each effect does one thing and never waits: what takes time is set to work, and what came of it goes to `facts`.

use std::sync::Arc;
use std::time::Duration;

use outboard_lifecycle::{Effect, Fact, Generation, Policy};
use outboard_protocol::context::logger::LogLevel;

use super::done::Done;
use super::living::Living;
use super::state::Plugin;
use super::stopping::{StopCall, StopFailure};
use super::{calls, record, remembering, showing, spawning};
use crate::routes::RouteState;
use crate::session::Session;

/// One look at a containment: long enough for a round of kill and reap, short enough to be repeated.
const ONE_LOOK: Duration = Duration::from_millis(50);
/// After a look that could not be made, for lack of descriptors as a rule.
const UNSEEN_PAUSE: Duration = Duration::from_millis(250);

pub(super) fn carry_out(plugin: &mut Plugin, effect: Effect) {
    match effect {
        Effect::Spawn { generation } => spawning::ask(plugin, generation),
        Effect::SendInitialize => {
            let params = calls::initialize_params(&plugin.installed, &plugin.shared.launch);
            let limit = plugin.machine.policy().handshake;
            with_session(plugin, |session, generation| async move {
                let answer = calls::initialize(session, params, limit).await;
                answer.map_or(Done::Nothing, |answer| Done::Initialized(generation, answer))
            });
        }
        Effect::SendStart => call(plugin, |session, policy| calls::start(session, policy.start)),
        Effect::SendResume { from_version } => {
            call(plugin, |session, policy| calls::resume(session, from_version, policy.start));
        }
        Effect::SendStop { reason } => {
            let limit = plugin.machine.policy().ask;
            on_living(plugin, |living| living.stop = StopCall::Made(limit));
            with_session(plugin, move |session, generation| async move {
                Done::StopAnswered(generation, calls::stop(session, reason, limit).await)
            });
        }
        Effect::SendPing => call(plugin, |session, policy| calls::ping(session, policy.ping_every)),
        Effect::OpenRoute => open_route(plugin),
        Effect::CloseRoute => close_route(plugin),
        Effect::AwaitDrain => await_drain(plugin),
        Effect::CloseStdin => on_living(plugin, |living| living.session.close_input()),
        Effect::SendTerminate => {
            stop_unanswered(plugin);
            on_living(plugin, |living| terminate(living));
        }
        Effect::KillAll => kill_all(plugin),
        Effect::ProveEmpty => prove_empty(plugin),
        Effect::RemoveSocket => on_living(plugin, Living::remove_socket),
        Effect::LookForTracer => look_for_tracer(plugin),
        Effect::RollBack { to } => {
            plugin.roll_back_failure =
                Some(format!("version {to} is not kept, so there is nothing to go back to"));
        }
        Effect::Arm { deadline, generation, after } => plugin.timers.arm(deadline, generation, after),
        Effect::Disarm => plugin.timers.disarm(),
        Effect::Publish => showing::publish(plugin),
        Effect::RecordExit { decision } => record::record_exit(plugin, &decision),
    }
}

fn on_living(plugin: &mut Plugin, act: impl FnOnce(&mut Living)) {
    if let Some(living) = plugin.living.as_mut() {
        act(living);
    }
}

fn with_session<F>(plugin: &mut Plugin, work: impl FnOnce(Session, Generation) -> F)
where
    F: Future<Output = Done> + Send + 'static,
{
    if let Some(living) = &plugin.living {
        plugin.work.spawn(work(living.session.clone(), plugin.generation()));
    }
}

fn call<F>(plugin: &mut Plugin, work: impl FnOnce(Session, &Policy) -> F)
where
    F: Future<Output = Option<Fact>> + Send + 'static,
{
    if let Some(living) = &plugin.living {
        let generation = plugin.generation();
        let work = work(living.session.clone(), plugin.machine.policy());
        plugin.work.spawn(async move { Done::told(generation, work.await) });
    }
}

fn kill_all(plugin: &mut Plugin) {
    spawning::withdraw(plugin);
    if let Some(living) = &plugin.living {
        let containment = living.containment.clone();
        plugin.work.spawn(async move {
            containment.kill_all().await;
            Done::Nothing
        });
    }
}

/// It is about to be ended by a signal; an onStop that never ended is told.
fn stop_unanswered(plugin: &mut Plugin) {
    let failure = plugin.living.as_mut().and_then(|living| living.stop.unanswered()).cloned();
    if let Some(StopFailure { clause, stack }) = failure {
        plugin.log(LogLevel::Error, clause, stack.as_deref());
    }
}

fn terminate(living: &Living) {
    if let Err(error) = living.containment.terminate() {
        tracing::warn!(pid = living.pid, %error, "a process group could not be signalled");
    }
}

fn prove_empty(plugin: &mut Plugin) {
    let generation = plugin.generation();
    let Some(living) = &plugin.living else {
        plugin.work.spawn(async move { Done::Fact(generation, Fact::Empty) });
        return;
    };
    let containment = living.containment.clone();
    // What we are short of does not come back in a few milliseconds.
    let pause = if plugin.unseen { UNSEEN_PAUSE } else { Duration::ZERO };
    plugin.work.spawn(async move {
        tokio::time::sleep(pause).await;
        let fact = match containment.prove_empty(ONE_LOOK).await {
            Ok(()) => Fact::Empty,
            Err(remnants) => {
                if let Some(why) = remnants.unseen {
                    return Done::Unseen(generation, why);
                }
                Fact::NotEmpty { left: remnants.living.iter().map(|left| left.pid.unsigned_abs()).collect() }
            }
        };
        Done::Fact(generation, fact)
    });
}

fn await_drain(plugin: &mut Plugin) {
    let generation = plugin.generation();
    let upstream = plugin.living.as_ref().map(|living| living.upstream.clone());
    plugin.work.spawn(async move {
        if let Some(upstream) = upstream {
            upstream.drained().await;
        }
        Done::Fact(generation, Fact::Drained)
    });
}

fn look_for_tracer(plugin: &mut Plugin) {
    let generation = plugin.generation();
    let containment = plugin.living.as_ref().map(|living| Arc::clone(&living.containment));
    plugin.work.spawn(async move {
        let traced = match containment {
            Some(containment) => containment.is_debugged().await,
            None => false,
        };
        Done::Fact(generation, if traced { Fact::TracerSeen } else { Fact::TracerGone })
    });
}

fn open_route(plugin: &mut Plugin) {
    if let Some(living) = &plugin.living {
        plugin.route_open = true;
        plugin.route.publish(RouteState::Open(living.upstream.clone()));
        plugin.link.send_replace(Some(living.link()));
        plugin.log(LogLevel::Info, format!("running, pid {}", living.pid), None);
        remembering::version(plugin);
    }
}

fn close_route(plugin: &mut Plugin) {
    plugin.route_open = false;
    plugin.link.send_replace(None);
    on_living(plugin, |living| living.upstream.close());
}
