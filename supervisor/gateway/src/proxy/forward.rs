//! Sends a request to its plugin and answers with what comes back, or with what went wrong.
//!
//! Called by the front door. The one place that decides whether a request may be sent again: only a GET, HEAD or OPTIONS
//! without a body, only when no byte of an answer had come, and only these: once on a fresh connection, where the plugin closed a
//! kept one as the request came, and once to the next generation.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version, header};
use hyper::body::Incoming;
use outboard_host::routes::{Route, Upstream};
use outboard_protocol::id::RoutePrefix;
use tokio::time::timeout;

use super::answer::{AnswerBody, Holding};
use super::answer_head::{AnswerFraming, AnswerHead};
use super::backend::{Backend, Backends};
use super::connection::Connection;
use super::exchange::{Exchange, Failure, Hears};
use super::failure::{died, failed, refused};
use super::opening::{NoPlace, Opening, Place};
use super::prefix::Stripped;
use super::request_head::{self, Sending, UploadFraming};
use super::stream::Stream;
use super::trace::Traced;
use super::trouble::warn;
use super::upgrade::Upgrade;
use super::upload::Upload;
use crate::client_connection::ClientConnection;
use crate::directory::Directory;
use crate::headers::mentions;
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
    backends: Backends,
}

/// A request on its way.
pub(crate) struct Asked<'c> {
    pub(crate) client: &'c Arc<ClientConnection>,
    pub(crate) route: Arc<Route>,
    /// The prefix by which it came; `None` as long as the plugin has registered none.
    pub(crate) prefix: Option<RoutePrefix>,
    /// By which scheme the client has come.
    pub(crate) scheme: &'static str,
    pub(crate) request: Request<Incoming>,
}

/// A request, taken apart so that it can be written more than once.
struct Message {
    parts: Parts,
    body: Option<Incoming>,
    framing: UploadFraming,
    upgrade: Option<Upgrade>,
    stripped: Option<Stripped>,
    scheme: &'static str,
    replayable: bool,
}

impl Message {
    fn new(asked: Request<Incoming>, scheme: &'static str, route: &Route, prefix: RoutePrefix) -> Self {
        let (mut parts, body) = asked.into_parts();
        let framing = request_head::framing_of(&parts, &body);
        let upgrade = Upgrade::asked(&mut parts);
        let safe = matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS);
        Self {
            replayable: route.replay() && safe && framing == UploadFraming::None && upgrade.is_none(),
            stripped: route.strip_prefix().then(|| Stripped::new(prefix)),
            body: Some(body),
            scheme,
            parts,
            framing,
            upgrade,
        }
    }

    /// RFC 9110, section 15.2: an HTTP/1.0 client knows of none.
    fn hears(&self, client: &ClientConnection) -> Option<Hears> {
        let stripped = self.stripped.clone().map(|stripped| (stripped, self.host().to_owned()));
        let hears = Hears { signals: Arc::clone(&client.signals), stripped };
        (self.parts.version == Version::HTTP_11).then_some(hears)
    }

    fn host(&self) -> &str {
        self.parts.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default()
    }

    fn takes_trailers(&self) -> bool {
        let mut te = self.parts.headers.get_all(header::TE).iter();
        self.parts.version == Version::HTTP_11 && te.any(|value| mentions(value, "trailers"))
    }

    fn expects(&self) -> bool {
        let expect = self.parts.headers.get(header::EXPECT);
        expect.is_some_and(|expect| expect.as_bytes().eq_ignore_ascii_case(b"100-continue"))
    }
}

impl Proxy {
    pub(crate) fn new(options: Arc<GatewayOptions>) -> Self {
        let backends = Backends::new(options.pool_size, options.pool_idle);
        Self { options, backends }
    }

    /// Keeps the idle connections few and fresh, for as long as it is polled.
    pub(crate) async fn keep_tidy(&self, directory: &dyn Directory) {
        self.backends.keep_tidy(directory).await;
    }

    /// Answers a request with what its plugin says.
    pub(crate) async fn forward(
        &self,
        directory: &dyn Directory,
        asked: Asked<'_>,
    ) -> Result<Response<ReplyBody>, Problem> {
        let backend = self.backends.of(&asked.route);
        let mut traced =
            Traced::begin(&backend.route.owner, asked.request.method(), asked.request.uri().path());
        let prefix = match asked.prefix {
            Some(prefix) => prefix,
            None => Box::pin(self.registered_prefix(directory, &backend, asked.request.uri().path()))
                .await
                .inspect_err(|problem| traced.ended::<ReplyBody>(Err(problem)))?,
        };
        let (method, uri) = (asked.request.method().clone(), asked.request.uri().clone());
        let message = Message::new(asked.request, asked.scheme, &backend.route, prefix);
        if let Some(elsewhere) = message.stripped.as_ref().and_then(|stripped| {
            stripped.slash_missing(&message.parts).map(|there| there.map(ReplyBody::full))
        }) {
            return Ok(elsewhere);
        }
        let answered = self.send(asked.client, &backend, message, &mut traced).await;
        traced.ended(answered.as_ref());
        if let Some((status, detail)) = answered.as_ref().err().and_then(Problem::of_the_plugin) {
            // Without the query, which may hold what is nobody's business.
            let path = uri.path();
            backend.trouble.tell(
                &backend.route.owner,
                format_args!("{method} {path:?} was answered with {status}: {detail}"),
            );
        }
        answered
    }

    /// A plugin that has registered nothing may be about to: what starts is waited for.
    async fn registered_prefix(
        &self,
        directory: &dyn Directory,
        backend: &Backend,
        path: &str,
    ) -> Result<RoutePrefix, Problem> {
        let probe = Request::get(path).body(()).map(|request| request.into_parts().0);
        if let Ok(parts) = probe {
            let place = Opening::new(backend, &self.options).place(&parts, None).await;
            if let Err(NoPlace::Problem(problem)) = place {
                return Err(problem);
            }
        }
        match directory.owner_of(path) {
            Some((owner, prefix)) if backend.route.owner.plugin() == Some(&owner) => Ok(prefix),
            _ => {
                let detail = format!("The {} runs, and serves no HTTP at {path:?}.", backend.route.owner);
                Err(Problem::new(Kind::ServesNoHttp, detail).owner(&backend.route.owner))
            }
        }
    }

    async fn send(
        &self,
        client: &Arc<ClientConnection>,
        backend: &Arc<Backend>,
        mut message: Message,
        traced: &mut Traced,
    ) -> Result<Response<ReplyBody>, Problem> {
        let mut opening = Opening::new(backend, &self.options);
        let mut ended: Option<Arc<Upstream>> = None;
        let mut first_failure: Option<Problem> = None;
        let mut fresh = false;
        loop {
            let place = match opening.place(&message.parts, ended.as_ref()).await {
                Ok(place) => place,
                Err(NoPlace::Problem(problem)) => return Err(problem),
                Err(NoPlace::SameGeneration) => return Err(first_failure.unwrap_or_else(|| died(backend))),
            };
            traced.placed(&place.upstream);
            let connection = match connect(backend, &place.upstream, fresh).await {
                Ok(connection) => connection,
                Err(error) => {
                    // Nothing was sent, so whatever it is may wait for the next generation.
                    traced.again("no connection was taken");
                    first_failure.get_or_insert_with(|| refused(backend, &error));
                    ended = Some(place.upstream);
                    continue;
                }
            };
            traced.sent(connection.reused);
            let mut exchange = begin(client, connection, &mut message);
            match self.head(backend, &place.upstream, &mut exchange).await {
                Ok(head) => return self.answer(client, backend, place, exchange, head, message),
                Err(Failure::NotSent) => {
                    traced.again("the connection was dead before anything was sent");
                    message.body = exchange.upload.take_body();
                    // Another idle connection may be as dead; a fresh one that dies before the first byte is a refusal.
                    if !exchange.connection.reused {
                        let error = io::Error::from(io::ErrorKind::ConnectionReset);
                        first_failure.get_or_insert_with(|| refused(backend, &error));
                        ended = Some(place.upstream);
                    }
                }
                // RFC 9112, section 9.3.1: servers close what they keep whenever they like, also as a request comes.
                Err(Failure::NoAnswer) if message.replayable && exchange.connection.reused && !fresh => {
                    traced.again("a kept connection was closed as the request came");
                    fresh = true;
                }
                Err(Failure::NoAnswer) if message.replayable => {
                    traced.again("the process ended before it answered");
                    message.replayable = false;
                    first_failure.get_or_insert_with(|| died(backend));
                    ended = Some(place.upstream);
                }
                Err(failure) => {
                    let signals = &client.signals;
                    return Err(failed(backend, &place.upstream, &self.options, signals, &failure));
                }
            }
        }
    }

    /// Waits for the head of the answer. Where it would be the first of its generation, a long wait is told to operators before
    /// it is over: a server that never takes its socket looks like one that runs. One that is still being sent the request is no
    /// such server.
    async fn head(
        &self,
        backend: &Backend,
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
                        warn(&backend.route.owner, format_args!("a request waits: {silence}"));
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

    fn answer(
        &self,
        client: &Arc<ClientConnection>,
        backend: &Arc<Backend>,
        place: Place,
        exchange: Exchange,
        head: AnswerHead,
        message: Message,
    ) -> Result<Response<ReplyBody>, Problem> {
        let AnswerHead { status, mut headers, framing, keep_alive, reason, upgrade } = head;
        if let Some(stripped) = &message.stripped {
            stripped.restore(&mut headers, message.host());
        }
        let mut response = if status == StatusCode::SWITCHING_PROTOCOLS {
            let upstream = place.upstream;
            let switched = message.upgrade.and_then(|asked| {
                asked.switch(client, exchange.connection, &self.options, upgrade.as_ref(), &mut headers)
            });
            switched.ok_or_else(|| {
                let unasked = Failure::BadAnswer("it switches to a protocol that the client did not offer");
                failed(backend, &upstream, &self.options, &client.signals, &unasked)
            })?
        } else {
            if status == StatusCode::UPGRADE_REQUIRED {
                tell_upgrade(&mut headers, upgrade);
            }
            let endless = framing != AnswerFraming::None && is_event_stream(&headers);
            let holding = Holding {
                backend: Arc::clone(backend),
                _in_flight: (!endless).then_some(place.in_flight),
                upstream: place.upstream,
                keep_alive,
                idle: self.options.stream_idle,
                trailers_for: message.takes_trailers().then(|| Arc::clone(&client.signals)),
            };
            let body = AnswerBody::new(exchange, framing, holding);
            Response::new(if body.is_over() { ReplyBody::empty() } else { ReplyBody::plugin(Box::new(body)) })
        };
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        if let Some(reason) = reason {
            response.extensions_mut().insert(reason);
        }
        Ok(response)
    }
}

/// RFC 9110, section 15.5.22: a 426 says which protocol would do.
fn tell_upgrade(headers: &mut HeaderMap, upgrade: Option<HeaderValue>) {
    if let Some(upgrade) = upgrade {
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, upgrade);
    }
}

fn begin(client: &ClientConnection, mut connection: Connection, message: &mut Message) -> Exchange {
    let sending = Sending {
        parts: &message.parts,
        framing: message.framing,
        peer: client.peer(),
        scheme: message.scheme,
        stripped: message.stripped.as_ref(),
        upgrade: message.upgrade.as_ref().map(|upgrade| &upgrade.offers),
    };
    let mut output = std::mem::take(&mut connection.output);
    request_head::write(&mut output, &sending);
    connection.output = output;
    let upload = Upload::new(message.body.take(), message.framing, message.expects());
    Exchange::new(connection, upload, message.parts.method.clone(), message.hears(client))
}

/// A connection, one that is kept where there is one and none has to be `fresh`.
async fn connect(backend: &Backend, upstream: &Arc<Upstream>, fresh: bool) -> io::Result<Connection> {
    if !fresh && let Some(connection) = backend.pool.take(upstream) {
        return Ok(connection);
    }
    // Apart, so that a request which needs none carries no room for it.
    Box::pin(open(upstream)).await
}

async fn open(upstream: &Upstream) -> io::Result<Connection> {
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
