//! The tables and types in one place, as JSON Schema: what every generator starts from.
//!
//! Made once for each run, from `outboard-protocol` alone. Must not know which documents are made of it.

use std::collections::BTreeMap;

use schemars::generate::SchemaSettings;
use serde_json::Value;

use outboard_protocol::methods::{Direction, METHODS, Method};

/// All methods with their schemas, and the named types that these refer to.
pub(super) struct Catalog {
    /// The methods, in the order of the table.
    pub(super) methods: Vec<Described>,
    /// The named types, by name.
    pub(super) types: BTreeMap<String, Value>,
}

/// One method with its schemas.
pub(super) struct Described {
    pub(super) row: &'static Method,
    pub(super) params: Value,
    pub(super) result: Option<Value>,
}

impl Catalog {
    /// Everything, with references that begin with `prefix`.
    pub(super) fn new(prefix: &str) -> Self {
        // What the host sends is described as it is written, every member that is always there included; what it reads as
        // leniently as it reads.
        let mut sent = settings(prefix).for_serialize().into_generator();
        let mut read = settings(prefix).into_generator();
        let methods = METHODS
            .iter()
            .map(|row| {
                let by_host = row.direction == Direction::HostToPlugin;
                let (asking, answering) =
                    if by_host { (&mut sent, &mut read) } else { (&mut read, &mut sent) };
                Described {
                    row,
                    params: sorted((row.params)(asking).to_value()),
                    result: row.result.map(|result| sorted(result(answering).to_value())),
                }
            })
            .collect();
        // The error object stands in no row and in every answer.
        read.subschema_for::<outboard_protocol::RpcError>();
        let mut types: BTreeMap<String, Value> = sent.take_definitions(true).into_iter().collect();
        types.extend(read.take_definitions(true));
        let types = types.into_iter().map(|(name, schema)| (name, sorted(schema))).collect();
        Self { methods, types }
    }
}

/// How types are described, with references that begin with `prefix`.
pub(super) fn settings(prefix: &str) -> SchemaSettings {
    let path = prefix.trim_start_matches('#').trim_end_matches('/').to_owned();
    SchemaSettings::draft2020_12().with(|settings| settings.definitions_path = path.into())
}

/// The same value with the members of every object in the order of their names, however the map type keeps them.
pub(super) fn sorted(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let members: BTreeMap<String, Value> = members.into_iter().collect();
            Value::Object(members.into_iter().map(|(name, value)| (name, sorted(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

/// The type's name in a reference.
pub(super) fn referred(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.rsplit('/').next()
}
