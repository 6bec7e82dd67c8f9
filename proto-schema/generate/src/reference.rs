//! The reference of methods and errors in `docs/PROTOCOL.md`.
//!
//! Called by [`crate::documents`]. Must not know what stands around its tables, or files.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use serde_json::Value;

use super::catalog::{Catalog, Described, referred};
use super::shape::{Field, Shape, doc_of};
use outboard_protocol::error::ErrorReason;
use outboard_protocol::methods::{Direction, Kind};

/// The section on methods: an overview, then each method with its members, then the types that they share.
pub(super) fn methods(catalog: &Catalog) -> String {
    let mut out = String::new();
    overview(&mut out, catalog);
    let mut shown = BTreeSet::new();
    for method in &catalog.methods {
        _ = writeln!(out, "\n#### `{}`\n", method.row.name);
        _ = writeln!(out, "{}. {}", who(method), method.row.summary);
        members(&mut out, catalog, "Parameters", &method.params, &mut shown);
        if let Some(result) = &method.result {
            members(&mut out, catalog, "Result", result, &mut shown);
        }
    }
    shared(&mut out, &catalog.types, &shown);
    out
}

fn overview(out: &mut String, catalog: &Catalog) {
    let groups = [
        ("Host calls", Direction::HostToPlugin, Kind::Request),
        ("Notifications to the plugin", Direction::HostToPlugin, Kind::Notification),
        ("Context calls", Direction::PluginToHost, Kind::Request),
        ("Notifications to the host", Direction::PluginToHost, Kind::Notification),
        ("Requests both ways", Direction::Both, Kind::Request),
        ("Notifications both ways", Direction::Both, Kind::Notification),
    ];
    out.push_str("| | methods |\n| --- | --- |\n");
    for (title, direction, kind) in groups {
        let names: Vec<String> = catalog
            .methods
            .iter()
            .filter(|method| method.row.direction == direction && method.row.kind == kind)
            .map(|method| format!("`{}`", method.row.name))
            .collect();
        _ = writeln!(out, "| {title} | {} |", names.join(", "));
    }
}

fn who(method: &Described) -> String {
    let direction = match method.row.direction {
        Direction::HostToPlugin => "Host → plugin",
        Direction::PluginToHost => "Plugin → host",
        Direction::Both => "Both ways",
    };
    let kind = match method.row.kind {
        Kind::Request => "request",
        Kind::Notification => "notification",
    };
    format!("*{direction}, {kind}, since {}*", method.row.since)
}

fn members<'a>(
    out: &mut String,
    catalog: &'a Catalog,
    title: &str,
    schema: &'a Value,
    shown: &mut BTreeSet<&'a str>,
) {
    let named = referred(schema).and_then(|name| Some((name, catalog.types.get(name)?)));
    let Some((name, schema)) = named else {
        _ = writeln!(out, "\n{title}: any JSON.");
        return;
    };
    match Shape::of(schema) {
        Shape::Record(fields) if fields.is_empty() => _ = writeln!(out, "\n{title}: `{{}}`."),
        shape => {
            shown.insert(name);
            _ = writeln!(out, "\n{title}:\n");
            table(out, &shape);
        }
    }
}

/// The members of a record, a row each.
pub(super) fn table(out: &mut String, shape: &Shape) {
    let Shape::Record(fields) = shape else { return };
    out.push_str("| member | type | |\n| --- | --- | --- |\n");
    for field in fields {
        let absent = if field.required { "" } else { "May be absent. " };
        let doc = field.doc.replace('|', "\\|");
        _ = writeln!(out, "| `{}` | {} | {absent}{doc} |", field.name, written(&field.shape));
    }
}

/// Types that members refer to and no method shows.
pub(super) fn shared(out: &mut String, types: &BTreeMap<String, Value>, shown: &BTreeSet<&str>) {
    out.push_str("\n### Types that members refer to\n");
    for (name, schema) in types {
        if shown.contains(name.as_str()) || ["Empty", "NoParams"].contains(&name.as_str()) {
            continue;
        }
        _ = writeln!(out, "\n**{name}.** {}", doc_of(schema));
        if let Some(pattern) = schema.get("pattern").and_then(Value::as_str) {
            _ = writeln!(out, "Pattern: `{pattern}`.");
        }
        match Shape::of(schema) {
            shape @ Shape::Record(_) => {
                out.push('\n');
                table(out, &shape);
            }
            Shape::OneOf(_) => choices(out, schema),
            _ => {}
        }
    }
}

/// The words of an enum, or the forms of which a value has one.
fn choices(out: &mut String, schema: &Value) {
    let choices = ["oneOf", "anyOf"].iter().find_map(|keyword| schema.get(keyword)?.as_array());
    out.push('\n');
    for choice in choices.into_iter().flatten() {
        match Shape::of(choice) {
            Shape::Exactly(word) => _ = writeln!(out, "- `{word}`: {}", doc_of(choice)),
            Shape::Record(fields) => _ = writeln!(out, "- {}: {}", members_of(&fields), doc_of(choice)),
            _ => {}
        }
    }
}

/// The members of one form of a value, on one line.
fn members_of(fields: &[Field]) -> String {
    let member = |field: &Field| match &field.shape {
        Shape::Exactly(word) => format!("`{}: {word:?}`", field.name),
        shape => format!("`{}` ({})", field.name, written(shape)),
    };
    fields.iter().map(member).collect::<Vec<_>>().join(", ")
}

/// A shape in words.
pub(super) fn written(shape: &Shape) -> String {
    match shape {
        Shape::Any => "any JSON".to_owned(),
        Shape::Null => "null".to_owned(),
        Shape::Bool => "boolean".to_owned(),
        Shape::Integer => "whole number".to_owned(),
        Shape::Number => "number".to_owned(),
        Shape::Text => "text".to_owned(),
        Shape::Exactly(word) => format!("`{word:?}`"),
        Shape::Named(name) => name.clone(),
        Shape::List(item) => format!("array of {}", written(item)),
        Shape::Map(values) => format!("object of {}", written(values)),
        Shape::OneOf(_) => shape.choices().into_iter().map(written).collect::<Vec<_>>().join(" or "),
        Shape::Record(_) => "object".to_owned(),
    }
}

/// The table of error codes.
pub(super) fn errors() -> String {
    let mut out = "| code | `data.reason` | retryable | meaning |\n| --- | --- | --- | --- |\n".to_owned();
    for reason in ErrorReason::ALL {
        let retryable = if reason.retryable() { "yes" } else { "no" };
        let (code, word, meaning) = (reason.code(), reason.word(), reason.meaning());
        _ = writeln!(out, "| {code} | `{word}` | {retryable} | {meaning} |");
    }
    out
}
