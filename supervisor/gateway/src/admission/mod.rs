//! Who may come in: what cannot be read in one way, comes by a wrong name, or from a foreign page, goes no further.
//!
//! The front door asks once per request, before routing. Must not know plugins or routes.

mod asker;
pub(crate) mod caller;
pub(crate) mod cors;
mod host;
mod label;
pub(crate) mod names;
pub(crate) mod plugin_origin;
pub(crate) mod target;
pub(crate) mod token;

use std::sync::Arc;

use http::{Method, Request};

use self::asker::Asking;
use self::caller::Caller;
use self::cors::Cors;
use self::names::Names;
use self::token::Token;
use crate::options::GatewayOptions;
use crate::problem::{Kind, Problem};

/// The rules of one listener.
#[derive(Debug)]
pub(crate) struct Admission {
    names: Arc<Names>,
    token: Option<Token>,
}

/// What admission found out about a request that may come in.
#[derive(Debug)]
pub(crate) struct Admitted {
    /// Who asks, and where.
    pub(crate) caller: Caller,
    /// What its page may read of the answer.
    pub(crate) cors: Cors,
    /// Whether it brought the operator's token.
    pub(crate) token: bool,
}

impl Admission {
    pub(crate) fn new(options: &GatewayOptions, listen: std::net::SocketAddr) -> Self {
        Self { names: Arc::new(Names::new(options, listen)), token: options.token.clone() }
    }

    /// Checks a request, and takes the operator's token out of it.
    pub(crate) fn check<B>(&self, request: &mut Request<B>) -> Result<Admitted, Problem> {
        method(request.method())?;
        let site = host::check(&self.names, request)?;
        let token = self.token.as_ref().is_some_and(|token| token.take_from(request.headers_mut()));
        let Asking { asker, navigates, cors } = asker::identify(&self.names, &site, request, token)?;
        target::check(request.uri())?;
        let method = request.method().clone();
        let caller = Caller { names: Arc::clone(&self.names), site, asker, navigates, method };
        Ok(Admitted { caller, cors, token })
    }
}

fn method(method: &Method) -> Result<(), Problem> {
    if matches!(*method, Method::CONNECT | Method::TRACE) {
        let detail = format!("{method} is not served: it is of no use to a plugin.");
        return Err(Problem::new(Kind::MethodNotAllowed, detail).closing());
    }
    Ok(())
}
