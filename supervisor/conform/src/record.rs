//! All that a plugin said in one conversation, in order, and the questions that cases ask about it.
//!
//! Written by [`crate::conversation`], read by the cases. Must not know what the plugin was expected to say.

use outboard_protocol::wire::FRAME_MAX;
use outboard_protocol::wire::frame::Frame;
use outboard_protocol::wire::message::{self, NotAMessage};
use serde_json::Value;

/// Lines that are kept of one conversation. No case makes a well-behaved plugin say a tenth of it.
pub(crate) const LINES_MAX: usize = 20_000;
/// Bytes of them: two of the largest frames. As trees they take some ten times as much memory.
pub(crate) const BYTES_MAX: usize = 2 * FRAME_MAX;
/// How much of a line a finding shows.
const SHOWN: usize = 160;
/// How much of the log is kept: enough to find a secret that is written at every start.
const LOG_MAX: usize = 256 * 1024;

/// One thing in the order in which it happened.
#[derive(Debug, Clone)]
pub(crate) enum Entry {
    /// The host has sent `initialize`.
    Initialize,
    /// A message of the plugin.
    Message(Value),
    /// A line that means to be a message and is none, and why.
    Broken(String, String),
    /// A line that is not a message at all.
    Noise(String),
    /// A line over the limit.
    Oversized,
}

impl Entry {
    /// What a line is, and how many bytes it has; one over the limit is not kept, and its end says nothing new.
    pub(crate) fn heard(frame: &Frame<'_>) -> Option<(Self, usize)> {
        match frame {
            Frame::Oversized(_) => Some((Entry::Oversized, 0)),
            Frame::Line(line) => Some((Self::of(line), line.len())),
            Frame::Skipped(_) => None,
        }
    }

    fn of(line: &[u8]) -> Self {
        match message::parse(line) {
            Ok(_) => match serde_json::from_slice(line) {
                Ok(value) => Entry::Message(value),
                Err(error) => Entry::Broken(shown(line), error.to_string()),
            },
            Err(NotAMessage::Noise) => Entry::Noise(shown(line)),
            Err(NotAMessage::Broken(why)) => Entry::Broken(shown(line), why.message),
        }
    }
}

fn shown(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let short: String = text.chars().take(SHOWN).collect();
    if short.len() < text.len() { format!("{short}…") } else { short }
}

/// A conversation.
#[derive(Debug, Clone, Default)]
pub(crate) struct Record {
    pub(crate) entries: Vec<Entry>,
    /// Bytes of the lines that they came in.
    pub(crate) bytes: usize,
    /// The plugin's end of the wire is closed.
    pub(crate) ended: bool,
    /// What stood after the last line end when it was.
    pub(crate) remainder: Option<String>,
    /// Standard error, and whatever else became log.
    pub(crate) log: String,
    /// The channels that the plugin handles.
    pub(crate) channels: Vec<String>,
    /// The prefixes that the plugin serves.
    pub(crate) prefixes: Vec<String>,
    /// Context calls that were not answered yet, by order of the case.
    pub(crate) held: usize,
}

impl Record {
    /// Whether more was said than is kept.
    pub(crate) fn is_full(&self) -> bool {
        self.entries.len() >= LINES_MAX || self.bytes >= BYTES_MAX
    }

    pub(crate) fn log(&mut self, bytes: &[u8]) {
        if self.log.len() < LOG_MAX {
            self.log.push_str(&String::from_utf8_lossy(bytes));
        }
    }

    /// The messages.
    pub(crate) fn messages(&self) -> impl Iterator<Item = &Value> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Message(message) => Some(message),
            _ => None,
        })
    }

    /// Calls and notifications of the plugin.
    pub(crate) fn calls(&self) -> impl Iterator<Item = &Value> {
        self.messages().filter(|message| message.get("method").is_some())
    }

    /// Answers of the plugin.
    pub(crate) fn answers(&self) -> impl Iterator<Item = &Value> {
        self.messages().filter(|message| message.get("method").is_none())
    }

    /// The answers with this id, as JSON.
    pub(crate) fn answers_to<'a>(&'a self, id: &Value) -> impl Iterator<Item = &'a Value> {
        self.answers().filter(move |answer| answer.get("id") == Some(id))
    }

    /// The first answer with this id.
    pub(crate) fn answer<'a>(&'a self, id: &Value) -> Option<&'a Value> {
        self.answers_to(id).next()
    }
}
