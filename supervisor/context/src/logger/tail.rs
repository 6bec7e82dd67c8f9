//! The latest records of some sources, merged by time, read from the end of their files.
//!
//! Called by [`super::Logs`] with the files that the writer has found. Reads on a thread where waiting is allowed.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use outboard_protocol::context::logger::LogLevel;
use outboard_protocol::control::LogRecord;
use outboard_protocol::{ErrorReason, RpcError};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::backwards::Backwards;
use super::file::Place;
use super::filter::Filter;
use super::record::{Line, NewRecord, time_text};

/// How long a reader waits until the writer has written what was recorded before.
pub(super) const SYNC_WAIT: Duration = Duration::from_secs(5);

/// Most bytes of lines that are returned at once: an answer must fit a frame.
const BYTES_MAX: usize = 4 * 1024 * 1024;

/// The files of the wanted sources at one moment.
pub(super) struct Snapshot {
    pub(super) sources: Vec<SourceFiles>,
}

/// One source's files, latest first, and the record that is next from the end.
pub(super) struct SourceFiles {
    older: VecDeque<Place>,
    reading: Option<Backwards>,
    /// What could not be read, a sentence each.
    unread: Vec<String>,
}

impl SourceFiles {
    pub(super) fn new(files: Vec<Place>) -> Self {
        Self { older: files.into(), reading: None, unread: Vec::new() }
    }

    /// The latest record that was not returned yet and that is wanted, with the length of its line.
    fn previous(&mut self, filter: &Filter) -> Option<(LogRecord, usize)> {
        loop {
            let reading = match &mut self.reading {
                Some(reading) => reading,
                None => self.reading.insert(Backwards::new(self.older.pop_front()?)),
            };
            let line = match reading.next_line() {
                Ok(Some(line)) => line,
                Ok(None) => {
                    self.reading = None;
                    continue;
                }
                Err(why) => {
                    self.unread.push(why);
                    self.reading = None;
                    continue;
                }
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
    records.extend(missing(&sources));
    records.into()
}

/// What the reader has to know last: that something is missing above.
fn missing(sources: &[SourceFiles]) -> Option<LogRecord> {
    let mut unread = sources.iter().flat_map(|source| &source.unread);
    let first = unread.next()?;
    let others = match unread.count() {
        0 => String::new(),
        others => format!(" (and {others} more files)"),
    };
    let what = format!("records are missing here: {first}{others}");
    let record = NewRecord::supervisor(LogLevel::Warn, what);
    Some(Line::new(&record, &time_text(Timestamp::now())).to_record())
}

fn time_of(head: &Option<(LogRecord, usize)>) -> &str {
    head.as_ref().map_or("", |(record, _)| record.time.as_str())
}
