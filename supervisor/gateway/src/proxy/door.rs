//! What the proxy keeps for one plugin: its idle connections and the requests that wait for it.
//!
//! [`super::forward`] looks a door up for each request; the janitor goes round them. Must not know requests.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use outboard_host::routes::{Route, Upstream};
use outboard_protocol::PluginId;
use tokio::sync::Notify;

use super::connection::Connection;
use super::pool::Pool;
use super::trouble::Trouble;
use super::waiting::WaitingRoom;
use crate::directory::Directory;

/// How often the janitor looks while there are idle connections: a plugin that stops waits for us no longer than this.
const ROUND: Duration = Duration::from_millis(100);

/// One plugin's door.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) route: Arc<Route>,
    pub(crate) pool: Pool,
    pub(crate) waiting: Arc<WaitingRoom>,
    pub(crate) trouble: Trouble,
    pool_size: usize,
    janitor: Arc<Notify>,
}

impl Door {
    /// Gives a connection back, for the next request.
    pub(crate) fn keep(&self, upstream: &Arc<Upstream>, connection: Connection) {
        if self.pool.put(upstream, connection, self.pool_size) {
            self.janitor.notify_one();
        }
    }
}

/// All doors.
#[derive(Debug)]
pub(crate) struct Doors {
    table: ArcSwap<HashMap<PluginId, Arc<Door>>>,
    pool_size: usize,
    pool_idle: Duration,
    janitor: Arc<Notify>,
}

impl Doors {
    pub(crate) fn new(pool_size: usize, pool_idle: Duration) -> Self {
        Self { table: ArcSwap::default(), pool_size, pool_idle, janitor: Arc::default() }
    }

    /// The door of a route.
    pub(crate) fn of(&self, route: &Arc<Route>) -> Arc<Door> {
        match self.table.load().get(&route.id) {
            Some(door) if Arc::ptr_eq(&door.route, route) => Arc::clone(door),
            _ => self.open(route),
        }
    }

    #[cold]
    fn open(&self, route: &Arc<Route>) -> Arc<Door> {
        let door = Arc::new(Door {
            route: Arc::clone(route),
            pool: Pool::default(),
            waiting: Arc::default(),
            trouble: Trouble::default(),
            pool_size: self.pool_size,
            janitor: Arc::clone(&self.janitor),
        });
        self.table.rcu(|table| {
            let mut next = HashMap::clone(table);
            next.insert(route.id.clone(), Arc::clone(&door));
            next
        });
        door
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
        for (id, door) in &*table {
            all_empty &= door.pool.sweep(&door.route, self.pool_idle);
            let current = directory.route(id.as_str());
            if !current.is_some_and(|route| Arc::ptr_eq(&route, &door.route)) {
                self.remove(id, door);
            }
        }
        all_empty
    }

    fn remove(&self, id: &PluginId, gone: &Arc<Door>) {
        self.table.rcu(|table| {
            let mut next = HashMap::clone(table);
            if next.get(id).is_some_and(|door| Arc::ptr_eq(door, gone)) {
                next.remove(id);
            }
            next
        });
    }
}
