//! Restarts a plugin whose socket somebody removed from the runtime folder: it runs well, and nobody can reach it.
//!
//! Started by [`crate::Host::start`], ended with it. Must not know what is served there.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use outboard_lifecycle::Order;
use outboard_protocol::PluginId;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use crate::catalogue::Catalogue;
use crate::plugin::Shared;
use crate::routes::{Address, RouteState};

/// How often it is looked: once at the sockets' folder, and at each socket where that has changed.
const LOOK: Duration = Duration::from_secs(1);

/// One generation's socket.
struct Socket {
    plugin: PluginId,
    generation: u64,
    path: PathBuf,
    /// Whether it is known to have been there: from the first moment on, or since it answered.
    known: bool,
}

/// Looks until the host ends. The new process gets a new socket, and requests wait for it as in any restart.
pub(crate) async fn replace(shared: Shared, catalogue: watch::Receiver<Arc<Catalogue>>) {
    let mut ticks = interval(LOOK);
    // A disk that hangs is asked once, not once for every second that it hung.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let folder = shared.launch.socket_dir.clone();
    // Generations that have made a socket of their own: until it does, a program has lost none.
    let mut there: HashMap<PluginId, u64> = HashMap::new();
    let mut state = None;
    loop {
        ticks.tick().await;
        // A panic in there is logged by its thread, and the next round looks again.
        let Some(now) = blocking(folder.clone(), |folder| folder_state(&folder)).await else { continue };
        // Nothing appears in a folder or goes from it without changing the folder's time.
        if now.is_some() && now == state {
            continue;
        }
        // Ids and not handles, so that nobody's actor is held while a disk hangs.
        let ids: Vec<PluginId> = catalogue.borrow().plugins.keys().cloned().collect();
        there.retain(|id, _| ids.binary_search(id).is_ok());
        let sockets: Vec<Socket> = ids.into_iter().filter_map(|id| open_socket(&shared, id)).collect();
        let look = |sockets: Vec<Socket>| -> Vec<(bool, Socket)> {
            sockets.into_iter().map(|socket| (is_gone(&socket.path), socket)).collect()
        };
        let Some(seen) = blocking(sockets, look).await else { continue };
        state = now;
        for (gone, Socket { plugin, generation, known, .. }) in seen {
            if !gone {
                there.insert(plugin, generation);
                continue;
            }
            let had_one = known || there.get(&plugin) == Some(&generation);
            // Its process may have ended in between, and its socket with it.
            let is_same =
                open_socket(&shared, plugin.clone()).is_some_and(|now| now.generation == generation);
            if had_one && is_same {
                there.remove(&plugin);
                restart(&plugin, &folder, &catalogue).await;
            }
        }
    }
}

async fn blocking<T: Send + 'static, R: Send + 'static>(
    about: T,
    look: impl FnOnce(T) -> R + Send + 'static,
) -> Option<R> {
    tokio::task::spawn_blocking(move || look(about)).await.ok()
}

fn open_socket(shared: &Shared, plugin: PluginId) -> Option<Socket> {
    let state = shared.routes.find(plugin.as_str())?.state();
    let RouteState::Open(upstream) = &*state else { return None };
    let Address::Socket(path) = upstream.address() else { return None };
    Some(Socket {
        plugin,
        generation: upstream.generation(),
        path: path.clone(),
        known: upstream.is_inherited() || upstream.has_answered(),
    })
}

fn folder_state(folder: &Path) -> Option<(u64, i64, i64)> {
    let found = fs::symlink_metadata(folder).ok()?;
    Some((found.ino(), found.mtime(), found.mtime_nsec()))
}

fn is_gone(path: &Path) -> bool {
    fs::symlink_metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

async fn restart(plugin: &PluginId, folder: &Path, catalogue: &watch::Receiver<Arc<Catalogue>>) {
    let Some(handle) = catalogue.borrow().plugins.get(plugin).cloned() else { return };
    tracing::warn!(%plugin, "somebody removed its socket from {}; it is restarted to get a new one", folder.display());
    // False: its actor has ended, and so has what could not be reached.
    let _ = handle.order(Order::Restart, None).await;
}
