//! The book of calls that await an answer: who asked, and until when. Bounded, and without a clock of its own.
//!
//! Kept by each side for the calls that it makes. A call leaves the book exactly once: answered, expired, or withdrawn.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use std::time::Duration;

/// What the book holds of one call: the caller's own value, and the deadline.
#[derive(Debug)]
struct Entry<T> {
    caller: T,
    deadline: Duration,
}

/// Calls that await an answer. Times are given as a distance from any one moment that the owner keeps to.
///
/// Deadlines that were struck or moved stay in the heap as stale marks until they come to its top or outnumber the living:
/// most calls are answered long before, in about the order in which they were made, and pay next to nothing for theirs.
#[derive(Debug)]
pub struct Pending<T> {
    entries: HashMap<u64, Entry<T>, BuildHasherDefault<OwnIds>>,
    deadlines: BinaryHeap<Reverse<(Duration, u64)>>,
    next_id: u64,
    capacity: usize,
}

/// Stale marks that are put up with before the heap is cleared of them, beyond as many as there are living ones.
const STALE_ALLOWED: usize = 64;

/// Hashes our own ids, which are counted upwards: multiplied by an odd number they are spread well, and nobody else chooses
/// what is stored, so that there are no collisions to be attacked with.
#[derive(Debug, Clone, Copy, Default)]
struct OwnIds(u64);

impl Hasher for OwnIds {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, id: u64) {
        self.0 = (self.0 ^ id).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

/// The book is full: as many calls as it may hold await their answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{capacity} calls already await an answer")]
pub struct Full {
    /// How many the book may hold.
    pub capacity: usize,
}

impl<T> Pending<T> {
    /// A book for at most `capacity` calls at a time.
    pub fn new(capacity: usize) -> Self {
        Self { entries: HashMap::default(), deadlines: BinaryHeap::new(), next_id: 1, capacity }
    }

    /// Enters a call and gives its id. Ids are never used twice.
    ///
    /// # Errors
    /// [`Full`], with the caller given back to nobody: the call was not made.
    pub fn insert(&mut self, caller: T, deadline: Duration) -> Result<u64, Full> {
        if self.entries.len() >= self.capacity {
            return Err(Full { capacity: self.capacity });
        }
        let id = self.next_id;
        self.next_id += 1;
        self.entries.insert(id, Entry { caller, deadline });
        self.mark(deadline, id);
        Ok(id)
    }

    /// Strikes a call that was answered or withdrawn. `None`: it is unknown, or was struck before.
    pub fn remove(&mut self, id: u64) -> Option<T> {
        self.entries.remove(&id).map(|entry| entry.caller)
    }

    /// Moves a call's deadline. False: there is no such call.
    pub fn extend(&mut self, id: u64, deadline: Duration) -> bool {
        let Some(entry) = self.entries.get_mut(&id) else { return false };
        entry.deadline = deadline;
        self.mark(deadline, id);
        true
    }

    /// Moves a call's deadline to what `deadline` makes of its caller: for those who keep the allowance there. False:
    /// there is no such call.
    pub fn renew(&mut self, id: u64, deadline: impl FnOnce(&T) -> Duration) -> bool {
        let Some(entry) = self.entries.get(&id) else { return false };
        let deadline = deadline(&entry.caller);
        self.extend(id, deadline)
    }

    /// A call's deadline, which [`Pending::extend`] may have moved. `None`: there is no such call.
    pub fn deadline(&self, id: u64) -> Option<Duration> {
        self.entries.get(&id).map(|entry| entry.deadline)
    }

    /// The earliest deadline.
    pub fn next_deadline(&mut self) -> Option<Duration> {
        while let Some(Reverse((deadline, id))) = self.deadlines.peek() {
            if is_living(&self.entries, *deadline, *id) {
                return Some(*deadline);
            }
            self.deadlines.pop();
        }
        None
    }

    /// Strikes and gives one call whose deadline is not after `now`.
    pub fn pop_expired(&mut self, now: Duration) -> Option<(u64, T)> {
        if self.next_deadline()? > now {
            return None;
        }
        let Reverse((_, id)) = self.deadlines.pop()?;
        self.remove(id).map(|caller| (id, caller))
    }

    fn mark(&mut self, deadline: Duration, id: u64) {
        self.deadlines.push(Reverse((deadline, id)));
        if self.deadlines.len() > 2 * self.entries.len() + STALE_ALLOWED {
            let entries = &self.entries;
            self.deadlines.retain(|Reverse((deadline, id))| is_living(entries, *deadline, *id));
        }
    }

    /// Strikes and gives every call: the conversation is over.
    pub fn drain(&mut self) -> impl Iterator<Item = (u64, T)> + '_ {
        self.deadlines.clear();
        self.entries.drain().map(|(id, entry)| (id, entry.caller))
    }

    /// What the book holds of one call.
    pub fn caller(&self, id: u64) -> Option<&T> {
        self.entries.get(&id).map(|entry| &entry.caller)
    }

    /// The callers in no particular order, for a diagnosis.
    pub fn callers(&self) -> impl Iterator<Item = &T> {
        self.entries.values().map(|entry| &entry.caller)
    }

    /// The id of the call that awaits an answer, where there is one and no other.
    pub fn only(&self) -> Option<u64> {
        let mut ids = self.entries.keys();
        ids.next().copied().filter(|_| self.entries.len() == 1)
    }

    /// How many calls await an answer.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether none does.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

fn is_living<T>(
    entries: &HashMap<u64, Entry<T>, BuildHasherDefault<OwnIds>>,
    deadline: Duration,
    id: u64,
) -> bool {
    entries.get(&id).is_some_and(|entry| entry.deadline == deadline)
}
