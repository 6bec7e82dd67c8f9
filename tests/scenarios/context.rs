//! What `ctx.*` comes to over the wire: values, channels, sign-in, databases, logs. Each belongs to one plugin alone.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};
use system_tests::verify::CANARY;
use system_tests::{NEIGHBOUR, Plugin, Supervisor, eventually, socket};

fn subscribed(supervisor: &Supervisor, id: &str) -> socket::Socket<std::net::TcpStream> {
    let mut bus = socket::open(supervisor.address(), "/_outboard/bus", &[]).unwrap();
    bus.say(&json!({ "type": "subscribe", "plugin": id }));
    assert_eq!(bus.hear_of("subscribed")["plugin"], id);
    bus
}

#[test]
fn values_survive_crash_restart_and_update_and_belong_to_one_plugin() {
    let supervisor = Supervisor::builder().plugin(Plugin::hostile("other", &[])).start();
    let get =
        |id: &str| supervisor.plugin_asks(id, "config.get", json!({ "key": "shared" }))["result"].clone();
    for (id, value) in [(NEIGHBOUR, "mine"), ("other", "yours")] {
        let set = supervisor.plugin_asks(id, "config.set", json!({ "key": "shared", "value": value }));
        assert!(set.get("result").is_some(), "{set}");
    }
    let before = supervisor.plugin("other");
    supervisor.fault("other", json!(["kill"]));
    let after = supervisor.wait_for_generation_after("other", &before["generation"]);
    assert_eq!(get("other")["value"], "yours");
    supervisor.install(&Plugin::hostile("other", &[]).version("2.0.0"));
    supervisor.wait_for_generation_after("other", &after["generation"]);
    assert_eq!((&get("other")["value"], &get(NEIGHBOUR)["value"]), (&"yours".into(), &"mine".into()));
    assert_eq!(supervisor.cli(&["config", "get", "other", "shared"]).json(), "yours");
    supervisor.plugin_asks("other", "config.delete", json!({ "key": "shared" }));
    assert_eq!(get("other")["found"], false);
    assert_eq!(get(NEIGHBOUR)["value"], "mine");
    supervisor.verify();
}

#[test]
fn a_declared_default_is_what_get_gives_before_any_set_and_before_the_callers_default() {
    let settings = json!({ "availableSettings": [
        { "key": "units", "name": "Units", "type": "text", "scope": "user", "default": "metric" }
    ] });
    let supervisor = Supervisor::builder().plugin(Plugin::hostile("set", &[]).with(settings)).start();
    let get = |params: Value| supervisor.plugin_asks("set", "config.get", params)["result"]["value"].clone();
    assert_eq!(get(json!({ "key": "units", "default": "imperial" })), "metric");
    assert_eq!(get(json!({ "key": "unknown", "default": "mine" })), "mine");
    assert_eq!(supervisor.cli(&["config", "set", "set", "units", "imperial"]).code, 0);
    assert_eq!(get(json!({ "key": "units" })), "imperial");
    supervisor.verify();
}

#[test]
fn keys_and_values_have_limits_and_a_refusal_is_typed() {
    let supervisor = Supervisor::builder().start();
    let long = "k".repeat(300);
    for key in ["", long.as_str(), "new\nline"] {
        let answer = supervisor.plugin_asks(NEIGHBOUR, "config.set", json!({ "key": key, "value": 1 }));
        assert!(answer["error"]["code"].is_i64() && answer["error"]["message"].is_string(), "{answer}");
    }
    let large = "v".repeat(6 << 20);
    let answer = supervisor.plugin_asks(NEIGHBOUR, "config.set", json!({ "key": "large", "value": large }));
    assert_eq!(answer["error"]["data"]["reason"], "limit_exceeded", "{answer}");
    supervisor.verify();
}

#[test]
fn the_ui_bus_carries_a_plugins_events_to_its_own_uis_and_no_other() {
    let supervisor = Supervisor::builder().plugin(Plugin::hostile("other", &[])).start();
    let (mut mine, mut others) = (subscribed(&supervisor, NEIGHBOUR), subscribed(&supervisor, "other"));
    let send = |id: &str, payload: &str| {
        supervisor.call(id, "tell", json!(["ipc.send", { "channel": "status", "payload": payload }]));
    };
    send("other", "for the other");
    send(NEIGHBOUR, "for mine");
    assert_eq!(mine.hear_of("event")["payload"], "for mine");
    assert_eq!(others.hear_of("event")["payload"], "for the other");
    // Everything that was sent has been heard once this comes back, and nothing else was.
    mine.say(&json!({ "type": "ping" }));
    assert_eq!(mine.hear().unwrap()["type"], "pong");
    drop((mine, others));
    supervisor.verify();
}

#[test]
fn a_kept_value_outlives_the_process_that_sent_it_and_says_so() {
    let supervisor = Supervisor::builder().plugin(Plugin::hostile("other", &[])).start();
    let mut early = subscribed(&supervisor, "other");
    let kept = json!(["ipc.send", { "channel": "gate", "payload": "B 12", "retain": true }]);
    supervisor.call("other", "tell", kept);
    let news = early.hear_of("event");
    assert_eq!((&news["payload"], news.get("replayed")), (&"B 12".into(), None));
    let before = supervisor.plugin("other")["generation"].clone();
    supervisor.fault("other", json!(["kill"]));
    let after = supervisor.wait_for_generation_after("other", &before);
    // Who was there hears that a new process has come, of which the value is not.
    assert_eq!(early.hear_of("restarted")["generation"], after["generation"]);
    let mut late = subscribed(&supervisor, "other");
    let told = late.hear_of("event");
    assert_eq!((&told["payload"], &told["replayed"]), (&"B 12".into(), &before));
    drop((early, late));
    supervisor.verify();
}

#[test]
fn a_plugin_with_several_prefixes_has_all_of_them_in_its_status_and_answers_at_each() {
    let supervisor = Supervisor::builder()
        .plugin(Plugin::hostile("many", &["--prefix", "/loadsheet", "--prefix", "/fuel/plan"]))
        .start();
    let routes = supervisor.plugin("many")["routes"].clone();
    let mut routes: Vec<&str> =
        routes.as_array().unwrap().iter().map(|route| route.as_str().unwrap()).collect();
    routes.sort_unstable();
    assert_eq!(routes, ["/api/many", "/fuel/plan", "/loadsheet"]);
    let pid = supervisor.pid_of("many");
    for route in routes {
        assert_eq!(supervisor.get(&format!("{route}/x")).json()["pid"], pid, "{route}");
    }
    assert_eq!(supervisor.get("/fuel/x").status, 404);
    assert_eq!(supervisor.get("/loadsheets").status, 404, "a prefix ends at a slash");
    let status = supervisor.cli(&["status", "many"]).out;
    assert!(status.contains("/loadsheet") && status.contains("/fuel/plan"), "{status}");
    supervisor.verify();
}

#[test]
fn a_ui_calls_its_plugin_and_gets_the_result_or_the_error() {
    let supervisor = Supervisor::builder().start();
    let mut bus = subscribed(&supervisor, NEIGHBOUR);
    let invoke = |bus: &mut socket::Socket<_>, id: u64, channel: &str| {
        bus.say(&json!({ "type": "invoke", "id": id, "plugin": NEIGHBOUR, "channel": channel, "args": [1, "two"] }));
    };
    invoke(&mut bus, 1, "echo");
    let result = bus.hear_of("result");
    assert_eq!((&result["id"], &result["result"]), (&1.into(), &json!([1, "two"])));
    invoke(&mut bus, 2, "refuse");
    let error = bus.hear_of("error");
    assert_eq!((&error["id"], &error["error"]["message"]), (&2.into(), &"this channel refuses".into()));
    invoke(&mut bus, 3, "no-such-channel");
    assert_eq!(bus.hear_of("error")["error"]["data"]["reason"], "not_found");
    drop(bus);
    supervisor.verify();
}

#[test]
fn a_change_of_configuration_reaches_the_ui_and_a_change_of_state_too() {
    let supervisor = Supervisor::builder().plugin(Plugin::hostile("other", &[])).start();
    let mut bus = subscribed(&supervisor, "other");
    assert_eq!(supervisor.cli(&["config", "set", "other", "units", "metric"]).code, 0);
    let change = bus.hear_of("config");
    assert_eq!((&change["key"], &change["value"]), (&"units".into(), &"metric".into()));
    supervisor.ask("stop", json!({ "id": "other" }));
    while bus.hear_of("state")["state"] != "stopped" {}
    drop(bus);
    supervisor.verify();
}

#[test]
fn a_plugin_can_name_nothing_that_belongs_to_another() {
    let supervisor = Supervisor::builder().start();
    let refused = |method: &str, params: Value| {
        let answer = supervisor.plugin_asks(NEIGHBOUR, method, params.clone());
        assert!(answer.get("error").is_some(), "{method} {params} was allowed: {answer}");
    };
    refused("ipc.handle", json!({ "channel": "plugin:other:status" }));
    let (longest, longer) = ("d".repeat(128), "d".repeat(129));
    for file in [
        "../other/data.db",
        "/etc/passwd",
        "..",
        ".",
        "./a.db",
        "a/b.db",
        "a\\b.db",
        "",
        " ",
        " a.db",
        ".hidden",
        "x\0y",
        "x\ny",
        "\u{e9}.db",
        "\u{202e}bd.a",
        "a.db-wal",
        "a.db-journal",
        longer.as_str(),
    ] {
        refused("database.open", json!({ "file": file }));
    }
    for file in [1.into(), json!(["a.db"]), Value::Null] {
        refused("database.open", json!({ "file": file }));
    }
    let opens = |file: &str| supervisor.plugin_asks(NEIGHBOUR, "database.open", json!({ "file": file }));
    assert!(opens(&longest).get("result").is_some());
    // A name of its own that leads elsewhere is refused as well, whichever of SQLite's files it is.
    let folder = supervisor.folders().plugin_data(NEIGHBOUR);
    let secret = supervisor.folders().data().join("state.db");
    std::os::unix::fs::symlink(&secret, folder.join("soft.db")).unwrap();
    std::os::unix::fs::symlink(&secret, folder.join("side.db-wal")).unwrap();
    std::fs::hard_link(&secret, folder.join("hard.db")).unwrap();
    for file in ["soft.db", "side.db", "hard.db"] {
        assert_eq!(opens(file)["error"]["data"]["reason"], "denied", "{file}");
    }
    for file in ["soft.db", "side.db-wal", "hard.db"] {
        std::fs::remove_file(folder.join(file)).unwrap();
    }
    supervisor.fault(NEIGHBOUR, json!(["fill-data", 1]));
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let written = eventually("a file that the plugin writes", || {
        Some(folder.join("ballast")).filter(|file| file.exists())
    });
    assert_eq!((mode(&folder), mode(&written)), (0o700, 0o600));
    for prefix in ["/api/other", "/api/config", "/_outboard", "/", "relative", "/a/../b", "/api/%6fther"] {
        refused("server.register", json!({ "prefix": prefix }));
    }
    let opened = supervisor.plugin_asks(NEIGHBOUR, "database.open", json!({ "file": "flights.db" }));
    let path = opened["result"]["path"].as_str().unwrap();
    assert_eq!(std::path::Path::new(path), supervisor.folders().plugin_data(NEIGHBOUR).join("flights.db"));
    supervisor.verify();
}

#[test]
fn the_hosts_sign_in_reaches_a_plugin_that_asks_and_survives_a_start_of_the_supervisor() {
    let supervisor = Supervisor::builder().start();
    let said = supervisor.cli_into(
        "a-bearer\n",
        &["airline", "set", "test-air", "https://api.example.com/", "--token-file", "-"],
    );
    assert_eq!(said.code, 0, "{said:?}");
    let check = |supervisor: &Supervisor| {
        let asks = |method: &str| supervisor.plugin_asks(NEIGHBOUR, method, json!({}))["result"].clone();
        let token = asks("auth.getToken");
        assert!(token.to_string().contains(CANARY), "{token}");
        let airline = asks("airline.getCurrent").to_string();
        assert!(airline.contains("test-air") && airline.contains("a-bearer"), "{airline}");
        assert!(!airline.contains("example.com/\""), "an origin has no slash at its end: {airline}");
    };
    check(&supervisor);
    supervisor.verify();
    let mut supervisor = supervisor;
    supervisor.stop();
    let supervisor = supervisor.start_again();
    check(&supervisor);
    let status = supervisor.cli(&["auth", "status", "--json"]);
    assert!(!status.out.contains(CANARY), "a status tells no token: {status:?}");
    assert_eq!(supervisor.cli(&["auth", "clear"]).code, 0);
    let authenticated = supervisor.plugin_asks(NEIGHBOUR, "auth.isAuthenticated", json!({}));
    assert!(authenticated["result"].to_string().contains("false"), "{authenticated}");
    supervisor.verify();
}

#[test]
fn the_refresh_token_never_enters_a_plugin() {
    let supervisor = Supervisor::builder().start();
    let secret = "refresh-canary-77";
    let file = supervisor.folders().root().join("refresh");
    std::fs::write(&file, secret).unwrap();
    let said = supervisor.cli_into(
        "a-bearer\n",
        &[
            "airline",
            "set",
            "test-air",
            "https://api.example.com",
            "--token-file",
            "-",
            "--refresh-token-file",
            file.to_str().unwrap(),
            "--refresh-url",
            "https://api.example.com/refresh",
        ],
    );
    assert_eq!(said.code, 0, "{said:?}");
    for method in ["airline.getCurrent", "auth.getToken", "config.getAll"] {
        let answer = supervisor.plugin_asks(NEIGHBOUR, method, json!({}));
        assert!(!answer.to_string().contains(secret), "{method}: {answer}");
    }
    let environment = std::fs::read(format!("/proc/{}/environ", supervisor.pid_of(NEIGHBOUR))).unwrap();
    assert!(!String::from_utf8_lossy(&environment).contains(secret));
    supervisor.verify();
}

#[test]
fn a_logged_record_has_its_plugin_generation_level_and_tag() {
    let supervisor = Supervisor::builder().start();
    let record =
        json!({ "level": "warn", "tag": "Engine", "message": "oil is low", "extra": { "quarts": 2 } });
    supervisor.call(NEIGHBOUR, "tell", json!(["log", record]));
    let kept = supervisor.wait_for_log(NEIGHBOUR, "oil is low");
    assert_eq!(
        (
            &kept["level"],
            &kept["tag"],
            &kept["plugin"],
            &kept["generation"],
            &kept["source"],
            &kept["extra"]["quarts"]
        ),
        (&"warn".into(), &"Engine".into(), &NEIGHBOUR.into(), &1.into(), &"logger".into(), &2.into())
    );
    let said = supervisor.cli(&["logs", NEIGHBOUR, "--grep", "oil is low"]);
    assert!(said.out.contains("oil is low"), "{said:?}");
    supervisor.verify();
}
