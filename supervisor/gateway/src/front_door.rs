//! Where every request arrives: admission, then the way to whoever answers it, then the last touch on the answer.
//!
//! Each connection asks for each of its requests. What the supervisor serves itself is behind [`crate::own_routes`]; everything else
//! goes to the proxy. Must not know sockets.

use std::sync::Arc;
use std::time::Instant;

use http::{HeaderValue, Method, Request, Response, StatusCode, Version, header};
use http_body::Body;
use hyper::body::Incoming;
use outboard_broker::Provider;
use outboard_host::routes::Route;
use outboard_protocol::PluginId;
use outboard_protocol::id::RoutePrefix;

use crate::admission::caller::{Caller, Way};
use crate::admission::cors::Cors;
use crate::admission::{Admission, Admitted};
use crate::bus::Bus;
use crate::client_connection::ClientConnection;
use crate::confine::Confined;
use crate::directory::{Directory, Later};
use crate::headers::is_upgrade;
use crate::load::Load;
use crate::options::GatewayOptions;
use crate::own_routes::{Asked, HEALTH_PATH, OwnRoutes, Served};
use crate::pages;
use crate::problem::{Kind, Problem, RETRY_SOON};
use crate::proxy::{self, Proxy};
use crate::reply::ReplyBody;
use crate::router::{self, Destination};
use crate::seats::{Seats, Shares, Upgrade};
use crate::wire::signals::Answering;

/// What a request's connection has.
enum Seated {
    /// It has a seat.
    Already,
    /// It stands, and goes when it is answered.
    Standing,
    /// It becomes a WebSocket, if its plugin will have it.
    Upgrading(Upgrade),
}

impl Seated {
    fn settle(self, client: &ClientConnection, mut response: Response<ReplyBody>) -> Response<ReplyBody> {
        match self {
            Self::Upgrading(upgrade) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
                client.place().upgrade(upgrade);
            }
            // Without a seat the connection ends with the answer, also where the plugin declined the WebSocket.
            _ if !client.place().may_stay() => {
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            Self::Upgrading(_) | Self::Standing | Self::Already => {}
        }
        response
    }
}

/// Refuses one of whom nothing is known.
fn unknown_peer(client: &ClientConnection) -> Problem {
    let detail = format!(
        "Nothing tells who connects from {}: send the token of token_file (below [http]) as X-Outboard-Token, or as Authorization: \
         Bearer. Its operator can set trust_unknown_peers = true where everybody who reaches this address may come in.",
        client.peer()
    );
    Problem::new(Kind::PeerNotAllowed, detail).closing()
}

/// Everything that a request may need.
pub(crate) struct FrontDoor {
    options: Arc<GatewayOptions>,
    admission: Admission,
    directory: Arc<dyn Directory>,
    proxy: Proxy,
    own_routes: OwnRoutes,
    load: Arc<Load>,
    seats: Arc<Seats>,
}

impl FrontDoor {
    pub(crate) fn new(
        options: GatewayOptions,
        listen: std::net::SocketAddr,
        directory: Arc<dyn Directory>,
    ) -> Self {
        let options = Arc::new(options);
        let load = Arc::<Load>::default();
        let seats = Seats::new(Shares::of(options.connections, options.websockets), options.waiting_time);
        Self {
            admission: Admission::new(&options, listen),
            proxy: Proxy::new(Arc::clone(&options)),
            own_routes: OwnRoutes::new(Served {
                directory: Arc::clone(&directory),
                bus: Arc::new(Bus::new(Arc::clone(&directory), options.bus_clients)),
                load: Arc::clone(&load),
                seats: Arc::clone(&seats),
            }),
            directory,
            seats,
            options,
            load,
        }
    }

    pub(crate) fn options(&self) -> &GatewayOptions {
        &self.options
    }

    pub(crate) fn load(&self) -> &Load {
        &self.load
    }

    /// Resolves once it is known which plugins there are.
    pub(crate) fn known(&self) -> Later<()> {
        self.directory.known()
    }

    pub(crate) fn seats(&self) -> &Arc<Seats> {
        &self.seats
    }

    /// What is said where there is no place.
    pub(crate) fn is_full(&self) -> Problem {
        let detail = "All connections are in use and none is idle; try again in a moment, or raise connections below [http].";
        Problem::new(Kind::Full, detail).retry_after(RETRY_SOON).closing()
    }

    /// Does the upkeep of the proxy for as long as it is polled.
    pub(crate) async fn keep_tidy(&self) {
        self.proxy.keep_tidy(&*self.directory).await;
    }

    /// Answers a request. There is always an answer.
    pub(crate) async fn answer(
        &self,
        client: &Arc<ClientConnection>,
        mut answering: Answering,
        mut request: Request<Incoming>,
    ) -> Response<ReplyBody> {
        let log = Access::begin(self.options.log_requests, &request);
        let named = request.headers().contains_key(header::UPGRADE);
        let upgrade = named && is_upgrade(request.version(), request.headers());
        let http_1_0 = request.version() == Version::HTTP_10;
        let mut response = match self.admission.check(&mut request) {
            Err(problem) => problem.answer().map(ReplyBody::full),
            Ok(admitted) if client.is_unknown() && !admitted.token => {
                unknown_peer(client).answer().map(ReplyBody::full)
            }
            Ok(admitted) => match self.seat(client, &request, upgrade).await {
                Err(problem) => problem.answer().map(ReplyBody::full),
                Ok(seated) => {
                    let response = self.admitted(client, request, admitted).await;
                    seated.settle(client, response)
                }
            },
        };
        if named && response.status() != StatusCode::SWITCHING_PROTOCOLS && !answering.decline_upgrade() {
            // What has come already cannot be told from the other protocol.
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if http_1_0 && response.body().size_hint().exact().is_none() {
            answering.without_length();
        }
        log.end(&response);
        response.body_mut().hold(answering);
        response
    }

    /// Gets the connection the seat that the request needs.
    async fn seat(
        &self,
        client: &ClientConnection,
        request: &Request<Incoming>,
        upgrade: bool,
    ) -> Result<Seated, Problem> {
        if upgrade {
            // One that is refused by its plugin has kept a place for a moment.
            return client.place().websocket().map(Seated::Upgrading).ok_or_else(|| {
                let detail = "All WebSockets are in use; close one, or raise websockets below [http], or the limit of \
                              descriptors.";
                Problem::new(Kind::Full, detail).retry_after(RETRY_SOON).closing()
            });
        }
        if !client.place().has_seat() && request.uri().path() == HEALTH_PATH {
            // It is answered on a connection that has no seat.
            return Ok(Seated::Standing);
        }
        if client.place().sit().await { Ok(Seated::Already) } else { Err(self.is_full()) }
    }

    async fn admitted(
        &self,
        client: &Arc<ClientConnection>,
        request: Request<Incoming>,
        admitted: Admitted,
    ) -> Response<ReplyBody> {
        let Admitted { caller, cors, .. } = admitted;
        let answer = self.dispatch(client, request, caller, &cors).await;
        let mut response = answer.unwrap_or_else(|problem| problem.answer().map(ReplyBody::full));
        // A page that is refused does not read why.
        if response.extensions().get() == Some(&Kind::OriginNotAllowed) {
            cors.mark_varying(response.headers_mut());
        } else {
            cors.mark(response.headers_mut());
        }
        response
    }

    async fn dispatch(
        &self,
        client: &Arc<ClientConnection>,
        request: Request<Incoming>,
        caller: Caller,
        cors: &Cors,
    ) -> Result<Response<ReplyBody>, Problem> {
        let path = request.uri().path();
        // Whatever prefix a plugin has registered: nothing of a plugin's is served at the operator's host.
        let destination = if caller.is_operators_host() && pages::is_operators(path) {
            Destination::Ours
        } else {
            router::find(&*self.directory, path).map_err(|problem| caller.not_there(problem))?
        };
        let (id, prefix) = match &destination {
            Destination::Plugin(id, prefix) => (id.as_str(), Some(prefix)),
            Destination::Unregistered(id) => (*id, None),
            // What is seldom asked for is not to make room in the future of every request.
            Destination::Shells(serving) => {
                return Box::pin(self.shells(client, request, caller, cors, serving.as_ref())).await;
            }
            Destination::Ours => {
                let asked = Asked { caller, cors: cors.clone(), client: Arc::clone(client) };
                return Ok(Box::pin(self.own_routes.answer(asked, request)).await);
            }
        };
        if let Way::To(origin) = caller.way_to_plugin(id)? {
            return Ok(pages::elsewhere(&origin, request.uri()).map(ReplyBody::ours));
        }
        caller.check_worker(request.headers(), path, Some(id))?;
        if let Some(preflight) = cors.preflight(request.method(), request.headers()) {
            return Ok(preflight.map(ReplyBody::full));
        }
        let Some(route) = self.directory.route(id) else { return Err(no_route(&*self.directory, id)) };
        let confined = Confined::new(&caller, Some(id), prefix.map(RoutePrefix::as_str), path);
        let prefix = prefix.cloned();
        self.pass_on(client, request, &caller, confined, route, prefix).await
    }

    /// One of the shell's own paths, which whoever provides its service answers: a plugin, or a host application.
    async fn shells(
        &self,
        client: &Arc<ClientConnection>,
        request: Request<Incoming>,
        caller: Caller,
        cors: &Cors,
        serving: Option<&(Provider, RoutePrefix)>,
    ) -> Result<Response<ReplyBody>, Problem> {
        let path = request.uri().path();
        let id = match serving {
            Some((Provider::Plugin(id), _)) => Some(id.as_str()),
            _ => None,
        };
        if let Way::To(origin) = caller.way_to_service(id)? {
            return Ok(pages::elsewhere(&origin, request.uri()).map(ReplyBody::ours));
        }
        caller.check_worker(request.headers(), path, None)?;
        if let Some(preflight) = cors.preflight(request.method(), request.headers()) {
            return Ok(preflight.map(ReplyBody::full));
        }
        let Some((provider, prefix)) = serving else { return Err(unprovided(path)) };
        let route = match provider {
            Provider::Plugin(id) => self.directory.route(id.as_str()),
            Provider::Application(number) => self.directory.application(*number),
            Provider::Page(_) => None,
        };
        let route = route.ok_or_else(|| unprovided(path))?;
        let confined = Confined::new(&caller, id, Some(prefix.as_str()), path);
        self.pass_on(client, request, &caller, confined, route, Some(prefix.clone())).await
    }

    async fn pass_on(
        &self,
        client: &Arc<ClientConnection>,
        mut request: Request<Incoming>,
        caller: &Caller,
        confined: Confined,
        route: Arc<Route>,
        prefix: Option<RoutePrefix>,
    ) -> Result<Response<ReplyBody>, Problem> {
        if caller.hides_cookies_from(route.owner.plugin().map(PluginId::as_str)) {
            // Cookies at a name that all plugins share belong to no page, and those at another's are that one's.
            request.headers_mut().remove(header::COOKIE);
        }
        let mut response = self
            .proxy
            .forward(
                &*self.directory,
                proxy::Asked { client, route, prefix, scheme: caller.scheme(), request },
            )
            .await?;
        confined.apply(response.headers_mut());
        Ok(response)
    }
}

/// Nobody answers one of the shell's own paths.
fn unprovided(path: &str) -> Problem {
    let detail = format!(
        "{path:?} belongs to the shell, and nobody provides a service that names it; docs/SHELL-SERVICES.md says who may, and \
         `outboard services` who does."
    );
    Problem::new(Kind::NotFound, detail)
}

/// A plugin that cannot be used is known, and says why; any other id is nobody's.
fn no_route(directory: &dyn Directory, id: &str) -> Problem {
    let Some(status) = directory.plugin(id) else { return Problem::unknown_plugin(id) };
    let cause = status.cause.unwrap_or_else(|| status.state.to_string());
    let detail = format!("The plugin {id} cannot be used; `outboard why {id}` says more.");
    Problem::new(Kind::NotRunning, detail).plugin(id).cause(cause)
}

/// The access log, for whoever has asked for it: one line a request, at debug, without query (which may hold secrets).
struct Access(Option<(Instant, Method, String)>);

impl Access {
    fn begin(wanted: bool, request: &Request<Incoming>) -> Self {
        Self(wanted.then(|| (Instant::now(), request.method().clone(), request.uri().path().to_owned())))
    }

    fn end(self, response: &Response<ReplyBody>) {
        let Some((since, method, path)) = self.0 else { return };
        let status = response.status().as_u16();
        let ms = since.elapsed().as_secs_f64() * 1000.0;
        tracing::debug!(target: "outboard::access", %method, path, status, ms, "answered");
    }
}
