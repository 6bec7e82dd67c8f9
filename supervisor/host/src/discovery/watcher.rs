//! Notices that something changed in the plugin folders. Says only that, once things are quiet; the supervisor then scans.
//!
//! The scan says what to watch while it looks ([`Watches`]), on the thread that may hang: to begin a watch is a look at the path.
//! What was noticed arrives at the supervisor ([`Watcher`]) without any look. Best effort by nature: where watching is
//! impossible, SIGHUP and `outboard rescan` do the same.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{CStr, OsStr, OsString};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::{Instant, timeout_at};

/// A copy of a plugin's folder makes many events. This long after the last one it counts as finished.
const QUIET: Duration = Duration::from_millis(300);
/// Changes that never end do not put off the scan for longer than this.
const PATIENCE: Duration = Duration::from_secs(3);
/// Room for some hundred events at once.
const EVENTS: usize = 16 * 1024;

/// What counts as a change of a folder: its entries come, go, or have other content or modes.
const CHANGES: WatchFlags = WatchFlags::CREATE
    .union(WatchFlags::DELETE)
    .union(WatchFlags::MODIFY)
    .union(WatchFlags::ATTRIB)
    .union(WatchFlags::MOVE)
    .union(WatchFlags::MOVE_SELF)
    .union(WatchFlags::DELETE_SELF)
    .union(WatchFlags::ONLYDIR);

/// Hears of changes.
#[derive(Debug)]
pub(crate) struct Watcher {
    heard: Option<AsyncFd<Arc<OwnedFd>>>,
    watches: Watches,
    /// Set while a change waits for quiet. Kept here, so that a dropped wait forgets nothing.
    noticed: Option<Noticed>,
}

#[derive(Debug, Clone, Copy)]
struct Noticed {
    quiet_at: Instant,
    latest: Instant,
}

/// Begins and ends watches. Clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Watches {
    descriptor: Option<Arc<OwnedFd>>,
    watched: Arc<Mutex<Watched>>,
}

/// A watch that was begun; none where that was not possible.
#[derive(Debug)]
pub(super) struct Watch(Option<i32>);

#[derive(Debug, Default)]
struct Watched {
    /// The kernel's numbers, and the folders that they stand for.
    folders: BTreeMap<i32, PathBuf>,
    /// Of these, the ones in which only these entries matter.
    narrow: BTreeMap<i32, BTreeSet<OsString>>,
    /// Folders of which was told that they cannot be watched.
    told: BTreeSet<PathBuf>,
}

impl Watcher {
    /// Watches nothing yet.
    pub(crate) fn new() -> Self {
        let made = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)
            .map_err(std::io::Error::from)
            .and_then(|descriptor| heard_from(Arc::new(descriptor)));
        let heard = made
            .inspect_err(
                |error| tracing::warn!(%error, "plugin folders are not watched; use `outboard rescan`"),
            )
            .ok();
        let descriptor = heard.as_ref().map(|heard| Arc::clone(heard.get_ref()));
        Self { heard, watches: Watches { descriptor, watched: Arc::default() }, noticed: None }
    }

    /// For the scan, which says what to watch.
    pub(crate) fn watches(&self) -> Watches {
        self.watches.clone()
    }

    /// Resolves when something changed and things have been quiet since. Never, where nothing can be watched. May be
    /// dropped and asked again.
    pub(crate) async fn changed(&mut self) {
        loop {
            let Some(Noticed { quiet_at, latest }) = self.noticed else {
                self.something().await;
                let now = Instant::now();
                self.noticed = Some(Noticed { quiet_at: now + QUIET, latest: now + PATIENCE });
                continue;
            };
            match timeout_at(quiet_at.min(latest), self.something()).await {
                Ok(()) => self.noticed = Some(Noticed { quiet_at: Instant::now() + QUIET, latest }),
                Err(_) => {
                    self.noticed = None;
                    return;
                }
            }
        }
    }

    /// Resolves with the next change. Cancel safe: what was read has been a change.
    async fn something(&self) {
        let Some(heard) = &self.heard else { return std::future::pending().await };
        loop {
            let Ok(mut ready) = heard.readable().await else { return std::future::pending().await };
            if self.watches.take_events(heard.get_ref()) {
                return;
            }
            ready.clear_ready();
        }
    }
}

impl Watched {
    /// Whether something is to be done about what happened to this entry of a watched folder, or to the folder.
    fn awaits(&self, number: i32, entry: Option<&CStr>) -> bool {
        match (self.narrow.get(&number), entry) {
            (Some(names), Some(entry)) => names.contains(OsStr::from_bytes(entry.to_bytes())),
            _ => true,
        }
    }
}

impl Watches {
    /// For a look that is not to be repeated.
    pub(super) fn none() -> Self {
        Self { descriptor: None, watched: Arc::default() }
    }

    /// Watches a folder from now on; one that is watched already stays so. Blocks as long as its disk does.
    pub(super) fn begin(&self, folder: &Path) -> Watch {
        let number = self.add(folder);
        if let Some(number) = number {
            let mut watched = self.watched();
            watched.narrow.remove(&number);
            watched.folders.insert(number, folder.to_owned());
        }
        Watch(number)
    }

    /// From now on only what happens to these entries of a folder is a change, and what happens to the folder itself.
    pub(super) fn narrow(&self, Watch(number): Watch, entries: BTreeSet<OsString>) {
        if let Some(number) = number {
            self.watched().narrow.insert(number, entries);
        }
    }

    /// Watches a plugins folder, or while it is absent the nearest folder above it, in which it or the way to it will appear.
    /// Blocks as long as their disk does.
    pub(super) fn begin_or_above(&self, folder: &Path) {
        self.begin(folder);
        let Ok(absolute) = std::path::absolute(folder) else { return };
        for (below, above) in absolute.ancestors().zip(absolute.ancestors().skip(1)) {
            if below.is_dir() {
                return;
            }
            let (Some(number), Some(name)) = (self.add(above), below.file_name()) else { continue };
            let mut watched = self.watched();
            // One that is watched for its own sake stays so.
            if watched.narrow.contains_key(&number) || !watched.folders.contains_key(&number) {
                watched.folders.insert(number, above.to_owned());
                watched.narrow.entry(number).or_default().insert(name.to_owned());
            }
        }
    }

    /// Whether a folder is watched, by the name that it had. No look at any path.
    pub(crate) fn has(&self, folder: &Path) -> bool {
        self.descriptor.is_none() || self.watched().folders.values().any(|watched| watched == folder)
    }

    fn add(&self, folder: &Path) -> Option<i32> {
        match inotify::add_watch(self.descriptor.as_ref()?, folder, CHANGES) {
            Ok(number) => return Some(number),
            // Gone since it was listed, or no folder: the scan says what is to be said about it.
            Err(Errno::NOENT | Errno::NOTDIR) => {}
            Err(error) if self.watched().told.insert(folder.to_owned()) => {
                tracing::warn!(path = %folder.display(), %error, "not watched; use `outboard rescan` after a change there");
            }
            Err(_) => {}
        }
        None
    }

    /// Ends the watches of folders that are not `wanted` any more, under the names that they had. No look at any path.
    pub(crate) fn keep_only(&self, wanted: impl Fn(&Path) -> bool) {
        let Some(descriptor) = &self.descriptor else { return };
        let mut watched = self.watched();
        watched.told.retain(|folder| wanted(folder));
        watched.folders.retain(|number, folder| {
            let kept = wanted(folder);
            if !kept {
                // A removed folder took its watch with it.
                let _ = inotify::remove_watch(descriptor, *number);
            }
            kept
        });
        let Watched { folders, narrow, .. } = &mut *watched;
        narrow.retain(|number, _| folders.contains_key(number));
    }

    /// Reads what there is; whether anything of it is a change. An overflow is one: nobody knows what was lost.
    fn take_events(&self, descriptor: &OwnedFd) -> bool {
        let mut room = [MaybeUninit::uninit(); EVENTS];
        let mut reader = inotify::Reader::new(descriptor, &mut room);
        let mut changed = false;
        loop {
            match reader.next() {
                Ok(event) if event.events().contains(ReadFlags::IGNORED) => {
                    self.watched().folders.remove(&event.wd());
                }
                Ok(event) if event.events().contains(ReadFlags::MOVE_SELF) => {
                    // What has that name now is another folder, or will be.
                    self.watched().folders.remove(&event.wd());
                    let _ = inotify::remove_watch(descriptor, event.wd());
                    changed = true;
                }
                Ok(event) => changed |= self.watched().awaits(event.wd(), event.file_name()),
                Err(Errno::INTR) => {}
                Err(_) => return changed,
            }
            if reader.is_buffer_empty() && changed {
                // The rest is found by the next call; a flood must not keep the caller here.
                return true;
            }
        }
    }

    fn watched(&self) -> MutexGuard<'_, Watched> {
        // Every change is one entry, so a panic elsewhere cannot have left it half done.
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[expect(
    deprecated,
    reason = "its successor is unsafe for the sake of types whose descriptor changes; ours is fixed"
)]
fn heard_from(descriptor: Arc<OwnedFd>) -> std::io::Result<AsyncFd<Arc<OwnedFd>>> {
    AsyncFd::with_interest(descriptor, Interest::READABLE)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step fails the test")]
    use std::fs::write;

    use super::*;

    /// Whether something that matters has happened since the last time.
    fn heard(watcher: &Watcher) -> bool {
        let changed = watcher.watches.take_events(watcher.heard.as_ref().unwrap().get_ref());
        while changed && watcher.watches.take_events(watcher.heard.as_ref().unwrap().get_ref()) {}
        changed
    }

    #[tokio::test]
    async fn what_does_not_matter_in_a_folder_is_no_change() {
        let folder = tempfile::tempdir().unwrap();
        let (watcher, path) = (Watcher::new(), folder.path());
        let watch = watcher.watches.begin(path);
        write(path.join("debug.log"), "1").unwrap();
        assert!(heard(&watcher));
        watcher.watches.narrow(watch, ["plugin.json".into()].into());
        write(path.join("debug.log"), "2").unwrap();
        assert!(!heard(&watcher));
        write(path.join("plugin.json"), "{}").unwrap();
        assert!(heard(&watcher));
        watcher.watches.begin(path);
        write(path.join("debug.log"), "3").unwrap();
        assert!(heard(&watcher), "all of it is looked at again");
    }

    #[tokio::test]
    async fn an_absent_folder_is_awaited_in_the_nearest_one_above_it() {
        let folder = tempfile::tempdir().unwrap();
        let (watcher, plugins) = (Watcher::new(), folder.path().join("a/plugins"));
        watcher.watches.begin_or_above(&plugins);
        assert!(!watcher.watches.has(&plugins));
        write(folder.path().join("unrelated"), "").unwrap();
        assert!(!heard(&watcher));
        std::fs::create_dir(folder.path().join("a")).unwrap();
        assert!(heard(&watcher));
        watcher.watches.begin_or_above(&plugins);
        std::fs::create_dir(&plugins).unwrap();
        assert!(heard(&watcher));
        watcher.watches.begin_or_above(&plugins);
        assert!(watcher.watches.has(&plugins));
    }
}
