//! How a connection ends when there is still something to say, or the client may still be sending: in stages (RFC 9112, 9.6).
//!
//! A socket that is closed while bytes wait in it unread is reset by the kernel, and the reset can take along an answer that
//! the client has not read. So the last word is said, our side is shut, and what still comes is read past for a while. Run by
//! [`crate::connection`] after hyper. Must not know requests.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};

use super::fault::Fault;
use crate::socket::Socket;

/// How long nothing may come before the client is taken to have read what there was.
const SILENCE: Duration = Duration::from_secs(1);
/// How much is read past at once.
const PIECE: usize = 16 * 1024;

/// A socket that hyper has done with.
#[derive(Debug)]
pub(crate) struct Leftover {
    pub(super) socket: Socket,
    /// Why nothing more is read, where no request could be answered with it.
    pub(super) refusal: Option<Fault>,
}

impl Leftover {
    /// Why nothing more was read.
    pub(crate) fn refusal(&self) -> Option<Fault> {
        self.refusal
    }

    /// Ends the connection within `limit`.
    pub(crate) async fn close(mut self, limit: Duration) {
        let end = Instant::now() + limit;
        // Whatever fails below: the client is gone, and there is nobody to tell.
        let _ = timeout_at(end, self.in_stages()).await;
    }

    async fn in_stages(&mut self) -> std::io::Result<()> {
        if let Some(fault) = self.refusal {
            self.socket.write_all(&fault.problem().into_bytes()).await?;
        }
        self.socket.shutdown().await?;
        let mut past = vec![0; PIECE];
        while let Ok(read) = timeout(SILENCE, self.socket.read(&mut past)).await {
            if read? == 0 {
                break;
            }
        }
        Ok(())
    }
}
