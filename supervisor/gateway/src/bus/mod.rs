//! `/_outboard/bus`: the WebSocket over which UIs hear their plugins and ask them.
//!
//! The front door hands over the request that opens it. [`frames`] are the words, [`client`] is one client's conversation,
//! [`writing`] empties its queue.
//! Must not know what plugins say.

mod client;
mod end;
mod frames;
mod overview;
mod services;
mod writing;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use http::{HeaderValue, Method, StatusCode};
use tokio::sync::Semaphore;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::admission::caller::{Origins, Share};
use crate::client_connection::ClientConnection;
use crate::directory::Directory;
use crate::headers::{is_upgrade, mentions};
use crate::problem::{Kind, Problem, RETRY_SOON};

/// The bus, as the front door knows it.
pub(crate) struct Bus {
    directory: Arc<dyn Directory>,
    seats: Arc<Semaphore>,
}

impl Bus {
    pub(crate) fn new(directory: Arc<dyn Directory>, clients: usize) -> Self {
        Self { directory, seats: Arc::new(Semaphore::new(clients)) }
    }

    /// Lets a client in, to hear and ask the plugins that are in its share; their pages are at these origins for it.
    pub(crate) fn join(
        &self,
        client: &ClientConnection,
        mut request: Request,
        share: Share,
        origins: Origins,
    ) -> Result<Response, Problem> {
        let accept = accept_key(&request)?;
        let seat = Arc::clone(&self.seats).try_acquire_owned().map_err(|_| {
            let detail = "As many UIs as are allowed are connected already; close one, or raise bus_clients.";
            Problem::new(Kind::Busy, detail).retry_after(RETRY_SOON).closing()
        })?;
        let on_upgrade = hyper::upgrade::on(&mut request);
        let (directory, stopping) = (Arc::clone(&self.directory), client.stopping());
        client.afterwards(Box::pin(async move {
            if let Some((stream, begun)) = crate::client_connection::upgraded(on_upgrade).await {
                client::converse(stream, begun, directory, (share, origins), stopping).await;
            }
            drop(seat);
        }));
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
        Ok(response)
    }
}

/// What a proper opening is answered with.
fn accept_key(request: &Request) -> Result<HeaderValue, Problem> {
    let headers = request.headers();
    let offered = || headers.get_all(UPGRADE).iter().any(|value| mentions(value, "websocket"));
    if *request.method() != Method::GET || !is_upgrade(request.version(), headers) || !offered() {
        let detail = "This is the bus of UIs; open it as a WebSocket.";
        return Err(Problem::new(Kind::UpgradeRequired, detail).closing());
    }
    let version = headers.get(SEC_WEBSOCKET_VERSION).is_some_and(|version| version == "13");
    let key = headers.get(SEC_WEBSOCKET_KEY).filter(|key| key.len() == 24);
    let accept = key.filter(|_| version).map(|key| derive_accept_key(key.as_bytes()));
    accept.and_then(|accept| HeaderValue::try_from(accept).ok()).ok_or_else(|| {
        let detail = "The WebSocket opening lacks Sec-WebSocket-Version: 13 or a proper Sec-WebSocket-Key.";
        Problem::new(Kind::Ambiguous, detail).closing()
    })
}
