//! The request that is sent to the plugin again after a save: the one that was named, or the last GET that it has had.
//!
//! Asked by the loop of `dev`. The last one is learned from the supervisor's trace of requests, which has no query and no headers, since
//! these may hold secrets: it is sent by its path alone, and only where its method changes nothing. It goes to nobody but the plugin.

use std::time::Duration;

use outboard_protocol::PluginId;
use outboard_protocol::control::methods::Status;
use outboard_protocol::control::{LogRecord, LogSource, StatusParams};
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use super::desk::Desk;
use crate::arguments::Replayed;
use crate::client::{Client, QUESTION_WAIT};
use crate::failure::Outcome;

/// Has the supervisor tell of requests.
pub(super) const TRACE: &str = "trace=outboard::proxy";
/// How a record of it ends, behind the method and the path in quotes.
const ANSWERED: &str = "is answered";
/// So much of an answer is read, in bytes.
const ANSWER_MAX: u64 = 8 * 1024;
/// So many lines of it are shown.
const LINES_MAX: usize = 10;
/// How long the plugin may take to answer.
const ANSWER_WAIT: Duration = Duration::from_secs(30);

/// What is sent again.
#[derive(Debug)]
pub(super) struct Replay {
    named: Option<Replayed>,
    last: Option<Replayed>,
    /// Whether the author knows that there is one by now.
    told: bool,
}

impl Replay {
    pub(super) fn of(asked: Option<&Option<Replayed>>) -> Option<Self> {
        asked.map(|named| Self { named: named.clone(), last: None, told: named.is_some() })
    }

    /// Takes a record of a request; true where it is one, and nothing that the author is to see.
    pub(super) fn hears(&mut self, record: &LogRecord) -> bool {
        if record.source != LogSource::Supervisor {
            return false;
        }
        let Some((method, path, then)) = request_in(&record.message) else { return false };
        if method == "GET" && then.starts_with(ANSWERED) {
            self.last = Some(Replayed { method, path, body: None });
        }
        true
    }

    /// Tells the author, once, of the first request that there is to send.
    pub(super) fn tell(&mut self, desk: &Desk<'_>) -> Outcome {
        let Some(Replayed { method, path, .. }) = self.last.as_ref().filter(|_| !self.told) else {
            return Ok(());
        };
        self.told = true;
        let asked = format!("{method} {path}");
        let text = format!("the last GET is sent again after each save; by now that is {asked}");
        desk.say("noted", &text, json!({ "request": asked }))
    }

    /// What is to be sent now.
    pub(super) fn due(&self) -> Option<Replayed> {
        self.named.clone().or_else(|| self.last.clone())
    }
}

/// The method and the path of `GET "/api/x" is answered …`, and what became of it.
fn request_in(message: &str) -> Option<(String, String, &str)> {
    let (method, rest) = message.split_once(" \"")?;
    let (path, then) = rest.split_once("\" ")?;
    let is_method = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase());
    (is_method && path.starts_with('/')).then(|| (method.to_owned(), path.to_owned(), then))
}

/// Sends it, and shows what is answered.
pub(super) async fn again(
    desk: &Desk<'_>,
    client: &Client,
    id: &PluginId,
    listen: &str,
    request: Replayed,
) -> Outcome {
    let Replayed { method, path, .. } = &request;
    let asked = format!("{method} {path}");
    let report = client.ask::<Status>(&StatusParams { id: Some(id.clone()) }, QUESTION_WAIT).await?;
    let routes: Vec<String> = report.plugins.into_iter().flat_map(|status| status.routes).collect();
    let way = path.split('?').next().unwrap_or_default();
    let is_its_own =
        |route: &String| way.strip_prefix(route).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    // A path that climbs out of its prefix is another one's.
    if !routes.iter().any(is_its_own) || way.split('/').any(|part| part == "..") {
        let text = format!("{asked} is not sent: {id} serves {}", routes.join(", "));
        return desk.say("replayed", &text, json!({ "request": asked, "error": text }));
    }
    let (status, body) = match timeout(ANSWER_WAIT, send(listen, &request)).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => (format!("no answer: {error}"), String::new()),
        Err(_) => (format!("no answer within {} s", ANSWER_WAIT.as_secs()), String::new()),
    };
    desk.say(
        "replayed",
        &format!("{asked}: {status}"),
        json!({ "request": asked, "status": status, "body": body }),
    )?;
    desk.quoted(body.lines().take(LINES_MAX))
}

trait Stream: AsyncRead + AsyncWrite + Unpin {}
impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

/// The status and the beginning of the body. HTTP/1.0: the answer is then not cut into chunks, and ends with its connection.
async fn send(listen: &str, request: &Replayed) -> std::io::Result<(String, String)> {
    let mut stream: Box<dyn Stream> = match listen.strip_prefix("unix:") {
        Some(path) => Box::new(UnixStream::connect(path).await?),
        None => Box::new(TcpStream::connect(listen).await?),
    };
    let host = if listen.starts_with("unix:") { "localhost" } else { listen };
    let Replayed { method, path, body } = request;
    let mut head = format!("{method} {path} HTTP/1.0\r\nHost: {host}\r\nAccept: */*\r\n");
    if let Some(body) = body {
        let is_json = serde_json::from_str::<serde::de::IgnoredAny>(body).is_ok();
        let kind = if is_json { "application/json" } else { "text/plain; charset=utf-8" };
        head.push_str(&format!("Content-Type: {kind}\r\nContent-Length: {}\r\n", body.len()));
    }
    head.push_str("\r\n");
    head.push_str(body.as_deref().unwrap_or_default());
    stream.write_all(head.as_bytes()).await?;
    let mut said = Vec::new();
    stream.take(ANSWER_MAX).read_to_end(&mut said).await?;
    let said = String::from_utf8_lossy(&said);
    let (head, body) = said.split_once("\r\n\r\n").unwrap_or((&said, ""));
    let first = head.lines().next().unwrap_or_default();
    let status = first.split_once(' ').map_or(first, |(_, status)| status);
    Ok((status.to_owned(), body.to_owned()))
}
