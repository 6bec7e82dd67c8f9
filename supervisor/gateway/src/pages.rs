//! The supervisor's own pages: the front page, and the shell that carries plugins' UIs.
//!
//! The front door asks. Must not know what the shell does.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, LOCATION};
use http::{HeaderValue, StatusCode, Uri};
use outboard_protocol::id::is_below;

use crate::admission::caller::{self, Caller};
use crate::directory::Directory;
use crate::problem::Problem;

mod front;
mod html;
mod no_ui;
pub(crate) mod shell;

pub(crate) use front::front;
pub(crate) use html::SHELL_PATH;
use html::page;

/// What browsers ask every site for; the plugins' own answers bring the browser here as well.
pub(crate) const ICON_PATH: &str = "/favicon.ico";
const ICON: &[u8] = br##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" fill="#1f4e79"/><circle cx="6" cy="8" r="3.5" fill="#fff"/><circle cx="12.5" cy="8" r="1.5" fill="#fff"/></svg>"##;

/// Where the operator's page shows one plugin: `/plugins/<id>`, and below it a path of the plugin's UI.
pub(crate) const PLUGINS_PATH: &str = "/plugins";

/// Whether the operator's page lives at this path.
pub(crate) fn is_operators(path: &str) -> bool {
    path == "/" || is_below(path, PLUGINS_PATH)
}

/// `/favicon.ico`.
pub(crate) fn icon() -> Response {
    page(Bytes::from_static(ICON), "image/svg+xml", "max-age=86400")
}

/// Where a page is instead: the browser is sent to the same path at another origin. Not for ever, as settings change.
pub(crate) fn elsewhere(origin: &str, uri: &Uri) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(address) = HeaderValue::try_from(caller::address(origin, uri.path_and_query())) {
        headers.insert(LOCATION, address);
    }
    response
}

/// `/` at a plugin's own host: its UI, or the sentence that it has none.
pub(crate) fn home(directory: &dyn Directory, caller: &Caller) -> Result<Response, Problem> {
    let home = caller.home().unwrap_or_default();
    let is_home = |id: &str| *caller.label(id) == *home;
    let id = if is_home(home) {
        directory.plugin(home).map(|plugin| plugin.id)
    } else {
        directory.status().plugins.into_iter().map(|plugin| plugin.id).find(|id| is_home(id))
    };
    let id = id.ok_or_else(|| Problem::unknown_plugin(home))?;
    Ok(elsewhere("", &Uri::try_from(format!("{SHELL_PATH}{id}")).unwrap_or_default()))
}
