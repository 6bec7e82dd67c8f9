//! `ctx.config`: a durable key-value store for each plugin. Reads come from memory, writes are answered when on disk.
//!
//! Called by the dispatch with a plugin's own id, and by control with any. Must not know sessions or sockets.
//!
//! The order of a read is: what was stored, else the manifest's default, else the caller's.

mod setting;
mod staged;
mod transfer;
mod values;
mod waiting;
mod write;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use outboard_protocol::context::config::{
    DeleteParams, DeleteResult, GetAllResult, GetParams, GetResult, SetParams,
};
use outboard_protocol::control::{ConfigEntry, ConfigSource};
use outboard_protocol::handshake::Empty;
use outboard_protocol::id::{CONFIG_KEY_MAX, ConfigKey};
use outboard_protocol::manifest::MANIFEST_MAX;
use outboard_protocol::methods::{ConfigDelete, ConfigGet, ConfigSet, Request as _};
use outboard_protocol::settings::Setting;
use outboard_protocol::wire::{DEPTH_MAX, FRAME_MAX};
use outboard_protocol::{ErrorReason, PluginId, RpcError};
use rusqlite::Connection;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::ipc::Bus;
use crate::notice::Notices;
use crate::reply::{Durable, Reply, params, to_raw};
use crate::store::Store;
use staged::Staged;
use values::Values;
use waiting::InFlight;

/// How deep a value may be nested: the answer to `config.getAll` has three levels around it, and no receiver need take it deeper.
const LEVELS_MAX: usize = DEPTH_MAX - 3;

/// Largest value, in bytes of JSON text: configuration, not bulk data; a frame has 8 MiB.
pub const VALUE_MAX: usize = 1024 * 1024;
/// Most keys a plugin: each is in memory too.
pub const KEYS_MAX: usize = 10_000;
/// Most bytes a plugin, keys and values: all of it is in memory, sent to its UIs when they connect, and the one answer of
/// `config.getAll`.
pub const TOTAL_MAX: usize = 4 * 1024 * 1024;
/// Everything at once fits a frame, the manifest's defaults included, where each byte of a key takes two and each key four more.
const _: () = assert!(TOTAL_MAX + KEYS_MAX * (CONFIG_KEY_MAX + 4) + MANIFEST_MAX + ENVELOPE < FRAME_MAX);
/// What stands around an answer's result in its frame.
const ENVELOPE: usize = 512;

/// Who writes: settings of airline scope are read-only for the plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writer {
    Plugin,
    Operator,
}

/// Every plugin's configuration. Clones share it.
#[derive(Clone)]
pub struct Config {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    stored: RwLock<HashMap<PluginId, Values>>,
    declared: RwLock<HashMap<PluginId, Arc<[Setting]>>>,
    staged: Staged,
    in_flight: InFlight,
    notices: Notices,
    bus: Bus,
}

/// Everything that the file holds, as it was when it was opened.
pub(crate) struct Stored(HashMap<PluginId, Values>);

impl Stored {
    pub(crate) fn load(db: &Connection) -> rusqlite::Result<Self> {
        values::load(db).map(Self)
    }
}

impl Config {
    pub(crate) fn new(store: Store, stored: Stored, notices: Notices, bus: Bus) -> Self {
        let inner = Inner {
            store,
            stored: RwLock::new(stored.0),
            declared: RwLock::default(),
            staged: Staged::default(),
            in_flight: InFlight::default(),
            notices,
            bus,
        };
        Self { inner: Arc::new(inner) }
    }

    /// Says what a plugin's manifest declares. Known for every installed plugin, running or not; replaces what was said before.
    pub fn declare(&self, id: &PluginId, settings: Arc<[Setting]>) {
        let mut declared = self.inner.declared.write().unwrap_or_else(PoisonError::into_inner);
        declared.insert(id.clone(), settings);
    }

    /// The entry of a key, as `config.get` answers it now; `None` where nothing is stored or declared.
    pub fn get(&self, id: &PluginId, key: &ConfigKey) -> Option<ConfigEntry> {
        let setting = self.inner.setting(id, key);
        let stored = self.inner.stored.read().unwrap_or_else(PoisonError::into_inner);
        let text = stored.get(id).and_then(|values| values.get(key)).cloned();
        drop(stored);
        entry(key, text.as_deref(), setting.as_ref())
    }

    /// Every entry of a plugin, by key.
    pub fn list(&self, id: &PluginId) -> Vec<ConfigEntry> {
        let mut keys: BTreeMap<ConfigKey, Option<Arc<str>>> =
            self.inner.declared(id).iter().map(|setting| (setting.key.clone(), None)).collect();
        let stored = self.inner.stored.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(values) = stored.get(id) {
            keys.extend(values.iter().map(|(key, text)| (key.clone(), Some(Arc::clone(text)))));
        }
        drop(stored);
        keys.iter()
            .filter_map(|(key, text)| entry(key, text.as_deref(), self.inner.setting(id, key).as_ref()))
            .collect()
    }

    /// Sets a key for an operator; ends when it is on disk.
    ///
    /// # Errors
    /// `invalid_params` for a value that breaks the manifest's rule, `limit_exceeded`, `storage_full`, `storage_corrupt`.
    pub fn set(&self, id: &PluginId, key: &ConfigKey, value: &impl Serialize) -> Durable<()> {
        self.write(id, Writer::Operator, key, &to_raw(value))
    }

    /// Forgets a key for an operator; ends when that is on disk, and tells whether there was a value.
    ///
    /// # Errors
    /// `storage_full`, `storage_corrupt`.
    pub fn delete(&self, id: &PluginId, key: &ConfigKey) -> Durable<bool> {
        self.erase(id, Writer::Operator, key)
    }

    /// Sets a key for a plugin's page, which may do what the plugin may; ends when it is on disk.
    ///
    /// # Errors
    /// As [`Self::set`], and `denied` for a key of airline scope.
    pub fn set_from_page(&self, id: &PluginId, key: &ConfigKey, value: &impl Serialize) -> Durable<()> {
        self.write(id, Writer::Plugin, key, &to_raw(value))
    }

    /// Forgets a key for a plugin's page; ends when that is on disk, and tells whether there was a value.
    ///
    /// # Errors
    /// As [`Self::delete`], and `denied` for a key of airline scope.
    pub fn delete_from_page(&self, id: &PluginId, key: &ConfigKey) -> Durable<bool> {
        self.erase(id, Writer::Plugin, key)
    }

    /// What a plugin's manifest declares, in its order.
    pub fn settings(&self, id: &PluginId) -> Arc<[Setting]> {
        self.inner.declared(id)
    }

    /// What `config.getAll` answers now, one JSON object: for UIs, which read without asking.
    pub fn snapshot(&self, id: &PluginId) -> Box<RawValue> {
        let declared = self.inner.declared(id);
        let stored = self.inner.stored.read().unwrap_or_else(PoisonError::into_inner);
        values::object(stored.get(id), &declared)
    }

    pub(crate) fn answer_get(&self, id: &PluginId, raw: Option<&RawValue>) -> Reply {
        let GetParams::<&RawValue> { key, default } = match params(ConfigGet::NAME, raw) {
            Ok(params) => params,
            Err(error) => return Reply::Now(Err(error)),
        };
        let stored = self.inner.stored.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(text) = stored.get(id).and_then(|values| values.get(&key)) {
            let value = values::raw(text);
            return Reply::now(Ok(GetResult { value, found: true }));
        }
        drop(stored);
        if let Some(value) = self.inner.setting(id, &key).and_then(|setting| setting.default) {
            return Reply::now(Ok(GetResult { value: &*to_raw(&value), found: true }));
        }
        Reply::now(Ok(GetResult { value: default.unwrap_or(RawValue::NULL), found: false }))
    }

    pub(crate) fn answer_set(&self, id: &PluginId, raw: Option<&RawValue>) -> Reply {
        match params(ConfigSet::NAME, raw) {
            Ok(SetParams::<&RawValue> { key, value }) => {
                let written = self.write(id, Writer::Plugin, &key, value);
                Reply::later(async move { written.await.map(|()| Empty {}) })
            }
            Err(error) => Reply::Now(Err(error)),
        }
    }

    pub(crate) fn answer_delete(&self, id: &PluginId, raw: Option<&RawValue>) -> Reply {
        match params(ConfigDelete::NAME, raw) {
            Ok(DeleteParams { key }) => {
                let erased = self.erase(id, Writer::Plugin, &key);
                Reply::later(async move { erased.await.map(|deleted| DeleteResult { deleted }) })
            }
            Err(error) => Reply::Now(Err(error)),
        }
    }

    pub(crate) fn answer_get_all(&self, id: &PluginId) -> Reply {
        Reply::now(Ok(GetAllResult { values: &*self.snapshot(id) }))
    }
}

impl Inner {
    fn declared(&self, id: &PluginId) -> Arc<[Setting]> {
        let declared = self.declared.read().unwrap_or_else(PoisonError::into_inner);
        declared.get(id).cloned().unwrap_or_default()
    }

    fn setting(&self, id: &PluginId, key: &ConfigKey) -> Option<Setting> {
        self.declared(id).iter().find(|setting| setting.key == *key).cloned()
    }
}

fn entry(key: &ConfigKey, stored: Option<&str>, setting: Option<&Setting>) -> Option<ConfigEntry> {
    let default = setting.and_then(|setting| setting.default.clone());
    let (value, source) = match (stored, &default) {
        (Some(text), _) => (values::raw(text).to_owned(), ConfigSource::Stored),
        (None, Some(value)) => (to_raw(value), ConfigSource::Default),
        (None, None) => return None,
    };
    let scope = setting.map(|setting| setting.scope);
    Some(ConfigEntry { key: key.as_str().to_owned(), value, source, default, scope })
}

/// The refusal of a value; it never shows the value, which may be a secret of the plugin's user.
fn refuse(key: &ConfigKey, rule: &str) -> RpcError {
    RpcError::new(ErrorReason::InvalidParams, format!("config key {:?}: {rule}", key.as_str()))
        .with("key", key.as_str())
}
