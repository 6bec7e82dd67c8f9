//! What the spawner and the trampoline say to each other over one socket pair: the order with its descriptors one way,
//! the outcome the other way.
//!
//! Used by [`super::launch`], [`super::spawner`] and [`super::trampoline`] and nobody else. It must not know what a
//! descriptor is for.
//!
//! ```text
//! spawner    → length, JSON order, descriptors (SCM_RIGHTS)      → trampoline
//! spawner    ← "E" just before exec, then end of file: it runs   ← trampoline
//! spawner    ← JSON failure, then end of file: it does not       ← trampoline
//! ```

use std::ffi::OsString;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags,
};
use serde::{Deserialize, Serialize};

use super::spec::{LimitName, Limits};

/// Arguments and environment together may not be longer than this, encoded. The kernel's own limit is 2 MiB, and text
/// that is not UTF-8 is encoded at up to four bytes a byte.
pub(in crate::process) const ORDER_LIMIT: usize = 8 << 20;
/// Standard input, output and error, the listener, and the wire's two.
const DESCRIPTOR_LIMIT: usize = 6;
/// A failure is a few dozen bytes and one path; more than this is not one.
pub(in crate::process) const OUTCOME_LIMIT: usize = 16 << 10;
/// Said just before exec, so that the end of the stream alone is not taken for success.
pub(in crate::process) const EXECUTING: u8 = b'E';

/// Everything that the trampoline does between its start and exec.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::process) struct Order {
    /// The process that must still be the parent.
    pub(in crate::process) supervisor: i32,
    /// What becomes argument zero.
    pub(in crate::process) program: OsString,
    pub(in crate::process) args: Vec<OsString>,
    pub(in crate::process) env: Vec<(OsString, OsString)>,
    pub(in crate::process) cwd: PathBuf,
    /// Tried in turn until one runs.
    pub(in crate::process) candidates: Vec<PathBuf>,
    /// The number that each passed descriptor gets, in the order in which they are passed.
    pub(in crate::process) descriptors: Vec<i32>,
    pub(in crate::process) limits: Limits,
    /// The soft limit of descriptors, where the supervisor has raised its own.
    pub(in crate::process) open_files: Option<u64>,
    /// The limit on core dumps that the supervisor had before its own.
    pub(in crate::process) core_size: Option<u64>,
    /// What names the generation, see `observe::mark`.
    pub(in crate::process) mark: u64,
    pub(in crate::process) umask: u32,
    pub(in crate::process) allow_new_privileges: bool,
}

/// What the trampoline was doing when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::process) enum Step {
    Order,
    Session,
    Parent,
    Signals,
    Descriptors,
    Folder,
    Limit(LimitName),
    Privileges,
    Exec,
}

/// The answer when the program does not run.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::process) struct Failure {
    pub(in crate::process) step: Step,
    pub(in crate::process) errno: i32,
    /// The candidate on which exec gave up, where one of them was more than absent.
    pub(in crate::process) path: Option<PathBuf>,
}

/// What the spawner learns once the trampoline's end is closed.
#[derive(Debug)]
pub(in crate::process) enum Outcome {
    Running,
    Failed(Failure),
    /// The trampoline died before it could say anything.
    Died,
}

/// Sends an encoded order. Blocks while the receiver does not read, up to the socket's write timeout.
pub(in crate::process) fn send(stream: &UnixStream, order: &[u8], descriptors: &[OwnedFd]) -> io::Result<()> {
    let length = u32::try_from(order.len()).map_err(io::Error::other)?.to_le_bytes();
    let borrowed: Vec<BorrowedFd<'_>> = descriptors.iter().map(AsFd::as_fd).collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTOR_LIMIT))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(&borrowed)) {
        return Err(io::Error::other("more descriptors than an order can carry"));
    }
    let sent = rustix::net::sendmsg(stream, &[IoSlice::new(&length)], &mut control, SendFlags::NOSIGNAL)?;
    if sent != length.len() {
        return Err(io::ErrorKind::WriteZero.into());
    }
    (&*stream).write_all(order)
}

/// Receives an order and its descriptors, which are closed on exec.
pub(in crate::process) fn receive(stream: &UnixStream) -> io::Result<(Order, Vec<OwnedFd>)> {
    let mut length = [0; 4];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTOR_LIMIT))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::WAITALL;
    let received = rustix::net::recvmsg(stream, &mut [IoSliceMut::new(&mut length)], &mut control, flags)?;
    if received.bytes != length.len() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let mut descriptors = Vec::with_capacity(DESCRIPTOR_LIMIT);
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(passed) = message {
            descriptors.extend(passed);
        }
    }
    let length = u32::from_le_bytes(length) as usize;
    if length > ORDER_LIMIT {
        return Err(io::Error::other("the order is longer than its limit"));
    }
    let mut text = vec![0; length];
    (&*stream).read_exact(&mut text)?;
    Ok((serde_json::from_slice(&text)?, descriptors))
}

/// Reads all that the trampoline said before its end of the socket closed.
pub(in crate::process) fn read_outcome(said: &[u8]) -> Outcome {
    let rest = said.strip_prefix(&[EXECUTING]).unwrap_or(said);
    match (said.len(), rest.len()) {
        (0, _) => Outcome::Died,
        (_, 0) => Outcome::Running,
        _ => serde_json::from_slice(rest).map_or(Outcome::Died, Outcome::Failed),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step fails the test")]
    use super::*;

    #[test]
    fn an_order_arrives_with_its_descriptors_and_with_text_that_is_not_utf8() {
        use std::os::unix::ffi::OsStringExt;
        let (near, far) = UnixStream::pair().unwrap();
        let odd = OsString::from_vec(vec![b'a', 0xff]);
        let order = Order {
            supervisor: 7,
            program: "p".into(),
            args: vec![odd.clone()],
            env: vec![("K".into(), "v".into())],
            cwd: "/".into(),
            candidates: vec!["/p".into()],
            descriptors: vec![0],
            limits: Limits::default(),
            open_files: None,
            core_size: None,
            mark: 1,
            umask: 0o077,
            allow_new_privileges: false,
        };
        let (mut reader, writer) = std::io::pipe().unwrap();
        send(&near, &serde_json::to_vec(&order).unwrap(), &[OwnedFd::from(writer)]).unwrap();
        let (back, passed) = receive(&far).unwrap();
        assert_eq!(back.args, [odd]);
        assert_eq!(passed.len(), 1);
        std::fs::File::from(passed.into_iter().next().unwrap()).write_all(b"through").unwrap();
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "through");
    }

    #[test]
    fn silence_is_a_death_and_the_word_alone_is_success() {
        assert!(matches!(read_outcome(b""), Outcome::Died));
        assert!(matches!(read_outcome(b"E"), Outcome::Running));
        assert!(matches!(read_outcome(b"E garbage"), Outcome::Died));
        let failure = br#"E{"step":"Exec","errno":2,"path":null}"#;
        assert!(matches!(read_outcome(failure), Outcome::Failed(Failure { step: Step::Exec, errno: 2, .. })));
    }
}
