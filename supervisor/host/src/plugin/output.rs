//! What a plugin prints: lines become log records, and the last ones of standard error are kept for the diagnosis.
//!
//! One task a stream, so that a plugin's pipe is always drained, whatever else is going on.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use outboard_context::NewRecord;
use outboard_protocol::PluginId;
use outboard_protocol::context::logger::LogLevel;
use outboard_protocol::control::LogSource;
use outboard_protocol::wire::frame::{Decoder, Frame};
use tokio::io::AsyncRead;
use tokio::sync::watch;
use tokio::time::timeout;

use super::advice::Noise;
use super::context::PluginContext;
use crate::scratch;
use crate::session::NoiseSink;

/// Longest line that becomes one record, in bytes. Of a longer one the beginning is kept.
const LINE_MAX: usize = 16 * 1024;
/// Lines of standard error that a diagnosis shows.
const TAIL_LINES: usize = 50;
/// Longest line in a diagnosis, in characters.
const TAIL_LINE_MAX: usize = 500;
/// After the process has gone: how long the pipe must be silent to count as read to its end. Someone else may hold it open.
const SILENCE: Duration = Duration::from_millis(20);

/// Where the lines of one generation go.
#[derive(Clone)]
pub(super) struct Printer {
    context: Arc<dyn PluginContext>,
    plugin: PluginId,
    generation: u64,
    tail: Arc<Mutex<VecDeque<String>>>,
    noise: Arc<Mutex<Noise>>,
}

impl Printer {
    pub(super) fn new(context: Arc<dyn PluginContext>, plugin: PluginId, generation: u64) -> Self {
        Self { context, plugin, generation, tail: Arc::default(), noise: Arc::default() }
    }

    /// The last lines of standard error, oldest first.
    pub(super) fn tail(&self) -> Vec<String> {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// What stood on standard output and was not a message.
    pub(super) fn noise(&self) -> Noise {
        self.noise.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn record(&self, level: LogLevel, source: LogSource, tag: &str, message: String) {
        self.context.log(NewRecord {
            level,
            plugin: Some(self.plugin.clone()),
            generation: self.generation,
            source,
            tag: tag.to_owned(),
            message,
            extra: None,
        });
    }

    fn print(&self, source: LogSource, line: &[u8]) {
        let text = String::from_utf8_lossy(line);
        if source == LogSource::Stderr {
            let mut tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
            if tail.len() == TAIL_LINES {
                tail.pop_front();
            }
            let whole = text.len() <= TAIL_LINE_MAX;
            tail.push_back(if whole { text.to_string() } else { text.chars().take(TAIL_LINE_MAX).collect() });
        }
        let tag = if source == LogSource::Stderr { "stderr" } else { "stdout" };
        self.record(LogLevel::Info, source, tag, text.into_owned());
    }
}

impl NoiseSink for Printer {
    fn line(&self, line: &[u8]) {
        let shown = &line[..line.len().min(LINE_MAX)];
        self.noise.lock().unwrap_or_else(PoisonError::into_inner).note(shown);
        self.print(LogSource::Stdout, shown);
    }

    fn remark(&self, remark: &str) {
        self.record(LogLevel::Warn, LogSource::Supervisor, "protocol", remark.to_owned());
    }
}

/// Reads one stream to its end. Once `finish` says that the process has gone, to what it left in the pipe.
pub(super) async fn drain<R: AsyncRead + Unpin>(
    mut stream: R,
    source: LogSource,
    printer: Printer,
    mut finish: watch::Receiver<bool>,
) {
    let mut decoder = Decoder::verbatim(LINE_MAX);
    tokio::select! {
        biased;
        () = read_on(&mut stream, &mut decoder, source, &printer, None) => {}
        () = gone(&mut finish) => {
            read_on(&mut stream, &mut decoder, source, &printer, Some(SILENCE)).await;
        }
    }
    let rest = decoder.remainder();
    if !rest.is_empty() {
        printer.print(source, rest);
    }
}

async fn gone(finish: &mut watch::Receiver<bool>) {
    // An error means that whoever would say so is gone as well.
    let _ = finish.wait_for(|finish| *finish).await;
}

async fn read_on<R: AsyncRead + Unpin>(
    stream: &mut R,
    decoder: &mut Decoder,
    source: LogSource,
    printer: &Printer,
    patience: Option<Duration>,
) {
    loop {
        let read = scratch::read(stream, decoder);
        let read = match patience {
            None => read.await.unwrap_or(0),
            Some(silence) => timeout(silence, read).await.map_or(0, |read| read.unwrap_or(0)),
        };
        if read == 0 {
            return;
        }
        while let Some(frame) = decoder.next_frame() {
            match frame {
                Frame::Line(line) => printer.print(source, line),
                Frame::Oversized(beginning) => {
                    printer.print(source, &[beginning, "… (cut)".as_bytes()].concat());
                }
                Frame::Skipped(_) => {}
            }
        }
    }
}
