//! Looks after the runtime folder while the supervisor runs: cleaners of temporary folders remove what looks old to them.
//!
//! Started by [`super::layers`], ended before the folder is given up. Plugins' sockets are looked after by the host.

use std::sync::Arc;
use std::time::Duration;

use outboard_context::{Troubles, trouble};
use tokio::net::UnixListener;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

use super::SupervisorRecord;
use super::runtime_folder::RuntimeFolder;

/// How often it looks: four looks at the disk, on a thread of their own. Nobody can give orders in between.
const LOOK: Duration = Duration::from_secs(1);

/// Looks until it is ended.
pub(super) async fn mend(
    runtime_folder: Arc<RuntimeFolder>,
    record: SupervisorRecord,
    control: mpsc::Sender<UnixListener>,
    troubles: Troubles,
) {
    let mut ticks = interval(LOOK);
    // A disk that hangs is asked once, not once for every second that it hung.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let (looked, record) = (Arc::clone(&runtime_folder), record.clone());
        let Ok(outcome) = tokio::task::spawn_blocking(move || looked.mend(&record)).await else { continue };
        match outcome {
            Ok(mended) => {
                if !mended.gone.is_empty() {
                    tracing::warn!(
                        "somebody removed {} from the runtime folder {}; made again",
                        mended.gone.join(", "),
                        runtime_folder.path().display()
                    );
                }
                if let Some(socket) = mended.socket.and_then(|socket| UnixListener::from_std(socket).ok()) {
                    // Failing means that the control API has stopped.
                    let _ = control.send(socket).await;
                }
                troubles.clear(trouble::RUNTIME_FOLDER);
            }
            Err(failure) => troubles.set(trouble::RUNTIME_FOLDER, failure.message()),
        }
    }
}
