//! Sign-in, airline, databases, routes and events: what a plugin can reach, and what it cannot.
#![allow(clippy::unwrap_used)] // a test that cannot set its scene has failed

mod support;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use outboard_broker::{Provider, Standing};
use outboard_context::database::DataQuotas;
use outboard_context::{Context, ContextOptions, ProcessContext, ProcessIdentity};
use outboard_protocol::ErrorReason;
use outboard_protocol::control::{AirlineSetParams, AuthSetParams};
use outboard_protocol::id::{Channel, RoutePrefix, ServiceName};
use serde_json::{Value, json};
use support::*;

fn airline(value: Value) -> AirlineSetParams {
    serde_json::from_value(value).unwrap()
}

fn auth(token: &str) -> AuthSetParams {
    AuthSetParams { token: token.to_owned() }
}

fn prefix(text: &str) -> RoutePrefix {
    RoutePrefix::new(text).unwrap()
}

#[tokio::test]
async fn a_plugin_sees_the_sign_in_and_is_told_that_it_changed_and_not_what_it_is() {
    let (dir, context) = scene();
    let plugin = process(&context, &dir, "a");
    let (mut news, mut watch) = (context.news(), context.auth.watch());
    let mut mailbox = context.mailbox(&id("a"));
    assert!(!*watch.borrow());
    assert_eq!(call(&plugin, "auth.getToken", json!({})).await.unwrap(), json!({ "token": null }));
    context.auth.set(auth("CANARY-1")).await.unwrap();
    soon(watch.wait_for(|signed_in| *signed_in)).await.unwrap();
    assert_eq!(call(&plugin, "auth.getToken", json!({})).await.unwrap(), json!({ "token": "CANARY-1" }));
    let asked = call(&plugin, "auth.isAuthenticated", json!({})).await.unwrap();
    assert_eq!(asked, json!({ "authenticated": true }));
    let notice = soon(news.recv()).await.unwrap();
    assert_eq!((notice.method, notice.params.get()), ("auth.changed", r#"{"authenticated":true}"#));
    context.auth.set(auth("CANARY-1")).await.unwrap();
    context.auth.clear().await.unwrap();
    assert_eq!(soon(news.recv()).await.unwrap().params.get(), r#"{"authenticated":false}"#);
    let (told, _) = mailbox.take_now();
    let told: Vec<&str> = told.iter().map(|notice| notice.params.get()).collect();
    assert_eq!(told, [r#"{"authenticated":true}"#, r#"{"authenticated":false}"#]);
}

#[tokio::test]
async fn the_sign_in_outlives_the_context_and_clearing_leaves_nothing_of_it() {
    let (dir, context) = scene();
    let data = dir.path().join("data");
    context.auth.set(auth("CANARY-1")).await.unwrap();
    let bound = json!({ "id": "va", "baseUrl": "https://VA.example.com:443/", "token": "CANARY-2", "refreshToken": "CANARY-3", "refreshUrl": "https://va.example.com/refresh" });
    context.airline.set(airline(bound)).await.unwrap();
    context.close().await;
    let context = open(&data);
    let plugin = process(&context, &dir, "a");
    let current = call(&plugin, "airline.getCurrent", json!({})).await.unwrap();
    let expected = json!({ "id": "va", "baseUrl": "https://va.example.com", "token": "CANARY-2" });
    assert_eq!(current, json!({ "airline": expected }));
    assert!(context.airline.status().can_refresh);
    assert!(context.auth.status().authenticated);
    context.auth.clear().await.unwrap();
    context.airline.clear().await.unwrap();
    assert_eq!(call(&plugin, "airline.getCurrent", json!({})).await.unwrap(), json!({ "airline": null }));
    context.close().await;
    for path in walk(&data) {
        let bytes = fs::read(&path).unwrap();
        assert!(!bytes.windows(6).any(|window| window == b"CANARY"), "{}", path.display());
    }
}

fn walk(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(walk(&path)) } else { files.push(path) }
    }
    files
}

#[tokio::test]
async fn urls_and_tokens_that_could_go_astray_are_refused_without_being_shown() {
    let (_dir, context) = scene();
    let bad = [
        "ftp://va.example.com",
        "va.example.com",
        "https://user:CANARY@va.example.com",
        "https://va.example.com/path",
        "https://va.example.com?x",
        "https://va.example.com#x",
        "https://va.example.com\r\nHost: evil",
        "file:///etc/passwd",
        "",
    ];
    for url in bad {
        let error = context.airline.set(airline(json!({ "id": "va", "baseUrl": url }))).await.unwrap_err();
        assert_eq!(error.reason(), Some(ErrorReason::InvalidParams), "{url}");
        assert!(error.message.contains("baseUrl") && !error.message.contains("CANARY"), "{error}");
    }
    for token in ["", "CANARY\n", "CANARY x", &"x".repeat(70_000)] {
        let error = context.auth.set(auth(token)).await.unwrap_err();
        assert!(!error.message.contains("CANARY"), "{error}");
    }
    assert!(context.airline.status().airline.is_none());
}

#[tokio::test]
async fn a_database_is_granted_in_a_private_folder_of_the_plugins_own() {
    let (dir, context) = scene();
    let plugin = process(&context, &dir, "a");
    let granted = call(&plugin, "database.open", json!({ "file": "reports.db" })).await.unwrap();
    let folder = dir.path().join("data/plugins-data/a");
    assert_eq!(granted["path"], folder.join("reports.db").to_str().unwrap());
    assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    fs::write(folder.join("reports.db"), "").unwrap();
    call(&plugin, "database.open", json!({ "file": "reports.db" })).await.unwrap();
    for file in ["../b/x.db", "/etc/passwd", ".hidden", "x\0.db", "", "x/y", "x-wal", &"x".repeat(200)] {
        let refused = call(&plugin, "database.open", json!({ "file": file })).await;
        assert_eq!(reason(refused), ErrorReason::InvalidParams, "{file:?}");
    }
}

#[tokio::test]
async fn a_link_out_of_the_folder_is_no_database() {
    let (dir, context) = scene();
    let (a, b) = (process(&context, &dir, "a"), process(&context, &dir, "b"));
    let of_b = call(&b, "database.open", json!({ "file": "b.db" })).await.unwrap();
    let of_b = of_b["path"].as_str().unwrap();
    fs::write(of_b, "secret").unwrap();
    call(&a, "database.open", json!({ "file": "a.db" })).await.unwrap();
    let folder = dir.path().join("data/plugins-data/a");
    symlink(of_b, folder.join("soft.db")).unwrap();
    fs::hard_link(of_b, folder.join("hard.db")).unwrap();
    symlink(of_b, folder.join("side.db-wal")).unwrap();
    symlink("/nowhere", folder.join("dangling.db")).unwrap();
    fs::create_dir(folder.join("folder.db")).unwrap();
    for file in ["soft.db", "hard.db", "side.db", "dangling.db", "folder.db"] {
        let refused = call(&a, "database.open", json!({ "file": file })).await;
        assert_eq!(reason(refused), ErrorReason::Denied, "{file}");
    }
    symlink(dir.path().join("data/plugins-data/b"), dir.path().join("data/plugins-data/c")).unwrap();
    let c = process(&context, &dir, "c");
    assert_eq!(reason(call(&c, "database.open", json!({ "file": "b.db" })).await), ErrorReason::Denied);
}

#[tokio::test]
async fn a_plugin_owns_its_place_below_api_and_other_prefixes_go_to_the_first() {
    let (dir, context) = scene();
    let (a, b) = (process(&context, &dir, "a"), process(&context, &dir, "b"));
    let register = |prefix: &str| json!({ "prefix": prefix });
    let own = call(&a, "server.register", register("/api/a")).await.unwrap();
    assert_eq!(own, json!({ "url": "http://127.0.0.1:2066/api/a" }));
    call(&a, "server.register", register("/api/a/deeper")).await.unwrap();
    call(&a, "server.register", register("/loadsheet")).await.unwrap();
    call(&a, "server.register", register("/loadsheet")).await.unwrap();
    for taken in ["/api/a", "/api/a/x", "/api/not-installed", "/loadsheet", "/loadsheet/x"] {
        let error = call(&b, "server.register", register(taken)).await.unwrap_err();
        assert_eq!(error.reason(), Some(ErrorReason::Conflict), "{taken}");
        assert!(error.message.contains("plugin b") && error.message.contains(taken), "{error}");
    }
    let error = call(&b, "server.register", register("/loadsheet")).await.unwrap_err();
    assert!(error.message.contains("belongs to plugin a"), "{error}");
    for reserved in ["/api", "/API/x", "/api/Config", "/_outboard", "/sw.js", "/robots.txt", "/"] {
        let refused = call(&b, "server.register", register(reserved)).await;
        assert_eq!(reason(refused), ErrorReason::InvalidParams, "{reserved}");
    }
    let owner =
        |path: &str| context.prefixes.owner_of(path).map(|(id, prefix)| (id.to_string(), prefix.to_string()));
    assert_eq!(owner("/loadsheet/x/y"), Some(("a".to_owned(), "/loadsheet".to_owned())));
    assert_eq!(owner("/api/a/deeper/x"), Some(("a".to_owned(), "/api/a/deeper".to_owned())));
    assert_eq!(owner("/loadsheets"), None);
    assert_eq!(owner("/"), None);
    assert_eq!(owner(&"/".repeat(5000)), None);
    // A neighbour cannot take a place above what is another's either, nor give it back.
    call(&a, "server.register", register("/x/y")).await.unwrap();
    assert_eq!(reason(call(&b, "server.register", register("/x")).await), ErrorReason::Conflict);
    call(&b, "server.unregister", register("/loadsheet")).await.unwrap();
    assert_eq!(context.prefixes.of(&id("a")).len(), 4);
}

#[tokio::test]
async fn a_path_of_the_shells_is_for_a_provider_whose_manifest_names_it() {
    let (dir, context) = scene();
    let (a, b) = (process(&context, &dir, "a"), process(&context, &dir, "b"));
    let register = |prefix: &str| json!({ "prefix": prefix });
    let (service, provider) = (ServiceName::new("flight").unwrap(), Provider::Plugin(id("a")));
    context.broker.stand(&service, &provider, Standing::Starting);
    context.broker.serve(&service, &provider, &[prefix("/api/config")]);
    for named in ["/api/config", "/api/config/deeper"] {
        let registered = call(&a, "server.register", register(named)).await.unwrap();
        assert_eq!(registered, json!({ "url": format!("http://127.0.0.1:2066{named}") }));
        call(&a, "server.unregister", register(named)).await.unwrap();
    }
    for (plugin, unnamed) in [(&a, "/api/auth"), (&a, "/api/configs"), (&b, "/api/config")] {
        let error = call(plugin, "server.register", register(unnamed)).await.unwrap_err();
        assert_eq!(error.reason(), Some(ErrorReason::Conflict), "{unnamed}: {error}");
    }
    let error = call(&b, "server.register", register("/api/auth")).await.unwrap_err();
    assert!(error.message.contains("\"provides\"") && error.message.contains("/api/auth"), "{error}");
    // It goes with the manifest, and nothing of it is kept.
    assert_eq!(context.prefixes.owner_of("/api/config"), None);
    context.broker.withdraw(&service, &provider);
    assert_eq!(reason(call(&a, "server.register", register("/api/config")).await), ErrorReason::Conflict);
}

#[tokio::test]
async fn prefixes_are_remembered_until_they_are_given_back() {
    let (dir, context) = scene();
    let a = process(&context, &dir, "a");
    call(&a, "server.register", json!({ "prefix": "/one" })).await.unwrap();
    call(&a, "server.register", json!({ "prefix": "/two" })).await.unwrap();
    call(&a, "server.unregister", json!({ "prefix": "/one" })).await.unwrap();
    context.plugins.set_enabled(&id("a"), false).await.unwrap();
    context.plugins.set_last_version(&id("a"), "1.2.3").await.unwrap();
    context.close().await;
    let context = open(&dir.path().join("data"));
    assert_eq!(context.prefixes.of(&id("a")), [prefix("/two")]);
    assert!(!context.plugins.is_enabled(&id("a")) && context.plugins.is_enabled(&id("b")));
    assert_eq!(context.plugins.last_version(&id("a")).as_deref(), Some("1.2.3"));
    let b = process(&context, &dir, "b");
    assert_eq!(reason(call(&b, "server.register", json!({ "prefix": "/two" })).await), ErrorReason::Conflict);
    context.prefixes.keep_only(|installed| *installed != id("a")).await;
    call(&b, "server.register", json!({ "prefix": "/two" })).await.unwrap();
}

#[tokio::test]
async fn the_number_of_prefixes_is_limited() {
    let (dir, context) = scene();
    let a = process(&context, &dir, "a");
    for n in 0..32 {
        call(&a, "server.register", json!({ "prefix": format!("/p{n}") })).await.unwrap();
    }
    assert_eq!(
        reason(call(&a, "server.register", json!({ "prefix": "/more" })).await),
        ErrorReason::LimitExceeded
    );
}

#[tokio::test]
async fn events_reach_the_uis_of_their_own_plugin_and_no_other() {
    let (dir, context) = scene();
    let (a, b) = (process(&context, &dir, "a"), process(&context, &dir, "b"));
    let (of_a, twin, of_b) =
        (context.bus.subscribe(&id("a")), context.bus.subscribe(&id("a")), context.bus.subscribe(&id("b")));
    a.notify("ipc.send", Some(&raw(&json!({ "channel": "c", "payload": { "n": 1 }, "plugin": "b" }))));
    b.notify("ipc.send", Some(&raw(&json!({ "channel": "c" }))));
    let frame = soon(of_a.next()).await.unwrap();
    let expected = json!({ "type": "event", "plugin": "a", "channel": "c", "payload": { "n": 1 } });
    assert_eq!(serde_json::from_slice::<Value>(&frame).unwrap(), expected);
    let same = soon(twin.next()).await.unwrap();
    assert_eq!(same.as_ptr(), frame.as_ptr(), "the frame is encoded once");
    let frame: Value = serde_json::from_slice(&soon(of_b.next()).await.unwrap()).unwrap();
    assert_eq!(frame, json!({ "type": "event", "plugin": "b", "channel": "c", "payload": null }));
}

#[tokio::test]
async fn a_client_that_never_reads_is_cut_off_and_the_others_get_everything() {
    let (dir, context) = scene();
    let a = process(&context, &dir, "a");
    let (stuck, keen) = (context.bus.connect(), context.bus.connect());
    stuck.subscribe(&id("a"));
    keen.subscribe(&id("a"));
    keen.subscribe(&id("a"));
    keen.subscribe(&id("b"));
    for n in 0..2000 {
        a.notify("ipc.send", Some(&raw(&json!({ "channel": "c", "payload": n }))));
        if n % 100 == 99 {
            for _ in 0..100 {
                soon(keen.next()).await.unwrap();
            }
        }
    }
    assert!(soon(stuck.next()).await.is_err());
    assert_eq!(context.bus.subscribers(&id("a")), 2);
    drop(stuck);
    keen.unsubscribe(&id("a"));
    assert_eq!(context.bus.subscribers(&id("a")), 0);
}

#[tokio::test]
async fn what_waits_for_all_clients_together_is_bounded_and_the_slowest_is_cut() {
    let dir = tempfile::tempdir().unwrap();
    let mut options = outboard_context::ContextOptions::new(dir.path().join("data"));
    options.bus_bytes = 1024 * 1024;
    let context = outboard_context::Context::open(options).unwrap();
    let (a, b) = (process(&context, &dir, "a"), process(&context, &dir, "b"));
    let large = json!({ "channel": "c", "payload": "x".repeat(300 * 1024) });
    let send = |process: &ProcessContext| process.notify("ipc.send", Some(&raw(&large)));
    let stuck = [context.bus.subscribe(&id("a")), context.bus.subscribe(&id("a"))];
    let keen = context.bus.connect();
    keen.subscribe(&id("a"));
    keen.subscribe(&id("b"));
    for _ in 0..3 {
        send(&a);
        soon(keen.next()).await.unwrap();
    }
    // What is shared counts once: both hold the same, which is as much as may wait.
    send(&b);
    soon(keen.next()).await.unwrap();
    assert_eq!(context.bus.subscribers(&id("a")), 3);
    send(&a);
    for client in &stuck {
        assert!(soon(client.next()).await.is_err(), "one cut frees nothing, so both are cut");
    }
    soon(keen.next()).await.unwrap();
    // What answers one client alone counts as well, and what is written piece by piece until its end.
    keen.tell("y".repeat(900 * 1024));
    let piece = keen.piece(64 * 1024).unwrap();
    assert!(piece.first && !piece.last && piece.bytes.len() == 64 * 1024);
    drop(piece);
    let other = context.bus.connect();
    other.tell("z".repeat(300 * 1024));
    soon(keen.cut_off()).await;
    assert!(keen.piece(1).is_none());
    assert_eq!(soon(other.next()).await.unwrap().len(), 300 * 1024);
}

#[tokio::test]
async fn channels_belong_to_one_process() {
    let (dir, context) = scene();
    let (first, second) = (process(&context, &dir, "a"), process(&context, &dir, "a"));
    let channel = Channel::new("c").unwrap();
    call(&first, "ipc.handle", json!({ "channel": "c" })).await.unwrap();
    assert!(first.handles(&channel) && !second.handles(&channel));
    call(&first, "ipc.removeHandler", json!({ "channel": "c" })).await.unwrap();
    assert!(!first.handles(&channel));
    for n in 0..1024 {
        call(&first, "ipc.handle", json!({ "channel": n.to_string() })).await.unwrap();
    }
    assert_eq!(
        reason(call(&first, "ipc.handle", json!({ "channel": "c" })).await),
        ErrorReason::LimitExceeded
    );
}

#[tokio::test]
async fn a_kept_value_reaches_those_who_come_later_even_after_a_restart() {
    let (dir, context) = scene();
    let first = process(&context, &dir, "a");
    let send = |process: &ProcessContext, params: Value| process.notify("ipc.send", Some(&raw(&params)));
    let early = context.bus.subscribe(&id("a"));
    send(&first, json!({ "channel": "status", "payload": 1, "retain": true }));
    send(&first, json!({ "channel": "status", "payload": 2, "retain": true }));
    send(&first, json!({ "channel": "once", "payload": 3 }));
    let frame = |bytes: bytes::Bytes| serde_json::from_slice::<Value>(&bytes).unwrap();
    for payload in [1, 2, 3] {
        let news = frame(soon(early.next()).await.unwrap());
        assert_eq!((&news["payload"], news.get("replayed")), (&json!(payload), None));
    }
    let late = context.bus.subscribe(&id("a"));
    let kept = json!({ "type": "event", "plugin": "a", "channel": "status", "payload": 2, "replayed": 1 });
    assert_eq!(frame(soon(late.next()).await.unwrap()), kept);
    drop(first);
    let second = context
        .for_process(ProcessIdentity { generation: 2, ..process(&context, &dir, "b").identity().clone() });
    assert_eq!(second.identity().id, id("b"));
    let second = context.for_process(ProcessIdentity { id: id("a"), ..second.identity().clone() });
    let restarted = json!({ "type": "restarted", "plugin": "a", "generation": 2 });
    assert_eq!(frame(soon(late.next()).await.unwrap()), restarted);
    assert_eq!(frame(soon(context.bus.subscribe(&id("a")).next()).await.unwrap()), kept);
    send(&second, json!({ "channel": "status", "payload": null, "retain": true }));
    let after = context.bus.subscribe(&id("a"));
    send(&second, json!({ "channel": "mark" }));
    assert_eq!(frame(soon(after.next()).await.unwrap())["channel"], "mark", "null is kept as nothing");
    // What does not fit is sent all the same, and the plugin's log says that it is not kept.
    send(&second, json!({ "channel": "big", "payload": "x".repeat(2_000_000), "retain": true }));
    assert_eq!(frame(soon(after.next()).await.unwrap())["channel"], "big");
    let wanted = outboard_protocol::control::LogsParams { id: Some(id("a")), ..Default::default() };
    let told = context.logs.tail(wanted).await.unwrap();
    assert!(told.iter().any(|record| record.message.contains("not kept")), "{told:?}");
}

#[tokio::test]
async fn a_plugin_near_its_quota_is_warned_and_at_it_keeps_what_it_has_and_is_granted_nothing_more() {
    let dir = tempfile::tempdir().unwrap();
    let single = [(id("roomy"), 1_000_000)].into();
    let data = DataQuotas { common: 100_000, single, ..DataQuotas::default() };
    let context = Context::open(ContextOptions { data, ..options(&dir.path().join("data")) }).unwrap();
    let (mut events, mut mailbox) = (context.host_events(), context.mailbox(&id("a")));
    let ui = context.bus.subscribe(&id("a"));
    let (a, b) = (process(&context, &dir, "a"), process(&context, &dir, "b"));
    let granted = call(&a, "database.open", json!({ "file": "a.db" })).await.unwrap();
    assert_eq!(granted["maxBytes"], 100_000);
    let roomy = process(&context, &dir, "roomy");
    assert_eq!(
        call(&roomy, "database.open", json!({ "file": "r.db" })).await.unwrap()["maxBytes"],
        1_000_000
    );
    let path = std::path::PathBuf::from(granted["path"].as_str().unwrap());
    fs::write(&path, vec![0; 90_000]).unwrap();
    context.databases.measure();
    context.databases.measure();
    let wanted = outboard_protocol::control::LogsParams { id: Some(id("a")), ..Default::default() };
    let told = context.logs.tail(wanted).await.unwrap();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].message.contains("90000"), "{told:?}");
    let near = json!({ "bytes": 90_000, "quota": 100_000, "full": false });
    let (told, _) = soon(mailbox.take()).await;
    let notice = &told[0];
    assert_eq!((told.len(), notice.method), (1, "database.quota"));
    assert_eq!(serde_json::from_str::<Value>(notice.params.get()).unwrap(), near);
    let frame: Value = serde_json::from_slice(&soon(ui.next()).await.unwrap()).unwrap();
    assert_eq!(
        frame,
        json!({ "type": "quota", "plugin": "a", "bytes": 90_000, "quota": 100_000, "full": false })
    );
    let event = serde_json::to_value(soon(events.recv()).await.unwrap()).unwrap();
    assert_eq!((&event["type"], &event["plugin"]), (&"database.quota".into(), &"a".into()));
    let again = call(&a, "database.open", json!({ "file": "a.db" })).await.unwrap();
    assert_eq!(again["maxBytes"], 100_000, "what it has and what is left");
    fs::create_dir(path.with_file_name("below")).unwrap();
    fs::write(path.with_file_name("below").join("x"), vec![0; 20_000]).unwrap();
    assert_eq!(
        reason(call(&a, "database.open", json!({ "file": "new.db" })).await),
        ErrorReason::StorageFull
    );
    assert!(!path.with_file_name("new.db").exists());
    let full = call(&a, "database.open", json!({ "file": "a.db" })).await.unwrap();
    assert_eq!(full["maxBytes"], 90_000, "it can be opened to delete from it, and may not grow");
    assert_eq!(soon(mailbox.take()).await.0[0].method, "database.quota");
    call(&b, "database.open", json!({ "file": "b.db" })).await.unwrap();
    assert_eq!(context.databases.opened(&id("a"))[0].as_str(), "a.db");
    let files = outboard_context::database::files_in(path.parent().unwrap());
    assert_eq!(files.iter().map(|file| (&*file.name, file.bytes)).collect::<Vec<_>>(), [("a.db", 90_000)]);
}
