//! The supervisor's own pages: the front page, and the shell that carries plugins' UIs.
//!
//! The front door asks. The files of the shell are compiled in; see [`SHELL`]. Must not know what the shell does.

use std::fmt::Write;
use std::path::Path;

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode};

use outboard_protocol::PluginId;

use crate::directory::Directory;
use crate::problem::{Kind, Problem};
use crate::reply::ReplyBody;
use crate::ui_files::content_type;

mod no_ui;

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
/// What the shell page may load; names the digest of the import map in it.
const SHELL_POLICY: &str = include_str!("../assets/shell/policy.txt");
/// The front page loads nothing from elsewhere, and is framed by nobody.
const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    object-src 'none'; base-uri 'none'; frame-ancestors 'none'";

/// What browsers ask every site for; the plugins' own answers bring the browser here as well.
pub(crate) const ICON_PATH: &str = "/favicon.ico";
const ICON: &[u8] = br##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" fill="#1f4e79"/><circle cx="6" cy="8" r="3.5" fill="#fff"/><circle cx="12.5" cy="8" r="1.5" fill="#fff"/></svg>"##;

/// `/favicon.ico`.
pub(crate) fn icon() -> Response<ReplyBody> {
    page(Bytes::from_static(ICON), "image/svg+xml", "max-age=86400")
}

/// `/`.
pub(crate) fn front(directory: &dyn Directory) -> Response<ReplyBody> {
    page(Bytes::from(list(directory)), "text/html; charset=utf-8", "no-store")
}

fn list(directory: &dyn Directory) -> String {
    let status = directory.status();
    let mut html = String::from(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Outboard</title>\
         <style>body{font:16px/1.5 system-ui,sans-serif;margin:3rem auto;max-width:44rem;padding:0 1rem}\
         td,th{text-align:left;vertical-align:top;padding:.2rem 1rem .2rem 0}</style><h1>Outboard</h1>\
         <table><tr><th>Plugin<th>State<th>Version<th>Answers at</tr>",
    );
    for plugin in &status.plugins {
        let routes: String =
            plugin.routes.iter().map(|route| format!("<a href=\"{0}/\">{0}</a> ", escaped(route))).collect();
        let (name, state, version) =
            (escaped(&plugin.name), escaped(&plugin.state), escaped(&plugin.version));
        let name = if directory.has_ui(plugin.id.as_str()) {
            format!("<a href=\"/_outboard/shell/{}\">{name}</a>", escaped(plugin.id.as_str()))
        } else {
            name
        };
        let (id, cause) = (escaped(plugin.id.as_str()), escaped(plugin.cause.as_deref().unwrap_or_default()));
        // Writing into a string cannot fail.
        let _ = write!(
            html,
            "<tr><td>{name}<br><small>{id}</small><td>{state}<br><small>{cause}</small><td>{version}<td>{routes}</tr>"
        );
    }
    html.push_str("</table></html>\n");
    html
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// `/shell/…`.
pub(crate) fn shell(
    directory: &dyn Directory,
    rest: &str,
    asked: &HeaderMap,
) -> Result<Response<ReplyBody>, Problem> {
    let path = rest.trim_start_matches("/shell/");
    // An id has no dot and every file has one, so neither hides the other. The page itself reads the id off its address.
    let named = Some(path.trim_end_matches('/')).filter(|name| !name.contains(['.', '/']));
    let path = match named {
        Some(id) if PluginId::new(id).is_ok() && directory.has_ui(id) => SHELL_PAGE,
        Some(id) => return Ok(no_ui::page(directory, id)),
        None => path,
    };
    let Some((_, content)) = SHELL.iter().find(|(name, _)| *name == path) else {
        return Err(Problem::new(Kind::NotFound, format!("The shell has no file {path:?}.")));
    };
    // The files change with the product alone.
    let tag = concat!("\"", env!("CARGO_PKG_VERSION"), "\"");
    let mut response = page(Bytes::from_static(content), content_type(Path::new(path)), "no-cache");
    response.headers_mut().insert(ETAG, HeaderValue::from_static(tag));
    if path == SHELL_PAGE {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(SHELL_POLICY));
    }
    if asked.get(IF_NONE_MATCH).is_some_and(|known| known == tag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = ReplyBody::empty();
    }
    Ok(response)
}

fn page(content: Bytes, content_type: &'static str, cache: &'static str) -> Response<ReplyBody> {
    let mut response = Response::new(ReplyBody::full(content));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}
