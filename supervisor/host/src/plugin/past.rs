//! A plugin's past as text: what of its failures the next supervisor has to know, with the last end for `outboard why`.
//!
//! Written by the actor, read by the supervisor before it starts a plugin that it has not known yet. Must not know where the
//! text is kept.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use jiff::Timestamp;
use outboard_lifecycle::{Cause, Past};
use outboard_protocol::control::ExitRecord;
use serde::{Deserialize, Serialize};

use super::history::History;
use crate::discovery::Installed;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    /// Of the manifest and the program that all of this is about.
    installed: u64,
    cause: Option<String>,
    diagnosis: Option<String>,
    in_a_row: u32,
    /// When each unexpected end was, in milliseconds since 1970.
    ends: Vec<i64>,
    restarts: u32,
    /// What the folder was like when it was started last.
    started_on: Option<u64>,
    last: Option<ExitRecord>,
}

/// What tells one past from the next. Ages grow by themselves, so they do not count.
pub(super) type Mark = (Option<Cause>, u32, usize, u32);

pub(super) fn mark(past: &Past) -> Mark {
    (past.errored.as_ref().map(|(cause, _)| *cause), past.in_a_row, past.ends.len(), past.restarts)
}

/// The text of a past; none of one in which nothing went wrong.
pub(super) fn text(past: Past, history: &History, installed: &Installed) -> Option<String> {
    if past == Past::default() {
        return None;
    }
    let now = Timestamp::now().as_millisecond();
    let ago = |age: &Duration| now.saturating_sub(i64::try_from(age.as_millis()).unwrap_or(i64::MAX));
    let (cause, diagnosis) = past.errored.unzip();
    let kept = Kept {
        installed: digest(installed),
        cause: cause.map(|cause| cause.name().to_owned()),
        diagnosis,
        in_a_row: past.in_a_row,
        ends: past.ends.iter().map(ago).collect(),
        restarts: past.restarts,
        started_on: history.started_on,
        last: history.latest_first().into_iter().next(),
    };
    serde_json::to_string(&kept).ok()
}

/// What a text says of this very plugin. None for another version, another manifest or another program: that is a new beginning.
pub(crate) fn recall(text: &str, installed: &Installed) -> Option<(Past, History)> {
    let kept: Kept = serde_json::from_str(text).ok()?;
    if kept.installed != digest(installed) {
        return None;
    }
    let now = Timestamp::now().as_millisecond();
    let age = |then: i64| Duration::from_millis(u64::try_from(now.saturating_sub(then)).unwrap_or(0));
    let past = Past {
        errored: kept.cause.as_deref().and_then(Cause::named).zip(kept.diagnosis),
        in_a_row: kept.in_a_row,
        ends: kept.ends.into_iter().map(age).collect(),
        restarts: kept.restarts,
    };
    let mut history = History::default();
    history.started_on = kept.started_on;
    if let Some(last) = kept.last {
        history.push(last);
    }
    Some((past, history))
}

/// Another build of ours may give another number, which is taken for a changed manifest and costs nothing but a start.
fn digest(installed: &Installed) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&installed.text, &installed.folder, format!("{:?}", installed.program)).hash(&mut hasher);
    hasher.finish()
}
