//! The supervisor's own pages: the front page, and the shell that carries plugins' UIs.
//!
//! The front door asks. The files of the shell are compiled in; see [`SHELL`]. Must not know what the shell does.

use std::path::Path;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, ETAG, IF_NONE_MATCH, LOCATION};
use http::{HeaderMap, HeaderValue, StatusCode, Uri};

use outboard_protocol::PluginId;

use crate::admission::caller::{self, Caller};
use crate::directory::Directory;
use crate::problem::{Kind, Problem};
use crate::ui_files::content_type;

mod front;
mod html;
mod no_ui;

pub(crate) use front::front;
use html::{OPENER_POLICY, SHELL_PATH, page};

macro_rules! embedded {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_bytes!(concat!("../assets/shell/", $name)))),*]
    };
}

/// The files below `/_outboard/shell/`, built by plugin-sdk/typescript/scripts/build.mjs and committed.
const SHELL: &[(&str, &[u8])] = embedded![
    "THIRD-PARTY.txt",
    "index.html",
    "react-dom-client.js",
    "react-dom.js",
    "react-jsx-runtime.js",
    "react.js",
    "sdk.js",
    "shell.css",
    "shell.js",
    "tanstack-react-query.js",
];
/// The page that mounts a plugin's UI: `/_outboard/shell/<id>`.
const SHELL_PAGE: &str = "index.html";
/// What the shell page may load; names the digest of the import map in it. Who may hold it in a frame is added.
const SHELL_POLICY: &str = include_str!("../assets/shell/policy.txt");
/// What browsers ask every site for; the plugins' own answers bring the browser here as well.
pub(crate) const ICON_PATH: &str = "/favicon.ico";
const ICON: &[u8] = br##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" fill="#1f4e79"/><circle cx="6" cy="8" r="3.5" fill="#fff"/><circle cx="12.5" cy="8" r="1.5" fill="#fff"/></svg>"##;

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

/// The plugin whose shell page `/shell/<id>` is; `None` for the shell's files, and where there is no such plugin.
pub(crate) fn shell_of<'r>(directory: &dyn Directory, rest: &'r str) -> Option<&'r str> {
    named(rest).filter(|id| PluginId::check(id).is_ok() && directory.plugin(id).is_some())
}

/// Whether this is a page of the shell, and not one of its files.
pub(crate) fn is_page(rest: &str) -> bool {
    named(rest).is_some()
}

/// An id has no dot and every file has one, so neither hides the other.
fn named(rest: &str) -> Option<&str> {
    let path = rest.strip_prefix("/shell/")?.trim_end_matches('/');
    Some(path).filter(|name| !name.contains(['.', '/']))
}

/// `/shell/…`.
pub(crate) fn shell(
    directory: &dyn Directory,
    rest: &str,
    asked: &HeaderMap,
    caller: &Caller,
) -> Result<Response, Problem> {
    // The page itself reads the id off its address.
    let path = match named(rest) {
        Some(id) if PluginId::check(id).is_ok() && directory.has_ui(id) => SHELL_PAGE,
        Some(id) => return Ok(no_ui::page(directory, id, caller)),
        None => rest.strip_prefix("/shell/").unwrap_or_default(),
    };
    let Some((_, content)) = SHELL.iter().find(|(name, _)| *name == path) else {
        return Err(Problem::new(Kind::NotFound, format!("The shell has no file {path:?}.")));
    };
    // The files change with the product alone.
    let tag = concat!("\"", env!("CARGO_PKG_VERSION"), "\"");
    let mut response = page(Bytes::from_static(content), content_type(Path::new(path)), "no-cache");
    let headers = response.headers_mut();
    headers.insert(ETAG, HeaderValue::from_static(tag));
    if path == SHELL_PAGE {
        if let Ok(policy) = HeaderValue::try_from(format!("{SHELL_POLICY}; {}", caller.frame_ancestors())) {
            headers.insert(CONTENT_SECURITY_POLICY, policy);
        }
        headers.insert(OPENER_POLICY, HeaderValue::from_static("same-origin-allow-popups"));
    }
    if asked.get(IF_NONE_MATCH).is_some_and(|known| known == tag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Body::empty();
    }
    Ok(response)
}
