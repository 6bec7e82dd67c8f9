//! The handle that the gateway and the CLI hold: everything that may be asked of plugins, in one place.
//!
//! Cheap to clone. Reads come from snapshots, orders go to the plugin's own task; nothing here has a state of its own.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use outboard_broker::Provider;
use outboard_context::Context;
use outboard_lifecycle::Order as Want;
use outboard_protocol::control::{
    HostEvent, PluginState, PluginStatus, RescanReport, StatusReport, WhyReport,
};
use outboard_protocol::id::RoutePrefix;
use outboard_protocol::{ErrorReason, PluginId, RpcError};
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::timeout;

use crate::catalogue::{Catalogue, invalid_status};
use crate::javascript;
use crate::lost_sockets;
use crate::pages::Pages;
use crate::plugin::{Icons, LaunchOptions, PluginHandle, Shared, SystemLauncher, Turns};
use crate::process::{Ledger, Spawner, SpawnerOptions, sweep};
use crate::routes::Routes;
use crate::supervisor::{PluginPolicy, Request, ShutdownMode, Supervisor};
use crate::upkeep;

/// Requests that may wait for the supervisor task.
const REQUESTS_WAITING: usize = 16;
/// State changes that a slow listener may be behind before it loses some.
const EVENTS_KEPT: usize = 1024;
/// How long an order waits for a plugin to come to rest before it answers with the state of that moment. More than every
/// deadline of a start or a stop together.
const ORDER_SETTLES: Duration = Duration::from_secs(60);

/// What a host is started with.
#[derive(Debug)]
pub struct HostOptions {
    /// Folders with plugins, in the order in which they are read.
    pub plugin_dirs: Vec<PathBuf>,
    /// Where everything that must last is kept.
    pub data_dir: PathBuf,
    /// Sockets and the ledger of processes.
    pub runtime_dir: PathBuf,
    /// Where the gateway listens, as it is shown.
    pub listen: String,
    /// Where plugins are reached from outside: an origin without a slash at the end.
    pub base_url: String,
    /// Where browsers find pages, if they are served any.
    pub pages: Option<Pages>,
    /// Whether all plugins' pages share one origin.
    pub shared_origin: bool,
    /// The keeper above, if there is one.
    pub keeper_pid: Option<u32>,
    /// What operators set for plugins.
    pub policy: PluginPolicy,
    /// How JavaScript plugins are run.
    pub javascript: javascript::Options,
    /// Whether plugins are started only once somebody is signed in.
    pub hold_until_auth: bool,
}

/// A host could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The ledger of processes is not usable.
    #[error("the ledger of processes at {} is not usable", .folder.display())]
    Ledger {
        /// Its folder.
        folder: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Processes cannot be supervised on this system.
    #[error("processes cannot be supervised here")]
    Spawner(#[source] std::io::Error),
}

/// An operator's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Run, and forget earlier failures.
    Start,
    /// Stop, until the next start.
    Stop,
    /// Stop, then start.
    Restart,
    /// Start now and with every start of the supervisor.
    Enable,
    /// Stop now, and do not start with the supervisor.
    Disable,
}

/// A hold on the running host.
#[derive(Clone)]
pub struct Host {
    inner: Arc<Inner>,
}

struct Inner {
    context: Context,
    shared: Shared,
    requests: mpsc::Sender<Request>,
    catalogue: watch::Receiver<Arc<Catalogue>>,
    held: watch::Receiver<bool>,
    listen: String,
    pages: Option<Pages>,
    shared_origin: bool,
    keeper_pid: Option<u32>,
    since: String,
    data_dir: PathBuf,
    plugin_dirs: Vec<PathBuf>,
}

/// The host's own tasks; await it to know that all is over.
#[derive(Debug)]
pub struct HostTasks {
    all: JoinSet<()>,
    supervisor: Id,
}

impl HostTasks {
    /// Resolves when the supervisor task has ended.
    pub async fn ended(&mut self) {
        while let Some(ended) = self.all.join_next_with_id().await {
            let task = ended.as_ref().map_or_else(JoinError::id, |(task, ())| *task);
            if let Err(error) = ended {
                tracing::error!(%error, "a task of the host failed");
            }
            // The plugins run on without the others.
            if task == self.supervisor {
                break;
            }
        }
        self.all.shutdown().await;
    }
}

impl Host {
    /// Sweeps what a former supervisor left, then finds and starts the plugins.
    ///
    /// # Errors
    /// [`StartError`], when processes cannot be supervised here at all. No fault of a plugin is an error.
    pub fn start(options: HostOptions, context: Context) -> Result<(Self, HostTasks), StartError> {
        let folder = options.runtime_dir.join("ledger");
        let ledger_error = |source| StartError::Ledger { folder: folder.clone(), source };
        let ledger = Ledger::open(&folder).map_err(ledger_error)?;
        sweep(&ledger).map_err(ledger_error)?.iter().for_each(upkeep::report_swept);
        let spawner = Spawner::start(SpawnerOptions { ledger: Some(ledger), ..SpawnerOptions::default() })
            .map_err(StartError::Spawner)?;
        let launch = LaunchOptions {
            data_dir: options.data_dir.clone(),
            socket_dir: options.runtime_dir.join("s"),
            base_url: ArcSwap::from_pointee(options.base_url),
            javascript: options.javascript,
        };
        let launch = Arc::new(launch);
        let launcher = SystemLauncher { options: Arc::clone(&launch), spawner: spawner.clone() };
        let shared = Shared {
            context: Arc::new(context.clone()),
            launcher: Arc::new(launcher),
            routes: Arc::new(Routes::default()),
            events: broadcast::Sender::new(EVENTS_KEPT),
            launch,
            turns: Turns::new(),
        };
        let (requests, inbox) = mpsc::channel(REQUESTS_WAITING);
        let catalogue = watch::Sender::new(Arc::new(Catalogue::default()));
        let seen = catalogue.subscribe();
        let held = watch::Sender::new(options.hold_until_auth && !context.auth.status().authenticated);
        let seen_held = held.subscribe();
        let supervisor = Supervisor::new(
            options.plugin_dirs.clone(),
            options.policy,
            context.clone(),
            shared.clone(),
            catalogue,
            held,
        );
        let mut tasks = JoinSet::new();
        let supervisor = tasks.spawn(supervisor.run(inbox)).id();
        tasks.spawn(upkeep::tend_orphans(spawner));
        tasks.spawn(upkeep::pass_on_events(context.clone(), shared.events.clone()));
        tasks.spawn(upkeep::measure_databases(context.clone()));
        tasks.spawn(lost_sockets::replace(shared.clone(), seen.clone()));
        let inner = Inner {
            context,
            shared,
            requests,
            catalogue: seen,
            held: seen_held,
            listen: options.listen,
            pages: options.pages,
            shared_origin: options.shared_origin,
            keeper_pid: options.keeper_pid,
            since: now(),
            data_dir: options.data_dir,
            plugin_dirs: options.plugin_dirs,
        };
        Ok((Self { inner: Arc::new(inner) }, HostTasks { all: tasks, supervisor }))
    }

    /// The context behind ctx.*.
    pub fn context(&self) -> &Context {
        &self.inner.context
    }

    /// Where requests go.
    pub fn routes(&self) -> &Arc<Routes> {
        &self.inner.shared.routes
    }

    /// State changes and what else a host application may want to act upon.
    pub fn events(&self) -> broadcast::Receiver<HostEvent> {
        self.inner.shared.events.subscribe()
    }

    /// The host and its plugins at this moment; one plugin, where an id is given. An unknown id gives an empty list.
    pub fn status(&self, only: Option<&str>) -> StatusReport {
        let catalogue = self.inner.catalogue.borrow().clone();
        let wanted = |id: &str| only.is_none_or(|only| only == id);
        let mut plugins: Vec<PluginStatus> = match only {
            Some(id) => {
                catalogue.plugins.get(id).map(|handle| self.plugin_status(handle)).into_iter().collect()
            }
            None => {
                // One walk over the prefixes for all plugins, not one for each.
                let mut prefixes = self.context().prefixes.by_plugin();
                let handles = catalogue.plugins.values();
                handles
                    .map(|handle| self.status_with(handle, &prefixes.remove(&handle.id).unwrap_or_default()))
                    .collect()
            }
        };
        let known = |name: &str| catalogue.plugins.contains_key(name);
        let broken = catalogue.invalid.iter().filter(|(name, _)| wanted(name) && !known(name));
        plugins.extend(broken.map(|(name, invalid)| invalid_status(name, invalid)));
        plugins.sort_by(|one, other| one.id.cmp(&other.id));
        StatusReport {
            listen: self.inner.listen.clone(),
            pages: self.inner.pages.as_ref().map(|pages| pages.origin.clone()),
            shared_origin: self.inner.shared_origin,
            pid: std::process::id(),
            keeper_pid: self.inner.keeper_pid,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            since: self.inner.since.clone(),
            data_dir: self.inner.data_dir.display().to_string(),
            plugin_dirs: self.inner.plugin_dirs.iter().map(|dir| dir.display().to_string()).collect(),
            waiting_for_sign_in: *self.inner.held.borrow(),
            troubles: self.context().troubles.now(),
            log_records_dropped: self.context().logs.dropped(),
            plugins,
            services: if only.is_none() { self.context().broker.status() } else { Vec::new() },
        }
    }

    /// Whether a plugin has a UI.
    pub fn has_ui(&self, id: &str) -> bool {
        let catalogue = self.inner.catalogue.borrow();
        catalogue.plugins.get(id).is_some_and(|handle| handle.view.borrow().has_ui())
    }

    /// A plugin's icons, as its manifest names them.
    pub fn icons(&self, id: &str) -> Icons {
        let catalogue = self.inner.catalogue.borrow();
        catalogue.plugins.get(id).map(|handle| handle.view.borrow().icons.clone()).unwrap_or_default()
    }

    /// Resolves when it is known anew which plugins there are, which may be the same; never once the host has ended.
    pub fn rescanned(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut catalogue = self.inner.catalogue.clone();
        catalogue.mark_unchanged();
        async move {
            if catalogue.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// The folder of a plugin; `None` when there is no such plugin.
    pub fn install_dir(&self, id: &str) -> Option<PathBuf> {
        let catalogue = self.inner.catalogue.borrow();
        catalogue.plugins.get(id).map(|handle| PathBuf::from(&handle.view.borrow().status.install_dir))
    }

    /// The state of a plugin; `None` when there is no such plugin.
    pub fn state(&self, id: &str) -> Option<PluginState> {
        let catalogue = self.inner.catalogue.borrow();
        catalogue.plugins.get(id).map(|handle| handle.view.borrow().status.state)
    }

    /// Resolves when the plugins folders have been looked through for the first time, or the host has ended.
    pub async fn scanned(&self) {
        let _ = self.inner.catalogue.clone().wait_for(|catalogue| catalogue.scanned).await;
    }

    /// Resolves when every plugin that was found at start is at rest or running.
    pub async fn settled(&self) {
        let mut catalogue = self.inner.catalogue.clone();
        if catalogue.wait_for(|catalogue| catalogue.scanned).await.is_err() {
            return;
        }
        let handles: Vec<PluginHandle> = catalogue.borrow().plugins.values().cloned().collect();
        for handle in handles {
            handle.settled().await;
        }
    }

    /// Carries out an operator's order. Answers when the plugin has come to rest, or after a minute as it is then.
    /// Dropping the future does not take the order back.
    ///
    /// # Errors
    /// `not_found` for an unknown plugin, `conflict` for one that has nothing to run, `shutting_down`.
    pub async fn order(&self, id: &PluginId, order: Order) -> Result<PluginStatus, RpcError> {
        let handle = self.find(id)?;
        let want = match order {
            Order::Start | Order::Enable => Want::Start,
            Order::Stop | Order::Disable => Want::Stop,
            Order::Restart => Want::Restart,
        };
        if want != Want::Stop && !handle.view.borrow().runs_something() {
            let message =
                format!("plugin {id} has a UI and no background program, so there is nothing to run");
            return Err(RpcError::new(ErrorReason::Conflict, message));
        }
        // Only what can be carried out is remembered.
        if let Some(enabled) = order.remembers() {
            self.context().plugins.set_enabled(id, enabled).await?;
        }
        if !handle.order(want, None).await {
            return Err(RpcError::new(ErrorReason::ShuttingDown, "the supervisor is shutting down"));
        }
        // Still under way after this is an answer as well: the status says so.
        let _ = timeout(ORDER_SETTLES, handle.settled()).await;
        Ok(self.plugin_status(&handle))
    }

    /// Scans the plugin folders now.
    ///
    /// # Errors
    /// `shutting_down`.
    pub async fn rescan(&self) -> Result<RescanReport, RpcError> {
        let (reply, answer) = oneshot::channel();
        let gone = || RpcError::new(ErrorReason::ShuttingDown, "the supervisor is shutting down");
        self.inner.requests.send(Request::Rescan(reply)).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())
    }

    /// Why a plugin is as it is: its state, and the ends of its processes.
    ///
    /// # Errors
    /// `not_found` for an unknown plugin.
    pub fn why(&self, id: &str) -> Result<WhyReport, RpcError> {
        let catalogue = self.inner.catalogue.borrow().clone();
        if let Some(handle) = catalogue.plugins.get(id) {
            return Ok(WhyReport { status: self.plugin_status(handle), history: handle.history() });
        }
        match catalogue.invalid.get(id) {
            Some(invalid) => Ok(WhyReport { status: invalid_status(id, invalid), history: Vec::new() }),
            None => Err(unknown(id, &catalogue)),
        }
    }

    /// Ends every plugin and then the host; [`HostTasks::ended`] tells when. May be called again with less patience.
    pub async fn shutdown(&self, mode: ShutdownMode) {
        // Failing means that it is over already.
        let _ = self.inner.requests.send(Request::Shutdown(mode)).await;
    }

    pub(crate) fn find(&self, id: &PluginId) -> Result<PluginHandle, RpcError> {
        let catalogue = self.inner.catalogue.borrow();
        if let Some(handle) = catalogue.plugins.get(id) {
            return Ok(handle.clone());
        }
        match catalogue.invalid.get(id.as_str()) {
            Some(invalid) => {
                let message = format!("plugin {id} is not usable: {}", invalid.reason);
                Err(RpcError::new(ErrorReason::Conflict, message))
            }
            None => Err(unknown(id.as_str(), &catalogue)),
        }
    }

    fn plugin_status(&self, handle: &PluginHandle) -> PluginStatus {
        self.status_with(handle, &self.context().prefixes.of(&handle.id))
    }

    fn status_with(&self, handle: &PluginHandle, routes: &[RoutePrefix]) -> PluginStatus {
        let (mut status, has_ui) = {
            let view = handle.view.borrow();
            (view.status.clone(), view.has_ui())
        };
        status.ui = self.inner.pages.as_ref().filter(|_| has_ui).map(|pages| (pages.ui)(&status.id));
        let of_the_shell = self.context().broker.served_by(&Provider::Plugin(handle.id.clone()));
        status.routes = routes.iter().chain(&of_the_shell).map(ToString::to_string).collect();
        status.enabled = self.context().plugins.is_enabled(&handle.id);
        status.data = self.context().databases.usage(&handle.id);
        let catalogue = self.inner.catalogue.borrow();
        let broken =
            catalogue.invalid.values().find(|found| found.folder.as_os_str() == status.install_dir.as_str());
        status.warnings.extend(broken.map(|found| {
            format!(
                "its folder cannot be used any more, and the version that was read before goes on: {}",
                found.reason
            )
        }));
        status.warnings.extend(self.provided_by_others(handle));
        let route = self.routes().find(handle.id.as_str());
        status.warnings.extend(route.into_iter().flat_map(|route| route.notes()));
        status
    }
}

impl Host {
    /// A sentence for each service that the plugin would provide and somebody else does.
    fn provided_by_others(&self, handle: &PluginHandle) -> Vec<String> {
        let provider = Provider::Plugin(handle.id.clone());
        let (broker, services) = (&self.context().broker, handle.view.borrow().provides.clone());
        let told = services.iter().filter_map(|service| {
            let other = broker.provided_instead_of(service, &provider)?;
            Some(format!(
                "service {service} is provided by {other}, so this plugin is not asked; `{service} = \"{}\"` below `[services]` in the settings decides otherwise",
                handle.id
            ))
        });
        told.collect()
    }
}

impl Order {
    /// What is remembered over restarts of the supervisor.
    fn remembers(self) -> Option<bool> {
        match self {
            Order::Enable => Some(true),
            Order::Disable => Some(false),
            Order::Start | Order::Stop | Order::Restart => None,
        }
    }
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("listen", &self.inner.listen).finish_non_exhaustive()
    }
}

fn unknown(id: &str, catalogue: &Catalogue) -> RpcError {
    let known: Vec<&str> = catalogue.plugins.keys().map(PluginId::as_str).collect();
    let known = if known.is_empty() {
        "none is installed".to_owned()
    } else {
        format!("there are {}", known.join(", "))
    };
    RpcError::new(ErrorReason::NotFound, format!("there is no plugin {id:?}; {known}"))
}

fn now() -> String {
    format!("{:.3}", jiff::Timestamp::now())
}
