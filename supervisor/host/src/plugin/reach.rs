//! How a server that knows nothing of us is reached: at a socket in a folder that is closed to others, or at a port of the
//! loopback, where first of all it has to be made sure that it is this server that answers.
//!
//! Used by [`super::unaware`] for every look. It must not know what is asked, nor what an answer means.

use std::io;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use super::launching::Contained;
use crate::process::Listener;

/// A connection of either kind.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoWay {
    #[error("it cannot be reached: {0}")]
    Unreachable(#[source] io::Error),
    #[error("the owner of the listener at its port could not be found: {0}")]
    Unseen(#[source] io::Error),
    #[error(
        "port {port} is served by a process that is not this plugin's, or that does not let its descriptors be looked at"
    )]
    Foreign { port: u16 },
}

/// Where a server is, or will be.
pub(super) enum Reach {
    /// A Unix socket, which nobody else can bind.
    Socket(PathBuf),
    /// A port of 127.0.0.1.
    Port {
        port: u16,
        containment: Arc<dyn Contained>,
        /// Whether it hears other interfaces as well, as of the last look.
        exposed: AtomicBool,
    },
}

impl Reach {
    pub(super) fn port(port: u16, containment: &Arc<dyn Contained>) -> Self {
        Self::Port { port, containment: Arc::clone(containment), exposed: AtomicBool::new(false) }
    }

    /// A connection to the server, and to no other.
    pub(super) async fn connect(&self) -> Result<Box<dyn Stream>, NoWay> {
        match self {
            Self::Socket(path) => {
                // A server that accepts nothing any more is noticed here as well, once its queue of connections is full.
                let stream = UnixStream::connect(path).await.map_err(NoWay::Unreachable)?;
                Ok(Box::new(stream))
            }
            Self::Port { port, containment, exposed } => {
                let address = (Ipv4Addr::LOCALHOST, *port);
                let stream = TcpStream::connect(address).await.map_err(NoWay::Unreachable)?;
                // After connecting: while a server starts, there is nobody to look for.
                match containment.listener_at(*port).await.map_err(NoWay::Unseen)? {
                    Listener::Own { exposed: now } => {
                        exposed.store(now, Ordering::Relaxed);
                        Ok(Box::new(stream))
                    }
                    Listener::Foreign => Err(NoWay::Foreign { port: *port }),
                    Listener::Absent => {
                        Err(NoWay::Unreachable(io::Error::from(io::ErrorKind::ConnectionRefused)))
                    }
                }
            }
        }
    }

    /// What an operator ought to know of a server that has been reached.
    pub(super) fn warning(&self) -> Option<String> {
        match self {
            Self::Port { port, exposed, .. } if exposed.load(Ordering::Relaxed) => Some(format!(
                "it listens on port {port} of every interface: other machines may reach it past the gateway; have it bind 127.0.0.1, which HOST says"
            )),
            _ => None,
        }
    }
}
