//! The control API's table with its schemas: what its document, its reference and its types are made of.
//!
//! Made once for each run; the files below make a document each. Must not know the plugins' own table.

pub(super) mod openrpc;
pub(super) mod reference;
pub(super) mod typescript;

use std::collections::BTreeMap;

use outboard_protocol::control::methods::{CALLS, CallRow, SUBSCRIPTIONS, SubscriptionRow};
use serde_json::Value;

use super::catalog::{settings, sorted};

/// The table, and the named types that its schemas refer to.
pub(super) struct Control {
    /// The calls, in the order of the table.
    pub(super) calls: Vec<Asked>,
    /// The subscriptions, in the order of the table.
    pub(super) subscriptions: Vec<Followed>,
    /// The named types, by name.
    pub(super) types: BTreeMap<String, Value>,
}

/// A call with its schemas.
pub(super) struct Asked {
    pub(super) row: &'static CallRow,
    pub(super) params: Value,
    pub(super) answer: Value,
}

/// A subscription with its schemas.
pub(super) struct Followed {
    pub(super) row: &'static SubscriptionRow,
    pub(super) params: Value,
    pub(super) item: Value,
}

impl Control {
    /// Everything, with references that begin with `prefix`.
    pub(super) fn new(prefix: &str) -> Self {
        // Parameters are described as they are read, answers as they are written.
        let mut read = settings(prefix).into_generator();
        let mut written = settings(prefix).for_serialize().into_generator();
        let calls = CALLS.iter().map(|row| Asked {
            row,
            params: sorted((row.params)(&mut read).to_value()),
            answer: sorted((row.answer)(&mut written).to_value()),
        });
        let calls = calls.collect();
        let subscriptions = SUBSCRIPTIONS.iter().map(|row| Followed {
            row,
            params: sorted((row.params)(&mut read).to_value()),
            item: sorted((row.item)(&mut written).to_value()),
        });
        let subscriptions = subscriptions.collect();
        let mut types: BTreeMap<String, Value> = read.take_definitions(true).into_iter().collect();
        types.extend(written.take_definitions(true));
        let types = types.into_iter().map(|(name, schema)| (name, sorted(schema))).collect();
        Self { calls, subscriptions, types }
    }
}
