//! `ctx.ipc`: which channels a process answers, and the bus that carries its events to its own UIs.
//!
//! Called by the dispatch. Must not know sessions (the host makes the call when a UI invokes) or sockets (the gateway
//! writes the frames).

mod budget;
mod bus;
mod outlet;
mod retained;

use std::collections::HashSet;
use std::sync::{PoisonError, RwLock};

use outboard_protocol::context::ipc::{ChannelParams, SendParams};
use outboard_protocol::handshake::Empty;
use outboard_protocol::id::Channel;
use outboard_protocol::methods::{IpcHandle, IpcRemoveHandler, IpcSend};
use outboard_protocol::{ErrorReason, PluginId, RpcError};
use serde_json::value::RawValue;

pub use budget::BUS_BYTES;
pub use bus::{Bus, BusClient, BusSubscription};
pub use outlet::{CutOff, Piece};
pub use retained::{RETAINED_BYTES_MAX, RETAINED_MAX};

use crate::reply::{Reply, owned_params, params};

/// Channels that one process may answer: a name each in memory.
pub const CHANNELS_MAX: usize = 1024;

/// The channels that one process answers. Gone with the process.
#[derive(Debug, Default)]
pub(crate) struct Channels(RwLock<HashSet<Channel>>);

impl Channels {
    pub(crate) fn contains(&self, channel: &Channel) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains(channel)
    }

    pub(crate) fn answer_handle(&self, raw: Option<&RawValue>) -> Reply {
        Reply::now(owned_params::<IpcHandle>(raw).and_then(|ChannelParams { channel }| {
            let mut channels = self.0.write().unwrap_or_else(PoisonError::into_inner);
            if channels.len() >= CHANNELS_MAX && !channels.contains(&channel) {
                let what =
                    format!("this process answers {CHANNELS_MAX} channels already, which is the limit");
                return Err(RpcError::new(ErrorReason::LimitExceeded, what).with("limit", "channels"));
            }
            channels.insert(channel);
            Ok(Empty {})
        }))
    }

    pub(crate) fn answer_remove_handler(&self, raw: Option<&RawValue>) -> Reply {
        Reply::now(owned_params::<IpcRemoveHandler>(raw).map(|ChannelParams { channel }| {
            self.0.write().unwrap_or_else(PoisonError::into_inner).remove(&channel);
            Empty {}
        }))
    }
}

/// Publishes what a plugin sends. A notification cannot be answered, so an error goes to the plugin's log.
pub(crate) fn send(
    bus: &Bus,
    id: &PluginId,
    generation: u64,
    raw: Option<&RawValue>,
) -> Result<(), RpcError> {
    let SendParams { channel, payload, retain } = params(IpcSend::NAME, raw)?;
    let payload = payload.unwrap_or(RawValue::NULL);
    if !retain {
        bus.event(id, &channel, payload);
        return Ok(());
    }
    bus.retain(id, generation, &channel, payload)
        .map_err(|error| RpcError::new(ErrorReason::LimitExceeded, error.to_string()))
}
