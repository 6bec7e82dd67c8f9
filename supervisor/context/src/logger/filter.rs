//! Which records a reader wants.
//!
//! Used for files and for live records alike, so that both mean the same. Must not know where a record came from.

use jiff::Timestamp;
use outboard_protocol::control::{LogRecord, LogsParams};
use outboard_protocol::{ErrorReason, RpcError};

use super::record::time_text;

/// Records that are returned at once at most.
const LINES_MAX: u32 = 10_000;

/// Records that are returned when nobody says how many.
const LINES_DEFAULT: u32 = 200;

pub(super) struct Filter {
    wanted: LogsParams,
    since: Option<String>,
    until: Option<String>,
}

impl Filter {
    pub(super) fn new(wanted: LogsParams) -> Result<Self, RpcError> {
        let since = wanted.since.as_deref().map(|text| read_time("since", text)).transpose()?;
        let until = wanted.until.as_deref().map(|text| read_time("until", text)).transpose()?;
        Ok(Self { wanted, since, until })
    }

    pub(super) fn lines(&self) -> usize {
        self.wanted.lines.unwrap_or(LINES_DEFAULT).min(LINES_MAX) as usize
    }

    /// Whether the source's files have to be read at all.
    pub(super) fn wants_source(&self, plugin: Option<&str>) -> bool {
        self.wanted.id.as_ref().is_none_or(|id| plugin == Some(id.as_str()))
    }

    /// Whether the record is older than what is wanted; files are in the order of time.
    pub(super) fn is_too_old(&self, record: &LogRecord) -> bool {
        self.since.as_ref().is_some_and(|since| record.time < *since)
    }

    pub(super) fn wants(&self, record: &LogRecord) -> bool {
        let LogsParams { level, tag, contains, .. } = &self.wanted;
        self.wants_source(record.plugin.as_deref())
            && level.is_none_or(|level| record.level >= level)
            && tag.as_ref().is_none_or(|tag| record.tag == *tag)
            && contains.as_ref().is_none_or(|text| record.message.contains(text.as_str()))
            && self.until.as_ref().is_none_or(|until| record.time <= *until)
            && !self.is_too_old(record)
    }
}

fn read_time(name: &str, text: &str) -> Result<String, RpcError> {
    let time: Timestamp = text.parse().map_err(|_| {
        let what = format!("{name}: {text:?} is not a time; use RFC 3339, such as 2026-01-31T12:00:00Z");
        RpcError::new(ErrorReason::InvalidParams, what)
    })?;
    Ok(time_text(time))
}
