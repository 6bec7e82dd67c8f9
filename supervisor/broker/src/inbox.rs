//! What waits for one consumer: events and changes, bounded in bytes.
//!
//! Filled by the broker, emptied by whoever writes to the consumer. An event that is marked as latest only takes the place of the one
//! that waits; every other one is left out where too much waits, and the next that is not says how many were.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use outboard_protocol::context::service::{ChangedParams, EventParams};
use outboard_protocol::id::{ServiceMember, ServiceName};
use serde_json::value::RawValue;
use tokio::sync::Notify;

/// Bytes of events that may wait for one consumer.
pub(crate) const WAITING_MAX: usize = 1024 * 1024;
/// What an event counts beside its payload, in bytes: its names and its place.
const BESIDE: usize = 256;

type Key = (ServiceName, ServiceMember);

/// What a consumer is told.
#[derive(Debug, Clone)]
pub enum Told {
    /// An event.
    Event(EventParams),
    /// What has become of a service.
    Changed(ChangedParams),
}

/// An event as it is handed to every consumer that wants it.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) service: ServiceName,
    pub(crate) event: ServiceMember,
    pub(crate) payload: Option<Arc<RawValue>>,
    pub(crate) latest: bool,
    pub(crate) answer: Option<String>,
}

/// What became of an event at one inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    Waits,
    /// It took the place of an older one.
    Replaced,
    LeftOut,
}

#[derive(Debug, Default)]
pub(crate) struct Inbox {
    waiting: Mutex<Waiting>,
    filled: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    queue: VecDeque<Item>,
    /// The newest of each event that is latest only, while its place in the queue has not come.
    latest: HashMap<Key, (Event, u64)>,
    /// What was left out since the last event that was not, which is told with the next one that is not.
    missed: HashMap<Key, u64>,
    bytes: usize,
    closed: bool,
}

#[derive(Debug)]
enum Item {
    /// With what was left out before it.
    Event(Event, u64),
    Latest(Key),
    Changed(ChangedParams),
}

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push(&self, event: &Event) -> Taken {
        let key = (event.service.clone(), event.event.clone());
        let mut waiting = self.lock();
        if waiting.closed {
            return Taken::LeftOut;
        }
        let size = size(event);
        if event.latest
            && let Some((older, _)) = waiting.latest.get_mut(&key)
        {
            let before = self::size(&std::mem::replace(older, event.clone()));
            waiting.bytes = waiting.bytes + size - before;
            return Taken::Replaced;
        }
        if waiting.bytes + size > WAITING_MAX {
            *waiting.missed.entry(key).or_default() += 1;
            return Taken::LeftOut;
        }
        waiting.bytes += size;
        let missed = waiting.missed.remove(&key).unwrap_or(0);
        if event.latest {
            waiting.latest.insert(key.clone(), (event.clone(), missed));
            waiting.queue.push_back(Item::Latest(key));
        } else {
            waiting.queue.push_back(Item::Event(event.clone(), missed));
        }
        drop(waiting);
        self.filled.notify_one();
        Taken::Waits
    }

    /// The newest word on a service takes the place of one that waits.
    pub(crate) fn change(&self, told: ChangedParams) {
        let mut waiting = self.lock();
        waiting.queue.retain(|item| !matches!(item, Item::Changed(older) if older.service == told.service));
        waiting.queue.push_back(Item::Changed(told));
        drop(waiting);
        self.filled.notify_one();
    }

    /// Forgets what waits of an event that is not wanted any more.
    pub(crate) fn forget(&self, service: &ServiceName, event: &ServiceMember) {
        let key = (service.clone(), event.clone());
        let mut waiting = self.lock();
        let Waiting { queue, latest, missed, bytes, .. } = &mut *waiting;
        queue.retain(|item| match item {
            Item::Event(event, _) if event.service == key.0 && event.event == key.1 => {
                *bytes -= size(event);
                false
            }
            Item::Latest(other) => *other != key,
            _ => true,
        });
        if let Some((event, _)) = latest.remove(&key) {
            *bytes -= size(&event);
        }
        missed.remove(&key);
    }

    pub(crate) fn take(&self) -> Option<Told> {
        let mut waiting = self.lock();
        let (event, missed) = match waiting.queue.pop_front()? {
            Item::Changed(told) => return Some(Told::Changed(told)),
            Item::Event(event, missed) => (event, missed),
            Item::Latest(key) => waiting.latest.remove(&key).expect(
                "INVARIANT: a place in the queue is made with its event, and both are forgotten together",
            ),
        };
        waiting.bytes -= size(&event);
        let Event { service, event, payload, answer, .. } = event;
        let payload = payload.map(|payload| RawValue::to_owned(&payload));
        Some(Told::Event(EventParams { service, event, payload, missed, answer }))
    }

    /// Takes nothing more, and lets go of what waits.
    pub(crate) fn close(&self) {
        *self.lock() = Waiting { closed: true, ..Waiting::default() };
        self.filled.notify_one();
    }

    /// Resolves when something waits, or it is closed. Cancel safe; for one waiter.
    pub(crate) async fn filled(&self) {
        let waits = || {
            let waiting = self.lock();
            !waiting.queue.is_empty() || waiting.closed
        };
        while !waits() {
            self.filled.notified().await;
        }
    }
}

fn size(event: &Event) -> usize {
    BESIDE + event.payload.as_ref().map_or(0, |payload| payload.get().len())
}
