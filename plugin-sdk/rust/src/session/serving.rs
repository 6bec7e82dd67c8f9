//! HTTP on the inherited listener: a table of prefixes and routers, and the task that serves it.
//!
//! Filled by `ctx.server`. Must not know how prefixes become public; `server.register` does that.

use std::os::unix::net::UnixListener;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{OriginalUri, Request, State};
use axum::http::uri::{PathAndQuery, Uri};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use outboard_protocol::id::{RoutePrefix, is_below};
use tower::Service;

/// Set by the host when it has removed the prefix from the path (`"http": {"stripPrefix": true}` in the manifest).
const FORWARDED_PREFIX: &str = "x-forwarded-prefix";

/// Which router answers below which prefix. Clones share the table.
#[derive(Clone)]
pub(crate) struct Routers(Arc<Mutex<Table>>);

struct Table {
    routers: Vec<(RoutePrefix, Router)>,
    listening: Listening,
}

/// Where requests come from.
pub(crate) enum Listening {
    /// Nowhere: the host handed nothing over.
    Nowhere,
    /// From a listener that nobody accepts on yet.
    Ready(UnixListener),
    /// From a task that accepts, or from a test.
    Open,
}

/// The prefix has a router already.
pub(crate) struct Taken;

impl Routers {
    pub(crate) fn new(listening: Listening) -> Self {
        Self(Arc::new(Mutex::new(Table { routers: Vec::new(), listening })))
    }

    /// Begins to accept, if that has not begun. False: there is nothing to accept on.
    pub(crate) fn open(&self, runtime: &tokio::runtime::Handle) -> std::io::Result<bool> {
        let mut table = self.lock();
        match std::mem::replace(&mut table.listening, Listening::Nowhere) {
            Listening::Nowhere => return Ok(false),
            Listening::Open => {}
            Listening::Ready(listener) => {
                let _inside = runtime.enter();
                let listener = tokio::net::UnixListener::from_std(listener)?;
                let app = Router::new().fallback(route).with_state(self.clone());
                // axum's accept loop ends only with the runtime; errors of single connections are theirs alone.
                runtime.spawn(async move { axum::serve(listener, app).await });
            }
        }
        table.listening = Listening::Open;
        Ok(true)
    }

    pub(crate) fn insert(&self, prefix: RoutePrefix, router: Router) -> Result<(), Taken> {
        let mut table = self.lock();
        if table.routers.iter().any(|(known, _)| *known == prefix) {
            return Err(Taken);
        }
        table.routers.push((prefix, router));
        // The longest first: the first that covers a path is the one that is meant.
        table.routers.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.as_str().len()));
        Ok(())
    }

    pub(crate) fn remove(&self, prefix: &RoutePrefix) {
        self.lock().routers.retain(|(known, _)| known != prefix);
    }

    /// Answers one request.
    pub(crate) async fn answer(&self, mut request: Request) -> Response {
        let found = self.find(&request);
        let Some((mut router, prefix)) = found else { return no_router(&request) };
        if let Some(inner) = prefix.and_then(|prefix| below(request.uri(), prefix.as_str())) {
            let original = std::mem::replace(request.uri_mut(), inner);
            request.extensions_mut().insert(OriginalUri(original));
        }
        let answered: Result<Response, std::convert::Infallible> =
            <Router as Service<Request<Body>>>::call(&mut router, request).await;
        answered.unwrap_or_else(|never| match never {})
    }

    /// The router for a request, and the prefix that is still to be removed from its path.
    fn find(&self, request: &Request) -> Option<(Router, Option<RoutePrefix>)> {
        let table = self.lock();
        let removed = request.headers().get(FORWARDED_PREFIX).and_then(|value| value.to_str().ok());
        if let Some(removed) = removed {
            let known = table.routers.iter().find(|(prefix, _)| prefix.as_str() == removed);
            if let Some((_, router)) = known {
                return Some((router.clone(), None));
            }
        }
        let path = request.uri().path();
        let (prefix, router) = table.routers.iter().find(|(prefix, _)| is_below(path, prefix.as_str()))?;
        Some((router.clone(), Some(prefix.clone())))
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn route(State(routers): State<Routers>, request: Request) -> Response {
    routers.answer(request).await
}

/// The URI as the router below a prefix sees it: `/api/x/status?a=1` below `/api/x` is `/status?a=1`.
fn below(uri: &Uri, prefix: &str) -> Option<Uri> {
    let path_and_query = uri.path_and_query()?.as_str();
    let rest = path_and_query.strip_prefix(prefix)?;
    let inner: PathAndQuery =
        if rest.starts_with('/') { rest.parse().ok()? } else { format!("/{rest}").parse().ok()? };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(inner);
    Uri::from_parts(parts).ok()
}

fn no_router(request: &Request) -> Response {
    let body = serde_json::json!({
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": format!("the plugin has no router for {}", request.uri().path()),
    });
    (StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string())
        .into_response()
}
