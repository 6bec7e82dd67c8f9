//! Export and import of configuration as one JSON document.
//!
//! Called by control. What is exported is what was set; defaults belong to manifests. An import is one transaction: all of
//! it, or nothing. Must not know files.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use outboard_protocol::control::ConfigDocument;
use outboard_protocol::{ErrorReason, PluginId, RpcError};

use super::write::Row;
use super::{Config, Writer, values};
use crate::reply::Durable;
use crate::store::Group;

/// The version of the document.
const VERSION: u32 = 1;

impl Config {
    /// What was set, for one plugin or for all.
    pub fn export(&self, only: Option<&PluginId>) -> ConfigDocument {
        let stored = self.inner.stored.read().unwrap_or_else(PoisonError::into_inner);
        let plugins = stored
            .iter()
            .filter(|(id, _)| only.is_none_or(|only| only == *id))
            .map(|(id, found)| {
                let found = found.iter().map(|(key, text)| (key.clone(), values::raw(text).to_owned()));
                (id.clone(), found.collect::<BTreeMap<_, _>>())
            })
            .filter(|(_, found)| !found.is_empty())
            .collect();
        ConfigDocument { version: VERSION, plugins }
    }

    /// Sets everything that the document holds, for an operator; tells how many keys. Either all of it is on disk or nothing
    /// was changed.
    ///
    /// # Errors
    /// `invalid_params` for another version or a value that breaks its manifest's rule, `limit_exceeded`, `storage_full`.
    pub fn import(&self, document: &ConfigDocument) -> Durable<usize> {
        let queued = self.check_document(document).and_then(|rows| {
            let rows: Arc<[Row]> = rows.into();
            let tickets = document.plugins.keys().map(|id| self.inner.in_flight.take(id, 0));
            let tickets = tickets.collect::<Result<Vec<_>, _>>()?;
            let (applying, committing) = (Arc::clone(&self.inner), Arc::clone(&self.inner));
            let told = Arc::clone(&rows);
            Ok(self.inner.store.write(
                move |group| {
                    let _held = &tickets;
                    let before = applying.staged.now(group.number);
                    let set = |group: &mut Group<'_>| {
                        rows.iter().try_for_each(|(id, key, text)| applying.set_row(group, id, key, text))
                    };
                    let number = group.number;
                    group.together(set).inspect_err(|_| applying.staged.reset(number, before))?;
                    Ok(rows.len())
                },
                move |_| {
                    let changed: Vec<bool> =
                        told.iter().map(|(id, key, text)| committing.keep(id, key, text)).collect();
                    move || {
                        let changed = told.iter().zip(changed).filter(|(_, changed)| *changed);
                        changed.for_each(|((id, key, text), _)| committing.tell_set(id, key, text));
                    }
                },
            ))
        });
        Box::pin(async move { Ok(queued?.await?) })
    }

    fn check_document(&self, document: &ConfigDocument) -> Result<Vec<Row>, RpcError> {
        if document.version != VERSION {
            let what = format!(
                "this document has version {}, and {VERSION} is what is understood here",
                document.version
            );
            return Err(RpcError::new(ErrorReason::InvalidParams, what));
        }
        let mut rows = Vec::new();
        for (id, values) in &document.plugins {
            for (key, value) in values {
                self.check(id, Writer::Operator, key, value).map_err(|mut error| {
                    error.message = format!("plugin {id}, {}", error.message);
                    error
                })?;
                rows.push((id.clone(), key.clone(), value.get().into()));
            }
        }
        Ok(rows)
    }
}
