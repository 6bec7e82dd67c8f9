//! Requests to the airline and what is told of them, against servers on loopback.
#![allow(clippy::unwrap_used)] // a test that cannot set its scene has failed

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use outboard_protocol::ErrorReason;
use outboard_protocol::control::LogsParams;
use serde_json::json;
use support::airline::*;
use support::server::{Answer, Server, json_answer};
use support::*;

#[tokio::test]
async fn a_request_carries_the_bearer_and_is_made_once_more_after_a_401() {
    let (dir, context) = scene();
    let server = Server::start(renewing(ROTATING)).await;
    bind(&context, &server, json!({})).await;
    let plugin = process(&context, &dir, "a");
    let params =
        json!({ "method": "POST", "path": "/pireps?x=1", "headers": { "x-mine": "1" }, "body": { "n": 1 } });
    let answer = call(&plugin, "airline.request", params).await.unwrap();
    assert_eq!((&answer["status"], &answer["body"]), (&json!(200), &json!({ "ok": true })));
    assert_eq!(answer["headers"]["content-type"], "application/json");
    let seen = server.seen();
    assert_eq!(
        seen.iter().map(|request| &*request.target).collect::<Vec<_>>(),
        ["/pireps?x=1", "/refresh", "/pireps?x=1"]
    );
    assert_eq!(seen[0].header("authorization"), Some(&*format!("Bearer {OLD}")));
    assert_eq!(seen[2].header("authorization"), Some(&*format!("Bearer {NEW}")));
    assert_eq!((seen[2].body.as_str(), seen[2].header("x-mine")), (r#"{"n":1}"#, Some("1")));
    assert_eq!(seen[2].header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn a_401_that_no_renewal_cures_reaches_the_plugin() {
    let (dir, context) = scene();
    let tries = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&tries);
    let server = Server::start(move |request| match request.target.as_str() {
        "/refresh" => json_answer("200 OK", ROTATING),
        _ => {
            counted.fetch_add(1, Ordering::SeqCst);
            Answer("401 Unauthorized", String::new(), "no".to_owned())
        }
    })
    .await;
    bind(&context, &server, json!({})).await;
    let plugin = process(&context, &dir, "a");
    let answer = call(&plugin, "airline.request", json!({ "method": "GET", "path": "/x" })).await.unwrap();
    assert_eq!((&answer["status"], &answer["body"]), (&json!(401), &json!("no")));
    assert_eq!(tries.load(Ordering::SeqCst), 2, "retried exactly once");
}

#[tokio::test]
async fn no_path_leads_away_from_the_airline_and_no_header_speaks_for_the_host() {
    let (dir, context) = scene();
    let server = Server::start(|_| json_answer("200 OK", "{}")).await;
    bind(&context, &server, json!({})).await;
    let plugin = process(&context, &dir, "a");
    let paths = [
        "",
        "x",
        "//evil.example/x",
        "/../x",
        "/a/../../x",
        "/a/%2e%2E/x",
        "/a/.%2e",
        "/./x",
        "/\\evil.example",
        "@evil.example/",
        ":80@evil.example/",
        ".evil.example/",
        "/x\r\nHost: evil",
        "/x y",
        "/x\ty",
        "/x#y",
        "http://evil.example/",
        "/x\0",
    ];
    for path in paths {
        let refused = call(&plugin, "airline.request", json!({ "method": "GET", "path": path })).await;
        assert_eq!(reason(refused), ErrorReason::InvalidParams, "{path:?}");
    }
    for name in
        ["Authorization", "host", "Content-Length", "transfer-encoding", "Connection", "x y", "x\r\ny"]
    {
        let params = json!({ "method": "GET", "path": "/x", "headers": { name: "1" } });
        assert_eq!(
            reason(call(&plugin, "airline.request", params).await),
            ErrorReason::InvalidParams,
            "{name:?}"
        );
    }
    for method in ["CONNECT", "get", "", "GET /x HTTP/1.1\r\n"] {
        let params = json!({ "method": method, "path": "/x" });
        assert_eq!(
            reason(call(&plugin, "airline.request", params).await),
            ErrorReason::InvalidParams,
            "{method:?}"
        );
    }
    let evil = json!({ "method": "GET", "path": "/x", "headers": { "x": "1\r\ny: 2" } });
    assert_eq!(reason(call(&plugin, "airline.request", evil).await), ErrorReason::InvalidParams);
    assert!(server.seen().is_empty());
    for path in
        ["/users/@me", "/a//b", "/x?next=//evil.example/..", "/ü", "/x;y=..", "/...", "/.well-known/x"]
    {
        call(&plugin, "airline.request", json!({ "method": "GET", "path": path })).await.unwrap();
    }
}

#[tokio::test]
async fn a_redirect_elsewhere_loses_the_bearer_and_the_plugins_own_headers() {
    let (dir, context) = scene();
    let elsewhere = Server::start(|_| json_answer("200 OK", r#"{"at":"elsewhere"}"#)).await;
    let target = format!("{}/there", elsewhere.origin);
    let server = Server::start(move |request| match request.target.as_str() {
        "/away" => Answer("307 Temporary Redirect", format!("location: {target}\r\n"), String::new()),
        "/home" => Answer("302 Found", "location: /landed\r\n".to_owned(), String::new()),
        "/loop" => Answer("302 Found", "location: /loop\r\n".to_owned(), String::new()),
        "/named" => {
            Answer("302 Found", "location: http://user:pass@127.0.0.1:1/\r\n".to_owned(), String::new())
        }
        _ => json_answer("200 OK", r#"{"at":"home"}"#),
    })
    .await;
    bind(&context, &server, json!({})).await;
    let plugin = process(&context, &dir, "a");
    let request = |path: &str| json!({ "method": "POST", "path": path, "headers": { "x-api-key": "CANARY", "cookie": "CANARY" }, "body": 1 });
    let answer = call(&plugin, "airline.request", request("/away")).await.unwrap();
    assert_eq!(answer["body"], json!({ "at": "elsewhere" }));
    let seen = elsewhere.seen().remove(0);
    assert!(!seen.headers.iter().any(|(_, value)| value.contains("CANARY")), "{:?}", seen.headers);
    let answer = call(&plugin, "airline.request", request("/home")).await.unwrap();
    assert_eq!(answer["body"], json!({ "at": "home" }));
    let landed = server.seen().pop().unwrap();
    assert_eq!((landed.method.as_str(), landed.body.as_str()), ("GET", ""));
    assert_eq!(landed.header("authorization"), Some(&*format!("Bearer {OLD}")));
    assert_eq!(reason(call(&plugin, "airline.request", request("/loop")).await), ErrorReason::LimitExceeded);
    let answer = call(&plugin, "airline.request", request("/named")).await.unwrap();
    assert_eq!(answer["status"], 302);
}

#[tokio::test]
async fn a_response_beyond_all_measure_is_refused() {
    let (dir, context) = scene();
    let server = Server::start(|_| Answer("200 OK", String::new(), "x".repeat(3 * 1024 * 1024))).await;
    bind(&context, &server, json!({})).await;
    let plugin = process(&context, &dir, "a");
    let refused = call(&plugin, "airline.request", json!({ "method": "GET", "path": "/x" })).await;
    assert_eq!(reason(refused), ErrorReason::LimitExceeded);
}

#[tokio::test]
async fn no_token_is_in_any_log() {
    let (dir, context) = scene();
    let server = Server::start(|_| json_answer("401 Unauthorized", "CANARY")).await;
    bind(&context, &server, json!({})).await;
    let plugin = process(&context, &dir, "a");
    call(&plugin, "airline.request", json!({ "method": "GET", "path": "/x" })).await.unwrap();
    call(&plugin, "airline.refresh", json!({ "staleToken": 5, "CANARY": 1 })).await.unwrap_err();
    let unreachable =
        json!({ "baseUrl": "http://127.0.0.1:1", "refreshUrl": "http://127.0.0.1:1/?key=CANARY" });
    bind(&context, &server, unreachable).await;
    let error = call(&plugin, "airline.request", json!({ "method": "GET", "path": "/?key=CANARY" }))
        .await
        .unwrap_err();
    assert!(!error.message.contains("CANARY"), "{error}");
    let error = call(&plugin, "airline.refresh", json!({ "staleToken": OLD })).await.unwrap_err();
    assert!(!error.message.contains("CANARY"), "{error}");
    let records = context.logs.tail(LogsParams::default()).await.unwrap();
    assert!(!records.is_empty());
    assert!(!format!("{records:?}").contains("CANARY"), "{records:#?}");
}

/// A port that takes connections and never says a word.
#[tokio::test]
async fn the_host_hears_of_the_sign_in_and_the_airline_and_of_no_token() {
    let (_dir, context) = scene();
    let mut events = context.host_events();
    context.auth.set(serde_json::from_value(json!({ "token": OLD })).unwrap()).await.unwrap();
    let bound = json!({ "id": "va", "baseUrl": "https://api.example", "token": NEW });
    context.airline.set(serde_json::from_value(bound).unwrap()).await.unwrap();
    context.auth.clear().await.unwrap();
    context.airline.clear().await.unwrap();
    let mut heard = Vec::new();
    for _ in 0..4 {
        heard.push(serde_json::to_value(soon(events.recv()).await.unwrap()).unwrap());
    }
    let airline = json!({ "id": "va", "baseUrl": "https://api.example" });
    assert_eq!(heard[0], json!({ "type": "auth.changed", "authenticated": true }));
    assert_eq!(heard[1], json!({ "type": "airline.changed", "airline": airline }));
    assert_eq!(heard[2], json!({ "type": "auth.changed", "authenticated": false }));
    assert_eq!(heard[3], json!({ "type": "airline.changed", "airline": null }));
}
