//! A stream to a plugin, of whichever kind its address is.
//!
//! Made by [`super::forward`] and the probe of [`super::answer`], used by [`super::connection`] and, after an upgrade, by the
//! tunnel. Only what those need. It must not know what it carries.

use std::io::{self, IoSlice};
use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use outboard_host::routes::Address;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use crate::descriptors;

/// How long a connection to a port may take. A port whose backlog is full answers nothing, and the kernel asks again after
/// one second and after three; a socket in the file system says at once that it is full.
const CONNECT_LIMIT: Duration = Duration::from_secs(4);

/// A stream.
#[derive(Debug)]
pub(crate) enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

/// The same call on whichever it is.
macro_rules! on {
    ($stream:expr, $inner:ident => $call:expr) => {
        match $stream {
            Stream::Unix($inner) => $call,
            Stream::Tcp($inner) => $call,
        }
    };
}

impl Stream {
    /// # Errors
    /// What the system says: `WouldBlock` where a socket's backlog is full, `TimedOut` where a port does not answer, and that
    /// there are too many open files also while some are left, which are not for requests.
    pub(crate) async fn connect(address: &Address) -> io::Result<Self> {
        let stream = Self::open(address).await?;
        if stream.is_of_reserve() { Err(rustix::io::Errno::MFILE.into()) } else { Ok(stream) }
    }

    /// Whether its descriptor is one of those that are not for requests.
    pub(crate) fn is_of_reserve(&self) -> bool {
        descriptors::is_of_reserve(on!(self, stream => stream.as_fd()))
    }

    /// The same whether or not descriptors are running out, for a moment.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) async fn open(address: &Address) -> io::Result<Self> {
        match address {
            Address::Socket(path) => UnixStream::connect(path).await.map(Self::Unix),
            Address::Port(port) => {
                let connecting = TcpStream::connect((Ipv4Addr::LOCALHOST, *port));
                let stream = timeout(CONNECT_LIMIT, connecting).await??;
                // A request is written in one piece, and its end is not to wait for the plugin's acknowledgement.
                stream.set_nodelay(true)?;
                Ok(Self::Tcp(stream))
            }
        }
    }

    pub(crate) fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        on!(self, stream => stream.try_read(buffer))
    }

    pub(crate) fn try_write_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        on!(self, stream => stream.try_write_vectored(slices))
    }

    /// Writes past the library, which waits until the kernel calls the socket writable.
    pub(crate) fn write_now(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        Ok(on!(self, stream => rustix::io::writev(stream, slices))?)
    }

    pub(crate) fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        on!(self, stream => stream.poll_write_ready(cx))
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        on!(self.get_mut(), stream => Pin::new(stream).poll_read(cx, buffer))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        on!(self.get_mut(), stream => Pin::new(stream).poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        on!(self.get_mut(), stream => Pin::new(stream).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        on!(self.get_mut(), stream => Pin::new(stream).poll_shutdown(cx))
    }
}
