//! Whose the other end of a connection within this machine is: the kernel's own word, over NETLINK_SOCK_DIAG.
//!
//! One question and one answer a connection, some microseconds, where /proc/net/tcp takes milliseconds. The kernel answers
//! within the call that asks, so nothing waits. Asked by [`super`]. Must not know who may come in.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink};

/// The kernel's numbers, of linux/netlink.h, linux/sock_diag.h and netinet/in.h.
const BY_FAMILY: u16 = 20;
const ERROR: u16 = 2;
const REQUEST: u16 = 1;
const TCP: u8 = 6;
const LISTENING: u8 = 10;

/// A question: the header of netlink, and struct inet_diag_req_v2.
const QUESTION: usize = 16 + 56;
/// An answer: the header of netlink, and struct inet_diag_msg. More may follow and is of no interest.
const ANSWER: usize = 16 + 72;
/// Where in an answer things stand.
const AT_KIND: usize = 4;
const AT_NUMBER: usize = 8;
const AT_ERRNO: usize = 16;
const AT_STATE: usize = 17;
const AT_PORTS: usize = 20;
const AT_USER: usize = 16 + 64;
const AT_INODE: usize = 16 + 68;

/// So many answers to earlier questions are passed over.
const STALE: usize = 8;

/// What the kernel says of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// Somebody has it open.
    User(u32),
    /// It is there and nobody's any more, or there is none.
    Nobody,
}

/// A way to ask.
#[derive(Debug)]
pub(super) struct Diagnosis {
    socket: OwnedFd,
    number: u32,
}

impl Diagnosis {
    /// A way to ask that works: it was tried.
    ///
    /// # Errors
    /// Where the system has no such thing, or does not let us.
    pub(super) fn open() -> io::Result<Self> {
        let socket = rustix::net::socket_with(
            AddressFamily::NETLINK,
            SocketType::DGRAM,
            SocketFlags::CLOEXEC | SocketFlags::NONBLOCK,
            Some(netlink::SOCK_DIAG),
        )?;
        let mut diagnosis = Self { socket, number: 0 };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let near = TcpStream::connect(listener.local_addr()?)?;
        let found = diagnosis.ask(near.local_addr()?, near.peer_addr()?)?;
        if found == Found::User(rustix::process::geteuid().as_raw()) {
            return Ok(diagnosis);
        }
        Err(io::Error::other(format!("it does not know our own connection ({found:?})")))
    }

    /// Whose the socket at `end` is that is connected to `other`.
    ///
    /// # Errors
    /// As the system has it.
    pub(super) fn ask(&mut self, end: SocketAddr, other: SocketAddr) -> io::Result<Found> {
        self.number = self.number.wrapping_add(1);
        rustix::net::send(&self.socket, &question(self.number, end, other), SendFlags::empty())?;
        let mut answer = [0; 512];
        for _ in 0..STALE {
            let (length, _) = rustix::net::recv(&self.socket, &mut answer, RecvFlags::empty())?;
            let answer = &answer[..length];
            if number(answer, AT_NUMBER) == Some(self.number) {
                return read(answer, end, other);
            }
        }
        Err(io::Error::other("the kernel does not answer what it was asked"))
    }
}

fn question(number: u32, end: SocketAddr, other: SocketAddr) -> [u8; QUESTION] {
    let mut question = [0; QUESTION];
    let mut put = |at: usize, bytes: &[u8]| question[at..at + bytes.len()].copy_from_slice(bytes);
    let length = QUESTION as u32;
    put(0, &length.to_ne_bytes());
    put(AT_KIND, &BY_FAMILY.to_ne_bytes());
    put(6, &REQUEST.to_ne_bytes());
    put(AT_NUMBER, &number.to_ne_bytes());
    let (end, other) = (plain(end), plain(other));
    let family = if end.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    put(16, &[u8::try_from(family.as_raw()).unwrap_or_default(), TCP]);
    // In any state.
    put(20, &u32::MAX.to_ne_bytes());
    put(24, &end.port().to_be_bytes());
    put(26, &other.port().to_be_bytes());
    put(28, &octets(end.ip()));
    put(44, &octets(other.ip()));
    // Over any interface, and whatever the cookie.
    put(64, &[0xff; 8]);
    question
}

fn read(answer: &[u8], end: SocketAddr, other: SocketAddr) -> io::Result<Found> {
    let short = || io::Error::other("the kernel's answer is too short");
    let kind = answer.get(AT_KIND..AT_KIND + 2).ok_or_else(short)?;
    if kind == ERROR.to_ne_bytes() {
        let errno = number(answer, AT_ERRNO).ok_or_else(short)?.cast_signed().wrapping_neg();
        let gone = errno == Errno::NOENT.raw_os_error();
        return if gone { Ok(Found::Nobody) } else { Err(io::Error::from_raw_os_error(errno)) };
    }
    if answer.len() < ANSWER {
        return Err(short());
    }
    // Where no connection fits, the kernel looks for a listener at the same port, which is somebody else's.
    let ports = [end.port().to_be_bytes(), other.port().to_be_bytes()].concat();
    let other_socket = answer[AT_STATE] == LISTENING || answer[AT_PORTS..AT_PORTS + 4] != ports[..];
    let (user, inode) = (number(answer, AT_USER), number(answer, AT_INODE));
    match (user, inode) {
        // One that was closed has no inode, and is shown as root's.
        (Some(user), Some(1..)) if !other_socket => Ok(Found::User(user)),
        _ => Ok(Found::Nobody),
    }
}

/// IPv4 in the form of IPv6 is IPv4 to the kernel's tables.
fn plain(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

fn octets(ip: IpAddr) -> [u8; 16] {
    let mut octets = [0; 16];
    match ip {
        IpAddr::V4(v4) => octets[..4].copy_from_slice(&v4.octets()),
        IpAddr::V6(v6) => octets = v6.octets(),
    }
    octets
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]
    use super::*;

    #[test]
    fn the_owner_of_the_other_end_is_found_over_every_kind_of_loopback() {
        let me = Found::User(rustix::process::geteuid().as_raw());
        let mut diagnosis = Diagnosis::open().unwrap();
        for (listen, reach) in
            [("127.0.0.1", "127.0.0.1"), ("[::1]", "[::1]"), ("[::]", "127.0.0.1"), ("[::]", "[::1]")]
        {
            let Ok(listener) = TcpListener::bind(format!("{listen}:0")) else { continue };
            let port = listener.local_addr().unwrap().port();
            let near = TcpStream::connect(format!("{reach}:{port}")).unwrap();
            let (far, peer) = listener.accept().unwrap();
            let here = far.local_addr().unwrap();
            assert_eq!(diagnosis.ask(peer, here).unwrap(), me, "{reach} to {listen}");
            drop(near);
            assert_eq!(diagnosis.ask(peer, here).unwrap(), Found::Nobody, "{reach} to {listen}, closed");
        }
    }

    #[test]
    fn a_listener_at_the_port_of_one_who_is_gone_is_not_taken_for_it() {
        let mut diagnosis = Diagnosis::open().unwrap();
        let (listener, elsewhere) =
            (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
        let (end, other) = (listener.local_addr().unwrap(), elsewhere.local_addr().unwrap());
        assert_eq!(diagnosis.ask(end, other).unwrap(), Found::Nobody);
    }

    #[test]
    fn what_is_no_answer_is_an_error() {
        let end = "127.0.0.1:1".parse().unwrap();
        assert!(read(&[], end, end).is_err());
        assert!(read(&[0; ANSWER - 1], end, end).is_err());
        let mut refused = [0; 36];
        refused[AT_KIND..AT_KIND + 2].copy_from_slice(&ERROR.to_ne_bytes());
        refused[AT_ERRNO..AT_ERRNO + 4].copy_from_slice(&(-1i32).to_ne_bytes());
        assert_eq!(read(&refused, end, end).unwrap_err().raw_os_error(), Some(1));
    }
}
