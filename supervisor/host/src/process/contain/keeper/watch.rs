//! What the keeper waits for: signals, the supervisor's end, and the end of its own standard input.
//!
//! Called by [`super`]. It must not start or clear up anything.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Signal as RawSignal;

use crate::process::observe::exit::Leader;
use outboard_lifecycle::Exit;

/// Handed on as they are. SIGINT is handed on as SIGTERM: both ask for an orderly stop.
const FORWARDED: [(Signal, RawSignal); 4] = [
    (Signal::SIGTERM, RawSignal::TERM),
    (Signal::SIGINT, RawSignal::TERM),
    (Signal::SIGHUP, RawSignal::HUP),
    (Signal::SIGQUIT, RawSignal::QUIT),
];
/// Those after which a supervisor is not started again.
const ENDS: [RawSignal; 3] = [RawSignal::TERM, RawSignal::QUIT, RawSignal::KILL];
/// Taken and dropped: a stopped keeper could not clear up, and those of the user's mean nothing to a supervisor, which they
/// would end.
const IGNORED: [Signal; 5] =
    [Signal::SIGTSTP, Signal::SIGTTIN, Signal::SIGTTOU, Signal::SIGUSR1, Signal::SIGUSR2];
/// After the launcher has gone and an orderly stop was asked for: when to ask again, which stops at once. Nobody else is
/// left who could.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(30);
/// And when to kill.
const KILL_AFTER: Duration = Duration::from_secs(35);

/// The things that are waited for.
pub(super) struct Watch {
    signals: SignalFd,
    /// Whether standard input is still to be watched.
    launcher: bool,
    stopping: bool,
    /// What is still to be sent, and when, once the launcher has gone.
    insistence: Vec<(Instant, RawSignal)>,
}

impl Watch {
    /// Blocks the signals in this thread, so that they wait to be read.
    pub(super) fn new(watch_launcher: bool) -> io::Result<Self> {
        let mut mask = SigSet::empty();
        FORWARDED.iter().map(|(signal, _)| signal).chain(&IGNORED).for_each(|signal| mask.add(*signal));
        mask.thread_block()?;
        let signals = SignalFd::with_flags(&mask, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
        Ok(Self { signals, launcher: watch_launcher, stopping: false, insistence: Vec::new() })
    }

    /// Whether anybody has asked for an end.
    pub(super) fn asked_to_stop(&self) -> bool {
        self.stopping
    }

    /// Forwards signals until the supervisor has ended, which is not reaped.
    pub(super) fn until_ended(&mut self, supervisor: &Leader) -> io::Result<Exit> {
        loop {
            if let Some(report) = supervisor.peek() {
                return Ok(report);
            }
            let until = self.insistence.first().map(|(when, _)| *when);
            for signal in self.wait(Some(supervisor.as_fd()), until)? {
                // It may have ended this moment, and then nobody needs the signal.
                let _ = supervisor.signal(signal);
            }
        }
    }

    /// Waits without a supervisor. True when an end was asked for.
    pub(super) fn pause(&mut self, pause: Duration) -> io::Result<bool> {
        let until = Instant::now() + pause;
        while !self.stopping && Instant::now() < until {
            self.wait(None, Some(until))?;
        }
        Ok(self.stopping)
    }

    /// Waits for anything and returns what to tell the supervisor.
    fn wait(
        &mut self,
        supervisor: Option<BorrowedFd<'_>>,
        until: Option<Instant>,
    ) -> io::Result<Vec<RawSignal>> {
        let stdin = io::stdin();
        let mut watched = vec![PollFd::new(&self.signals, PollFlags::IN)];
        if self.launcher {
            watched.push(PollFd::new(&stdin, PollFlags::IN));
        }
        if let Some(supervisor) = supervisor {
            watched.push(PollFd::from_borrowed_fd(supervisor, PollFlags::IN));
        }
        let timeout = until.map(|until| until.saturating_duration_since(Instant::now()));
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        match poll(&mut watched, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let launcher_spoke = self.launcher && !watched[1].revents().is_empty();
        let mut to_send = self.read_signals()?;
        if launcher_spoke && launcher_is_gone() {
            to_send.push(RawSignal::TERM);
            self.launcher = false;
            let now = Instant::now();
            self.insistence =
                vec![(now + ASK_AGAIN_AFTER, RawSignal::TERM), (now + KILL_AFTER, RawSignal::KILL)];
        }
        if self.insistence.first().is_some_and(|(when, _)| *when <= Instant::now()) {
            to_send.push(self.insistence.remove(0).1);
        }
        self.stopping |= to_send.iter().any(|signal| ENDS.contains(signal));
        Ok(to_send)
    }

    fn read_signals(&self) -> io::Result<Vec<RawSignal>> {
        let mut read = Vec::new();
        while let Some(info) = self.signals.read_signal()? {
            let known = FORWARDED.iter().find(|(signal, _)| *signal as u32 == info.ssi_signo);
            read.extend(known.map(|(_, forwarded)| *forwarded));
        }
        Ok(read)
    }
}

/// Whether standard input has ended. What is written to it means nothing.
fn launcher_is_gone() -> bool {
    let mut nothing = [0; 4096];
    match rustix::io::read(io::stdin(), &mut nothing) {
        Ok(length) => length == 0,
        Err(error) => !matches!(error, rustix::io::Errno::INTR | rustix::io::Errno::AGAIN),
    }
}
