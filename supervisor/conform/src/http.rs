//! As much HTTP/1.1 as it takes to see that a plugin speaks it. Called by the cases about HTTP; must not know rules.

use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use crate::limits::seconds;

/// How much of an answer is read at most. Its head is what matters.
const ANSWER_MAX: usize = 256 * 1024;

/// A connection to the plugin's socket.
pub(crate) struct Client {
    stream: UnixStream,
    /// How long an answer may take.
    limit: Duration,
}

impl Client {
    pub(crate) async fn connect(path: &Path, limit: Duration) -> Result<Self, String> {
        match tokio::time::timeout(limit, UnixStream::connect(path)).await {
            Ok(Ok(stream)) => Ok(Self { stream, limit }),
            Ok(Err(error)) => Err(format!("connecting to its socket: {error}")),
            Err(_) => Err("connecting to its socket took too long".to_owned()),
        }
    }

    /// Sends a part of a request.
    pub(crate) async fn send(&mut self, text: &str) -> Result<(), String> {
        self.stream.write_all(text.as_bytes()).await.map_err(|error| format!("sending a request: {error}"))
    }

    /// The answer's head and as much of its body as its length says; the head alone where it says none.
    pub(crate) async fn answer(&mut self) -> Result<String, String> {
        let limit = self.limit;
        let answer = tokio::time::timeout(limit, self.read()).await;
        answer.map_err(|_| format!("no HTTP answer came within {}", seconds(limit)))?
    }

    async fn read(&mut self) -> Result<String, String> {
        let (mut answer, mut chunk) = (Vec::new(), [0; 4096]);
        while answer.len() < ANSWER_MAX {
            let got =
                self.stream.read(&mut chunk).await.map_err(|error| format!("reading an answer: {error}"))?;
            answer.extend_from_slice(&chunk[..got]);
            if got == 0 || is_whole(&answer) {
                break;
            }
        }
        let text = String::from_utf8_lossy(&answer).into_owned();
        let begun: String = text.chars().take(40).collect();
        if text.starts_with("HTTP/1.1 ") { Ok(text) } else { Err(format!("no HTTP/1.1 answer: {begun:?}")) }
    }
}

fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    if head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        return body.ends_with("0\r\n\r\n");
    }
    length(head).is_none_or(|length| body.len() >= length)
}

fn length(head: &str) -> Option<usize> {
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    let mut lengths = lines.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    lengths.next().and_then(|(_, value)| value.trim().parse().ok())
}
