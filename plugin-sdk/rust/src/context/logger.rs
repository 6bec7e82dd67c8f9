//! `ctx.logger`: structured log records. Never blocks and never fails: records are dropped, and counted, when the host does
//! not keep up.

use std::borrow::Cow;
use std::error::Error;
use std::sync::atomic::Ordering;

use outboard_protocol::context::logger::LogLevel;
use outboard_protocol::methods::Log;
use serde::Serialize;
use serde_json::Value;

use super::namespace;
use crate::failure::{CallError, chain};
use crate::session::Session;
use crate::session::outbox::Urgency;

namespace! {
    /// Structured log records. The tag says which part of the plugin speaks.
    Logger
}

/// Longest message and tag that are sent, in bytes; the host would cut a longer one.
const MESSAGE_MAX: usize = 64 * 1024;

#[derive(Serialize)]
struct Record<'a, X> {
    level: LogLevel,
    tag: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra: Option<X>,
}

impl Logger {
    /// For the plugin's developer.
    pub fn debug(&self, tag: &str, message: impl AsRef<str>) {
        self.log(LogLevel::Debug, tag, message, None::<()>);
    }

    /// What happens in good order.
    pub fn info(&self, tag: &str, message: impl AsRef<str>) {
        self.log(LogLevel::Info, tag, message, None::<()>);
    }

    /// Something is off, and the plugin goes on.
    pub fn warn(&self, tag: &str, message: impl AsRef<str>) {
        self.log(LogLevel::Warn, tag, message, None::<()>);
    }

    /// Something failed.
    pub fn error(&self, tag: &str, message: impl AsRef<str>) {
        self.log(LogLevel::Error, tag, message, None::<()>);
    }

    /// Something failed, and this is why: the error goes along with all its causes.
    pub fn error_from(&self, tag: &str, message: impl AsRef<str>, error: &dyn Error) {
        let extra = serde_json::json!({ "name": "Error", "message": chain(error), "stack": null });
        self.log(LogLevel::Error, tag, message, Some(extra));
    }

    /// One record with anything else as JSON. `extra` that cannot be JSON is replaced by a sentence that says so.
    pub fn log(&self, level: LogLevel, tag: &str, message: impl AsRef<str>, extra: Option<impl Serialize>) {
        record(&self.session, level, tag, message.as_ref(), extra);
    }
}

fn record(session: &Session, level: LogLevel, tag: &str, message: &str, extra: Option<impl Serialize>) {
    admit_losses(session);
    let (tag, message) = (cut(tag), cut(message));
    let sent = send(session, &Record { level, tag: &tag, message: &message, extra });
    let sent = match sent {
        Err(CallError::Unwritable { source, .. }) => {
            let extra = Some(Value::from(format!("(extra cannot be written as JSON: {source})")));
            send(session, &Record { level, tag: &tag, message: &message, extra })
        }
        Err(CallError::TooLarge { size, .. }) => {
            let extra = Some(Value::from(format!("(extra of {size} bytes is too large for a log record)")));
            send(session, &Record { level, tag: &tag, message: &message, extra })
        }
        other => other,
    };
    if sent.is_err() {
        session.lost_logs.fetch_add(1, Ordering::Relaxed);
    }
}

/// Says how many records were lost, once there is room again.
fn admit_losses(session: &Session) {
    let lost = session.lost_logs.swap(0, Ordering::Relaxed);
    if lost == 0 {
        return;
    }
    let message = format!("{lost} log records were dropped: the host did not read fast enough");
    let record = Record { level: LogLevel::Warn, tag: "logger", message: &message, extra: None::<()> };
    if send(session, &record).is_err() {
        session.lost_logs.fetch_add(lost, Ordering::Relaxed);
    }
}

fn send(session: &Session, record: &Record<'_, impl Serialize>) -> Result<(), CallError> {
    session.peer.tell(Urgency::Log, Log::NAME, record)
}

fn cut(text: &str) -> Cow<'_, str> {
    if text.len() <= MESSAGE_MAX {
        return Cow::Borrowed(text);
    }
    let mut end = MESSAGE_MAX;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    Cow::Owned(format!("{}… ({} bytes in all)", &text[..end], text.len()))
}

/// A registration that nobody awaited failed after the start.
pub(super) fn registration_failed(session: &Session, why: &str) {
    record(session, LogLevel::Error, "outboard", why, None::<()>);
}
