//! How a process ended, learnt through its pidfd and without reaping it.
//!
//! [`ExitWatch`] goes to the plugin actor; [`Leader`] stays with the containment, which alone may reap. It must not use
//! SIGCHLD: that would compete with whoever else waits for children in this process.
//!
//! Until a leader is reaped its pid is a zombie's and can be nobody else's, and with it the numbers of its group and
//! session. That is what makes signalling the group exact, so reaping comes last.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use nix::sys::signal::Signal as NamedSignal;
use rustix::process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, WaitIdStatus};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitReport {
    /// It left by itself, with this code (0 to 255).
    Code(i32),
    /// A signal ended it.
    Signal {
        /// The signal's number.
        number: i32,
        /// Its name, such as `SIGSEGV`; `SIGRT` for the nameless real-time ones.
        name: &'static str,
        /// Whether the kernel wrote a core dump.
        core_dumped: bool,
    },
    /// Somebody else took the status. Nothing in this crate does.
    Unknown,
}

impl ExitReport {
    /// The exit code, for a process that left by itself.
    pub fn code(&self) -> Option<i32> {
        if let Self::Code(code) = self { Some(*code) } else { None }
    }

    /// The number of the signal that ended it.
    pub fn signal(&self) -> Option<i32> {
        if let Self::Signal { number, .. } = self { Some(*number) } else { None }
    }

    fn from_status(status: &WaitIdStatus) -> Self {
        if let Some(code) = status.exit_status() {
            return Self::Code(code);
        }
        let Some(number) = status.terminating_signal() else { return Self::Unknown };
        let name = NamedSignal::try_from(number).map_or("SIGRT", NamedSignal::as_str);
        Self::Signal { number, name, core_dumped: status.dumped() }
    }
}

impl fmt::Display for ExitReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exited with code {code}"),
            Self::Signal { number, name, core_dumped } => {
                write!(f, "was killed by {name} ({number}")?;
                f.write_str(if *core_dumped { ", core dumped)" } else { ")" })
            }
            Self::Unknown => f.write_str("ended in a way that was not recorded"),
        }
    }
}

/// The process that was spawned itself, until it is reaped.
#[derive(Debug)]
pub(super) struct Leader {
    pub(super) pid: i32,
    pub(super) start_time: u64,
    pidfd: OwnedFd,
    report: OnceLock<ExitReport>,
    /// Held while its number is used and while it is given back: rounds of killing run side by side.
    reaped: Mutex<bool>,
}

impl Leader {
    /// Takes hold of a child of this process that nobody else waits for.
    pub(super) fn of_child(pid: i32) -> io::Result<Self> {
        let pidfd = rustix::process::pidfd_open(to_pid(pid)?, PidfdFlags::empty())?;
        let start_time = super::facts::look_at(pid)?.ok_or(rustix::io::Errno::SRCH)?.start_time;
        Ok(Self { pid, start_time, pidfd, report: OnceLock::new(), reaped: Mutex::new(false) })
    }

    /// How it ended, if it has. Does not reap.
    pub(super) fn peek(&self) -> Option<ExitReport> {
        if let Some(report) = self.report.get() {
            return Some(*report);
        }
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let report = match rustix::process::waitid(WaitId::PidFd(self.pidfd.as_fd()), options) {
            Ok(Some(status)) => ExitReport::from_status(&status),
            Ok(None) | Err(rustix::io::Errno::INTR) => return None,
            Err(_) => ExitReport::Unknown,
        };
        Some(*self.report.get_or_init(|| report))
    }

    /// Gives the pid back to the kernel. Only after [`Self::peek`] said that the process has ended.
    pub(super) fn reap(&self) {
        if self.peek().is_some() {
            let mut reaped = self.lock();
            *reaped = true;
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
            let _ = rustix::process::waitid(WaitId::PidFd(self.pidfd.as_fd()), options);
        }
    }

    pub(super) fn is_reaped(&self) -> bool {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.reaped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Signals this one process.
    pub(super) fn signal(&self, signal: Signal) -> io::Result<()> {
        Ok(rustix::process::pidfd_send_signal(&self.pidfd, signal)?)
    }

    /// Signals the process group that it leads. Nothing, once it is reaped: the number may be a stranger's by then.
    pub(super) fn signal_group(&self, signal: Signal) -> io::Result<()> {
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
    pub(super) fn new(leader: Arc<Leader>) -> io::Result<Self> {
        Ok(Self { ready: AsyncFd::with_interest(leader, Interest::READABLE)? })
    }

    /// Resolves once the process itself has ended, whoever still holds its pipes.
    pub async fn exited(&self) -> ExitReport {
        loop {
            if let Some(report) = self.now() {
                return report;
            }
            match self.ready.readable().await {
                Ok(mut guard) if self.now().is_none() => guard.clear_ready(),
                Ok(_) => {}
                // The runtime is shutting down; there is nobody left to tell.
                Err(_) => return ExitReport::Unknown,
            }
        }
    }

    /// How the process ended, if it has.
    pub fn now(&self) -> Option<ExitReport> {
        self.ready.get_ref().peek()
    }
}

pub(super) fn to_pid(pid: i32) -> io::Result<Pid> {
    Ok(Pid::from_raw(pid).ok_or(rustix::io::Errno::SRCH)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_reads_as_a_sentence() {
        let abort = ExitReport::Signal { number: 6, name: "SIGABRT", core_dumped: true };
        assert_eq!(abort.to_string(), "was killed by SIGABRT (6, core dumped)");
        assert_eq!(ExitReport::Code(3).to_string(), "exited with code 3");
    }
}
