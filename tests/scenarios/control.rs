//! The control API and the command line: who may ask, and what many asking at once comes to.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::{Value, json};
use system_tests::{NEIGHBOUR, Plugin, Supervisor, processes, socket};

#[test]
fn nobody_is_answered_without_the_credential() {
    let supervisor = Supervisor::builder().start();
    let credential = supervisor.control.authorization.clone();
    let wrong = format!("Bearer {}", "0".repeat(64));
    let shorter = &credential[..credential.len() - 1];
    for header in [
        String::new(),
        format!("authorization: {wrong}\r\n"),
        format!("authorization: {shorter}\r\n"),
        format!("authorization: {}\r\n", credential.replace("Bearer", "Basic")),
        format!("authorization: {wrong}\r\nauthorization: {credential}\r\n"),
    ] {
        let answer = supervisor.control.post(&header, "status", &json!({})).unwrap();
        assert_eq!(answer.status, 401, "{answer:?}");
        assert!(answer.json().get("result").is_none(), "{answer:?}");
    }
    let page = format!("authorization: {credential}\r\norigin: http://evil.example\r\n");
    let answer = supervisor.control.post(&page, "status", &json!({})).unwrap();
    assert_eq!(answer.status, 403, "a web page was answered: {answer:?}");
    assert!(socket::open_unix(&supervisor.control.socket, &[("authorization", &wrong)]).is_err());
    assert!(socket::open_unix(&supervisor.control.socket, &[]).is_err());
    supervisor.verify();
}

#[test]
fn control_is_not_served_on_tcp() {
    let supervisor = Supervisor::builder().start();
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"status","params":{}}"#;
    for path in ["/", "/_outboard/control", "/_outboard/"] {
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\nauthorization: {}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            supervisor.address(),
            supervisor.control.authorization,
            body.len()
        );
        let answer = supervisor.send(request.as_bytes());
        assert!(answer.status >= 400 && answer.json().get("result").is_none(), "{path}: {answer:?}");
    }
    supervisor.verify();
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn folders_are_0700_and_sockets_and_secrets_0600() {
    let supervisor = Supervisor::builder().start();
    let (data, runtime) = (supervisor.folders().data(), supervisor.folders().runtime());
    for folder in [&data, &runtime, &runtime.join("s"), &supervisor.folders().plugin_data(NEIGHBOUR)] {
        assert_eq!(mode(folder), 0o700, "{}", folder.display());
    }
    for file in [
        &runtime.join("control.sock"),
        &runtime.join("supervisor.json"),
        &data.join("credential"),
        &data.join("sign-in.json"),
    ] {
        assert_eq!(mode(file), 0o600, "{}", file.display());
    }
    let sockets: Vec<_> = std::fs::read_dir(runtime.join("s")).unwrap().flatten().collect();
    assert_eq!(sockets.len(), 1, "{sockets:?}");
    supervisor.verify();
}

#[test]
fn orders_from_many_sides_at_once_never_make_two_processes() {
    let supervisor = Supervisor::builder().plugin(Plugin::hostile("torn", &[])).start();
    std::thread::scope(|scope| {
        for side in 0..4 {
            let supervisor = &supervisor;
            scope.spawn(move || {
                for round in 0..4 {
                    let order = ["start", "stop", "restart", "start"][(side + round) % 4];
                    let answer = supervisor.control.ask(order, &json!({ "id": "torn" })).unwrap();
                    // A restart that another order overtook may be answered with a conflict; silence would be the fault.
                    assert!(answer.get("result").is_some() || answer.get("error").is_some(), "{answer}");
                    let twins = supervisor.programs();
                    assert!(twins.len() <= 2, "two processes of one plugin: {twins:?}");
                }
            });
        }
        supervisor.install(&Plugin::hostile("torn", &[]).version("1.0.1"));
    });
    supervisor.ask("start", json!({ "id": "torn" }));
    supervisor.wait_for_state("torn", "running");
    assert_eq!(supervisor.get("/api/torn/").status, 200);
    supervisor.verify();
}

#[test]
fn the_status_is_one_object_with_everything_that_was_promised_about_it() {
    let supervisor = Supervisor::builder().start();
    let status = supervisor.cli(&["status", "--json"]).json();
    assert_eq!((&status["listen"], &status["pid"]), (&supervisor.ready["listen"], &supervisor.ready["pid"]));
    assert!(status["version"].is_string());
    let plugin = &status["plugins"][0];
    for member in ["id", "state", "phase", "cause", "pid", "generation", "restarts", "routes", "since"] {
        assert!(plugin.get(member).is_some(), "{member} is missing: {plugin}");
    }
    let process = processes::Process::look(supervisor.pid_of(NEIGHBOUR)).unwrap();
    assert_eq!(process.parent, supervisor.pid());
    supervisor.verify();
}

#[test]
fn a_call_that_is_never_answered_ends_with_a_typed_timeout_in_every_way_of_asking() {
    let supervisor = Supervisor::builder().settings("[deadlines]\ncall = \"500ms\"\n").start();
    let error = supervisor.refused("ipc.invoke", json!({ "id": NEIGHBOUR, "channel": "never" }));
    assert_eq!((&error["code"], &error["data"]["reason"]), (&(-32002).into(), &"timeout".into()), "{error}");
    let said = supervisor.cli(&["call", NEIGHBOUR, "never"]);
    assert_eq!(said.code, 6, "{said:?}");
    supervisor.begin(&["call", NEIGHBOUR, "never"]);
    let mut bus = socket::open(supervisor.address(), "/_outboard/bus", &[]).unwrap();
    bus.say(&json!({ "type": "invoke", "id": 7, "plugin": NEIGHBOUR, "channel": "never", "args": [] }));
    let error = bus.hear_of("error");
    assert_eq!((&error["id"], &error["error"]["data"]["reason"]), (&7.into(), &"timeout".into()));
    drop(bus);
    supervisor.verify();
}

#[test]
fn what_does_not_exist_is_not_found_and_what_is_malformed_is_refused() {
    let supervisor = Supervisor::builder().start();
    for (method, params, reason) in [
        ("status", json!({ "id": "nobody" }), "not_found"),
        ("stop", json!({ "id": "nobody" }), "not_found"),
        ("ipc.invoke", json!({ "id": NEIGHBOUR, "channel": "nothing" }), "not_found"),
        ("config.get", json!({ "id": NEIGHBOUR, "key": "unset" }), "not_found"),
    ] {
        let error = supervisor.refused(method, params);
        assert_eq!(error["data"]["reason"], reason, "{method}: {error}");
        assert_eq!(error["code"], -32008, "{method}: {error}");
    }
    assert_eq!(supervisor.refused("no.such.method", json!({}))["code"], -32601);
    assert_eq!(supervisor.refused("stop", json!({ "id": 5 }))["code"], -32602);
    assert_eq!(supervisor.refused("stop", Value::Null)["code"], -32602);
    supervisor.verify();
}
