//! Who may be in at once. Seats for ordinary connections, a share of their own for WebSockets, a few that are kept for parties
//! which have few, and standing room in which a connection can ask for its health and for a seat.
//!
//! The accept loop asks for a place for each connection, the front door for a seat at its first request. Where no seat is free
//! the connection that is idle for longest is closed; where none is idle a request waits for a while and is then told so. So
//! nobody waits behind connections that ask for nothing, and health is always answered.

pub(crate) mod guest;
mod roll;
mod share;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

pub(crate) use roll::Party;
pub(crate) use share::Shares;

use guest::Guest;
use roll::Roll;

use crate::descriptors::{self, Reserve};

/// How long nobody new is looked at while all seats and half the standing room are taken: who is about to leave does so in this
/// time, and whoever only asks for health waits no longer.
const BREATH: Duration = Duration::from_millis(20);
/// How often a lack of seats is told: an attack must not fill the log.
const TELL_AGAIN: Duration = Duration::from_secs(10);

/// All places of one gateway.
#[derive(Debug)]
pub(crate) struct Seats {
    shares: Shares,
    ordinary: Arc<Semaphore>,
    /// For parties that have few connections.
    kept: Arc<Semaphore>,
    standing: Arc<Semaphore>,
    websockets: Arc<Semaphore>,
    waiting: AtomicUsize,
    /// How long a request waits for a seat.
    patience: Duration,
    roll: Mutex<Roll>,
    freed: Notify,
    /// The descriptor of the latest connection was not far from the reserve.
    near_reserve: AtomicBool,
    told: Mutex<Option<Instant>>,
    times_full: AtomicUsize,
}

/// A connection's place, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    seats: Arc<Seats>,
    party: Party,
    number: u64,
    guest: Arc<Guest>,
    held: Mutex<Held>,
    /// Its descriptor is one of the reserve: it may be answered, and may not stay.
    on_reserve: bool,
}

/// What a connection holds. The permits are given back when they are dropped.
#[derive(Debug)]
enum Held {
    Standing { _room: OwnedSemaphorePermit },
    Seat { _seat: OwnedSemaphorePermit },
    WebSocket { _share: OwnedSemaphorePermit },
}

/// Leave to keep a connection for a WebSocket.
#[derive(Debug)]
pub(crate) struct Upgrade(OwnedSemaphorePermit);

impl Seats {
    pub(crate) fn new(shares: Shares, patience: Duration) -> Arc<Self> {
        let semaphore = |count| Arc::new(Semaphore::new(count));
        Arc::new(Self {
            ordinary: semaphore(shares.ordinary),
            kept: semaphore(shares.kept),
            standing: semaphore(shares.standing),
            websockets: semaphore(shares.websockets),
            shares,
            waiting: AtomicUsize::new(0),
            patience,
            roll: Mutex::default(),
            freed: Notify::new(),
            near_reserve: AtomicBool::new(false),
            told: Mutex::default(),
            times_full: AtomicUsize::new(0),
        })
    }

    pub(crate) fn shares(&self) -> &Shares {
        &self.shares
    }

    /// How often a connection found no free seat.
    pub(crate) fn times_full(&self) -> usize {
        self.times_full.load(Ordering::Relaxed)
    }

    /// Resolves when there is room for another connection, were it only to be told that there is none.
    pub(crate) async fn room(&self) {
        if self.near_reserve.load(Ordering::Relaxed) {
            // Before it is accepted: it keeps the number that it gets.
            self.has_descriptor().await;
        }
        if self.ordinary.available_permits() > 0 {
            return;
        }
        if self.waiting.load(Ordering::Relaxed) >= self.shares.waiting() {
            // Others are before whoever comes now.
            let _ = timeout(BREATH, self.freed.notified()).await;
        }
        while self.ordinary.available_permits() == 0 && self.standing.available_permits() == 0 {
            self.send_oldest_away();
            let _ = timeout(BREATH, self.freed.notified()).await;
        }
    }

    /// A place for a connection; none where even the standing room is full. Where its descriptor is of the reserve, they are
    /// running out, and there are no seats whatever their number.
    pub(crate) fn place(self: &Arc<Self>, party: Party, reserve: Reserve) -> Option<Place> {
        let on_reserve = reserve == Reserve::Reached;
        self.near_reserve.store(reserve != Reserve::Far, Ordering::Relaxed);
        let seat = if on_reserve { None } else { self.free_seat(party) };
        let held = match seat {
            Some(_seat) => Held::Seat { _seat },
            None => {
                self.note_full();
                self.send_oldest_away();
                Held::Standing { _room: Arc::clone(&self.standing).try_acquire_owned().ok()? }
            }
        };
        let guest = Arc::<Guest>::default();
        let number = self.lock_roll().enter(party, Arc::clone(&guest));
        Some(Place { seats: Arc::clone(self), party, number, guest, held: Mutex::new(held), on_reserve })
    }

    fn free_seat(&self, party: Party) -> Option<OwnedSemaphorePermit> {
        if let Ok(seat) = Arc::clone(&self.ordinary).try_acquire_owned() {
            return Some(seat);
        }
        let few = self.lock_roll().count_of(party) < self.shares.few();
        if few { Arc::clone(&self.kept).try_acquire_owned().ok() } else { None }
    }

    /// Closes the connection that is idle for longest. False where none is idle.
    pub(crate) fn send_oldest_away(&self) -> bool {
        self.lock_roll().send_oldest_away()
    }

    /// Whether there is a descriptor for one more connection that stays; one that is idle has to leave for it, if need be.
    async fn has_descriptor(&self) -> bool {
        if !descriptors::are_scarce() {
            return true;
        }
        // One that leaves takes a descriptor along, or two.
        let left = self.send_oldest_away() && timeout(BREATH, self.freed.notified()).await.is_ok();
        left && !descriptors::are_scarce()
    }

    fn note_full(&self) {
        self.times_full.fetch_add(1, Ordering::Relaxed);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_some_and(|last| last.elapsed() < TELL_AGAIN) {
            return;
        }
        *told = Some(Instant::now());
        let largest = self.lock_roll().largest();
        let most =
            largest.map_or_else(String::new, |(party, count)| format!("; {party} has {count} of them"));
        tracing::warn!(
            seats = self.shares.ordinary,
            "all seats are taken{most}: idle connections are closed, and what finds none is refused with 503. Raise \
             `connections` below [http], or the limit of descriptors, if this goes on"
        );
    }

    fn lock_roll(&self) -> MutexGuard<'_, Roll> {
        self.roll.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// The connection, for whoever marks what happens on it.
    pub(crate) fn guest(&self) -> &Arc<Guest> {
        &self.guest
    }

    /// Whether the connection may stay when its request is answered.
    pub(crate) fn may_stay(&self) -> bool {
        self.has_seat() && !self.on_reserve
    }

    /// Whether the connection has more than standing room.
    pub(crate) fn has_seat(&self) -> bool {
        !matches!(*self.lock(), Held::Standing { .. })
    }

    /// Gets the connection a seat, if it has none. False where none is free and none becomes free in time.
    pub(crate) async fn sit(&self) -> bool {
        if self.has_seat() {
            return true;
        }
        let Some(seat) = self.seat().await else { return false };
        *self.lock() = Held::Seat { _seat: seat };
        self.seats.freed.notify_one();
        true
    }

    async fn seat(&self) -> Option<OwnedSemaphorePermit> {
        let seats = &self.seats;
        if !seats.has_descriptor().await {
            return None;
        }
        if let Some(seat) = seats.free_seat(self.party) {
            return Some(seat);
        }
        let _waits = Waits::among(&seats.waiting, seats.shares.waiting())?;
        seats.send_oldest_away();
        timeout(seats.patience, Arc::clone(&seats.ordinary).acquire_owned()).await.ok()?.ok()
    }

    /// Leave to become a WebSocket, where its share has room and its descriptor is not of the reserve.
    pub(crate) fn websocket(&self) -> Option<Upgrade> {
        if self.on_reserve {
            return None;
        }
        Arc::clone(&self.seats.websockets).try_acquire_owned().ok().map(Upgrade)
    }

    /// The connection is a WebSocket from here on: its seat is another's.
    pub(crate) fn upgrade(&self, Upgrade(share): Upgrade) {
        self.guest.upgrades();
        *self.lock() = Held::WebSocket { _share: share };
        self.seats.freed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.seats.lock_roll().leave(self.number);
        self.seats.freed.notify_one();
    }
}

/// One request that waits for a seat.
struct Waits<'w>(&'w AtomicUsize);

impl<'w> Waits<'w> {
    /// `None` where as many wait as may.
    fn among(waiting: &'w AtomicUsize, most: usize) -> Option<Self> {
        let waits = Self(waiting);
        (waiting.fetch_add(1, Ordering::Relaxed) < most).then_some(waits)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
