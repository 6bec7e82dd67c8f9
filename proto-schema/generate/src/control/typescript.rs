//! The control API for TypeScript, for a host application that talks with the supervisor: types, and the names of subscriptions as values.
//!
//! Called by [`crate::documents`]. Must not know how a host application connects.

use std::fmt::Write;

use super::Control;
use crate::shape::Shape;
use crate::typescript::{document, types, written};

const HEAD: &str = "//! The control API, as types. GENERATED from the control table in proto-schema: do not edit; run `make schema`.\n\n";

/// The module.
pub(crate) fn module(control: &Control) -> String {
    let mut out = HEAD.to_owned();
    types(&mut out, &control.types);
    document(&mut out, "", "What may be asked, by name.");
    out.push_str("export interface ControlCalls {\n");
    for call in &control.calls {
        document(&mut out, "  ", call.row.summary);
        let (params, result) = (written(&Shape::of(&call.params)), written(&Shape::of(&call.answer)));
        _ = writeln!(out, "  \"{}\": {{ params: {params}; result: {result} }};", call.row.name);
    }
    out.push_str("}\n\n");
    document(&mut out, "", "What may be subscribed to, by the name of the call that begins it.");
    out.push_str("export interface ControlSubscriptions {\n");
    for told in &control.subscriptions {
        document(&mut out, "  ", told.row.summary);
        let (params, item) = (written(&Shape::of(&told.params)), written(&Shape::of(&told.item)));
        let (notification, unsubscribe) = (told.row.notification, told.row.unsubscribe);
        _ = writeln!(
            out,
            "  \"{}\": {{ params: {params}; item: {item}; notification: \"{notification}\"; unsubscribe: \"{unsubscribe}\" }};",
            told.row.name
        );
    }
    out.push_str("}\n");
    out.push('\n');
    document(&mut out, "", "The names of each subscription's notifications, and of the call that ends it.");
    out.push_str("export const SUBSCRIPTIONS = {\n");
    for told in &control.subscriptions {
        _ = writeln!(
            out,
            "  \"{}\": {{ notification: \"{}\", unsubscribe: \"{}\" }},",
            told.row.name, told.row.notification, told.row.unsubscribe
        );
    }
    out.push_str("} as const satisfies { [S in keyof ControlSubscriptions]: Pick<ControlSubscriptions[S], \"notification\" | \"unsubscribe\"> };\n");
    out
}
