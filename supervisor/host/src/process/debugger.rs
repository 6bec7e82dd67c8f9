//! Whether a debugger holds a plugin, which is no hang: shown by what the kernel says, never by the words in its arguments.
//!
//! Asked by the plugin actor before a silence counts. Two things are proof, and neither is within a plugin's own reach:
//!
//! * a tracer (`TracerPid`) that is a program of somebody's, which is to say neither the supervisor (a process that asks its
//!   parent to trace it is traced by that one for ever) nor anything that a plugin has started;
//! * for debuggers that live inside the program (`node --inspect`, debugpy): a connection to the port of such a debugger,
//!   accepted by one of the plugin's processes, from a program that no plugin has started; at a port that nobody named, by a
//!   program of that kind and from this machine.
//!
//! It must not know what follows.

use std::collections::BTreeMap;
use std::fs;
use std::io;

use super::containment::Containment;
use super::exit::Leader;
use super::facts;
use super::kinship::{Sighting, descend};
use super::{Containments, own_pid};

/// Where Node's inspector and debugpy listen, unless they are told otherwise, and how the names of the programs begin that they live
/// in. Any other program may serve anything there.
const USUAL: [(u16, &[&str]); 2] = [(9229, &["node", "electron"]), (5678, &["python", "pypy"])];
/// How the kernel writes the state of a connection that is open both ways.
const ESTABLISHED: &str = "01";
/// A chain of parents has an end; one that changes while it is followed may have none.
const ANCESTORS_MAX: usize = 4096;

impl Containment {
    /// Whether a debugger holds its leader, or may stop it from inside.
    ///
    /// The kernel reads a process's arguments from its own memory, and one that does not answer may keep that locked: so the
    /// look has a thread of its own, and whoever asks gives up on it by himself.
    pub async fn is_debugged(&self) -> bool {
        let (all, leader) = (self.all().clone(), self.leader());
        // A look that failed has seen nothing.
        let look = move || is_traced(leader.pid) || is_inspected(&all, &leader).unwrap_or(false);
        tokio::task::spawn_blocking(look).await.unwrap_or(false)
    }
}

fn is_traced(pid: i32) -> bool {
    // The tracer is a thread, whose process is what has parents.
    facts::tracer_pid(pid).and_then(facts::process_of).is_some_and(|tracer| !is_ours(tracer))
}

/// Whether a process is the supervisor, or descends from it: all that plugins start does, whatever it makes of its session.
fn is_ours(mut pid: i32) -> bool {
    for _ in 0..ANCESTORS_MAX {
        if pid == own_pid() {
            return true;
        }
        match facts::stat(pid) {
            Some(stat) if stat.parent > 0 => pid = stat.parent,
            _ => return false,
        }
    }
    true
}

fn is_inspected(all: &Containments, leader: &Leader) -> io::Result<bool> {
    let named = named_ports(leader.pid);
    let is_usual = |port| USUAL.iter().any(|(usual, _)| *usual == port);
    let may_count = |one: &Connection| named.contains(&one.near.1) || is_usual(one.near.1);
    let open: Vec<Connection> = connections().into_iter().filter(may_count).collect();
    if open.is_empty() {
        return Ok(false);
    }
    let held = sockets_of(&all.members(leader)?.all().collect::<Vec<_>>())?;
    let accepted: Vec<&Connection> = open
        .iter()
        .filter(|one| {
            let by = held.get(&one.inode);
            by.is_some_and(|by| named.contains(&one.near.1) || is_usual_of(one.near.1, &facts::program(*by)))
        })
        .collect();
    if accepted.is_empty() {
        return Ok(false);
    }
    let everything =
        facts::look_at(own_pid())?.map(|stat| Sighting { pid: own_pid(), stat, is_child: false });
    let ours = sockets_of(&descend(everything.into_iter().collect())?)?;
    let table = connections();
    Ok(accepted.into_iter().any(|one| {
        // Its other end, where that is on this machine. Only who was told a port can mean others to come from elsewhere.
        let peer = table.iter().find(|other| other.near == one.far && other.far == one.near);
        peer.map_or(named.contains(&one.near.1), |peer| peer.inode != 0 && !ours.contains_key(&peer.inode))
    }))
}

/// Whether a debugger inside this program listens at this port without having been asked.
fn is_usual_of(port: u16, program: &str) -> bool {
    USUAL.iter().any(|(usual, programs)| {
        *usual == port && programs.iter().any(|beginning| program.starts_with(beginning))
    })
}

/// The sockets of these processes, each with one that holds it.
fn sockets_of(processes: &[Sighting]) -> io::Result<BTreeMap<u64, i32>> {
    let mut found = BTreeMap::new();
    for one in processes {
        found.extend(facts::sockets(one.pid)?.into_iter().map(|inode| (inode, one.pid)));
    }
    Ok(found)
}

/// The ports at which a debugger inside this process was asked to listen.
fn named_ports(pid: i32) -> Vec<u16> {
    let options = facts::environment_value(pid, "NODE_OPTIONS").ok().flatten().unwrap_or_default();
    let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let arguments = String::from_utf8_lossy(&arguments);
    let mut words = arguments.split('\0').chain(options.split_ascii_whitespace()).peekable();
    let mut ports = Vec::new();
    while let Some(word) = words.next() {
        let place = match word.split_once('=') {
            Some((
                "--inspect" | "--inspect-brk" | "--inspect-wait" | "--inspect-port" | "--listen",
                place,
            )) => place,
            // As debugpy has it.
            None if word == "--listen" => words.peek().copied().unwrap_or_default(),
            _ => continue,
        };
        let number = place.rsplit_once(':').map_or(place, |(_, number)| number);
        ports.extend(number.parse::<u16>().ok());
    }
    ports
}

#[derive(Debug, PartialEq, Eq)]
struct Connection {
    near: (String, u16),
    far: (String, u16),
    inode: u64,
}

fn connections() -> Vec<Connection> {
    let tables = ["/proc/self/net/tcp", "/proc/self/net/tcp6"];
    // Absent where the kernel has no IPv6.
    let texts = tables.into_iter().filter_map(|table| fs::read_to_string(table).ok());
    texts.flat_map(|text| text.lines().filter_map(connection_in).collect::<Vec<_>>()).collect()
}

/// One line of the kernel's table, where it is an open connection.
fn connection_in(line: &str) -> Option<Connection> {
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let end = |at: usize| {
        let (address, port) = fields.get(at)?.split_once(':')?;
        // An IPv4 address may stand in IPv6's table; its last word is the same in both.
        let mapped = format!("0000000000000000{:08X}", u32::from_ne_bytes([0, 0, 0xff, 0xff]));
        let address = address.strip_prefix(mapped.as_str()).unwrap_or(address);
        Some((address.to_owned(), u16::from_str_radix(port, 16).ok()?))
    };
    (*fields.get(3)? == ESTABLISHED).then_some(())?;
    Some(Connection { near: end(1)?, far: end(2)?, inode: fields.get(9)?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step fails the test")]
    use std::net::{Ipv4Addr, TcpListener, TcpStream};

    use super::*;

    #[test]
    fn both_ends_of_a_connection_are_found_and_are_ours() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let near = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        let (_far, _) = listener.accept().unwrap();
        let table = connections();
        let accepted = table.iter().find(|one| one.near.1 == port).unwrap();
        let made = table.iter().find(|one| one.near == accepted.far && one.far == accepted.near).unwrap();
        assert_eq!(made.near.1, near.local_addr().unwrap().port());
        let mine = facts::sockets(own_pid()).unwrap();
        assert!(mine.contains(&accepted.inode) && mine.contains(&made.inode));
    }

    #[test]
    fn a_usual_port_counts_for_the_programs_that_have_such_a_debugger_and_for_no_others() {
        assert!(is_usual_of(9229, "node") && is_usual_of(5678, "python3.12"));
        assert!(!is_usual_of(5678, "node"), "it serves something else there");
        assert!(!is_usual_of(9229, "a-server") && !is_usual_of(80, "node"));
        assert!(!facts::program(own_pid()).is_empty());
    }

    #[test]
    fn an_address_is_the_same_in_both_tables_and_a_listener_is_no_connection() {
        let line = |address: &str, state: &str| {
            format!("0: {address}:1F90 {address}:0050 {state} 0:0 00:0 0 0 0 77 1 0 100 0 0 10 0")
        };
        let word = |octets| format!("{:08X}", u32::from_ne_bytes(octets));
        let plain = word([127, 0, 0, 1]);
        let mapped = format!("{}{}{plain}", "0".repeat(16), word([0, 0, 255, 255]));
        let found = connection_in(&line(&mapped, "01"));
        assert_eq!(found, connection_in(&line(&plain, "01")));
        assert_eq!(found.unwrap().near, (plain.clone(), 8080));
        assert_eq!(connection_in(&line(&plain, "0A")), None);
        assert_eq!(connection_in("garbage"), None);
    }

    #[test]
    fn this_process_is_ours_and_its_parent_is_not() {
        assert!(is_ours(own_pid()));
        assert!(!is_ours(facts::stat(own_pid()).unwrap().parent));
        assert!(!is_ours(1) || own_pid() == 1);
    }
}
