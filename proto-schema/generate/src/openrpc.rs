//! `openrpc.json`: the method table for tools that know OpenRPC.
//!
//! Called by [`crate::documents`] with the catalog. Must not know other documents or files.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::catalog::{Catalog, Described, referred};
use super::pretty;
use outboard_protocol::error::ErrorReason;
use outboard_protocol::methods::Direction;
use outboard_protocol::version::NEWEST;

/// The document.
pub(super) fn document(catalog: &Catalog) -> String {
    let methods: Vec<Value> = catalog.methods.iter().map(|method| described(catalog, method)).collect();
    pretty(json!({
        "openrpc": "1.3.2",
        "info": {
            "title": "Outboard plugin protocol",
            "version": format!("{NEWEST}.0.0"),
            "description": "Methods in both directions over one wire; `x-direction` says who calls.",
        },
        "methods": methods,
        "components": { "schemas": catalog.types, "errors": errors() },
    }))
}

fn described(catalog: &Catalog, method: &Described) -> Value {
    let direction = match method.row.direction {
        Direction::HostToPlugin => "host to plugin",
        Direction::PluginToHost => "plugin to host",
        Direction::Both => "both",
    };
    let mut described = json!({
        "name": method.row.name,
        "summary": method.row.summary,
        "paramStructure": "by-name",
        "params": params(&catalog.types, &method.params),
        "x-direction": direction,
        "x-since": method.row.since,
    });
    if let Some(result) = &method.result {
        described["result"] = json!({ "name": "result", "schema": result });
    }
    described
}

/// The error table, by word.
pub(super) fn errors() -> Map<String, Value> {
    ErrorReason::ALL
        .iter()
        .map(|reason| {
            let data = json!({ "reason": reason.word(), "retryable": reason.retryable() });
            let error = json!({ "code": reason.code(), "message": reason.meaning(), "data": data });
            (reason.word().to_owned(), error)
        })
        .collect()
}

/// OpenRPC names each parameter; ours are the members of one object.
pub(super) fn params(types: &BTreeMap<String, Value>, schema: &Value) -> Vec<Value> {
    let schema = referred(schema).and_then(|name| types.get(name)).unwrap_or(schema);
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return Vec::new() };
    let required = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    properties
        .iter()
        .map(|(name, schema)| {
            json!({ "name": name, "required": required.contains(&json!(name)), "schema": schema })
        })
        .collect()
}
