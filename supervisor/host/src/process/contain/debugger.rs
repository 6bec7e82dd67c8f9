//! Whether a debugger holds a plugin, which is not a hang: shown by what the kernel says, never by the words in its arguments.
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

use super::census::Containments;
use super::containment::Containment;
use super::kinship::descend;
use super::sighting::Sighting;
use crate::process::observe::exit::Leader;
use crate::process::observe::facts;
use crate::process::observe::facts::own_pid;
use crate::process::observe::tcp::{self, TcpSocket, TcpState};

/// Where Node's inspector and debugpy listen, unless they are told otherwise, and how the names of the programs begin that they live
/// in. Any other program may serve anything there.
const USUAL: [(u16, &[&str]); 2] = [(9229, &["node", "electron"]), (5678, &["python", "pypy"])];
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
    let may_count = |one: &TcpSocket| named.contains(&one.near.port()) || is_usual(one.near.port());
    let open: Vec<TcpSocket> = connections()?.into_iter().filter(may_count).collect();
    if open.is_empty() {
        return Ok(false);
    }
    let held = sockets_of(&all.members(leader)?.all().collect::<Vec<_>>())?;
    let accepted: Vec<&TcpSocket> = open
        .iter()
        .filter(|one| {
            let by = held.get(&one.inode);
            by.is_some_and(|by| {
                named.contains(&one.near.port()) || is_usual_of(one.near.port(), &facts::program(*by))
            })
        })
        .collect();
    if accepted.is_empty() {
        return Ok(false);
    }
    let everything =
        facts::look_at(own_pid())?.map(|stat| Sighting { pid: own_pid(), stat, is_child: false });
    let ours = sockets_of(&descend(everything.into_iter().collect())?)?;
    let table = connections()?;
    Ok(accepted.into_iter().any(|one| {
        // Its other end, where that is on this machine. Only who was told a port can mean others to come from elsewhere.
        let peer = table.iter().find(|other| other.near == one.far && other.far == one.near);
        peer.map_or(named.contains(&one.near.port()), |peer| {
            peer.inode != 0 && !ours.contains_key(&peer.inode)
        })
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

fn connections() -> io::Result<Vec<TcpSocket>> {
    let mut found = tcp::sockets(own_pid())?;
    found.retain(|socket| socket.state == TcpState::Established);
    Ok(found)
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
        let table = connections().unwrap();
        let accepted = table.iter().find(|one| one.near.port() == port).unwrap();
        let made = table.iter().find(|one| one.near == accepted.far && one.far == accepted.near).unwrap();
        assert_eq!(made.near.port(), near.local_addr().unwrap().port());
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
    fn this_process_is_ours_and_its_parent_is_not() {
        assert!(is_ours(own_pid()));
        assert!(!is_ours(facts::stat(own_pid()).unwrap().parent));
        assert!(!is_ours(1) || own_pid() == 1);
    }
}
