//! The TCP port on which a program hears HTTP that can bind nothing else: chosen here, bound by the program, and given to
//! nobody but that program's own processes.
//!
//! Used by the plugin actor's launch. Whose listener is there later is another question: see
//! `contain::port_owner`. It must not know what is served.

use std::collections::BTreeSet;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::OwnedFd;
use std::sync::{Mutex, PoisonError};

use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, getsockname, socket_with, sockopt};

/// Ports above the range that the kernel hands out by itself are chosen from, where there are at least this many: there no
/// outgoing connection of anybody can be in the way by accident.
const ENOUGH: u16 = 512;
/// How many ports are tried before the kernel chooses.
const TRIES: u32 = 32;

/// Ports of living generations of this supervisor: two plugins never get the same.
static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

/// A port of the loopback interface for one generation. Nobody else in this supervisor gets it until this is dropped.
#[derive(Debug)]
pub struct Port {
    number: u16,
    /// Bound, not listening: until [`Self::release`] nobody gets the port who does not ask for sharing it.
    held: Option<OwnedFd>,
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
}
