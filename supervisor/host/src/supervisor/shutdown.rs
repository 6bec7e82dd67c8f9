//! The end of all plugins, within the longest time that any of them may take.
//!
//! Called by the supervisor's task as the last thing that it does. It must not start anything.

use std::sync::Arc;
use std::time::Duration;

use outboard_lifecycle::Order;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::{Entry, Request, ShutdownMode, Supervisor};
use crate::plugin::PluginSettings;

/// Added to the longest stop of any plugin, for what the supervisor does around it.
const SHUTDOWN_MARGIN: Duration = Duration::from_secs(2);

impl Supervisor {
    /// Ends every plugin, all at once, within the longest time that any of them may take.
    pub(super) async fn shut_down(&mut self, mut mode: ShutdownMode, requests: &mut mpsc::Receiver<Request>) {
        let limit = self.longest_stop() + SHUTDOWN_MARGIN;
        let everything = async {
            loop {
                self.order_all(mode).await;
                tokio::select! {
                    () = all_at_rest(self.plugins.values().chain(self.retiring.values())) => break,
                    Some(request) = requests.recv() => if let Request::Shutdown(ShutdownMode::Now) = request {
                        mode = ShutdownMode::Now;
                    },
                }
            }
        };
        if timeout(limit, everything).await.is_err() {
            tracing::error!(
                "some plugins could not be stopped in time; the keeper ends what is left of them"
            );
        }
        self.plugins.clear();
        self.retiring.clear();
        self.catalogue.send_modify(|catalogue| *catalogue = Arc::new(catalogue.as_ref().without_plugins()));
        // Without handles the actors end; one that cannot is ended with its process.
        let _ = timeout(SHUTDOWN_MARGIN, async { while self.actors.join_next().await.is_some() {} }).await;
    }

    async fn order_all(&self, mode: ShutdownMode) {
        for entry in self.plugins.values().chain(self.retiring.values()) {
            entry.handle.order(Order::Shutdown, None).await;
            if mode == ShutdownMode::Now {
                entry.handle.order(Order::KillNow, None).await;
            }
        }
    }

    fn longest_stop(&self) -> Duration {
        let longest = |settings: &PluginSettings| settings.policy.longest_stop();
        let single = self.policy.single.values().map(longest).max().unwrap_or_default();
        single.max(longest(&self.policy.common))
    }
}

async fn all_at_rest(plugins: impl Iterator<Item = &Entry>) {
    for entry in plugins {
        let mut view = entry.handle.view.clone();
        // An error means that the actor is gone, and its process with it.
        let _ = view.wait_for(|view| view.is_at_rest()).await;
    }
}
