//! The supervisor's end of the link to its keeper.
//!
//! Called by the supervisor's main function. It must not stop anything itself: it only says that the keeper is gone.

use std::io;
use std::os::unix::net::UnixStream;

use nix::sys::signal::{SigSet, Signal};
use tokio::io::AsyncReadExt;

use super::KEEPER_VARIABLE;

/// Says when the keeper is gone.
#[derive(Debug)]
pub struct KeeperLink {
    stream: UnixStream,
    keeper: i32,
}

/// Takes the link over from standard input, which becomes /dev/null. `None` when no keeper started this process.
///
/// Call it first of all, before any thread is started: it also undoes the keeper's signal mask, which is inherited.
/// SIGTTOU stays blocked, with which a terminal set to `tostop` would otherwise freeze the supervisor, being in the
/// background, at its first line of output.
pub fn adopt_link() -> Option<KeeperLink> {
    let keeper = std::env::var(KEEPER_VARIABLE).ok()?.parse().ok()?;
    // A keeper that is dead already is not the parent any more, but its link is here and will say so.
    let stream = UnixStream::from(rustix::io::fcntl_dupfd_cloexec(io::stdin(), 3).ok()?);
    stream.local_addr().ok()?;
    let nothing = std::fs::File::open("/dev/null").ok()?;
    rustix::stdio::dup2_stdin(nothing).ok()?;
    let mut mask = SigSet::empty();
    mask.add(Signal::SIGTTOU);
    mask.thread_set_mask().ok()?;
    Some(KeeperLink { stream, keeper })
}

impl KeeperLink {
    /// The keeper's pid.
    pub fn keeper(&self) -> i32 {
        self.keeper
    }

    /// Resolves when the keeper is gone, however it went. The supervisor then stops everything: nobody would clear up
    /// after it any more.
    ///
    /// # Errors
    /// When the link cannot be watched, which says nothing about the keeper.
    pub async fn lost(self) -> io::Result<()> {
        self.stream.set_nonblocking(true)?;
        let mut stream = tokio::net::UnixStream::from_std(self.stream)?;
        let mut nothing = [0; 64];
        // Nothing is ever sent. An error means a closed peer as well.
        while stream.read(&mut nothing).await.is_ok_and(|length| length > 0) {}
        Ok(())
    }
}
