//! Idle connections, apart for each generation of each plugin: what outlives its process is closed, never used.
//!
//! [`super::forward`] takes from here, [`super::answer`] gives back, and one janitor closes what is old. Bounded per plugin.
//! Must not know requests.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use outboard_host::routes::{Route, RouteState, Upstream};
use tokio::time::Instant;

use super::connection::Connection;

/// The idle connections of one plugin.
#[derive(Debug, Default)]
pub(crate) struct Pool(Mutex<Idle>);

#[derive(Debug, Default)]
struct Idle {
    /// The generation to which all of them belong.
    of: Weak<Upstream>,
    /// The latest used last.
    connections: Vec<(Instant, Connection)>,
}

impl Pool {
    fn idle(&self) -> std::sync::MutexGuard<'_, Idle> {
        // A panic elsewhere leaves nothing half done in a list of connections.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection to this generation that is open as far as can be told.
    pub(crate) fn take(&self, upstream: &Arc<Upstream>) -> Option<Connection> {
        let mut idle = self.idle();
        if !std::ptr::eq(idle.of.as_ptr(), Arc::as_ptr(upstream)) {
            idle.connections.clear();
            return None;
        }
        while let Some((_, connection)) = idle.connections.pop() {
            if connection.is_fresh() {
                return Some(connection);
            }
        }
        None
    }

    /// Keeps a connection of this generation for the next request. True: the janitor has to come by.
    pub(crate) fn put(&self, upstream: &Arc<Upstream>, mut connection: Connection, size: usize) -> bool {
        connection.recycle();
        let mut idle = self.idle();
        if !std::ptr::eq(idle.of.as_ptr(), Arc::as_ptr(upstream)) {
            if idle.of.upgrade().is_some_and(|other| other.generation() > upstream.generation()) {
                return false;
            }
            idle.connections.clear();
            idle.of = Arc::downgrade(upstream);
        }
        if idle.connections.len() < size {
            idle.connections.push((Instant::now(), connection));
        }
        idle.connections.len() == 1
    }

    /// Closes what is too old, and everything once the generation has ended. True: nothing is left.
    pub(crate) fn sweep(&self, route: &Route, age: Duration) -> bool {
        let mut idle = self.idle();
        let current = match &*route.state() {
            RouteState::Open(upstream) => std::ptr::eq(idle.of.as_ptr(), Arc::as_ptr(upstream)),
            _ => false,
        };
        if !current {
            idle.connections.clear();
        }
        let now = Instant::now();
        idle.connections
            .retain(|(since, connection)| now.duration_since(*since) < age && connection.is_fresh());
        if idle.connections.is_empty() {
            idle.connections = Vec::new();
        }
        idle.connections.is_empty()
    }
}
