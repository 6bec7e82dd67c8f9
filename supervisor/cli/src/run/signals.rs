//! What the supervisor is told from outside: signals, and the end of its keeper.

use std::io;

use outboard_host::process::keeper::KeeperLink;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// Stop in good order.
    Stop,
    /// Read the plugin folders again.
    Rescan,
    /// The keeper is gone: stop at once, since nobody would clear up after us.
    Orphaned,
}

/// Everything that is listened to.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    quit: Signal,
    hangup: Signal,
    keeper: std::pin::Pin<Box<dyn Future<Output = io::Result<()>>>>,
}

impl Signals {
    /// What says "read the folders again" is kept from now on: it must never end this process.
    ///
    /// # Errors
    /// When the system hands out no signals.
    pub(super) fn hangups() -> io::Result<Signal> {
        signal(SignalKind::hangup())
    }

    /// Listens to everything from now on.
    ///
    /// # Errors
    /// When the system hands out no signals.
    pub(super) fn listen(keeper: Option<KeeperLink>, hangup: Signal) -> io::Result<Self> {
        let keeper: std::pin::Pin<Box<dyn Future<Output = io::Result<()>>>> = match keeper {
            Some(link) => Box::pin(link.lost()),
            None => Box::pin(std::future::pending()),
        };
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            hangup,
            keeper,
        })
    }

    /// The next thing that is wanted. Cancel safe.
    pub(super) async fn next(&mut self) -> Told {
        tokio::select! {
            lost = &mut self.keeper => {
                self.keeper = Box::pin(std::future::pending());
                if let Err(error) = lost {
                    tracing::error!(%error, "the keeper cannot be watched, so nobody may be left to clear up");
                }
                Told::Orphaned
            }
            _ = self.terminate.recv() => Told::Stop,
            _ = self.interrupt.recv() => Told::Stop,
            _ = self.quit.recv() => Told::Stop,
            _ = self.hangup.recv() => Told::Rescan,
        }
    }
}
