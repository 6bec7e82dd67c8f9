//! The task that looks after one plugin: whatever happens becomes one event, one step of the machine, and its effects.
//!
//! Run by the supervisor, one a plugin. Nothing in its loop waits for the plugin: what takes time is work in a set of its
//! own that ends in an event.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use outboard_lifecycle::{Deadline, Event, Fact, Generation, Lifecycle, Order};
use outboard_protocol::control::HostEvent;
use outboard_protocol::handshake::InitializeResult;
use outboard_services::{Mailbox, Notice};
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinError, JoinSet};
use tokio::time::Instant;

use super::effects;
use super::history::History;
use super::launch::{LaunchFailure, Launched};
use super::living::{Link, Living};
use super::past;
use super::stopping;
use super::timers::Timers;
use super::turns::{Taken, Turn};
use super::view::View;
use super::{Letter, PluginSettings, Shared};
use crate::discovery::Installed;
use crate::process::Exit;
use crate::routes::{Route, RouteState};

/// Between two looks whether our disk hangs still.
const HELD_UP_LOOK: std::time::Duration = std::time::Duration::from_secs(1);

/// What a piece of work ended in.
pub(super) enum Done {
    /// A fact of one generation; none, where another fact tells the same.
    Fact(Generation, Option<Fact>),
    /// It could not be looked whether anything of a generation is left, and why.
    Unseen(Generation, String),
    /// The turn of this generation to begin has come.
    Turn(Generation, Taken),
    /// The answer to `Spawn`.
    Launched(Generation, Box<Result<Launched, LaunchFailure>>),
    /// The answer to `initialize`.
    Initialized(Generation, Option<Result<InitializeResult, String>>),
    /// The call to `stop` is over; what the plugin's error says, where it answered with one.
    StopAnswered(Generation, Option<String>),
    /// The process has ended; what it left in its pipes is not read yet.
    Ended(Generation, Exit),
    /// Its pipes are read to the end.
    Drained(Generation, Exit),
}

/// One plugin's task.
pub(crate) struct Actor {
    pub(super) installed: Arc<Installed>,
    pub(super) settings: Arc<PluginSettings>,
    pub(super) shared: Shared,
    pub(super) machine: Lifecycle,
    pub(super) timers: Timers,
    pub(super) work: JoinSet<Done>,
    /// The wait for its turn, and then the launch.
    pub(super) spawning: Option<AbortHandle>,
    /// From the launch to the end of the handshake.
    pub(super) turn: Option<Turn>,
    pub(super) living: Option<Living>,
    pub(super) route: Arc<Route>,
    pub(super) route_open: bool,
    pub(super) history: Arc<Mutex<History>>,
    pub(super) view: watch::Sender<Arc<View>>,
    pub(super) link: watch::Sender<Option<Arc<Link>>>,
    /// What to try about the last end, where that is known.
    pub(super) advice: Option<String>,
    pub(super) spawn_failure: Option<String>,
    pub(super) roll_back_failure: Option<String>,
    /// Its past as it was remembered last.
    remembered: past::Mark,
    /// The last look at what a process has left could not be made.
    pub(super) unseen: bool,
    /// Once it is at rest, its task is over.
    retired: bool,
    mailbox: Mailbox,
    epoch: Instant,
    epoch_on_the_clock: Timestamp,
}

impl Actor {
    /// An actor for a plugin that has no process. `machine` is new, or succeeds that of an actor that failed.
    pub(crate) fn new(
        installed: Arc<Installed>,
        settings: Arc<PluginSettings>,
        shared: Shared,
        machine: Lifecycle,
        history: Arc<Mutex<History>>,
    ) -> Self {
        let epoch_on_the_clock = Timestamp::now();
        let view = Arc::new(View::new(machine.snapshot(), None, &installed, epoch_on_the_clock));
        let closed = match view.is_errored() {
            true => closed_route(&view),
            false => RouteState::Closed { cause: "the plugin was not started".to_owned(), retry_after: None },
        };
        let remembered = past::mark(&machine.past());
        let http = &installed.manifest.http;
        let route = shared.routes.add(installed.id());
        route.treat(http.strip_prefix, http.replay);
        route.publish(closed);
        let mailbox = shared.services.mailbox(installed.id());
        Self {
            installed,
            settings,
            shared,
            machine,
            timers: Timers::default(),
            work: JoinSet::new(),
            spawning: None,
            turn: None,
            living: None,
            route,
            route_open: false,
            history,
            view: watch::Sender::new(view),
            link: watch::Sender::new(None),
            advice: None,
            spawn_failure: None,
            roll_back_failure: None,
            remembered,
            unseen: false,
            retired: false,
            mailbox,
            epoch: Instant::now(),
            epoch_on_the_clock,
        }
    }

    pub(crate) fn view(&self) -> watch::Receiver<Arc<View>> {
        self.view.subscribe()
    }

    pub(crate) fn link(&self) -> watch::Receiver<Option<Arc<Link>>> {
        self.link.subscribe()
    }

    /// Looks after the plugin until it is at rest and removed, or every handle on it is gone.
    pub(crate) async fn run(mut self, mut orders: mpsc::Receiver<Letter>, fault: Option<String>) {
        if let Some(why) = fault {
            self.step(Event::Fault { why });
        }
        let mut ordered = true;
        while !(self.retired && self.view.borrow().is_at_rest()) {
            tokio::select! {
                // A handshake that is over comes before the news that are sent from then on.
                biased;
                Some(done) = self.work.join_next() => self.finished(done),
                letter = orders.recv(), if ordered => match letter {
                    Some(letter) => self.take(letter),
                    None => {
                        (ordered, self.retired) = (false, true);
                        self.step(Event::Order(Order::Shutdown));
                    }
                },
                (deadline, generation) = self.timers.next() => self.reached(generation, deadline),
                () = progressed(self.living.as_ref()) => {
                    self.step(Event::Fact(self.generation(), Fact::Progress));
                }
                (notices, lost) = self.mailbox.take() => self.pass_on(notices, lost),
            }
        }
    }

    /// A deadline is reached. While our own disk hangs, a plugin may be waiting for what we keep for it, and its silence says
    /// nothing: it is asked again later, and no step of its start is called late.
    fn reached(&mut self, generation: Generation, deadline: Deadline) {
        if deadline == Deadline::Empty && self.unseen {
            // The plugin may well be gone; it is we who cannot look.
            self.timers.arm(deadline, generation, HELD_UP_LOOK);
            return;
        }
        if deadline == Deadline::Spawn && self.waits_for_its_turn() {
            // Others hold their turns for a limited time, and this one comes in the order of asking.
            self.timers.arm(deadline, generation, self.machine.policy().spawn);
            return;
        }
        if self.shared.services.are_held_up() {
            match deadline {
                Deadline::Handshake | Deadline::Start => {
                    self.timers.arm(deadline, generation, HELD_UP_LOOK);
                    return;
                }
                Deadline::Ping => self.step(Event::Fact(generation, Fact::PingExcused)),
                _ => {}
            }
        }
        self.step(Event::Deadline(generation, deadline));
    }

    fn waits_for_its_turn(&self) -> bool {
        self.spawning.is_some() && self.turn.is_none()
    }

    fn take(&mut self, letter: Letter) {
        let changed = letter.installed.map(|installed| self.install(installed)).is_some();
        if let Some(order) = letter.order {
            self.retired |= order == Order::Remove;
            self.step(Event::Order(order));
        }
        if changed {
            // An order that changes no state is one to a plugin that stays down, and is shown as what is installed now.
            self.publish();
        }
        // Nobody may be waiting for it any more; the order counts all the same.
        let _ = letter.taken.send(());
    }

    fn install(&mut self, installed: Arc<Installed>) {
        let http = &installed.manifest.http;
        self.route.treat(http.strip_prefix, http.replay);
        self.installed = installed;
    }

    /// One event, one step, and its effects in order.
    pub(super) fn step(&mut self, event: Event) {
        let now = self.epoch.elapsed();
        let emptied = matches!(event, Event::Fact(_, Fact::Empty));
        for effect in self.machine.step(event, now) {
            effects::carry_out(self, effect);
        }
        if emptied && !matches!(self.machine.state(), outboard_lifecycle::State::Stopping { .. }) {
            self.living = self.living.take().filter(|living| !living.containment.is_empty());
        }
    }

    fn finished(&mut self, done: Result<Done, JoinError>) {
        match done {
            Ok(Done::Fact(generation, Some(Fact::PingUnanswered))) if self.shared.services.are_held_up() => {
                self.step(Event::Fact(generation, Fact::PingExcused));
            }
            Ok(Done::Fact(generation, Some(fact))) => {
                if matches!(fact, Fact::Empty | Fact::NotEmpty { .. }) {
                    self.unseen = false;
                }
                self.step(Event::Fact(generation, fact));
            }
            Ok(Done::Unseen(generation, why)) => {
                if !std::mem::replace(&mut self.unseen, true) {
                    tracing::error!(plugin = %self.installed.id(), why, "it cannot be looked whether anything of its old process is left; it is looked again until it can, and no new process is started before");
                }
                self.step(Event::Fact(generation, Fact::NotEmpty { left: Vec::new() }));
            }
            Ok(Done::Fact(_, None)) => {}
            Ok(Done::Turn(generation, turn)) => effects::begin(self, generation, turn),
            Ok(Done::Launched(generation, launched)) => self.launched(generation, *launched),
            Ok(Done::Initialized(generation, answer)) => self.initialized(generation, answer),
            Ok(Done::StopAnswered(generation, said)) => {
                stopping::answered(self, generation, said.as_deref());
                self.step(Event::Fact(generation, Fact::StopAnswered));
            }
            Ok(Done::Ended(generation, report)) => self.ended(generation, report),
            Ok(Done::Drained(generation, report)) => self.exited(generation, report),
            Err(error) if error.is_cancelled() => {}
            Err(error) => self.step(Event::Fault { why: format!("a task of the plugin failed: {error}") }),
        }
    }

    fn pass_on(&self, notices: VecDeque<Notice>, lost: u64) {
        if lost > 0 {
            tracing::warn!(plugin = %self.installed.id(), lost, "notifications were lost: the supervisor is overloaded");
        }
        // From the handshake on, not only once it runs: what a plugin asks in its start may change in its start.
        let Some(living) = self.living.as_ref().filter(|living| living.initialized.is_some()) else { return };
        for notice in notices {
            // A plugin that does not read misses news, not answers; the session counts what it missed.
            living.session.notify(notice.method, &*notice.params);
        }
    }

    /// Shows the state to everybody.
    pub(super) fn publish(&mut self) {
        let view = View::new(
            self.machine.snapshot(),
            self.advice.as_deref(),
            &self.installed,
            self.epoch_on_the_clock,
        );
        if !self.route_open {
            self.route.publish(closed_route(&view));
        }
        let status = Box::new(view.status.clone());
        self.view.send_replace(Arc::new(view));
        // Nobody may be listening.
        let _ = self.shared.events.send(HostEvent::PluginState { status });
        self.remember();
    }

    /// Keeps what the next supervisor has to know, whenever a process is over for which that changes. What ends because the
    /// supervisor ends changes nothing.
    fn remember(&mut self) {
        let snapshot = self.machine.snapshot();
        if snapshot.closing || matches!(snapshot.state, outboard_lifecycle::State::Stopping { .. }) {
            return;
        }
        let past = self.machine.past();
        let mark = past::mark(&past);
        if mark == self.remembered {
            return;
        }
        self.remembered = mark;
        let text = {
            let history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
            past::text(past, &history, &self.installed)
        };
        let (plugin, generation) = (self.installed.id().clone(), self.generation());
        let kept = self.shared.services.plugins.set_past(&plugin, text);
        self.work.spawn(async move {
            if let Err(error) = kept.await {
                tracing::warn!(%plugin, %error, "its failures could not be remembered for the next start of the supervisor");
            }
            Done::Fact(generation, None)
        });
    }

    pub(super) fn on_the_clock(&self, at: Instant) -> String {
        super::view::rfc3339(self.epoch_on_the_clock, at.saturating_duration_since(self.epoch))
    }
}

/// Resolves when the process says that it still works on a call of its start.
async fn progressed(living: Option<&Living>) {
    match living {
        Some(living) => living.session.progressed().await,
        None => std::future::pending().await,
    }
}

fn closed_route(view: &View) -> RouteState {
    use outboard_lifecycle::{RouteIntent, State};
    let state = &view.status.state;
    let cause = match &view.status.cause {
        Some(cause) => format!("the plugin is {state}: {cause}"),
        None => format!("the plugin is {state}"),
    };
    match view.snapshot.route_intent() {
        RouteIntent::Open | RouteIntent::Waiting => RouteState::Waiting { cause },
        RouteIntent::Closed => {
            // An errored plugin needs an operator; one on its way down may be on its way up again soon.
            let retry_after = matches!(view.snapshot.state, State::Stopping { .. }).then_some(RETRY_AFTER);
            RouteState::Closed { cause, retry_after }
        }
    }
}

/// What a client is told to wait before it asks for a plugin that is being stopped.
const RETRY_AFTER: std::time::Duration = std::time::Duration::from_secs(5);

impl std::fmt::Debug for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Actor").field("plugin", self.installed.id()).finish_non_exhaustive()
    }
}
