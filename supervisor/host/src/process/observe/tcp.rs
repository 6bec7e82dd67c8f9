//! The kernel's tables of TCP sockets.
//!
//! Read to tell whose listener is at a port, where a server listens, and who talks to a debugger. It must not judge what it reads.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::facts;

/// One socket. An IPv4 address is one, also where it stands in the table of IPv6.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::process) struct TcpSocket {
    pub(in crate::process) near: SocketAddr,
    pub(in crate::process) far: SocketAddr,
    pub(in crate::process) state: TcpState,
    /// The socket's number, by which it is found among a process's descriptors; 0 when nobody holds it any more.
    pub(in crate::process) inode: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::process) enum TcpState {
    Listens,
    /// Open both ways.
    Established,
    Other,
}

/// The sockets in the network that the process sees. None, where it has gone.
///
/// # Errors
/// When the look failed.
pub(in crate::process) fn sockets(pid: i32) -> io::Result<Vec<TcpSocket>> {
    let mut found = Vec::new();
    for table in ["tcp", "tcp6"] {
        // Absent where the kernel has no IPv6 as well.
        let table = facts::unless_gone(fs::File::open(format!("/proc/{pid}/net/{table}")))?;
        for line in table.into_iter().flat_map(|table| BufReader::new(table).lines()) {
            found.extend(parse(&line?));
        }
    }
    Ok(found)
}

fn parse(line: &str) -> Option<TcpSocket> {
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let end = |at: usize| {
        let (address, port) = fields.get(at)?.split_once(':')?;
        Some(SocketAddr::new(ip(address)?, u16::from_str_radix(port, 16).ok()?))
    };
    let state = match *fields.get(3)? {
        "0A" => TcpState::Listens,
        "01" => TcpState::Established,
        _ => TcpState::Other,
    };
    Some(TcpSocket { near: end(1)?, far: end(2)?, state, inode: fields.get(9)?.parse().ok()? })
}

/// Words of 32 bits in the machine's own byte order.
fn ip(text: &str) -> Option<IpAddr> {
    let words = (0..text.len() / 8).map(|at| u32::from_str_radix(text.get(at * 8..at * 8 + 8)?, 16).ok());
    let bytes: Vec<u8> =
        words.collect::<Option<Vec<u32>>>()?.into_iter().flat_map(u32::to_ne_bytes).collect();
    match bytes.len() {
        4 => Some(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?).into()),
        16 => Some(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).to_canonical()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step fails the test")]
    use std::net::{TcpListener, TcpStream};

    use super::*;

    fn word(octets: [u8; 4]) -> String {
        format!("{:08X}", u32::from_ne_bytes(octets))
    }

    #[test]
    fn a_listener_and_both_ends_of_a_connection_are_found_and_a_closed_one_is_not() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let near = listener.local_addr().unwrap();
        let client = TcpStream::connect(near).unwrap();
        let far = client.local_addr().unwrap();
        let me = facts::own_pid();
        let with = |state| {
            let found = sockets(me).unwrap().into_iter();
            found
                .filter(|one| one.state == state && (one.near == near || one.far == near))
                .collect::<Vec<_>>()
        };
        assert_eq!(with(TcpState::Listens).len(), 1);
        assert!(facts::sockets(me).unwrap().contains(&with(TcpState::Listens)[0].inode));
        let connection = with(TcpState::Established);
        assert!(connection.iter().any(|one| (one.near, one.far) == (near, far)), "{connection:?}");
        assert!(connection.iter().any(|one| (one.near, one.far) == (far, near)), "{connection:?}");
        drop((listener, client));
        assert_eq!(with(TcpState::Listens), []);
    }

    #[test]
    fn addresses_are_read_in_the_machines_byte_order_and_mapped_ones_are_of_version_four() {
        assert_eq!(ip(&word([127, 0, 0, 1])), Some(Ipv4Addr::LOCALHOST.into()));
        let six = format!("{}{}", "0".repeat(24), word([0, 0, 0, 1]));
        assert_eq!(ip(&six), Some(Ipv6Addr::LOCALHOST.into()));
        let mapped = format!("{}{}{}", "0".repeat(16), word([0, 0, 255, 255]), word([127, 0, 0, 1]));
        assert_eq!(ip(&mapped), Some(Ipv4Addr::LOCALHOST.into()));
        assert_eq!(ip("7F"), None);
    }

    #[test]
    fn what_is_not_a_line_of_the_table_is_passed_over() {
        let line =
            format!("0: {}:1F90 00000000:0000 0A 0:0 00:0 0 0 0 77 1 0 100 0 0 10 0", word([127, 0, 0, 1]));
        let socket = parse(&line).unwrap();
        assert_eq!(
            (socket.near, socket.state, socket.inode),
            ("127.0.0.1:8080".parse().unwrap(), TcpState::Listens, 77)
        );
        for line in [
            "",
            "garbage",
            "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid",
        ] {
            assert_eq!(parse(line), None);
        }
    }
}
