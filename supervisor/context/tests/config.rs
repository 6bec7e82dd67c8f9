//! `ctx.config` as a plugin and as an operator see it.
#![allow(clippy::unwrap_used)] // a test that cannot set its scene has failed

mod support;

use outboard_protocol::ErrorReason;
use outboard_protocol::control::ConfigSource;
use outboard_protocol::id::ConfigKey;
use serde_json::{Value, json};
use support::*;

fn key(text: &str) -> ConfigKey {
    ConfigKey::new(text).unwrap()
}

/// Gives the disk so much to do, with another letter each time, that whatever is asked for next waits for it, and is committed together.
fn occupy(context: &outboard_context::Context, with: &str) {
    let large = json!(with.repeat(1024 * 1024 - 2));
    for plugin in ["busy1", "busy2"] {
        for row in ["k0", "k1"] {
            // It is queued at once, whoever awaits it.
            drop(context.config.set(&id(plugin), &key(row), &large));
        }
    }
}

#[tokio::test]
async fn a_value_outlives_the_context() {
    let (dir, context) = scene();
    let plugin = process(&context, &dir, "a");
    let big = json!({ "big": 18_446_744_073_709_551_615_u64, "deep": [1.5, null, "ü\n"] });
    call(&plugin, "config.set", json!({ "key": "k", "value": big })).await.unwrap();
    drop(plugin);
    context.close().await;
    drop(context);
    let context = open(&dir.path().join("data"));
    let plugin = process(&context, &dir, "a");
    let got = call(&plugin, "config.get", json!({ "key": "k" })).await.unwrap();
    assert_eq!(got, json!({ "value": big, "found": true }));
}

#[tokio::test]
async fn a_read_prefers_what_was_set_then_the_manifest_then_the_caller() {
    let (dir, context) = scene();
    let plugin = process_with(&context, &dir, "a", &[json!({ "key": "k", "type": "number", "default": 1 })]);
    let get = || call(&plugin, "config.get", json!({ "key": "k", "default": 2 }));
    assert_eq!(get().await.unwrap(), json!({ "value": 1, "found": true }));
    call(&plugin, "config.set", json!({ "key": "k", "value": 3 })).await.unwrap();
    assert_eq!(get().await.unwrap(), json!({ "value": 3, "found": true }));
    let all = call(&plugin, "config.getAll", json!({})).await.unwrap();
    assert_eq!(all, json!({ "values": { "k": 3 } }));
    assert_eq!(
        call(&plugin, "config.delete", json!({ "key": "k" })).await.unwrap(),
        json!({ "deleted": true })
    );
    assert_eq!(
        call(&plugin, "config.delete", json!({ "key": "k" })).await.unwrap(),
        json!({ "deleted": false })
    );
    assert_eq!(get().await.unwrap(), json!({ "value": 1, "found": true }));
    let other = call(&plugin, "config.get", json!({ "key": "other", "default": 2 })).await.unwrap();
    assert_eq!(other, json!({ "value": 2, "found": false }));
    let none = call(&plugin, "config.get", json!({ "key": "other" })).await.unwrap();
    assert_eq!(none, json!({ "value": null, "found": false }));
}

#[tokio::test]
async fn reads_are_answered_at_once() {
    let (dir, context) = scene();
    let plugin = process(&context, &dir, "a");
    let params = raw(&json!({ "key": "k" }));
    let reply = plugin.request("config.get", Some(&params));
    assert!(matches!(reply, outboard_context::Reply::Now(Ok(_))), "{reply:?}");
}

#[tokio::test]
async fn sets_that_nobody_awaited_in_turn_take_effect_in_the_order_of_the_calls() {
    let (dir, context) = scene();
    let plugin = process(&context, &dir, "a");
    let replies: Vec<_> = (0..1000)
        .map(|n| plugin.request("config.set", Some(&raw(&json!({ "key": "k", "value": n })))))
        .collect();
    // Awaited from the last to the first, so that any order of awaiting would show.
    for reply in replies.into_iter().rev() {
        soon(reply.outcome()).await.unwrap();
    }
    let got = call(&plugin, "config.get", json!({ "key": "k" })).await.unwrap();
    assert_eq!(got["value"], 999);
}

#[tokio::test]
async fn what_is_too_large_is_refused_and_costs_the_others_nothing() {
    let (dir, context) = scene();
    let (loud, quiet) = (process(&context, &dir, "loud"), process(&context, &dir, "quiet"));
    let too_large = "x".repeat(1024 * 1024);
    let refused = call(&loud, "config.set", json!({ "key": "k", "value": too_large })).await;
    let refused = refused.unwrap_err();
    let retryable = refused.data.as_ref().is_none_or(|data| data.retryable);
    assert_eq!(
        (refused.reason(), retryable),
        (Some(ErrorReason::LimitExceeded), false),
        "it stays too large"
    );
    let value = "x".repeat(1024 * 1024 - 2);
    for n in 0..3 {
        call(&loud, "config.set", json!({ "key": format!("k{n}"), "value": value })).await.unwrap();
    }
    // The fourth does not fit with its key; in the same group are sets that do.
    let last = loud.request("config.set", Some(&raw(&json!({ "key": "k3", "value": value }))));
    let small = loud.request("config.set", Some(&raw(&json!({ "key": "small", "value": 1 }))));
    let other = quiet.request("config.set", Some(&raw(&json!({ "key": "k", "value": 1 }))));
    let refused = soon(last.outcome()).await.unwrap_err();
    assert_eq!(refused.reason(), Some(ErrorReason::LimitExceeded));
    assert!(refused.message.contains("plugin loud"), "{refused}");
    soon(small.outcome()).await.unwrap();
    soon(other.outcome()).await.unwrap();
    // Overwriting with less makes room again.
    call(&loud, "config.set", json!({ "key": "k0", "value": 0 })).await.unwrap();
    call(&loud, "config.set", json!({ "key": "k3", "value": value })).await.unwrap();
}

#[tokio::test]
async fn a_deleted_value_makes_room_for_as_much_as_it_was_and_no_more() {
    let (dir, context) = scene();
    let plugin = process(&context, &dir, "a");
    let value = "x".repeat(1024 * 1024 - 2);
    for key in ["k0", "k1", "k2"] {
        call(&plugin, "config.set", json!({ "key": key, "value": value })).await.unwrap();
    }
    let fourth = json!({ "key": "k3", "value": value });
    call(&plugin, "config.set", json!({ "key": "small", "value": 1 })).await.unwrap();
    call(&plugin, "config.delete", json!({ "key": "small" })).await.unwrap();
    let refused = call(&plugin, "config.set", fourth.clone()).await;
    assert_eq!(reason(refused), ErrorReason::LimitExceeded);

    // Once more in one transaction, where the room is known as what is staged: of 4 MiB, 16 bytes are left without `small`.
    let filler = "x".repeat(1024 * 1024 - 25);
    call(&plugin, "config.set", json!({ "key": "f", "value": filler })).await.unwrap();
    call(&plugin, "config.set", json!({ "key": "small", "value": 1 })).await.unwrap();
    occupy(&context, "a");
    let delete = plugin.request("config.delete", Some(&raw(&json!({ "key": "small" }))));
    let set = plugin.request("config.set", Some(&raw(&json!({ "key": "more", "value": "x".repeat(18) }))));
    soon(delete.outcome()).await.unwrap();
    let refused = soon(set.outcome()).await.unwrap_err();
    assert_eq!(refused.reason(), Some(ErrorReason::LimitExceeded));
    call(&plugin, "config.set", json!({ "key": "more", "value": "x".repeat(10) })).await.unwrap();

    call(&plugin, "config.delete", json!({ "key": "f" })).await.unwrap();
    call(&plugin, "config.delete", json!({ "key": "more" })).await.unwrap();
    call(&plugin, "config.delete", json!({ "key": "k0" })).await.unwrap();
    call(&plugin, "config.set", fourth).await.unwrap();
}

#[tokio::test]
async fn everything_that_a_plugin_may_keep_fits_one_answer() {
    let (dir, context) = scene();
    let plugin = process(&context, &dir, "a");
    let value = "x".repeat(1024 * 1024 - 2);
    for n in 0.. {
        let set = call(&plugin, "config.set", json!({ "key": format!("k{n}"), "value": value })).await;
        if set.is_err() {
            assert_eq!(reason(set), ErrorReason::LimitExceeded);
            break;
        }
    }
    let all = soon(plugin.request("config.getAll", None).outcome()).await.unwrap();
    assert!(all.get().len() > 1024 * 1024);
    let mut frame = Vec::new();
    outboard_protocol::wire::message::write_outcome(&mut frame, "1", Ok(&all));
    assert!(frame.len() <= outboard_protocol::wire::FRAME_MAX, "{}", frame.len());
}

#[tokio::test]
async fn the_number_of_keys_is_limited() {
    let (dir, context) = scene();
    let plugin = process(&context, &dir, "a");
    for batch in 0..20 {
        let replies: Vec<_> = (0..500)
            .map(|n| json!({ "key": (batch * 500 + n).to_string(), "value": n }))
            .map(|params| plugin.request("config.set", Some(&raw(&params))))
            .collect();
        for reply in replies {
            soon(reply.outcome()).await.unwrap();
        }
    }
    let refused = call(&plugin, "config.set", json!({ "key": "one more", "value": 1 })).await;
    assert_eq!(reason(refused), ErrorReason::LimitExceeded);
    call(&plugin, "config.set", json!({ "key": "0", "value": "again" })).await.unwrap();
    call(&plugin, "config.delete", json!({ "key": "0" })).await.unwrap();
    call(&plugin, "config.set", json!({ "key": "new", "value": 1 })).await.unwrap();
}

#[tokio::test]
async fn a_storm_of_one_plugin_is_refused_beyond_its_share_while_its_neighbour_is_served() {
    let (dir, context) = scene();
    let (loud, quiet) = (process(&context, &dir, "loud"), process(&context, &dir, "quiet"));
    let big = "x".repeat(1_000_000);
    let storm: Vec<_> = (0..40)
        .map(|n| {
            loud.request("config.set", Some(&raw(&json!({ "key": format!("k{}", n % 8), "value": big }))))
        })
        .collect();
    call(&quiet, "config.set", json!({ "key": "k", "value": 1 })).await.unwrap();
    for reply in storm {
        if let Err(error) = soon(reply.outcome()).await {
            assert_eq!(error.reason(), Some(ErrorReason::LimitExceeded), "{error}");
        }
    }
    call(&loud, "config.set", json!({ "key": "after", "value": 1 })).await.unwrap();
}

#[tokio::test]
async fn a_value_that_no_reader_could_take_is_refused() {
    let (dir, context) = scene();
    let plugin = process(&context, &dir, "a");
    for text in [r#"{"key":"k","value":"\ud800"}"#, r#"{"key":"k","value":1e999}"#] {
        let params = serde_json::value::RawValue::from_string(text.to_owned()).unwrap();
        let error = soon(plugin.request("config.set", Some(&params)).outcome()).await.unwrap_err();
        assert_eq!(error.reason(), Some(ErrorReason::InvalidParams), "{text}");
    }
}

#[tokio::test]
async fn declared_settings_bind_the_plugin_and_the_operator() {
    let (dir, context) = scene();
    let settings = [
        json!({ "key": "on", "type": "boolean" }),
        json!({ "key": "n", "type": "range", "min": 1, "max": 5 }),
        json!({ "key": "code", "type": "text", "pattern": "^[A-Z]{4}$" }),
        json!({ "key": "broken", "type": "text", "pattern": "(" }),
        json!({ "key": "pick", "type": "list", "options": ["a", { "value": 2, "label": "two" }] }),
        json!({ "key": "day", "type": "date" }),
        json!({ "key": "any", "type": "json" }),
        json!({ "key": "theirs", "type": "text", "scope": "airline", "default": "x" }),
    ];
    let plugin = process_with(&context, &dir, "a", &settings);
    let good: &[(&str, Value)] = &[
        ("on", json!(true)),
        ("n", json!(5)),
        ("code", json!("EGLL")),
        ("broken", json!("(")),
        ("pick", json!(2)),
        ("day", json!("2026-02-28")),
        ("day", json!("2026-02-28T10:00:00Z")),
        ("any", json!([{}])),
        ("undeclared", json!(null)),
    ];
    for (name, value) in good {
        call(&plugin, "config.set", json!({ "key": name, "value": value })).await.unwrap();
    }
    let bad: &[(&str, Value)] = &[
        ("on", json!("true")),
        ("n", json!(0)),
        ("n", json!(5.5)),
        ("n", json!("3")),
        ("code", json!("egll")),
        ("pick", json!("two")),
        ("day", json!("2026-02-30")),
        ("on", json!(null)),
    ];
    for (name, value) in bad {
        let refused = call(&plugin, "config.set", json!({ "key": name, "value": value })).await.unwrap_err();
        assert_eq!(refused.reason(), Some(ErrorReason::InvalidParams), "{name} {value}");
        assert!(refused.message.contains(name), "{refused}");
        let refused = context.config.set(&id("a"), &key(name), value).await.unwrap_err();
        assert_eq!(refused.reason(), Some(ErrorReason::InvalidParams), "{name} {value}");
    }
    let theirs = json!({ "key": "theirs", "value": "y" });
    assert_eq!(reason(call(&plugin, "config.set", theirs).await), ErrorReason::Denied);
    let theirs = json!({ "key": "theirs" });
    assert_eq!(reason(call(&plugin, "config.delete", theirs.clone()).await), ErrorReason::Denied);
    context.config.set(&id("a"), &key("theirs"), &json!("z")).await.unwrap();
    assert_eq!(call(&plugin, "config.get", theirs).await.unwrap()["value"], "z");
}

#[tokio::test]
async fn an_operator_sees_value_default_scope_and_source() {
    let (dir, context) = scene();
    let _plugin = process_with(&context, &dir, "a", &[json!({ "key": "k", "type": "number", "default": 1 })]);
    let entry = context.config.get(&id("a"), &key("k")).unwrap();
    assert_eq!((entry.value.get(), entry.source), ("1", ConfigSource::Default));
    context.config.set(&id("a"), &key("k"), &json!(2)).await.unwrap();
    context.config.set(&id("a"), &key("free"), &json!("x")).await.unwrap();
    let list = context.config.list(&id("a"));
    assert_eq!(list.len(), 2);
    assert_eq!((list[1].value.get(), list[1].default.clone()), ("2", Some(json!(1))));
    assert_eq!(list[0].scope, None);
    let snapshot: Value = serde_json::from_str(context.config.snapshot(&id("a")).get()).unwrap();
    assert_eq!(snapshot, json!({ "free": "x", "k": 2 }));
    assert!(context.config.delete(&id("a"), &key("k")).await.unwrap());
    assert!(context.config.get(&id("nobody"), &key("k")).is_none());
}

#[tokio::test]
async fn a_change_is_told_to_the_plugin_and_to_its_uis_once_it_is_on_disk() {
    let (dir, context) = scene();
    let plugin = process_with(&context, &dir, "a", &[json!({ "key": "k", "type": "number", "default": 1 })]);
    let (ui, other) = (context.bus.subscribe(&id("a")), context.bus.subscribe(&id("b")));
    let mut mailbox = context.mailbox(&id("a"));
    call(&plugin, "config.set", json!({ "key": "k", "value": 2 })).await.unwrap();
    call(&plugin, "config.set", json!({ "key": "k", "value": 2 })).await.unwrap();
    call(&plugin, "config.delete", json!({ "key": "k" })).await.unwrap();
    let (notices, lost) = mailbox.take_now();
    let told: Vec<(&str, Value)> = notices
        .iter()
        .map(|notice| (notice.method, serde_json::from_str(notice.params.get()).unwrap()))
        .collect();
    let changes = [
        ("config.changed", json!({ "key": "k", "value": 2, "deleted": false })),
        ("config.changed", json!({ "key": "k", "value": 1, "deleted": true })),
    ];
    assert_eq!((told.as_slice(), lost), (changes.as_slice(), 0));
    let frame: Value = serde_json::from_slice(&soon(ui.next()).await.unwrap()).unwrap();
    assert_eq!(frame, json!({ "type": "config", "plugin": "a", "key": "k", "value": 2, "deleted": false }));
    context.config.set(&id("b"), &key("mark"), &json!(1)).await.unwrap();
    let frame: Value = serde_json::from_slice(&soon(other.next()).await.unwrap()).unwrap();
    assert_eq!(frame["key"], "mark");
}

#[tokio::test]
async fn one_plugin_cannot_name_the_keys_of_another() {
    let (dir, context) = scene();
    let (a, b) = (process(&context, &dir, "a"), process(&context, &dir, "b"));
    call(&a, "config.set", json!({ "key": "k", "value": "of a" })).await.unwrap();
    let forged = json!({ "key": "k", "plugin": "a", "id": "a" });
    assert_eq!(
        call(&b, "config.get", forged.clone()).await.unwrap(),
        json!({ "value": null, "found": false })
    );
    assert_eq!(call(&b, "config.delete", forged).await.unwrap(), json!({ "deleted": false }));
    assert_eq!(call(&b, "config.getAll", json!({})).await.unwrap(), json!({ "values": {} }));
    assert_eq!(call(&a, "config.get", json!({ "key": "k" })).await.unwrap()["value"], "of a");
}

#[tokio::test]
async fn an_export_is_imported_elsewhere_all_of_it_or_nothing() {
    let (dir, context) = scene();
    let (a, b) = (process(&context, &dir, "a"), process(&context, &dir, "b"));
    for n in 0..5 {
        call(&a, "config.set", json!({ "key": format!("k{n}"), "value": { "n": n } })).await.unwrap();
    }
    call(&b, "config.set", json!({ "key": "k", "value": "of b" })).await.unwrap();
    let document = serde_json::to_value(context.config.export(None)).unwrap();
    assert_eq!(document["plugins"]["b"], json!({ "k": "of b" }));
    assert_eq!(context.config.export(Some(&id("a"))).plugins.len(), 1);

    let (dir, context) = scene();
    let _b = process_with(&context, &dir, "b", &[json!({ "key": "k", "type": "number" })]);
    let import = |document: &Value| context.config.import(&serde_json::from_value(document.clone()).unwrap());
    let error = import(&document).await.unwrap_err();
    assert!(error.message.contains("plugin b") && error.message.contains("\"k\""), "{error}");
    assert!(context.config.list(&id("a")).is_empty());
    // A limit is found out only while the rows are written.
    let big = "x".repeat(1_000_000);
    let many: serde_json::Map<String, Value> = (0..20).map(|n| (format!("k{n}"), json!(big))).collect();
    let error = import(&json!({ "version": 1, "plugins": { "a": many } })).await.unwrap_err();
    assert_eq!(error.reason(), Some(ErrorReason::LimitExceeded));
    assert!(context.config.list(&id("a")).is_empty());
    let a = process(&context, &dir, "a");
    for n in 0..4 {
        call(&a, "config.set", json!({ "key": format!("k{n}"), "value": big })).await.unwrap();
    }
    let mut fitting = document.clone();
    fitting["plugins"]["b"]["k"] = json!(5);
    assert_eq!(import(&fitting).await.unwrap(), 6);
    assert_eq!(call(&a, "config.get", json!({ "key": "k4" })).await.unwrap()["value"], json!({ "n": 4 }));
    let newer = json!({ "version": 2, "plugins": {} });
    assert_eq!(import(&newer).await.unwrap_err().reason(), Some(ErrorReason::InvalidParams));
}

#[tokio::test]
async fn a_set_to_what_is_kept_comes_after_every_change_that_still_waits() {
    let (dir, context) = scene();
    let config = &context.config;
    let a = id("a");
    config.set(&a, &key("k"), &json!("kept")).await.unwrap();
    occupy(&context, "a");
    let (away, back) =
        (config.set(&a, &key("k"), &json!("other")), config.set(&a, &key("k"), &json!("kept")));
    assert_eq!((away.await, back.await), (Ok(()), Ok(())));
    assert_eq!(config.get(&a, &key("k")).unwrap().value.get(), "\"kept\"");
    occupy(&context, "b");
    let other = json!({ "version": 1, "plugins": { "a": { "k": "imported" } } });
    let other = config.import(&serde_json::from_value(other).unwrap());
    let back = config.set(&a, &key("k"), &json!("kept"));
    assert_eq!((other.await, back.await), (Ok(1), Ok(())));
    assert_eq!(config.get(&a, &key("k")).unwrap().value.get(), "\"kept\"");
    context.close().await;
    drop(context);
    let context = open(&dir.path().join("data"));
    assert_eq!(context.config.get(&a, &key("k")).unwrap().value.get(), "\"kept\"");
}

#[tokio::test]
async fn a_mailbox_that_nobody_empties_keeps_the_latest_and_counts_the_rest() {
    let (_dir, context) = scene();
    let mut mailbox = context.mailbox(&id("a"));
    for half in [0..600, 600..1200] {
        let sets: Vec<_> = half.map(|n| context.config.set(&id("a"), &key("k"), &json!(n))).collect();
        for set in sets {
            set.await.unwrap();
        }
    }
    let (notices, lost) = mailbox.take_now();
    assert_eq!((notices.len(), lost), (1024, 176));
    let last: Value = serde_json::from_str(notices[1023].params.get()).unwrap();
    assert_eq!(last["value"], 1199);
}
