//! The one thread that forks, with a table of descriptors of its own.
//!
//! Started and asked by [`super::launch`]. It must not end while the supervisor lives, and must not wait for a child: the
//! kernel ties a child's parent-death signal to the **thread** that forked it, so the end of this thread would kill every
//! plugin.
//!
//! Why a table of its own: at each fork the kernel copies the caller's, and closes the copies one by one at exec. The
//! supervisor's has several descriptors for each plugin that runs, so with that one the start of all plugins would cost
//! the square of their number. What a child is to have is passed to the thread through a socket instead.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};

use super::inherited;
use super::trampoline::TRAMPOLINE_ARGUMENT;
use crate::process::observe::environ::MARKER_VARIABLE;

/// Enough for posix_spawn; the default of 2 MiB would be mapped for nothing.
const STACK: usize = 256 << 10;
/// The longest marker: an id, a generation and two numbers. Many times what is needed.
const MARKER_MAX: usize = 1024;
/// The trampoline's ends: its order's socket, and where errors go.
const DESCRIPTORS: usize = 2;

/// Asks the thread. It answers one request at a time, in order.
#[derive(Debug)]
pub(in crate::process) struct Forker {
    line: OwnedFd,
}

impl Forker {
    /// Starts the thread, which lives until the process ends.
    pub(in crate::process) fn start(binary: PathBuf) -> io::Result<Self> {
        // Each request and each answer is one packet, so that none can be half read.
        let (line, theirs) =
            rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        std::thread::Builder::new().name("forker".to_owned()).stack_size(STACK).spawn(move || {
            let own = inherited::block_signals().and_then(|()| inherited::own_table(&theirs));
            if let Err(error) = own {
                // A sandbox may refuse it. Then this thread shares the table, and starts merely cost more.
                tracing::debug!(%error, "the thread that forks shares the supervisor's descriptors");
            }
            serve(&theirs, &binary);
            // Nobody can ask any more, yet the children of this thread live.
            loop {
                std::thread::park();
            }
        })?;
        Ok(Self { line })
    }

    /// Starts a trampoline whose order comes through `order`; the pid. Nobody waits for that child yet.
    pub(in crate::process) fn fork(
        &self,
        marker: &str,
        order: UnixStream,
        errors: Option<&OwnedFd>,
    ) -> io::Result<i32> {
        let passed: Vec<BorrowedFd<'_>> =
            [Some(order.as_fd()), errors.map(AsFd::as_fd)].into_iter().flatten().collect();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        if !ancillary.push(SendAncillaryMessage::ScmRights(&passed)) || marker.len() > MARKER_MAX {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        rustix::net::sendmsg(
            &self.line,
            &[IoSlice::new(marker.as_bytes())],
            &mut ancillary,
            SendFlags::NOSIGNAL,
        )?;
        // The child's copy is to be the only one, so that its end is the socket's.
        drop(order);
        let mut answer = [0; 4];
        let (length, _) = rustix::net::recv(&self.line, &mut answer, RecvFlags::empty())?;
        match i32::from_le_bytes(answer) {
            pid if length == answer.len() && pid > 0 => Ok(pid),
            errno if length == answer.len() => Err(io::Error::from_raw_os_error(errno.saturating_neg())),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

fn serve(line: &OwnedFd, binary: &Path) {
    while let Ok(Some((marker, descriptors))) = receive(line) {
        // An unwinding thread would take every plugin with it.
        let forked = catch_unwind(move || fork(binary, &marker, descriptors));
        let answer = match forked {
            Ok(Ok(pid)) => pid,
            Ok(Err(error)) => error.raw_os_error().unwrap_or(Errno::IO.raw_os_error()).saturating_neg(),
            Err(_) => Errno::NOTRECOVERABLE.raw_os_error().saturating_neg(),
        };
        if rustix::net::send(line, &answer.to_le_bytes(), SendFlags::NOSIGNAL).is_err() {
            return;
        }
    }
}

fn receive(line: &OwnedFd) -> io::Result<Option<(String, Vec<OwnedFd>)>> {
    let mut marker = [0; MARKER_MAX];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received = loop {
        let mut text = [IoSliceMut::new(&mut marker)];
        match rustix::net::recvmsg(line, &mut text, &mut ancillary, RecvFlags::CMSG_CLOEXEC) {
            Err(Errno::INTR) => {}
            received => break received?,
        }
    };
    let mut descriptors = Vec::with_capacity(DESCRIPTORS);
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(passed) = message {
            descriptors.extend(passed);
        }
    }
    // The other end is closed.
    if received.bytes == 0 {
        return Ok(None);
    }
    let marker = marker.get(..received.bytes).map(String::from_utf8_lossy).unwrap_or_default();
    Ok(Some((marker.into_owned(), descriptors)))
}

fn fork(binary: &Path, marker: &str, descriptors: Vec<OwnedFd>) -> io::Result<i32> {
    let mut descriptors = descriptors.into_iter();
    let order = descriptors.next().ok_or(Errno::BADF)?;
    let child = Command::new(binary)
        .arg0("outboard")
        .arg(TRAMPOLINE_ARGUMENT)
        .env_clear()
        .env(MARKER_VARIABLE, marker)
        .stdin(order)
        .stdout(Stdio::null())
        .stderr(descriptors.next().map_or_else(Stdio::null, Stdio::from))
        .spawn()?;
    i32::try_from(child.id()).map_err(io::Error::other)
}
