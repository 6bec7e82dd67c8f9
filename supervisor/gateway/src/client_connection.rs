//! What is known about a client's connection while it lasts, for whoever answers a request on it.
//!
//! [`crate::connection`] makes one. Must not know requests, nor who answers them.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::sync::watch;

use crate::directory::Later;
use crate::peer::Peer;
use crate::seats::Place;
use crate::wire::signals::Signals;
use crate::wire::stream::ClientStream;

/// What is known about one connection while it lasts.
pub(crate) struct ClientConnection {
    peer: Peer,
    place: Place,
    pub(crate) signals: Arc<Signals>,
    afterwards: Mutex<Option<Later<()>>>,
    stopping: watch::Receiver<bool>,
}

impl ClientConnection {
    pub(crate) fn new(
        peer: Peer,
        place: Place,
        signals: Arc<Signals>,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        Self { peer, place, signals, afterwards: Mutex::default(), stopping }
    }

    /// The client's address, without its port.
    pub(crate) fn peer(&self) -> &str {
        &self.peer.address
    }

    /// Whether nothing tells who connects, so that each request has to show the token.
    pub(crate) fn is_unknown(&self) -> bool {
        self.peer.unknown
    }

    /// The connection's place among all.
    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// Turns true when the gateway stops: then what has no end of its own has to end.
    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.clone()
    }

    /// What the connection does once HTTP has ended on it by an upgrade.
    pub(crate) fn afterwards(&self, what: Later<()>) {
        *self.afterwards.lock().unwrap_or_else(PoisonError::into_inner) = Some(what);
    }

    /// What is left to be done once HTTP has ended; once.
    pub(crate) fn take_afterwards(&self) -> Option<Later<()>> {
        self.afterwards.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The client's socket after an upgrade, and what had come on it already.
pub(crate) async fn upgraded(on_upgrade: OnUpgrade) -> Option<(ClientStream, Bytes)> {
    let upgraded = on_upgrade.await.ok()?;
    let parts = upgraded.downcast::<TokioIo<ClientStream>>().ok()?;
    Some((parts.io.into_inner(), parts.read_buf))
}

/// Resolves when the gateway stops, also when it was dropped.
pub(crate) async fn stops(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stopping| *stopping).await;
}
