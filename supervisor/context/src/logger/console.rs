//! The mirror for people: records as lines of text, on a thread of its own, because a console may stand still.
//!
//! Fed by the writer, which never waits for it: what does not fit is dropped and counted. Must not know files.

use std::fmt;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use outboard_protocol::context::logger::LogLevel;

use super::record::{Line, boundary_below};
use crate::terminal::escape;

/// Lines that may wait for the console; a line is shown up to [`SHOWN_MAX`] bytes.
const LINES_MAX: usize = 1024;

/// Longest text of a line on the console, in bytes: the file has all of it.
const SHOWN_MAX: usize = 2048;

/// How long closing waits for a console that stands still; then its thread is left to the end of the process.
const CLOSE_WAIT: Duration = Duration::from_millis(500);

/// Where and how the mirror writes.
pub struct Console {
    /// Where to: standard error, as a rule.
    pub out: Box<dyn Write + Send>,
    /// The least level that is shown.
    pub level: LogLevel,
    /// Whether levels are coloured: only where `out` is a terminal.
    pub color: bool,
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console")
            .field("level", &self.level)
            .field("color", &self.color)
            .finish_non_exhaustive()
    }
}

pub(super) struct ConsoleThread {
    lines: SyncSender<String>,
    dropped: Arc<AtomicU64>,
    thread: JoinHandle<()>,
    level: LogLevel,
    color: bool,
}

impl ConsoleThread {
    pub(super) fn start(console: Console) -> std::io::Result<Self> {
        let Console { out, level, color } = console;
        let (lines, waiting) = sync_channel(LINES_MAX);
        let dropped = Arc::new(AtomicU64::new(0));
        let thread = std::thread::Builder::new().name("console".to_owned()).spawn({
            let dropped = Arc::clone(&dropped);
            move || run(out, &waiting, &dropped)
        })?;
        Ok(Self { lines, dropped, thread, level, color })
    }

    pub(super) fn show(&self, line: &Line<'_>) {
        if line.level >= self.level && self.lines.try_send(format_line(line, self.color)).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn close(self) {
        let Self { lines, thread, .. } = self;
        drop(lines);
        let until = Instant::now() + CLOSE_WAIT;
        while !thread.is_finished() && Instant::now() < until {
            std::thread::park_timeout(Duration::from_millis(2));
        }
        if thread.is_finished() {
            let _ = thread.join();
        }
    }
}

/// How often a count of dropped lines is told when nothing else is to be shown.
const DROPPED_TOLD: Duration = Duration::from_secs(1);

fn run(mut out: Box<dyn Write + Send>, waiting: &Receiver<String>, dropped: &AtomicU64) {
    loop {
        let mut text = match waiting.recv_timeout(DROPPED_TOLD) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => String::new(),
            Err(RecvTimeoutError::Disconnected) => break,
        };
        while text.len() < SHOWN_MAX * 16
            && let Ok(line) = waiting.try_recv()
        {
            text.push_str(&line);
        }
        tell_dropped(&mut text, dropped);
        // A closed console is nobody's concern; the files have everything.
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }
}

fn tell_dropped(text: &mut String, dropped: &AtomicU64) {
    let count = dropped.swap(0, Ordering::Relaxed);
    if count > 0 {
        text.push_str(&format!(
            "… {count} lines were not shown: the console was too slow. They are in the logs\n"
        ));
    }
}

/// A stack on lines of its own, anything else as it is.
fn append_extra(text: &mut String, extra: &str) {
    #[derive(serde::Deserialize)]
    struct Stack {
        stack: String,
    }
    let Ok(Stack { stack }) = serde_json::from_str(extra) else {
        text.push(' ');
        text.push_str(extra);
        return;
    };
    for frame in stack.lines() {
        text.push_str("\n    ");
        text.push_str(&escape(frame));
    }
}

fn format_line(line: &Line<'_>, color: bool) -> String {
    let clock = line.time.get(11..23).unwrap_or(line.time);
    let (on, off) = match (color, line.level) {
        (false, _) => ("", ""),
        (true, LogLevel::Debug) => ("\x1b[2m", "\x1b[0m"),
        (true, LogLevel::Info) => ("\x1b[32m", "\x1b[0m"),
        (true, LogLevel::Warn) => ("\x1b[33m", "\x1b[0m"),
        (true, LogLevel::Error) => ("\x1b[31m", "\x1b[0m"),
    };
    let whose = line.plugin.map_or("outboard", |id| id.as_str());
    let mut text = format!("{clock} {on}{:<5}{off} {whose}", line.level);
    if !line.tag.is_empty() && line.tag != "outboard" {
        text.push_str(&format!(" [{}]", line.tag));
    }
    text.push(' ');
    text.push_str(&line.message);
    if let Some(extra) = &line.extra {
        append_extra(&mut text, extra.get());
    }
    if text.len() > SHOWN_MAX {
        text.truncate(boundary_below(&text, SHOWN_MAX));
        text.push('…');
    }
    text.push('\n');
    text
}
