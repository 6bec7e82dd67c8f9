//! What everybody sees of a plugin: its view, its route while it is not open, and the event of a change.
//!
//! Called by `effects` for each change of the state, and by the actor for what was installed meanwhile. Changes nothing that runs.

use std::sync::Arc;
use std::time::Duration;

use outboard_lifecycle::{RouteIntent, State};
use outboard_protocol::control::HostEvent;

use super::remembering;
use super::state::Plugin;
use super::view::View;
use crate::routes::RouteState;

/// What a client is told to wait before it asks for a plugin that is being stopped.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Shows the state to everybody, and has kept of it what the next supervisor has to know.
pub(super) fn publish(plugin: &mut Plugin) {
    let view = View::new(
        plugin.machine.snapshot(),
        plugin.advice.as_deref(),
        &plugin.installed,
        plugin.epoch_on_the_clock,
    );
    if !plugin.route_open {
        plugin.route.publish(closed_route(&view));
    }
    stand(plugin, &view);
    let status = Box::new(view.status.clone());
    plugin.view.send_replace(Arc::new(view));
    // Nobody may be listening.
    let _ = plugin.shared.events.send(HostEvent::PluginState { status });
    remembering::past(plugin);
}

/// The route of a plugin before its first step, and what it would provide.
pub(super) fn begin(plugin: &mut Plugin) {
    let view = Arc::clone(&plugin.view.borrow());
    stand(plugin, &view);
    plugin.route.publish(match view.is_errored() {
        true => closed_route(&view),
        false => RouteState::Closed { cause: "the plugin was not started".to_owned(), retry_after: None },
    });
}

/// Says to the broker how the plugin is, for what it would provide.
fn stand(plugin: &mut Plugin, view: &View) {
    let session = plugin.living.as_ref().map(|living| &living.session);
    plugin.claims.stand(&plugin.installed.manifest.provides, view, session);
}

fn closed_route(view: &View) -> RouteState {
    let state = &view.status.state;
    let cause = match &view.status.cause {
        Some(cause) => format!("the plugin is {state}: {cause}"),
        None => format!("the plugin is {state}"),
    };
    match view.snapshot.route_intent() {
        RouteIntent::Open | RouteIntent::Waiting => RouteState::Waiting { cause },
        RouteIntent::Closed => {
            // An errored plugin needs an operator; one on its way down may be on its way up again soon.
            let retry_after = matches!(view.snapshot.state, State::Stopping { .. }).then_some(RETRY_AFTER);
            RouteState::Closed { cause, retry_after }
        }
    }
}
