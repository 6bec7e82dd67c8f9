//! A log record as a line for people.

use outboard_context::terminal::escape_json;
use outboard_protocol::context::logger::LogLevel;
use outboard_protocol::control::{LogRecord, LogSource};
use serde_json::Value;

use super::{Screen, Style};
use crate::tame::tame;

/// Whose the supervisor's own records are.
const OUR_NAME: &str = "outboard";

/// One record; a stack trace follows on lines of its own.
pub(crate) fn log_line(screen: &Screen, record: &LogRecord) -> String {
    let level = format!("{:<5}", record.level.word().to_uppercase());
    let whose = record.plugin.as_deref().unwrap_or(OUR_NAME);
    let tag = match (record.tag.as_str(), record.source) {
        ("", LogSource::Stdout) => " (stdout)".to_owned(),
        ("", LogSource::Stderr) => " (stderr)".to_owned(),
        ("", _) => String::new(),
        (tag, _) => format!(" [{}]", tame(tag)),
    };
    let mut line = format!(
        "{} {} {}{} {}",
        screen.paint(Style::Dim, &tame(&record.time)),
        screen.paint(style(record.level), &level),
        screen.paint(Style::Bold, &tame(whose)),
        tag,
        tame(&record.message),
    );
    append_extra(&mut line, record.extra.as_ref());
    line
}

const fn style(level: LogLevel) -> Style {
    match level {
        LogLevel::Debug => Style::Dim,
        LogLevel::Info => Style::Good,
        LogLevel::Warn => Style::Off,
        LogLevel::Error => Style::Bad,
    }
}

fn append_extra(line: &mut String, extra: Option<&Value>) {
    let Some(extra) = extra else { return };
    match extra.get("stack").and_then(Value::as_str) {
        Some(stack) => stack.lines().for_each(|frame| {
            line.push_str("\n    ");
            line.push_str(&tame(frame));
        }),
        None => {
            line.push(' ');
            line.push_str(&escape_json(&extra.to_string()));
        }
    }
}
