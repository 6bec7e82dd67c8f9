//! What waits to be written: bounded for each source by itself, so that a plugin that floods drops its own records only.
//!
//! Filled from anywhere without waiting, emptied by the writer's thread. Must not know files.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use outboard_protocol::PluginId;
use outboard_protocol::context::logger::LogLevel;
use tokio::sync::oneshot;

use super::filter::Filter;
use super::rate::{Rates, Refused, TOLD_EVERY};
use super::record::{NewRecord, Source};
use super::subscription::LogOutlet;
use super::tail::Snapshot;

/// Records of one source that may wait: a burst of a loud plugin.
const RECORDS_MAX: usize = 16 * 1024;

/// Bytes of one source that may wait.
const BYTES_MAX: usize = 4 * 1024 * 1024;

/// Orders that may wait: readers await theirs, so more than this means that the disk stands still.
const ORDERS_MAX: usize = 256;

/// How long a record waits for others, so that many take one wake and one write. Whoever reads, reads at once.
const GATHER: Duration = Duration::from_millis(5);

/// Records that wait for nothing more.
const GATHERED: usize = 512;

/// What the writer is asked for besides records. Made by readers, a few at a time.
pub(super) enum Order {
    Subscribe(Arc<LogOutlet>),
    Snapshot {
        filter: Arc<Filter>,
        subscribe: Option<Arc<LogOutlet>>,
        reply: oneshot::Sender<Snapshot>,
    },
    Flush(oneshot::Sender<()>),
    /// So many records of this source were not taken.
    Lost {
        source: Source,
        generation: u64,
        count: u64,
        why: Loss,
    },
    Close(oneshot::Sender<()>),
}

/// Why records were not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Loss {
    /// The source's share of the inbox was full.
    Full,
    /// The source sent more than this a second.
    Rate(u32),
}

/// One thing that the writer takes.
pub(super) enum Item {
    Record(NewRecord, Timestamp),
    Order(Order),
}

pub(super) struct Inbox {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
}

struct Waiting {
    items: VecDeque<Item>,
    sources: HashMap<Source, Backlog>,
    orders: usize,
    levels: HashMap<PluginId, LogLevel>,
    level: LogLevel,
    closed: bool,
    /// Whether the writer has been told that there is something.
    awake: bool,
    /// Whether it has been told of a count that is to be told.
    owing: bool,
    rates: Rates,
}

#[derive(Default)]
struct Backlog {
    records: usize,
    bytes: usize,
    lost: u64,
    generation: u64,
}

impl Inbox {
    pub(super) fn new(level: LogLevel, rate: u32) -> Self {
        let waiting = Waiting {
            items: VecDeque::new(),
            sources: HashMap::new(),
            orders: 0,
            levels: HashMap::new(),
            level,
            closed: false,
            awake: false,
            owing: false,
            rates: Rates::new(rate),
        };
        Self { waiting: Mutex::new(waiting), arrived: Condvar::new() }
    }

    pub(super) fn push(&self, mut record: NewRecord) {
        let now = Timestamp::now();
        record.cut();
        let weight = record.weight();
        let mut waiting = self.lock();
        if waiting.closed || record.level < waiting.level_of(record.plugin.as_ref()) {
            return;
        }
        if !waiting.rates.allow(&record.plugin, record.generation, now) {
            // Wakes the writer, so that the count is told even when nothing else comes.
            if !std::mem::replace(&mut waiting.owing, true) {
                self.arrived.notify_one();
            }
            return;
        }
        let backlog = match waiting.sources.get_mut(&record.plugin) {
            Some(backlog) => backlog,
            None => waiting.sources.entry(record.plugin.clone()).or_default(),
        };
        backlog.generation = record.generation;
        if backlog.records >= RECORDS_MAX || backlog.bytes + weight > BYTES_MAX {
            backlog.lost += 1;
            return;
        }
        backlog.records += 1;
        backlog.bytes += weight;
        waiting.items.push_back(Item::Record(record, now));
        let first = !std::mem::replace(&mut waiting.awake, true);
        if first || waiting.items.len() == GATHERED {
            self.arrived.notify_one();
        }
    }

    /// Where too many wait the order is dropped, and with it its reply: its maker is told that way.
    pub(super) fn order(&self, order: Order) {
        let mut waiting = self.lock();
        if !waiting.closed && waiting.orders < ORDERS_MAX {
            waiting.orders += 1;
            // What was lost so far comes before whatever a reader is about to see.
            waiting.tell_lost(None);
            waiting.items.push_back(Item::Order(order));
            self.arrived.notify_one();
        }
    }

    pub(super) fn close(&self, reply: oneshot::Sender<()>) {
        let mut waiting = self.lock();
        if !waiting.closed {
            waiting.items.push_back(Item::Order(Order::Close(reply)));
            waiting.closed = true;
            self.arrived.notify_one();
        }
    }

    pub(super) fn set_level(&self, id: &PluginId, level: Option<LogLevel>) {
        let mut waiting = self.lock();
        match level {
            Some(level) => waiting.levels.insert(id.clone(), level),
            None => waiting.levels.remove(id),
        };
    }

    /// The least level that is kept of a plugin, and whether it is its own.
    pub(super) fn level_of(&self, id: &PluginId) -> (LogLevel, bool) {
        let waiting = self.lock();
        (waiting.level_of(Some(id)), waiting.levels.contains_key(id))
    }

    /// Everything that waits, in order, after waiting for the first and a moment for those that follow it; nothing where none comes
    /// for as long as `patience`.
    pub(super) fn take(&self, items: &mut VecDeque<Item>, patience: Option<Duration>) {
        let mut waiting = self.lock();
        let since = Instant::now();
        while waiting.items.is_empty() {
            let left = patience.map(|patience| patience.saturating_sub(since.elapsed()));
            if left.is_some_and(|left| left.is_zero()) {
                return;
            }
            if waiting.rates.owes() {
                let limit = left.map_or(TOLD_EVERY, |left| left.min(TOLD_EVERY));
                let waited =
                    self.arrived.wait_timeout(waiting, limit).unwrap_or_else(PoisonError::into_inner);
                waiting = waited.0;
                waiting.tell_lost(Some(Timestamp::now()));
            } else if let Some(left) = left {
                let waited = self.arrived.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner);
                waiting = waited.0;
            } else {
                waiting = self.arrived.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            }
        }
        let until = Instant::now() + GATHER;
        while waiting.orders == 0 && !waiting.closed && waiting.items.len() < GATHERED {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            waiting = self.arrived.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        // Close is the last that is ever put, so what was lost goes before it.
        let close = if waiting.closed { waiting.items.pop_back() } else { None };
        let now = (!waiting.closed).then(Timestamp::now);
        waiting.tell_lost(now);
        waiting.items.extend(close);
        std::mem::swap(&mut waiting.items, items);
        waiting.orders = 0;
        (waiting.awake, waiting.owing) = (false, false);
        waiting.sources.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn level_of(&self, plugin: Option<&PluginId>) -> LogLevel {
        plugin.and_then(|id| self.levels.get(id)).copied().unwrap_or(self.level)
    }

    /// Puts what was not taken so far where the writer finds it; counts of rates all of them, or those that are due now.
    fn tell_lost(&mut self, now: Option<Timestamp>) {
        for (source, backlog) in self.sources.iter_mut().filter(|(_, backlog)| backlog.lost > 0) {
            let (source, generation, why) = (source.clone(), backlog.generation, Loss::Full);
            let count = std::mem::take(&mut backlog.lost);
            self.items.push_back(Item::Order(Order::Lost { source, generation, count, why }));
        }
        let why = Loss::Rate(self.rates.rate());
        for Refused { source, generation, count } in self.rates.take(now) {
            self.items.push_back(Item::Order(Order::Lost { source, generation, count, why }));
        }
    }
}
