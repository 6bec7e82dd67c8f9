//! The types of the protocol for the TypeScript SDK.
//!
//! Called by [`crate::documents`] and by the types of control. Must not know JSON Schema, which [`crate::shape`] reads, or files.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;

use super::catalog::Catalog;
use super::shape::{Shape, doc_of};
use outboard_protocol::error::ErrorReason;
use outboard_protocol::methods::{Direction, Kind};

const HEAD: &str = "//! The words of the protocol. GENERATED from the method table in proto-schema: do not edit; run `make schema`.\n\n";

/// The module.
pub(super) fn module(catalog: &Catalog) -> String {
    let mut out = HEAD.to_owned();
    types(&mut out, &catalog.types);
    tables(&mut out, catalog);
    out
}

/// Every named type.
pub(super) fn types(out: &mut String, types: &BTreeMap<String, Value>) {
    for (name, schema) in types {
        document(out, "", &doc_of(schema));
        match Shape::of(schema) {
            Shape::Record(fields) if fields.is_empty() => {
                _ = writeln!(out, "export type {name} = Record<string, never>;\n");
            }
            shape @ Shape::Record(_) => _ = writeln!(out, "export interface {name} {}\n", written(&shape)),
            shape => _ = writeln!(out, "export type {name} = {};\n", written(&shape)),
        }
    }
}

fn tables(out: &mut String, catalog: &Catalog) {
    let groups = [
        ("HostCalls", "What the host asks of a plugin.", Direction::HostToPlugin, Kind::Request),
        ("HostNotices", "What the host tells a plugin.", Direction::HostToPlugin, Kind::Notification),
        ("ContextCalls", "What a plugin asks of the host.", Direction::PluginToHost, Kind::Request),
        ("ContextNotices", "What a plugin tells the host.", Direction::PluginToHost, Kind::Notification),
        ("BothCalls", "What either side asks of the other.", Direction::Both, Kind::Request),
        ("BothNotices", "What either side tells the other.", Direction::Both, Kind::Notification),
    ];
    for (name, doc, direction, kind) in groups {
        document(out, "", doc);
        _ = writeln!(out, "export interface {name} {{");
        for method in catalog.methods.iter().filter(|m| m.row.direction == direction && m.row.kind == kind) {
            document(out, "  ", method.row.summary);
            let params = written(&Shape::of(&method.params));
            match &method.result {
                Some(result) => {
                    let result = written(&Shape::of(result));
                    _ = writeln!(out, "  \"{}\": {{ params: {params}; result: {result} }};", method.row.name);
                }
                None => _ = writeln!(out, "  \"{}\": {{ params: {params} }};", method.row.name),
            }
        }
        out.push_str("}\n\n");
    }
    document(out, "", "Code and retryability of every reason, by its word.");
    out.push_str("export const ERRORS = {\n");
    for reason in ErrorReason::ALL {
        document(out, "  ", reason.meaning());
        _ = writeln!(out, "  {}: [{}, {}],", reason.word(), reason.code(), reason.retryable());
    }
    out.push_str("} as const;\n");
}

/// A comment.
pub(super) fn document(out: &mut String, indent: &str, doc: &str) {
    if !doc.is_empty() {
        _ = writeln!(out, "{indent}/** {} */", doc.replace("*/", "* /"));
    }
}

/// A shape as a type.
pub(super) fn written(shape: &Shape) -> String {
    match shape {
        Shape::Any => "unknown".to_owned(),
        Shape::Null => "null".to_owned(),
        Shape::Bool => "boolean".to_owned(),
        Shape::Integer | Shape::Number => "number".to_owned(),
        Shape::Text => "string".to_owned(),
        Shape::Exactly(word) => format!("{word:?}"),
        Shape::Named(name) => name.clone(),
        Shape::List(item) => match item.choices().len() {
            1 => format!("{}[]", written(item)),
            _ => format!("({})[]", written(item)),
        },
        Shape::Map(values) => format!("Record<string, {}>", written(values)),
        Shape::OneOf(_) => shape.choices().into_iter().map(written).collect::<Vec<_>>().join(" | "),
        Shape::Record(fields) => {
            let mut out = "{\n".to_owned();
            for field in fields {
                document(&mut out, "  ", &field.doc);
                let mark = if field.required { "" } else { "?" };
                _ = writeln!(out, "  {}{mark}: {};", field.name, written(&field.shape));
            }
            out.push('}');
            out
        }
    }
}
