//! Where clients come in, and what they come in by: TCP or a Unix socket.
//!
//! The accept loop takes connections from a [`Listener`]; the stream around a client's [`Socket`] reads and writes. Must not
//! know HTTP.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use crate::seats::guest::Guest;

/// Where a gateway listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// An IP address and a port.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
}

impl Address {
    /// The address for which a request is meant that comes in here. A Unix socket has no name in HTTP; its clients call it
    /// `localhost`, without a port.
    pub fn by_name(&self) -> SocketAddr {
        match self {
            Self::Tcp(address) => *address,
            Self::Unix(_) => SocketAddr::from(([127, 0, 0, 1], 80)),
        }
    }

    /// The origin by which clients call what is served here.
    pub fn base_url(&self) -> String {
        match self {
            Self::Tcp(address) => format!("http://{address}"),
            Self::Unix(_) => "http://localhost".to_owned(),
        }
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// What clients connect to.
#[derive(Debug)]
pub struct Listener(Kind);

#[derive(Debug)]
enum Kind {
    /// At an IP address.
    Tcp(Port),
    /// At one port of the loopback addresses of both families. The first is the one that is told.
    Twins(Port, Port),
    /// At a path.
    Unix(UnixListener),
}

/// A port of this machine's.
#[derive(Debug)]
struct Port {
    listener: TcpListener,
    /// Where each of its connections arrives; none where that differs, as it does where every address is listened at.
    here: Option<SocketAddr>,
}

impl Listener {
    /// One port at the loopback addresses of both families. The first is the one that is told.
    pub fn twins(first: TcpListener, second: TcpListener) -> Self {
        Self(Kind::Twins(first.into(), second.into()))
    }
}

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        Self(Kind::Tcp(listener.into()))
    }
}

impl From<UnixListener> for Listener {
    fn from(listener: UnixListener) -> Self {
        Self(Kind::Unix(listener))
    }
}

impl From<TcpListener> for Port {
    fn from(listener: TcpListener) -> Self {
        // Answers are written whole; waiting for more bytes to fill a packet would only delay them. A connection takes this over
        // from its listener, which saves a call for each.
        let _ = rustix::net::sockopt::set_tcp_nodelay(&listener, true);
        let here = listener.local_addr().ok().filter(|address| !address.ip().is_unspecified());
        Self { listener, here }
    }
}

impl Port {
    async fn accept(&self) -> io::Result<Connected> {
        let (stream, peer) = self.listener.accept().await?;
        Ok(Connected::Tcp(stream, Ends { peer, here: self.here }))
    }
}

impl Listener {
    /// Where it is, with the real port.
    pub(crate) fn address(&self) -> io::Result<Address> {
        match &self.0 {
            Kind::Tcp(port) | Kind::Twins(port, _) => port.listener.local_addr().map(Address::Tcp),
            Kind::Unix(listener) => {
                let address = listener.local_addr()?;
                Ok(Address::Unix(address.as_pathname().map(PathBuf::from).unwrap_or_default()))
            }
        }
    }

    /// The next connection. Cancel safe.
    pub(crate) async fn accept(&self) -> io::Result<Connected> {
        match &self.0 {
            Kind::Tcp(port) => port.accept().await,
            Kind::Twins(first, second) => {
                // In either order, so that a crowd at one keeps nobody from the other.
                tokio::select! {
                    accepted = first.accept() => accepted,
                    accepted = second.accept() => accepted,
                }
            }
            Kind::Unix(listener) => listener.accept().await.map(|(stream, _)| Connected::Unix(stream)),
        }
    }
}

/// A connection of either kind.
#[derive(Debug)]
pub(crate) enum Connected {
    /// Over TCP.
    Tcp(TcpStream, Ends),
    /// Over a Unix socket.
    Unix(UnixStream),
}

/// The addresses of a connection over TCP.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ends {
    pub(crate) peer: SocketAddr,
    /// Where it arrived, if its listener has one address alone.
    pub(crate) here: Option<SocketAddr>,
}

impl AsFd for Connected {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(stream, _) => stream.as_fd(),
            Self::Unix(stream) => stream.as_fd(),
        }
    }
}

/// A client's connection that has a place, and tells when something comes on it.
#[derive(Debug)]
pub(crate) struct Socket {
    connected: Connected,
    guest: Arc<Guest>,
}

impl Socket {
    pub(crate) fn new(connected: Connected, guest: Arc<Guest>) -> Self {
        Self { connected, guest }
    }

    /// What has come, where it can be read without waiting.
    pub(crate) fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match &self.connected {
            Connected::Tcp(stream, _) => stream.try_read(buffer),
            Connected::Unix(stream) => stream.try_read(buffer),
        }
    }

    /// Makes the end of the connection a reset, where there is such a thing.
    pub(crate) fn set_zero_linger(&self) -> io::Result<()> {
        match &self.connected {
            Connected::Tcp(stream, _) => stream.set_zero_linger(),
            Connected::Unix(_) => Ok(()),
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.connected.as_fd()
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let read = match &mut this.connected {
            Connected::Tcp(stream, _) => Pin::new(stream).poll_read(cx, buf),
            Connected::Unix(stream) => Pin::new(stream).poll_read(cx, buf),
        };
        if read.is_pending() {
            this.guest.is_silent();
        }
        read
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().connected {
            Connected::Tcp(stream, _) => Pin::new(stream).poll_write(cx, bytes),
            Connected::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().connected {
            Connected::Tcp(stream, _) => Pin::new(stream).poll_write_vectored(cx, slices),
            Connected::Unix(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().connected {
            Connected::Tcp(stream, _) => Pin::new(stream).poll_flush(cx),
            Connected::Unix(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().connected {
            Connected::Tcp(stream, _) => Pin::new(stream).poll_shutdown(cx),
            Connected::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
