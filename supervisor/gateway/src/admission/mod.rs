//! Who may come in: what cannot be read in one way, comes by a wrong name, or from a foreign page, goes no further.
//!
//! The front door asks once per request, before routing. Must not know plugins or routes.

pub(crate) mod host;
pub(crate) mod origin;
pub(crate) mod target;
pub(crate) mod token;

use http::{HeaderMap, Method, Request};

use self::host::Hosts;
use self::origin::{Cors, Origins};
use self::token::Token;
use crate::options::GatewayOptions;
use crate::problem::{Kind, Problem};

/// The rules of one listener.
#[derive(Debug)]
pub(crate) struct Admission {
    hosts: Hosts,
    origins: Origins,
    token: Option<Token>,
}

/// What admission found out about a request that may come in.
#[derive(Debug)]
pub(crate) struct Admitted {
    /// What its page may read of the answer.
    pub(crate) cors: Cors,
    /// Whether it brought the operator's token.
    #[allow(dead_code, reason = "whoever judges the peer of a connection asks for it")]
    pub(crate) token: bool,
}

impl Admission {
    pub(crate) fn new(options: &GatewayOptions, listen: std::net::SocketAddr) -> Self {
        let hosts = Hosts::new(&options.allowed_hosts, listen);
        let origins = Origins::new(&options.allowed_origins, &hosts);
        Self { hosts, origins, token: options.token.clone() }
    }

    /// Checks a request, and takes the operator's token out of it.
    pub(crate) fn check<B>(&self, request: &mut Request<B>) -> Result<Admitted, Problem> {
        method(request.method())?;
        let host = self.hosts.check(request)?;
        let cors = self.origins.check(host, request.headers())?;
        target::check(request.uri())?;
        let unmarked = cors == Cors::NotAsked && origin::is_unmarked(request.headers());
        let foreign_name = !self.hosts.is_local(host);
        let token = self.token.as_ref().is_some_and(|token| token.take_from(request.headers_mut()));
        if unmarked && foreign_name && !token && !origin::asks_for_page(request) {
            return Err(self.unproved());
        }
        Ok(Admitted { cors, token })
    }
}

impl Admission {
    /// Browsers mark what pages send to names that they trust. To a plain-http name they do not, so nothing tells a program
    /// from a foreign page there.
    fn unproved(&self) -> Problem {
        let how = match self.token {
            Some(_) => "send the token of token_file",
            None => "name a token_file below [http] and send its token",
        };
        let detail = format!(
            "Nothing tells whether a foreign page sent this request; {how} as X-Outboard-Token, or as Authorization: Bearer."
        );
        Problem::new(Kind::TokenRequired, detail).closing()
    }
}

fn method(method: &Method) -> Result<(), Problem> {
    if matches!(*method, Method::CONNECT | Method::TRACE) {
        let detail = format!("{method} is not served: it is of no use to a plugin.");
        return Err(Problem::new(Kind::MethodNotAllowed, detail).closing());
    }
    Ok(())
}

/// The one value of a header; `Err` when there are several, or it is not visible ASCII.
fn single<'h>(headers: &'h HeaderMap, name: &http::HeaderName) -> Result<Option<&'h str>, ()> {
    let mut values = headers.get_all(name).iter();
    let Some(first) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(());
    }
    first.to_str().map(Some).map_err(|_| ())
}
