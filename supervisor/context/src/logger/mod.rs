//! `ctx.logger`, and every other log record: what plugins print, and what the supervisor says about them.
//!
//! Called by the dispatch, by the host (stdout and stderr of the children, its own events), and by control, which reads.
//! Must not know processes or sockets. Recording never waits and never fails; what cannot be kept is counted.
//!
//! ```text
//!   record ─▶ [ inbox: bounded a source ] ─▶ writer thread ─▶ logs/<id>.jsonl, rotated
//!                                                   ├──▶ subscribers, bounded each
//!                                                   └──▶ [ bounded ] ─▶ console thread ─▶ stderr
//! ```

mod backwards;
mod console;
mod file;
mod filter;
mod inbox;
mod options;
mod rate;
mod record;
mod subscription;
mod tail;
mod writer;

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use outboard_protocol::context::logger::{LogLevel, LogParams};
use outboard_protocol::control::{LogRecord, LogSource, LogsParams};
use outboard_protocol::methods::Log;
use outboard_protocol::{PluginId, RpcError};
use serde_json::value::RawValue;
use tokio::sync::oneshot;
use tokio::time::timeout;

pub use console::Console;
pub use options::LogOptions;
pub use record::{EXTRA_MAX, MESSAGE_MAX, NewRecord, TAG_MAX};
pub use subscription::LogSubscription;

use crate::reply::params;
use crate::trouble::Troubles;
use filter::Filter;
use inbox::{Inbox, Order};
use writer::Writer;

/// How long closing waits for the writer, whose disk may hang.
const CLOSE_WAIT: Duration = Duration::from_secs(5);

/// The logs of the supervisor and of every plugin. Clones share them.
#[derive(Clone)]
pub struct Logs {
    inner: Arc<Inner>,
}

struct Inner {
    inbox: Arc<Inbox>,
    dropped: Arc<AtomicU64>,
    writer: Mutex<Option<std::thread::JoinHandle<()>>>,
}

impl Logs {
    pub(crate) fn open(folder: &Path, options: LogOptions, troubles: Troubles) -> std::io::Result<Self> {
        let inbox = Arc::new(Inbox::new(options.level, options.rate));
        let dropped = Arc::<AtomicU64>::default();
        let writer = Writer::new(folder, options, Arc::clone(&dropped), troubles)?;
        let thread = std::thread::Builder::new().name("logs".to_owned()).spawn({
            let inbox = Arc::clone(&inbox);
            move || writer.run(&inbox)
        })?;
        Ok(Self { inner: Arc::new(Inner { inbox, dropped, writer: Mutex::new(Some(thread)) }) })
    }

    /// Keeps a record. Never waits; where the inbox is full the record is dropped and counted.
    pub fn record(&self, record: NewRecord) {
        self.inner.inbox.push(record);
    }

    /// How many records were not kept since the start: the disk refused them, or they came too fast.
    pub fn dropped(&self) -> u64 {
        self.inner.dropped.load(Ordering::Relaxed)
    }

    /// Sets the least level that is kept of one plugin, until the supervisor ends; `None`: as for all.
    pub fn set_level(&self, id: &PluginId, level: Option<LogLevel>) {
        self.inner.inbox.set_level(id, level);
    }

    /// The least level that is kept of one plugin, and whether it was set for this one.
    pub fn level_of(&self, id: &PluginId) -> (LogLevel, bool) {
        self.inner.inbox.level_of(id)
    }

    /// The latest records, oldest first, everything included that was recorded before the call.
    ///
    /// # Errors
    /// `invalid_params` when `since` is not a time; `timeout` when the disk does not answer.
    pub async fn tail(&self, wanted: LogsParams) -> Result<Vec<LogRecord>, RpcError> {
        let filter = Arc::new(Filter::new(wanted)?);
        let (reply, snapshot) = oneshot::channel();
        self.inner.inbox.order(Order::Snapshot { filter: Arc::clone(&filter), subscribe: None, reply });
        tail::read(filter, snapshot).await
    }

    /// Records from now on.
    ///
    /// # Errors
    /// `invalid_params` when `since` is not a time.
    pub fn subscribe(&self, wanted: LogsParams) -> Result<LogSubscription, RpcError> {
        let subscription = LogSubscription::new(Arc::new(Filter::new(wanted)?));
        self.inner.inbox.order(Order::Subscribe(subscription.outlet()));
        Ok(subscription)
    }

    /// The latest records, and those that follow: none twice, none left out.
    ///
    /// # Errors
    /// As [`Logs::tail`].
    pub async fn follow(&self, wanted: LogsParams) -> Result<(Vec<LogRecord>, LogSubscription), RpcError> {
        let filter = Arc::new(Filter::new(wanted)?);
        let subscription = LogSubscription::new(Arc::clone(&filter));
        let (reply, snapshot) = oneshot::channel();
        let subscribe = Some(subscription.outlet());
        self.inner.inbox.order(Order::Snapshot { filter: Arc::clone(&filter), subscribe, reply });
        Ok((tail::read(filter, snapshot).await?, subscription))
    }

    /// Waits, bounded, until everything that was recorded before is in its file.
    pub async fn flush(&self) {
        let (reply, flushed) = oneshot::channel();
        self.inner.inbox.order(Order::Flush(reply));
        let _ = timeout(tail::SYNC_WAIT, flushed).await;
    }

    pub(crate) async fn close(&self) {
        let (reply, closed) = oneshot::channel();
        self.inner.inbox.close(reply);
        let _ = timeout(CLOSE_WAIT, closed).await;
        let thread = self.inner.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread.filter(std::thread::JoinHandle::is_finished) {
            let _ = thread.join();
        }
    }

    /// Keeps what a plugin logs. A record that cannot be read is kept as what it is.
    pub(crate) fn notify(&self, id: &PluginId, generation: u64, raw: Option<&RawValue>) {
        let record = match params::<LogParams<'_>>(Log::NAME, raw) {
            Ok(LogParams { level, tag, message, extra }) => NewRecord {
                level,
                plugin: Some(id.clone()),
                generation,
                source: LogSource::Logger,
                tag: tag.into_owned(),
                message: message.into_owned(),
                extra: extra.map(ToOwned::to_owned),
            },
            Err(error) => NewRecord::about(id, generation, LogLevel::Warn, error.to_string()),
        };
        self.record(record);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.inbox.close(oneshot::channel().0);
    }
}
