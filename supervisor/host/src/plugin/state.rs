//! What there is of one plugin: its state machine, its process while it lives, the work under way, and what is shown of it.
//!
//! Owned by the actor; `effects` and `facts` change it, `showing` and `record` read it. It must not know what follows on what.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use outboard_context::NewRecord;
use outboard_lifecycle::{Generation, Lifecycle};
use outboard_protocol::context::logger::LogLevel;
use outboard_protocol::control::LogSource;
use serde_json::json;
use serde_json::value::to_raw_value;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;

use super::done::Done;
use super::history::History;
use super::living::{Link, Living};
use super::past;
use super::providing::Claims;
use super::settings::PluginSettings;
use super::shared::Shared;
use super::timers::Timers;
use super::turns::Turn;
use super::view::{View, rfc3339};
use crate::discovery::Installed;
use crate::routes::Route;

/// One plugin.
pub(super) struct Plugin {
    pub(super) installed: Arc<Installed>,
    pub(super) settings: Arc<PluginSettings>,
    pub(super) shared: Shared,
    pub(super) machine: Lifecycle,
    pub(super) timers: Timers,
    /// What takes time. Each piece ends in something for `facts`.
    pub(super) work: JoinSet<Done>,
    /// The wait for its turn, and then the launch.
    pub(super) spawning: Option<AbortHandle>,
    /// From the launch to the end of the handshake.
    pub(super) turn: Option<Turn>,
    pub(super) living: Option<Living>,
    pub(super) route: Arc<Route>,
    pub(super) route_open: bool,
    history: Arc<Mutex<History>>,
    pub(super) view: watch::Sender<Arc<View>>,
    pub(super) link: watch::Sender<Option<Arc<Link>>>,
    /// What it would provide.
    pub(super) claims: Claims,
    /// What to try about the last end, where that is known.
    pub(super) advice: Option<String>,
    pub(super) spawn_failure: Option<String>,
    pub(super) roll_back_failure: Option<String>,
    /// Its past as it was remembered last.
    pub(super) remembered: past::Mark,
    /// The last look at what a process has left could not be made.
    pub(super) unseen: bool,
    epoch: Instant,
    pub(super) epoch_on_the_clock: Timestamp,
}

impl Plugin {
    /// A plugin that has no process. `machine` is new, or succeeds that of an actor that failed.
    pub(super) fn new(
        installed: Arc<Installed>,
        settings: Arc<PluginSettings>,
        shared: Shared,
        machine: Lifecycle,
        history: Arc<Mutex<History>>,
    ) -> Self {
        let epoch_on_the_clock = Timestamp::now();
        let view = Arc::new(View::new(machine.snapshot(), None, &installed, epoch_on_the_clock));
        let remembered = past::mark(&machine.past());
        let route = shared.routes.add(installed.id());
        let claims = Claims::new(shared.context.broker().clone(), installed.id());
        let mut plugin = Self {
            installed: Arc::clone(&installed),
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
            claims,
            advice: None,
            spawn_failure: None,
            roll_back_failure: None,
            remembered,
            unseen: false,
            epoch: Instant::now(),
            epoch_on_the_clock,
        };
        plugin.install(installed);
        plugin
    }

    /// What to run from the next start on; how its requests are treated changes at once.
    pub(super) fn install(&mut self, installed: Arc<Installed>) {
        let http = &installed.manifest.http;
        self.route.treat(http.strip_prefix, http.replay);
        self.installed = installed;
    }

    /// The generation that effects are about: a step's effects come in order, so until the next process is asked for they
    /// are about the one that there is, whatever number the machine has given out already.
    pub(super) fn generation(&self) -> Generation {
        self.living.as_ref().map_or(self.machine.generation(), |living| living.generation)
    }

    /// What became of its processes.
    pub(super) fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same, for work that goes on beside.
    pub(super) fn share_history(&self) -> Arc<Mutex<History>> {
        Arc::clone(&self.history)
    }

    /// Since the epoch of its machine.
    pub(super) fn elapsed(&self) -> std::time::Duration {
        self.epoch.elapsed()
    }

    /// A moment, for people and programs.
    pub(super) fn on_the_clock(&self, at: Instant) -> String {
        rfc3339(self.epoch_on_the_clock, at.saturating_duration_since(self.epoch))
    }

    /// Logs something of its life. The stack is what an SDK told beside it.
    pub(super) fn log(&self, level: LogLevel, message: String, stack: Option<&str>) {
        let extra = stack.and_then(|stack| to_raw_value(&json!({ "stack": stack })).ok());
        self.shared.context.log(NewRecord {
            level,
            plugin: Some(self.installed.id().clone()),
            generation: self.generation().0,
            source: LogSource::Supervisor,
            tag: "lifecycle".to_owned(),
            message,
            extra,
        });
    }
}
