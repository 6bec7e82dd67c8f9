//! What the front door and the socket tell each other about one connection.
//!
//! The front door knows whether a request is being answered and whether an answer broke off; [`super::stream`] knows what came
//! and what is wrong with it. Must not know requests.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::closing::Leftover;
use super::fault::Fault;
use super::outgoing::Outgoing;
use crate::seats::guest::Guest;

/// The signals of one connection.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    pub(crate) outgoing: Outgoing,
    fault: OnceLock<Fault>,
    answering: AtomicUsize,
    /// How many requests have come to be answered.
    requests: AtomicU64,
    abort: AtomicBool,
    broke_off: AtomicBool,
    /// The last request whose upgrade was declined, until that is taken; 0 is none.
    declined: AtomicU64,
    early: AtomicBool,
    leftover: Mutex<Option<Leftover>>,
    guest: Arc<Guest>,
}

impl Signals {
    /// Those of a connection that is known as this guest.
    pub(crate) fn new(guest: Arc<Guest>) -> Self {
        Self { guest, ..Self::default() }
    }

    /// What is wrong with the body of the present request.
    pub(crate) fn fault(&self) -> Option<Fault> {
        self.fault.get().copied()
    }

    pub(super) fn set_fault(&self, fault: Fault) {
        // The first one counts.
        let _ = self.fault.set(fault);
    }

    /// A request is being answered until the returned value is dropped: silence does not mean idleness now.
    pub(crate) fn answering(self: &Arc<Self>) -> Answering {
        self.answering.fetch_add(1, Ordering::Relaxed);
        self.guest.is_busy();
        let request = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        Answering { signals: Arc::clone(self), request, without_length: false }
    }

    pub(super) fn is_answering(&self) -> bool {
        self.answering.load(Ordering::Relaxed) > 0
    }

    /// The connection is to be reset, so that its end cannot pass for the end of the answer.
    pub(super) fn abort(&self) {
        self.abort.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_aborted(&self) -> bool {
        self.abort.load(Ordering::Relaxed)
    }

    pub(super) fn has_broken_off(&self) -> bool {
        self.broke_off.load(Ordering::Relaxed)
    }

    /// The request whose upgrade was declined since this was last asked.
    pub(super) fn take_declined(&self) -> Option<u64> {
        let declined = self.declined.load(Ordering::Relaxed);
        if declined > 0 {
            self.declined.store(0, Ordering::Relaxed);
        }
        (declined > 0).then_some(declined)
    }

    /// Something was read: whether anything of a message is under way now.
    pub(super) fn has_read(&self, under_way: bool) {
        if under_way {
            self.guest.is_busy();
        } else if !self.is_answering() {
            self.guest.is_done();
        }
    }

    /// Something came behind a request for an upgrade, before that was answered.
    pub(super) fn note_early(&self) {
        self.early.store(true, Ordering::Relaxed);
    }

    pub(super) fn leave(&self, leftover: Leftover) {
        *self.leftover.lock().unwrap_or_else(PoisonError::into_inner) = Some(leftover);
    }

    /// The socket that hyper has done with, where something is left to be said or to be waited for.
    pub(crate) fn take_leftover(&self) -> Option<Leftover> {
        self.leftover.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A request on its way through.
#[derive(Debug)]
pub(crate) struct Answering {
    pub(crate) signals: Arc<Signals>,
    /// Its number on the connection, from 1.
    request: u64,
    /// Nothing but the end of the connection ends the answer.
    without_length: bool,
}

impl Answering {
    /// Says that the answer has neither length nor chunks, as for an HTTP/1.0 client.
    pub(crate) fn without_length(&mut self) {
        self.without_length = true;
    }

    /// The upgrade that was asked for does not take place. True: HTTP may go on; false: the client has begun the other protocol
    /// already, and what it sent cannot be told from a request.
    pub(crate) fn decline_upgrade(&self) -> bool {
        self.signals.declined.store(self.request, Ordering::Relaxed);
        !self.signals.early.load(Ordering::Relaxed)
    }

    /// The answer broke off. Where its framing shows that, the connection ends so that all that came before still arrives; where
    /// only the end would tell, it is reset.
    pub(crate) fn break_off(&self) {
        if self.without_length {
            self.signals.abort();
        } else {
            self.signals.broke_off.store(true, Ordering::Relaxed);
        }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        if self.signals.answering.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.signals.guest.rests();
        }
    }
}
