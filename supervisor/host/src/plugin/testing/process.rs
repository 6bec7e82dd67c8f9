//! A fake process: it lives in memory, ends when its nature or the test says so, and remembers what was done to it.
//!
//! Made by the fake launcher. Must not know the actor or messages.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use outboard_lifecycle::Exit;
use outboard_protocol::PluginId;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use super::nature::Nature;

const KILLED: Exit = Exit::Signal { number: 9, name: "SIGKILL", core_dumped: false };

/// What was done to a process, or what it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Happened {
    /// It was sent this message.
    Told(String),
    /// Its standard input ended.
    InputEnded,
    /// It got SIGTERM.
    Terminated,
    /// It got SIGKILL.
    Killed,
    /// It ended.
    Ended(Exit),
    /// Nothing of it is left, and that was seen.
    Emptied,
    /// Its socket was removed.
    SocketRemoved,
}

#[derive(Debug)]
struct Body {
    exit: Option<Exit>,
    grandchildren: u32,
    killed: bool,
    empty: bool,
    owned: bool,
    socket: bool,
    unseen: u32,
    traced: bool,
    happened: Vec<(Instant, Happened)>,
}

/// One process.
#[derive(Debug)]
pub(crate) struct FakeProcess {
    pub(crate) plugin: PluginId,
    pub(crate) generation: u64,
    pub(crate) pid: u32,
    nature: Nature,
    body: Mutex<Body>,
    /// Wakes those that wait in the order in which they came, as `watch` does not: a world of one seed is the same twice.
    changed: Notify,
}

impl FakeProcess {
    pub(super) fn new(plugin: PluginId, generation: u64, pid: u32, nature: Nature) -> Arc<Self> {
        let body = Body {
            exit: None,
            grandchildren: nature.grandchildren,
            killed: false,
            empty: false,
            owned: true,
            socket: true,
            unseen: nature.unseen,
            traced: nature.traced,
            happened: Vec::new(),
        };
        Arc::new(Self { plugin, generation, pid, nature, body: Mutex::new(body), changed: Notify::new() })
    }

    fn lock(&self) -> MutexGuard<'_, Body> {
        self.body.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn note(&self, happened: Happened) {
        self.lock().happened.push((Instant::now(), happened));
    }

    /// All that happened, in order.
    pub(crate) fn happened(&self) -> Vec<Happened> {
        self.lock().happened.iter().map(|(_, happened)| happened.clone()).collect()
    }

    /// When this happened first.
    pub(crate) fn when(&self, what: &Happened) -> Option<Instant> {
        self.lock().happened.iter().find(|(_, happened)| happened == what).map(|(at, _)| *at)
    }

    /// Whether it, or anything that it started, lives.
    pub(crate) fn lives(&self) -> bool {
        let body = self.lock();
        body.exit.is_none() || body.grandchildren > 0
    }

    /// Whether it was proved gone.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().empty
    }

    /// Whether its socket is still there.
    pub(crate) fn has_socket(&self) -> bool {
        self.lock().socket
    }

    /// Whether a debugger holds it.
    pub(super) fn is_traced(&self) -> bool {
        self.lock().traced
    }

    /// The debugger lets go of it.
    pub(crate) fn untrace(&self) {
        self.lock().traced = false;
    }

    /// What it is like.
    pub(crate) fn nature(&self) -> &Nature {
        &self.nature
    }

    /// Whether somebody answers for it.
    pub(crate) fn is_owned(&self) -> bool {
        self.lock().owned
    }

    pub(crate) fn exit(&self) -> Option<Exit> {
        self.lock().exit
    }

    /// It ends now, in this way; once.
    pub(crate) fn end(&self, exit: Exit) {
        let mut body = self.lock();
        if body.exit.is_some() {
            return;
        }
        body.exit = Some(exit);
        body.happened.push((Instant::now(), Happened::Ended(exit)));
        drop(body);
        self.changed.notify_waiters();
    }

    /// It ends after a time, where there is one.
    pub(super) fn ends(self: &Arc<Self>, after: Option<Duration>, exit: Exit) {
        if let Some(after) = after {
            let process = Arc::clone(self);
            tokio::spawn(async move {
                sleep(after).await;
                process.end(exit);
            });
        }
    }

    pub(super) async fn ended(&self) -> Exit {
        self.until(|body| body.exit).await
    }

    /// Resolves when all that it started has ended as well.
    pub(super) async fn all_ended(&self) {
        self.until(|body| (body.exit.is_some() && body.grandchildren == 0).then_some(())).await;
    }

    async fn until<T>(&self, wanted: impl Fn(&Body) -> Option<T>) -> T {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // From before the look on, nothing is missed.
            changed.as_mut().enable();
            if let Some(found) = wanted(&self.lock()) {
                return found;
            }
            changed.await;
        }
    }

    /// One look that cannot be made is counted off.
    pub(super) fn cannot_be_seen(&self) -> bool {
        let mut body = self.lock();
        let unseen = body.unseen > 0;
        body.unseen = body.unseen.saturating_sub(1);
        unseen
    }

    /// Nothing of it is left, and that was seen.
    pub(super) fn empty(&self) {
        let mut body = self.lock();
        if !std::mem::replace(&mut body.empty, true) {
            body.happened.push((Instant::now(), Happened::Emptied));
        }
    }

    /// The next launch has seen it go, and nobody is told.
    pub(super) fn vacated(&self) {
        self.lock().empty = true;
    }

    /// Nobody answers for it any more; what of it was not proved gone is killed.
    pub(super) fn let_go(self: &Arc<Self>) {
        self.lock().owned = false;
        if !self.is_empty() {
            self.kill();
        }
    }

    /// Its socket goes, once.
    pub(super) fn remove_socket(&self) {
        if std::mem::take(&mut self.lock().socket) {
            self.note(Happened::SocketRemoved);
        }
    }

    pub(super) fn kill(self: &Arc<Self>) {
        let mut body = self.lock();
        if std::mem::replace(&mut body.killed, true) {
            return;
        }
        body.happened.push((Instant::now(), Happened::Killed));
        drop(body);
        if let Some(dies) = self.nature.dies {
            let process = Arc::clone(self);
            tokio::spawn(async move {
                sleep(dies).await;
                process.lock().grandchildren = 0;
                process.end(KILLED);
                process.changed.notify_waiters();
            });
        }
    }
}
