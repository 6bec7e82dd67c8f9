//! Where a plugin's HTTP requests go at this moment: snapshots that the gateway reads without asking anybody.
//!
//! Plugin actors publish here, the gateway reads. Reading takes no lock and no hop through a task. Must not know HTTP: a
//! route says which address, never what is sent to it.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use outboard_protocol::PluginId;
use tokio::sync::watch;

/// Set in an upstream's counter once it takes no more requests.
const CLOSED: usize = 1 << (usize::BITS - 1);

/// Whose requests a route takes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Owner {
    /// A plugin.
    Plugin(PluginId),
    /// A host application, for a service that it provides, by its number at the broker.
    Application(u64),
}

impl Owner {
    /// The plugin's id, or the word by which the settings call the host application.
    pub fn word(&self) -> &str {
        self.plugin().map_or("@host", PluginId::as_str)
    }

    /// The plugin, if it is one.
    pub fn plugin(&self) -> Option<&PluginId> {
        match self {
            Owner::Plugin(id) => Some(id),
            Owner::Application(_) => None,
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Owner::Plugin(id) => write!(f, "plugin {id}"),
            Owner::Application(_) => f.write_str("host application"),
        }
    }
}

/// The routes of all plugins, and of host applications.
#[derive(Debug, Default)]
pub struct Routes {
    /// Copied at each change, so its keys are shared: with many plugins each start would else copy every id.
    table: ArcSwap<HashMap<Arc<str>, Arc<Route>>>,
    applications: ArcSwap<HashMap<u64, Arc<Route>>>,
}

impl Routes {
    /// The route of a plugin; `None` when there is no such plugin.
    pub fn find(&self, id: &str) -> Option<Arc<Route>> {
        self.table.load().get(id).cloned()
    }

    /// The route of a plugin, which is made where there is none. It stays the same until [`Self::remove`], whatever becomes of
    /// the plugin's manifest and its task: whoever waits on it would not hear of another.
    pub(crate) fn add(&self, id: &PluginId) -> Arc<Route> {
        self.find(id.as_str()).unwrap_or_else(|| {
            let closed = RouteState::Closed { cause: "the plugin is new".to_owned(), retry_after: None };
            let route = Route::new(Owner::Plugin(id.clone()), closed);
            self.insert(id, &route);
            route
        })
    }

    fn insert(&self, id: &PluginId, route: &Arc<Route>) {
        let id: Arc<str> = id.as_str().into();
        self.table.rcu(|table| {
            let mut next = HashMap::clone(table);
            next.insert(Arc::clone(&id), Arc::clone(route));
            next
        });
    }

    /// Removes a plugin's route. Whoever waits on it sees it closed.
    pub(crate) fn remove(&self, id: &PluginId) {
        let before = self.table.rcu(|table| {
            let mut next = HashMap::clone(table);
            next.remove(id.as_str());
            next
        });
        if let Some(route) = before.get(id.as_str()) {
            route.publish(RouteState::Closed {
                cause: "the plugin was removed".to_owned(),
                retry_after: None,
            });
        }
    }
}

impl Routes {
    /// The route of a host application.
    pub fn application(&self, number: u64) -> Option<Arc<Route>> {
        self.applications.load().get(&number).cloned()
    }

    /// Opens a route to a host application, until what is given back is dropped.
    pub fn open_to_application(self: &Arc<Self>, number: u64, address: Address) -> ApplicationRoute {
        let upstream = Upstream::new(number, address, false, None);
        let route = Route::new(Owner::Application(number), RouteState::Open(Arc::clone(&upstream)));
        // Nobody says that its answers may be asked for twice.
        route.treat(false, false);
        self.applications.rcu(|table| {
            let mut next = HashMap::clone(table);
            next.insert(number, Arc::clone(&route));
            next
        });
        ApplicationRoute { routes: Arc::clone(self), number, route, upstream }
    }
}

/// A host application's route. Dropped, it takes no more requests; what is inside goes on.
#[derive(Debug)]
pub struct ApplicationRoute {
    routes: Arc<Routes>,
    number: u64,
    route: Arc<Route>,
    upstream: Arc<Upstream>,
}

impl Drop for ApplicationRoute {
    fn drop(&mut self) {
        self.routes.applications.rcu(|table| {
            let mut next = HashMap::clone(table);
            next.remove(&self.number);
            next
        });
        self.upstream.close();
        let cause = "the host application is gone".to_owned();
        self.route.publish(RouteState::Closed { cause, retry_after: None });
    }
}

/// How the requests of one plugin, or of a host application, are treated, and its state at this moment.
#[derive(Debug)]
pub struct Route {
    /// Whose route it is.
    pub owner: Owner,
    strip_prefix: AtomicBool,
    replay: AtomicBool,
    /// What is amiss with where the running generation listens.
    note: ArcSwapOption<String>,
    state: ArcSwap<RouteState>,
    changed: watch::Sender<()>,
}

/// Where a plugin's requests go at one moment.
#[derive(Debug, Clone)]
pub enum RouteState {
    /// To the running generation.
    Open(Arc<Upstream>),
    /// Nowhere yet: the plugin starts or restarts. Requests wait, bounded.
    Waiting {
        /// Why, a sentence.
        cause: String,
    },
    /// Nowhere: the plugin is stopped or errored.
    Closed {
        /// Why, a sentence.
        cause: String,
        /// When it may be worth another try; `None` when only an operator can help.
        retry_after: Option<Duration>,
    },
}

impl Route {
    fn new(owner: Owner, state: RouteState) -> Arc<Self> {
        Arc::new(Self {
            owner,
            strip_prefix: AtomicBool::new(false),
            replay: AtomicBool::new(true),
            note: ArcSwapOption::empty(),
            state: ArcSwap::from_pointee(state),
            changed: watch::Sender::new(()),
        })
    }

    /// Whether the route's prefix is removed from the path.
    pub fn strip_prefix(&self) -> bool {
        self.strip_prefix.load(Ordering::Relaxed)
    }

    /// Whether a safe request may be sent once more to the next generation.
    pub fn replay(&self) -> bool {
        self.replay.load(Ordering::Relaxed)
    }

    /// Says what is amiss with where the running generation listens; nothing, once it is where it ought to be.
    pub(crate) fn note(&self, note: Option<String>) {
        self.note.store(note.map(Arc::new));
    }

    /// What was said last by [`Self::note`].
    pub(crate) fn noted(&self) -> Option<String> {
        self.note.load_full().map(|note| String::clone(&note))
    }

    /// What an operator ought to know of where the generation listens, as long as it answers nothing.
    pub(crate) fn notes(&self) -> Vec<String> {
        let note = self.noted();
        match &*self.state() {
            RouteState::Open(upstream) if upstream.has_answered() => Vec::new(),
            // One that inherited its socket may well listen elsewhere besides, until a request has waited in vain.
            RouteState::Open(upstream) if upstream.is_inherited() => upstream
                .silence()
                .map(|silence| [Some(silence), note])
                .into_iter()
                .flatten()
                .flatten()
                .collect(),
            RouteState::Open(upstream) => upstream.silence().into_iter().chain(note).collect(),
            RouteState::Waiting { .. } | RouteState::Closed { .. } => note.into_iter().collect(),
        }
    }

    /// From the next request on.
    pub(crate) fn treat(&self, strip_prefix: bool, replay: bool) {
        self.strip_prefix.store(strip_prefix, Ordering::Relaxed);
        self.replay.store(replay, Ordering::Relaxed);
    }

    /// The state at this moment.
    pub fn state(&self) -> Arc<RouteState> {
        self.state.load_full()
    }

    /// Something to wait on: resolves after each change. Subscribe first, then look at the state, then wait.
    pub fn subscribe(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    pub(crate) fn publish(&self, state: RouteState) {
        self.state.store(Arc::new(state));
        self.changed.send_replace(());
    }
}

/// Where one generation of a plugin is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A Unix socket, at this path.
    Socket(PathBuf),
    /// A port of 127.0.0.1, of a program that can bind nothing else.
    Port(u16),
}

/// The HTTP side of one generation: its address, and how many requests are inside.
#[derive(Debug)]
pub struct Upstream {
    generation: u64,
    address: Address,
    /// Whether its socket was there before its process, which inherited it.
    inherited: bool,
    in_flight: AtomicUsize,
    drained: watch::Sender<bool>,
    /// What may keep a server of this kind from ever answering, and what to do about it.
    hint: Option<&'static str>,
    answered: AtomicBool,
    silent: AtomicBool,
}

impl Upstream {
    pub(crate) fn new(
        generation: u64,
        address: Address,
        inherited: bool,
        hint: Option<&'static str>,
    ) -> Arc<Self> {
        Arc::new(Self {
            generation,
            address,
            inherited,
            in_flight: AtomicUsize::new(0),
            drained: watch::Sender::new(false),
            hint,
            answered: AtomicBool::new(false),
            silent: AtomicBool::new(false),
        })
    }

    /// Whether it has begun any answer.
    pub fn has_answered(&self) -> bool {
        self.answered.load(Ordering::Relaxed)
    }

    /// It has begun an answer.
    pub fn note_answer(&self) {
        if !self.has_answered() {
            self.answered.store(true, Ordering::Relaxed);
        }
    }

    /// A request waits long for what would be its first answer. Whether that is news.
    pub fn note_silence(&self) -> bool {
        !self.silent.swap(true, Ordering::Relaxed)
    }

    /// What is to be said of a generation that has left requests waiting and has never answered any.
    pub fn silence(&self) -> Option<String> {
        let silent = self.silent.load(Ordering::Relaxed) && !self.has_answered();
        let hint = self.hint.unwrap_or("its log may say what it waits for");
        silent.then(|| format!("it has answered none of the HTTP requests that were passed to it; {hint}"))
    }

    /// Which generation it is; connections to it must not outlive it, so key any pool by this.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether its socket was there before its process. One that a program makes by itself may come later.
    pub(crate) fn is_inherited(&self) -> bool {
        self.inherited
    }

    /// Where to connect.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Enters a request. `None`: the generation takes no more; look at the route again.
    pub fn enter(self: &Arc<Self>) -> Option<InFlight> {
        let before = self.in_flight.fetch_add(1, Ordering::AcqRel);
        let guard = InFlight(Arc::clone(self));
        (before & CLOSED == 0).then_some(guard)
    }

    /// How many requests are inside.
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Acquire) & !CLOSED
    }

    /// Lets no request in from now on.
    pub(crate) fn close(&self) {
        if self.in_flight.fetch_or(CLOSED, Ordering::AcqRel) & !CLOSED == 0 {
            self.drained.send_replace(true);
        }
    }

    /// Resolves when it is closed and the last request has left.
    pub(crate) async fn drained(&self) {
        // The sender lives in self, so waiting cannot fail.
        let _ = self.drained.subscribe().wait_for(|drained| *drained).await;
    }
}

/// One request inside an upstream; leaves when dropped.
#[derive(Debug)]
pub struct InFlight(Arc<Upstream>);

impl Drop for InFlight {
    fn drop(&mut self) {
        if self.0.in_flight.fetch_sub(1, Ordering::AcqRel) == CLOSED | 1 {
            self.0.drained.send_replace(true);
        }
    }
}

/// Upstreams and routes for tests of whoever reads them, without a plugin behind.
#[doc(hidden)]
pub mod testing {
    use super::*;

    /// An open upstream at a socket.
    pub fn upstream(generation: u64, socket: PathBuf) -> Arc<Upstream> {
        Upstream::new(generation, Address::Socket(socket), true, None)
    }

    /// An open upstream at a port of 127.0.0.1.
    pub fn upstream_at(generation: u64, port: u16) -> Arc<Upstream> {
        Upstream::new(generation, Address::Port(port), false, None)
    }

    /// A route that treats requests so.
    pub fn route(id: PluginId, state: RouteState, strip_prefix: bool, replay: bool) -> Arc<Route> {
        let route = Route::new(Owner::Plugin(id), state);
        route.treat(strip_prefix, replay);
        route
    }

    /// How many wait for a route to change, at this moment.
    pub fn waiting_on(route: &Route) -> usize {
        route.changed.receiver_count()
    }

    /// Publishes a state as a plugin's actor does.
    pub fn publish(route: &Route, state: RouteState) {
        route.publish(state);
    }
}
