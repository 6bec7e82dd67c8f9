//! `ctx.config`: the plugin's own durable values. A plugin can name only its own.

use std::collections::BTreeMap;

use outboard_protocol::context::config::{ChangedParams, DeleteParams, GetResult};
use outboard_protocol::handshake::Empty;
use outboard_protocol::id::ConfigKey;
use outboard_protocol::methods::{ConfigDelete, ConfigGet, ConfigGetAll, ConfigSet, Request};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use super::namespace;
use crate::failure::CallError;
use crate::session::read;
use crate::strict;

namespace! {
    /// The plugin's own durable values: any JSON by key. They outlive restarts and updates.
    Config
}

#[derive(Serialize)]
struct Get<'a> {
    key: &'a str,
}

#[derive(Serialize)]
struct Set<'a, T: ?Sized> {
    key: &'a str,
    value: &'a T,
}

impl Config {
    /// The value of a key: what was set, else the manifest's default, else `None`. A value that was set to null is `None` too.
    ///
    /// # Errors
    /// [`CallError::Unreadable`] when the value is not a `T`; [`CallError::InvalidName`] for a key that breaks the rules.
    pub async fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, CallError> {
        ConfigKey::check(key)?;
        let raw = self.session.call_raw(ConfigGet::NAME, &Get { key }).await?;
        let unreadable = |source| CallError::Unreadable { method: ConfigGet::NAME, source };
        let got: GetResult<&RawValue> = serde_json::from_str(raw.get()).map_err(unreadable)?;
        if !got.found {
            return Ok(None);
        }
        serde_json::from_str(got.value.get()).map_err(unreadable)
    }

    /// The value of a key, or `default` when there is none.
    ///
    /// # Errors
    /// As [`Config::get`].
    pub async fn get_or<T: DeserializeOwned>(&self, key: &str, default: T) -> Result<T, CallError> {
        Ok(self.get(key).await?.unwrap_or(default))
    }

    /// Sets a key. Returns when the value is on disk.
    ///
    /// # Errors
    /// [`CallError::Refused`] with the host's reason: a limit, a full or a broken disk. [`CallError::Unwritable`] with the place of
    /// what JSON cannot hold, such as a float that is not a number. The old value is then untouched.
    pub async fn set(&self, key: &str, value: &(impl Serialize + ?Sized)) -> Result<(), CallError> {
        ConfigKey::check(key)?;
        strict::check("value", value)
            .map_err(|source| CallError::Unwritable { method: ConfigSet::NAME, source })?;
        let raw = self.session.call_raw(ConfigSet::NAME, &Set { key, value }).await?;
        read::<Empty>(ConfigSet::NAME, &raw).map(|_| ())
    }

    /// Forgets a key. Returns when that is on disk: whether there was a value.
    ///
    /// # Errors
    /// As [`Config::set`].
    pub async fn delete(&self, key: &str) -> Result<bool, CallError> {
        let key = ConfigKey::new(key)?;
        Ok(self.session.call::<ConfigDelete>(DeleteParams { key }).await?.deleted)
    }

    /// Every key with its value, the manifest's defaults included.
    ///
    /// # Errors
    /// [`CallError`] when the host does not answer or cannot read.
    pub async fn get_all(&self) -> Result<BTreeMap<String, Value>, CallError> {
        Ok(self.session.call::<ConfigGetAll>(Empty {}).await?.values)
    }

    /// Calls `observer` with key and value after every change of this plugin's configuration, by whomever; `None` when nothing is
    /// left. It runs between two messages of the host: let it be short, and spawn what takes longer.
    pub fn on_change(&self, observer: impl Fn(&str, Option<&Value>) + Send + Sync + 'static) {
        self.session.config_observers.add(move |change: &ChangedParams| {
            let gone = change.deleted && change.value.is_null();
            observer(change.key.as_str(), (!gone).then_some(&change.value));
        });
    }
}
