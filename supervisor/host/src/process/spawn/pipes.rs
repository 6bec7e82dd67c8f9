//! The pipes between the supervisor and one child.
//!
//! Opened by [`super::spawner`] before the spawn. It must not know which descriptor of the child an end becomes.

use std::io;
use std::os::fd::OwnedFd;

use tokio::net::unix::pipe;

use super::spec::Wire;

/// The supervisor's and the child's ends of every pipe.
pub(in crate::process) struct Pipes {
    pub(in crate::process) ours: Ours,
    pub(in crate::process) input: OwnedFd,
    pub(in crate::process) output: OwnedFd,
    pub(in crate::process) log: Option<OwnedFd>,
    pub(in crate::process) errors: OwnedFd,
}

/// The ends that stay with the supervisor, which never block.
pub(in crate::process) struct Ours {
    pub(in crate::process) wire_writer: pipe::Sender,
    pub(in crate::process) wire_reader: pipe::Receiver,
    pub(in crate::process) stdout: Option<pipe::Receiver>,
    pub(in crate::process) stderr: pipe::Receiver,
}

impl Pipes {
    pub(in crate::process) fn open(wire: Wire) -> io::Result<Self> {
        let (input, writer) = std::io::pipe()?;
        let (wire_reader, output) = incoming()?;
        let (stderr, errors) = incoming()?;
        let (stdout, log) = match wire {
            Wire::Stdio => (None, None),
            Wire::Fd | Wire::None => incoming().map(|(near, far)| (Some(near), Some(far)))?,
        };
        let wire_writer = pipe::Sender::from_owned_fd(writer.into())?;
        let ours = Ours { wire_writer, wire_reader, stdout, stderr };
        Ok(Self { ours, input: input.into(), output, log, errors })
    }
}

fn incoming() -> io::Result<(pipe::Receiver, OwnedFd)> {
    let (reader, writer) = std::io::pipe()?;
    Ok((pipe::Receiver::from_owned_fd(reader.into())?, writer.into()))
}
