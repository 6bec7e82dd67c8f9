//! The one task that knows which plugins there are: it scans the folders, starts an actor for each plugin, tells actors of
//! changes, and puts a fresh one in the place of one that failed.
//!
//! Started by [`crate::Host::start`]. It gives orders and never looks inside a plugin; what it publishes is the catalogue.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use outboard_lifecycle::{Lifecycle, Order};
use outboard_protocol::PluginId;
use outboard_protocol::control::RescanReport;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::timeout;

use crate::catalogue::Catalogue;
use crate::discovery::{Findings, Installed, Invalid, Program, Watcher, scan};
use crate::plugin::{Actor, History, PluginHandle, PluginSettings, Shared, order_channel};

/// Added to the longest stop of any plugin, for what the supervisor does around it.
const SHUTDOWN_MARGIN: Duration = Duration::from_secs(2);

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
}

pub(crate) struct Supervisor {
    dirs: Vec<PathBuf>,
    policy: PluginPolicy,
    shared: Shared,
    watcher: Watcher,
    plugins: BTreeMap<PluginId, Entry>,
    /// Plugins whose folders are gone and whose processes are still being ended. One that comes back meanwhile waits for that.
    retiring: BTreeMap<PluginId, Entry>,
    actors: JoinSet<()>,
    catalogue: watch::Sender<Arc<Catalogue>>,
    /// Whether plugins wait for a sign-in before their first start.
    held: watch::Sender<bool>,
    /// Counts actors, so that each has its own chance in its delays.
    seed: u64,
}

impl Supervisor {
    pub(crate) fn new(
        dirs: Vec<PathBuf>,
        policy: PluginPolicy,
        shared: Shared,
        catalogue: watch::Sender<Arc<Catalogue>>,
        held: watch::Sender<bool>,
    ) -> Self {
        let seed = jiff::Timestamp::now().as_nanosecond() as u64;
        let watcher = Watcher::new(&dirs);
        let (plugins, retiring, actors) = (BTreeMap::new(), BTreeMap::new(), JoinSet::new());
        Self { dirs, policy, shared, watcher, plugins, retiring, actors, catalogue, held, seed }
    }

    /// Scans once, then looks after everything until it is told to shut down.
    pub(crate) async fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        self.rescan().await;
        let mut signed_in = self.shared.services.auth.watch();
        loop {
            tokio::select! {
                request = requests.recv() => match request {
                    Some(Request::Rescan(reply)) => {
                        let report = self.rescan().await;
                        // Whoever asked may be gone; the scan counts all the same.
                        let _ = reply.send(report);
                    }
                    Some(Request::Shutdown(mode)) => return self.shut_down(mode, &mut requests).await,
                    None => return self.shut_down(ShutdownMode::Graceful, &mut requests).await,
                },
                // Failing means that the services are gone, and then nobody can sign in any more.
                true = async { signed_in.wait_for(|signed_in| *signed_in).await.is_ok() }, if *self.held.borrow() => {
                    self.release().await;
                }
                () = self.watcher.changed() => { self.rescan().await; }
                Some(ended) = self.actors.join_next_with_id() => if self.actor_ended(ended) {
                    self.rescan().await;
                },
            }
        }
    }

    async fn rescan(&mut self) -> RescanReport {
        let dirs = self.dirs.clone();
        let findings = tokio::task::spawn_blocking(move || scan(&dirs)).await;
        self.watcher.renew();
        let mut report = RescanReport::default();
        let invalid = match findings {
            Ok(findings) => self.take_in(findings, &mut report).await,
            Err(error) => {
                tracing::error!(%error, "the plugin folders could not be looked through; everything stays as it is");
                self.catalogue.borrow().invalid.clone()
            }
        };
        report.invalid = invalid.iter().map(|(name, found)| (name.clone(), found.reason.clone())).collect();
        let known = Arc::clone(&self.catalogue.borrow());
        // Every scan finds all of them again; what an operator has read once is no news.
        let news =
            |name: &str, reason: &str| known.invalid.get(name).is_none_or(|known| known.reason != reason);
        for (name, found) in invalid.iter().filter(|(name, found)| news(name, &found.reason)) {
            tracing::warn!(plugin = %name, reason = %found.reason, "not a usable plugin");
        }
        self.publish(invalid);
        report
    }

    /// Makes of what was found what runs; gives the folders that are no usable plugins.
    async fn take_in(&mut self, findings: Findings, report: &mut RescanReport) -> BTreeMap<String, Invalid> {
        let Findings { installed, invalid, complete } = findings;
        let found: BTreeSet<PluginId> = installed.keys().cloned().collect();
        // What lies in a folder that cannot be read is not gone.
        if complete {
            self.retire_missing(&found, &invalid, report).await;
        }
        for (id, found) in installed {
            self.adopt(id, Arc::new(found), report).await;
        }
        if complete {
            let freed = self.shared.services.prefixes.keep_only(|id| {
                found.contains(id) || self.plugins.contains_key(id) || invalid.contains_key(id.as_str())
            });
            // The prefixes are free at once; that this is remembered is awaited with the actors.
            self.actors.spawn(freed);
        }
        invalid
    }

    /// Plugins whose folder is gone are stopped. One whose manifest broke while it runs goes on with what it has.
    async fn retire_missing(
        &mut self,
        installed: &BTreeSet<PluginId>,
        invalid: &BTreeMap<String, Invalid>,
        report: &mut RescanReport,
    ) {
        let missing: Vec<PluginId> =
            self.plugins.keys().filter(|id| !installed.contains(*id)).cloned().collect();
        for id in missing {
            let Some(entry) = self.plugins.get(&id) else { continue };
            let folder = &entry.installed.folder;
            let broken = invalid.values().any(|found| found.folder == *folder && !found.is_ambiguous());
            if broken && !entry.handle.view.borrow().is_at_rest() {
                continue;
            }
            let Some(entry) = self.plugins.remove(&id) else { continue };
            self.shared.services.bus.forget(&id);
            self.shared.routes.remove(&id);
            report.removed.push(id.to_string());
            entry.handle.order(Order::Remove, None).await;
            self.retiring.insert(id, entry);
        }
    }

    async fn adopt(&mut self, id: PluginId, found: Arc<Installed>, report: &mut RescanReport) {
        let Some(entry) = self.plugins.get_mut(&id) else {
            // Never two processes of one plugin: its former actor has to end first, and says when.
            if !self.retiring.contains_key(&id) {
                report.added.push(id.to_string());
                self.add(id, found).await;
            }
            return;
        };
        if entry.installed.is_same(&found) {
            return;
        }
        report.changed.push(id.to_string());
        let before = std::mem::replace(&mut entry.installed, Arc::clone(&found));
        let handle = entry.handle.clone();
        self.declare(&id, &found);
        let had_program = before.program != Program::None;
        let starts = !had_program && self.is_wanted(&id, &found) && !*self.held.borrow();
        // A version without a program has never run.
        let from =
            if had_program { Some(before.version()) } else { self.shared.services.plugins.last_version(&id) };
        handle.order(changed(from, &found), Some(found)).await;
        // What had nothing to run was never told to start.
        if starts {
            handle.order(Order::Start, None).await;
        }
    }

    async fn add(&mut self, id: PluginId, found: Arc<Installed>) {
        self.seed = self.seed.wrapping_add(1);
        let settings = self.policy.of(&id);
        let machine = self.since_last_run(Lifecycle::new(settings.policy.clone(), self.seed), &found);
        self.declare(&id, &found);
        let wanted = self.is_wanted(&id, &found) && !*self.held.borrow();
        let handle = self.begin(id, found, settings, machine, Arc::default(), None);
        if wanted {
            handle.order(Order::Start, None).await;
        }
    }

    /// Defaults and rules of its settings hold for operators too, before it ever runs.
    fn declare(&self, id: &PluginId, found: &Installed) {
        self.shared.services.config.declare(id, found.manifest.available_settings.clone().into());
    }

    /// The update that happened while no supervisor ran, or no program of the plugin.
    fn since_last_run(&self, machine: Lifecycle, found: &Installed) -> Lifecycle {
        match self.shared.services.plugins.last_version(found.id()) {
            Some(last) => machine.updated(last, &found.version()),
            None => machine,
        }
    }

    /// Whether a plugin is to be started without anybody asking.
    fn is_wanted(&self, id: &PluginId, found: &Installed) -> bool {
        found.program != Program::None
            && self.policy.of(id).enabled
            && self.shared.services.plugins.is_enabled(id)
    }

    /// Somebody has signed in: what was held back is started.
    async fn release(&mut self) {
        self.held.send_replace(false);
        tracing::info!("somebody is signed in; the plugins are started");
        for (id, entry) in &self.plugins {
            if self.is_wanted(id, &entry.installed) {
                entry.handle.order(Order::Start, None).await;
            }
        }
    }

    fn begin(
        &mut self,
        id: PluginId,
        installed: Arc<Installed>,
        settings: Arc<PluginSettings>,
        machine: Lifecycle,
        history: Arc<Mutex<History>>,
        fault: Option<String>,
    ) -> PluginHandle {
        let host_call = settings.host_call;
        let actor =
            Actor::new(Arc::clone(&installed), settings, self.shared.clone(), machine, Arc::clone(&history));
        let (orders, inbox) = order_channel();
        let handle = PluginHandle {
            id: id.clone(),
            orders,
            view: actor.view(),
            link: actor.link(),
            history,
            host_call,
        };
        let task = self.actors.spawn(actor.run(inbox, fault)).id();
        self.plugins.insert(id, Entry { handle: handle.clone(), installed, task });
        handle
    }

    /// An actor that ended by itself was retired: true, because its plugin may be back. One that failed took its process
    /// with it, and a successor takes its place.
    fn actor_ended(&mut self, ended: Result<(Id, ()), JoinError>) -> bool {
        let task = ended.as_ref().map_or_else(JoinError::id, |(task, ())| *task);
        let before = self.retiring.len();
        self.retiring.retain(|_, retiring| retiring.task != task);
        if let Err(error) = ended {
            self.replace(task, &error);
        }
        self.retiring.len() < before
    }

    fn replace(&mut self, task: Id, error: &JoinError) {
        let lost = self.plugins.iter().find(|(_, entry)| entry.task == task).map(|(id, _)| id.clone());
        let Some(id) = lost else { return };
        let Some(Entry { handle, installed, .. }) = self.plugins.remove(&id) else { return };
        tracing::error!(plugin = %id, %error, "the task that looks after the plugin failed");
        let settings = self.policy.of(&id);
        self.seed = self.seed.wrapping_add(1);
        let lost = handle.view.borrow().snapshot.clone();
        let machine = Lifecycle::succeeding(settings.policy.clone(), self.seed, &lost);
        let machine = self.since_last_run(machine, &installed);
        self.begin(id, installed, settings, machine, handle.history, Some(error.to_string()));
        let invalid = self.catalogue.borrow().invalid.clone();
        self.publish(invalid);
    }

    fn publish(&self, invalid: BTreeMap<String, Invalid>) {
        let plugins = self.plugins.iter().map(|(id, entry)| (id.clone(), entry.handle.clone())).collect();
        self.catalogue.send_replace(Arc::new(Catalogue { plugins, invalid, scanned: true }));
    }

    /// Ends every plugin, all at once, within the longest time that any of them may take.
    async fn shut_down(&mut self, mut mode: ShutdownMode, requests: &mut mpsc::Receiver<Request>) {
        let limit = self.longest_stop() + SHUTDOWN_MARGIN;
        let everything = async {
            loop {
                self.order_all(mode).await;
                tokio::select! {
                    () = all_at_rest(self.plugins.values().chain(self.retiring.values())) => break,
                    Some(request) = requests.recv() => if let Request::Shutdown(ShutdownMode::Now) = request {
                        mode = ShutdownMode::Now;
                    },
                }
            }
        };
        if timeout(limit, everything).await.is_err() {
            tracing::error!(
                "some plugins could not be stopped in time; the keeper ends what is left of them"
            );
        }
        self.plugins.clear();
        self.retiring.clear();
        self.catalogue.send_modify(|catalogue| *catalogue = Arc::new(catalogue.as_ref().without_plugins()));
        // Without handles the actors end; one that cannot is ended with its process.
        let _ = timeout(SHUTDOWN_MARGIN, async { while self.actors.join_next().await.is_some() {} }).await;
    }

    async fn order_all(&self, mode: ShutdownMode) {
        for entry in self.plugins.values().chain(self.retiring.values()) {
            entry.handle.order(Order::Shutdown, None).await;
            if mode == ShutdownMode::Now {
                entry.handle.order(Order::KillNow, None).await;
            }
        }
    }

    fn longest_stop(&self) -> Duration {
        let longest = |settings: &PluginSettings| settings.policy.longest_stop();
        let single = self.policy.single.values().map(longest).max().unwrap_or_default();
        single.max(longest(&self.policy.common))
    }
}

/// What a change of what is installed means for a plugin that ran this version before.
fn changed(from: Option<String>, now: &Installed) -> Order {
    let to = now.version();
    match from {
        // Nothing is left to run.
        _ if now.program == Program::None => Order::Stop,
        Some(from) if from != to => Order::Update { from, to, has_old: false },
        _ => Order::ManifestChanged,
    }
}

async fn all_at_rest(plugins: impl Iterator<Item = &Entry>) {
    for entry in plugins {
        let mut view = entry.handle.view.clone();
        // An error means that the actor is gone, and its process with it.
        let _ = view.wait_for(|view| view.is_at_rest()).await;
    }
}
