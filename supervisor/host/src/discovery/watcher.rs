//! Notices that something changed in the plugin folders. Says only that, once things are quiet; the supervisor then scans.
//!
//! Best effort by nature: where watching is impossible, SIGHUP and `outboard rescan` do the same.

use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

/// A copy of a plugin's folder makes many events. This long after the last one it counts as finished.
const QUIET: Duration = Duration::from_millis(300);
/// Changes that never end do not put off the scan for longer than this.
const PATIENCE: Duration = Duration::from_secs(3);

/// Watches plugin folders, and the folder of each plugin for its manifest.
#[derive(Debug)]
pub(crate) struct Watcher {
    inner: Option<RecommendedWatcher>,
    changed: mpsc::Receiver<()>,
    dirs: Vec<PathBuf>,
    watched: Vec<PathBuf>,
    /// Set while a change waits for quiet. Kept here, so that a dropped wait forgets nothing.
    noticed: Option<Noticed>,
}

#[derive(Debug, Clone, Copy)]
struct Noticed {
    quiet_at: Instant,
    latest: Instant,
}

impl Watcher {
    /// Watches these folders, as far as the system allows.
    pub(crate) fn new(dirs: &[PathBuf]) -> Self {
        // One place: that something changed is all there is to know.
        let (tell, changed) = mpsc::channel(1);
        let inner = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|event| !matches!(event.kind, EventKind::Access(_))) {
                // Full means that it is known already.
                let _ = tell.try_send(());
            }
        });
        let inner = inner
            .inspect_err(
                |error| tracing::warn!(%error, "plugin folders are not watched; use `outboard rescan`"),
            )
            .ok();
        let mut watcher = Self { inner, changed, dirs: dirs.to_vec(), watched: Vec::new(), noticed: None };
        watcher.renew();
        watcher
    }

    /// Watches what is there now: each plugins folder and each folder in it.
    pub(crate) fn renew(&mut self) {
        let Some(inner) = self.inner.as_mut() else { return };
        let present = |path: &Path| {
            let below = std::fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
            std::iter::once(path.to_owned()).chain(below.filter(|path| path.is_dir())).collect::<Vec<_>>()
        };
        let now: Vec<PathBuf> =
            self.dirs.iter().filter(|dir| dir.is_dir()).flat_map(|dir| present(dir)).collect();
        for gone in self.watched.iter().filter(|path| !now.contains(path)) {
            // A removed folder took its watch with it.
            let _ = inner.unwatch(gone);
        }
        // Watched ones too: a folder that was replaced has its old name and no watch any more.
        for path in &now {
            if let Err(error) = inner.watch(path, RecursiveMode::NonRecursive) {
                tracing::warn!(path = %path.display(), %error, "not watched; use `outboard rescan` after a change there");
            }
        }
        self.watched = now;
    }

    /// Resolves when something changed and things have been quiet since. Never, where nothing can be watched. May be
    /// dropped and asked again.
    pub(crate) async fn changed(&mut self) {
        loop {
            let Some(Noticed { quiet_at, latest }) = self.noticed else {
                if self.changed.recv().await.is_none() {
                    return std::future::pending().await;
                }
                let now = Instant::now();
                self.noticed = Some(Noticed { quiet_at: now + QUIET, latest: now + PATIENCE });
                continue;
            };
            match timeout_at(quiet_at.min(latest), self.changed.recv()).await {
                Ok(Some(())) => self.noticed = Some(Noticed { quiet_at: Instant::now() + QUIET, latest }),
                Ok(None) | Err(_) => {
                    self.noticed = None;
                    return;
                }
            }
        }
    }
}
