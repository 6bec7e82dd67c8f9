//! What is remembered of each plugin over restarts: whether an operator disabled it, which version ran last, and what went wrong.
//!
//! Called by the supervisor. Must not know why anybody asks.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use outboard_protocol::PluginId;
use rusqlite::Connection;

use crate::reply::Durable;
use crate::store::{Kept, Store};

#[derive(Debug, Clone, Default)]
struct Row {
    disabled: bool,
    last_version: Option<String>,
    past: Option<String>,
}

/// Everything that the file holds, as it was when it was opened.
pub(crate) struct Stored(HashMap<PluginId, Row>);

impl Stored {
    pub(crate) fn load(db: &Connection) -> rusqlite::Result<Self> {
        let mut rows_by_id = HashMap::new();
        let mut statement = db.prepare("SELECT id, enabled, last_version FROM plugins")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let id: String = row.get(0)?;
            if let Ok(id) = PluginId::new(&id) {
                let enabled: bool = row.get(1)?;
                rows_by_id.insert(id, Row { disabled: !enabled, last_version: row.get(2)?, past: None });
            }
        }
        let mut statement = db.prepare("SELECT plugin, past FROM pasts")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let id: String = row.get(0)?;
            if let Ok(id) = PluginId::new(&id) {
                rows_by_id.entry(id).or_default().past = Some(row.get(1)?);
            }
        }
        Ok(Self(rows_by_id))
    }
}

/// The plugins' rows. Clones share them.
#[derive(Clone)]
pub struct Plugins {
    store: Store,
    rows: Arc<RwLock<HashMap<PluginId, Row>>>,
}

impl Plugins {
    pub(crate) fn new(store: Store, stored: Stored) -> Self {
        Self { store, rows: Arc::new(RwLock::new(stored.0)) }
    }

    /// Whether it is to be started with the supervisor. A plugin that nobody spoke of is.
    pub fn is_enabled(&self, id: &PluginId) -> bool {
        !self.rows.read().unwrap_or_else(PoisonError::into_inner).get(id).is_some_and(|row| row.disabled)
    }

    /// Remembers an operator's wish; ends when it is on disk.
    ///
    /// # Errors
    /// `storage_full`, `storage_corrupt`; the old wish then stands.
    pub fn set_enabled(&self, id: &PluginId, enabled: bool) -> Durable<()> {
        let sql = "INSERT INTO plugins (id, enabled) VALUES (?1, ?2)
                   ON CONFLICT (id) DO UPDATE SET enabled = excluded.enabled";
        let (rows, row) = (Arc::clone(&self.rows), id.clone());
        let written = self.write(id, sql, enabled, move || {
            rows.write().unwrap_or_else(PoisonError::into_inner).entry(row).or_default().disabled = !enabled;
        });
        Box::pin(async move { Ok(written.await?) })
    }

    /// The version that ran last, if any did.
    pub fn last_version(&self, id: &PluginId) -> Option<String> {
        self.rows.read().unwrap_or_else(PoisonError::into_inner).get(id)?.last_version.clone()
    }

    /// Remembers the version that runs; ends when it is on disk.
    ///
    /// # Errors
    /// `storage_full`, `storage_corrupt`; the old version is then remembered still.
    pub fn set_last_version(&self, id: &PluginId, version: &str) -> Durable<()> {
        let sql = "INSERT INTO plugins (id, last_version) VALUES (?1, ?2)
                   ON CONFLICT (id) DO UPDATE SET last_version = excluded.last_version";
        let (rows, row, version) = (Arc::clone(&self.rows), id.clone(), version.to_owned());
        let written = self.write(id, sql, version.clone(), move || {
            let mut rows = rows.write().unwrap_or_else(PoisonError::into_inner);
            rows.entry(row).or_default().last_version = Some(version);
        });
        Box::pin(async move { Ok(written.await?) })
    }

    /// What went wrong with it, as it was last told; none where nothing did.
    pub fn past(&self, id: &PluginId) -> Option<String> {
        self.rows.read().unwrap_or_else(PoisonError::into_inner).get(id)?.past.clone()
    }

    /// Remembers what went wrong, or that nothing did; ends when it is on disk.
    ///
    /// # Errors
    /// `storage_full`, `storage_corrupt`; the old past is then remembered still.
    pub fn set_past(&self, id: &PluginId, past: Option<String>) -> Durable<()> {
        let sql = match past {
            Some(_) => {
                "INSERT INTO pasts (plugin, past) VALUES (?1, ?2)
                 ON CONFLICT (plugin) DO UPDATE SET past = excluded.past"
            }
            // The second parameter is bound in any case.
            None => "DELETE FROM pasts WHERE plugin = ?1 AND ?2 IS NULL",
        };
        let (rows, row) = (Arc::clone(&self.rows), id.clone());
        let written = self.write(id, sql, past.clone(), move || {
            rows.write().unwrap_or_else(PoisonError::into_inner).entry(row).or_default().past = past;
        });
        Box::pin(async move { Ok(written.await?) })
    }

    fn write(
        &self,
        id: &PluginId,
        sql: &'static str,
        value: impl rusqlite::ToSql + Send + 'static,
        committed: impl FnOnce() + Send + 'static,
    ) -> Kept<()> {
        let id = id.clone();
        self.store.write(
            move |group| {
                group
                    .db
                    .prepare_cached(sql)
                    .and_then(|mut statement| statement.execute(rusqlite::params![id.as_str(), value]))
                    .map_err(|error| group.name(&error))?;
                Ok(())
            },
            move |()| {
                committed();
                || {}
            },
        )
    }
}
