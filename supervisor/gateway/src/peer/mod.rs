//! Who is at the other end of a connection, as far as this machine can tell, and whether that one may come in.
//!
//! The accept loop asks before it gives a place. A user of this machine is known by uid: over a Unix socket from the socket
//! itself, over TCP from [`netlink`]. Whoever connects from elsewhere is unknown, and shows the token at each request or is
//! trusted by an explicit setting. Must not know HTTP.

mod netlink;

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use tokio::time::{Duration, Instant};

use self::netlink::{Diagnosis, Found};
use crate::options::GatewayOptions;
use crate::seats::Party;
use crate::socket::Connected;

/// How often a refusal of the same kind is told: an attack must not fill the log.
const TELL_AGAIN: Duration = Duration::from_secs(10);

/// Whether this system tells which user connects over TCP.
///
/// # Errors
/// Why it does not.
pub fn can_tell_users() -> io::Result<()> {
    Diagnosis::open().map(drop)
}

/// Who may come in, and how that is found out.
pub(crate) struct Peers {
    own: u32,
    allowed: Vec<u32>,
    trust_unknown: bool,
    diagnosis: Option<Diagnosis>,
    told: Option<Instant>,
}

/// One who may come in.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    /// The address, without its port.
    pub(crate) address: Arc<str>,
    /// For whom seats are counted.
    pub(crate) party: Party,
    /// Whether each request has to show the token.
    pub(crate) unknown: bool,
}

/// What is said to whoever connects.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// Come in.
    In(Peer),
    /// Another user, who is told so.
    Refused(u32),
    /// It has closed its end already, so that nobody knows any more who it was.
    Gone,
}

impl Peers {
    /// The rules of one gateway.
    pub(crate) fn new(options: &GatewayOptions) -> Self {
        let diagnosis = Diagnosis::open().inspect_err(|error| {
            tracing::warn!(
                %error,
                "this system does not tell which user connects over TCP; every program has to send the token of `token_file`, \
                 unless `trust_unknown_peers` is set below [http]"
            );
        });
        Self {
            own: rustix::process::geteuid().as_raw(),
            allowed: options.allowed_users.clone(),
            trust_unknown: options.trust_unknown_peers,
            diagnosis: diagnosis.ok(),
            told: None,
        }
    }

    /// Whether whoever connects may come in.
    pub(crate) fn judge(&mut self, connected: &Connected) -> Verdict {
        match connected {
            Connected::Unix(stream) => match stream.peer_cred() {
                Ok(peer) => self.of_user(peer.uid(), IpAddr::from([127, 0, 0, 1])),
                Err(_) => Verdict::Gone,
            },
            Connected::Tcp(stream) => match (stream.peer_addr(), stream.local_addr()) {
                (Ok(peer), Ok(here)) => {
                    let address = peer.ip().to_canonical();
                    let within = address.is_loopback() || address == here.ip().to_canonical();
                    match self.diagnosis.as_mut().map(|diagnosis| diagnosis.ask(peer, here)) {
                        Some(Ok(Found::User(user))) => self.of_user(user, address),
                        Some(Ok(Found::Nobody)) if within => Verdict::Gone,
                        Some(Err(error)) if within => self.unsure(&error),
                        _ => Verdict::In(self.unknown(address)),
                    }
                }
                _ => Verdict::Gone,
            },
        }
    }

    fn of_user(&mut self, user: u32, address: IpAddr) -> Verdict {
        // Root reaches everything in any case.
        if user == self.own || user == 0 || self.allowed.contains(&user) {
            let (address, party) = (address.to_string().into(), Party::User(user));
            return Verdict::In(Peer { address, party, unknown: false });
        }
        if self.may_tell() {
            tracing::warn!(
                uid = user,
                "another user of this machine connected and was refused; name this uid in `allowed_users` below [http] if it may \
                 reach the plugins"
            );
        }
        Verdict::Refused(user)
    }

    /// The kernel answers no question at this moment: a shortage, most likely. Nobody gets in by it.
    fn unsure(&mut self, error: &io::Error) -> Verdict {
        if self.may_tell() {
            tracing::warn!(%error, "it could not be found out who connects; the connection was closed");
        }
        Verdict::Gone
    }

    fn unknown(&self, address: IpAddr) -> Peer {
        let unknown = !self.trust_unknown;
        Peer { address: address.to_string().into(), party: Party::at(address), unknown }
    }

    fn may_tell(&mut self) -> bool {
        let due = self.told.is_none_or(|last| last.elapsed() >= TELL_AGAIN);
        if due {
            self.told = Some(Instant::now());
        }
        due
    }
}
