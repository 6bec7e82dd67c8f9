//! Host calls that await their answers.
//!
//! The session enters a call here before it is sent; the reader brings the answers. Each call has exactly one outcome:
//! the answer, its deadline, the end of the session, or its caller's going away.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use outboard_protocol::RpcError;
use outboard_protocol::methods::{CancelParams, CancelRequest};
use outboard_protocol::wire::message;
use outboard_protocol::wire::pending::Pending;
use serde_json::value::RawValue;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, timeout_at};

use super::error::CallError;
use super::outbox::{Full, Outbox};

/// Withdrawn calls whose answers are still expected; those of the oldest are remarked on.
const WITHDRAWN_MAX: usize = 256;

type Answer = Result<Box<RawValue>, RpcError>;

#[derive(Debug)]
struct Caller {
    method: &'static str,
    made: Duration,
    limit: Duration,
    /// Whether progress on it is told to whoever waits for [`Calls::progressed`].
    told: bool,
    answer: oneshot::Sender<Answer>,
}

#[derive(Debug)]
pub(super) struct Calls {
    book: Mutex<Option<Pending<Caller>>>,
    /// Calls that nobody waits for any more and that the plugin answers all the same, as it has to.
    withdrawn: Mutex<VecDeque<u64>>,
    epoch: Instant,
    longest: Duration,
    progressed: Notify,
    /// The last call whose caller has a deadline of its own.
    told: AtomicU64,
    /// The calls that the end of the session left without an answer.
    unanswered: OnceLock<Vec<String>>,
}

impl Calls {
    pub(super) fn new(capacity: usize, longest: Duration) -> Self {
        let book = Mutex::new(Some(Pending::new(capacity)));
        Self {
            book,
            withdrawn: Mutex::default(),
            epoch: Instant::now(),
            longest,
            progressed: Notify::new(),
            told: AtomicU64::new(0),
            unanswered: OnceLock::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Pending<Caller>>> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a call.
    ///
    /// # Errors
    /// [`Full::NoRoom`] while as many as there may be await their answers, [`Full::Closed`] once the session is over.
    pub(super) fn enter(
        self: &Arc<Self>,
        method: &'static str,
        limit: Duration,
        told: bool,
    ) -> Result<Ticket, Full> {
        let made = self.epoch.elapsed();
        let (answer, outcome) = oneshot::channel();
        let caller = Caller { method, made, limit, told, answer };
        let mut book = self.lock();
        let open = book.as_mut().ok_or(Full::Closed)?;
        let id = open.insert(caller, made + limit).map_err(|_| Full::NoRoom)?;
        drop(book);
        if told {
            self.told.store(id, Ordering::Relaxed);
        }
        Ok(Ticket { calls: Arc::clone(self), id, method, outcome, tell: None })
    }

    /// Brings an answer, which is dropped where its call was withdrawn. False: it is a second one, or was never asked for.
    pub(super) fn answer(&self, id: u64, answer: Answer) -> bool {
        let mut book = self.lock();
        match book.as_mut().and_then(|book| book.remove(id)) {
            Some(caller) => {
                // Failing means that its caller is on its way out.
                let _ = caller.answer.send(answer);
                true
            }
            None => self.was_withdrawn(id),
        }
    }

    /// Whether this is the answer to a call that was withdrawn. There is one.
    fn was_withdrawn(&self, id: u64) -> bool {
        let mut withdrawn = self.withdrawn.lock().unwrap_or_else(PoisonError::into_inner);
        let at = withdrawn.iter().position(|known| *known == id);
        at.is_some_and(|at| withdrawn.remove(at).is_some())
    }

    /// The call that awaits its answer, where there is one and no other.
    pub(super) fn only(&self) -> Option<u64> {
        self.lock().as_ref().and_then(Pending::only)
    }

    /// The plugin still works on it: its time starts anew, within the longest time that a call may take.
    pub(super) fn progress(&self, id: u64) {
        let now = self.epoch.elapsed();
        let mut book = self.lock();
        let Some(book) = book.as_mut() else { return };
        let Some(caller) = book.caller(id) else { return };
        let (until, told) =
            ((now + caller.limit).min(caller.made + self.longest.max(caller.limit)), caller.told);
        let moved = book.deadline(id).is_some_and(|before| before < until);
        book.extend(id, until);
        if told && moved {
            self.progressed.notify_one();
        }
    }

    /// It is not the plugin that takes so long: the time of the call whose caller has a deadline of its own starts anew.
    pub(super) fn excuse(&self) {
        let now = self.epoch.elapsed();
        if let Some(book) = self.lock().as_mut() {
            // False: it is answered, and there is nothing to excuse.
            book.renew(self.told.load(Ordering::Relaxed), |caller| now + caller.limit);
        }
    }

    /// Resolves when the deadline of a call that is told of was moved since the last time.
    pub(super) async fn progressed(&self) {
        self.progressed.notified().await;
    }

    /// The session is over: every caller learns so, and no call is entered any more.
    pub(super) fn close(&self) {
        let mut open = self.lock();
        // The streams of a process close before its exit is seen, and the exit's report names these.
        let _ = self.unanswered.set(names(open.as_ref()));
        // Dropping the senders tells the callers.
        open.take();
    }

    /// The calls that await their answers, or that the end of the session left without one.
    pub(super) fn names(&self) -> Vec<String> {
        self.unanswered.get().cloned().unwrap_or_else(|| names(self.lock().as_ref()))
    }

    fn deadline(&self, id: u64) -> Option<Instant> {
        self.lock().as_ref().and_then(|book| book.deadline(id)).map(|at| self.epoch + at)
    }

    fn withdraw(&self, id: u64) -> Option<Duration> {
        let mut book = self.lock();
        let caller = book.as_mut().and_then(|book| book.remove(id))?;
        // While the book is held, so that an answer finds the call there or here.
        let mut withdrawn = self.withdrawn.lock().unwrap_or_else(PoisonError::into_inner);
        if withdrawn.len() == WITHDRAWN_MAX {
            withdrawn.pop_front();
        }
        withdrawn.push_back(id);
        drop((withdrawn, book));
        Some(self.epoch.elapsed().saturating_sub(caller.made))
    }
}

fn names(book: Option<&Pending<Caller>>) -> Vec<String> {
    let callers = book.into_iter().flat_map(Pending::callers);
    let mut names: Vec<String> = callers.map(|caller| caller.method.to_owned()).collect();
    names.sort_unstable();
    names
}

/// One call that was entered. Dropped without an answer, it is withdrawn.
#[derive(Debug)]
pub(super) struct Ticket {
    calls: Arc<Calls>,
    id: u64,
    method: &'static str,
    outcome: oneshot::Receiver<Answer>,
    /// Set once the call was sent: whom to tell when it is withdrawn.
    tell: Option<Arc<Outbox>>,
}

impl Ticket {
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// Waits for the one outcome of a call that was sent.
    pub(super) fn answer(
        mut self,
        outbox: &Arc<Outbox>,
    ) -> impl Future<Output = Result<Box<RawValue>, CallError>> + Send + 'static {
        // At once: it may be withdrawn before anybody has waited for it.
        self.tell = Some(Arc::clone(outbox));
        self.awaited()
    }

    async fn awaited(mut self) -> Result<Box<RawValue>, CallError> {
        let method = self.method;
        loop {
            let Some(deadline) = self.calls.deadline(self.id) else {
                // Already struck: the answer is here, or the session is over.
                return outcome(method, (&mut self.outcome).await);
            };
            match timeout_at(deadline, &mut self.outcome).await {
                Ok(received) => return outcome(method, received),
                Err(_) if self.calls.deadline(self.id).is_some_and(|moved| moved > deadline) => {}
                Err(_) => return self.expire(method).await,
            }
        }
    }

    async fn expire(&mut self, method: &'static str) -> Result<Box<RawValue>, CallError> {
        match self.withdraw() {
            Some(after) => Err(CallError::Timeout { method, after }),
            None => outcome(method, (&mut self.outcome).await),
        }
    }

    fn withdraw(&mut self) -> Option<Duration> {
        let after = self.calls.withdraw(self.id)?;
        if let Some(outbox) = self.tell.take() {
            let params = CancelParams { id: self.id.into() };
            // A plugin that has no room for this has no time for the call either.
            let _ = outbox.offer(|out| message::write_notification(out, CancelRequest::NAME, params));
        }
        Some(after)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.withdraw();
    }
}

fn outcome(
    method: &'static str,
    received: Result<Answer, oneshot::error::RecvError>,
) -> Result<Box<RawValue>, CallError> {
    match received {
        Ok(Ok(result)) => Ok(result),
        Ok(Err(error)) => Err(CallError::Answered { method, error }),
        Err(_) => Err(CallError::Closed { method }),
    }
}
