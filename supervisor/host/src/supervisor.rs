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
use outboard_protocol::control::{HostEvent, RescanReport};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};

use crate::catalogue::Catalogue;
use crate::discovery::{Findings, Installed, Invalid, Next, Program, Readings, Scanning, Told};
use crate::plugin::past;
use crate::plugin::{Actor, History, PluginHandle, PluginSettings, Shared, order_channel};
use crate::tries::{Tries, Turn};

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
    /// Starts because its folder has changed.
    tries: Tries,
}

pub(crate) struct Supervisor {
    scanning: Scanning,
    policy: PluginPolicy,
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
        shared: Shared,
        catalogue: watch::Sender<Arc<Catalogue>>,
        held: watch::Sender<bool>,
    ) -> Self {
        let seed = jiff::Timestamp::now().as_nanosecond() as u64;
        let scanning = Scanning::new(dirs);
        let (plugins, retiring, actors) = (BTreeMap::new(), BTreeMap::new(), JoinSet::new());
        Self { scanning, policy, shared, plugins, retiring, actors, catalogue, held, try_at: None, seed }
    }

    /// Scans once, then looks after everything until it is told to shut down. A scan is one of the things that go on meanwhile:
    /// a disk that does not answer holds up nothing else.
    pub(crate) async fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        self.scan(None);
        let mut signed_in = self.shared.services.auth.watch();
        let mut events = self.shared.events.subscribe();
        loop {
            tokio::select! {
                request = requests.recv() => match request {
                    Some(Request::Rescan(reply)) => self.scan(Some(reply)),
                    Some(Request::Shutdown(mode)) => return self.shut_down(mode, &mut requests).await,
                    None => return self.shut_down(ShutdownMode::Graceful, &mut requests).await,
                },
                // Failing means that the services are gone, and then nobody can sign in any more.
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

    /// Takes in what a scan tells.
    async fn scanned(&mut self, told: Option<Told>) {
        match told {
            Some(Told::Meanwhile(readings)) => {
                let invalid = self.compare(readings).await;
                self.publish(invalid);
            }
            Some(Told::All(readings)) => {
                let misses_something = readings.misses_something();
                let invalid = self.compare(readings).await;
                self.tell_news(&invalid);
                if let Some(report) = self.scanning.report() {
                    report.invalid =
                        invalid.iter().map(|(name, found)| (name.clone(), found.reason.clone())).collect();
                }
                self.publish(invalid);
                let closely = self.given_up();
                self.scanning.end(misses_something, closely);
            }
            None => {
                tracing::error!("the plugin folders could not be looked through; everything stays as it is");
                let invalid = self.catalogue.borrow().invalid.clone();
                self.publish(invalid);
                let closely = self.given_up();
                self.scanning.end(false, closely);
            }
        }
    }

    /// Makes of the readings what runs; gives the folders that are no usable plugins.
    async fn compare(&mut self, readings: Readings) -> BTreeMap<String, Invalid> {
        let runs_in = |id: &PluginId| {
            let entry = self.plugins.get(id)?;
            let at_rest = entry.handle.view.borrow().is_at_rest();
            (!at_rest).then(|| entry.installed.folder.clone())
        };
        let listed = readings.folders.iter().map(|(folder, _)| folder);
        let watched: BTreeSet<PathBuf> = listed.chain(self.scanning.dirs()).cloned().collect();
        let mut findings = Findings::of(readings, runs_in);
        self.keep_watches(&watched, &findings);
        let known = Arc::clone(&self.catalogue.borrow());
        for (name, found) in &mut findings.invalid {
            if let Some(known) = known.invalid.get(name).filter(|known| known.reason == found.reason) {
                found.since = known.since;
            }
        }
        let mut report = RescanReport::default();
        let invalid = self.take_in(findings, &mut report).await;
        if let Some(all) = self.scanning.report() {
            all.added.append(&mut report.added);
            all.changed.append(&mut report.changed);
            all.removed.append(&mut report.removed);
        }
        invalid
    }

    /// Watched are the folders themselves and those of their entries; of what does not run, all of it; and above a plugins folder that
    /// is absent, whatever it may appear in.
    fn keep_watches(&self, watched: &BTreeSet<PathBuf>, findings: &Findings) {
        let watches = self.scanning.watches();
        let absent = self.scanning.dirs().iter().filter(|dir| !watches.has(dir));
        let absent: Vec<PathBuf> = absent.filter_map(|dir| std::path::absolute(dir).ok()).collect();
        let mut deep = self.given_up();
        deep.extend(findings.invalid.values().map(|invalid| invalid.folder.clone()));
        watches.keep_only(|folder| {
            watched.contains(folder)
                || folder.parent().is_some_and(|above| watched.contains(above))
                || folder.ancestors().any(|above| deep.contains(above))
                || absent.iter().any(|dir| dir.starts_with(folder))
        });
    }

    /// Every scan finds all of them again; what an operator has read once is no news.
    fn tell_news(&self, invalid: &BTreeMap<String, Invalid>) {
        let known = Arc::clone(&self.catalogue.borrow());
        let news =
            |name: &str, reason: &str| known.invalid.get(name).is_none_or(|known| known.reason != reason);
        for (name, found) in invalid.iter().filter(|(name, found)| news(name, &found.reason)) {
            tracing::warn!(plugin = %name, reason = %found.reason, "not a usable plugin");
        }
    }

    async fn take_in(&mut self, findings: Findings, report: &mut RescanReport) -> BTreeMap<String, Invalid> {
        let Findings { installed, invalid, silent, complete } = findings;
        let found: BTreeSet<PluginId> = installed.keys().cloned().collect();
        // What lies in a folder that cannot be read is not gone.
        if complete {
            self.retire_missing(&found, &invalid, &silent, report).await;
        }
        for (id, found) in installed {
            self.adopt(id, Arc::new(found), report).await;
        }
        // A folder that does not answer may hold any plugin, so the prefixes of one that cannot be found are not given away.
        if complete && silent.is_empty() {
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
        silent: &BTreeSet<PathBuf>,
        report: &mut RescanReport,
    ) {
        // A folder that does not answer is there still.
        let is_missing = |id: &PluginId, entry: &Entry| {
            !installed.contains(id) && !silent.contains(&entry.installed.folder)
        };
        let missing = self.plugins.iter().filter(|(id, entry)| is_missing(id, entry));
        let missing: Vec<PluginId> = missing.map(|(id, _)| id.clone()).collect();
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
            self.forget_past(&id);
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
            self.renew(&id, found).await;
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

    /// The same manifest and the same program. What else is new is shown; and one that was given up is tried again where its folder
    /// is not what it was when it was started.
    async fn renew(&mut self, id: &PluginId, found: Arc<Installed>) {
        let Some(entry) = self.plugins.get_mut(id) else { return };
        let handle = entry.handle.clone();
        let (errored, beginnings) = {
            let view = handle.view.borrow();
            (view.is_errored(), view.snapshot.beginnings)
        };
        let changed = found.stamp.is_some_and(|now| handle.started_on().is_some_and(|then| now != then));
        if changed && errored {
            match entry.tries.turn(Instant::now(), beginnings) {
                Turn::Now => {
                    tracing::info!(plugin = %id, "something in its folder has changed, so it is tried again");
                    entry.installed = Arc::clone(&found);
                    handle.order(Order::FolderChanged, Some(found)).await;
                    return;
                }
                Turn::At(at) => self.try_at = Some(self.try_at.map_or(at, |before| before.min(at))),
                Turn::Over => {}
            }
        }
        if !entry.installed.looks_the_same(&found) {
            entry.installed = Arc::clone(&found);
            handle.show(found).await;
        }
    }

    async fn add(&mut self, id: PluginId, found: Arc<Installed>) {
        self.seed = self.seed.wrapping_add(1);
        let settings = self.policy.of(&id);
        let machine = self.since_last_run(Lifecycle::new(settings.policy.clone(), self.seed), &found);
        self.declare(&id, &found);
        let wanted = self.is_wanted(&id, &found);
        let (machine, history) = self.with_past(machine, &id, &found, wanted);
        let given_up = machine.state().cause().is_some();
        let handle = self.begin(id, found, settings, machine, Arc::new(Mutex::new(history)), None);
        if given_up {
            // Its folder may have changed since.
            self.scan(None);
        } else if wanted && !*self.held.borrow() {
            handle.order(Order::Start, None).await;
        }
    }

    /// What went wrong under an earlier supervisor. One that is not wanted up has nothing to be given up.
    fn with_past(
        &mut self,
        machine: Lifecycle,
        id: &PluginId,
        found: &Installed,
        wanted: bool,
    ) -> (Lifecycle, History) {
        let Some(text) = self.shared.services.plugins.past(id) else { return (machine, History::default()) };
        match past::recall(&text, found).filter(|_| wanted) {
            Some((past, history)) => (machine.with_past(past), history),
            None => {
                self.forget_past(id);
                (machine, History::default())
            }
        }
    }

    fn forget_past(&mut self, id: &PluginId) {
        if self.shared.services.plugins.past(id).is_some() {
            let forgotten = self.shared.services.plugins.set_past(id, None);
            // What is remembered too long is compared with what is installed then.
            self.actors.spawn(async move { drop(forgotten.await) });
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
            let given_up = entry.handle.view.borrow().is_errored();
            if self.is_wanted(id, &entry.installed) && !given_up {
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
        self.plugins.insert(id, Entry { handle: handle.clone(), installed, task, tries: Tries::default() });
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

/// Whether a plugin has just been given up, whose folder may have changed while it started.
fn may_have_changed_meanwhile(event: &Result<HostEvent, RecvError>) -> bool {
    match event {
        Ok(HostEvent::PluginState { status }) => status.state == "errored",
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
