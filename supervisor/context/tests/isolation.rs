//! No sequence of calls by one plugin reads or changes anything of another.
#![allow(clippy::unwrap_used)] // a test that cannot set its scene has failed

mod support;

use std::fs;

use outboard_protocol::control::LogsParams;
use proptest::prelude::*;
use serde_json::{Value, json};
use support::*;

/// Names that are used by both plugins, or that try to be the other's.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("k".to_owned()),
        Just("secret".to_owned()),
        Just("b/k".to_owned()),
        Just("plugin:b:k".to_owned()),
        Just("../b/b.db".to_owned()),
        Just("b.db".to_owned()),
        Just("/api/b".to_owned()),
        Just("/api/b/x".to_owned()),
        Just("/of-b".to_owned()),
        Just("/of-b/x".to_owned()),
        Just("/".to_owned()),
        "\\PC{0,12}",
    ]
}

fn a_call() -> impl Strategy<Value = (&'static str, Value)> {
    let method = prop::sample::select(vec![
        "config.get",
        "config.set",
        "config.delete",
        "config.getAll",
        "ipc.handle",
        "ipc.removeHandler",
        "ipc.send",
        "log",
        "database.open",
        "server.register",
        "server.unregister",
    ]);
    (method, name(), name(), any::<bool>()).prop_map(|(method, name, other, retain)| {
        // Every member that any method has, and those by which one might try to be somebody else.
        let params = json!({ "key": name, "value": "of a", "default": null, "channel": name, "payload": "of a", "retain": retain,
            "file": name, "prefix": name, "level": "info", "tag": other, "message": "of a",
            "plugin": "b", "id": "b", "pluginId": "b", "generation": 7 });
        (method, params)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn one_plugin_cannot_reach_what_is_anothers(calls in prop::collection::vec(a_call(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (dir, context) = scene();
            let (a, b) = (process(&context, &dir, "a"), process(&context, &dir, "b"));
            call(&b, "config.set", json!({ "key": "secret", "value": "of b" })).await.unwrap();
            call(&b, "server.register", json!({ "prefix": "/of-b" })).await.unwrap();
            call(&b, "ipc.handle", json!({ "channel": "k" })).await.unwrap();
            let granted = call(&b, "database.open", json!({ "file": "b.db" })).await.unwrap();
            fs::write(granted["path"].as_str().unwrap(), "of b").unwrap();
            b.notify("ipc.send", Some(&raw(&json!({ "channel": "k", "payload": "of b", "retain": true }))));
            let ui = context.bus.subscribe(&id("b"));
            let kept = soon(ui.next()).await.unwrap();
            let (mut mailbox, mut news) = (context.mailbox(&id("b")), context.news());
            let measured = context.databases.report(&id("b"));
            for (method, params) in calls {
                if matches!(method, "ipc.send" | "log") {
                    a.notify(method, Some(&raw(&params)));
                } else if let Ok(answer) = call(&a, method, params).await {
                    let text = answer.to_string();
                    assert!(!text.contains("of b") && !text.contains("plugins-data/b"), "{method}: {text}");
                }
            }
            assert_eq!(call(&b, "config.getAll", json!({})).await.unwrap(), json!({ "values": { "secret": "of b" } }));
            assert_eq!(context.prefixes.of(&id("b")).iter().map(|prefix| prefix.as_str()).collect::<Vec<_>>(), ["/of-b"]);
            for (path, owner) in [("/of-b/x", Some(id("b"))), ("/api/b/x", None)] {
                assert_eq!(context.prefixes.owner_of(path).map(|found| found.0), owner, "{path}");
            }
            assert!(b.handles(&outboard_protocol::id::Channel::new("k").unwrap()));
            assert_eq!(fs::read_to_string(granted["path"].as_str().unwrap()).unwrap(), "of b");
            let logs = LogsParams { id: Some(id("b")), ..LogsParams::default() };
            assert!(context.logs.tail(logs).await.unwrap().is_empty());
            assert!(mailbox.take_now().0.is_empty(), "b was told something");
            assert!(news.try_recv().is_err(), "everybody was told something");
            let report = context.databases.report(&id("b"));
            assert_eq!((report.files, report.usage.bytes), (measured.files, measured.usage.bytes));
            assert_eq!(report.usage.opened, ["b.db"]);
            assert_eq!(soon(context.bus.subscribe(&id("b")).next()).await.unwrap(), kept, "what b keeps for its UIs");
            // The first that b's UI gets is b's own.
            b.notify("ipc.send", Some(&raw(&json!({ "channel": "mark" }))));
            let frame: Value = serde_json::from_slice(&soon(ui.next()).await.unwrap()).unwrap();
            assert_eq!(frame["channel"], "mark");
        });
    }
}
