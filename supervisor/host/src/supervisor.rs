//! The one task that knows which plugins there are: it scans the folders and tells what they hold to [`changes`], which starts
//! and tells the plugins' [`actors`]; [`shutdown`] ends them.
//!
//! Started by [`crate::Host::start`]. It gives orders and never looks inside a plugin; what it publishes is the catalogue.

mod actors;
mod changes;
mod shutdown;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use outboard_context::Context;
use outboard_protocol::PluginId;
use outboard_protocol::control::{HostEvent, PluginState, RescanReport};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{Id, JoinSet};
use tokio::time::{Instant, sleep_until};

use crate::catalogue::Catalogue;
use crate::discovery::{Installed, Invalid, Next, Scanning};
use crate::plugin::{PluginHandle, PluginSettings, Shared};
use crate::tries::Tries;

/// How plugins are ended when the supervisor ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShutdownMode {
    /// Each is asked to stop, within its deadlines.
    Graceful,
    /// Each is killed at once.
    Now,
}

/// What can be asked of the supervisor task.
pub(crate) enum Request {
    /// Scan the plugin folders.
    Rescan(oneshot::Sender<RescanReport>),
    /// End every plugin, then the task. May be asked again, with less patience.
    Shutdown(ShutdownMode),
}

/// What an operator set, for all plugins and for single ones.
#[derive(Debug, Clone, Default)]
pub struct PluginPolicy {
    /// For plugins that are not named below.
    pub common: PluginSettings,
    /// By id; complete settings, not differences.
    pub single: BTreeMap<PluginId, PluginSettings>,
}

impl PluginPolicy {
    fn of(&self, id: &PluginId) -> Arc<PluginSettings> {
        Arc::new(self.single.get(id).unwrap_or(&self.common).clone())
    }
}

struct Entry {
    handle: PluginHandle,
    installed: Arc<Installed>,
    task: Id,
    /// Starts because its folder has changed.
    tries: Tries,
}

pub(crate) struct Supervisor {
    scanning: Scanning,
    policy: PluginPolicy,
    context: Context,
    shared: Shared,
    plugins: BTreeMap<PluginId, Entry>,
    /// Plugins whose folders are gone and whose processes are still being ended. One that comes back meanwhile waits for that.
    retiring: BTreeMap<PluginId, Entry>,
    actors: JoinSet<()>,
    catalogue: watch::Sender<Arc<Catalogue>>,
    /// Whether plugins wait for a sign-in before their first start.
    held: watch::Sender<bool>,
    /// When to look at plugins again that were given up and whose folders have changed.
    try_at: Option<Instant>,
    /// Counts actors, so that each has its own chance in its delays.
    seed: u64,
}

impl Supervisor {
    pub(crate) fn new(
        dirs: Vec<PathBuf>,
        policy: PluginPolicy,
        context: Context,
        shared: Shared,
        catalogue: watch::Sender<Arc<Catalogue>>,
        held: watch::Sender<bool>,
    ) -> Self {
        let seed = jiff::Timestamp::now().as_nanosecond() as u64;
        let scanning = Scanning::new(dirs);
        let (plugins, retiring, actors) = (BTreeMap::new(), BTreeMap::new(), JoinSet::new());
        Self {
            scanning,
            policy,
            context,
            shared,
            plugins,
            retiring,
            actors,
            catalogue,
            held,
            try_at: None,
            seed,
        }
    }

    /// Scans once, then looks after everything until it is told to shut down. A scan is one of the things that go on meanwhile:
    /// a disk that does not answer holds up nothing else.
    pub(crate) async fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        self.scan(None);
        let mut signed_in = self.context.auth.watch();
        let mut events = self.shared.events.subscribe();
        loop {
            tokio::select! {
                request = requests.recv() => match request {
                    Some(Request::Rescan(reply)) => self.scan(Some(reply)),
                    Some(Request::Shutdown(mode)) => return self.shut_down(mode, &mut requests).await,
                    None => return self.shut_down(ShutdownMode::Graceful, &mut requests).await,
                },
                // Failing means that the context is gone, and then nobody can sign in any more.
                true = async { signed_in.wait_for(|signed_in| *signed_in).await.is_ok() }, if *self.held.borrow() => {
                    self.release().await;
                }
                next = self.scanning.next() => match next {
                    Next::Told(told) => self.scanned(told).await,
                    Next::Due => self.scan(None),
                },
                event = events.recv() => if may_have_changed_meanwhile(&event) {
                    self.scan(None);
                },
                () = until(self.try_at) => {
                    self.try_at = None;
                    self.scan(None);
                }
                Some(ended) = self.actors.join_next_with_id() => if self.actor_ended(ended) {
                    self.scan(None);
                },
            }
        }
    }

    fn scan(&mut self, asker: Option<oneshot::Sender<RescanReport>>) {
        let closely = self.given_up();
        self.scanning.begin(asker, closely);
    }

    /// The folders of plugins that are errored: whatever changes there may be what was missing.
    fn given_up(&self) -> BTreeSet<PathBuf> {
        let errored = self.plugins.values().filter(|entry| entry.handle.view.borrow().is_errored());
        errored.map(|entry| entry.installed.folder.clone()).collect()
    }

    fn publish(&self, invalid: BTreeMap<String, Invalid>) {
        let plugins = self.plugins.iter().map(|(id, entry)| (id.clone(), entry.handle.clone())).collect();
        self.catalogue.send_replace(Arc::new(Catalogue { plugins, invalid, scanned: true }));
    }
}

/// Whether a plugin has just been given up, whose folder may have changed while it started.
fn may_have_changed_meanwhile(event: &Result<HostEvent, RecvError>) -> bool {
    match event {
        Ok(HostEvent::PluginState { status }) => status.state == PluginState::Errored,
        // What was lost may have been that.
        Err(RecvError::Lagged(_)) => true,
        Ok(_) | Err(RecvError::Closed) => false,
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}
