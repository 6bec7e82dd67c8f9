//! What the next supervisor has to know of a plugin: what went wrong, which version ran, which prefix is its own.
//!
//! Called when a state is shown, a route opens, and a handshake is done. Nothing waits for the disk: what cannot be remembered is
//! told in the log, and the plugin runs on.

use outboard_lifecycle::State;
use outboard_protocol::id::RoutePrefix;

use super::done::Done;
use super::past;
use super::state::Plugin;

/// Keeps its past, whenever a process is over for which that changes. What ends because the supervisor ends changes nothing.
pub(super) fn past(plugin: &mut Plugin) {
    let snapshot = plugin.machine.snapshot();
    if snapshot.closing || matches!(snapshot.state, State::Stopping { .. }) {
        return;
    }
    let past = plugin.machine.past();
    let mark = past::mark(&past);
    if mark == plugin.remembered {
        return;
    }
    plugin.remembered = mark;
    let text = past::text(past, &plugin.history(), &plugin.installed);
    let id = plugin.installed.id().clone();
    let kept = plugin.shared.context.set_past(&id, text);
    plugin.work.spawn(async move {
        if let Err(error) = kept.await {
            tracing::warn!(plugin = %id, %error, "its failures could not be remembered for the next start of the supervisor");
        }
        Done::Nothing
    });
}

/// A start with another version is one after an update, also in another life of the supervisor.
pub(super) fn version(plugin: &mut Plugin) {
    let (context, id) = (&plugin.shared.context, plugin.installed.id().clone());
    let version = plugin.installed.version();
    if context.last_version(&id).as_ref() == Some(&version) {
        return;
    }
    let remembered = context.set_last_version(&id, &version);
    plugin.work.spawn(async move {
        if let Err(error) = remembered.await {
            tracing::warn!(plugin = %id, %version, %error, "the version that runs could not be remembered, so that its next update may go unnoticed");
        }
        Done::Nothing
    });
}

/// It is the plugin's at once; what is awaited is that it is remembered.
pub(super) fn own_prefix(plugin: &mut Plugin) {
    let id = plugin.installed.id().clone();
    let Ok(own) = RoutePrefix::new(&format!("/api/{id}")) else { return };
    let remembered = plugin.shared.context.claim(&id, &own);
    plugin.work.spawn(async move {
        if let Err(error) = remembered.await {
            tracing::warn!(plugin = %id, %error, "a plugin's own prefix could not be claimed");
        }
        Done::Nothing
    });
}
