//! A reader of live records: a bounded queue that says how many it lost.
//!
//! Filled by the writer, emptied by whoever follows. Must not know files.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use outboard_protocol::context::logger::LogLevel;
use outboard_protocol::control::LogRecord;
use tokio::sync::Notify;

use super::filter::Filter;
use super::record::{Line, NewRecord, time_text};

/// Records that may wait for a reader; a record has at most about 100 KiB.
const RECORDS_MAX: usize = 512;

/// The writer's end.
pub(super) struct LogOutlet {
    filter: Arc<Filter>,
    waiting: Mutex<Waiting>,
    arrived: Notify,
    gone: AtomicBool,
}

#[derive(Default)]
struct Waiting {
    records: VecDeque<LogRecord>,
    lost: u64,
    ended: bool,
}

impl LogOutlet {
    pub(super) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }

    pub(super) fn offer(&self, record: &LogRecord) {
        if !self.filter.wants(record) {
            return;
        }
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.records.len() >= RECORDS_MAX {
            waiting.lost += 1;
            return;
        }
        waiting.records.push_back(record.clone());
        drop(waiting);
        self.arrived.notify_one();
    }

    pub(super) fn end(&self) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).ended = true;
        self.arrived.notify_one();
    }
}

/// Records as they come.
pub struct LogSubscription {
    outlet: Arc<LogOutlet>,
}

impl LogSubscription {
    pub(super) fn new(filter: Arc<Filter>) -> Self {
        let outlet = LogOutlet {
            filter,
            waiting: Mutex::default(),
            arrived: Notify::new(),
            gone: AtomicBool::new(false),
        };
        Self { outlet: Arc::new(outlet) }
    }

    pub(super) fn outlet(&self) -> Arc<LogOutlet> {
        Arc::clone(&self.outlet)
    }

    /// The next record; `None` when the logs are closed. A reader that was too slow gets, after what had waited, one record
    /// of the supervisor that says how many it did not get. Cancel safe.
    pub async fn next(&self) -> Option<LogRecord> {
        loop {
            {
                let mut waiting = self.outlet.waiting.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(record) = waiting.records.pop_front() {
                    return Some(record);
                }
                if waiting.lost > 0 {
                    let lost = std::mem::take(&mut waiting.lost);
                    return Some(tell_lost(lost));
                }
                if waiting.ended {
                    return None;
                }
            }
            self.outlet.arrived.notified().await;
        }
    }
}

fn tell_lost(count: u64) -> LogRecord {
    let message = format!("lost {count} records here: this reader was too slow. They are in the files");
    let record = NewRecord::supervisor(LogLevel::Warn, message);
    Line::new(&record, &time_text(Timestamp::now())).to_record()
}

impl Drop for LogSubscription {
    fn drop(&mut self) {
        self.outlet.gone.store(true, Ordering::Relaxed);
    }
}
