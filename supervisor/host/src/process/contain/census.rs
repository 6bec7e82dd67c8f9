//! The living containments of this supervisor: entered at the spawn, forgotten when proved empty.
//!
//! Used by `spawn::launch` to enter a new leader, by [`super::containment`] and [`super::orphans`] for their rounds, and
//! by [`super::kinship`] to tell whose a process is. It must not signal or reap anything.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::{Notify, Semaphore};

use super::ledger::Ledger;
use super::sighting::Sighting;
use crate::process::label::Label;
use crate::process::observe::environ::Markers;
use crate::process::observe::exit::Leader;
use crate::process::observe::facts;
use crate::process::observe::mark;

/// Rounds that may run at once, each on a thread of its own: as many plugins stop together as there are, and a hundred
/// threads that read /proc would be slower than four.
const ROUNDS_AT_ONCE: usize = 4;

/// How many descendants are remembered before those that have ended are forgotten.
const SEEN_LIMIT: usize = 1024;

/// All containments of this supervisor. Cheap to clone; all clones are one.
#[derive(Clone, Debug)]
pub struct Containments {
    pub(in crate::process) shared: Arc<Shared>,
}

#[derive(Debug)]
pub(in crate::process) struct Shared {
    entries: Mutex<Entries>,
    /// Tells the orphan watch that there is something to finish.
    abandoned: Notify,
    /// When a process whose owner is unsure was first seen.
    pub(in crate::process) unsure: Mutex<HashMap<(i32, u64), Instant>>,
    /// Reads the environments of orphans that nothing else tells of.
    pub(in crate::process) markers: Mutex<Markers>,
    /// Held by whoever looks in order to kill or to reap: nothing that is in the list of children goes then before it was looked at.
    hunt: Mutex<()>,
    rounds: Semaphore,
    ledger: Option<Ledger>,
    /// This supervisor's session: what is in it was never a plugin's.
    pub(in crate::process) session: i32,
    /// This supervisor's pid and start time, the last part of every marker.
    instance: (i32, u64),
}

/// The containments by their leaders, and who has one: a start asks for its plugin's own.
#[derive(Debug, Default)]
pub(in crate::process) struct Entries {
    pub(in crate::process) by_leader: HashMap<i32, Entry>,
    leaders: HashMap<String, i32>,
}

impl Entries {
    fn enter(&mut self, entry: Entry) {
        let (leader, plugin) = (entry.leader.pid, entry.label.plugin.clone());
        // What had this number is gone, or the kernel would not have given it out again.
        self.remove(leader);
        self.by_leader.insert(leader, entry);
        self.leaders.insert(plugin, leader);
    }

    fn remove(&mut self, leader: i32) {
        if let Some(gone) = self.by_leader.remove(&leader) {
            self.leaders.remove(&gone.label.plugin);
        }
    }

    fn of(&self, plugin: &str) -> Option<&Entry> {
        self.by_leader.get(self.leaders.get(plugin)?)
    }
}

#[derive(Debug)]
pub(in crate::process) struct Entry {
    label: Label,
    pub(in crate::process) marker: String,
    /// Of the same, see `observe::mark`.
    pub(in crate::process) mark: u64,
    leader: Arc<Leader>,
    /// Its owner has let go of it: the orphan watch empties it.
    abandoned: bool,
    /// It is being emptied: whoever comes upon something of it ends that.
    condemned: bool,
    /// Descendants seen, with their start times, so that they are known again as orphans.
    pub(in crate::process) seen: HashMap<i32, u64>,
}

impl Containments {
    pub(in crate::process) fn new(ledger: Option<Ledger>) -> std::io::Result<Self> {
        let me = facts::own_pid();
        let stat =
            facts::stat(me).ok_or_else(|| std::io::Error::other("/proc does not show this process"))?;
        let shared = Shared {
            entries: Mutex::default(),
            abandoned: Notify::new(),
            unsure: Mutex::default(),
            markers: Mutex::default(),
            hunt: Mutex::default(),
            rounds: Semaphore::new(ROUNDS_AT_ONCE),
            ledger,
            session: stat.session,
            instance: (me, stat.start_time),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// What marks the processes of one generation: no other generation, nor another supervisor's, has the same.
    pub(in crate::process) fn marker(&self, label: &Label) -> String {
        let (pid, started) = self.shared.instance;
        format!("{label}/{pid}.{started}")
    }

    pub(in crate::process) fn instance(&self) -> (i32, u64) {
        self.shared.instance
    }

    pub(in crate::process) fn ledger(&self) -> Option<&Ledger> {
        self.shared.ledger.as_ref()
    }

    pub(in crate::process) fn enter(&self, label: Label, leader: &Arc<Leader>) {
        let marker = self.marker(&label);
        let mark = mark::of(&marker);
        let seen = HashMap::new();
        let entry =
            Entry { label, marker, mark, leader: leader.clone(), abandoned: false, condemned: false, seen };
        self.lock().enter(entry);
    }

    /// Forgets a containment that is empty and reaped. Its pid may be a new leader's already.
    pub(in crate::process) fn forget(&self, label: &Label, leader: &Arc<Leader>) {
        let mut entries = self.lock();
        if entries.by_leader.get(&leader.pid).is_some_and(|entry| Arc::ptr_eq(&entry.leader, leader)) {
            entries.remove(leader.pid);
        }
        drop(entries);
        if let Some(ledger) = self.ledger() {
            ledger.remove(label);
        }
    }

    /// Leaves a containment to the orphan watch.
    pub(in crate::process) fn abandon(&self, leader: &Arc<Leader>) {
        let mut entries = self.lock();
        if let Some(entry) =
            entries.by_leader.get_mut(&leader.pid).filter(|entry| Arc::ptr_eq(&entry.leader, leader))
        {
            entry.abandoned = true;
        }
        drop(entries);
        self.shared.abandoned.notify_one();
    }

    /// Leaves nothing of it to live.
    pub(in crate::process) fn condemn(&self, leader: &Leader) {
        let mut entries = self.lock();
        let entry = entries.by_leader.get_mut(&leader.pid);
        if let Some(entry) = entry.filter(|entry| std::ptr::eq(&*entry.leader, leader)) {
            entry.condemned = true;
        }
    }

    pub(in crate::process) fn is_condemned(&self, leader: i32) -> bool {
        self.lock().by_leader.get(&leader).is_some_and(|entry| entry.condemned)
    }

    /// Nobody else kills or reaps while this is held. For a thread that may block, and never with another lock held.
    pub(in crate::process) fn hunt(&self) -> MutexGuard<'_, ()> {
        self.shared.hunt.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The leaders whose owners have let go.
    pub(in crate::process) fn abandoned(&self) -> Vec<(Label, Arc<Leader>)> {
        let entries = self.lock();
        let abandoned = entries.by_leader.values().filter(|entry| entry.abandoned);
        abandoned.map(|entry| (entry.label.clone(), entry.leader.clone())).collect()
    }

    /// The containment of this plugin that is not yet proved empty, and whether it is abandoned.
    pub(in crate::process) fn occupant(&self, plugin: &str) -> Option<(Label, Arc<Leader>, bool)> {
        let entries = self.lock();
        let entry = entries.of(plugin)?;
        Some((entry.label.clone(), entry.leader.clone(), entry.abandoned))
    }

    /// Resolves when a containment has been abandoned since the last time.
    pub(in crate::process) async fn some_abandoned(&self) {
        self.shared.abandoned.notified().await;
    }

    /// The containments that are not yet proved empty.
    pub fn living(&self) -> Vec<Label> {
        self.lock().by_leader.values().map(|entry| entry.label.clone()).collect()
    }

    /// Keeps in mind that these belong to `leader`, whatever they make of their session and environment later.
    pub(in crate::process) fn remember(&self, leader: i32, found: &[Sighting]) {
        if let Some(entry) = self.lock().by_leader.get_mut(&leader) {
            entry.seen.extend(found.iter().map(|one| (one.pid, one.stat.start_time)));
            if entry.seen.len() > SEEN_LIMIT {
                entry.seen.retain(|pid, start_time| facts::alive(*pid, *start_time));
            }
        }
    }

    /// Runs one round on a thread of its own, a few at a time. `None` when the runtime is shutting down or the round
    /// panicked.
    pub(in crate::process) async fn round<T, F>(&self, round: F) -> Option<T>
    where
        T: Send + 'static,
        F: FnOnce(&Self) -> T + Send + 'static,
    {
        let all = self.clone();
        let _permit = self.shared.rounds.acquire().await.ok()?;
        tokio::task::spawn_blocking(move || round(&all)).await.ok()
    }

    pub(in crate::process) fn lock(&self) -> MutexGuard<'_, Entries> {
        // Every change is whole: nothing in it can panic, so a panic elsewhere cannot have left it half done.
        self.shared.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
