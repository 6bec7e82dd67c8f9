//! The order to end, as the session's two tasks wait for it.
//!
//! Given by the session when it is closed or dropped. Must not know why it ends.

use tokio::sync::watch;

/// Resolves when the process is gone.
pub(super) async fn gone(finish: &mut watch::Receiver<bool>) {
    // An error means that every handle on the session is gone: nobody waits for anything any more.
    let _ = finish.wait_for(|finish| *finish).await;
}
