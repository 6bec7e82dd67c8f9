//! A log record on its way to the file: cut to size, made harmless, and written as one line of JSON.
//!
//! Used by the inbox (cutting, before anything is queued) and by the writer (the line). Must not know files.

use std::borrow::Cow;
use std::fmt::Write as _;

use jiff::Timestamp;
use outboard_protocol::PluginId;
use outboard_protocol::context::logger::LogLevel;
use outboard_protocol::control::{LogRecord, LogSource};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::terminal::{escape, escape_json};

/// Longest tag that is kept, in bytes.
pub const TAG_MAX: usize = 128;
/// Longest message that is kept, in bytes.
pub const MESSAGE_MAX: usize = 32 * 1024;
/// Longest extra that is kept, in bytes of JSON text.
pub const EXTRA_MAX: usize = 64 * 1024;
/// What is kept of an extra that is longer, in bytes.
const EXTRA_KEPT: usize = 1024;

/// Whose records: a plugin's, or the supervisor's own.
pub(super) type Source = Option<PluginId>;

/// A record that is to be kept.
#[derive(Debug)]
pub struct NewRecord {
    /// How much it matters.
    pub level: LogLevel,
    /// Whose it is; `None`: the supervisor's own.
    pub plugin: Option<PluginId>,
    /// Which process of the plugin; 0 where there is none.
    pub generation: u64,
    /// Where it came from.
    pub source: LogSource,
    /// Which part speaks; cut at [`TAG_MAX`].
    pub tag: String,
    /// What it says; cut at [`MESSAGE_MAX`].
    pub message: String,
    /// Anything else; beyond [`EXTRA_MAX`] only its beginning is kept.
    pub extra: Option<Box<RawValue>>,
}

impl NewRecord {
    /// What the supervisor says about a plugin.
    pub fn about(id: &PluginId, generation: u64, level: LogLevel, message: String) -> Self {
        Self { plugin: Some(id.clone()), generation, ..Self::supervisor(level, message) }
    }

    /// What the supervisor says about itself.
    pub fn supervisor(level: LogLevel, message: String) -> Self {
        Self {
            level,
            plugin: None,
            generation: 0,
            source: LogSource::Supervisor,
            tag: "outboard".to_owned(),
            message,
            extra: None,
        }
    }

    /// About how much memory it takes.
    pub(super) fn weight(&self) -> usize {
        const OVERHEAD: usize = 128;
        OVERHEAD
            + self.tag.len()
            + self.message.len()
            + self.extra.as_ref().map_or(0, |extra| extra.get().len())
    }

    /// Cuts what is too long, with a mark that says how long it was.
    pub(super) fn cut(&mut self) {
        cut(&mut self.tag, TAG_MAX);
        cut(&mut self.message, MESSAGE_MAX);
        if let Some(extra) = self.extra.take_if(|extra| extra.get().len() > EXTRA_MAX) {
            let mut start = extra.get().to_owned();
            cut(&mut start, EXTRA_KEPT);
            self.extra = Some(crate::reply::to_raw(&Cut { cut: start }));
        }
    }
}

/// What stands in the place of an extra that was too long.
#[derive(Serialize)]
struct Cut {
    cut: String,
}

fn cut(text: &mut String, max: usize) {
    if text.len() > max {
        let whole = text.len();
        text.truncate(boundary_below(text, max));
        let _ = write!(text, "… [cut, {whole} bytes in all]");
        text.shrink_to_fit();
    }
}

/// The last place at or before `at` where the text can be cut.
pub(super) fn boundary_below(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// A record as it is written: harmless, with its time.
#[derive(Serialize)]
pub(super) struct Line<'a> {
    pub(super) time: &'a str,
    pub(super) level: LogLevel,
    pub(super) plugin: Option<&'a PluginId>,
    pub(super) generation: u64,
    pub(super) source: LogSource,
    pub(super) tag: Cow<'a, str>,
    pub(super) message: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) extra: Option<Cow<'a, RawValue>>,
}

impl<'a> Line<'a> {
    pub(super) fn new(record: &'a NewRecord, time: &'a str) -> Self {
        Self {
            time,
            level: record.level,
            plugin: record.plugin.as_ref(),
            generation: record.generation,
            source: record.source,
            tag: escape(&record.tag),
            message: escape(&record.message),
            extra: record.extra.as_deref().map(harmless_json),
        }
    }

    /// Appends it as one line.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        serde_json::to_writer(&mut *out, self)
            .expect("INVARIANT: a line holds names, text and JSON only, and memory does not refuse writes");
        out.push(b'\n');
    }

    /// The same as subscribers get it.
    pub(super) fn to_record(&self) -> LogRecord {
        LogRecord {
            time: self.time.to_owned(),
            level: self.level,
            plugin: self.plugin.map(|id| id.as_str().to_owned()),
            generation: self.generation,
            source: self.source,
            tag: self.tag.clone().into_owned(),
            message: self.message.clone().into_owned(),
            extra: self.extra.as_ref().and_then(|extra| serde_json::from_str(extra.get()).ok()),
        }
    }
}

/// The moment as it stands in the files: always UTC, always three digits, so that text compares as time does.
pub(super) fn time_text(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// Moments as text, one after the other: within a second only the last digits change.
#[derive(Default)]
pub(super) struct Clock {
    second: i64,
    text: String,
}

impl Clock {
    /// As [`time_text`].
    pub(super) fn text(&mut self, time: Timestamp) -> &str {
        if self.text.is_empty() || self.second != time.as_second() {
            (self.second, self.text) = (time.as_second(), time_text(time));
        } else {
            const MILLISECONDS: usize = "2026-01-31T12:00:00.".len();
            self.text.truncate(MILLISECONDS);
            // Writing to a string cannot fail.
            let _ = write!(self.text, "{:03}Z", time.subsec_millisecond());
        }
        &self.text
    }
}

/// JSON text that can be read back and shown anywhere. Its strings keep their content: harmful characters become JSON's own escapes.
fn harmless_json(extra: &RawValue) -> Cow<'_, RawValue> {
    let text = extra.get();
    let readable = serde_json::from_str::<Value>(text).is_ok();
    if readable && text.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        return Cow::Borrowed(extra);
    }
    if !readable {
        // Half a surrogate pair, or a number beyond all range: kept as text.
        return Cow::Owned(crate::reply::to_raw(&escape(text)));
    }
    // White space between tokens: a record is one line.
    let out = escape_json(text).replace(['\n', '\r', '\t'], " ");
    match RawValue::from_string(out) {
        Ok(raw) => Cow::Owned(raw),
        Err(_) => Cow::Owned(crate::reply::to_raw(&escape(text))),
    }
}
