//! Sends a request to its plugin and answers with what comes back, or with what went wrong.
//!
//! Called by the front door. The one place that decides whether a request may be sent again: only a GET, HEAD or OPTIONS
//! without a body, only when no byte of an answer had come, only to the next generation, only once.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use outboard_host::routes::{Route, Upstream};
use outboard_protocol::id::RoutePrefix;
use tokio::time::timeout;

use super::answer::{AnswerBody, Holding};
use super::answer_head::{AnswerFraming, AnswerHead};
use super::connection::Connection;
use super::door::{Door, Doors};
use super::exchange::{Exchange, Failure};
use super::opening::{NoPlace, Opening, Place};
use super::prefix::Stripped;
use super::request_head::{self, Sending, UploadFraming, mentions};
use super::stream::Stream;
use super::tunnel;
use super::upload::Upload;
use crate::connection::Client;
use crate::directory::Directory;
use crate::options::GatewayOptions;
use crate::problem::{Kind, Problem};
use crate::reply::ReplyBody;

/// How often a connection is tried while the plugin's backlog is full, and how far apart: together half a second, in which
/// a plugin that lives accepts something.
const CONNECT_TRIES: u32 = 50;
const CONNECT_PAUSE: Duration = Duration::from_millis(10);

/// Everything that the proxy keeps.
pub(crate) struct Proxy {
    options: Arc<GatewayOptions>,
    doors: Doors,
}

/// A request on its way.
pub(crate) struct Asked<'c> {
    pub(crate) client: &'c Arc<Client>,
    pub(crate) route: Arc<Route>,
    /// The prefix by which it came; `None` as long as the plugin has registered none.
    pub(crate) prefix: Option<RoutePrefix>,
    pub(crate) request: Request<Incoming>,
}

/// A request, taken apart so that it can be written more than once.
struct Message {
    parts: Parts,
    body: Option<Incoming>,
    framing: UploadFraming,
    upgrade: Option<(HeaderValue, OnUpgrade)>,
    stripped: Option<Stripped>,
    replayable: bool,
}

impl Message {
    fn new(asked: Request<Incoming>, route: &Route, prefix: RoutePrefix) -> Self {
        let (mut parts, body) = asked.into_parts();
        let framing = request_head::framing_of(&parts, &body);
        let upgrade = asked_upgrade(&mut parts);
        let safe = matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS);
        Self {
            replayable: route.replay() && safe && framing == UploadFraming::None && upgrade.is_none(),
            stripped: route.strip_prefix().then(|| Stripped::new(prefix)),
            body: Some(body),
            parts,
            framing,
            upgrade,
        }
    }

    fn expects(&self) -> bool {
        let expect = self.parts.headers.get(header::EXPECT);
        expect.is_some_and(|expect| expect.as_bytes().eq_ignore_ascii_case(b"100-continue"))
    }
}

fn asked_upgrade(parts: &mut Parts) -> Option<(HeaderValue, OnUpgrade)> {
    let protocol = parts.headers.get(header::UPGRADE)?.clone();
    let asked = parts.headers.get_all(header::CONNECTION).iter().any(|value| mentions(value, "upgrade"));
    let on_upgrade = parts.extensions.remove::<OnUpgrade>()?;
    asked.then_some((protocol, on_upgrade))
}

impl Proxy {
    pub(crate) fn new(options: Arc<GatewayOptions>) -> Self {
        let doors = Doors::new(options.pool_size, options.pool_idle);
        Self { options, doors }
    }

    /// Keeps the idle connections few and fresh, for as long as it is polled.
    pub(crate) async fn keep_tidy(&self, directory: &dyn Directory) {
        self.doors.keep_tidy(directory).await;
    }

    /// Answers a request with what its plugin says.
    pub(crate) async fn forward(
        &self,
        directory: &dyn Directory,
        asked: Asked<'_>,
    ) -> Result<Response<ReplyBody>, Problem> {
        let door = self.doors.of(&asked.route);
        let prefix = match asked.prefix {
            Some(prefix) => prefix,
            None => self.registered_prefix(directory, &door, asked.request.uri().path()).await?,
        };
        let message = Message::new(asked.request, &door.route, prefix);
        self.send(asked.client, &door, message).await
    }

    /// A plugin that has registered nothing may be about to: what starts is waited for.
    async fn registered_prefix(
        &self,
        directory: &dyn Directory,
        door: &Door,
        path: &str,
    ) -> Result<RoutePrefix, Problem> {
        let id = &door.route.id;
        let probe = Request::get(path).body(()).map(|request| request.into_parts().0);
        if let Ok(parts) = probe {
            let place = Opening::new(door, &self.options).place(&parts, None).await;
            if let Err(NoPlace::Problem(problem)) = place {
                return Err(problem);
            }
        }
        match directory.owner_of(path) {
            Some((owner, prefix)) if owner == *id => Ok(prefix),
            _ => {
                let detail = format!("The plugin {id} runs, and serves no HTTP at {path:?}.");
                Err(Problem::new(Kind::ServesNoHttp, detail).plugin(id.as_str()))
            }
        }
    }

    async fn send(
        &self,
        client: &Arc<Client>,
        door: &Arc<Door>,
        mut message: Message,
    ) -> Result<Response<ReplyBody>, Problem> {
        let mut opening = Opening::new(door, &self.options);
        let mut ended: Option<Arc<Upstream>> = None;
        let mut first_failure: Option<Problem> = None;
        loop {
            let place = match opening.place(&message.parts, ended.as_ref()).await {
                Ok(place) => place,
                Err(NoPlace::Problem(problem)) => return Err(problem),
                Err(NoPlace::SameGeneration) => return Err(first_failure.unwrap_or_else(|| died(door))),
            };
            let connection = match connect(door, &place.upstream).await {
                Ok(connection) => connection,
                Err(error) => {
                    // Nothing was sent, so whatever it is may wait for the next generation.
                    first_failure.get_or_insert_with(|| refused(door, &error));
                    ended = Some(place.upstream);
                    continue;
                }
            };
            let mut exchange = begin(client, connection, &mut message);
            match self.head(door, &place.upstream, &mut exchange).await {
                Ok(head) => return self.answer(client, door, place, exchange, head, message),
                Err(Failure::NotSent) => {
                    message.body = exchange.upload.take_body();
                    // Another idle connection may be as dead; a fresh one that dies before the first byte is a refusal.
                    if !exchange.connection.reused {
                        let error = io::Error::from(io::ErrorKind::ConnectionReset);
                        first_failure.get_or_insert_with(|| refused(door, &error));
                        ended = Some(place.upstream);
                    }
                }
                Err(Failure::NoAnswer) if message.replayable => {
                    message.replayable = false;
                    first_failure.get_or_insert_with(|| died(door));
                    ended = Some(place.upstream);
                }
                Err(Failure::Slow) => return Err(self.slow(door, &place.upstream)),
                Err(failure) => return Err(self.failed(door, &failure)),
            }
        }
    }

    /// Waits for the head of the answer. Where it would be the first of its generation, a long wait is told to operators before
    /// it is over: a server that never takes its socket looks like one that runs. One that is still being sent the request is no
    /// such server.
    async fn head(
        &self,
        door: &Door,
        upstream: &Upstream,
        exchange: &mut Exchange,
    ) -> Result<AnswerHead, Failure> {
        let GatewayOptions { answer_timeout, first_answer_notice, .. } = *self.options;
        if upstream.has_answered() {
            return exchange.head(answer_timeout).await;
        }
        let mut sent = exchange.upload.is_done();
        let head = loop {
            match timeout(first_answer_notice, exchange.head(answer_timeout)).await {
                Ok(head) => break head,
                Err(_) if !sent => sent = exchange.upload.is_done(),
                Err(_) => {
                    if upstream.note_silence()
                        && let Some(silence) = upstream.silence()
                    {
                        tracing::warn!(plugin = %door.route.id, "a request waits: {silence}");
                    }
                    break exchange.head(answer_timeout).await;
                }
            }
        };
        if head.is_ok() {
            upstream.note_answer();
        }
        head
    }

    fn slow(&self, door: &Door, upstream: &Upstream) -> Problem {
        let id = &door.route.id;
        let seconds = self.options.answer_timeout.as_secs_f32();
        if !upstream.has_answered() {
            // The limit may be shorter than the notice.
            upstream.note_silence();
        }
        let detail = format!("The plugin {id} did not begin its answer within {seconds} s.");
        match upstream.silence() {
            Some(silence) => Problem::new(Kind::Slow, format!("{detail} `outboard why {id}` says more."))
                .plugin(id.as_str())
                .cause(silence),
            None => Problem::new(Kind::Slow, detail).plugin(id.as_str()),
        }
    }

    fn answer(
        &self,
        client: &Arc<Client>,
        door: &Arc<Door>,
        place: Place,
        exchange: Exchange,
        head: AnswerHead,
        message: Message,
    ) -> Result<Response<ReplyBody>, Problem> {
        let AnswerHead { status, mut headers, framing, keep_alive } = head;
        if let Some(stripped) = &message.stripped {
            let host = message.parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
            stripped.restore(&mut headers, host.unwrap_or_default());
        }
        let mut response = if status == StatusCode::SWITCHING_PROTOCOLS {
            self.switch(client, door, exchange, message.upgrade, &mut headers)?
        } else {
            let endless = framing != AnswerFraming::None && is_event_stream(&headers);
            let holding = Holding {
                door: Arc::clone(door),
                _in_flight: (!endless).then_some(place.in_flight),
                upstream: place.upstream,
                keep_alive,
                idle: self.options.stream_idle,
            };
            let body = AnswerBody::new(exchange, framing, holding);
            Response::new(if body.is_over() { ReplyBody::empty() } else { ReplyBody::plugin(Box::new(body)) })
        };
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }

    /// The plugin speaks another protocol from here on.
    fn switch(
        &self,
        client: &Arc<Client>,
        door: &Door,
        exchange: Exchange,
        upgrade: Option<(HeaderValue, OnUpgrade)>,
        headers: &mut http::HeaderMap,
    ) -> Result<Response<ReplyBody>, Problem> {
        let Some((protocol, on_upgrade)) = upgrade else {
            return Err(self.failed(door, &Failure::BadAnswer("it switches protocols unasked")));
        };
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, protocol);
        let idle = self.options.tunnel_idle;
        let mut stopping = client.stopping();
        let (plugin, from_plugin) = exchange.connection.into_parts();
        client.afterwards(Box::pin(async move {
            let Some((stream, from_client)) = crate::connection::upgraded(on_upgrade).await else { return };
            tokio::select! {
                outcome = tunnel::run(stream, from_client, plugin, from_plugin, idle) => {
                    if let Err(error) = outcome {
                        tracing::debug!(%error, "an upgraded connection broke off");
                    }
                }
                // There is no request that could be finished first.
                () = crate::connection::stops(&mut stopping) => {}
            }
        }));
        Ok(Response::new(ReplyBody::empty()))
    }

    fn failed(&self, door: &Door, failure: &Failure) -> Problem {
        let id = &door.route.id;
        let (kind, detail) = match failure {
            Failure::NotSent | Failure::NoAnswer => return died(door),
            Failure::BadAnswer(why) => {
                (Kind::BadAnswer, format!("The answer of the plugin {id} was refused: {why}."))
            }
            Failure::Slow => (Kind::Slow, format!("The plugin {id} did not begin its answer in time.")),
            Failure::Client => (Kind::ClientSlow, "The body of the request broke off.".to_owned()),
        };
        let problem = Problem::new(kind, detail).plugin(id.as_str());
        if matches!(failure, Failure::Client) { problem.closing() } else { problem }
    }
}

fn begin(client: &Client, mut connection: Connection, message: &mut Message) -> Exchange {
    let sending = Sending {
        parts: &message.parts,
        framing: message.framing,
        peer: client.peer(),
        stripped: message.stripped.as_ref(),
        upgrade: message.upgrade.as_ref().map(|(protocol, _)| protocol),
    };
    let mut output = std::mem::take(&mut connection.output);
    request_head::write(&mut output, &sending);
    connection.output = output;
    let upload = Upload::new(message.body.take(), message.framing, message.expects());
    Exchange::new(connection, upload, message.parts.method.clone())
}

async fn connect(door: &Door, upstream: &Arc<Upstream>) -> io::Result<Connection> {
    if let Some(connection) = door.pool.take(upstream) {
        return Ok(connection);
    }
    for _ in 1..CONNECT_TRIES {
        match Stream::connect(upstream.address()).await {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                tokio::time::sleep(CONNECT_PAUSE).await;
            }
            outcome => return outcome.map(Connection::new),
        }
    }
    Stream::connect(upstream.address()).await.map(Connection::new)
}

fn is_event_stream(headers: &http::HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE);
    content_type.is_some_and(|value| value.as_bytes().to_ascii_lowercase().starts_with(b"text/event-stream"))
}

fn refused(door: &Door, error: &io::Error) -> Problem {
    let id = &door.route.id;
    Problem::new(Kind::Refused, format!("The plugin {id} took no connection: {error}.")).plugin(id.as_str())
}

fn died(door: &Door) -> Problem {
    let id = &door.route.id;
    let detail = format!(
        "The plugin {id} ended the connection before it answered. The request may have had its effect."
    );
    Problem::new(Kind::Died, detail).plugin(id.as_str())
}
