//! Whose listener is at a TCP port.
//!
//! Asked by whoever is about to talk to a port that a plugin was given. A port can be taken by any program of any user, so that
//! something answers there proves nothing: only the socket's number in /proc, found again among a process's descriptors, does.

use std::collections::BTreeSet;
use std::io;
use std::net::Ipv4Addr;

use super::containment::Containment;
use crate::process::observe::facts;
use crate::process::observe::tcp::{self, TcpState};

/// Whose listener is at a port, for connections that come from this machine to 127.0.0.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listener {
    /// Nobody's.
    Absent,
    /// The containment's own. `exposed`: it hears other interfaces than the loopback as well.
    Own {
        /// Whether other machines may reach it.
        exposed: bool,
    },
    /// Somebody else's, or of a process whose descriptors may not be looked at.
    Foreign,
}

impl Containment {
    /// Whose listener is at this port. A look through /proc, some milliseconds, on a thread of its own.
    ///
    /// # Errors
    /// When the look failed, as for lack of descriptors. That says nothing about the port.
    pub async fn listener_at(&self, port: u16) -> io::Result<Listener> {
        let leader = self.leader();
        let look = self.all().round(move |all| {
            let sockets = listening(port)?;
            if sockets.is_empty() {
                return Ok(Listener::Absent);
            }
            let mut wanted: BTreeSet<u64> = sockets.iter().map(|socket| socket.inode).collect();
            for member in all.members(&leader)?.all() {
                facts::sockets(member.pid)?.iter().for_each(|inode| {
                    wanted.remove(inode);
                });
            }
            if !wanted.is_empty() {
                return Ok(Listener::Foreign);
            }
            Ok(Listener::Own { exposed: sockets.iter().any(|socket| !socket.exact) })
        });
        // The runtime is ending, and with it every reason to talk to the port.
        look.await.unwrap_or(Ok(Listener::Absent))
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Socket {
    inode: u64,
    /// Bound to 127.0.0.1, not to every address.
    exact: bool,
}

/// The sockets that get the connections to 127.0.0.1 and this port: those bound to that very address where there are any,
/// else those bound to every address. Several share a port when all of them ask for it, so each counts.
fn listening(port: u16) -> io::Result<Vec<Socket>> {
    let mut found: Vec<Socket> = tcp::sockets(facts::own_pid())?
        .into_iter()
        .filter(|socket| socket.state == TcpState::Listens && socket.near.port() == port)
        .map(|socket| (socket.inode, socket.near.ip()))
        .filter(|(_, ip)| *ip == Ipv4Addr::LOCALHOST || ip.is_unspecified())
        .map(|(inode, ip)| Socket { inode, exact: !ip.is_unspecified() })
        .collect();
    if found.iter().any(|socket| socket.exact) {
        found.retain(|socket| socket.exact);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step fails the test")]
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_listener_counts_that_hears_the_loopback_and_the_exact_one_comes_first() {
        let exact = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = exact.local_addr().unwrap().port();
        let [found] = &listening(port).unwrap()[..] else { panic!("one socket listens at {port}") };
        assert!(found.exact);
        drop(exact);
        assert_eq!(listening(port).unwrap(), []);
        let everywhere = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
        let port = everywhere.local_addr().unwrap().port();
        assert!(!listening(port).unwrap()[0].exact);
        let elsewhere = TcpListener::bind((Ipv4Addr::new(127, 0, 0, 2), 0)).unwrap();
        assert_eq!(listening(elsewhere.local_addr().unwrap().port()).unwrap(), []);
    }
}
