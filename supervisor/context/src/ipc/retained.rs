//! The last value of each channel that a plugin wants kept: for UIs that come later, over restarts of the plugin.
//!
//! Used by the bus. In memory only: a supervisor that starts anew has nothing to say.

use std::collections::BTreeMap;

use bytes::Bytes;
use outboard_protocol::id::Channel;

/// Channels a plugin whose value is kept.
pub const RETAINED_MAX: usize = 64;

/// Bytes a plugin of all that is kept: every UI gets all of it when it subscribes.
pub const RETAINED_BYTES_MAX: usize = 1024 * 1024;

/// The value was sent and is not kept. What was kept of the channel before is gone: it is the last value no longer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the value of channel {channel} was sent and is not kept for later: a plugin has at most {RETAINED_MAX} channels with {RETAINED_BYTES_MAX} bytes kept"
)]
pub(crate) struct NotRetained {
    channel: Channel,
}

#[derive(Default)]
pub(super) struct Retained {
    frames: BTreeMap<Channel, Bytes>,
    bytes: usize,
}

impl Retained {
    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    pub(super) fn frames(&self) -> impl Iterator<Item = &Bytes> {
        self.frames.values()
    }

    pub(super) fn remove(&mut self, channel: &Channel) {
        if let Some(old) = self.frames.remove(channel) {
            self.bytes -= old.len();
        }
    }

    pub(super) fn keep(&mut self, channel: &Channel, frame: Bytes) -> Result<(), NotRetained> {
        self.remove(channel);
        if self.frames.len() >= RETAINED_MAX || self.bytes + frame.len() > RETAINED_BYTES_MAX {
            return Err(NotRetained { channel: channel.clone() });
        }
        self.bytes += frame.len();
        self.frames.insert(channel.clone(), frame);
        Ok(())
    }
}
