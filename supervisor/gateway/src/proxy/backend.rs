//! What the proxy keeps for one plugin: its idle connections and the requests that wait for it.
//!
//! [`super::forward`] looks a backend up for each request; the janitor goes round them. Must not know requests.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use outboard_host::routes::{Owner, Route, Upstream};
use tokio::sync::Notify;

use super::connection::Connection;
use super::pool::Pool;
use super::trouble::Trouble;
use super::waiting::WaitingRoom;
use crate::directory::Directory;

/// How often the janitor looks while there are idle connections: a plugin that stops waits for us no longer than this.
const ROUND: Duration = Duration::from_millis(100);

/// One plugin's backend.
#[derive(Debug)]
pub(crate) struct Backend {
    pub(crate) route: Arc<Route>,
    pub(crate) pool: Pool,
    pub(crate) waiting: Arc<WaitingRoom>,
    pub(crate) trouble: Trouble,
    pool_size: usize,
    janitor: Arc<Notify>,
}

impl Backend {
    /// Gives a connection back, for the next request.
    pub(crate) fn keep(&self, upstream: &Arc<Upstream>, connection: Connection) {
        if self.pool.put(upstream, connection, self.pool_size) {
            self.janitor.notify_one();
        }
    }
}

/// All backends.
#[derive(Debug)]
pub(crate) struct Backends {
    table: ArcSwap<HashMap<Owner, Arc<Backend>>>,
    pool_size: usize,
    pool_idle: Duration,
    janitor: Arc<Notify>,
}

impl Backends {
    pub(crate) fn new(pool_size: usize, pool_idle: Duration) -> Self {
        Self { table: ArcSwap::default(), pool_size, pool_idle, janitor: Arc::default() }
    }

    /// The backend of a route.
    pub(crate) fn of(&self, route: &Arc<Route>) -> Arc<Backend> {
        match self.table.load().get(&route.owner) {
            Some(backend) if Arc::ptr_eq(&backend.route, route) => Arc::clone(backend),
            _ => self.open(route),
        }
    }

    #[cold]
    fn open(&self, route: &Arc<Route>) -> Arc<Backend> {
        let backend = Arc::new(Backend {
            route: Arc::clone(route),
            pool: Pool::default(),
            waiting: Arc::default(),
            trouble: Trouble::default(),
            pool_size: self.pool_size,
            janitor: Arc::clone(&self.janitor),
        });
        self.table.rcu(|table| {
            let mut next = HashMap::clone(table);
            next.insert(route.owner.clone(), Arc::clone(&backend));
            next
        });
        backend
    }

    /// Closes what is idle for too long or whose generation has ended, for as long as it is polled. Sleeps while nothing is
    /// idle.
    pub(crate) async fn keep_tidy(&self, directory: &dyn Directory) {
        loop {
            self.janitor.notified().await;
            let mut all_empty = false;
            while !all_empty {
                tokio::time::sleep(ROUND).await;
                all_empty = self.round(directory);
            }
        }
    }

    fn round(&self, directory: &dyn Directory) -> bool {
        let table = self.table.load_full();
        let mut all_empty = true;
        for (owner, backend) in &*table {
            all_empty &= backend.pool.sweep(&backend.route, self.pool_idle);
            let current = match owner {
                Owner::Plugin(id) => directory.route(id.as_str()),
                Owner::Application(number) => directory.application(*number),
            };
            if !current.is_some_and(|route| Arc::ptr_eq(&route, &backend.route)) {
                self.remove(owner, backend);
            }
        }
        all_empty
    }

    fn remove(&self, owner: &Owner, gone: &Arc<Backend>) {
        self.table.rcu(|table| {
            let mut next = HashMap::clone(table);
            if next.get(owner).is_some_and(|backend| Arc::ptr_eq(backend, gone)) {
                next.remove(owner);
            }
            next
        });
    }
}
