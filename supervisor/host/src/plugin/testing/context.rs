//! Context without a disk: what is kept takes as long as the test says, or fails.
//!
//! Put behind the seam of [`crate::plugin::context`]. Must not know processes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use outboard_broker::{Broker, Consumer};
use outboard_context::{Durable, Mailbox, NewRecord, ProcessIdentity, Reply};
use outboard_protocol::id::{Channel, RoutePrefix};
use outboard_protocol::{ErrorReason, PluginId, RpcError};
use serde_json::value::RawValue;
use tokio::time::sleep;

use super::super::context::{Answers, PluginContext};
use crate::session::ContextCalls;

/// How the disk is.
#[derive(Debug, Default)]
struct Disk {
    millis: AtomicU64,
    fails: AtomicBool,
    held_up: AtomicBool,
}

/// What is kept.
#[derive(Debug, Default)]
struct Kept {
    versions: HashMap<PluginId, String>,
    pasts: HashMap<PluginId, String>,
    prefixes: Vec<String>,
    log: Vec<String>,
}

/// Context in memory.
#[derive(Debug, Default)]
pub(crate) struct FakeContext {
    disk: Arc<Disk>,
    kept: Arc<Mutex<Kept>>,
    broker: Broker,
}

impl FakeContext {
    /// From now on each write takes so long.
    pub(crate) fn take(&self, time: Duration) {
        self.disk.millis.store(u64::try_from(time.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// From now on each write fails, or none.
    pub(crate) fn fail(&self, fails: bool) {
        self.disk.fails.store(fails, Ordering::Relaxed);
    }

    /// From now on the disk hangs, or it does not.
    pub(crate) fn hold_up(&self, held_up: bool) {
        self.disk.held_up.store(held_up, Ordering::Relaxed);
    }

    /// The messages that were logged.
    pub(crate) fn log(&self) -> Vec<String> {
        self.kept().log.clone()
    }

    /// What is remembered of a plugin's past.
    pub(crate) fn past(&self, id: &PluginId) -> Option<String> {
        self.kept().pasts.get(id).cloned()
    }

    /// The prefixes that are claimed.
    pub(crate) fn prefixes(&self) -> Vec<String> {
        self.kept().prefixes.clone()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, change: impl FnOnce(&mut Kept) + Send + 'static) -> Durable<()> {
        let (disk, kept) = (Arc::clone(&self.disk), Arc::clone(&self.kept));
        Box::pin(async move {
            sleep(Duration::from_millis(disk.millis.load(Ordering::Relaxed))).await;
            if disk.fails.load(Ordering::Relaxed) {
                return Err(RpcError::new(ErrorReason::StorageFull, "the disk is full"));
            }
            change(&mut kept.lock().unwrap_or_else(PoisonError::into_inner));
            Ok(())
        })
    }
}

impl PluginContext for FakeContext {
    fn log(&self, record: NewRecord) {
        self.kept().log.push(record.message);
    }

    fn mailbox(&self, _: &PluginId) -> Mailbox {
        Mailbox::default()
    }

    fn for_process(&self, identity: ProcessIdentity) -> Arc<dyn Answers> {
        let consumer = Arc::new(self.broker.consumer(identity.id));
        Arc::new(FakeAnswers { disk: Arc::clone(&self.disk), consumer })
    }

    fn are_held_up(&self) -> bool {
        self.disk.held_up.load(Ordering::Relaxed)
    }

    fn last_version(&self, id: &PluginId) -> Option<String> {
        self.kept().versions.get(id).cloned()
    }

    fn set_last_version(&self, id: &PluginId, version: &str) -> Durable<()> {
        let (id, version) = (id.clone(), version.to_owned());
        self.keep(move |kept| {
            kept.versions.insert(id, version);
        })
    }

    fn set_past(&self, id: &PluginId, past: Option<String>) -> Durable<()> {
        let id = id.clone();
        self.keep(move |kept| {
            match past {
                Some(past) => kept.pasts.insert(id, past),
                None => kept.pasts.remove(&id),
            };
        })
    }

    fn broker(&self) -> &Broker {
        &self.broker
    }

    fn claim(&self, _: &PluginId, prefix: &RoutePrefix) -> Durable<()> {
        self.kept().prefixes.push(prefix.to_string());
        self.keep(|_| {})
    }
}

struct FakeAnswers {
    disk: Arc<Disk>,
    consumer: Arc<Consumer>,
}

impl ContextCalls for FakeAnswers {
    fn request(&self, _: &str, _: Option<&RawValue>) -> Reply {
        let time = Duration::from_millis(self.disk.millis.load(Ordering::Relaxed));
        Reply::Later(Box::pin(async move {
            sleep(time).await;
            Ok(RawValue::NULL.to_owned())
        }))
    }

    fn takes_time(&self, _: &str) -> bool {
        true
    }

    fn notify(&self, _: &str, _: Option<&RawValue>) {}
}

impl Answers for FakeAnswers {
    fn handles(&self, _: &Channel) -> bool {
        false
    }

    fn consumer(&self) -> Arc<Consumer> {
        Arc::clone(&self.consumer)
    }
}
