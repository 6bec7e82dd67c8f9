//! Takes the port where people reach the plugins: in both families of addresses where names lead to both.
//!
//! A browser resolves `*.localhost` to `[::1]` as well as to 127.0.0.1, and asks the first of them that answers. Were one of the
//! two left free, another user of this machine could serve pages there under the operator's and the plugins' own names.
//! Called by [`super::listening`], and by `doctor` to see whether it would succeed. Must not know what is served.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use outboard_gateway::Listener;
use rustix::io::Errno;

use crate::failure::{Exit, Failure, Outcome};

/// How often another free port is tried where the one that the system chose is taken in the other family.
const TRIES: usize = 16;

/// What was taken.
#[derive(Debug)]
pub(crate) struct Taken {
    listener: TcpListener,
    twin: Option<TcpListener>,
    /// Where the first is, with the real port.
    real: SocketAddr,
}

/// Where it failed, and why.
#[derive(Debug)]
pub(crate) struct Refused {
    /// The address that cannot be had: the one that was asked for, or its twin.
    pub(crate) address: SocketAddr,
    pub(crate) error: io::Error,
}

/// Takes an address, and its twin where it has one.
///
/// # Errors
/// Which of them cannot be had. A machine without the other family has no twin, and that is not an error.
pub(crate) fn take(listen: SocketAddr) -> Result<Taken, Refused> {
    let mut tries = if listen.port() == 0 { TRIES } else { 1 };
    loop {
        tries -= 1;
        match take_once(listen) {
            Err(Refused { address, error })
                if tries > 0 && address.port() != 0 && error.kind() == io::ErrorKind::AddrInUse => {}
            outcome => return outcome,
        }
    }
}

fn take_once(listen: SocketAddr) -> Result<Taken, Refused> {
    let refused = |error| Refused { address: listen, error };
    let listener = TcpListener::bind(listen).map_err(refused)?;
    let real = listener.local_addr().map_err(refused)?;
    let Some(address) = twin_of(&listener, real) else { return Ok(Taken { listener, twin: None, real }) };
    match TcpListener::bind(address) {
        Ok(twin) => Ok(Taken { listener, twin: Some(twin), real }),
        Err(error) if is_absent(&error) => Ok(Taken { listener, twin: None, real }),
        Err(error) => Err(Refused { address, error }),
    }
}

/// The other address to which `*.localhost` leads, where it leads to `real`.
fn twin_of(listener: &TcpListener, real: SocketAddr) -> Option<SocketAddr> {
    let ip: IpAddr = match real.ip() {
        IpAddr::V4(Ipv4Addr::LOCALHOST | Ipv4Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::LOCALHOST) => Ipv4Addr::LOCALHOST.into(),
        // It has IPv4 with it, unless the system was told otherwise.
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => {
            let alone = rustix::net::sockopt::ipv6_v6only(listener).unwrap_or(false);
            return alone.then(|| SocketAddr::from((Ipv4Addr::LOCALHOST, real.port())));
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, real.port()))
}

/// Whether this machine lacks the family altogether, so that nobody can be there.
fn is_absent(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AddrNotAvailable
        || error.raw_os_error() == Some(Errno::AFNOSUPPORT.raw_os_error())
}

/// Takes the port, ready to be served, and says where it is.
///
/// # Errors
/// A sentence that says what is in the way, and what to do.
pub(super) fn bind(listen: SocketAddr) -> Outcome<(Listener, SocketAddr)> {
    let Taken { listener, twin, real } = take(listen).map_err(|refused| refused.told(listen))?;
    let served = |listener: TcpListener| {
        listener.set_nonblocking(true)?;
        tokio::net::TcpListener::from_std(listener)
    };
    let both = || {
        Ok(match twin {
            Some(twin) => Listener::twins(served(listener)?, served(twin)?),
            None => Listener::from(served(listener)?),
        })
    };
    let listener =
        both().map_err(|error: io::Error| Failure::failed(format!("cannot serve {real}: {error}")))?;
    Ok((listener, real))
}

impl Refused {
    /// Why the address is wanted at all, where it is not the one that was asked for.
    pub(crate) fn besides(&self, listen: SocketAddr) -> String {
        if self.address.ip() == listen.ip() {
            return String::new();
        }
        format!(", where browsers look for *.localhost as well as at {}", listen.ip())
    }

    fn told(&self, listen: SocketAddr) -> Failure {
        let Self { address, error } = self;
        let besides = self.besides(listen);
        match error.kind() {
            io::ErrorKind::AddrInUse => Failure::new(
                Exit::Refused,
                format!(
                    "port {} is taken: another program serves {address}{besides}; end it, or choose another address with \
                     --listen (port 0 takes any free one)",
                    address.port()
                ),
            ),
            io::ErrorKind::PermissionDenied => Failure::new(
                Exit::Refused,
                format!(
                    "you may not serve {address}; ports below 1024 are for root, choose another one with --listen"
                ),
            ),
            io::ErrorKind::AddrNotAvailable => Failure::usage(format!(
                "{} is not an address of this machine; choose another one with --listen",
                address.ip()
            )),
            _ => Failure::failed(format!("cannot serve {address}{besides}: {error}")),
        }
    }
}
