//! What the supervisor serves itself: its pages, health, files of plugins' UIs, and the bus. An `axum::Router` behind the front door.
//!
//! A new route is a line in [`OwnRoutes::new`] and a handler, which says first whether it is served where it was asked for. Requests
//! for plugins never come by here: docs/decisions/axum-for-our-own-routes.md says why. Must not know the proxy.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use axum::{Extension, Router};
use http::{Method, header};
use hyper::body::Incoming;
use outboard_protocol::PluginId;
use outboard_protocol::id::SUPERVISOR_PREFIX;
use tower::Service;

use crate::admission::caller::{Caller, Way};
use crate::admission::cors::Cors;
use crate::bus::Bus;
use crate::client_connection::ClientConnection;
use crate::directory::Directory;
use crate::load::Load;
use crate::problem::{Kind, Problem};
use crate::reply::ReplyBody;
use crate::seats::Seats;
use crate::{health, pages, ui_files};

/// Whether the supervisor answers.
pub(crate) const HEALTH_PATH: &str = "/_outboard/health";

/// An answer, or what is answered in its place.
type Answer = axum::response::Result<Response>;

/// Our own routes.
pub(crate) struct OwnRoutes {
    router: Router,
}

/// What the routes show and lead to.
#[derive(Clone)]
pub(crate) struct Served {
    pub(crate) directory: Arc<dyn Directory>,
    pub(crate) bus: Arc<Bus>,
    pub(crate) load: Arc<Load>,
    pub(crate) seats: Arc<Seats>,
}

/// Who asks, and what its page may read; goes with each request.
pub(crate) struct Asked {
    pub(crate) caller: Caller,
    pub(crate) cors: Cors,
    pub(crate) client: Arc<ClientConnection>,
}

impl OwnRoutes {
    pub(crate) fn new(served: Served) -> Self {
        // Each takes any method, since what is refused for its place is not to tell which methods there are.
        let router = Router::new()
            .route("/", any(front))
            .route(pages::PLUGINS_PATH, any(front))
            .route("/plugins/", any(front))
            .route("/plugins/{*path}", any(front))
            .route(pages::ICON_PATH, any(icon))
            .route(HEALTH_PATH, any(healthy))
            .route("/_outboard/bus", any(bus))
            .route("/_outboard/shell/", any(shell))
            .route("/_outboard/shell/{*path}", any(shell))
            .route("/_outboard/plugins/", any(file))
            .route("/_outboard/plugins/{*path}", any(file))
            .fallback(nothing)
            .with_state(served);
        Self { router }
    }

    /// Answers a request. There is always an answer.
    pub(crate) async fn answer(
        &self,
        asked: Asked,
        mut request: Request<Incoming>,
    ) -> http::Response<ReplyBody> {
        if let Err(problem) = asked.caller.check_worker(request.headers(), request.uri().path(), None) {
            return problem.answer().map(ReplyBody::full);
        }
        request.extensions_mut().insert(Arc::new(asked));
        // hyper says how long a body is and leaves that of an answer to HEAD out, as it does for every answer of this crate. The
        // router would do both in its own way: in another place among the headers, and also where there is no body at all.
        if request.method() == Method::HEAD {
            *request.method_mut() = Method::GET;
        }
        let Ok(mut response) = self.router.clone().call(request).await;
        response.headers_mut().remove(header::CONTENT_LENGTH);
        response.map(ReplyBody::ours)
    }
}

impl Asked {
    /// What is answered in place of something that is not served here, or not by this method.
    fn instead(&self, way: &Way, request: &Request) -> Option<Response> {
        if let Way::To(origin) = way {
            return Some(pages::elsewhere(origin, request.uri()));
        }
        if let Some(preflight) = self.cors.preflight(request.method(), request.headers()) {
            return Some(preflight.map(Body::from));
        }
        (*request.method() != Method::GET).then(|| {
            let (method, path) = (request.method(), request.uri().path());
            let detail = format!("{method} is not served at {path:?}; use GET.");
            Problem::new(Kind::MethodNotAllowed, detail).into_response()
        })
    }
}

/// The path below our own prefix.
fn rest(request: &Request) -> &str {
    let path = request.uri().path();
    path.strip_prefix(SUPERVISOR_PREFIX).unwrap_or(path)
}

/// `/`, and below `/plugins`: the operator's page. At a plugin's own host, `/` is its UI.
async fn front(
    State(served): State<Served>,
    Extension(asked): Extension<Arc<Asked>>,
    request: Request,
) -> Answer {
    let caller = &asked.caller;
    if request.uri().path() == "/" && caller.home().is_some() {
        caller.check_home()?;
        return Ok(pages::home(&*served.directory, caller)?);
    }
    if let Some(instead) = asked.instead(&caller.way_to_operator()?, &request) {
        return Ok(instead);
    }
    Ok(pages::front(&*served.directory, request.uri().path(), caller))
}

async fn icon(Extension(asked): Extension<Arc<Asked>>, request: Request) -> Answer {
    if let Some(instead) = asked.instead(&Way::Here, &request) {
        return Ok(instead);
    }
    Ok(pages::icon())
}

async fn healthy(
    State(served): State<Served>,
    Extension(asked): Extension<Arc<Asked>>,
    request: Request,
) -> Answer {
    if let Some(instead) = asked.instead(&asked.caller.way_to_operator()?, &request) {
        return Ok(instead);
    }
    Ok(health::answer(&*served.directory, &served.load, &served.seats))
}

async fn bus(
    State(served): State<Served>,
    Extension(asked): Extension<Arc<Asked>>,
    request: Request,
) -> Answer {
    let share = asked.caller.share_of_bus()?;
    Ok(served.bus.join(&asked.client, request, share, asked.caller.origins())?)
}

async fn shell(
    State(served): State<Served>,
    Extension(asked): Extension<Arc<Asked>>,
    request: Request,
) -> Answer {
    let (directory, caller, rest) = (&*served.directory, &asked.caller, rest(&request));
    let way = match pages::shell::shell_of(directory, rest) {
        Some(id) => caller.way_to_shell(id)?,
        // The sentence about a plugin that is not there names those that are.
        None if pages::shell::is_page(rest) => caller.way_to_operator()?,
        None => Way::Here,
    };
    if let Some(instead) = asked.instead(&way, &request) {
        return Ok(instead);
    }
    Ok(pages::shell::shell(directory, request.uri(), request.headers(), caller).await?)
}

async fn file(
    State(served): State<Served>,
    Extension(asked): Extension<Arc<Asked>>,
    request: Request,
) -> Answer {
    let (id, file) = ui_files::plugin_of(rest(&request)).unwrap_or_default();
    if PluginId::check(id).is_err() {
        return Err(Problem::unknown_plugin(id).into());
    }
    let way = asked.caller.way_to_file(id, ui_files::is_shown_or_played(file))?;
    if let Some(instead) = asked.instead(&way, &request) {
        return Ok(instead);
    }
    Ok(ui_files::answer(&*served.directory, id, file, request.headers(), &asked.caller).await?)
}

async fn nothing(Extension(asked): Extension<Arc<Asked>>, request: Request) -> Answer {
    if let Some(instead) = asked.instead(&Way::Here, &request) {
        return Ok(instead);
    }
    let detail = format!("The supervisor serves nothing at {:?}.", request.uri().path());
    Err(Problem::new(Kind::NotFound, detail).into())
}
