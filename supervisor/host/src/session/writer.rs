//! The writer's task: everything that waits goes out in one write.
//!
//! Run by the session. It waits for the plugin to read and for nothing else; a plugin that never reads holds up this task
//! alone, until its input is closed.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::timeout;

use super::finish::gone;
use super::outbox::Outbox;

/// How long a closed outbox may take to reach a plugin that does not read. What is left after that is thrown away, so that
/// the plugin sees the end of its input.
const LAST_WRITE: Duration = Duration::from_millis(500);
/// A write is looked at this often, to notice that the outbox was closed meanwhile.
const LOOK: Duration = Duration::from_millis(250);
/// A buffer that grew beyond this is given back after use.
const KEEP: usize = 64 * 1024;

/// Writes until the outbox is closed, or the process is gone. A plugin that closes its input while it is still talked to has
/// `ended` the conversation.
pub(super) async fn run<W: AsyncWrite + Unpin>(
    mut writer: W,
    outbox: Arc<Outbox>,
    mut finish: watch::Receiver<bool>,
    ended: watch::Sender<bool>,
) {
    tokio::select! {
        biased;
        () = write_on(&mut writer, &outbox) => {}
        // Whoever else holds the pipe open is nobody to wait for.
        () = gone(&mut finish) => {}
    }
    if !outbox.is_closed() {
        outbox.close();
        ended.send_replace(true);
    }
    // Dropping the writer closes the plugin's standard input.
}

async fn write_on<W: AsyncWrite + Unpin>(writer: &mut W, outbox: &Outbox) {
    let mut buffer = Vec::new();
    while outbox.take(&mut buffer).await {
        if !write_out(writer, &buffer, outbox).await {
            return;
        }
        buffer.clear();
        buffer.shrink_to(KEEP);
    }
}

/// Writes it all. False: the plugin closed its input, or it does not read and nobody waits for it any more.
async fn write_out<W: AsyncWrite + Unpin>(writer: &mut W, mut bytes: &[u8], outbox: &Outbox) -> bool {
    let mut last = false;
    while !bytes.is_empty() {
        let patience = if last { LAST_WRITE } else { LOOK };
        match timeout(patience, writer.write(bytes)).await {
            Ok(Ok(0) | Err(_)) => return false,
            Ok(Ok(written)) => bytes = &bytes[written..],
            Err(_) if last => return false,
            Err(_) => last = outbox.is_closed(),
        }
    }
    true
}
