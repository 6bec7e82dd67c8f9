//! What plugins will have when the transaction that is being put together is committed. Forgotten when it is not.
//!
//! Used on the store's thread alone, by the writes of a group, each of which must see what those before it have done. Known
//! without asking the database, which nobody else writes.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError, RwLock};

use outboard_protocol::PluginId;
use outboard_protocol::id::ConfigKey;

use super::values::{Usage, Values};

/// The plugins that a transaction has changed so far.
pub(super) type Ahead = HashMap<PluginId, Pending>;

/// One plugin's part of a transaction.
#[derive(Debug, Clone, Default)]
pub(super) struct Pending {
    usage: Usage,
    /// The rows that it has changed: their sizes in bytes, key and value, or that they are gone.
    rows: HashMap<ConfigKey, Option<usize>>,
}

/// The transaction's number, and what it has changed.
#[derive(Default)]
pub(super) struct Staged(Mutex<(u64, Ahead)>);

impl Staged {
    /// What the transaction has changed so far, to go back to when a write of many rows is undone.
    pub(super) fn now(&self, group: u64) -> Ahead {
        let staged = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if staged.0 == group { staged.1.clone() } else { Ahead::new() }
    }

    /// Goes back to what [`Self::now`] said.
    pub(super) fn reset(&self, group: u64, ahead: Ahead) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (group, ahead);
    }

    /// What a plugin has used, and the size of one of its rows, as both stand inside the transaction.
    pub(super) fn ahead(
        &self,
        group: u64,
        stored: &RwLock<HashMap<PluginId, Values>>,
        id: &PluginId,
        key: &ConfigKey,
    ) -> (Usage, Option<usize>) {
        let mut staged = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if staged.0 != group {
            *staged = (group, Ahead::new());
        }
        let pending = staged.1.get(id);
        if let Some(Pending { usage, rows }) = pending
            && let Some(size) = rows.get(key)
        {
            return (*usage, *size);
        }
        let stored = stored.read().unwrap_or_else(PoisonError::into_inner);
        let values = stored.get(id);
        let usage = pending.map(|pending| pending.usage).or_else(|| values.map(Values::usage));
        let size = values.and_then(|values| values.get(key)).map(|text| key.as_str().len() + text.len());
        (usage.unwrap_or_default(), size)
    }

    /// Notes what a row of the transaction has become.
    pub(super) fn stage(
        &self,
        group: u64,
        id: &PluginId,
        usage: Usage,
        key: &ConfigKey,
        size: Option<usize>,
    ) {
        let mut staged = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        debug_assert_eq!(staged.0, group, "ahead() of the same write has opened this group's page");
        let pending = staged.1.entry(id.clone()).or_default();
        pending.usage = usage;
        pending.rows.insert(key.clone(), size);
    }
}
