//! What waits for the disk, by plugin: bounded in number and bytes, so that a storm of one fills its own share of the queue.
//!
//! A [`Ticket`] is taken for each write and dropped when it was answered. Must not know what is written.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use outboard_protocol::PluginId;

use super::values::Usage;
use crate::store::StoreError;

/// Sets of one plugin that may wait for the disk: so that a storm fills that plugin's share of the queue, and not the queue.
const WAITING_MAX: usize = 1024;

/// Bytes of them: as much as the plugin may keep.
const WAITING_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What waits for the disk, by plugin. Clones share it.
#[derive(Clone, Default)]
pub(super) struct InFlight(Arc<Mutex<HashMap<PluginId, Usage>>>);

impl InFlight {
    /// Whether anything of this plugin waits.
    pub(super) fn has(&self, id: &PluginId) -> bool {
        self.lock().contains_key(id)
    }

    /// A place for one write of so many bytes.
    ///
    /// # Errors
    /// [`StoreError::Limit`] where the plugin's share is full.
    pub(super) fn take(&self, id: &PluginId, bytes: usize) -> Result<Ticket, StoreError> {
        let mut waiting = self.lock();
        let Usage { keys, bytes: total } = waiting.entry(id.clone()).or_default();
        if *keys >= WAITING_MAX || *total + bytes > WAITING_BYTES_MAX {
            return Err(StoreError::Limit(format!(
                "{keys} changes of plugin {id} with {total} bytes are waiting for the disk; the limit is {WAITING_MAX} and {WAITING_BYTES_MAX}. Await some before making more"
            )));
        }
        *keys += 1;
        *total += bytes;
        drop(waiting);
        Ok(Ticket { waiting: self.clone(), id: id.clone(), bytes })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PluginId, Usage>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One write that waits. Dropped when it was answered.
pub(super) struct Ticket {
    waiting: InFlight,
    id: PluginId,
    bytes: usize,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut waiting = self.waiting.lock();
        if let Some(usage) = waiting.get_mut(&self.id) {
            usage.keys -= 1;
            usage.bytes -= self.bytes;
            if usage.keys == 0 {
                waiting.remove(&self.id);
            }
        }
    }
}
