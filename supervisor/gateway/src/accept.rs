//! The accept loop: it never stops before it is told to, whatever the system says.
//!
//! [`crate::Gateway::serve`] runs it as one task. It owns the connections' tasks. Must not know HTTP.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::connection;
use crate::front_door::FrontDoor;
use crate::load::Load;

/// How long to pause when the system cannot accept (no descriptors, no memory): a connection that ends meanwhile frees what
/// is missing, and a busy loop would free nothing.
const BACK_OFF: Duration = Duration::from_millis(50);
/// How often the same trouble is told: an attack must not fill the log.
const TELL_AGAIN: Duration = Duration::from_secs(10);

/// What the loop is told when it is to end: how long requests under way may take.
pub(crate) type Stop = watch::Receiver<Option<Duration>>;

/// Accepts until told to stop, then waits for the connections as long as it was told, then cuts the rest.
pub(crate) async fn run(listener: TcpListener, front_door: Arc<FrontDoor>, mut stop: Stop) {
    let seats = Arc::new(Semaphore::new(front_door.options().connections));
    let (stopping, told) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut trouble = Trouble::default();
    let tidy = Arc::clone(&front_door);
    connections.spawn({
        let mut told = told.clone();
        async move {
            tokio::select! {
                () = tidy.keep_tidy() => {}
                _ = told.wait_for(|stopping| *stopping) => {}
            }
        }
    });
    let grace = loop {
        tokio::select! {
            biased;
            grace = stopped(&mut stop) => break grace,
            Some(ended) = connections.join_next(), if !connections.is_empty() => tell_panic(ended),
            accepted = accept(&listener, &seats, front_door.load(), &mut trouble) => {
                let Some((socket, peer, seat)) = accepted else { continue };
                let front_door = Arc::clone(&front_door);
                let told = told.clone();
                connections.spawn(async move {
                    let counted = front_door.load().accepted();
                    connection::serve(Arc::clone(&front_door), socket, peer, told).await;
                    drop((counted, seat));
                });
            }
        }
    };
    drop(listener);
    stopping.send_replace(true);
    let ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(grace, ended).await.is_err() {
        connections.shutdown().await;
    }
}

async fn stopped(stop: &mut Stop) -> Duration {
    match stop.wait_for(Option::is_some).await {
        Ok(grace) => grace.unwrap_or_default(),
        // Nobody is left who could tell us to go on.
        Err(_) => Duration::ZERO,
    }
}

fn tell_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "a connection's task panicked; the others go on");
    }
}

async fn accept(
    listener: &TcpListener,
    seats: &Arc<Semaphore>,
    load: &Load,
    trouble: &mut Trouble,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    // Whoever comes while all seats are taken waits in the system's own bounded queue.
    let seat = match Arc::clone(seats).try_acquire_owned() {
        Ok(seat) => seat,
        Err(_) => {
            load.waits();
            Arc::clone(seats).acquire_owned().await.ok()?
        }
    };
    match listener.accept().await {
        Ok((socket, peer)) => Some((socket, peer, seat)),
        Err(error) if concerns_one_connection(&error) => None,
        Err(error) => {
            load.failed();
            trouble.tell(&error);
            tokio::time::sleep(BACK_OFF).await;
            None
        }
    }
}

/// The client was gone before it was accepted.
fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// When trouble was last told.
#[derive(Default)]
struct Trouble(Option<Instant>);

impl Trouble {
    fn tell(&mut self, error: &io::Error) {
        if self.0.is_none_or(|last| last.elapsed() >= TELL_AGAIN) {
            self.0 = Some(Instant::now());
            tracing::warn!(%error, "cannot accept connections; trying on. Raise the descriptor limit if this goes on");
        }
    }
}
