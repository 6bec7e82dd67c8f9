//! Who belongs to whom: the living containments of this supervisor, and to which of them a process must be attributed.
//!
//! Used by [`super::containment`] to find its members, by [`super::orphans`] to judge what the supervisor has adopted,
//! and by [`super::launch`] to enter a new leader. It must not signal or reap anything: it only looks.
//!
//! Everything that a plugin starts descends from the supervisor, which is a subreaper: where a process's parent dies,
//! the supervisor becomes its parent, double forks included. So the children of the supervisor are leaders and adopted
//! orphans, and walking down from those finds all there is. An orphan is told by, in this order: having been seen as
//! somebody's descendant before; its session; its group; the marker in its environment. What fails all four has escaped
//! and belongs to nobody.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, Semaphore};

use super::MARKER_VARIABLE;
use super::exit::Leader;
use super::facts::{self, Stat};
use super::ledger::Ledger;
use super::spec::Label;

/// At most this many members are found in one round, so that a fork bomb makes many short rounds, not an endless one.
/// What is cut off is found by the next round, as a round that found anything proves nothing.
const LOOK_LIMIT: usize = 4096;
/// How long a process may keep its environment out of sight before it counts as nobody's. An exec hides it for some
/// microseconds, on a loaded machine for a few milliseconds.
const UNSURE_FOR: Duration = Duration::from_millis(20);
/// Rounds that may run at once, each on a thread of its own: as many plugins stop together as there are, and a hundred
/// threads that read /proc would be slower than four.
const ROUNDS_AT_ONCE: usize = 4;

/// How many descendants are remembered before those that have ended are forgotten.
const SEEN_LIMIT: usize = 1024;

/// All containments of this supervisor. Cheap to clone; all clones are one.
#[derive(Clone, Debug)]
pub struct Containments {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    entries: Mutex<HashMap<i32, Entry>>,
    /// Tells the orphan watch that there is something to finish.
    abandoned: Notify,
    /// When a process whose owner is unsure was first seen.
    unsure: Mutex<HashMap<(i32, u64), Instant>>,
    rounds: Semaphore,
    ledger: Option<Ledger>,
    /// This supervisor's session: what is in it was never a plugin's.
    session: i32,
    /// This supervisor's pid and start time, the last part of every marker.
    instance: (i32, u64),
}

#[derive(Debug)]
struct Entry {
    label: Label,
    marker: String,
    leader: Arc<Leader>,
    /// Its owner has let go of it: the orphan watch empties it.
    abandoned: bool,
    /// Descendants seen, with their start times, so that they are known again as orphans.
    seen: HashMap<i32, u64>,
}

/// A process that was looked at.
#[derive(Clone, Debug)]
pub(super) struct Sighting {
    pub(super) pid: i32,
    pub(super) stat: Stat,
    /// A child of the supervisor, which alone can reap it.
    pub(super) is_child: bool,
}

/// To whom an adopted orphan belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// The containment with this leader.
    Leader(i32),
    /// It cannot be told yet: an exec in progress hides the environment. To be left alone, and asked about again.
    Unsure,
    /// It has escaped.
    Nobody,
}

/// An adopted orphan.
#[derive(Debug)]
pub(super) struct Orphan {
    pub(super) sighting: Sighting,
    pub(super) owner: Owner,
}

/// What a look at one containment finds.
#[derive(Debug, Default)]
pub(super) struct Members {
    /// Its processes; and those of nobody which are young enough to be its own.
    pub(super) sure: Vec<Sighting>,
    /// What may turn out to be one of them.
    pub(super) unsure: Vec<Sighting>,
}

impl Containments {
    pub(super) fn new(ledger: Option<Ledger>) -> std::io::Result<Self> {
        let me = super::own_pid();
        let stat =
            facts::stat(me).ok_or_else(|| std::io::Error::other("/proc does not show this process"))?;
        let shared = Shared {
            entries: Mutex::default(),
            abandoned: Notify::new(),
            unsure: Mutex::default(),
            rounds: Semaphore::new(ROUNDS_AT_ONCE),
            ledger,
            session: stat.session,
            instance: (me, stat.start_time),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// What marks the processes of one generation: no other generation, nor another supervisor's, has the same.
    pub(super) fn marker(&self, label: &Label) -> String {
        let (pid, started) = self.shared.instance;
        format!("{label}/{pid}.{started}")
    }

    pub(super) fn instance(&self) -> (i32, u64) {
        self.shared.instance
    }

    pub(super) fn ledger(&self) -> Option<&Ledger> {
        self.shared.ledger.as_ref()
    }

    pub(super) fn enter(&self, label: Label, leader: &Arc<Leader>) {
        let marker = self.marker(&label);
        let entry = Entry { label, marker, leader: leader.clone(), abandoned: false, seen: HashMap::new() };
        self.entries().insert(leader.pid, entry);
    }

    /// Forgets a containment that is empty and reaped. Its pid may be a new leader's already.
    pub(super) fn forget(&self, label: &Label, leader: &Arc<Leader>) {
        let mut entries = self.entries();
        if entries.get(&leader.pid).is_some_and(|entry| Arc::ptr_eq(&entry.leader, leader)) {
            entries.remove(&leader.pid);
        }
        drop(entries);
        if let Some(ledger) = self.ledger() {
            ledger.remove(label);
        }
    }

    /// Leaves a containment to the orphan watch.
    pub(super) fn abandon(&self, leader: &Arc<Leader>) {
        if let Some(entry) =
            self.entries().get_mut(&leader.pid).filter(|entry| Arc::ptr_eq(&entry.leader, leader))
        {
            entry.abandoned = true;
        }
        self.shared.abandoned.notify_one();
    }

    /// The leaders whose owners have let go.
    pub(super) fn abandoned(&self) -> Vec<(Label, Arc<Leader>)> {
        let entries = self.entries();
        let abandoned = entries.values().filter(|entry| entry.abandoned);
        abandoned.map(|entry| (entry.label.clone(), entry.leader.clone())).collect()
    }

    /// The containment of this plugin that is not yet proved empty, and whether it is abandoned.
    pub(super) fn occupant(&self, plugin: &str) -> Option<(Label, Arc<Leader>, bool)> {
        let entries = self.entries();
        let entry = entries.values().find(|entry| entry.label.plugin == plugin)?;
        Some((entry.label.clone(), entry.leader.clone(), entry.abandoned))
    }

    /// Resolves when a containment has been abandoned since the last time.
    pub(super) async fn some_abandoned(&self) {
        self.shared.abandoned.notified().await;
    }

    /// The containments that are not yet proved empty.
    pub fn living(&self) -> Vec<Label> {
        self.entries().values().map(|entry| entry.label.clone()).collect()
    }

    /// The supervisor's children that are nobody's leader and not of its own session, with their owners.
    ///
    /// A trampoline that waits for its order is in the supervisor's session still, so it is not taken for an orphan.
    pub(super) fn orphans(&self) -> Vec<Orphan> {
        let mut found = Vec::new();
        for pid in facts::children(super::own_pid()) {
            if self.entries().contains_key(&pid) {
                continue;
            }
            let Some(stat) = facts::stat(pid).filter(|stat| stat.session != self.shared.session) else {
                continue;
            };
            // Entered between the two looks: a leader, by its own hand out of our session.
            if self.entries().contains_key(&pid) {
                continue;
            }
            let owner = self.owner_of(pid, &stat);
            found.push(Orphan { sighting: Sighting { pid, stat, is_child: true }, owner });
        }
        found
    }

    /// The living processes of the containment of `leader`, the leader included while it lives; and every zombie of it
    /// that only the supervisor can reap.
    pub(super) fn members(&self, leader: &Leader) -> Members {
        let (mut roots, mut unsure) = (Vec::new(), Vec::new());
        for Orphan { sighting, owner } in self.orphans() {
            // What is older than the leader cannot descend from it.
            let young = sighting.stat.start_time >= leader.start_time;
            match owner {
                Owner::Leader(pid) if pid == leader.pid => roots.push(sighting),
                Owner::Nobody if young => roots.push(sighting),
                Owner::Unsure if young => unsure.push(sighting),
                _ => {}
            }
        }
        if let Some(stat) = facts::stat(leader.pid).filter(|_| leader.peek().is_none()) {
            roots.push(Sighting { pid: leader.pid, stat, is_child: true });
        }
        let sure = descend(roots);
        self.remember(leader.pid, &sure);
        Members { sure, unsure }
    }

    /// Keeps in mind that these belong to `leader`, whatever they make of their session and environment later.
    pub(super) fn remember(&self, leader: i32, found: &[Sighting]) {
        if let Some(entry) = self.entries().get_mut(&leader) {
            entry.seen.extend(found.iter().map(|one| (one.pid, one.stat.start_time)));
            if entry.seen.len() > SEEN_LIMIT {
                entry.seen.retain(|pid, start_time| facts::alive(*pid, *start_time));
            }
        }
    }

    fn owner_of(&self, pid: i32, stat: &Stat) -> Owner {
        // Read before the lock is taken: it is the one slow thing here.
        let marker = facts::environment_value(pid, MARKER_VARIABLE);
        let entries = self.entries();
        let seen = entries.iter().find(|(_, entry)| entry.seen.get(&pid) == Some(&stat.start_time));
        let by_number = || [stat.session, stat.group].into_iter().find(|number| entries.contains_key(number));
        let by_marker = || entries.iter().find(|(_, entry)| Some(&entry.marker) == marker.as_ref());
        let owner = seen.map(|(pid, _)| *pid).or_else(by_number).or_else(|| by_marker().map(|(pid, _)| *pid));
        match owner {
            Some(leader) => Owner::Leader(leader),
            None if stat.is_dead() || stat.environment_known => Owner::Nobody,
            None => self.doubt(pid, stat),
        }
    }

    /// Gives a process whose environment is out of sight some time to show it.
    fn doubt(&self, pid: i32, stat: &Stat) -> Owner {
        let mut unsure = self.shared.unsure.lock().unwrap_or_else(PoisonError::into_inner);
        unsure.retain(|_, since| since.elapsed() < UNSURE_FOR * 100);
        let since = *unsure.entry((pid, stat.start_time)).or_insert_with(Instant::now);
        if since.elapsed() < UNSURE_FOR { Owner::Unsure } else { Owner::Nobody }
    }

    /// Runs one round on a thread of its own, a few at a time. `None` when the runtime is shutting down or the round
    /// panicked.
    pub(super) async fn round<T, F>(&self, round: F) -> Option<T>
    where
        T: Send + 'static,
        F: FnOnce(&Self) -> T + Send + 'static,
    {
        let all = self.clone();
        let _permit = self.shared.rounds.acquire().await.ok()?;
        tokio::task::spawn_blocking(move || round(&all)).await.ok()
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<i32, Entry>> {
        // Every change is one insertion or one field, so a panic elsewhere cannot have left it half done.
        self.shared.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The roots and everything below them. Zombies count only among the roots: deeper ones are their parents' to reap.
pub(super) fn descend(roots: Vec<Sighting>) -> Vec<Sighting> {
    let mut found = BTreeMap::new();
    let mut queue = roots;
    while let Some(one) = queue.pop() {
        if found.len() >= LOOK_LIMIT || (one.stat.is_dead() && !one.is_child) {
            continue;
        }
        let pid = one.pid;
        if found.insert(pid, one).is_none() {
            let below = facts::children(pid).into_iter();
            queue.extend(
                below.filter_map(|pid| Some(Sighting { pid, stat: facts::stat(pid)?, is_child: false })),
            );
        }
    }
    found.into_values().collect()
}
