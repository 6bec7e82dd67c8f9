//! Further examples, each run as its README says. Those of the counter have a record of their own.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use system_tests::{Answer, Supervisor, eventually, examples, processes};

fn with(name: &str) -> Supervisor {
    let supervisor = Supervisor::builder().start();
    examples::install(name, &supervisor.folders().plugins());
    supervisor.wait_for_state(name, "running");
    supervisor
}

/// SIGKILLs the plugin's process, and returns when another one runs.
fn crash(supervisor: &Supervisor, name: &str) {
    let generation = supervisor.plugin(name)["generation"].clone();
    processes::kill(supervisor.pid_of(name), Signal::SIGKILL);
    supervisor.wait_for_generation_after(name, &generation);
}

/// Stops the plugin, and gives how its process ended.
fn stopped(supervisor: &Supervisor, name: &str) -> Value {
    supervisor.ask("stop", json!({ "id": name }));
    supervisor.last_end(name, 2)["ended"].clone()
}

fn post(supervisor: &Supervisor, path: &str, body: &Value) -> Answer {
    let (host, body) = (supervisor.address(), body.to_string());
    let length = body.len();
    let head = "connection: close\r\ncontent-type: application/json";
    let request =
        format!("POST {path} HTTP/1.1\r\nhost: {host}\r\n{head}\r\ncontent-length: {length}\r\n\r\n{body}");
    supervisor.send(request.as_bytes())
}

#[test]
fn the_landing_log_keeps_its_landings_through_a_crash() {
    let supervisor = with("landing-log-py");
    let added =
        post(&supervisor, "/api/landing-log-py/landings", &json!({ "flight": "QFA1", "rate": -780.5 }));
    assert_eq!(added.status, 201);
    crash(&supervisor, "landing-log-py");
    assert_eq!(supervisor.get("/api/landing-log-py/landings").json(), json!([added.json()]));
    let hard = || supervisor.call("landing-log-py", "summary", json!([]))["hard"].clone();
    assert_eq!(hard(), 1, "-600 ft/min is the manifest's default");
    let set = json!({ "id": "landing-log-py", "key": "hard_landing_rate", "value": -900 });
    supervisor.ask("config.set", set);
    assert_eq!(hard(), 0);
    assert_eq!(stopped(&supervisor, "landing-log-py"), "exited with code 0");
}

#[test]
fn an_unmodified_server_on_an_inherited_listener_is_proxied_restarted_and_stopped_by_a_signal() {
    let supervisor = with("unmodified-asgi");
    assert_eq!(supervisor.get("/api/unmodified-asgi/").status, 200, "its own path is `/`");
    let nowhere = supervisor.get("/api/unmodified-asgi/somewhere");
    assert_eq!((nowhere.status, nowhere.text().contains("nothing is at /somewhere")), (404, true));
    crash(&supervisor, "unmodified-asgi");
    assert_eq!(supervisor.get("/api/unmodified-asgi/healthz").status, 200);
    // uvicorn raises the signal again once it has shut down.
    assert_eq!(stopped(&supervisor, "unmodified-asgi"), "was killed by SIGTERM (15)");
    supervisor.wait_for_log("unmodified-asgi", "shutting down in good order");
}

#[test]
fn an_unmodified_server_on_a_path_of_its_own_is_proxied_restarted_and_stopped_by_a_signal() {
    let supervisor = with("unmodified-node");
    let answer = supervisor.get("/api/unmodified-node/a%20b?c=d");
    assert_eq!((answer.status, &answer.json()["path"]), (200, &json!("/a%20b?c=d")));
    crash(&supervisor, "unmodified-node");
    assert_eq!(supervisor.get("/api/unmodified-node/").status, 200);
    assert_eq!(stopped(&supervisor, "unmodified-node"), "exited with code 0");
    supervisor.wait_for_log("unmodified-node", "shutting down in good order");
}

#[test]
fn an_unmodified_server_on_a_port_is_proxied_restarted_and_stopped_by_a_signal() {
    let supervisor = with("unmodified-python");
    let before = supervisor.get("/api/unmodified-python/a%20b?c=d").text();
    assert!(before.ends_with("path /a%20b?c=d\n"), "{before}");
    crash(&supervisor, "unmodified-python");
    let after = supervisor.get("/api/unmodified-python/a%20b?c=d").text();
    assert!(after.ends_with("path /a%20b?c=d\n") && after != before, "another port than before: {after}");
    assert_eq!(stopped(&supervisor, "unmodified-python"), "exited with code 0");
    supervisor.wait_for_log("unmodified-python", "shutting down in good order");
}

#[test]
fn a_provider_and_a_consumer_without_an_sdk_answer_each_other_through_a_crash() {
    let supervisor = with("weather-plain");
    examples::install("briefing-plain", &supervisor.folders().plugins());
    supervisor.wait_for_state("briefing-plain", "running");
    let asks = |channel: &str, args: Value| supervisor.call("briefing-plain", channel, args);
    assert_eq!(asks("get-briefing", json!(["EDDF"])), json!({ "wind": 12, "by": "weather-plain" }));
    let nowhere = json!({ "id": "briefing-plain", "channel": "get-briefing", "args": ["NOWHERE"] });
    assert_eq!(supervisor.refused("ipc.invoke", nowhere.clone())["data"]["reason"], "not_found");
    // One call waits at the provider, and others are answered meanwhile; it says who called, whatever the caller says.
    let made = json!({ "wind": 7, "by": "briefing-plain" });
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| asks("await-report", json!(["LSZH"])));
        let open = || supervisor.ask("services", json!({}))[0]["openCalls"] == 1;
        eventually("the call is open", || open().then_some(()));
        assert_eq!(asks("report", json!(["LSZH", 7])), made);
        assert_eq!(waits.join().unwrap(), made);
    });
    let heard = |changes: usize| {
        let all = || asks("heard", json!([]))["changes"].as_array().unwrap().len();
        eventually("the change is heard", || (all() == changes).then_some(()));
    };
    heard(1);
    crash(&supervisor, "weather-plain");
    asks("report", json!(["LSZH", 8]));
    heard(2);
    supervisor.ask("stop", json!({ "id": "weather-plain" }));
    assert_eq!(supervisor.refused("ipc.invoke", nowhere)["data"]["reason"], "unavailable");
    let told = || asks("heard", json!([]))["state"] == "unavailable";
    eventually("the consumer is told", || told().then_some(()));
}
