//! The first page: every plugin, its state, and where it answers.
//!
//! Served at the operator's own host, which serves no plugin's bytes. Must not know how a plugin's state comes about.

use std::fmt::Write;

use axum::response::Response;
use outboard_protocol::control::PluginStatus;

use super::html::{SHELL_PATH, STYLE, escaped, operators};
use super::shell;
use crate::admission::caller::Caller;
use crate::directory::Directory;

/// What is shared where plugins have no origins of their own.
const SHARED: &str = "<p class=\"notice\" role=\"status\">Every plugin\u{2019}s pages share one origin here (<code>isolate_origins = false</code>): \
    a page of any plugin reaches all the others, and this page.</p>";

/// `/`.
pub(crate) fn front(directory: &dyn Directory, caller: &Caller) -> Response {
    let status = directory.status();
    let mut html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>Outboard</title>\
         <link rel=\"stylesheet\" href=\"{SHELL_PATH}shell.css\"><style>{STYLE}</style><main><h1>Outboard <small>{}</small></h1>",
        escaped(&status.version)
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
    html.push_str("</main>");
    // Messages, questions and badges of plugins, where no host application shows them.
    let _ = writeln!(
        html,
        "<div id=\"desk\"></div><script type=\"module\" src=\"{SHELL_PATH}desk.js\"></script></html>"
    );
    operators(html)
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
