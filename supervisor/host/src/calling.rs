//! Calls of channels that plugins handle, on behalf of UIs and operators.
//!
//! The gateway and control ask. Must not know who calls; how long a call may wait is the caller's to say.

use std::time::Duration;

use outboard_lifecycle::RouteIntent;
use outboard_protocol::id::Channel;
use outboard_protocol::methods::{IpcInvoke, Request as _};
use outboard_protocol::{ErrorReason, PluginId, RpcError};
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::time::timeout;

use crate::host::Host;
use crate::plugin::PluginHandle;
use crate::session::CallError;

/// Longest time that a caller may ask an invocation to take.
const LONGEST_INVOKE: Duration = Duration::from_secs(600);

impl Host {
    /// Waits while a plugin is on its way up, as requests do, within the limit of a call.
    ///
    /// # Errors
    /// `not_found` for an unknown plugin, `conflict` for one whose folder cannot be used.
    pub async fn come_up(&self, id: &PluginId, limit: Option<Duration>) -> Result<(), RpcError> {
        let handle = self.find(id)?;
        let (mut links, mut views) = (handle.link.clone(), handle.view.clone());
        let up = async {
            loop {
                // A conversation that is over stays to be seen until the plugin's actor has looked at the process.
                let over = links.borrow_and_update().as_ref().map(|link| link.session.is_over());
                let on_its_way = views.borrow_and_update().snapshot.route_intent() == RouteIntent::Waiting;
                if over == Some(false) || (over.is_none() && !on_its_way) {
                    return;
                }
                // An error means that the plugin was removed; the call says so.
                let changed = tokio::select! {
                    changed = links.changed() => changed,
                    changed = views.changed() => changed,
                };
                if changed.is_err() {
                    return;
                }
            }
        };
        // Over the limit, the call tells the state.
        let _ = timeout(within(&handle, limit), up).await;
        Ok(())
    }

    /// Calls a channel that a plugin handles. Dropping the future withdraws the call.
    ///
    /// # Errors
    /// The plugin's own error; `not_found` for an unknown plugin or channel; `conflict` when it does not run; `timeout`;
    /// `limit_exceeded` when too much waits for it.
    pub async fn invoke(
        &self,
        id: &PluginId,
        channel: &Channel,
        args: Vec<Value>,
        limit: Option<Duration>,
    ) -> Result<Box<RawValue>, RpcError> {
        let handle = self.find(id)?;
        let link = handle.link.borrow().clone().ok_or_else(|| not_running(&handle))?;
        if !link.context.handles(channel) {
            return Err(no_channel(&handle, channel));
        }
        let params = outboard_protocol::context::ipc::InvokeParams { channel: channel.clone(), args };
        let called = link.session.call(IpcInvoke::NAME, params, within(&handle, limit)).await;
        called.map_err(|error| {
            let ended = matches!(error, CallError::Closed { .. });
            let mut error = error.into_rpc();
            if ended {
                error.message.push_str(&format!("; `outboard why {id}` says more"));
            }
            error
        })
    }
}

fn within(handle: &PluginHandle, limit: Option<Duration>) -> Duration {
    limit.unwrap_or(handle.host_call).min(handle.host_call.max(LONGEST_INVOKE))
}

fn no_channel(handle: &PluginHandle, channel: &Channel) -> RpcError {
    let id = &handle.id;
    let message = if handle.view.borrow().speaks() {
        format!("plugin {id} handles no channel {:?}", channel.as_str())
    } else {
        format!("plugin {id} handles no channels: its `run.protocol` is \"none\"; call it over HTTP")
    };
    RpcError::new(ErrorReason::NotFound, message)
}

fn not_running(handle: &PluginHandle) -> RpcError {
    let view = handle.view.borrow();
    let because = view.status.cause.as_ref().map_or_else(String::new, |cause| format!(": {cause}"));
    let message = format!("plugin {} is {}{because}", handle.id, view.status.state);
    RpcError::new(ErrorReason::Conflict, message).with("state", view.status.state.name())
}
