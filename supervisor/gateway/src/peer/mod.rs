//! Who is at the other end of a connection, as far as this machine can tell, and whether that one may come in.
//!
//! The accept loop asks before it gives a place. A user of this machine is known by uid: over a Unix socket from the socket
//! itself, over TCP from [`netlink`]. Whoever connects from elsewhere is unknown, and shows the token at each request or is
//! trusted by an explicit setting. Must not know HTTP.

mod netlink;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;

use tokio::time::{Duration, Instant};

use self::netlink::{Diagnosis, Found};
use crate::descriptors;
use crate::options::GatewayOptions;
use crate::seats::Party;
use crate::socket::Connected;

/// How often a refusal of the same kind is told: an attack must not fill the log.
const TELL_AGAIN: Duration = Duration::from_secs(10);

/// How often it is tried again to ask the system who connects, where that did not work: a shortage passes.
const TRY_AGAIN: Duration = Duration::from_secs(1);

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
    diagnosis: io::Result<Diagnosis>,
    /// When a diagnosis was last asked for.
    tried: Instant,
    told: Option<Instant>,
    /// Whose address was written last, and how.
    last: (IpAddr, Arc<str>),
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
                "the system does not tell which user connects over TCP; as long as that is so, every program has to send the token of \
                 `token_file`, unless `trust_unknown_peers` is set below [http]"
            );
        });
        let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
        Self {
            own: rustix::process::geteuid().as_raw(),
            allowed: options.allowed_users.clone(),
            trust_unknown: options.trust_unknown_peers,
            diagnosis,
            tried: Instant::now(),
            told: None,
            last: (loopback, loopback.to_string().into()),
        }
    }

    /// Whether whoever connects may come in.
    pub(crate) fn judge(&mut self, connected: &Connected) -> Verdict {
        match connected {
            Connected::Unix(stream) => match stream.peer_cred() {
                Ok(peer) => self.of_user(peer.uid(), IpAddr::from([127, 0, 0, 1])),
                Err(_) => Verdict::Gone,
            },
            Connected::Tcp(stream, ends) => match ends.here.map_or_else(|| stream.local_addr(), Ok) {
                Ok(here) => self.of_address(ends.peer, here),
                Err(_) => Verdict::Gone,
            },
        }
    }

    fn of_address(&mut self, peer: SocketAddr, here: SocketAddr) -> Verdict {
        let address = peer.ip().to_canonical();
        let found = match self.ask(peer, here) {
            Some(Ok(Found::User(user))) => return self.of_user(user, address),
            // The system never tells.
            None => return Verdict::In(self.unknown(address)),
            Some(found) => found,
        };
        // Who is on this machine is a user whom the system knows, or has gone; from elsewhere nobody is known.
        match (is_within(peer, here), found) {
            (Ok(false), _) => Verdict::In(self.unknown(address)),
            (Ok(true), Ok(_)) => Verdict::Gone,
            (Ok(true), Err(error)) | (Err(error), _) => self.unsure(&error),
        }
    }

    /// Asks the system; `None` where it does not answer such questions.
    fn ask(&mut self, peer: SocketAddr, here: SocketAddr) -> Option<io::Result<Found>> {
        if self.diagnosis.is_err() && self.tried.elapsed() >= TRY_AGAIN {
            self.tried = Instant::now();
            self.diagnosis = Diagnosis::open();
            if self.diagnosis.is_ok() {
                tracing::info!("the system tells again which user connects over TCP");
            }
        }
        match &mut self.diagnosis {
            Ok(diagnosis) => Some(diagnosis.ask(peer, here)),
            Err(error) if descriptors::is_shortage(error) => {
                Some(Err(io::Error::new(error.kind(), error.to_string())))
            }
            Err(_) => None,
        }
    }

    fn of_user(&mut self, user: u32, address: IpAddr) -> Verdict {
        // Root reaches everything in any case.
        if user == self.own || user == 0 || self.allowed.contains(&user) {
            let (address, party) = (self.written(address), Party::User(user));
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
            tracing::warn!(%error, "the system did not say who connects; the connection was closed");
        }
        Verdict::Gone
    }

    fn unknown(&mut self, address: IpAddr) -> Peer {
        let unknown = !self.trust_unknown;
        Peer { address: self.written(address), party: Party::at(address), unknown }
    }

    /// An address as text. Most come from the same one as the last.
    fn written(&mut self, address: IpAddr) -> Arc<str> {
        if self.last.0 != address {
            self.last = (address, address.to_string().into());
        }
        Arc::clone(&self.last.1)
    }

    fn may_tell(&mut self) -> bool {
        let due = self.told.is_none_or(|last| last.elapsed() >= TELL_AGAIN);
        if due {
            self.told = Some(Instant::now());
        }
        due
    }
}

/// Whether somebody on this machine is at `peer`, by whichever of its addresses.
fn is_within(peer: SocketAddr, here: SocketAddr) -> io::Result<bool> {
    let address = peer.ip().to_canonical();
    if address.is_loopback() || address == here.ip().to_canonical() {
        return Ok(true);
    }
    // The way to one's own address begins at it. Nothing is sent.
    let (any, there): (IpAddr, _) = match (address, peer) {
        (IpAddr::V4(_), _) => (Ipv4Addr::UNSPECIFIED.into(), SocketAddr::new(address, peer.port())),
        // With the interface, without which a link-local address says nothing.
        (IpAddr::V6(_), peer) => (Ipv6Addr::UNSPECIFIED.into(), peer),
    };
    let way = UdpSocket::bind((any, 0))?;
    way.connect(there)?;
    Ok(way.local_addr()?.ip() == address)
}
