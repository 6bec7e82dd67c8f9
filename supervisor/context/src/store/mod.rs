//! The one SQLite file, `state.db`: a handle to the thread that owns it.
//!
//! Used by the namespaces that keep something ([`crate::config`], [`crate::server`], [`crate::plugins`]) and by the sign-in,
//! whose own file is written on the same thread. Must not know what the rows mean.
//!
//! ```text
//!   submit ──▶ [ bounded queue ] ──all that wait──▶ BEGIN; write …; COMMIT (one sync)
//!      ▲                                                │
//!      └────── answered only now, in one wake ◀── committed callbacks
//! ```
//!
//! Writes are taken in the order of their `submit`. A full queue refuses at once: nobody's unawaited future can hold a place.

mod answers;
mod aside;
mod beside;
mod error;
mod folder;
mod group;
mod open;
mod pulse;
mod reserve;
mod thread;
mod watch;
mod write;

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::sync::oneshot;
use tokio::time::timeout;

use answers::Herald;
use aside::Aside;
pub(crate) use beside::with_suffix;
pub use error::StoreError;
pub use folder::FolderError;
pub(crate) use folder::{Folder, PLUGINS_DATA, make_private_folder};
pub(crate) use group::Group;
pub use open::OpenStoreError;
pub(crate) use open::{Opened, SCHEMA, open};
use pulse::Pulse;
use thread::Job;
use write::Write;

use crate::trouble::Troubles;

/// Writes that may wait for the thread: far more than the plugins of one host have in flight while the disk works.
const QUEUE: usize = 8192;

/// How long a caller waits for its own write to be on disk. Past it the disk hangs, and the outcome is not known.
const WRITE_WAIT: Duration = Duration::from_secs(20);

/// How long closing waits for what is queued.
const CLOSE_WAIT: Duration = Duration::from_secs(10);

/// A write that has been queued; its outcome, once it is on disk.
pub(crate) type Kept<T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send>>;

/// A handle to the thread that owns the database. Clones share it; the thread ends when the last one is gone.
#[derive(Clone)]
pub(crate) struct Store {
    queue: mpsc::Sender<Job>,
    shared: Arc<Shared>,
}

struct Shared {
    herald: Arc<Herald>,
    pulse: Pulse,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
}

impl Store {
    /// Starts the thread on an open database; the folder's lock is held until the thread has ended.
    pub(crate) fn start(db: Connection, folder: Folder, troubles: Troubles) -> std::io::Result<Self> {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let path = folder.state_file();
        let herald = Arc::new(Herald::default());
        let carrier = Arc::clone(&herald);
        let pulse = Pulse::default();
        let beating = pulse.clone();
        let thread = std::thread::Builder::new()
            .name("state".to_owned())
            .spawn(move || thread::run(db, jobs, &path, folder, &carrier, troubles, beating))?;
        Ok(Self { queue, shared: Arc::new(Shared { herald, pulse, thread: Mutex::new(Some(thread)) }) })
    }

    /// For how long the disk has not come back from the present commit.
    pub(crate) fn held_up(&self) -> Duration {
        self.shared.pulse.held_for()
    }

    /// Queues a write at once; the future ends when it is on disk, or was refused.
    ///
    /// `apply` may run more than once: when a group fails as a whole, each of its writes is tried alone. It changes one row
    /// after all its checks, or several by [`Group::together`], so that a write that fails has changed nothing. `committed` runs
    /// on the store's thread after the commit, in the order of the writes; what it returns runs on the caller's runtime, in the
    /// same order, and before the caller is answered.
    pub(crate) fn write<T, A, C, F>(&self, apply: A, committed: C) -> Kept<T>
    where
        T: Send + 'static,
        A: FnMut(&mut Group<'_>) -> Result<T, StoreError> + Send + 'static,
        C: FnOnce(&T) -> F + Send + 'static,
        F: FnOnce() + Send + 'static,
    {
        let (write, answer) = Write::new(apply, committed);
        self.submit(Job::Write(write), answer, WRITE_WAIT)
    }

    /// Queues work that is not a write of the database but must keep its place among them.
    pub(crate) fn aside<T, W>(&self, work: W) -> Kept<T>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let (aside, answer) = Aside::new(work);
        self.submit(Job::Aside(aside), answer, WRITE_WAIT)
    }

    /// Queues long work, which lets writes pass between its steps and may take this long. One at a time; it ends early when the
    /// store is closed.
    pub(crate) fn gradually<T, W>(&self, limit: Duration, work: W) -> Kept<T>
    where
        T: Send + 'static,
        W: FnOnce(&Connection, &mut dyn FnMut() -> bool) -> Result<T, StoreError> + Send + 'static,
    {
        let (work, answer) = Aside::new(work);
        self.submit(Job::Gradual(work), answer, limit)
    }

    fn submit<T: Send + 'static>(
        &self,
        job: Job,
        answer: oneshot::Receiver<Result<T, StoreError>>,
        limit: Duration,
    ) -> Kept<T> {
        self.shared.herald.attend();
        let queued = self.queue.try_send(job).map_err(|error| forget_job(&error));
        Box::pin(async move {
            queued.map_err(|error| match error {
                TrySendError::Full(()) => StoreError::Busy { waiting: QUEUE },
                TrySendError::Closed(()) => StoreError::Closed,
            })?;
            match timeout(limit, answer).await {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(_)) => Err(StoreError::Closed),
                Err(_) => Err(StoreError::TimedOut { waited: limit }),
            }
        })
    }

    /// Finishes what is queued, closes the file and lets go of the folder. Writes that come later are refused.
    pub(crate) async fn close(&self) {
        let (closed, done) = oneshot::channel();
        if timeout(CLOSE_WAIT, self.queue.send(Job::Close(closed))).await.is_ok() {
            let _ = timeout(CLOSE_WAIT, done).await;
        }
        let thread = self.shared.thread.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        if let Some(thread) = thread.filter(std::thread::JoinHandle::is_finished) {
            let _ = thread.join();
        }
    }
}

/// The refusal without the job, which may be large.
fn forget_job(error: &TrySendError<Job>) -> TrySendError<()> {
    match error {
        TrySendError::Full(_) => TrySendError::Full(()),
        TrySendError::Closed(_) => TrySendError::Closed(()),
    }
}
