//! The page in place of a UI that is not there: why, in one sentence, and which UIs there are.
//!
//! The shell's address asks. A plugin's own host tells of that plugin alone. Must not know how a UI is mounted.

use std::fmt::Write;

use axum::response::Response;
use http::StatusCode;
use outboard_protocol::control::PluginState;

use super::html::{SHELL_PATH, STYLE, escaped, operators};
use crate::admission::caller::Caller;
use crate::directory::Directory;

/// As much of a name as is repeated.
const SHOWN: usize = outboard_protocol::id::PLUGIN_ID_MAX;

/// Says that `id` has no UI, or is not a plugin.
pub(super) fn page(directory: &dyn Directory, id: &str, caller: &Caller) -> Response {
    let shown = escaped(&id.chars().take(SHOWN).collect::<String>());
    let sentence = match directory.plugin(id) {
        None => format!("There is no plugin \u{201c}{shown}\u{201d}."),
        Some(plugin) if plugin.state == PluginState::Invalid => format!(
            "The plugin \u{201c}{shown}\u{201d} cannot be used: {}.",
            escaped(plugin.cause.as_deref().unwrap_or(plugin.state.name()).trim_end_matches('.'))
        ),
        Some(plugin) => {
            let mut sentence = format!(
                "The plugin \u{201c}{shown}\u{201d} has no UI: its folder holds no {}.",
                outboard_protocol::manifest::UI_ENTRY
            );
            for route in &plugin.routes {
                // Writing into a string cannot fail.
                let _ = write!(sentence, " It answers at <a href=\"{0}/\">{0}</a>.", escaped(route));
            }
            sentence
        }
    };
    let others = if caller.home().is_some() { String::new() } else { others(directory, caller) };
    let html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{shown}</title>\
         <style>{STYLE}</style><main><p role=\"alert\">{sentence}</p>{others}<p><a href=\"{}/\">All plugins</a></main></html>\n",
        caller.operator_origin()
    );
    let mut response = operators(html);
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

/// The UIs that there are.
fn others(directory: &dyn Directory, caller: &Caller) -> String {
    let status = directory.status();
    let mut list = String::new();
    for plugin in status.plugins.iter().filter(|plugin| directory.has_ui(&plugin.id)) {
        let (id, name, origin) = (escaped(&plugin.id), escaped(&plugin.name), caller.origin_of(&plugin.id));
        let _ = write!(list, "<li><a href=\"{origin}{SHELL_PATH}{id}\">{name}</a> <small>{id}</small>");
    }
    if list.is_empty() {
        return "<p>No plugin here has a UI.".to_owned();
    }
    format!("<p>These plugins have a UI:<ul>{list}</ul>")
}
