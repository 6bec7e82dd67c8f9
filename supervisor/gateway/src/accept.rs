//! The accept loop: it never stops before it is told to, whatever the system says.
//!
//! [`crate::Gateway::serve`] runs it as one task. It owns the connections' tasks: it asks who connects, gives each a place, and
//! tells those that get none. Must not know HTTP.

use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::front_door::FrontDoor;
use crate::peer::{Peer, Peers, Verdict};
use crate::problem::{Kind, Problem};
use crate::seats::Place;
use crate::socket::{Connected, Listener, Socket};
use crate::{connection, descriptors};

/// How long to pause when the system cannot accept (no descriptors, no memory): a connection that ends meanwhile frees what
/// is missing, and a busy loop would free nothing.
const BACK_OFF: Duration = Duration::from_millis(50);
/// How often the same trouble is told: an attack must not fill the log.
const TELL_AGAIN: Duration = Duration::from_secs(10);
/// So many are told at once why they are refused.
const FAREWELLS: usize = 16;
/// How long that may take, and how much of what they send is read past meanwhile, in bytes.
const FAREWELL: Duration = Duration::from_secs(1);
const FAREWELL_READ: u64 = 64 * 1024;

/// How long a connection waits, at most, until it is known which plugins there are. The first look at the folders takes milliseconds,
/// and after a second it is published without the folders that do not answer; this limit is the last resort.
const KNOWN_WITHIN: Duration = Duration::from_secs(5);

/// What the loop is told when it is to end: how long requests under way may take.
pub(crate) type Stop = watch::Receiver<Option<Duration>>;

/// Accepts until told to stop, then waits for the connections as long as it was told, then cuts the rest.
pub(crate) async fn run(listener: Listener, front_door: Arc<FrontDoor>, mut stop: Stop) {
    let (stopping, told) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut door = Door {
        peers: Peers::new(front_door.options()),
        trouble: Trouble::default(),
        farewells: Arc::new(Semaphore::new(FAREWELLS)),
    };
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
    // Until then connections wait in the system's own bounded queue. A page that comes back to a new supervisor, or a program, would
    // be told that there is no such plugin.
    tokio::select! {
        _ = stopped(&mut stop) => {}
        _ = tokio::time::timeout(KNOWN_WITHIN, front_door.known()) => {}
    }
    // One for all connections, since to begin one takes its place in a list.
    let stopped = stopped(&mut stop);
    tokio::pin!(stopped);
    let grace = loop {
        tokio::select! {
            biased;
            grace = &mut stopped => break grace,
            Some(ended) = connections.join_next(), if !connections.is_empty() => tell_panic(ended),
            accepted = door.accept(&listener, &front_door) => match accepted {
                Some(Accepted::In(connected, peer, place)) => {
                    let front_door = Arc::clone(&front_door);
                    let told = told.clone();
                    connections.spawn(connection::serve(front_door, connected, peer, place, told));
                }
                Some(Accepted::Refused(connected, why)) => {
                    // Beyond these, whoever is refused sees the connection close, which says the same.
                    if let Ok(farewell) = Arc::clone(&door.farewells).try_acquire_owned() {
                        connections.spawn(async move {
                            turn_away(connected, why).await;
                            drop(farewell);
                        });
                    }
                }
                None => {}
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

/// Judges whoever comes.
struct Door {
    peers: Peers,
    trouble: Trouble,
    farewells: Arc<Semaphore>,
}

/// What becomes of a connection.
enum Accepted {
    In(Connected, Peer, Place),
    Refused(Connected, Problem),
}

impl Door {
    /// The next connection, judged; none where nothing came of it.
    async fn accept(&mut self, listener: &Listener, front_door: &FrontDoor) -> Option<Accepted> {
        let seats = front_door.seats();
        // Whoever comes while there is no room at all waits in the system's own bounded queue.
        seats.room().await;
        let connected = match listener.accept().await {
            Ok(connected) => connected,
            Err(error) if concerns_one_connection(&error) => return None,
            Err(error) => {
                front_door.load().failed();
                self.trouble.tell(&error);
                seats.send_oldest_away();
                tokio::time::sleep(BACK_OFF).await;
                return None;
            }
        };
        let peer = match self.peers.judge(&connected) {
            Verdict::In(peer) => peer,
            Verdict::Refused(user) => return Some(Accepted::Refused(connected, refused_user(user))),
            Verdict::Gone => return None,
        };
        let reserve = descriptors::reserve(connected.as_fd());
        Some(match seats.place(peer.party, reserve) {
            Some(place) => Accepted::In(connected, peer, place),
            None => Accepted::Refused(connected, front_door.is_full()),
        })
    }
}

fn refused_user(user: u32) -> Problem {
    let detail = format!(
        "You are uid {user} of this machine, and this supervisor serves another user; its operator can name uid {user} in \
         allowed_users below [http]."
    );
    Problem::new(Kind::PeerNotAllowed, detail)
}

/// Says why, and ends the connection so that the word arrives: a socket that is closed with bytes unread is reset.
async fn turn_away(connected: Connected, why: Problem) {
    let mut socket = Socket::new(connected, Arc::default());
    let said = async {
        socket.write_all(&why.into_bytes()).await?;
        socket.shutdown().await?;
        tokio::io::copy(&mut socket.take(FAREWELL_READ), &mut tokio::io::sink()).await
    };
    // Who does not take it in time is not told.
    let _ = tokio::time::timeout(FAREWELL, said).await;
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
