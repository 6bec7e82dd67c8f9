//! Context calls as such: names, parameters, errors.
#![allow(clippy::unwrap_used)] // a test that cannot set its scene has failed

mod support;

use outboard_context::{ProcessContext, Reply};
use outboard_protocol::ErrorReason;
use outboard_protocol::control::LogsParams;
use outboard_protocol::methods::{Direction, Kind, METHODS};
use serde_json::{Value, json};
use support::*;

#[tokio::test]
async fn an_unknown_method_is_named_in_the_error() {
    let (dir, context) = scene();
    let plugin = process(&context, &dir, "a");
    let error = call(&plugin, "config.explode", json!({})).await.unwrap_err();
    assert_eq!(error.reason(), Some(ErrorReason::MethodNotFound));
    assert!(error.message.contains("config.explode"), "{error}");
    assert_eq!(reason(call(&plugin, "initialize", json!({})).await), ErrorReason::MethodNotFound);
    assert_eq!(reason(call(&plugin, "log", json!({})).await), ErrorReason::MethodNotFound);
}

#[tokio::test]
async fn every_request_of_the_table_is_answered() {
    let (dir, context) = scene();
    let plugin = process(&context, &dir, "a");
    for method in METHODS {
        if method.direction != Direction::PluginToHost || method.kind != Kind::Request {
            continue;
        }
        if let Err(error) = call(&plugin, method.name, json!({})).await {
            assert_ne!(error.reason(), Some(ErrorReason::MethodNotFound), "{}", method.name);
        }
    }
}

#[tokio::test]
async fn what_is_answered_later_is_known_before_it_is_asked() {
    let (dir, context) = scene();
    let plugin = process(&context, &dir, "a");
    let params =
        json!({ "key": "k", "value": 1, "method": "GET", "path": "/", "file": "f.db", "prefix": "/p" });
    for method in METHODS {
        let params = serde_json::value::to_raw_value(&params).unwrap();
        let reply = plugin.request(method.name, Some(&params));
        let later = !matches!(reply, Reply::Now(_));
        assert!(!later || ProcessContext::takes_time(method.name), "{} takes time", method.name);
    }
}

#[tokio::test]
async fn wrong_parameters_are_named() {
    let (dir, context) = scene();
    let plugin = process(&context, &dir, "a");
    let cases: &[(&str, Value, &str)] = &[
        ("config.get", json!({}), "key"),
        ("config.get", json!({ "key": "" }), "config key"),
        ("config.set", json!({ "key": "k" }), "value"),
        ("config.set", json!("k"), "config.set"),
        // Members are known by their names, and never by their place.
        ("config.get", json!(["k"]), "must be an object"),
        ("config.getAll", json!(["k"]), "must be an object"),
        ("ipc.handle", json!({ "channel": "plugin:a:x" }), "leaf name"),
        ("server.register", json!({ "prefix": 5 }), "prefix"),
        ("server.register", json!({ "prefix": "/api/Config" }), "belongs to the shell"),
        ("database.open", json!({ "file": "../x.db" }), "file"),
    ];
    for (method, params, named) in cases {
        let error = call(&plugin, method, params.clone()).await.unwrap_err();
        assert_eq!(error.reason(), Some(ErrorReason::InvalidParams), "{method} {params}");
        assert!(error.message.contains(named), "{method} {params}: {error}");
        assert!(error.message.contains(method), "{method} {params}: {error}");
    }
}

#[tokio::test]
async fn methods_without_parameters_take_none_null_and_empty() {
    let (dir, context) = scene();
    let plugin = process(&context, &dir, "a");
    for params in [None, Some(raw(&json!(null))), Some(raw(&json!({}))), Some(raw(&json!([])))] {
        soon(plugin.request("config.getAll", params.as_deref()).outcome()).await.unwrap();
        soon(plugin.request("auth.isAuthenticated", params.as_deref()).outcome()).await.unwrap();
    }
}

#[tokio::test]
async fn a_notification_that_makes_no_sense_becomes_a_record_in_the_plugins_log() {
    let (dir, context) = scene();
    let plugin = process(&context, &dir, "a");
    plugin.notify("ipc.send", Some(&raw(&json!({ "channel": 5 }))));
    plugin.notify("nonsense", None);
    plugin.notify("log", Some(&raw(&json!({ "level": "loud" }))));
    let records = context.logs.tail(LogsParams { id: Some(id("a")), ..LogsParams::default() }).await.unwrap();
    assert_eq!(records.len(), 3, "{records:#?}");
    assert!(records[1].message.contains("nonsense"));
}
