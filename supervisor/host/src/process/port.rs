//! The TCP port on which a program hears HTTP that can bind nothing else: chosen here, bound by the program, and given to
//! nobody but that program's own processes.
//!
//! Used by the plugin actor's launch, which chooses, and by whoever is about to talk to the port, who asks whose listener is
//! there. A port can be taken by any program of any user, so that something answers there proves nothing: only the socket's
//! number in /proc, found again among a process's descriptors, does. It must not know what is served.

use std::collections::BTreeSet;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::OwnedFd;
use std::sync::{Mutex, PoisonError};

use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, getsockname, socket_with, sockopt};

use super::containment::Containment;
use super::facts;

/// Ports above the range that the kernel hands out by itself are chosen from, where there are at least this many: there no
/// outgoing connection of anybody can be in the way by accident.
const ENOUGH: u16 = 512;
/// How many ports are tried before the kernel chooses.
const TRIES: u32 = 32;
/// How the kernel writes the state of a socket that listens.
const LISTENS: &str = "0A";

/// Ports of living generations of this supervisor: two plugins never get the same.
static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

/// A port of the loopback interface for one generation. Nobody else in this supervisor gets it until this is dropped.
#[derive(Debug)]
pub struct Port {
    number: u16,
    /// Bound, not listening: until [`Self::release`] nobody gets the port who does not ask for sharing it.
    held: Option<OwnedFd>,
}

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

impl Port {
    /// Chooses a free port and holds it.
    ///
    /// # Errors
    /// When the system has none to give.
    pub fn choose() -> io::Result<Self> {
        let candidates = above_the_kernels_range().into_iter().flat_map(|(first, count)| {
            // Keyed anew in each process: nobody can sit on a port in advance because it can be foreseen.
            let random = RandomState::new();
            (0..TRIES).map(move |round| {
                first + u16::try_from(random.hash_one(round) % u64::from(count)).unwrap_or(0)
            })
        });
        for number in candidates {
            if let Ok(port) = Self::hold(number) {
                return Ok(port);
            }
        }
        Self::hold(0)
    }

    fn hold(wanted: u16) -> io::Result<Self> {
        let held = socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
        // Most servers ask for this too, and so can bind in the moment in which the port is still held.
        sockopt::set_socket_reuseaddr(&held, true)?;
        bind(&held, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, wanted))?;
        let number = SocketAddrV4::try_from(getsockname(&held)?)?.port();
        if !GIVEN.lock().unwrap_or_else(PoisonError::into_inner).insert(number) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        Ok(Self { number, held: Some(held) })
    }

    /// Its number.
    pub fn number(&self) -> u16 {
        self.number
    }

    /// Lets go of it for the program, which may be one that does not share: to be called once it runs.
    pub fn release(&mut self) {
        self.held = None;
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        GIVEN.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.number);
    }
}

/// The first port above the kernel's range, and how many there are; `None` when they are too few, or it cannot be read.
fn above_the_kernels_range() -> Option<(u16, u16)> {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    let last: u16 = range.split_ascii_whitespace().nth(1)?.parse().ok()?;
    let count = u16::MAX - last;
    (count >= ENOUGH).then(|| (last + 1, count))
}

impl Containment {
    /// Whose listener is at this port. A look through /proc, some milliseconds, on a thread of its own.
    ///
    /// # Errors
    /// When it could not be looked, as for lack of descriptors. That says nothing about the port.
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
    let mut found = Vec::new();
    for table in ["/proc/self/net/tcp", "/proc/self/net/tcp6"] {
        // Absent where the kernel has no IPv6.
        let Some(table) = facts::unless_gone(fs::File::open(table))? else { continue };
        for line in BufReader::new(table).lines() {
            found.extend(listener_in(&line?, port));
        }
    }
    if found.iter().any(|socket| socket.exact) {
        found.retain(|socket| socket.exact);
    }
    Ok(found)
}

/// One line of the kernel's table, where it is such a socket.
fn listener_in(line: &str, port: u16) -> Option<Socket> {
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let (address, number) = fields.get(1)?.split_once(':')?;
    if *fields.get(3)? != LISTENS || u16::from_str_radix(number, 16).ok()? != port {
        return None;
    }
    // Words of 32 bits in the machine's own byte order.
    let loopback = format!("{:08X}", u32::from_ne_bytes(Ipv4Addr::LOCALHOST.octets()));
    let mapped = format!("0000000000000000{:08X}{loopback}", u32::from_ne_bytes([0, 0, 0xff, 0xff]));
    let exact = address == loopback || address == mapped;
    if !exact && address.bytes().any(|digit| digit != b'0') {
        return None;
    }
    Some(Socket { inode: fields.get(9)?.parse().ok()?, exact })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step fails the test")]
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn a_chosen_port_is_nobody_elses_until_it_is_dropped() {
        let one = Port::choose().unwrap();
        let number = one.number();
        assert!(Port::hold(number).is_err(), "two plugins would get {number}");
        drop(one);
        assert_eq!(Port::hold(number).unwrap().number(), number);
    }

    #[test]
    fn a_program_can_bind_the_port_once_it_is_released() {
        let mut port = Port::choose().unwrap();
        assert!(
            TcpStream::connect((Ipv4Addr::LOCALHOST, port.number())).is_err(),
            "it is held, and not served"
        );
        port.release();
        TcpListener::bind((Ipv4Addr::LOCALHOST, port.number())).unwrap();
    }

    #[test]
    fn the_listener_at_a_port_is_found_by_number_and_address() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let [found] = &listening(port).unwrap()[..] else { panic!("one socket listens at {port}") };
        assert!(found.exact);
        let me = super::super::own_pid();
        assert!(facts::sockets(me).unwrap().contains(&found.inode));
        drop(listener);
        assert_eq!(listening(port).unwrap(), []);
    }

    #[test]
    fn only_listening_sockets_for_the_loopback_or_for_every_address_count() {
        let line = |address: &str, state: &str| {
            format!("0: {address}:1F90 00000000:0000 {state} 0:0 00:0 0 0 0 77 1 0 100 0 0 10 0")
        };
        let of = |address: &str, state: &str| listener_in(&line(address, state), 8080);
        let word = |octets| format!("{:08X}", u32::from_ne_bytes(octets));
        assert_eq!(of(&word([127, 0, 0, 1]), "0A"), Some(Socket { inode: 77, exact: true }));
        assert_eq!(of("00000000", "0A"), Some(Socket { inode: 77, exact: false }));
        assert_eq!(of(&"0".repeat(32), "0A"), Some(Socket { inode: 77, exact: false }));
        let mapped = format!("{}{}{}", "0".repeat(16), word([0, 0, 255, 255]), word([127, 0, 0, 1]));
        assert_eq!(of(&mapped, "0A"), Some(Socket { inode: 77, exact: true }));
        assert_eq!(of(&word([127, 0, 0, 1]), "01"), None, "a connection is no listener");
        assert_eq!(of(&word([192, 168, 0, 1]), "0A"), None, "another interface");
        assert_eq!(listener_in("garbage", 8080), None);
    }
}
