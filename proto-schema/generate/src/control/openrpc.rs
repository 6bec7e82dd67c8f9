//! `control.openrpc.json`: the control API for tools that know OpenRPC, and what `rpc.discover` answers.
//!
//! Called by [`crate::documents`]. Must not know the server that answers.

use outboard_protocol::error::ErrorReason;
use serde_json::{Value, json};

use super::Control;
use crate::openrpc::{errors, params};
use crate::pretty;

/// The document.
pub(crate) fn document(control: &Control) -> String {
    let mut methods: Vec<Value> = Vec::new();
    for call in &control.calls {
        methods.push(json!({
            "name": call.row.name,
            "summary": call.row.summary,
            "paramStructure": "by-name",
            "params": params(&control.types, &call.params),
            "result": { "name": "result", "schema": call.answer },
            "errors": refusals(call.row.errors),
            "x-since": call.row.since,
        }));
    }
    for subscription in &control.subscriptions {
        let row = subscription.row;
        methods.push(json!({
            "name": row.name,
            "summary": row.summary,
            "description": format!(
                "On a WebSocket. Each item comes as the notification `{}`, with `params: {{subscription, result}}`, until `{}` or \
                 the end of the connection.",
                row.notification, row.unsubscribe
            ),
            "paramStructure": "by-name",
            "params": params(&control.types, &subscription.params),
            "result": { "name": "subscription", "schema": id() },
            "errors": refusals(row.errors),
            "x-since": row.since,
            "x-subscription": {
                "notification": row.notification,
                "unsubscribe": row.unsubscribe,
                "item": subscription.item,
            },
        }));
        methods.push(json!({
            "name": row.unsubscribe,
            "summary": format!("End a subscription of `{}`; tells whether there was one.", row.name),
            "paramStructure": "by-position",
            "params": [{ "name": "subscription", "required": true, "schema": id() }],
            "result": { "name": "ended", "schema": { "type": "boolean" } },
            "x-since": row.since,
        }));
    }
    pretty(json!({
        "openrpc": "1.3.2",
        "info": {
            "title": "Outboard control API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "JSON-RPC 2.0 on the Unix socket `control.sock` of the runtime folder, as WebSocket or HTTP POST. Each \
                request carries `Authorization: Bearer` and the content of the file that `supervisor.json` names as `credentialFile`. \
                docs/CONTROL.md says more.",
        },
        "methods": methods,
        "components": { "schemas": control.types, "errors": errors() },
    }))
}

/// References to the errors of a row, and to those of every call.
fn refusals(own: &[ErrorReason]) -> Vec<Value> {
    [ErrorReason::InvalidParams, ErrorReason::InternalError]
        .iter()
        .chain(own)
        .map(|reason| json!({ "$ref": format!("#/components/errors/{}", reason.word()) }))
        .collect()
}

fn id() -> Value {
    json!({ "description": "The id of a subscription, as its beginning was answered.", "type": ["integer", "string"] })
}
