//! The reference of calls and subscriptions in `docs/CONTROL.md`.
//!
//! Called by [`crate::documents`]. Must not know what stands around its tables, or files.

use std::collections::BTreeSet;
use std::fmt::Write;

use outboard_protocol::error::ErrorReason;
use serde_json::Value;

use super::Control;
use crate::catalog::referred;
use crate::reference::{shared, table, written};
use crate::shape::Shape;

/// The section on calls and subscriptions: an overview, then each with its members, then the types that they share.
pub(crate) fn methods(control: &Control) -> String {
    let mut out = "| call | what it does |\n| --- | --- |\n".to_owned();
    let names = control.calls.iter().map(|call| (call.row.name, call.row.summary));
    let names = names.chain(control.subscriptions.iter().map(|told| (told.row.name, told.row.summary)));
    for (name, summary) in names {
        _ = writeln!(out, "| [`{name}`](#{}) | {summary} |", anchor(name));
    }
    let mut shown = BTreeSet::new();
    for call in &control.calls {
        _ = writeln!(out, "\n#### `{}`\n\n{} *Since {}.*", call.row.name, call.row.summary, call.row.since);
        part(&mut out, control, "Parameters", &call.params, &mut shown);
        part(&mut out, control, "Result", &call.answer, &mut shown);
        refusals(&mut out, call.row.errors);
    }
    for told in &control.subscriptions {
        let row = told.row;
        _ = writeln!(out, "\n#### `{}`\n\n{} *Since {}.*", row.name, row.summary, row.since);
        _ = writeln!(out, "\nNotifications: `{}`. Ended by: `{}`.", row.notification, row.unsubscribe);
        part(&mut out, control, "Parameters", &told.params, &mut shown);
        part(&mut out, control, "Each item", &told.item, &mut shown);
        refusals(&mut out, row.errors);
    }
    shared(&mut out, &control.types, &shown);
    out
}

/// How a heading of one name in code is linked to.
fn anchor(name: &str) -> String {
    name.replace('.', "")
}

fn part<'a>(
    out: &mut String,
    control: &'a Control,
    title: &str,
    schema: &'a Value,
    shown: &mut BTreeSet<&'a str>,
) {
    let found = referred(schema).and_then(|name| control.types.get_key_value(name));
    let Some((name, described)) = found else {
        _ = writeln!(out, "\n{title}: {}.", written(&Shape::of(schema)));
        return;
    };
    match Shape::of(described) {
        Shape::Record(fields) if fields.is_empty() => _ = writeln!(out, "\n{title}: `{{}}`."),
        shape @ Shape::Record(_) if title == "Parameters" => {
            shown.insert(name);
            _ = writeln!(out, "\n{title}:\n");
            table(out, &shape);
        }
        // Answers are often the same; each type is shown once, below.
        _ => _ = writeln!(out, "\n{title}: {name}."),
    }
}

fn refusals(out: &mut String, errors: &[ErrorReason]) {
    if !errors.is_empty() {
        let words: Vec<String> = errors.iter().map(|reason| format!("`{}`", reason.word())).collect();
        _ = writeln!(out, "\nErrors: {}.", words.join(", "));
    }
}
