//! By which names we may be called: the defence against DNS rebinding.
//!
//! A page of a foreign name that resolves to 127.0.0.1 is "same origin" to its browser; only the Host header tells.

use std::net::SocketAddr;

use http::{Request, Uri, header};

use super::single;
use crate::problem::{Kind, Problem};

/// The names, each as it stands in a Host header.
#[derive(Debug)]
pub(crate) struct Hosts(Vec<String>);

/// The names that lead to this machine alone. Browsers trust them without TLS.
const LOCAL: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];

impl Hosts {
    pub(crate) fn new(configured: &[String], listen: SocketAddr) -> Self {
        let port = listen.port();
        let mut names = Vec::new();
        let mut add = |name: &str| {
            names.push(format!("{name}:{port}"));
            // Port 80 is left out of Host by every client.
            if port == 80 {
                names.push(name.to_owned());
            }
        };
        for name in LOCAL {
            add(name);
        }
        if !listen.ip().is_unspecified() {
            add(&match listen.ip() {
                std::net::IpAddr::V4(ip) => ip.to_string(),
                std::net::IpAddr::V6(ip) => format!("[{ip}]"),
            });
        }
        for name in configured {
            names.push(name.to_ascii_lowercase());
            names.push(format!("{}:{port}", name.to_ascii_lowercase()));
        }
        Self(names)
    }

    /// Whether an allowed host leads to this machine alone.
    pub(crate) fn is_local(&self, host: &str) -> bool {
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host,
        };
        LOCAL.iter().any(|local| local.eq_ignore_ascii_case(name))
    }

    /// The names, for whoever derives origins from them.
    pub(crate) fn names(&self) -> &[String] {
        &self.0
    }

    /// The request's one allowed host.
    pub(crate) fn check<'r, B>(&self, request: &'r Request<B>) -> Result<&'r str, Problem> {
        let ambiguous = |detail: &str| Problem::new(Kind::Ambiguous, detail).closing();
        let host = match single(request.headers(), &header::HOST) {
            Ok(Some(host)) => host,
            Ok(None) => return Err(ambiguous("The request has no Host header; send one.")),
            Err(()) => {
                return Err(ambiguous("The request has more than one Host header, or an unreadable one."));
            }
        };
        if let Some(differs) = authority_differs(request.uri(), host) {
            return Err(ambiguous(differs));
        }
        if !self.0.iter().any(|name| name.eq_ignore_ascii_case(host)) {
            let detail = format!(
                "The host {host:?} is not allowed. Call us by one of {}, or add the name to allowed_hosts.",
                self.0.join(", ")
            );
            return Err(Problem::new(Kind::HostNotAllowed, detail).closing());
        }
        Ok(host)
    }
}

fn authority_differs(uri: &Uri, host: &str) -> Option<&'static str> {
    let authority = uri.authority()?;
    if uri.scheme_str() != Some("http") {
        return Some("The target is absolute and its scheme is not http.");
    }
    let same = authority.as_str().eq_ignore_ascii_case(host);
    (!same).then_some("The target names one host and the Host header another.")
}
