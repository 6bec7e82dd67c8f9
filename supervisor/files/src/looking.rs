//! Threads for what may hang in the kernel: each look has a limit, and one that outlasts it is given up.
//!
//! A thread that waits for a disk cannot be ended. What can be done about it is done here: whoever asked gets an answer when
//! the limit is over; the place is remembered, and not looked at again until it answers; and there are never more than so many
//! of such threads. What is merely slow is waited for, and so is room while others are slow. Must not know what is looked at, nor why.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, oneshot};
use tokio::time::{Instant, timeout_at};

/// Looks that are under way at once, the slow ones aside. More would only queue up in front of the same disks.
const AT_ONCE: usize = 16;
/// After this a look is slow, and its place among those under way is another's: a disk that hangs must not hold up the others.
const PROMPT: Duration = Duration::from_millis(200);
/// Threads of looks that may be there, the slow ones and those that were given up included: far more than a machine has disks,
/// and few enough to be carried along.
const SLOW_MOST: usize = 64;
/// A thread's stack: a path, a manifest, a parser.
const STACK: usize = 512 << 10;

/// A look without an outcome, in words for an operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// The file system said nothing within the limit.
    #[error("{} does not answer: nothing was heard from its file system within {} s; look at the disk or the mount that it lies on", .place.display(), .limit.as_secs_f32())]
    Late {
        /// What was looked at.
        place: PathBuf,
        /// For how long.
        limit: Duration,
    },
    /// An earlier look still hangs there.
    #[error("{} does not answer: a look at it has hung for {} s; look at the disk or the mount that it lies on", .place.display(), .since.as_secs())]
    StillHangs {
        /// What was to be looked at.
        place: PathBuf,
        /// For how long the earlier one has hung.
        since: Duration,
    },
    /// So many looks hang, or have been slow for so long, that no further one is begun.
    #[error("{} was not looked at: {hanging} looks at other places are slow or hang; look at the disks or the mounts of this machine", .place.display())]
    TooMany {
        /// What was to be looked at.
        place: PathBuf,
        /// How many there are.
        hanging: usize,
    },
    /// The machine has no thread to give, or the look itself failed.
    #[error("{} was not looked at: {why}", .place.display())]
    Failed {
        /// What was to be looked at.
        place: PathBuf,
        /// What the system said.
        why: String,
    },
}

/// Runs work that touches the file system at `place` on a thread of its own, for `limit` at most.
///
/// # Errors
/// [`Unanswered`], when there is no outcome in time.
pub async fn look<T: Send + 'static>(
    place: &Path,
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Unanswered> {
    looks().look(place, limit, work).await
}

/// The looks of this process, those of scans aside.
fn looks() -> &'static Looks {
    static LOOKS: LazyLock<Looks> = LazyLock::new(|| Looks::new(AT_ONCE, SLOW_MOST));
    &LOOKS
}

/// Looks at whatever somebody put into a folder that is looked through: a mount that is gone may be behind any number of entries,
/// and must not take the room of looks at what is known to be of use.
pub fn looks_of_scans() -> &'static Looks {
    static LOOKS: LazyLock<Looks> = LazyLock::new(|| Looks::new(AT_ONCE, SLOW_MOST));
    &LOOKS
}

/// A bounded number of threads for looks.
#[derive(Debug)]
pub struct Looks {
    free: Arc<Semaphore>,
    /// One for each thread, until it ends.
    room: Arc<Semaphore>,
    given_up: Arc<GivenUp>,
    most: usize,
}

/// The looks that were given up, by their places.
#[derive(Debug, Default)]
struct GivenUp {
    places: Mutex<HashMap<PathBuf, Hanging>>,
    /// A look was refused for want of room since the last time that a thread ended.
    refused: AtomicBool,
    back: Notify,
}

/// The looks at one place that nobody waits for any more.
#[derive(Debug, Clone, Copy)]
struct Hanging {
    looks: usize,
    /// When the first of them outlasts its limit: who left before that has not seen it hang.
    since: Instant,
}

impl Hanging {
    fn is_late(&self) -> bool {
        self.since <= Instant::now()
    }
}

impl Looks {
    /// So many at once, and so many that may hang.
    fn new(at_once: usize, most: usize) -> Self {
        let free = Arc::new(Semaphore::new(at_once));
        Self { free, room: Arc::new(Semaphore::new(most)), given_up: Arc::default(), most }
    }

    /// How many looks have been given up and have not come back.
    pub fn hanging(&self) -> usize {
        self.hung().values().map(|hanging| hanging.looks).sum()
    }

    /// Whether a look at this very place has been given up and has not come back.
    pub fn hangs(&self, place: &Path) -> bool {
        self.hung().get(place).is_some_and(Hanging::is_late)
    }

    /// Resolves when a look that was given up has come back since the last time, or when there is room again after a look was
    /// refused for want of it. For one asker.
    pub async fn came_back(&self) {
        self.given_up.back.notified().await;
    }

    /// As [`look`]. The limit begins with the look: what it waited for others before says nothing of this place.
    ///
    /// # Errors
    /// As for [`look`].
    pub async fn look<T: Send + 'static>(
        &self,
        place: &Path,
        limit: Duration,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Unanswered> {
        self.test(place)?;
        let patient = Instant::now() + limit;
        let place_in = async |queue: &Arc<Semaphore>| {
            let place_in_it = timeout_at(patient, Arc::clone(queue).acquire_owned()).await;
            // A semaphore of ours is never closed.
            place_in_it.ok().and_then(Result::ok).ok_or_else(|| self.refuse(place))
        };
        let permit = place_in(&self.free).await?;
        let room = place_in(&self.room).await?;
        // Others have hung meanwhile, perhaps at this place.
        self.test(place)?;
        let until = Instant::now() + limit;
        let late = || Unanswered::Late { place: place.to_owned(), limit };
        let (tell, outcome) = oneshot::channel();
        let watched = Arc::new(Watched {
            place: place.to_owned(),
            all: Arc::clone(&self.given_up),
            until,
            over: Mutex::new(Over::No),
        });
        let thread = Arc::clone(&watched);
        let begun = std::thread::Builder::new().name("look".to_owned()).stack_size(STACK).spawn(move || {
            let back = Back { watched: thread, _room: room };
            let found = work();
            // First, so that a look whose outcome is known never counts as one that hangs.
            drop(back);
            // Nobody may be waiting for it any more.
            let _ = tell.send(found);
        });
        let failed = |why: String| Unanswered::Failed { place: place.to_owned(), why };
        if let Err(error) = begun {
            return Err(failed(format!("no thread could be started: {error}")));
        }
        // Whoever asked may leave: the thread is then given up like one that is late.
        let mut patience = Patience { watched, permit: Some(permit) };
        let mut outcome = outcome;
        let mut found = timeout_at(until.min(Instant::now() + PROMPT), &mut outcome).await;
        if found.is_err() {
            patience.permit = None;
            found = timeout_at(until, outcome).await;
        }
        drop(patience);
        match found {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(_)) => Err(failed("the look itself failed".to_owned())),
            Err(_) => Err(late()),
        }
    }

    fn test(&self, place: &Path) -> Result<(), Unanswered> {
        let hung = self.hung();
        let place = || place.to_owned();
        if let Some(hanging) = hung.get(&place()).filter(|hanging| hanging.is_late()) {
            return Err(Unanswered::StillHangs { place: place(), since: hanging.since.elapsed() });
        }
        let hanging = hung.values().map(|hanging| hanging.looks).sum::<usize>();
        drop(hung);
        if hanging >= self.most { Err(self.refuse(&place())) } else { Ok(()) }
    }

    /// For want of room.
    fn refuse(&self, place: &Path) -> Unanswered {
        self.given_up.refused.store(true, Ordering::Relaxed);
        Unanswered::TooMany { place: place.to_owned(), hanging: self.most - self.room.available_permits() }
    }

    fn hung(&self) -> MutexGuard<'_, HashMap<PathBuf, Hanging>> {
        lock(&self.given_up.places)
    }
}

/// One look, as seen by both sides.
struct Watched {
    place: PathBuf,
    all: Arc<GivenUp>,
    /// From then on it is late.
    until: Instant,
    over: Mutex<Over>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    No,
    /// The thread has come back.
    Back,
    /// Nobody waits for it any more.
    GivenUp,
}

/// The asker's side. Dropped while the thread has not come back, it gives it up.
struct Patience {
    watched: Arc<Watched>,
    /// A place among those under way; none any more for a slow one.
    permit: Option<tokio::sync::OwnedSemaphorePermit>,
}

impl Drop for Patience {
    fn drop(&mut self) {
        let mut over = lock(&self.watched.over);
        if *over == Over::No {
            *over = Over::GivenUp;
            let mut all = lock(&self.watched.all.places);
            let none = Hanging { looks: 0, since: self.watched.until };
            let hanging = all.entry(self.watched.place.clone()).or_insert(none);
            hanging.looks += 1;
            hanging.since = hanging.since.min(self.watched.until);
        }
    }
}

/// The thread's side: dropped when the work is over, also when it panicked.
struct Back {
    watched: Arc<Watched>,
    /// The thread's own, until it ends.
    _room: tokio::sync::OwnedSemaphorePermit,
}

impl Drop for Back {
    fn drop(&mut self) {
        let mut over = lock(&self.watched.over);
        if std::mem::replace(&mut *over, Over::Back) == Over::GivenUp {
            let mut all = lock(&self.watched.all.places);
            if let Some(hanging) = all.get_mut(&self.watched.place) {
                hanging.looks -= 1;
                if hanging.looks == 0 {
                    all.remove(&self.watched.place);
                }
            }
            drop(all);
            self.watched.all.back.notify_one();
        }
        if self.watched.all.refused.swap(false, Ordering::Relaxed) {
            self.watched.all.back.notify_one();
        }
    }
}

/// Every change is one field or one entry, so a panic elsewhere cannot have left it half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

    use std::sync::mpsc::{SyncSender, sync_channel};

    use tokio::time::timeout;

    use super::*;

    const SHORT: Duration = Duration::from_millis(50);
    const LONG: Duration = Duration::from_secs(60);

    /// Work that hangs until the sender is gone.
    fn hung() -> (SyncSender<()>, impl FnOnce() + Send) {
        let (hold, released) = sync_channel::<()>(1);
        (hold, move || assert!(released.recv().is_err()))
    }

    async fn comes_back(looks: &Looks) {
        while looks.hanging() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    #[tokio::test]
    async fn a_look_that_hangs_is_given_up_and_its_place_left_alone_until_it_comes_back() {
        let looks = Looks::new(1, 8);
        let (hold, work) = hung();
        let (here, there) = (Path::new("/here"), Path::new("/there"));
        assert!(matches!(looks.look(here, SHORT, work).await, Err(Unanswered::Late { .. })));
        assert!(matches!(looks.look(here, LONG, || 1).await, Err(Unanswered::StillHangs { .. })));
        assert!(looks.hangs(here) && looks.hanging() == 1);
        assert_eq!(looks.look(there, LONG, || 2).await, Ok(2), "it holds up nobody else");
        drop(hold);
        comes_back(&looks).await;
        assert_eq!(looks.look(here, LONG, || 3).await, Ok(3));
    }

    #[tokio::test]
    async fn looks_that_are_slow_hold_up_no_others() {
        let looks = Looks::new(1, 8);
        let (hold, work) = hung();
        let slow = looks.look(Path::new("/slow"), LONG, work);
        let other = looks.look(Path::new("/other"), LONG, || 1);
        tokio::select! {
            biased;
            _ = slow => panic!("it hangs"),
            other = other => assert_eq!(other, Ok(1)),
        }
        drop(hold);
        comes_back(&looks).await;
    }

    #[tokio::test]
    async fn no_more_threads_hang_than_may() {
        let looks = Looks::new(4, 2);
        let mut held = Vec::new();
        for number in 0..2 {
            let (hold, work) = hung();
            held.push(hold);
            assert!(looks.look(Path::new(&format!("/{number}")), SHORT, work).await.is_err());
        }
        assert!(matches!(
            looks.look(Path::new("/more"), LONG, || ()).await,
            Err(Unanswered::TooMany { hanging: 2, .. })
        ));
        drop(held);
        comes_back(&looks).await;
        assert_eq!(looks.look(Path::new("/more"), LONG, || ()).await, Ok(()));
    }

    #[tokio::test]
    async fn room_is_waited_for_while_others_are_slow_and_told_of_where_that_was_in_vain() {
        let looks = Looks::new(4, 1);
        let (hold, work) = hung();
        let (slow, there) = (Path::new("/slow"), Path::new("/there"));
        let waiting = async {
            assert!(matches!(looks.look(there, SHORT, || ()).await, Err(Unanswered::TooMany { .. })));
            drop(hold);
            looks.came_back().await;
            assert_eq!(looks.look(there, LONG, || 1).await, Ok(1));
        };
        let (first, ()) = tokio::join!(looks.look(slow, LONG, work), waiting);
        assert_eq!(first, Ok(()));
    }

    #[tokio::test]
    async fn a_look_that_was_withdrawn_in_time_does_not_count_as_one_that_hangs() {
        let looks = Looks::new(4, 8);
        let (hold, work) = hung();
        let here = Path::new("/here");
        assert!(timeout(SHORT, looks.look(here, LONG, work)).await.is_err());
        assert!(!looks.hangs(here) && looks.hanging() == 1);
        assert_eq!(looks.look(here, LONG, || 1).await, Ok(1));
        drop(hold);
        comes_back(&looks).await;
    }

    #[tokio::test]
    async fn a_look_that_nobody_waits_for_any_more_is_counted_as_well() {
        let looks = Looks::new(1, 8);
        let (hold, work) = hung();
        let asker = looks.look(Path::new("/left"), LONG, work);
        assert!(timeout(SHORT, asker).await.is_err());
        assert_eq!(looks.hanging(), 1);
        drop(hold);
        comes_back(&looks).await;
    }

    #[tokio::test]
    async fn work_that_panics_is_told_and_leaves_nothing_behind() {
        let looks = Looks::new(1, 8);
        let failed = looks.look(Path::new("/x"), LONG, || panic!("on purpose")).await;
        assert!(matches!(failed, Err::<(), _>(Unanswered::Failed { .. })));
        assert_eq!((looks.hanging(), looks.look(Path::new("/x"), LONG, || 1).await), (0, Ok(1)));
    }
}
