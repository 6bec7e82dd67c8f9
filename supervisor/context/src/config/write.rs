//! The writing half of `ctx.config`: checks, limits, the row, and what is told after the commit.
//!
//! Called by [`super::Config`]'s methods. Must not know who asked, beyond plugin or operator.

use std::sync::{Arc, PoisonError};

use outboard_protocol::id::ConfigKey;
use outboard_protocol::wire::{message, readable};
use outboard_protocol::{ErrorReason, PluginId, RpcError, methods};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::values::{Usage, raw};
use super::{Config, Inner, KEYS_MAX, LEVELS_MAX, TOTAL_MAX, VALUE_MAX, Writer, refuse, setting};
use crate::reply::Durable;
use crate::store::{Group, Kept, StoreError};

/// One key's new value.
pub(super) type Row = (PluginId, ConfigKey, Arc<str>);

impl Config {
    pub(super) fn write(
        &self,
        id: &PluginId,
        writer: Writer,
        key: &ConfigKey,
        value: &RawValue,
    ) -> Durable<()> {
        let checked = self.check(id, writer, key, value);
        if checked.is_ok() && self.inner.is_settled(id, key, value.get()) {
            return Box::pin(std::future::ready(Ok(())));
        }
        let queued = checked.map(|()| self.queue_set(id, key, value.get().into()));
        Box::pin(async move { Ok(queued?.await?) })
    }

    pub(super) fn erase(&self, id: &PluginId, writer: Writer, key: &ConfigKey) -> Durable<bool> {
        let declared = self.inner.setting(id, key);
        let queued =
            setting::check_scope(key, declared.as_ref(), writer).map(|()| self.queue_delete(id, key));
        Box::pin(async move { Ok(queued?.await?) })
    }

    pub(super) fn check(
        &self,
        id: &PluginId,
        writer: Writer,
        key: &ConfigKey,
        value: &RawValue,
    ) -> Result<(), RpcError> {
        let size = value.get().len();
        if size > VALUE_MAX {
            let what = format!(
                "config key {:?}: the value has {size} bytes as JSON, the limit is {VALUE_MAX}; keep bulk data in a database",
                key.as_str()
            );
            let refused = RpcError::new(ErrorReason::LimitExceeded, what).lasting();
            return Err(refused.with("limit", "value_bytes"));
        }
        // Raw text may hold what no reader can take: half a surrogate pair, a number beyond all range.
        readable::check("value", value.get()).map_err(|why| refuse(key, &why))?;
        if message::is_deeper(value.get().as_bytes(), LEVELS_MAX) {
            return Err(refuse(key, &format!("the value is nested deeper than {LEVELS_MAX} levels")));
        }
        let tree: Value = serde_json::from_str(value.get())
            .map_err(|error| refuse(key, &format!("the value cannot be read back: {error}")))?;
        let declared = self.inner.setting(id, key);
        setting::check_scope(key, declared.as_ref(), writer)?;
        declared.map_or(Ok(()), |declared| setting::check_value(&declared, &tree))
    }

    fn queue_set(&self, id: &PluginId, key: &ConfigKey, text: Arc<str>) -> Kept<()> {
        let ticket = match self.inner.in_flight.take(id, text.len()) {
            Ok(ticket) => ticket,
            Err(error) => return Box::pin(std::future::ready(Err(error))),
        };
        let (row, told) = ((id.clone(), key.clone(), Arc::clone(&text)), (id.clone(), key.clone(), text));
        let (applying, committing) = (Arc::clone(&self.inner), Arc::clone(&self.inner));
        self.inner.store.write(
            move |group| {
                let _held = &ticket;
                applying.set_row(group, &row.0, &row.1, &row.2)
            },
            move |()| {
                let changed = committing.keep(&told.0, &told.1, &told.2);
                move || {
                    if changed {
                        committing.tell_set(&told.0, &told.1, &told.2);
                    }
                }
            },
        )
    }

    fn queue_delete(&self, id: &PluginId, key: &ConfigKey) -> Kept<bool> {
        let ticket = match self.inner.in_flight.take(id, 0) {
            Ok(ticket) => ticket,
            Err(error) => return Box::pin(std::future::ready(Err(error))),
        };
        let (row, told) = ((id.clone(), key.clone()), (id.clone(), key.clone()));
        let (applying, committing) = (Arc::clone(&self.inner), Arc::clone(&self.inner));
        self.inner.store.write(
            move |group| {
                let _held = &ticket;
                applying.delete_row(group, &row.0, &row.1)
            },
            move |deleted| {
                let had = *deleted && committing.drop_value(&told.0, &told.1);
                move || {
                    if had {
                        committing.tell_deleted(&told.0, &told.1);
                    }
                }
            },
        )
    }
}

impl Inner {
    /// Whether just this value is on disk already, and nothing waits that could put another in its place. Plugins write their
    /// settings at every start, and those that stay as they are need no disk.
    fn is_settled(&self, id: &PluginId, key: &ConfigKey, text: &str) -> bool {
        if self.in_flight.has(id) {
            return false;
        }
        let stored = self.stored.read().unwrap_or_else(PoisonError::into_inner);
        stored.get(id).and_then(|values| values.get(key)).is_some_and(|kept| **kept == *text)
    }

    pub(super) fn set_row(
        &self,
        group: &mut Group<'_>,
        id: &PluginId,
        key: &ConfigKey,
        text: &str,
    ) -> Result<(), StoreError> {
        let (mut usage, old) = self.staged.ahead(group.number, &self.stored, id, key);
        let size = key.as_str().len() + text.len();
        usage.keys += usize::from(old.is_none());
        usage.bytes = usage.bytes + size - old.unwrap_or(0);
        check_usage(id, usage, old.is_none())?;
        group
            .db
            .prepare_cached(
                "INSERT INTO config (plugin, key, value) VALUES (?1, ?2, ?3)
                 ON CONFLICT (plugin, key) DO UPDATE SET value = excluded.value",
            )
            .and_then(|mut statement| statement.execute((id.as_str(), key.as_str(), text)))
            .map_err(|error| group.name(&error))?;
        self.staged.stage(group.number, id, usage, key, Some(size));
        Ok(())
    }

    fn delete_row(&self, group: &mut Group<'_>, id: &PluginId, key: &ConfigKey) -> Result<bool, StoreError> {
        let (mut usage, old) = self.staged.ahead(group.number, &self.stored, id, key);
        // Also where nothing is known of it: a row whose value could not be read must go when it is told to.
        let rows = group
            .db
            .prepare_cached("DELETE FROM config WHERE plugin = ?1 AND key = ?2")
            .and_then(|mut statement| statement.execute((id.as_str(), key.as_str())))
            .map_err(|error| group.name(&error))?;
        if let Some(old) = old {
            usage.keys -= 1;
            usage.bytes -= old;
            self.staged.stage(group.number, id, usage, key, None);
        }
        Ok(rows > 0)
    }

    /// Puts what is on disk now in the place of what was read so far. True: it is another value.
    pub(super) fn keep(&self, id: &PluginId, key: &ConfigKey, text: &Arc<str>) -> bool {
        let mut stored = self.stored.write().unwrap_or_else(PoisonError::into_inner);
        let old = stored.entry(id.clone()).or_default().insert(key, Arc::clone(text));
        old.as_deref() != Some(&**text)
    }

    pub(super) fn tell_set(&self, id: &PluginId, key: &ConfigKey, text: &str) {
        self.tell(id, &Changed { key, value: raw(text), deleted: false });
    }

    fn drop_value(&self, id: &PluginId, key: &ConfigKey) -> bool {
        let mut stored = self.stored.write().unwrap_or_else(PoisonError::into_inner);
        stored.get_mut(id).and_then(|values| values.remove(key)).is_some()
    }

    fn tell_deleted(&self, id: &PluginId, key: &ConfigKey) {
        let default = self.setting(id, key).and_then(|setting| setting.default);
        let value = default.map(|default| crate::reply::to_raw(&default));
        self.tell(id, &Changed { key, value: value.as_deref().unwrap_or(RawValue::NULL), deleted: true });
    }

    fn tell(&self, id: &PluginId, changed: &Changed<'_>) {
        self.bus.config(id, changed.key, changed.value, changed.deleted);
        self.notices.tell(id, methods::ConfigChanged::NAME, changed);
    }
}

/// What changed, as the protocol's `ChangedParams`, with the value as it stands on disk.
#[derive(Serialize)]
struct Changed<'a> {
    key: &'a ConfigKey,
    value: &'a RawValue,
    deleted: bool,
}

fn check_usage(id: &PluginId, usage: Usage, new_key: bool) -> Result<(), StoreError> {
    if new_key && usage.keys > KEYS_MAX {
        return Err(StoreError::Limit(format!(
            "plugin {id} has {KEYS_MAX} config keys, which is the limit; delete some, or keep lists in one value"
        )));
    }
    if usage.bytes > TOTAL_MAX {
        return Err(StoreError::Limit(format!(
            "the configuration of plugin {id} would have {} bytes, the limit is {TOTAL_MAX}; keep bulk data in a database",
            usage.bytes
        )));
    }
    Ok(())
}
