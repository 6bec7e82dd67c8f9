//! Requests and calls, as the gateway makes them: they follow the route, wait while a process is on its way, and are counted.
//!
//! Begun by the world, looked at by its audit. Must not know what is promised.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use crate::plugin::PluginHandle;
use crate::routes::{Route, RouteState};

/// How long a request waits for a process.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a call may take.
pub(super) const CALL_LIMIT: Duration = Duration::from_secs(5);

/// One request that was let in.
#[derive(Clone, Debug)]
pub(super) struct Stay {
    pub(super) generation: u64,
    pub(super) entered: Instant,
    pub(super) left: Option<Instant>,
}

/// All clients of one world.
#[derive(Debug, Default)]
pub(super) struct Clients {
    pub(super) stays: Vec<Stay>,
    /// Requests that wait for the route to change.
    pub(super) waiting: u64,
    /// When calls that have no outcome yet were made.
    pub(super) calls: Vec<Option<Instant>>,
}

pub(super) type Shared = Arc<Mutex<Clients>>;

pub(super) fn with<T>(clients: &Shared, act: impl FnOnce(&mut Clients) -> T) -> T {
    act(&mut clients.lock().unwrap_or_else(PoisonError::into_inner))
}

/// One request, which stays inside for a time once it is let in.
pub(super) async fn request(route: Arc<Route>, clients: Shared, stays: Duration) {
    let began = Instant::now();
    loop {
        let mut changes = route.subscribe();
        let inside = match &*route.state() {
            RouteState::Open(upstream) => upstream.enter().map(|inside| (inside, upstream.generation())),
            RouteState::Waiting { .. } => None,
            RouteState::Closed { .. } => return,
        };
        if let Some((inside, generation)) = inside {
            let entered = Instant::now();
            let number = with(&clients, |clients| {
                clients.stays.push(Stay { generation, entered, left: None });
                clients.stays.len() - 1
            });
            sleep(stays).await;
            with(&clients, |clients| clients.stays[number].left = Some(Instant::now()));
            drop(inside);
            return;
        }
        with(&clients, |clients| clients.waiting += 1);
        let changed = timeout(PATIENCE.saturating_sub(began.elapsed()), changes.changed()).await;
        with(&clients, |clients| clients.waiting -= 1);
        if !matches!(changed, Ok(Ok(()))) {
            return;
        }
    }
}

/// One call of a channel; it has an outcome within its limit, whatever becomes of the process.
pub(super) async fn call(handle: PluginHandle, clients: Shared) {
    let Some(link) = handle.link.borrow().clone() else { return };
    drop(handle);
    let number = with(&clients, |clients| {
        clients.calls.push(Some(Instant::now()));
        clients.calls.len() - 1
    });
    let _ = link.session.call("ipc.invoke", serde_json::json!({}), CALL_LIMIT).await;
    with(&clients, |clients| clients.calls[number] = None);
}
