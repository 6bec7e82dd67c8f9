//! The scan that is under way, who waits for it, and what makes another one due.
//!
//! Owned by the supervisor task, which goes on with everything else meanwhile: a scan may hang for as long as a disk does, and
//! stopping does not wait for it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use outboard_files::looks_of_scans;
use outboard_protocol::control::RescanReport;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::scan::{Eyes, Told, scan};
use super::watcher::{Watcher, Watches};

/// Parts of a scan that may wait to be taken: it tells two at the most.
const PARTS: usize = 2;

/// Whoever asked for a scan and waits for its report.
type Asker = oneshot::Sender<RescanReport>;

/// Scans, one at a time.
#[derive(Debug)]
pub(crate) struct Scanning {
    dirs: Vec<PathBuf>,
    watcher: Watcher,
    under_way: Option<UnderWay>,
    /// Those who asked while one was under way: they are answered by the next.
    for_the_next: Option<Vec<Asker>>,
    /// Something did not answer the last time: that it does is as good as a change.
    misses_something: bool,
}

#[derive(Debug)]
struct UnderWay {
    task: JoinHandle<()>,
    told: mpsc::Receiver<Told>,
    askers: Vec<Asker>,
    report: RescanReport,
}

/// What there is to do about scans.
#[derive(Debug)]
pub(crate) enum Next {
    /// The next part of the scan that is under way; none when it failed.
    Told(Option<Told>),
    /// Another scan is due: something changed, or answers at last.
    Due,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Scanning {
    /// Nothing is under way yet.
    pub(crate) fn new(dirs: Vec<PathBuf>) -> Self {
        let watcher = Watcher::new();
        Self { dirs, watcher, under_way: None, for_the_next: None, misses_something: false }
    }

    /// The folders that are looked through.
    pub(crate) fn dirs(&self) -> &[PathBuf] {
        &self.dirs
    }

    /// What is watched.
    pub(crate) fn watches(&self) -> Watches {
        self.watcher.watches()
    }

    /// Begins a scan, or sees to it that another one follows the one that is under way, which may have read already what
    /// changed since. `closely` are the folders of plugins that were given up.
    pub(crate) fn begin(&mut self, asker: Option<Asker>, closely: BTreeSet<PathBuf>) {
        if self.under_way.is_some() {
            self.for_the_next.get_or_insert_default().extend(asker);
            return;
        }
        let (tell, told) = mpsc::channel(PARTS);
        let eyes = Eyes { watches: self.watcher.watches(), closely: Arc::new(closely) };
        let task = tokio::spawn(scan(self.dirs.clone(), eyes, tell));
        let askers = asker.into_iter().collect();
        self.under_way = Some(UnderWay { task, told, askers, report: RescanReport::default() });
    }

    /// What comes next. Cancel safe.
    pub(crate) async fn next(&mut self) -> Next {
        let Self { watcher, under_way, misses_something, .. } = self;
        let part = async {
            match under_way {
                Some(scan) => scan.told.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            told = part => Next::Told(told),
            () = watcher.changed() => Next::Due,
            () = looks_of_scans().came_back(), if *misses_something => Next::Due,
        }
    }

    /// What has come of this scan so far, to be added to.
    pub(crate) fn report(&mut self) -> Option<&mut RescanReport> {
        self.under_way.as_mut().map(|scan| &mut scan.report)
    }

    /// The scan is over: its askers are answered, and one that was asked for meanwhile begins.
    pub(crate) fn end(&mut self, misses_something: bool, closely: BTreeSet<PathBuf>) {
        self.misses_something = misses_something;
        if let Some(mut scan) = self.under_way.take() {
            for asker in std::mem::take(&mut scan.askers) {
                // Whoever asked may be gone; the scan counts all the same.
                let _ = asker.send(scan.report.clone());
            }
        }
        if let Some(askers) = self.for_the_next.take() {
            self.begin(None, closely);
            if let Some(scan) = &mut self.under_way {
                scan.askers = askers;
            }
        }
    }
}
