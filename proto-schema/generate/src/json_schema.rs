//! `protocol.schema.json`: every frame; `plugin.schema.json`: the manifest, for editors.
//!
//! Called by [`crate::documents`] with the catalog. Must not know other documents or files.

use serde_json::{Map, Value, json};

use super::catalog::{Catalog, Described};
use super::pretty;
use outboard_protocol::manifest::Manifest;
use outboard_protocol::methods::{Direction, Kind};
use outboard_protocol::wire::message::ID_MAX;

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The schema of a frame.
pub(super) fn protocol(catalog: &Catalog) -> String {
    let mut defs: Map<String, Value> =
        catalog.types.iter().map(|(name, schema)| (name.clone(), schema.clone())).collect();
    defs.insert("Id".to_owned(), id());
    let mut frames = Vec::new();
    for method in &catalog.methods {
        let name = format!("frame {}", method.row.name);
        frames.push(json!({ "$ref": format!("#/$defs/{}", name.replace('/', "~1")) }));
        defs.insert(name, frame(method));
    }
    frames.push(json!({ "$ref": "#/$defs/frame result" }));
    frames.push(json!({ "$ref": "#/$defs/frame error" }));
    defs.insert(
        "frame result".to_owned(),
        envelope(&[("id", json!({ "$ref": "#/$defs/Id" })), ("result", json!(true))], &["id", "result"]),
    );
    let id_or_null = json!({ "anyOf": [{ "$ref": "#/$defs/Id" }, { "type": "null" }] });
    defs.insert(
        "frame error".to_owned(),
        envelope(&[("id", id_or_null), ("error", json!({ "$ref": "#/$defs/RpcError" }))], &["id", "error"]),
    );
    let methods: Map<String, Value> =
        catalog.methods.iter().map(|method| (method.row.name.to_owned(), row(method))).collect();
    pretty(json!({
        "$schema": DIALECT,
        "title": "Outboard plugin protocol, version 1: one frame",
        "description": "Generated from the method table. `x-methods` says which schema a method's parameters and result have.",
        "anyOf": frames,
        "x-methods": methods,
        "$defs": defs,
    }))
}

fn id() -> Value {
    json!({
        "description": format!("The id of a call: echoed as it came, at most {ID_MAX} bytes as JSON text."),
        "type": ["string", "number"],
        "maxLength": ID_MAX,
    })
}

fn frame(method: &Described) -> Value {
    let mut members =
        vec![("method", json!({ "const": method.row.name })), ("params", method.params.clone())];
    let mut required = vec!["method"];
    if method.row.kind == Kind::Request {
        members.push(("id", json!({ "$ref": "#/$defs/Id" })));
        required.push("id");
    }
    if method.params.get("$ref").is_some_and(|name| name != "#/$defs/Empty") {
        required.push("params");
    }
    let mut schema = envelope(&members, &required);
    schema["description"] = json!(method.row.summary);
    schema
}

fn envelope(members: &[(&str, Value)], required: &[&str]) -> Value {
    let mut properties = Map::from_iter([("jsonrpc".to_owned(), json!({ "const": "2.0" }))]);
    properties.extend(members.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())));
    let required: Vec<&str> = std::iter::once("jsonrpc").chain(required.iter().copied()).collect();
    json!({ "type": "object", "properties": properties, "required": required })
}

fn row(method: &Described) -> Value {
    let direction = match method.row.direction {
        Direction::HostToPlugin => "hostToPlugin",
        Direction::PluginToHost => "pluginToHost",
        Direction::Both => "both",
    };
    let mut row = json!({
        "direction": direction,
        "since": method.row.since,
        "summary": method.row.summary,
        "params": method.params,
    });
    if let Some(result) = &method.result {
        row["result"] = result.clone();
    }
    row
}

/// The schema of `plugin.json`, with the keys of the original manifest that are not needed to run.
pub(super) fn manifest() -> String {
    let mut schema = schemars::schema_for!(Manifest).to_value();
    schema["title"] = json!("plugin.json");
    let text = |what: &str| json!({ "type": "string", "description": what });
    let further = [
        ("$schema", text("This schema, for editors.")),
        ("type", json!({ "enum": ["user", "airline"], "description": "Who installs the plugin." })),
        (
            "author",
            json!({
                "type": "object",
                "description": "Who wrote the plugin.",
                "properties": {
                    "id": text("A stable id."),
                    "name": text("What people see."),
                    "contact": text("Where to write to."),
                },
                "required": ["id", "name"],
            }),
        ),
        ("icon_light", text("The icon on a light ground, a path in the plugin's folder.")),
        ("icon_dark", text("The icon on a dark ground, a path in the plugin's folder.")),
        ("homepage", text("Where to read more.")),
    ];
    for (key, described) in further {
        schema["properties"][key] = described;
    }
    pretty(schema)
}
