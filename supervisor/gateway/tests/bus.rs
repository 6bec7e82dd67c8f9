//! The bus of UIs: events, calls, states, and clients that do not keep up.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod fixture;

use std::net::SocketAddr;
use std::sync::Arc;

use fixture::*;
use futures_util::{SinkExt, StreamExt};
use outboard_gateway::Gateway;
use outboard_protocol::PluginId;
use outboard_protocol::control::{AuthSetParams, HostEvent, PluginState};
use outboard_protocol::settings::Setting;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

fn opening(listen: SocketAddr) -> String {
    opening_at(&listen.to_string(), "")
}

fn opening_at(host: &str, lines: &str) -> String {
    format!(
        "GET /_outboard/bus HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n{lines}\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
}

struct Ui(WebSocketStream<TcpStream>);

impl Ui {
    async fn connect(gateway: &Gateway) -> Self {
        Self::open(gateway, &opening(gateway.listen())).await
    }

    async fn open(gateway: &Gateway, opening: &str) -> Self {
        let mut stream = TcpStream::connect(gateway.listen()).await.unwrap();
        stream.write_all(opening.as_bytes()).await.unwrap();
        let head = soon(read_head(&mut stream)).await;
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
        assert!(head.contains("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), "{head}");
        Self(WebSocketStream::from_raw_socket(stream, Role::Client, None).await)
    }

    async fn say(&mut self, frame: Value) {
        self.0.send(Message::text(frame.to_string())).await.unwrap();
    }

    /// The next frame; a close is `{"close": code}`.
    async fn hear(&mut self) -> Value {
        loop {
            match soon(self.0.next()).await {
                Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).unwrap(),
                Some(Ok(Message::Close(frame))) => {
                    return json!({ "close": frame.map(|f| u16::from(f.code)) });
                }
                Some(Ok(_)) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    async fn subscribe(&mut self, plugin: &str) {
        self.say(json!({ "type": "subscribe", "plugin": plugin })).await;
        assert_eq!(self.hear().await["type"], "subscribed");
    }
}

async fn house_with(ids: &[&str]) -> (Arc<House>, Gateway) {
    let house = House::new();
    for id in ids {
        house.plugin(id, waiting("it is starting"));
    }
    let gateway = gateway(&house, |options| options.bus_clients = 3).await;
    (house, gateway)
}

#[tokio::test]
async fn a_ui_hears_its_own_plugin_and_no_other() {
    let (house, gateway) = house_with(&["x", "y"]).await;
    let (mut one, mut other) = (Ui::connect(&gateway).await, Ui::connect(&gateway).await);
    one.say(json!({ "type": "subscribe", "plugin": "x" })).await;
    let subscribed = one.hear().await;
    assert_eq!((&subscribed["type"], &subscribed["plugin"]), (&json!("subscribed"), &json!("x")));
    assert_eq!((&subscribed["state"], &subscribed["config"]), (&json!("starting"), &json!({})));
    other.subscribe("y").await;
    house.push("y", "status", &json!("not for x"));
    house.push("x", "status", &json!({ "pilots": 42 }));
    let event = json!({ "type": "event", "plugin": "x", "channel": "status", "payload": { "pilots": 42 } });
    assert_eq!(one.hear().await, event);
    assert_eq!(other.hear().await["payload"], "not for x");
    one.say(json!({ "type": "unsubscribe", "plugin": "x" })).await;
    assert_eq!(one.hear().await, json!({ "type": "unsubscribed", "plugin": "x" }));
    house.push("x", "status", &json!("unheard"));
    one.say(json!({ "type": "ping" })).await;
    assert_eq!(one.hear().await, json!({ "type": "pong" }));
}

#[tokio::test]
async fn a_page_has_its_own_plugins_part_of_the_bus_by_whatever_name_it_comes() {
    let (house, gateway) = house_with(&["x", "y"]).await;
    let listen = gateway.listen();
    let origin = |label: &str| format!("http://{label}.localhost:{}", listen.port());
    let host = |label: &str| format!("{label}.localhost:{}", listen.port());
    let from = |label: &str| format!("Origin: {}\r\n", origin(label));
    for opening in [
        opening_at(&host("x"), &from("x")),
        opening_at(&host("x"), ""),
        opening_at(&listen.to_string(), &from("x")),
    ] {
        let mut ui = Ui::open(&gateway, &opening).await;
        ui.subscribe("x").await;
        for plugin in ["y", "nobody"] {
            ui.say(json!({ "type": "subscribe", "plugin": plugin })).await;
            assert_eq!(ui.hear().await["error"]["data"]["reason"], "not_found", "{plugin}");
            ui.say(json!({ "type": "invoke", "id": 1, "plugin": plugin, "channel": "c" })).await;
            assert_eq!(ui.hear().await["error"]["data"]["reason"], "not_found", "{plugin}");
        }
        house.push("y", "status", &json!("not for x"));
        house.push("x", "status", &json!("for x"));
        assert_eq!(ui.hear().await["payload"], "for x");
    }
    let mut operator = Ui::open(&gateway, &opening_at(&host("outboard"), &from("outboard"))).await;
    operator.subscribe("x").await;
    operator.subscribe("y").await;
    for (at, lines) in [
        (host("y"), from("x")),
        (host("outboard"), from("x")),
        (listen.to_string(), from("outboard")),
        (listen.to_string(), format!("Origin: http://{listen}\r\n")),
        (listen.to_string(), "Sec-Fetch-Site: same-origin\r\n".to_owned()),
        (host("x"), "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: websocket\r\n".to_owned()),
    ] {
        let answer = exchange(listen, opening_at(&at, &lines).as_bytes()).await.unwrap();
        assert_eq!(status(&answer), 403, "{lines} at {at}");
    }
}

#[tokio::test]
async fn the_operators_page_hears_of_all_plugins_and_of_each_change_and_a_plugins_page_of_none() {
    let (house, gateway) = house_with(&["x", "y"]).await;
    let port = gateway.listen().port();
    let at = |label: &str| {
        let origin = format!("http://{label}.localhost:{port}");
        opening_at(&format!("{label}.localhost:{port}"), &format!("Origin: {origin}\r\n"))
    };
    let mut page = Ui::open(&gateway, &at("x")).await;
    page.say(json!({ "type": "overview" })).await;
    assert_eq!(page.hear().await["error"]["data"]["reason"], "denied");

    let mut operator = Ui::open(&gateway, &at("outboard")).await;
    operator.say(json!({ "type": "overview" })).await;
    let told = operator.hear().await;
    let mut plugins = told["plugins"].as_array().unwrap().clone();
    plugins.sort_by_key(|plugin| plugin["id"].to_string());
    let x = json!({
        "id": "x", "name": "<x>", "version": "1.0.0", "state": "starting", "cause": "its <start> failed",
        "origin": format!("http://x.localhost:{port}"), "hasUi": false, "hasSettings": false,
        // What does not lie in its assets is not shown.
        "iconLight": "assets/icon.svg", "iconDark": null, "routes": ["/api/x"],
    });
    assert_eq!((told["type"].as_str(), plugins.len(), &plugins[0]), (Some("overview"), 2, &x));

    let mut status = outboard_gateway::Directory::plugin(&*house, "y").unwrap();
    status.state = PluginState::Errored;
    house.events.send(HostEvent::PluginState { status: Box::new(status) }).unwrap();
    let one = operator.hear().await;
    // As it is now, which may be newer than the event.
    assert_eq!((&one["type"], &one["shown"]["id"]), (&json!("overview.plugin"), &json!("y")));
    assert_eq!(one["shown"]["state"], "starting");

    house.plugin("z", waiting("it is new"));
    house.rescanned.notify_waiters();
    assert_eq!(operator.hear().await["plugins"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_ui_hears_of_its_plugins_states() {
    let (house, gateway) = house_with(&["x", "y"]).await;
    let mut ui = Ui::connect(&gateway).await;
    ui.subscribe("x").await;
    let plugins = outboard_gateway::Directory::status(&*house).plugins;
    for mut status in plugins {
        status.state = PluginState::Errored;
        house.events.send(HostEvent::PluginState { status: Box::new(status) }).unwrap();
    }
    assert_eq!(ui.hear().await, json!({ "type": "state", "plugin": "x", "state": "errored" }));
    ui.say(json!({ "type": "ping" })).await;
    assert_eq!(ui.hear().await["type"], "pong");
}

#[tokio::test]
async fn a_ui_knows_of_the_sign_in_and_the_airline_and_never_sees_a_token() {
    let (house, gateway) = house_with(&["one"]).await;
    let mut ui = Ui::connect(&gateway).await;
    ui.say(json!({ "type": "subscribe", "plugin": "one" })).await;
    let subscribed = ui.hear().await;
    assert_eq!((&subscribed["authenticated"], &subscribed["airline"]), (&json!(false), &Value::Null));

    let token = "canary-token".to_owned();
    house.context.auth.set(AuthSetParams { token: token.clone() }).await.unwrap();
    assert_eq!(ui.hear().await, json!({ "type": "auth", "authenticated": true }));
    let airline = json!({ "id": "va", "baseUrl": "https://va.example", "token": token });
    house.context.airline.set(serde_json::from_value(airline).unwrap()).await.unwrap();
    let named = json!({ "id": "va", "baseUrl": "https://va.example" });
    assert_eq!(ui.hear().await, json!({ "type": "airline", "airline": named }));
    drop((house, gateway));
}

#[tokio::test]
async fn calls_are_answered_by_their_ids_in_any_order_and_can_be_withdrawn() {
    let (house, gateway) = house_with(&["x"]).await;
    let mut calls = house.calls();
    let mut ui = Ui::connect(&gateway).await;
    let call =
        |id: Value| json!({ "type": "invoke", "id": id, "plugin": "x", "channel": "get", "args": [1, "b"] });
    ui.say(call(json!(1))).await;
    ui.say(call(json!("two"))).await;
    let (first, second) = (soon(calls.recv()).await.unwrap(), soon(calls.recv()).await.unwrap());
    assert_eq!((first.plugin.as_str(), first.channel.as_str()), ("x", "get"));
    assert_eq!(first.args, [json!(1), json!("b")]);
    second.answer.send(Ok(serde_json::value::to_raw_value("later").unwrap())).unwrap();
    assert_eq!(ui.hear().await, json!({ "type": "result", "id": "two", "result": "later" }));
    ui.say(call(json!(1))).await;
    assert_eq!(ui.hear().await["error"]["data"]["reason"], "invalid_request", "the id is in use");
    ui.say(json!({ "type": "cancel", "id": 1 })).await;
    let cancelled = ui.hear().await;
    assert_eq!((&cancelled["id"], &cancelled["error"]["code"]), (&json!(1), &json!(-32800)));
    assert!(first.answer.is_closed(), "the call was withdrawn");
}

#[tokio::test]
async fn the_calls_of_a_ui_that_goes_away_are_withdrawn() {
    let (house, gateway) = house_with(&["x"]).await;
    let mut calls = house.calls();
    let mut ui = Ui::connect(&gateway).await;
    ui.say(json!({ "type": "invoke", "id": 1, "plugin": "x", "channel": "get" })).await;
    let mut call = soon(calls.recv()).await.unwrap();
    drop(ui);
    soon(call.answer.closed()).await;
}

#[tokio::test]
async fn only_so_many_calls_are_in_flight() {
    let (house, gateway) = house_with(&["x"]).await;
    let mut calls = house.calls();
    let mut ui = Ui::connect(&gateway).await;
    let mut held = Vec::new();
    for id in 0..64 {
        ui.say(json!({ "type": "invoke", "id": id, "plugin": "x", "channel": "get" })).await;
        held.push(soon(calls.recv()).await.unwrap());
    }
    ui.say(json!({ "type": "invoke", "id": 64, "plugin": "x", "channel": "get" })).await;
    assert_eq!(ui.hear().await["error"]["data"]["reason"], "limit_exceeded");
}

#[tokio::test]
async fn bad_frames_are_answered_and_change_nothing() {
    let (_house, gateway) = house_with(&["x"]).await;
    let mut ui = Ui::connect(&gateway).await;
    for bad in [
        "",
        "{",
        "[]",
        r#"{"type":"dance"}"#,
        r#"{"type":"subscribe","plugin":"../x"}"#,
        r#"{"type":"invoke"}"#,
    ] {
        ui.0.send(Message::text(bad)).await.unwrap();
        let answer = ui.hear().await;
        assert_eq!((&answer["type"], &answer["id"]), (&json!("error"), &Value::Null), "{bad}");
    }
    ui.say(json!({ "type": "subscribe", "plugin": "nobody" })).await;
    assert_eq!(ui.hear().await["error"]["data"]["reason"], "not_found");
    ui.subscribe("x").await;
    ui.0.send(Message::text("x".repeat(1024 * 1024 + 1))).await.unwrap();
    assert_eq!(ui.hear().await, json!({ "close": 1009 }));
}

#[tokio::test]
async fn a_ui_that_does_not_keep_up_is_cut_off_and_its_neighbour_hears_everything() {
    let (house, gateway) = house_with(&["x"]).await;
    let (mut slow, mut quick) = (Ui::connect(&gateway).await, Ui::connect(&gateway).await);
    slow.subscribe("x").await;
    quick.subscribe("x").await;
    let payload = json!("x".repeat(64 * 1024));
    for _ in 0..400 {
        house.push("x", "flood", &payload);
        assert_eq!(quick.hear().await["channel"], "flood");
    }
    let mut heard = 0;
    let close = loop {
        let frame = slow.hear().await;
        if frame.get("close").is_some() {
            break frame;
        }
        heard += 1;
    };
    assert_eq!(close, json!({ "close": 4008 }));
    assert!(heard < 400);
}

/// What this process holds in memory at most, in KiB, since it began.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test]
async fn uis_that_never_read_hold_little_between_them() {
    let house = House::new();
    house.plugin("x", waiting("it is starting"));
    let gateway = gateway(&house, |_| {}).await;
    let mut stuck = Vec::new();
    for _ in 0..40 {
        let mut ui = Ui::connect(&gateway).await;
        ui.subscribe("x").await;
        stuck.push(ui);
    }
    let mut calls = house.calls();
    for ui in &mut stuck {
        ui.say(json!({ "type": "invoke", "id": 1, "plugin": "x", "channel": "get" })).await;
    }
    let large = json!("x".repeat(7 << 20));
    let before = peak_memory();
    house.push("x", "flood", &large);
    // What is answered waits with what is pushed.
    for _ in 0..stuck.len() {
        let call = soon(calls.recv()).await.unwrap();
        call.answer.send(Ok(serde_json::value::to_raw_value(&"y".repeat(1 << 20)).unwrap())).unwrap();
    }
    house.push("x", "flood", &large);
    // One that reads gets what the others leave.
    let mut keen = Ui::connect(&gateway).await;
    keen.subscribe("x").await;
    house.push("x", "flood", &large);
    assert_eq!(keen.hear().await["channel"], "flood");
    let grown = (peak_memory() - before) / 1024;
    assert!(grown < 40 * 5, "{grown} MiB for {} UIs", stuck.len());
}

#[tokio::test]
async fn the_bus_is_a_websocket_with_so_many_seats_and_says_so() {
    let (_house, gateway) = house_with(&[]).await;
    let listen = gateway.listen();
    let answer = exchange(listen, &get(listen, "/_outboard/bus", "")).await.unwrap();
    assert_eq!((status(&answer), problem(&answer).as_str()), (426, "upgrade-required"));
    let bad = opening(listen).replace("Version: 13", "Version: 8");
    assert_eq!(status(&exchange(listen, bad.as_bytes()).await.unwrap()), 400);
    let seated = [Ui::connect(&gateway).await, Ui::connect(&gateway).await, Ui::connect(&gateway).await];
    let answer = exchange(listen, opening(listen).as_bytes()).await.unwrap();
    assert_eq!(status(&answer), 503);
    drop(seated);
    loop {
        let mut stream = TcpStream::connect(listen).await.unwrap();
        stream.write_all(opening(listen).as_bytes()).await.unwrap();
        if soon(read_head(&mut stream)).await.starts_with("HTTP/1.1 101") {
            break;
        }
        let _ = stream.read_to_end(&mut Vec::new()).await;
    }
}

#[tokio::test]
async fn a_shutdown_says_goodbye_to_uis() {
    let (_house, gateway) = house_with(&["x"]).await;
    let mut ui = Ui::connect(&gateway).await;
    ui.subscribe("x").await;
    let down = tokio::spawn(gateway.shutdown(HANG));
    assert_eq!(ui.hear().await, json!({ "close": 1001 }));
    drop(ui);
    soon(down).await.unwrap();
}

#[tokio::test]
async fn a_page_reads_and_sets_its_plugins_settings_and_nobody_elses() {
    let (house, gateway) = house_with(&["a", "b"]).await;
    let declared = json!([
        { "key": "units", "name": "Units", "type": "list", "options": ["kg", "lb"], "default": "kg" },
        { "key": "hub", "name": "Hub", "type": "text", "scope": "airline" },
    ]);
    let settings: Vec<Setting> = serde_json::from_value(declared).unwrap();
    let id = PluginId::new("a").unwrap();
    house.context.config.declare(&id, settings.into());
    let host = format!("a.localhost:{}", gateway.listen().port());
    let mut ui = Ui::open(&gateway, &opening_at(&host, "")).await;
    ui.say(json!({ "type": "settings", "id": 1, "plugin": "a" })).await;
    let told = ui.hear().await;
    assert_eq!((&told["id"], &told["result"][0]["options"]), (&json!(1), &json!(["kg", "lb"])), "{told}");

    ui.say(json!({ "type": "configure", "id": 2, "plugin": "a", "key": "units", "value": "lb" })).await;
    assert_eq!(ui.hear().await, json!({ "type": "result", "id": 2, "result": null }));
    assert_eq!(house.context.config.snapshot(&id).get(), r#"{"units":"lb"}"#);
    ui.say(json!({ "type": "reset", "id": 3, "plugin": "a", "key": "units" })).await;
    assert_eq!(ui.hear().await, json!({ "type": "result", "id": 3, "result": null }));
    assert_eq!(house.context.config.snapshot(&id).get(), r#"{"units":"kg"}"#);

    for (frame, told) in [
        (json!({ "type": "configure", "plugin": "a", "key": "units", "value": "stones" }), "must be one of"),
        (json!({ "type": "configure", "plugin": "a", "key": "hub", "value": "EGLL" }), "airline scope"),
        (json!({ "type": "reset", "plugin": "a", "key": "hub" }), "airline scope"),
        (
            json!({ "type": "configure", "plugin": "b", "key": "units", "value": "lb" }),
            "its own plugin alone",
        ),
        (json!({ "type": "reset", "plugin": "b", "key": "units" }), "its own plugin alone"),
        (json!({ "type": "settings", "plugin": "b" }), "its own plugin alone"),
    ] {
        let mut frame = frame;
        frame["id"] = json!(9);
        ui.say(frame.clone()).await;
        let refused = ui.hear().await;
        let message = refused["error"]["message"].as_str().unwrap_or_default();
        assert!(refused["id"] == json!(9) && message.contains(told), "{frame}: {refused}");
    }
}
