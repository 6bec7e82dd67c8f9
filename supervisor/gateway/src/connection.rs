//! One client connection, from accept to its last byte: hyper while it is HTTP, a tunnel or the bus after an upgrade.
//!
//! The accept loop spawns [`serve`] for each connection. Must not know routes.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use outboard_causes::Told;
use tokio::sync::watch;

use crate::client_connection::{ClientConnection, stops};
use crate::front_door::FrontDoor;
use crate::peer::Peer;
use crate::seats::Place;
use crate::socket::{Connected, Socket};
use crate::wire::signals::Signals;
use crate::wire::stream::{ClientStream, Patience};

/// Most that hyper holds of what it has read, and of what it has to write, for one connection. Large enough for the longest
/// head, small enough that a few hundred slow readers hold little.
const BUFFER_MAX: usize = 128 * 1024;

/// Serves a connection to its end. When `stopping` turns true, requests under way are finished, and nothing else is begun.
pub(crate) async fn serve(
    front_door: Arc<FrontDoor>,
    connected: Connected,
    peer: Peer,
    place: Place,
    mut stopping: watch::Receiver<bool>,
) {
    let _counted = front_door.load().accepted();
    let guest = Arc::clone(place.guest());
    let socket = Socket::new(connected, Arc::clone(&guest));
    let signals = Arc::new(Signals::new(Arc::clone(&guest)));
    let client = Arc::new(ClientConnection::new(peer, place, Arc::clone(&signals), stopping.clone()));
    let options = front_door.options();
    let patience = Patience {
        head: options.head_timeout,
        between: options.keep_alive,
        body: options.client_stall,
        write: options.client_unread,
    };
    let io = TokioIo::new(ClientStream::new(socket, signals, patience, options.head_bytes));
    let (head_bytes, linger) = (options.head_bytes, options.client_linger);
    let service = service_fn({
        let (front_door, client) = (Arc::clone(&front_door), Arc::clone(&client));
        move |request| {
            let (front_door, client) = (Arc::clone(&front_door), Arc::clone(&client));
            // Before the future is first polled: hyper looks for more from the client in between.
            let answering = client.signals.answering();
            async move { Ok::<_, std::convert::Infallible>(front_door.answer(&client, answering, request).await) }
        }
    });
    let http = http1::Builder::new()
        // The stream keeps the time; hyper's own timer would be moved at every request.
        .header_read_timeout(None)
        .max_header_size(head_bytes)
        .max_buf_size(BUFFER_MAX)
        .serve_connection(io, service)
        .with_upgrades();
    // HTTP is over at the end of this block, and dropped: one that broke off never hands its socket over, and what comes
    // afterwards would wait for it for ever.
    let outcome = {
        let mut http = pin!(http);
        tokio::select! {
            biased;
            outcome = &mut http => outcome,
            () = stops(&mut stopping) => {
                http.as_mut().graceful_shutdown();
                http.await
            }
            // Seats have run out, and it asks for nothing. A request that comes at this moment is still answered.
            () = poll_fn(|cx| guest.poll_leave(cx)) => {
                http.as_mut().graceful_shutdown();
                http.await
            }
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(peer = client.peer(), error = %Told(&error), "a connection broke off");
    }
    if let Some(leftover) = client.signals.take_leftover() {
        if let Some(refusal) = leftover.refusal() {
            tracing::debug!(peer = client.peer(), "a request was refused: {refusal}");
        }
        tokio::select! {
            () = leftover.close(linger) => {}
            // There is no answer that could be finished first.
            () = stops(&mut stopping) => {}
            () = poll_fn(|cx| guest.poll_leave(cx)) => {}
        }
    }
    if let Some(afterwards) = client.take_afterwards() {
        afterwards.await;
    }
}
