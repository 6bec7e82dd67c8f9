//! Looks where a server listens that is not found at its place, and says it: on another port, on `::1`, at another socket. The
//! mistake is common, and the server's own words ("listening on …") hide it.
//!
//! Runs beside a generation for its first seconds. Tells the plugin's route, of which `outboard why` and `status` read it, and the
//! log once; changes nothing.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::launching::Contained;
use crate::process::Place;
use crate::routes::{Address, Route};
use crate::session::NoiseSink;

/// Before each look. A look costs some milliseconds of processor time, and a server that comes up in time is never looked for.
const LOOKS: [Duration; 5] = [
    Duration::from_secs(2),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(16),
];
/// Places that a sentence names.
const NAMED: usize = 4;

/// Where a server ought to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expected {
    pub(super) address: Address,
    /// Whether the socket was bound by us, and is the program's descriptor 3: that it listens there already says nothing.
    pub(super) inherited: bool,
}

/// Looks until the server is where it ought to be.
pub(super) async fn watch(
    expected: Expected,
    containment: Arc<dyn Contained>,
    route: Arc<Route>,
    noise: Arc<dyn NoiseSink>,
) {
    let mut told = false;
    for pause in LOOKS {
        sleep(pause).await;
        let found = containment.listening().await;
        let remark = remark(&expected, &found);
        if let Some(sentence) = remark.as_ref().filter(|_| !told && !expected.inherited && !found.is_empty())
        {
            noise.remark(sentence);
            told = true;
        }
        let there = remark.is_none() && !expected.inherited;
        route.note(remark);
        if there {
            return;
        }
    }
}

/// The sentence about a server that listens somewhere else, or nowhere; none where it is where it ought to be.
fn remark(expected: &Expected, found: &[Place]) -> Option<String> {
    let own = match &expected.address {
        Address::Socket(path) => Place::Unix(path.display().to_string()),
        Address::Port(port) => Place::Tcp(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), *port)),
    };
    let serves = |place: &Place| match (place, &own) {
        // One that hears every address hears this one.
        (Place::Tcp(place), Place::Tcp(own)) => {
            place.port() == own.port() && (place.ip() == own.ip() || place.ip().is_unspecified())
        }
        (place, own) => place == own,
    };
    let elsewhere: Vec<&Place> = found.iter().filter(|place| **place != own).collect();
    if !expected.inherited && found.iter().any(serves) {
        return None;
    }
    if elsewhere.is_empty() {
        // Who inherits a socket need not bind any other.
        return (!expected.inherited)
            .then(|| format!("it listens nowhere yet; it has to listen {}", place(expected)));
    }
    let mut named = elsewhere.iter().take(NAMED).map(ToString::to_string).collect::<Vec<_>>().join(" and ");
    if elsewhere.len() > NAMED {
        named.push_str(&format!(" and {} others", elsewhere.len() - NAMED));
    }
    let same_port = elsewhere
        .iter()
        .any(|place| matches!((place, &own), (Place::Tcp(at), Place::Tcp(own)) if at.port() == own.port()));
    let what_to_do = match (&expected.address, elsewhere.iter().any(|place| matches!(place, Place::Tcp(_)))) {
        (Address::Port(_), _) if same_port => "; have it bind the address in HOST",
        (Address::Port(_), _) => {
            "; have it take the port in PORT, or give it the port as an argument in run.command"
        }
        (Address::Socket(_), true) => {
            "; for a server on a port of its own say \"http\": {\"listen\": \"port\"} in plugin.json, and have it take the port in PORT"
        }
        (Address::Socket(_), false) => "",
    };
    Some(format!("it listens on {named} and not {}{what_to_do}", place(expected)))
}

fn place(expected: &Expected) -> String {
    match &expected.address {
        Address::Socket(_) if expected.inherited => "on descriptor 3, which it was given".to_owned(),
        Address::Socket(path) => {
            format!("on the Unix socket {}, which OUTBOARD_HTTP_SOCKET says", path.display())
        }
        Address::Port(port) => format!("on 127.0.0.1:{port}, which HOST and PORT say"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(address: Address, inherited: bool, found: &[&str]) -> Option<String> {
        let place = |text: &&str| match text.parse() {
            Ok(address) => Place::Tcp(address),
            Err(_) => Place::Unix((*text).to_owned()),
        };
        remark(&Expected { address, inherited }, &found.iter().map(place).collect::<Vec<_>>())
    }

    #[test]
    fn a_server_where_it_ought_to_be_is_not_spoken_of() {
        for found in
            [&["127.0.0.1:4000"][..], &["0.0.0.0:4000"], &["[::]:4000"], &["[::1]:4000", "127.0.0.1:4000"]]
        {
            assert_eq!(said(Address::Port(4000), false, found), None, "{found:?}");
        }
        assert_eq!(said(Address::Socket("/run/s".into()), false, &["/run/s", "127.0.0.1:9090"]), None);
        assert_eq!(said(Address::Socket("/run/s".into()), true, &["/run/s"]), None);
    }

    #[test]
    fn another_address_another_port_and_another_socket_are_named_beside_the_right_one() {
        let cases = [
            (
                Address::Port(4000),
                false,
                "[::1]:4000",
                "it listens on [::1]:4000 and not on 127.0.0.1:4000, which HOST and PORT say",
            ),
            (
                Address::Port(4000),
                false,
                "127.0.0.1:28123",
                "it listens on 127.0.0.1:28123 and not on 127.0.0.1:4000",
            ),
            (
                Address::Port(4000),
                false,
                "/tmp/mine",
                "it listens on the Unix socket /tmp/mine and not on 127.0.0.1:4000",
            ),
            (
                Address::Socket("/run/s".into()),
                false,
                "0.0.0.0:3000",
                "it listens on 0.0.0.0:3000 and not on the Unix socket /run/s",
            ),
            (
                Address::Socket("/run/s".into()),
                true,
                "127.0.0.1:3000",
                "it listens on 127.0.0.1:3000 and not on descriptor 3",
            ),
        ];
        for (address, inherited, found, told) in cases {
            let said = said(address, inherited, &[found]).unwrap_or_default();
            assert!(said.starts_with(told), "{said}");
        }
        let nowhere = said(Address::Port(4000), false, &[]).unwrap_or_default();
        assert!(
            nowhere.starts_with("it listens nowhere yet; it has to listen on 127.0.0.1:4000"),
            "{nowhere}"
        );
    }
}
