//! Who may come in: what cannot be read in one way, comes by a wrong name, or from a foreign page, goes no further.
//!
//! The front door asks once per request, before routing. Must not know plugins or routes.

pub(crate) mod host;
pub(crate) mod origin;
pub(crate) mod target;

use http::{HeaderMap, Method, Request};

use self::host::Hosts;
use self::origin::{Cors, Origins};
use crate::options::GatewayOptions;
use crate::problem::{Kind, Problem};
use crate::wire::framing::Fault;

/// The rules of one listener.
#[derive(Debug)]
pub(crate) struct Admission {
    hosts: Hosts,
    origins: Origins,
}

impl Admission {
    pub(crate) fn new(options: &GatewayOptions, listen: std::net::SocketAddr) -> Self {
        let hosts = Hosts::new(&options.allowed_hosts, listen);
        let origins = Origins::new(&options.allowed_origins, &hosts);
        Self { hosts, origins }
    }

    /// Checks a request. `Ok` says what its page may read of the answer.
    pub(crate) fn check<B>(&self, request: &Request<B>, fault: Option<Fault>) -> Result<Cors, Problem> {
        if let Some(fault) = fault {
            let kind = if fault == Fault::HeadTooLong { Kind::HeadTooLarge } else { Kind::Ambiguous };
            return Err(Problem::new(kind, format!("{fault}.")).closing());
        }
        method(request.method())?;
        let host = self.hosts.check(request)?;
        let cors = self.origins.check(host, request.headers())?;
        target::check(request.uri())?;
        Ok(cors)
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
