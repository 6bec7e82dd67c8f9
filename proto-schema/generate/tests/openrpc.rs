//! The OpenRPC documents are what the specification calls one. Its rules for the parts that we use are written down here as a
//! schema; the types that are described must themselves be JSON Schema.
#![allow(clippy::unwrap_used)] // a test may end with a panic

use std::collections::BTreeSet;

use outboard_generate::documents;
use serde_json::{Value, json};

/// The document of the plugin protocol, and that of the control API.
fn both() -> Vec<(&'static str, Value)> {
    let found: Vec<_> = documents()
        .into_iter()
        .filter(|document| document.path.ends_with("openrpc.json"))
        .map(|document| (document.path, serde_json::from_str(&document.text).unwrap()))
        .collect();
    assert_eq!(found.len(), 2);
    found
}

/// The rules of OpenRPC 1.3.2: which members an object has to have, and which it may have besides. Extensions begin with `x-`.
fn rules() -> Value {
    let object = |required: &[&str], properties: Value| {
        json!({
            "type": "object",
            "required": required,
            "properties": properties,
            "patternProperties": { "^x-": true },
            "additionalProperties": false,
        })
    };
    let text = json!({ "type": "string" });
    let reference = json!({
        "type": "object", "required": ["$ref"], "properties": { "$ref": text }, "additionalProperties": false
    });
    let or_reference = |rule: &str| json!({ "oneOf": [{ "$ref": format!("#/$defs/{rule}") }, reference] });
    let by_name = |rule: Value| json!({ "type": "object", "propertyNames": { "pattern": "^[a-zA-Z0-9.\\-_]+$" }, "additionalProperties": rule });
    let schema = json!({ "type": ["object", "boolean"] });
    let info = json!({ "title": text, "version": text, "description": text });
    let components =
        json!({ "schemas": by_name(schema.clone()), "errors": by_name(json!({ "$ref": "#/$defs/error" })) });
    let mut rules = object(
        &["openrpc", "info", "methods"],
        json!({
            "openrpc": { "enum": ["1.3.2"] },
            "info": object(&["title", "version"], info),
            "methods": { "type": "array", "items": { "$ref": "#/$defs/method" } },
            "components": object(&[], components),
        }),
    );
    let method = json!({
        "name": { "type": "string", "minLength": 1 },
        "summary": text,
        "description": text,
        "paramStructure": { "enum": ["by-name", "by-position", "either"] },
        "params": { "type": "array", "items": or_reference("descriptor") },
        "result": or_reference("descriptor"),
        "errors": { "type": "array", "items": or_reference("error") },
    });
    let descriptor = json!({
        "name": { "type": "string", "minLength": 1 },
        "summary": text,
        "description": text,
        "required": { "type": "boolean" },
        "schema": schema,
    });
    rules["$defs"] = json!({
        "method": object(&["name", "params"], method),
        "descriptor": object(&["name", "schema"], descriptor),
        "error": object(&["code", "message"], json!({ "code": { "type": "integer" }, "message": text, "data": true })),
    });
    rules
}

/// Every reference in a value.
fn references<'a>(value: &'a Value, into: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(members) => {
            into.extend(members.get("$ref").and_then(Value::as_str));
            members.values().for_each(|member| references(member, into));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, into)),
        _ => {}
    }
}

#[test]
fn the_documents_keep_the_rules_of_openrpc() {
    let validator = jsonschema::validator_for(&rules()).unwrap();
    for (path, document) in both() {
        let faults: Vec<String> = validator
            .iter_errors(&document)
            .map(|fault| format!("{}: {fault}", fault.instance_path()))
            .collect();
        assert!(faults.is_empty(), "{path}: {faults:#?}");
    }
    let broken =
        json!({ "openrpc": "1.3.2", "info": { "title": "t", "version": "1" }, "methods": [{ "name": "m" }] });
    assert!(!validator.is_valid(&broken), "the rules refuse nothing");
}

#[test]
fn names_are_there_once_and_every_reference_leads_somewhere() {
    for (path, document) in both() {
        let names: Vec<&str> = document["methods"]
            .as_array()
            .unwrap()
            .iter()
            .map(|method| method["name"].as_str().unwrap())
            .collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{path}");
        let mut found = BTreeSet::new();
        references(&document, &mut found);
        for reference in found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{path}: {reference} leads nowhere");
        }
    }
}

#[test]
fn every_described_type_is_a_json_schema() {
    for (path, document) in both() {
        for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
            assert!(jsonschema::meta::is_valid(schema), "{path}: {name} is not a JSON Schema: {schema}");
        }
    }
}

#[test]
fn a_call_that_has_an_answer_says_what_it_is() {
    for (path, document) in both() {
        for method in document["methods"].as_array().unwrap() {
            // OpenRPC takes a method without a result for a notification.
            let notification = method.get("result").is_none();
            assert!(!notification || !path.contains("control"), "{path}: {method}");
        }
    }
}
