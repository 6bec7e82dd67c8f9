//! The latest records of some sources, merged by time, read from the end of their files.
//!
//! Called by [`super::Logs`] with the files that the writer has opened. Reads on a thread where waiting is allowed.

use std::collections::VecDeque;
use std::fs::File;
use std::sync::Arc;

use outboard_protocol::control::LogRecord;
use outboard_protocol::{ErrorReason, RpcError};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::SYNC_WAIT;
use super::backwards::Backwards;
use super::filter::Filter;

/// Most bytes of lines that are returned at once: an answer must fit a frame.
const BYTES_MAX: usize = 4 * 1024 * 1024;

/// The files of the wanted sources at one moment.
pub(super) struct Snapshot {
    pub(super) sources: Vec<SourceFiles>,
}

/// One source's files, latest first, and the record that is next from the end.
pub(super) struct SourceFiles {
    older: VecDeque<(File, u64)>,
    reading: Option<Backwards>,
}

impl SourceFiles {
    pub(super) fn new(files: Vec<(File, u64)>) -> Self {
        Self { older: files.into(), reading: None }
    }

    /// The latest record that was not returned yet and that is wanted, with the length of its line.
    fn previous(&mut self, filter: &Filter) -> Option<(LogRecord, usize)> {
        loop {
            let reading = match &mut self.reading {
                Some(reading) => reading,
                None => {
                    let (file, size) = self.older.pop_front()?;
                    self.reading.insert(Backwards::new(file, size))
                }
            };
            let Ok(Some(line)) = reading.next_line() else {
                self.reading = None;
                continue;
            };
            let Ok(record) = serde_json::from_slice::<LogRecord>(&line) else { continue };
            if filter.wants(&record) {
                return Some((record, line.len()));
            }
            if filter.is_too_old(&record) {
                self.older.clear();
                return None;
            }
        }
    }
}

/// Waits for the snapshot and reads it.
pub(super) async fn read(
    filter: Arc<Filter>,
    snapshot: oneshot::Receiver<Snapshot>,
) -> Result<Vec<LogRecord>, RpcError> {
    let late = || RpcError::new(ErrorReason::Timeout, "the logs cannot be read: the disk does not answer");
    let snapshot = timeout(SYNC_WAIT, snapshot).await.map_err(|_| late())?.map_err(|_| {
        RpcError::new(ErrorReason::ShuttingDown, "the logs are closed: the supervisor is stopping")
    })?;
    let reading = tokio::task::spawn_blocking(move || merge(&filter, snapshot));
    timeout(SYNC_WAIT, reading).await.map_err(|_| late())?.map_err(|_| late())
}

fn merge(filter: &Filter, snapshot: Snapshot) -> Vec<LogRecord> {
    let mut sources: Vec<_> = snapshot.sources;
    let mut heads: Vec<_> = sources.iter_mut().map(|source| source.previous(filter)).collect();
    let (mut records, mut bytes) = (VecDeque::new(), 0);
    while records.len() < filter.lines() {
        let latest = (0..heads.len())
            .filter(|at| heads[*at].is_some())
            .max_by(|a, b| time_of(&heads[*a]).cmp(time_of(&heads[*b])));
        let Some(at) = latest else { break };
        let Some((record, size)) = std::mem::replace(&mut heads[at], sources[at].previous(filter)) else {
            break;
        };
        bytes += size;
        if bytes > BYTES_MAX && !records.is_empty() {
            break;
        }
        records.push_front(record);
    }
    records.into()
}

fn time_of(head: &Option<(LogRecord, usize)>) -> &str {
    head.as_ref().map_or("", |(record, _)| record.time.as_str())
}
