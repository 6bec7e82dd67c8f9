//! Renewal of the airline's bearer, against servers on loopback.
#![allow(clippy::unwrap_used)] // a test that cannot set its scene has failed

mod support;

use std::sync::Arc;
use std::time::Duration;

use outboard_context::airline::AirlineOptions;
use outboard_context::{Context, ContextOptions};
use outboard_protocol::ErrorReason;
use outboard_protocol::control::HostEvent;
use serde_json::{Value, json};
use support::airline::*;
use support::server::{Server, json_answer};
use support::*;

#[tokio::test]
async fn one_exchange_serves_everybody_and_the_rotated_token_is_on_disk_before_anybody_is_answered() {
    let (dir, context) = scene();
    let server = Server::start(renewing(ROTATING)).await;
    bind(&context, &server, json!({})).await;
    let plugins: Vec<_> = ["a", "b", "c"].iter().map(|plugin| process(&context, &dir, plugin)).collect();
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
    let (dir, context) = scene();
    let server = Server::start(renewing(r#"{"bearer":"CANARY-new-bearer","next":"n2"}"#)).await;
    let format = json!({ "body": "json", "refreshTokenField": "rt", "extra": { "client_id": "x\"y" },
        "accessTokenField": "bearer", "newRefreshTokenField": "next" });
    bind(&context, &server, json!({ "refreshFormat": format })).await;
    let plugin = process(&context, &dir, "a");
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
    let (dir, context) = scene();
    let server =
        Server::start(|_| json_answer("400 Bad Request", r#"{"error":"CANARY-refresh is used up"}"#)).await;
    bind(&context, &server, json!({})).await;
    let mut events = context.host_events();
    let plugin = process(&context, &dir, "a");
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
    bind(&context, &server, json!({})).await;
    call(&plugin, "airline.refresh", json!({ "staleToken": OLD })).await.unwrap_err();
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn a_server_that_is_down_is_not_stormed_and_the_error_says_that_it_may_pass() {
    let (dir, context) = scene();
    let server = Server::start(|_| json_answer("503 Service Unavailable", "")).await;
    bind(&context, &server, json!({})).await;
    let plugin = process(&context, &dir, "a");
    for _ in 0..20 {
        let error = call(&plugin, "airline.refresh", json!({ "staleToken": OLD })).await.unwrap_err();
        assert_eq!(error.reason(), Some(ErrorReason::AuthRequired));
        assert!(error.data.unwrap().retryable);
    }
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn without_anything_to_exchange_the_host_is_told_and_nobody_is_asked() {
    let (dir, context) = scene();
    let plugin = process(&context, &dir, "a");
    assert_eq!(reason(call(&plugin, "airline.refresh", json!({})).await), ErrorReason::AuthRequired);
    let bound = json!({ "id": "va", "baseUrl": "http://127.0.0.1:1", "token": OLD });
    context.airline.set(serde_json::from_value(bound).unwrap()).await.unwrap();
    let mut events = context.host_events();
    assert_eq!(reason(call(&plugin, "airline.refresh", json!({})).await), ErrorReason::AuthRequired);
    assert!(matches!(soon(events.recv()).await.unwrap(), HostEvent::AuthRequired { .. }));
}

#[tokio::test]
async fn answers_that_make_no_sense_bring_no_token() {
    for body in
        ["", "[]", "{}", r#"{"access_token":5}"#, r#"{"access_token":"a\r\nb"}"#, r#"{"access_token":""}"#]
    {
        let (dir, context) = scene();
        let server = Server::start(move |_| json_answer("200 OK", body)).await;
        bind(&context, &server, json!({})).await;
        let plugin = process(&context, &dir, "a");
        let refused = call(&plugin, "airline.refresh", json!({ "staleToken": OLD })).await;
        assert_eq!(reason(refused), ErrorReason::AuthRequired, "{body}");
        let current = call(&plugin, "airline.getCurrent", json!({})).await.unwrap();
        assert_eq!(current["airline"]["token"], OLD);
    }
}

#[tokio::test]
async fn a_refresh_that_the_airline_outran_changes_nothing() {
    let (dir, context) = scene();
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
    bind(&context, &server, json!({})).await;
    let plugin = process(&context, &dir, "a");
    let asking =
        tokio::spawn(async move { call(&plugin, "airline.refresh", json!({ "staleToken": OLD })).await });
    soon(tokio::task::spawn_blocking(move || asked_seen.recv())).await.unwrap().unwrap();
    bind(&context, &server, json!({ "id": "other", "token": "of-the-other" })).await;
    go.send(()).unwrap();
    assert_eq!(soon(asking).await.unwrap().unwrap(), json!({ "token": "of-the-other" }));
    assert_eq!(context.airline.status().airline.unwrap().id, "other");
    let kept = std::fs::read_to_string(dir.path().join("data/sign-in.json")).unwrap();
    assert!(!kept.contains(NEW), "the new airline got the tokens of the old one");
    drop(server);
    runtime.shutdown_background();
}

#[tokio::test]
async fn a_request_is_not_made_again_to_an_airline_that_was_bound_meanwhile() {
    let (dir, context) = scene();
    let (asked, asked_seen) = std::sync::mpsc::sync_channel(1);
    let (go, wait) = std::sync::mpsc::sync_channel::<()>(1);
    let gate = std::sync::Mutex::new((asked, wait));
    let server = Server::start(move |request| {
        if request.target != "/refresh" {
            return json_answer("401 Unauthorized", "{}");
        }
        let gate = gate.lock().unwrap();
        gate.0.send(()).unwrap();
        tokio::task::block_in_place(|| gate.1.recv()).unwrap();
        json_answer("200 OK", ROTATING)
    });
    // The server holds its thread while it waits, so it has a runtime of its own.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let server = runtime.spawn(server).await.unwrap();
    bind(&context, &server, json!({})).await;
    let plugin = process(&context, &dir, "a");
    let params = json!({ "method": "POST", "path": "/pireps", "body": { "n": 1 } });
    let asking = tokio::spawn(async move { call(&plugin, "airline.request", params).await });
    soon(tokio::task::spawn_blocking(move || asked_seen.recv())).await.unwrap().unwrap();
    bind(&context, &server, json!({ "id": "other", "token": "of-the-other" })).await;
    go.send(()).unwrap();
    assert_eq!(soon(asking).await.unwrap().unwrap()["status"], 401);
    let seen = server.seen();
    assert!(seen.iter().all(|request| request.header("authorization") != Some("Bearer of-the-other")));
    drop(server);
    runtime.shutdown_background();
}

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
    let context = Context::open(ContextOptions { airline, ..options(&dir.path().join("data")) }).unwrap();
    let (listener, origin) = silent();
    let bound = json!({ "id": "va", "baseUrl": origin, "token": OLD, "refreshToken": REFRESH, "refreshUrl": format!("{origin}/refresh") });
    context.airline.set(serde_json::from_value(bound).unwrap()).await.unwrap();
    let plugins: Vec<_> = ["a", "b"].iter().map(|plugin| process(&context, &dir, plugin)).collect();
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
