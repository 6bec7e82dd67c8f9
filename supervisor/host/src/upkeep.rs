//! The host's small standing tasks: orphaned processes, events of the context, the size of what plugins keep.
//!
//! Started by [`crate::Host::start`], ended with it. Must not know single plugins.

use outboard_context::{Context, trouble};
use outboard_protocol::control::HostEvent;
use tokio::sync::broadcast;
use tokio::time::{MissedTickBehavior, interval};

use crate::process::{Spawner, Swept, orphans};

pub(crate) fn report_swept(swept: &Swept) {
    tracing::warn!(?swept, "a former supervisor left a process behind");
}

pub(crate) async fn tend_orphans(spawner: Spawner) {
    let Err(error) = orphans::tend(spawner.containments()).await;
    tracing::error!(%error, "orphaned processes are not watched");
}

/// What the context has to say to host applications goes the way of everything else.
pub(crate) async fn pass_on_events(context: Context, listeners: broadcast::Sender<HostEvent>) {
    let mut events = context.host_events();
    loop {
        match events.recv().await {
            Ok(event) => {
                tell_trouble(&event);
                // Nobody may be listening.
                drop(listeners.send(event));
            }
            Err(broadcast::error::RecvError::Lagged(_)) => {}
            Err(broadcast::error::RecvError::Closed) => return,
        }
    }
}

/// What is amiss with the supervisor itself stands in its log as well; trouble with the log is told on the console, by the log.
fn tell_trouble(event: &HostEvent) {
    match event {
        HostEvent::Trouble { kind, .. } if kind == trouble::LOG_FILES => {}
        HostEvent::Trouble { says: Some(says), .. } => tracing::error!("{says}"),
        HostEvent::Trouble { kind, says: None } => tracing::info!("the trouble with {kind} is over"),
        _ => {}
    }
}

/// Plugins near their quota are warned even when they ask for nothing.
pub(crate) async fn measure_databases(context: Context) {
    let mut ticks = interval(context.databases.measure_every());
    // A disk that hangs is asked once, not once for every minute that it hung.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let databases = context.databases.clone();
        // A panic in there is logged by its thread, and the next round measures again.
        let _ = tokio::task::spawn_blocking(move || databases.measure()).await;
    }
}
