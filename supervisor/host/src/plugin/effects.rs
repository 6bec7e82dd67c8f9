//! Carries out what the state machine decided. The one place that knows both processes and messages.
//!
//! Each effect does one thing and never waits: what takes time is spawned as work of the actor and ends in a fact.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use outboard_lifecycle::{Deadline, Effect, Event, Exit, Fact, Generation};
use outboard_protocol::context::logger::LogLevel;
use outboard_protocol::control::LogSource;
use outboard_protocol::handshake::{Hook, InitializeResult, features};
use outboard_protocol::id::RoutePrefix;
use outboard_services::NewRecord;
use serde_json::value::RawValue;
use tokio::time::timeout;

use super::actor::{Actor, Done};
use super::calls;
use super::launch::{LaunchFailure, Launched, launch};
use super::living::Living;
use super::record;
use super::stopping::{self, StopCall};
use super::turns::Taken;
use crate::process::{Label, Signal};
use crate::routes::RouteState;

/// How long a dead process's pipes are read at most before its end is reported. Its last words are in there.
const LAST_WORDS: Duration = Duration::from_millis(600);
/// One look at a containment: long enough for a round of kill and reap, short enough to be repeated.
const ONE_LOOK: Duration = Duration::from_millis(50);
/// After a look that could not be made, for lack of descriptors as a rule.
const UNSEEN_PAUSE: Duration = Duration::from_millis(250);
/// A process whose streams have closed is about to end, most of the time. Only one that is still there after this has
/// hung up on us.
const EXIT_FOLLOWS: Duration = Duration::from_millis(250);

pub(super) fn carry_out(actor: &mut Actor, effect: Effect) {
    match effect {
        Effect::Spawn { generation } => spawn(actor, generation),
        Effect::SendInitialize => {
            let params = calls::initialize_params(&actor.installed, &actor.shared.launch);
            let limit = actor.machine.policy().handshake;
            with_session(actor, |session, generation| async move {
                Done::Initialized(generation, calls::initialize(session, params, limit).await)
            });
        }
        Effect::SendStart => call(actor, |session, policy| calls::start(session, policy.start)),
        Effect::SendResume { from_version } => {
            call(actor, |session, policy| calls::resume(session, from_version, policy.start));
        }
        Effect::SendStop { reason } => {
            let limit = actor.machine.policy().ask;
            on_living(actor, |living| living.stop = StopCall::Made(limit));
            with_session(actor, move |session, generation| async move {
                Done::StopAnswered(generation, calls::stop(session, reason, limit).await)
            });
        }
        Effect::SendPing => call(actor, |session, policy| calls::ping(session, policy.ping_every)),
        Effect::OpenRoute => open_route(actor),
        Effect::CloseRoute => close_route(actor),
        Effect::AwaitDrain => await_drain(actor),
        Effect::CloseStdin => on_living(actor, |living| living.session.close_input()),
        Effect::SendTerminate => {
            stopping::unanswered(actor);
            on_living(actor, |living| signal(living, Signal::TERM));
        }
        Effect::KillAll => kill_all(actor),
        Effect::ProveEmpty => prove_empty(actor),
        Effect::RemoveSocket => on_living(actor, Living::remove_socket),
        Effect::LookForTracer => look_for_tracer(actor),
        Effect::RollBack { to } => {
            actor.roll_back_failure =
                Some(format!("version {to} is not kept, so there is nothing to go back to"));
        }
        Effect::Arm { deadline, generation, after } => actor.timers.arm(deadline, generation, after),
        Effect::Disarm => actor.timers.disarm(),
        Effect::Publish => actor.publish(),
        Effect::RecordExit { decision } => record::record_exit(actor, &decision),
    }
}

fn on_living(actor: &mut Actor, act: impl FnOnce(&mut Living)) {
    if let Some(living) = actor.living.as_mut() {
        act(living);
    }
}

fn with_session<F>(actor: &mut Actor, work: impl FnOnce(crate::session::Session, Generation) -> F)
where
    F: Future<Output = Done> + Send + 'static,
{
    if let Some(living) = &actor.living {
        actor.work.spawn(work(living.session.clone(), actor.generation()));
    }
}

fn call<F>(actor: &mut Actor, work: impl FnOnce(crate::session::Session, &outboard_lifecycle::Policy) -> F)
where
    F: Future<Output = Option<Fact>> + Send + 'static,
{
    if let Some(living) = &actor.living {
        let generation = actor.generation();
        let work = work(living.session.clone(), actor.machine.policy());
        actor.work.spawn(async move { Done::Fact(generation, work.await) });
    }
}

fn spawn(actor: &mut Actor, generation: Generation) {
    actor.living = None;
    if let Some(why) = actor.roll_back_failure.take() {
        let fact = Fact::SpawnFailed { why, transient: false };
        actor.work.spawn(async move { Done::Fact(generation, Some(fact)) });
        return;
    }
    let turns = actor.shared.turns.clone();
    let work = async move { Done::Turn(generation, turns.next().await) };
    actor.turn = None;
    actor.spawning = Some(actor.work.spawn(work));
}

/// Its turn has come: starts the process. What the launch may take counts from here.
pub(super) fn begin(actor: &mut Actor, generation: Generation, taken: Taken) {
    if generation != actor.machine.generation() || actor.spawning.is_none() {
        // Withdrawn while it came.
        return;
    }
    let (turn, held) = taken.begin();
    actor.turn = Some(turn);
    actor.work.spawn(async move {
        held.await;
        Done::Fact(generation, None)
    });
    actor.timers.arm(Deadline::Spawn, generation, actor.machine.policy().spawn);
    let slot = format!("{}-{}", actor.slot(), generation.0);
    let history = actor.history.clone();
    let launching = launch(
        actor.installed.clone(),
        actor.settings.clone(),
        actor.shared.launch.clone(),
        actor.shared.spawner.clone(),
        Label { plugin: actor.installed.id().to_string(), generation: generation.0 },
        slot,
        move |stamp| {
            history.lock().unwrap_or_else(PoisonError::into_inner).started_on = Some(stamp);
        },
    );
    let work = async move { Done::Launched(generation, Box::new(launching.await)) };
    actor.spawning = Some(actor.work.spawn(work));
}

fn kill_all(actor: &mut Actor) {
    actor.turn = None;
    if let Some(spawning) = actor.spawning.take() {
        // Giving up on it ends what was begun; the machine awaits an answer all the same.
        spawning.abort();
        let generation = actor.machine.generation();
        let fact = Fact::SpawnFailed { why: "it was withdrawn before it ran".to_owned(), transient: true };
        actor.work.spawn(async move { Done::Fact(generation, Some(fact)) });
    }
    if let Some(living) = &actor.living {
        let (containment, generation) = (living.containment.clone(), actor.generation());
        actor.work.spawn(async move {
            containment.kill_all().await;
            Done::Fact(generation, None)
        });
    }
}

fn signal(living: &Living, signal: Signal) {
    if let Err(error) = living.containment.signal_group(signal) {
        tracing::warn!(pid = living.pid, %error, "a process group could not be signalled");
    }
}

fn prove_empty(actor: &mut Actor) {
    let generation = actor.generation();
    let Some(living) = &actor.living else {
        actor.work.spawn(async move { Done::Fact(generation, Some(Fact::Empty)) });
        return;
    };
    let containment = living.containment.clone();
    // What we are short of does not come back in a few milliseconds.
    let pause = if actor.unseen { UNSEEN_PAUSE } else { Duration::ZERO };
    actor.work.spawn(async move {
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
        Done::Fact(generation, Some(fact))
    });
}

fn await_drain(actor: &mut Actor) {
    let generation = actor.generation();
    let upstream = actor.living.as_ref().map(|living| living.upstream.clone());
    actor.work.spawn(async move {
        if let Some(upstream) = upstream {
            upstream.drained().await;
        }
        Done::Fact(generation, Some(Fact::Drained))
    });
}

fn look_for_tracer(actor: &mut Actor) {
    let generation = actor.generation();
    let containment = actor.living.as_ref().map(|living| Arc::clone(&living.containment));
    actor.work.spawn(async move {
        let traced = match containment {
            Some(containment) => containment.is_debugged().await,
            None => false,
        };
        Done::Fact(generation, Some(if traced { Fact::TracerSeen } else { Fact::TracerGone }))
    });
}

fn open_route(actor: &mut Actor) {
    if let Some(living) = &actor.living {
        actor.route_open = true;
        actor.route.publish(RouteState::Open(living.upstream.clone()));
        actor.link.send_replace(Some(living.link()));
        actor.log(LogLevel::Info, format!("running, pid {}", living.pid), None);
        remember_version(actor);
    }
}

/// A start with another version is one after an update, also in another life of the supervisor.
fn remember_version(actor: &mut Actor) {
    let (plugins, plugin) = (&actor.shared.services.plugins, actor.installed.id().clone());
    let (version, generation) = (actor.installed.version(), actor.generation());
    if plugins.last_version(&plugin).as_ref() == Some(&version) {
        return;
    }
    let remembered = plugins.set_last_version(&plugin, &version);
    actor.work.spawn(async move {
        if let Err(error) = remembered.await {
            tracing::warn!(%plugin, %version, %error, "the version that runs could not be remembered, so that its next update may go unnoticed");
        }
        Done::Fact(generation, None)
    });
}

fn close_route(actor: &mut Actor) {
    actor.route_open = false;
    actor.link.send_replace(None);
    on_living(actor, |living| living.upstream.close());
}

/// What becomes of the results of work.
impl Actor {
    pub(super) fn launched(&mut self, generation: Generation, launched: Result<Launched, LaunchFailure>) {
        self.spawning = None;
        match launched {
            // Nobody wants it any more; dropping it ends it.
            Ok(_) if generation != self.machine.generation() => {}
            Ok(launched) => {
                let (living, exit) =
                    Living::new(launched, &self.installed, &self.settings, &self.shared, generation.0);
                let pid = living.pid;
                let session = living.session.clone();
                self.living = Some(living);
                let exit = std::sync::Arc::new(exit);
                let ends = exit.clone();
                self.work.spawn(async move { Done::Ended(generation, ends.exited().await) });
                self.work.spawn(async move {
                    session.ended().await;
                    // A process that ends closes its streams first; that is one event and not two.
                    let gone = timeout(EXIT_FOLLOWS, exit.exited()).await.is_ok();
                    Done::Fact(generation, (!gone).then_some(Fact::StdioLost))
                });
                self.step(Event::Fact(generation, Fact::Spawned { pid }));
            }
            // It was withdrawn, and the answer to that is given.
            Err(_) if generation != self.machine.generation() => {}
            Err(LaunchFailure { why, transient }) => {
                self.turn = None;
                self.spawn_failure = Some(why.clone());
                self.step(Event::Fact(generation, Fact::SpawnFailed { why, transient }));
            }
        }
    }

    pub(super) fn initialized(
        &mut self,
        generation: Generation,
        answer: Option<Result<InitializeResult, String>>,
    ) {
        let fact = match answer {
            None => return,
            Some(_) if generation != self.machine.generation() => return,
            Some(Err(why)) => Fact::Incompatible { why },
            Some(Ok(result)) => {
                if result.has_feature(features::HTTP) {
                    self.claim_own_prefix(generation);
                }
                let resumes = result.has_hook(Hook::OnResume);
                on_living(self, |living| living.initialized = Some(result));
                Fact::HandshakeDone { resumes }
            }
        };
        self.turn = None;
        self.step(Event::Fact(generation, fact));
    }

    /// The process is gone. Its conversation ends with it, and what it left in its pipes is still read.
    pub(super) fn ended(&mut self, generation: Generation, report: Exit) {
        if generation != self.machine.generation() {
            return;
        }
        self.turn = None;
        let Some(living) = self.living.as_mut() else { return };
        // A connection to a process that is gone would be refused; requests wait for the next one instead.
        living.upstream.close();
        let mut tasks = living.finish(report);
        self.work.spawn(async move {
            // Beyond this somebody else holds the pipes and writes; the rest is not this process's.
            let _ = timeout(LAST_WORDS, async { while tasks.join_next().await.is_some() {} }).await;
            Done::Drained(generation, report)
        });
    }

    pub(super) fn exited(&mut self, generation: Generation, exit: Exit) {
        if let Some(living) = &self.living {
            let session = living.session.clone();
            self.work.spawn(async move {
                // Work that was accepted may be finished, while its caller's end is already dealt with.
                let _ = timeout(LAST_WORDS, session.unfinished()).await;
                Done::Fact(generation, None)
            });
        }
        self.step(Event::Fact(generation, Fact::Exited { exit }));
    }

    /// The generation that effects are about: a step's effects come in order, so until the next process is asked for they
    /// are about the one that there is, whatever number the machine has given out already.
    pub(super) fn generation(&self) -> Generation {
        self.living.as_ref().map_or(self.machine.generation(), |living| living.generation)
    }

    fn claim_own_prefix(&mut self, generation: Generation) {
        let Ok(own) = RoutePrefix::new(&format!("/api/{}", self.installed.id())) else { return };
        // It is the plugin's at once; what is awaited is that it is remembered.
        let remembered = self.shared.services.prefixes.claim(self.installed.id(), &own);
        let plugin = self.installed.id().clone();
        self.work.spawn(async move {
            if let Err(error) = remembered.await {
                tracing::warn!(%plugin, %error, "a plugin's own prefix could not be claimed");
            }
            Done::Fact(generation, None)
        });
    }

    pub(super) fn log(&self, level: LogLevel, message: String, extra: Option<Box<RawValue>>) {
        self.shared.services.logs.record(NewRecord {
            level,
            plugin: Some(self.installed.id().clone()),
            generation: self.generation().0,
            source: LogSource::Supervisor,
            tag: "lifecycle".to_owned(),
            message,
            extra,
        });
    }

    /// A short name for this plugin's sockets: ids can be longer than a socket's path may be.
    fn slot(&self) -> String {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        self.installed.id().hash(&mut hasher);
        format!("{:012x}", hasher.finish() & 0xffff_ffff_ffff)
    }
}
