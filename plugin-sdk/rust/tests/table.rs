//! The method table and this SDK: everything that a plugin may ask or tell is reached through `ctx`.
#![allow(clippy::unwrap_used)] // a test may end with a panic

use std::path::Path;

use outboard_protocol::methods::{ContextCall, ContextNotice, SharedCall};

/// The namespaces' code, comments left out.
fn namespaces() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/context");
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap());
    let code: Vec<String> = files.collect();
    code.iter()
        .flat_map(|text| text.lines())
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn every_call_and_notification_of_a_plugin_is_reached_through_ctx() {
    let code = namespaces();
    let calls = ContextCall::ALL.iter().map(|call| (format!("{call:?}"), call.name()));
    let notices = ContextNotice::ALL.iter().map(|notice| (format!("{notice:?}"), notice.name()));
    let shared = SharedCall::ALL.iter().map(|call| (format!("{call:?}"), call.name()));
    for (marker, name) in calls.chain(notices).chain(shared) {
        let asked = [format!("::<{marker}>"), format!("{marker}::NAME")];
        assert!(
            asked.iter().any(|way| code.contains(way)),
            "no method of ctx asks for {name}, which is {marker}"
        );
    }
}
