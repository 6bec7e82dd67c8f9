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
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::catalogue::Catalogue;
use crate::plugin::Shared;
use crate::routes::{Address, RouteState};

/// How often it is looked: once at the sockets' folder, at each socket where that has changed, and else at those in doubt.
const LOOK: Duration = Duration::from_secs(1);
/// Looks in a row that must miss a socket: a server may put another in its place by a removal and a bind.
const MISSED: u32 = 2;
/// The pause after the first restart of a plugin for this reason; each further one is four times as long.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
/// Restarts of one plugin for this reason within [`WINDOW`]. More do not help: a program that removes its own socket does so
/// each time.
const MOST: usize = 5;
/// See [`MOST`].
const WINDOW: Duration = Duration::from_secs(10 * 60);

/// One generation's socket.
struct Socket {
    plugin: PluginId,
    generation: u64,
    path: PathBuf,
    /// Whether it is known to have been there: from the first moment on, or since it answered.
    known: bool,
}

/// What is remembered of one plugin.
#[derive(Debug, Default)]
struct Seen {
    generation: u64,
    /// This generation's socket was there once: until it is, a program has lost none.
    there: bool,
    /// Looks in a row that missed it.
    missed: u32,
    restarts: Restarts,
}

/// Looks until the host ends. The new process gets a new socket, and requests wait for it as in any restart.
pub(crate) async fn replace(shared: Shared, catalogue: watch::Receiver<Arc<Catalogue>>) {
    let mut ticks = interval(LOOK);
    // A disk that hangs is asked once, not once for every second that it hung.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let folder = shared.launch.socket_dir.clone();
    let mut all: HashMap<PluginId, Seen> = HashMap::new();
    let mut state = None;
    loop {
        ticks.tick().await;
        // A panic in there is logged by its thread, and the next round looks again.
        let Some(now) = blocking(folder.clone(), |folder| folder_state(&folder)).await else { continue };
        // Nothing appears in a folder or goes from it without changing the folder's time.
        let unchanged = now.is_some() && now == state;
        // Ids and not handles, so that nobody's actor is held while a disk hangs.
        let ids: Vec<PluginId> = catalogue.borrow().plugins.keys().cloned().collect();
        all.retain(|id, _| ids.binary_search(id).is_ok());
        let mut sockets: Vec<Socket> = ids.into_iter().filter_map(|id| open_socket(&shared, id)).collect();
        if unchanged {
            sockets.retain(|socket| all.get(&socket.plugin).is_none_or(|seen| seen.is_in_doubt(socket)));
        }
        if sockets.is_empty() {
            state = now;
            continue;
        }
        let look = |sockets: Vec<Socket>| -> Vec<(bool, Socket)> {
            sockets.into_iter().map(|socket| (is_gone(&socket.path), socket)).collect()
        };
        let Some(looked) = blocking(sockets, look).await else { continue };
        state = now;
        for (gone, socket) in looked {
            let seen = all.entry(socket.plugin.clone()).or_default();
            if !seen.has_lost(&socket, gone) {
                continue;
            }
            // Its process may have ended in between, and its socket with it.
            let is_same = open_socket(&shared, socket.plugin.clone())
                .is_some_and(|now| now.generation == socket.generation);
            if is_same {
                match seen.restarts.turn(Instant::now()) {
                    Turn::Now => restart(&socket.plugin, &folder, &catalogue).await,
                    Turn::Later | Turn::Over => {}
                    Turn::OverNow => give_up(&socket),
                }
            }
        }
    }
}

impl Seen {
    /// Whether a look may tell something though nothing in the folder has changed.
    fn is_in_doubt(&self, socket: &Socket) -> bool {
        self.generation != socket.generation || self.missed > 0 || !(self.there || socket.known)
    }

    /// Takes in one look; whether the socket counts as lost.
    fn has_lost(&mut self, socket: &Socket, gone: bool) -> bool {
        if self.generation != socket.generation {
            (self.generation, self.there, self.missed) = (socket.generation, false, 0);
        }
        self.there |= socket.known || !gone;
        self.missed = if gone && self.there { self.missed.saturating_add(1) } else { 0 };
        self.missed >= MISSED
    }
}

/// When one plugin was restarted for this reason.
#[derive(Debug, Default)]
struct Restarts {
    made: Vec<Instant>,
    told: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Turn {
    /// Now; it is counted.
    Now,
    /// Not yet.
    Later,
    /// No more for the present, for the first time.
    OverNow,
    /// No more for the present.
    Over,
}

impl Restarts {
    fn turn(&mut self, now: Instant) -> Turn {
        self.made.retain(|at| now.saturating_duration_since(*at) < WINDOW);
        if self.made.len() >= MOST {
            return if std::mem::replace(&mut self.told, true) { Turn::Over } else { Turn::OverNow };
        }
        let pause = (1..self.made.len()).fold(FIRST_PAUSE, |pause, _| pause * 4);
        if self.made.last().is_some_and(|last| now.saturating_duration_since(*last) < pause) {
            return Turn::Later;
        }
        self.told = false;
        self.made.push(now);
        Turn::Now
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

fn give_up(Socket { plugin, path, .. }: &Socket) {
    tracing::error!(
        %plugin,
        "its socket {} is gone again after {MOST} restarts within {} minutes, so it is left as it is for now: nobody reaches it. Look whether the program removes it itself, or who cleans up there, then `outboard restart {plugin}`",
        path.display(),
        WINDOW.as_secs() / 60,
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn socket(generation: u64, known: bool) -> Socket {
        let plugin = PluginId::new("p").expect("an id");
        Socket { plugin, generation, path: PathBuf::from("/s"), known }
    }

    #[test]
    fn a_socket_is_lost_that_was_there_and_is_missed_twice_in_a_row() {
        let mut seen = Seen::default();
        let unknown = socket(1, false);
        assert!(!seen.has_lost(&unknown, true) && !seen.has_lost(&unknown, true), "it has not made one yet");
        assert!(seen.is_in_doubt(&unknown), "it is looked at until it has");
        assert!(!seen.has_lost(&unknown, false));
        assert!(!seen.is_in_doubt(&unknown));
        assert!(!seen.has_lost(&unknown, true) && seen.is_in_doubt(&unknown));
        assert!(!seen.has_lost(&unknown, false), "it was back");
        assert!(!seen.has_lost(&unknown, true) && seen.has_lost(&unknown, true));
        let next = socket(2, true);
        assert!(seen.is_in_doubt(&next) && !seen.has_lost(&next, true) && seen.has_lost(&next, true));
    }

    #[test]
    fn restarts_for_a_lost_socket_come_less_and_less_often_and_then_no_more() {
        let (mut restarts, began) = (Restarts::default(), Instant::now());
        let turns: Vec<(u64, Turn)> = (0..=WINDOW.as_secs() - 1)
            .map(|second| (second, restarts.turn(began + Duration::from_secs(second))))
            .filter(|(_, turn)| !matches!(turn, Turn::Later | Turn::Over))
            .collect();
        let seconds: Vec<u64> = turns.iter().map(|(second, _)| *second).collect();
        assert_eq!(seconds, [0, 2, 10, 42, 170, 171]);
        assert_eq!(turns.last().map(|(_, turn)| turn), Some(&Turn::OverNow));
        assert_eq!(restarts.turn(began + WINDOW), Turn::Now);
    }
}
