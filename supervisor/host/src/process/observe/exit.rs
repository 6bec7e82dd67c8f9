//! How a process ended, learnt through its pidfd and without reaping it.
//!
//! [`ExitWatch`] goes to the plugin actor; [`Leader`] stays with the containment, which alone may reap. It must not use
//! SIGCHLD: that would compete with whoever else waits for children in this process.
//!
//! Until a leader is reaped its pid is a zombie's and can be nobody else's, and with it the numbers of its group and
//! session. That is what makes signalling the group exact, so reaping comes last.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use nix::sys::signal::Signal as NamedSignal;
use outboard_lifecycle::Exit;
use rustix::process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, WaitIdStatus};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

fn exit_of(status: &WaitIdStatus) -> Exit {
    if let Some(code) = status.exit_status() {
        return Exit::Code(code);
    }
    let Some(number) = status.terminating_signal() else { return Exit::Unknown };
    let name = NamedSignal::try_from(number).map_or("SIGRT", NamedSignal::as_str);
    Exit::Signal { number, name, core_dumped: status.dumped() }
}

/// The process that was spawned itself, until it is reaped.
#[derive(Debug)]
pub(in crate::process) struct Leader {
    pub(in crate::process) pid: i32,
    pub(in crate::process) start_time: u64,
    pidfd: OwnedFd,
    report: OnceLock<Exit>,
    /// Held while its number is used and while it is given back: rounds of killing run side by side.
    reaped: Mutex<bool>,
}

impl Leader {
    /// Takes hold of a child of this process that nobody else waits for.
    pub(in crate::process) fn of_child(pid: i32) -> io::Result<Self> {
        let pidfd = rustix::process::pidfd_open(to_pid(pid)?, PidfdFlags::empty())?;
        let start_time = super::facts::look_at(pid)?.ok_or(rustix::io::Errno::SRCH)?.start_time;
        Ok(Self { pid, start_time, pidfd, report: OnceLock::new(), reaped: Mutex::new(false) })
    }

    /// How it ended, if it has. Does not reap.
    pub(in crate::process) fn peek(&self) -> Option<Exit> {
        if let Some(report) = self.report.get() {
            return Some(*report);
        }
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let report = match rustix::process::waitid(WaitId::PidFd(self.pidfd.as_fd()), options) {
            Ok(Some(status)) => exit_of(&status),
            Ok(None) | Err(rustix::io::Errno::INTR) => return None,
            Err(_) => Exit::Unknown,
        };
        Some(*self.report.get_or_init(|| report))
    }

    /// Gives the pid back to the kernel. Only after [`Self::peek`] said that the process has ended.
    pub(in crate::process) fn reap(&self) {
        if self.peek().is_some() {
            let mut reaped = self.lock();
            *reaped = true;
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
            let _ = rustix::process::waitid(WaitId::PidFd(self.pidfd.as_fd()), options);
        }
    }

    pub(in crate::process) fn is_reaped(&self) -> bool {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.reaped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Signals this one process.
    pub(in crate::process) fn signal(&self, signal: Signal) -> io::Result<()> {
        Ok(rustix::process::pidfd_send_signal(&self.pidfd, signal)?)
    }

    /// Signals the process group that it leads. Nothing, once it is reaped: the number may be a stranger's by then.
    pub(in crate::process) fn signal_group(&self, signal: Signal) -> io::Result<()> {
        let reaped = self.lock();
        if *reaped {
            return Ok(());
        }
        match rustix::process::kill_process_group(to_pid(self.pid)?, signal) {
            // The trampoline has not made its group yet, so there is one process.
            Err(rustix::io::Errno::SRCH) => self.signal(signal),
            other => Ok(other?),
        }
    }
}

impl AsFd for Leader {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }
}

impl AsRawFd for Leader {
    fn as_raw_fd(&self) -> RawFd {
        self.pidfd.as_raw_fd()
    }
}

/// Waits for the end of a process. May be asked again and again, and from dropped futures.
#[derive(Debug)]
pub struct ExitWatch {
    ready: AsyncFd<Arc<Leader>>,
}

impl ExitWatch {
    #[expect(
        deprecated,
        reason = "its successor is unsafe for the sake of types whose descriptor changes; ours is fixed"
    )]
    pub(in crate::process) fn new(leader: Arc<Leader>) -> io::Result<Self> {
        Ok(Self { ready: AsyncFd::with_interest(leader, Interest::READABLE)? })
    }

    /// Resolves once the process itself has ended, whoever still holds its pipes.
    pub async fn exited(&self) -> Exit {
        loop {
            if let Some(report) = self.now() {
                return report;
            }
            match self.ready.readable().await {
                Ok(mut guard) if self.now().is_none() => guard.clear_ready(),
                Ok(_) => {}
                // The runtime is shutting down; there is nobody left to tell.
                Err(_) => return Exit::Unknown,
            }
        }
    }

    /// How the process ended, if it has.
    pub fn now(&self) -> Option<Exit> {
        self.ready.get_ref().peek()
    }
}

pub(in crate::process) fn to_pid(pid: i32) -> io::Result<Pid> {
    Ok(Pid::from_raw(pid).ok_or(rustix::io::Errno::SRCH)?)
}
