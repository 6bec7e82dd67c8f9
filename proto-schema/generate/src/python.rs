//! The types of the protocol for the Python SDK: typed dictionaries, which is what JSON is in Python.
//!
//! Called by [`crate::documents`] with the catalog. Must not know JSON Schema, which [`crate::shape`] reads, or files.

use std::fmt::Write;

use super::catalog::{Catalog, Described};
use super::shape::{Field, Shape, doc_of};
use outboard_protocol::error::ErrorReason;
use outboard_protocol::methods::{Direction, Kind};

const HEAD: &str = r#""""The words of the protocol. GENERATED from the method table in proto-schema: do not edit; run
``make schema``.
"""

from __future__ import annotations

from typing import Any, Literal, Protocol, TypedDict, Union, overload

"#;

/// The module.
pub(super) fn module(catalog: &Catalog) -> String {
    let mut out = HEAD.to_owned();
    // Names used as values have to exist first: plain aliases stand before the records, which refer to names as text.
    for (name, schema) in &catalog.types {
        if let shape = Shape::of(schema)
            && !matches!(shape, Shape::Record(_))
        {
            _ = writeln!(out, "{name} = {}", written(&shape));
            _ = writeln!(out, "\"\"\"{}\"\"\"\n", doc_of(schema));
        }
    }
    for (name, schema) in &catalog.types {
        if let Shape::Record(fields) = Shape::of(schema) {
            record(&mut out, name, &doc_of(schema), &fields);
        }
    }
    tables(&mut out, catalog);
    side(&mut out, catalog, "PluginSide", "What a plugin may ask and tell.", Direction::PluginToHost);
    side(&mut out, catalog, "HostSide", "What a host may ask and tell.", Direction::HostToPlugin);
    out
}

/// One side of a session as a protocol class: a peer that is used as one is held to names, parameters and results.
fn side(out: &mut String, catalog: &Catalog, name: &str, doc: &str, direction: Direction) {
    let own =
        |method: &&Described| method.row.direction == direction || method.row.direction == Direction::Both;
    _ = write!(out, "\n\nclass {name}(Protocol):\n    \"\"\"{doc}\"\"\"\n");
    // Overloads of one name have to stand together.
    let (asked, told): (Vec<_>, Vec<_>) =
        catalog.methods.iter().filter(own).partition(|method| method.result.is_some());
    for method in asked.into_iter().chain(told) {
        let word = method.row.name;
        let params = match written(&Shape::of(&method.params)).as_str() {
            "Empty" => String::new(),
            params => format!(", params: {params}"),
        };
        let call = match &method.result {
            Some(result) => {
                let result = written(&Shape::of(result));
                format!("async def request(self, method: Literal[\"{word}\"]{params}) -> {result}:")
            }
            None => format!("def notify(self, method: Literal[\"{word}\"]{params}) -> bool:"),
        };
        let doc = method.row.summary;
        _ = write!(out, "\n    @overload\n    {call}\n        \"\"\"{doc}\"\"\"\n");
    }
}

/// A record; what may be absent goes into a class of its own, since Python 3.10 has no other way to say it.
fn record(out: &mut String, name: &str, doc: &str, fields: &[Field]) {
    let (required, optional): (Vec<&Field>, Vec<&Field>) = fields.iter().partition(|field| field.required);
    let mut base = "TypedDict".to_owned();
    if !optional.is_empty() && !required.is_empty() {
        class(out, &format!("_{name}Required"), "TypedDict", "Members that are always there.", &required);
        base = format!("_{name}Required, total=False");
        class(out, name, &base, doc, &optional);
        return;
    }
    if !optional.is_empty() {
        base.push_str(", total=False");
    }
    class(out, name, &base, doc, if required.is_empty() { &optional } else { &required });
}

fn class(out: &mut String, name: &str, base: &str, doc: &str, fields: &[&Field]) {
    _ = writeln!(out, "\nclass {name}({base}):\n    \"\"\"{doc}\"\"\"");
    for field in fields {
        _ = writeln!(out, "\n    {}: {}", field.name, written(&field.shape));
        if !field.doc.is_empty() {
            _ = writeln!(out, "    \"\"\"{}\"\"\"", field.doc);
        }
    }
    out.push('\n');
}

fn tables(out: &mut String, catalog: &Catalog) {
    let groups = [
        ("HOST_CALLS", "What the host asks of a plugin.", Direction::HostToPlugin, Kind::Request),
        ("HOST_NOTICES", "What the host tells a plugin.", Direction::HostToPlugin, Kind::Notification),
        ("CONTEXT_CALLS", "What a plugin asks of the host.", Direction::PluginToHost, Kind::Request),
        ("CONTEXT_NOTICES", "What a plugin tells the host.", Direction::PluginToHost, Kind::Notification),
        ("BOTH_CALLS", "What either side asks of the other.", Direction::Both, Kind::Request),
        ("BOTH_NOTICES", "What either side tells the other.", Direction::Both, Kind::Notification),
    ];
    for (name, doc, direction, kind) in groups {
        _ = writeln!(out, "\n{name} = (");
        for method in catalog.methods.iter().filter(|m| m.row.direction == direction && m.row.kind == kind) {
            _ = writeln!(out, "    \"{}\",", method.row.name);
        }
        _ = writeln!(out, ")\n\"\"\"{doc}\"\"\"");
    }
    out.push_str("\nERRORS = {\n");
    for reason in ErrorReason::ALL {
        let retryable = if reason.retryable() { "True" } else { "False" };
        _ = writeln!(out, "    \"{}\": ({}, {retryable}),", reason.word(), reason.code());
    }
    out.push_str("}\n\"\"\"Code and retryability of every reason, by its word.\"\"\"\n");
}

fn written(shape: &Shape) -> String {
    match shape {
        Shape::Any => "Any".to_owned(),
        Shape::Null => "None".to_owned(),
        Shape::Bool => "bool".to_owned(),
        Shape::Integer => "int".to_owned(),
        Shape::Number => "float".to_owned(),
        Shape::Text => "str".to_owned(),
        Shape::Exactly(word) => format!("Literal[{word:?}]"),
        Shape::Named(name) => name.clone(),
        Shape::List(item) => format!("list[{}]", written(item)),
        Shape::Map(values) => format!("dict[str, {}]", written(values)),
        Shape::OneOf(_) => {
            let choices = shape.choices();
            if let Some(words) = literal(&choices) {
                return words;
            }
            format!("Union[{}]", choices.into_iter().map(written).collect::<Vec<_>>().join(", "))
        }
        Shape::Record(_) => "dict[str, Any]".to_owned(),
    }
}

fn literal(choices: &[&Shape]) -> Option<String> {
    let words: Option<Vec<String>> = choices
        .iter()
        .map(|choice| match choice {
            Shape::Exactly(word) => Some(format!("{word:?}")),
            _ => None,
        })
        .collect();
    words.map(|words| format!("Literal[{}]", words.join(", ")))
}
