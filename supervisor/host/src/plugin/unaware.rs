//! Speaks the protocol on behalf of a program that does not: an unmodified web server, `"run": {"protocol": "none"}`.
//!
//! A generation of such a plugin gives this to its session in place of the program's pipes, so that everybody else knows
//! one kind of plugin only: `start` is answered when the server can be reached, `ping` when it is in good health, and
//! `stop` is SIGTERM, which the end of the process answers: a second SIGTERM makes many servers drop what is under way. It must not know states or deadlines: whoever waits too long for an answer gives up by himself.

use std::sync::Arc;
use std::time::Duration;

use outboard_protocol::error::{ErrorReason, RpcError};
use outboard_protocol::handshake::{Empty, Hook, InitializeResult, features};
use outboard_protocol::version;
use outboard_protocol::wire::FRAME_MAX;
use outboard_protocol::wire::frame::{Decoder, Frame};
use outboard_protocol::wire::message::{self, Message};
use serde::Serialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::reach::{NoWay, Reach};
use crate::process::shortage;
use crate::session::NoiseSink;

/// Bytes under way between a session and this, each way: a few frames, none of which is large.
pub(super) const WIRE_BUFFER: usize = 64 * 1024;
/// How long one look at the server may take. Shorter than the time between two pings, so that looks do not pile up.
const LOOK_LIMIT: Duration = Duration::from_secs(2);
/// Between two looks while the server starts.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Looks in a row that must find somebody else's listener before that is believed. One may fall between two of its own, as
/// when a parent binds and a child serves, or a worker is replaced.
const FOREIGN_LOOKS: u32 = 5;
/// The beginning of an answer that tells how it is: `HTTP/1.1 200`.
const STATUS_LINE: usize = 12;
/// How much of the rest of an answer is read, so that the server can say all that it has to say: one whose client has gone
/// before that logs an error.
const REST_MAX: u64 = 1024 * 1024;
/// How long the rest may take.
const REST_LIMIT: Duration = Duration::from_secs(2);
/// What marks the answer to a ping for which nobody looked, since the supervisor itself was short of something.
const EXCUSED: &str = "excused";

/// A server that knows nothing of us.
pub(super) struct Unaware {
    /// Where it listens, or will.
    pub(super) server: Reach,
    /// What it is asked for to see whether it is well; without it, a connection will do.
    pub(super) health: Option<String>,
    /// Sends SIGTERM.
    pub(super) terminate: Box<dyn Fn() + Send + Sync>,
    /// Where it is said that the server is not well.
    pub(super) noise: Arc<dyn NoiseSink>,
}

/// Why a server does not count as well.
#[derive(Debug, thiserror::Error)]
enum Unwell {
    #[error(transparent)]
    Unreached(#[from] NoWay),
    #[error("GET {path} gave no HTTP answer")]
    Silent { path: String },
    #[error("GET {path} was answered with status {status}")]
    Status { path: String, status: u16 },
    #[error("it gave no answer within {} s", LOOK_LIMIT.as_secs())]
    Slow,
}

impl Unwell {
    /// Whether it was ourselves who could not look.
    fn is_ours(&self) -> bool {
        matches!(self, Self::Unreached(NoWay::Unseen(_))) || shortage::is_ours_in_connecting(self)
    }

    fn is_foreign(&self) -> bool {
        matches!(self, Self::Unreached(NoWay::Foreign { .. }))
    }
}

impl Unaware {
    /// Answers the session until it closes its end, then holds on until the process has gone: its end is an event of its
    /// own, and a wire that closes before would be another.
    pub(super) async fn speak(self, wire: DuplexStream, mut finish: watch::Receiver<bool>) {
        tokio::select! {
            () = Arc::new(self).converse(wire) => {}
            // An error means that whoever would say so is gone as well.
            _ = finish.wait_for(|finish| *finish) => {}
        }
    }

    async fn converse(self: Arc<Self>, wire: DuplexStream) {
        let (mut reading, mut writing) = tokio::io::split(wire);
        let mut decoder = Decoder::new(FRAME_MAX);
        let mut answers: JoinSet<Option<Vec<u8>>> = JoinSet::new();
        loop {
            tokio::select! {
                read = reading.read_buf(decoder.buffer()) => {
                    if read.unwrap_or(0) == 0 {
                        break;
                    }
                    while let Some(frame) = decoder.next_frame() {
                        if let Frame::Line(line) = frame {
                            answers.spawn(Arc::clone(&self).answer(line.to_vec()));
                        }
                    }
                }
                Some(answered) = answers.join_next(), if !answers.is_empty() => {
                    let frame = answered.ok().flatten().unwrap_or_default();
                    if writing.write_all(&frame).await.is_err() {
                        break;
                    }
                }
            }
        }
        answers.abort_all();
        std::future::pending::<()>().await;
    }

    /// One host call's answer; none for what asks for none, none to a stop, and none to a ping while the server is unwell.
    async fn answer(self: Arc<Self>, frame: Vec<u8>) -> Option<Vec<u8>> {
        let Ok(Message::Request { id, method, .. }) = message::parse(&frame) else { return None };
        match method.as_ref() {
            "initialize" => result(id, &greeting()),
            "start" => {
                self.reachable().await;
                if let Some(warning) = self.server.warning() {
                    self.noise.remark(&warning);
                }
                result(id, &Empty {})
            }
            "ping" => match self.look_for_ping().await {
                Ok(()) => result(id, &Empty {}),
                Err(unwell) if unwell.is_ours() => {
                    let why = format!(
                        "the health check was left out, since the supervisor is short of something: {unwell}; this does not count against the plugin"
                    );
                    self.noise.remark(&why);
                    error(id, &RpcError::new(ErrorReason::InternalError, why).with(EXCUSED, true))
                }
                Err(unwell) => {
                    self.noise.remark(&format!("the health check failed: {unwell}"));
                    if unwell.is_foreign() {
                        // Until it has ended, requests would go to a stranger.
                        (self.terminate)();
                    }
                    None
                }
            },
            "stop" => {
                (self.terminate)();
                None
            }
            other => {
                let why = format!("{other} cannot be called: this program does not speak the protocol");
                error(id, &RpcError::new(ErrorReason::MethodNotFound, why))
            }
        }
    }

    /// Returns once the server can be reached. A server whose port is somebody else's is ended: the next process gets
    /// another port.
    async fn reachable(&self) {
        let mut foreign = 0;
        while let Err(unwell) = self.look().await {
            foreign = if unwell.is_foreign() { foreign + 1 } else { 0 };
            if foreign == FOREIGN_LOOKS {
                self.noise.remark(&format!("{unwell}; it is started again with another port"));
                (self.terminate)();
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// As [`Self::look`]; somebody else's listener is looked at again before it is believed.
    async fn look_for_ping(&self) -> Result<(), Unwell> {
        let mut foreign = 1;
        loop {
            let seen = self.look().await;
            let is_foreign = seen.as_ref().is_err_and(Unwell::is_foreign);
            if !is_foreign || foreign == FOREIGN_LOOKS {
                return seen;
            }
            foreign += 1;
            sleep(LOOK_EVERY).await;
        }
    }

    async fn look(&self) -> Result<(), Unwell> {
        timeout(LOOK_LIMIT, self.ask()).await.unwrap_or(Err(Unwell::Slow))
    }

    async fn ask(&self) -> Result<(), Unwell> {
        let mut server = self.server.connect().await?;
        let Some(path) = &self.health else { return Ok(()) };
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let mut line = [0; STATUS_LINE];
        server.write_all(request.as_bytes()).await.map_err(NoWay::Unreachable)?;
        let read = server.read_exact(&mut line).await;
        let status =
            read.ok().and_then(|_| status(&line)).ok_or_else(|| Unwell::Silent { path: path.clone() })?;
        // Meanwhile the ping is answered.
        tokio::spawn(timeout(REST_LIMIT, async move {
            let _ = tokio::io::copy(&mut server.take(REST_MAX), &mut tokio::io::sink()).await;
        }));
        if (200..400).contains(&status) { Ok(()) } else { Err(Unwell::Status { path: path.clone(), status }) }
    }
}

/// Whether this answers a ping for which nobody looked.
pub(super) fn excuses(error: &RpcError) -> bool {
    error.data.as_ref().is_some_and(|data| data.details.contains_key(EXCUSED))
}

fn error(id: message::Id<'_>, error: &RpcError) -> Option<Vec<u8>> {
    let mut frame = Vec::new();
    message::write_error(&mut frame, Some(id), error);
    Some(frame)
}

fn greeting() -> InitializeResult {
    InitializeResult {
        protocol_version: version::NEWEST,
        sdk: None,
        hooks: vec![Hook::OnStart, Hook::OnStop],
        features: vec![features::HTTP.to_owned()],
    }
}

fn result(id: message::Id<'_>, result: &impl Serialize) -> Option<Vec<u8>> {
    let mut frame = Vec::new();
    message::write_result(&mut frame, id, result).ok()?;
    Some(frame)
}

fn status(line: &[u8; STATUS_LINE]) -> Option<u16> {
    let text = std::str::from_utf8(line).ok()?;
    text.strip_prefix("HTTP/1.")?.get(2..)?.parse().ok()
}

#[cfg(test)]
mod tests;
