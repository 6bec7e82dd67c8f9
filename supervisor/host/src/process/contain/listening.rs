//! Where the processes of a containment listen: for the sake of a better message, where a server is not found at the place that it
//! was given.
//!
//! Asked by the plugin actor while a server starts. A look through /proc, some milliseconds, on a thread of its own. It must not
//! decide anything: [`super::port_owner`] does that, by a closer look at one port.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;

use super::containment::Containment;
use crate::process::observe::facts;
use crate::process::observe::tcp::{self, TcpState};

/// The flag of a Unix socket that listens.
const ACCEPTS: u64 = 0x1_0000;
/// More sockets than a server has; one that has more is not listed.
const MOST: usize = 64;

/// One place where a process hears connections.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// An address and a port.
    Tcp(SocketAddr),
    /// A Unix socket, by its name; those without one have none to tell.
    Unix(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "the Unix socket {path}"),
        }
    }
}

impl Containment {
    /// Every place where one of its processes listens.
    pub async fn listening(&self) -> Vec<Place> {
        let leader = self.leader();
        let look = self.all().round(move |all| {
            let listeners = of_the_network(leader.pid);
            if listeners.is_empty() {
                return Vec::new();
            }
            // Told for the sake of a message: what cannot be looked at is left out of it.
            let Ok(members) = all.members(&leader) else { return Vec::new() };
            let sockets = members.all().filter_map(|member| facts::sockets(member.pid).ok());
            let own: BTreeSet<u64> = sockets.flatten().collect();
            let mut places: Vec<Place> = listeners
                .into_iter()
                .filter(|(inode, _)| own.contains(inode))
                .map(|(_, place)| place)
                .take(MOST)
                .collect();
            places.sort_unstable();
            places.dedup();
            places
        });
        // The runtime is ending, and nobody will be told.
        look.await.unwrap_or_default()
    }
}

/// Whatever listens in the network that a process sees, by the number of its socket. What cannot be looked at is left out.
fn of_the_network(pid: i32) -> Vec<(u64, Place)> {
    let tcp = tcp::sockets(pid).unwrap_or_default().into_iter().filter(|one| one.state == TcpState::Listens);
    let tcp = tcp.map(|one| (one.inode, Place::Tcp(one.near)));
    let table = fs::File::open(format!("/proc/{pid}/net/unix")).ok();
    let lines = table.into_iter().flat_map(|table| BufReader::new(table).split(b'\n').map_while(Result::ok));
    // A path may hold any bytes; what cannot be told in words ends nothing.
    let unix = lines.filter_map(|line| unix(&String::from_utf8_lossy(&line)));
    tcp.chain(unix).collect()
}

fn unix(line: &str) -> Option<(u64, Place)> {
    let mut fields = line.split_ascii_whitespace();
    let flags = u64::from_str_radix(fields.nth(3)?, 16).ok()?;
    let inode = fields.nth(2)?.parse().ok()?;
    let path = fields.next()?;
    (flags & ACCEPTS != 0).then(|| (inode, Place::Unix(path.to_owned())))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step fails the test")]
    use std::net::TcpListener;
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn listeners_of_each_kind_are_found_with_their_addresses_and_connections_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let unix = UnixListener::bind(&path).unwrap();
        let four = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = std::net::TcpStream::connect(four.local_addr().unwrap()).unwrap();
        let pid = facts::own_pid();
        let own: BTreeSet<u64> = facts::sockets(pid).unwrap().into_iter().collect();
        let mut found: Vec<Place> = of_the_network(pid)
            .into_iter()
            .filter(|(inode, _)| own.contains(inode))
            .map(|(_, place)| place)
            .collect();
        found.sort();
        let wanted = [Place::Tcp(four.local_addr().unwrap()), Place::Unix(path.display().to_string())];
        for place in wanted {
            assert!(found.contains(&place), "{place} is not among {found:?}");
        }
        assert!(!found.contains(&Place::Tcp(client.local_addr().unwrap())));
        drop(unix);
    }
}
