//! `/_outboard/health`: whether the supervisor answers, and how its plugins are.
//!
//! For people, monitors and tests. Tells states and counts only: no paths, no causes, nothing that a stranger could use.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::response::Response;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use outboard_protocol::control::PluginState;
use serde::Serialize;

use crate::directory::Directory;
use crate::load::Load;
use crate::seats::Seats;

#[derive(Serialize)]
struct Health {
    /// `ok` as long as there is an answer at all.
    status: &'static str,
    version: String,
    since: String,
    /// State by plugin id.
    plugins: BTreeMap<String, PluginState>,
    connections: Connections,
}

/// The gateway's own connections.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Connections {
    open: usize,
    /// So many may be open, besides WebSockets; then those that are idle are closed, and the rest is refused.
    limit: usize,
    /// So many WebSockets may be open.
    web_sockets: usize,
    /// How often one came for which there was no free place.
    times_full: usize,
    /// How often the system could not accept one, for want of descriptors or memory.
    failures: u64,
}

/// The answer.
pub(crate) fn answer(directory: &dyn Directory, load: &Load, seats: &Seats) -> Response {
    let status = directory.status();
    let plugins = status.plugins.into_iter().map(|plugin| (plugin.id, plugin.state)).collect();
    let connections = Connections {
        open: load.open(),
        limit: seats.shares().ordinary + seats.shares().kept,
        web_sockets: seats.shares().websockets,
        times_full: seats.times_full(),
        failures: load.failures(),
    };
    let health = Health { status: "ok", version: status.version, since: status.since, plugins, connections };
    let json = serde_json::to_vec(&health).expect("INVARIANT: strings are always JSON");
    let mut response = Response::new(Body::from(json));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
