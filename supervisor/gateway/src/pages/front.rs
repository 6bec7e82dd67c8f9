//! The operator's page: a list of all plugins, and each one's UI in a frame beside it. The page is a program of its own, which hears of
//! plugins over the bus; what is written here is for browsers that run none.
//!
//! Served at the operator's own host, which serves no plugin's bytes. Must not know how a plugin's state comes about.

use std::fmt::Write;

use axum::response::Response;
use http::header::CONTENT_SECURITY_POLICY;
use http::{HeaderValue, StatusCode};
use outboard_protocol::control::PluginStatus;

use super::html::{POLICY, SHELL_PATH, STYLE, escaped, operators};
use super::{ICON_PATH, PLUGINS_PATH, shell};
use crate::admission::caller::Caller;
use crate::directory::Directory;

/// What is shared where plugins have no origins of their own.
const SHARED: &str = "<p class=\"notice\" role=\"status\">Every plugin\u{2019}s pages share one origin here (<code>isolate_origins = false</code>): \
    a page of any plugin reaches all the others, and this page.</p>";

/// `/`, and below `/plugins` the same page, which shows the plugin that the address names.
pub(crate) fn front(directory: &dyn Directory, path: &str, caller: &Caller) -> Response {
    let status = directory.status();
    let mut html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>Outboard</title>\
         <link rel=\"icon\" href=\"{ICON_PATH}\"><link rel=\"stylesheet\" href=\"{SHELL_PATH}shell.css\">\
         <link rel=\"stylesheet\" href=\"{SHELL_PATH}desk.css\"></head><body><div id=\"desk\" data-version=\"{0}\" data-shared=\"{1}\"></div>\
         <script type=\"module\" src=\"{SHELL_PATH}desk.js\"></script>\
         <noscript><style>{STYLE}</style><main><h1>Outboard <small>{0}</small></h1>",
        escaped(&status.version),
        !caller.isolated()
    );
    if !caller.isolated() {
        html.push_str(SHARED);
    }
    if status.plugins.is_empty() {
        html.push_str("<p>No plugins: put a folder with a plugin.json into a plugin folder.</p>");
    } else {
        html.push_str("<ul class=\"plugins\">");
        for plugin in &status.plugins {
            row(&mut html, directory, plugin, caller);
        }
        html.push_str("</ul>");
    }
    html.push_str("</main></noscript></body></html>\n");
    let mut response = operators(html);
    if plugin_of(path).is_some_and(|id| !status.plugins.iter().any(|plugin| plugin.id == id)) {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    if let Ok(policy) = HeaderValue::try_from(policy(&caller.origins().source())) {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// The plugin that an address names.
fn plugin_of(path: &str) -> Option<&str> {
    let rest = path.strip_prefix(PLUGINS_PATH)?.strip_prefix('/')?;
    rest.split('/').next().filter(|id| !id.is_empty())
}

/// What the page may load: from plugins their frames, pictures and sounds.
fn policy(plugins: &str) -> String {
    let own = POLICY.replace("img-src 'self' data:", &format!("img-src 'self' data: {plugins}"));
    format!("{own}; frame-src {plugins}; media-src 'self' {plugins}")
}

fn row(html: &mut String, directory: &dyn Directory, plugin: &PluginStatus, caller: &Caller) {
    let origin = caller.origin_of(&plugin.id);
    let (id, name) = (escaped(&plugin.id), escaped(&plugin.name));
    let name = if directory.has_ui(&plugin.id) {
        format!("<a href=\"{origin}{SHELL_PATH}{id}\">{name}</a>")
    } else {
        name
    };
    let (state, version) = (escaped(plugin.shown_state()), escaped(&plugin.version));
    // Writing into a string cannot fail.
    let _ = write!(
        html,
        "<li data-plugin=\"{id}\"><div class=\"who\"><strong>{name}</strong> <small>{id} {version}</small></div><div class=\"state {state}\">{state}</div>"
    );
    if let Some(cause) = &plugin.cause {
        let _ = write!(html, "<p class=\"cause\">{}</p>", escaped(cause));
    }
    if !plugin.routes.is_empty() {
        let links: Vec<String> = plugin
            .routes
            .iter()
            .map(|route| format!("<a href=\"{origin}{0}/\">{0}</a>", escaped(route)))
            .collect();
        let _ = write!(html, "<p class=\"routes\">answers at {}</p>", links.join(" "));
    }
    if shell::has_settings(directory, &plugin.id) {
        let query = shell::SETTINGS;
        let _ =
            write!(html, "<p class=\"routes\"><a href=\"{origin}{SHELL_PATH}{id}?{query}\">Settings</a></p>");
    }
    html.push_str("</li>");
}
