//! The values of one plugin in memory, as JSON text, and how they are read from the file.
//!
//! Used by [`super::Config`]. Must not know who asks.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use outboard_protocol::PluginId;
use outboard_protocol::id::ConfigKey;
use outboard_protocol::settings::Setting;
use rusqlite::Connection;
use serde_json::Value;
use serde_json::value::RawValue;

/// What a plugin has used of its allowance.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Usage {
    pub(super) keys: usize,
    pub(super) bytes: usize,
}

/// One plugin's stored values.
#[derive(Debug, Default)]
pub(super) struct Values {
    texts: BTreeMap<ConfigKey, Arc<str>>,
    bytes: usize,
}

impl Values {
    pub(super) fn get(&self, key: &ConfigKey) -> Option<&Arc<str>> {
        self.texts.get(key)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&ConfigKey, &Arc<str>)> {
        self.texts.iter()
    }

    pub(super) fn insert(&mut self, key: &ConfigKey, text: Arc<str>) -> Option<Arc<str>> {
        self.bytes += key.as_str().len() + text.len();
        let old = self.texts.insert(key.clone(), text);
        if let Some(old) = &old {
            self.bytes -= key.as_str().len() + old.len();
        }
        old
    }

    pub(super) fn remove(&mut self, key: &ConfigKey) -> Option<Arc<str>> {
        let old = self.texts.remove(key)?;
        self.bytes -= key.as_str().len() + old.len();
        Some(old)
    }

    pub(super) fn usage(&self) -> Usage {
        Usage { keys: self.texts.len(), bytes: self.bytes }
    }
}

/// Reads everything. Rows whose names or values make no sense (somebody edited the file) are left alone and not read.
pub(super) fn load(db: &Connection) -> rusqlite::Result<HashMap<PluginId, Values>> {
    let mut all: HashMap<PluginId, Values> = HashMap::new();
    let mut statement = db.prepare("SELECT plugin, key, value FROM config")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (plugin, key, text) = (row.get_ref(0)?, row.get_ref(1)?, row.get_ref(2)?);
        let (Ok(plugin), Ok(key), Ok(text)) = (plugin.as_str(), key.as_str(), text.as_str()) else {
            continue;
        };
        let (Ok(plugin), Ok(key)) = (PluginId::new(plugin), ConfigKey::new(key)) else { continue };
        if serde_json::from_str::<Value>(text).is_ok() {
            all.entry(plugin).or_default().insert(&key, text.into());
        }
    }
    Ok(all)
}

/// Stored text as JSON text.
pub(super) fn raw(text: &str) -> &RawValue {
    serde_json::from_str(text)
        .expect("INVARIANT: text is parsed as JSON before it is stored, and again when it is loaded")
}

/// Stored values and the defaults of the others, as one JSON object.
pub(super) fn object(stored: Option<&Values>, declared: &[Setting]) -> Box<RawValue> {
    let mut members: BTreeMap<&str, std::borrow::Cow<'_, RawValue>> = declared
        .iter()
        .filter_map(|setting| {
            let default = setting.default.as_ref()?;
            Some((setting.key.as_str(), std::borrow::Cow::Owned(crate::reply::to_raw(default))))
        })
        .collect();
    for (key, text) in stored.iter().flat_map(|values| values.iter()) {
        members.insert(key.as_str(), std::borrow::Cow::Borrowed(raw(text)));
    }
    crate::reply::to_raw(&members)
}
