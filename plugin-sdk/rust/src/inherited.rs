//! The descriptors that a plugin is born with: the wire, and the HTTP listener.
//!
//! Called once, by `Plugin::run`, before the author's code. Moves the wire away from standard input and output, so that a
//! `println!` or a child process cannot write into a frame. Must not know what is said over the wire.

// Descriptors that come by number can only be named by number, and that is `unsafe` to the compiler. What makes it sound
// here: a number is borrowed for one system call each, checked for being open by the first, and owned only as a duplicate.
#![allow(unsafe_code)]

use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::net::{UnixListener, UnixStream};

use rustix::fs::FileType;
use rustix::io::FdFlags;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::unix::pipe;

/// The smallest number for our own duplicates: beyond everything that a parent hands over by number.
const PRIVATE_FROM: RawFd = 10;
/// Where the HTTP listener is when only the socket-activation variables say that there is one.
const FIRST_LISTEN_FD: RawFd = 3;

/// Why there is no wire.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoWire {
    #[error(
        "{program} is a plugin: Outboard starts it and talks with it. Put its folder (with its plugin.json) among your plugins and run `outboard run`."
    )]
    ByHand { program: String },
    #[error(
        "OUTBOARD_RPC_FDS is {given:?}; it ought to be two descriptor numbers such as 4,5. Is something between Outboard and this program?"
    )]
    BadVariable { given: String },
    #[error(
        "descriptor {fd}, which carries the protocol, cannot be used: it ought to be an open pipe or socket"
    )]
    Unusable {
        fd: RawFd,
        #[source]
        source: io::Error,
    },
}

/// Both directions of the wire, as private descriptors.
pub(crate) struct Wire {
    input: OwnedFd,
    output: OwnedFd,
}

/// What the session reads from.
pub(crate) type Input = Box<dyn AsyncRead + Send + Unpin>;
/// What the session writes to.
pub(crate) type Output = Box<dyn AsyncWrite + Send + Unpin>;

/// Takes the wire away from where the author's code could reach it.
pub(crate) fn take_wire() -> Result<Wire, NoWire> {
    match std::env::var("OUTBOARD_RPC_FDS") {
        Ok(given) => {
            let (input, output) = two_numbers(&given).ok_or(NoWire::BadVariable { given })?;
            Ok(Wire { input: own(input)?, output: own(output)? })
        }
        Err(_) => take_stdio(),
    }
}

fn two_numbers(text: &str) -> Option<(RawFd, RawFd)> {
    let (input, output) = text.split_once(',')?;
    Some((input.trim().parse().ok()?, output.trim().parse().ok()?))
}

fn take_stdio() -> Result<Wire, NoWire> {
    if io::stdin().is_terminal() || io::stdout().is_terminal() || !is_channel(io::stdin().as_fd()) {
        let program = std::env::args().next().unwrap_or_else(|| "This program".to_owned());
        let program = program.rsplit('/').next().unwrap_or("This program").to_owned();
        return Err(NoWire::ByHand { program });
    }
    let unusable = |fd| move |source: io::Error| NoWire::Unusable { fd, source };
    let input = private(io::stdin().as_fd()).map_err(unusable(0))?;
    let output = private(io::stdout().as_fd()).map_err(unusable(1))?;
    let nothing = File::open("/dev/null").map_err(unusable(0))?;
    rustix::stdio::dup2_stdin(&nothing).map_err(|errno| unusable(0)(errno.into()))?;
    rustix::stdio::dup2_stdout(io::stderr()).map_err(|errno| unusable(1)(errno.into()))?;
    Ok(Wire { input, output })
}

fn is_channel(fd: BorrowedFd<'_>) -> bool {
    matches!(file_type(fd), Ok(FileType::Fifo | FileType::Socket))
}

fn file_type(fd: BorrowedFd<'_>) -> io::Result<FileType> {
    Ok(FileType::from_raw_mode(rustix::fs::fstat(fd)?.st_mode))
}

fn private(fd: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    Ok(rustix::io::fcntl_dupfd_cloexec(fd, PRIVATE_FROM)?)
}

fn own(fd: RawFd) -> Result<OwnedFd, NoWire> {
    adopt(fd).map_err(|source| NoWire::Unusable { fd, source })
}

/// A duplicate of a descriptor that came by number; the number itself is kept from programs that this one starts.
fn adopt(fd: RawFd) -> io::Result<OwnedFd> {
    if fd < 0 {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: the number is not negative, and the borrow ends with this function, which closes nothing. Were the number
    // not open, the first system call would say so and nothing else would happen.
    let borrowed = unsafe { BorrowedFd::borrow_raw(fd) };
    rustix::io::fcntl_setfd(borrowed, FdFlags::CLOEXEC)?;
    private(borrowed)
}

/// The HTTP listener, where the host handed one over.
pub(crate) fn take_http_listener() -> io::Result<Option<UnixListener>> {
    let Some(fd) = http_fd() else { return Ok(None) };
    let listener = UnixListener::from(adopt(fd)?);
    listener.set_nonblocking(true)?;
    Ok(Some(listener))
}

fn http_fd() -> Option<RawFd> {
    if let Ok(number) = std::env::var("OUTBOARD_HTTP_FD") {
        return number.trim().parse().ok();
    }
    let count: u32 = std::env::var("LISTEN_FDS").ok()?.parse().ok()?;
    let for_pid: u32 = std::env::var("LISTEN_PID").ok()?.parse().ok()?;
    (count >= 1 && for_pid == std::process::id()).then_some(FIRST_LISTEN_FD)
}

impl Wire {
    /// Both directions, ready for the runtime. Call it inside one.
    pub(crate) fn open(self) -> io::Result<(Input, Output)> {
        let input: Input = match file_type(self.input.as_fd())? {
            FileType::Socket => Box::new(stream(self.input)?),
            _ => Box::new(pipe::Receiver::from_owned_fd(self.input)?),
        };
        let output: Output = match file_type(self.output.as_fd())? {
            FileType::Socket => Box::new(stream(self.output)?),
            _ => Box::new(pipe::Sender::from_owned_fd(self.output)?),
        };
        Ok((input, output))
    }
}

fn stream(fd: OwnedFd) -> io::Result<tokio::net::UnixStream> {
    let stream = UnixStream::from(fd);
    stream.set_nonblocking(true)?;
    tokio::net::UnixStream::from_std(stream)
}
