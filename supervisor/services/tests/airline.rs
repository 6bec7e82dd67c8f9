//! Renewal of the bearer, and requests to the airline, against servers on loopback.
#![allow(clippy::unwrap_used)] // a test that cannot set its scene has failed

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use outboard_protocol::ErrorReason;
use outboard_protocol::control::{HostEvent, LogsParams};
use outboard_services::airline::AirlineOptions;
use outboard_services::{ServiceOptions, Services};
use serde_json::{Value, json};
use support::server::{Answer, Server, json_answer};
use support::*;

const OLD: &str = "CANARY-old-bearer";
const NEW: &str = "CANARY-new-bearer";
const REFRESH: &str = "CANARY-refresh";

async fn bind(services: &Services, server: &Server, more: Value) {
    let mut params = json!({ "id": "va", "baseUrl": server.origin, "token": OLD, "refreshToken": REFRESH,
        "refreshUrl": format!("{}/refresh", server.origin) });
    params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    services.airline.set(serde_json::from_value(params).unwrap()).await.unwrap();
}

fn renewing(body: &'static str) -> impl Fn(&support::server::Request) -> Answer {
    move |request| match request.target.as_str() {
        "/refresh" => json_answer("200 OK", body),
        _ if request.header("authorization") == Some(&format!("Bearer {NEW}")) => {
            json_answer("200 OK", r#"{"ok":true}"#)
        }
        _ => json_answer("401 Unauthorized", "{}"),
    }
}

const ROTATING: &str =
    r#"{"access_token":"CANARY-new-bearer","refresh_token":"CANARY-refresh-2","token_type":"Bearer"}"#;

#[tokio::test]
async fn one_exchange_serves_everybody_and_the_rotated_token_is_on_disk_before_anybody_is_answered() {
    let (dir, services) = scene();
    let server = Server::start(renewing(ROTATING)).await;
    bind(&services, &server, json!({})).await;
    let plugins: Vec<_> = ["a", "b", "c"].iter().map(|plugin| process(&services, &dir, plugin)).collect();
    let stale = json!({ "staleToken": OLD });
    let asking = (0..60).map(|n| {
        let (plugin, stale) = (Arc::clone(&plugins[n % 3]), stale.clone());
        tokio::spawn(async move { call(&plugin, "airline.refresh", stale).await })
    });
    let path = dir.path().join("data/sign-in.json");
    for task in asking.collect::<Vec<_>>() {
        assert_eq!(soon(task).await.unwrap().unwrap(), json!({ "token": NEW }));
        assert!(std::fs::read_to_string(&path).unwrap().contains("CANARY-refresh-2"));
    }
    // Whoever comes late with the old one gets the new one without an exchange.
    assert_eq!(call(&plugins[0], "airline.refresh", stale).await.unwrap(), json!({ "token": NEW }));
    let seen = server.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].method, "POST");
    assert_eq!(seen[0].header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(seen[0].body, format!("grant_type=refresh_token&refresh_token={REFRESH}"));
    assert_eq!(seen[0].header("authorization"), None);
    let current = call(&plugins[0], "airline.getCurrent", json!({})).await.unwrap();
    assert_eq!(current["airline"]["token"], NEW);
    // With the new one stale the rotated refresh token is what is exchanged.
    call(&plugins[0], "airline.refresh", json!({ "staleToken": NEW })).await.unwrap();
    assert!(server.seen()[1].body.ends_with("refresh_token=CANARY-refresh-2"));
}

#[tokio::test]
async fn fields_and_body_of_the_exchange_are_what_the_host_says() {
    let (dir, services) = scene();
    let server = Server::start(renewing(r#"{"bearer":"CANARY-new-bearer","next":"n2"}"#)).await;
    let format = json!({ "body": "json", "refreshTokenField": "rt", "extra": { "client_id": "x\"y" },
        "accessTokenField": "bearer", "newRefreshTokenField": "next" });
    bind(&services, &server, json!({ "refreshFormat": format })).await;
    let plugin = process(&services, &dir, "a");
    call(&plugin, "airline.refresh", json!({})).await.unwrap();
    let seen = server.seen().remove(0);
    assert_eq!(
        serde_json::from_str::<Value>(&seen.body).unwrap(),
        json!({ "client_id": "x\"y", "rt": REFRESH })
    );
    assert_eq!(seen.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn a_refusal_is_told_to_the_host_once_and_the_server_is_not_asked_again_until_the_airline_is_set_anew()
{
    let (dir, services) = scene();
    let server =
        Server::start(|_| json_answer("400 Bad Request", r#"{"error":"CANARY-refresh is used up"}"#)).await;
    bind(&services, &server, json!({})).await;
    let mut events = services.host_events();
    let plugin = process(&services, &dir, "a");
    for _ in 0..20 {
        let error = call(&plugin, "airline.refresh", json!({ "staleToken": OLD })).await.unwrap_err();
        assert_eq!(error.reason(), Some(ErrorReason::AuthRequired));
        assert!(!error.message.contains("CANARY"), "{error}");
    }
    assert_eq!(server.seen().len(), 1);
    let HostEvent::AuthRequired { reason } = soon(events.recv()).await.unwrap() else {
        panic!("another event")
    };
    assert!(reason.contains("400") && !reason.contains("CANARY"), "{reason}");
    assert!(events.try_recv().is_err());
    bind(&services, &server, json!({})).await;
    call(&plugin, "airline.refresh", json!({ "staleToken": OLD })).await.unwrap_err();
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn a_server_that_is_down_is_not_stormed_and_the_error_says_that_it_may_pass() {
    let (dir, services) = scene();
    let server = Server::start(|_| json_answer("503 Service Unavailable", "")).await;
    bind(&services, &server, json!({})).await;
    let plugin = process(&services, &dir, "a");
    for _ in 0..20 {
        let error = call(&plugin, "airline.refresh", json!({ "staleToken": OLD })).await.unwrap_err();
        assert_eq!(error.reason(), Some(ErrorReason::AuthRequired));
        assert!(error.data.unwrap().retryable);
    }
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn without_anything_to_exchange_the_host_is_told_and_nobody_is_asked() {
    let (dir, services) = scene();
    let plugin = process(&services, &dir, "a");
    assert_eq!(reason(call(&plugin, "airline.refresh", json!({})).await), ErrorReason::AuthRequired);
    let bound = json!({ "id": "va", "baseUrl": "http://127.0.0.1:1", "token": OLD });
    services.airline.set(serde_json::from_value(bound).unwrap()).await.unwrap();
    let mut events = services.host_events();
    assert_eq!(reason(call(&plugin, "airline.refresh", json!({})).await), ErrorReason::AuthRequired);
    assert!(matches!(soon(events.recv()).await.unwrap(), HostEvent::AuthRequired { .. }));
}

#[tokio::test]
async fn answers_that_make_no_sense_bring_no_token() {
    for body in
        ["", "[]", "{}", r#"{"access_token":5}"#, r#"{"access_token":"a\r\nb"}"#, r#"{"access_token":""}"#]
    {
        let (dir, services) = scene();
        let server = Server::start(move |_| json_answer("200 OK", body)).await;
        bind(&services, &server, json!({})).await;
        let plugin = process(&services, &dir, "a");
        let refused = call(&plugin, "airline.refresh", json!({ "staleToken": OLD })).await;
        assert_eq!(reason(refused), ErrorReason::AuthRequired, "{body}");
        let current = call(&plugin, "airline.getCurrent", json!({})).await.unwrap();
        assert_eq!(current["airline"]["token"], OLD);
    }
}

#[tokio::test]
async fn a_refresh_that_the_airline_outran_changes_nothing() {
    let (dir, services) = scene();
    let (asked, asked_seen) = std::sync::mpsc::sync_channel(1);
    let (go, wait) = std::sync::mpsc::sync_channel::<()>(1);
    let gate = std::sync::Mutex::new((asked, wait));
    let server = Server::start(move |_| {
        let gate = gate.lock().unwrap();
        gate.0.send(()).unwrap();
        tokio::task::block_in_place(|| gate.1.recv()).unwrap();
        json_answer("200 OK", ROTATING)
    });
    // The server holds its thread while it waits, so it has a runtime of its own.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let server = runtime.spawn(server).await.unwrap();
    bind(&services, &server, json!({})).await;
    let plugin = process(&services, &dir, "a");
    let asking =
        tokio::spawn(async move { call(&plugin, "airline.refresh", json!({ "staleToken": OLD })).await });
    soon(tokio::task::spawn_blocking(move || asked_seen.recv())).await.unwrap().unwrap();
    bind(&services, &server, json!({ "id": "other", "token": "of-the-other" })).await;
    go.send(()).unwrap();
    assert_eq!(soon(asking).await.unwrap().unwrap(), json!({ "token": "of-the-other" }));
    assert_eq!(services.airline.status().airline.unwrap().id, "other");
    let kept = std::fs::read_to_string(dir.path().join("data/sign-in.json")).unwrap();
    assert!(!kept.contains(NEW), "the new airline got the tokens of the old one");
    drop(server);
    runtime.shutdown_background();
}

#[tokio::test]
async fn a_request_carries_the_bearer_and_is_made_once_more_after_a_401() {
    let (dir, services) = scene();
    let server = Server::start(renewing(ROTATING)).await;
    bind(&services, &server, json!({})).await;
    let plugin = process(&services, &dir, "a");
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
    let (dir, services) = scene();
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
    bind(&services, &server, json!({})).await;
    let plugin = process(&services, &dir, "a");
    let answer = call(&plugin, "airline.request", json!({ "method": "GET", "path": "/x" })).await.unwrap();
    assert_eq!((&answer["status"], &answer["body"]), (&json!(401), &json!("no")));
    assert_eq!(tries.load(Ordering::SeqCst), 2, "retried exactly once");
}

#[tokio::test]
async fn no_path_leads_away_from_the_airline_and_no_header_speaks_for_the_host() {
    let (dir, services) = scene();
    let server = Server::start(|_| json_answer("200 OK", "{}")).await;
    bind(&services, &server, json!({})).await;
    let plugin = process(&services, &dir, "a");
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
    let (dir, services) = scene();
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
    bind(&services, &server, json!({})).await;
    let plugin = process(&services, &dir, "a");
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
    let (dir, services) = scene();
    let server = Server::start(|_| Answer("200 OK", String::new(), "x".repeat(3 * 1024 * 1024))).await;
    bind(&services, &server, json!({})).await;
    let plugin = process(&services, &dir, "a");
    let refused = call(&plugin, "airline.request", json!({ "method": "GET", "path": "/x" })).await;
    assert_eq!(reason(refused), ErrorReason::LimitExceeded);
}

#[tokio::test]
async fn no_token_is_in_any_log() {
    let (dir, services) = scene();
    let server = Server::start(|_| json_answer("401 Unauthorized", "CANARY")).await;
    bind(&services, &server, json!({})).await;
    let plugin = process(&services, &dir, "a");
    call(&plugin, "airline.request", json!({ "method": "GET", "path": "/x" })).await.unwrap();
    call(&plugin, "airline.refresh", json!({ "staleToken": 5, "CANARY": 1 })).await.unwrap_err();
    let unreachable =
        json!({ "baseUrl": "http://127.0.0.1:1", "refreshUrl": "http://127.0.0.1:1/?key=CANARY" });
    bind(&services, &server, unreachable).await;
    let error = call(&plugin, "airline.request", json!({ "method": "GET", "path": "/?key=CANARY" }))
        .await
        .unwrap_err();
    assert!(!error.message.contains("CANARY"), "{error}");
    let error = call(&plugin, "airline.refresh", json!({ "staleToken": OLD })).await.unwrap_err();
    assert!(!error.message.contains("CANARY"), "{error}");
    let records = services.logs.tail(LogsParams::default()).await.unwrap();
    assert!(!records.is_empty());
    assert!(!format!("{records:?}").contains("CANARY"), "{records:#?}");
}

/// A port that takes connections and never says a word.
fn silent() -> (std::net::TcpListener, String) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    (listener, origin)
}

#[tokio::test]
async fn a_server_that_never_answers_costs_a_bounded_time_and_one_exchange() {
    let dir = tempfile::tempdir().unwrap();
    let short = Duration::from_millis(100);
    let airline = AirlineOptions { refresh: short, request: short, ..AirlineOptions::default() };
    let services = Services::open(ServiceOptions { airline, ..options(&dir.path().join("data")) }).unwrap();
    let (listener, origin) = silent();
    let bound = json!({ "id": "va", "baseUrl": origin, "token": OLD, "refreshToken": REFRESH, "refreshUrl": format!("{origin}/refresh") });
    services.airline.set(serde_json::from_value(bound).unwrap()).await.unwrap();
    let plugins: Vec<_> = ["a", "b"].iter().map(|plugin| process(&services, &dir, plugin)).collect();
    let asking = (0..10).map(|n| {
        let plugin = Arc::clone(&plugins[n % 2]);
        tokio::spawn(async move { call(&plugin, "airline.refresh", json!({ "staleToken": OLD })).await })
    });
    for task in asking.collect::<Vec<_>>() {
        let error = soon(task).await.unwrap().unwrap_err();
        assert_eq!(error.reason(), Some(ErrorReason::AuthRequired));
        assert!(error.data.unwrap().retryable);
    }
    listener.set_nonblocking(true).unwrap();
    listener.accept().unwrap();
    assert!(listener.accept().is_err(), "one exchange for all of them");
    let answer = call(&plugins[0], "airline.request", json!({ "method": "GET", "path": "/" })).await;
    assert_eq!(reason(answer), ErrorReason::Timeout);
}

#[tokio::test]
async fn the_host_hears_of_the_sign_in_and_the_airline_and_of_no_token() {
    let (_dir, services) = scene();
    let mut events = services.host_events();
    services.auth.set(serde_json::from_value(json!({ "token": OLD })).unwrap()).await.unwrap();
    let bound = json!({ "id": "va", "baseUrl": "https://api.example", "token": NEW });
    services.airline.set(serde_json::from_value(bound).unwrap()).await.unwrap();
    services.auth.clear().await.unwrap();
    services.airline.clear().await.unwrap();
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
