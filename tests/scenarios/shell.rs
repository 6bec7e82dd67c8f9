//! What the original shell gives its plugins, member by member: plugins that use it run under the real runner, with the example that
//! flies as their host, and a host application that shows what they tell and ask.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]
#![allow(clippy::needless_pass_by_value, reason = "a case writes its values down where it hands them over")]

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use system_tests::{Application, Plugin, Supervisor, eventually, examples, processes};

/// Keeps what it hears, and does with `ctx` what it is asked to do: `of("flight.log.add", …)`.
const MEMBER: &str = r#"
import { createPlugin } from "@skyvexsoftware/stratos-sdk/helpers";

const heard = {};
const keep = (name) => (payload) => (heard[name] ??= []).push(payload);
let off = {};

export default createPlugin({
  onStart(ctx) {
    ctx.ipc.handle("of", async (path, ...given) => {
      const names = path.split(".");
      const last = names.pop();
      const on = names.reduce((at, name) => at[name], ctx);
      try {
        return { is: (await on[last](...given)) ?? null };
      } catch (error) {
        return { threw: error.message, reason: error.reason ?? null };
      }
    });
    ctx.ipc.handle("call", (method, params) => ctx.service("flight").call(method, params).then((is) => ({ is }), (error) => ({ threw: error.message, reason: error.reason })));
    ctx.ipc.handle("listen", (member) => void (off[member] = ctx.flight[member](keep(member))));
    ctx.ipc.handle("deafen", (member) => off[member]());
    ctx.ipc.handle("socket", (event) => void ctx.socket.on(event, keep(event)));
    ctx.ipc.handle("unsocket", (event) => void ctx.socket.off(event));
    ctx.ipc.handle("guard", (kind) => {
      const answers = { forbid: () => ({ allow: false, reason: "no fuel" }), throw: () => { throw new Error("boom"); }, silent: () => new Promise(() => {}), allow: () => ({ allow: true }) };
      off.guard?.();
      off.guard = kind && ctx.flight.registerStartGuard(answers[kind]);
    });
    ctx.ipc.handle("heard", (name) => heard[name] ?? []);
    ctx.ipc.handle("stands", () => ["flight", "notify", "dialog", "prompt", "plugin", "socket", "teleport"].filter((name) => ctx[name]));
  },
  onStop() {},
});
"#;

/// A supervisor with a plugin for each of these members.
fn with(members: &[&str]) -> system_tests::Builder {
    members.iter().fold(Supervisor::builder(), |builder, id| {
        builder.plugin(Plugin::module(id)).file(&format!("{id}/index.js"), MEMBER)
    })
}

/// The same, with the example that flies: so fast, and nothing by itself.
fn flying(members: &[&str], speed: u32) -> Supervisor {
    let builder = with(members).settings("[services]\nflight = \"shell-host\"\n");
    provide_flights(&builder, speed, false);
    let supervisor = builder.start();
    for id in members.iter().chain(&["shell-host"]) {
        supervisor.wait_for_state(id, "running");
    }
    supervisor
}

/// Installs the example, with other defaults of its settings.
fn provide_flights(builder: &system_tests::Builder, speed: u32, by_itself: bool) {
    let plugins = builder.folders().plugins();
    examples::install("shell-host", &plugins);
    let path = plugins.join("shell-host/plugin.json");
    let mut manifest: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    for setting in manifest["availableSettings"].as_array_mut().unwrap() {
        match setting["key"].as_str().unwrap() {
            "speed" => (setting["default"], setting["max"]) = (json!(speed), json!(10_000)),
            "auto_start" => setting["default"] = json!(by_itself),
            _ => {}
        }
    }
    std::fs::write(path, manifest.to_string()).unwrap();
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    eventually(what, || is_so().then_some(()));
}

fn of(supervisor: &Supervisor, id: &str, path: &str, given: Value) -> Value {
    let args = std::iter::once(json!(path)).chain(given.as_array().unwrap().iter().cloned()).collect();
    supervisor.call(id, "of", Value::Array(args))
}

fn heard(supervisor: &Supervisor, id: &str, name: &str) -> Vec<Value> {
    supervisor.call(id, "heard", json!([name])).as_array().unwrap().clone()
}

fn consumers(supervisor: &Supervisor, service: &str) -> Value {
    let all = supervisor.ask("services", json!({}));
    let found = all.as_array().unwrap().iter().find(|one| one["service"] == service);
    found.map_or(json!([]), |one| one["consumers"].clone())
}

/// A host application that provides several services over one connection.
fn host(supervisor: &Supervisor, services: &[&str]) -> Application {
    let mut application = Application::connect(supervisor);
    for service in services {
        let answer = application.ask("service.provide", json!({ "service": service }));
        assert!(answer.get("result").is_some(), "{answer}");
    }
    application
}

#[test]
fn the_flight_moves_for_a_plugin_and_its_landing_is_reported() {
    let supervisor = flying(&["flight"], 400);
    for member in ["onPhaseChange", "onUpdate", "onSimData", "onLanding"] {
        supervisor.call("flight", "listen", json!([member]));
    }
    assert_eq!(of(&supervisor, "flight", "flight.getState", json!([]))["is"]["flight"], Value::Null);
    assert_eq!(of(&supervisor, "flight", "flight.getLandingReport", json!([]))["is"], Value::Null);
    let entry = json!({ "category": "system", "condition": "seen", "message": "hello" });
    let nothing = of(&supervisor, "flight", "flight.log.add", json!([entry]));
    assert_eq!(nothing, json!({ "is": null }), "there is no flight to write it down for");

    assert!(
        supervisor.call("flight", "call", json!(["startFlight", { "callsign": "OUT1" }])).get("is").is_some()
    );
    let added = of(&supervisor, "flight", "flight.log.add", json!([entry]))["is"].clone();
    assert_eq!((&added["message"], &added["eventCondition"]), (&json!("hello"), &json!("seen")), "{added}");
    let id = &added["eventId"];
    let changed = of(&supervisor, "flight", "flight.log.update", json!([id, { "message": "bye" }]));
    assert_eq!(changed["is"]["message"], "bye");
    assert_eq!(of(&supervisor, "flight", "flight.log.remove", json!([id]))["is"], true);
    assert_eq!(of(&supervisor, "flight", "flight.log.remove", json!([id]))["is"], false);
    let state = of(&supervisor, "flight", "flight.getState", json!([]))["is"].clone();
    assert_eq!(state["flight"]["flightPlan"]["callsign"], "OUT1", "{state}");

    until("the landing is told", || !heard(&supervisor, "flight", "onLanding").is_empty());
    let landing = heard(&supervisor, "flight", "onLanding")[0].clone();
    assert_eq!(of(&supervisor, "flight", "flight.getLandingReport", json!([]))["is"], landing);
    assert!(landing["landingRate"].as_f64().unwrap() < 0.0, "{landing}");
    let phases: Vec<Value> =
        heard(&supervisor, "flight", "onPhaseChange").iter().map(|one| one["currentPhase"].clone()).collect();
    for phase in ["boarding", "taxi", "take_off", "climb", "cruise", "descent", "approach", "final", "landed"]
    {
        assert!(phases.contains(&json!(phase)), "no {phase} in {phases:?}");
    }
    let values = heard(&supervisor, "flight", "onSimData");
    let highest = values.iter().map(|one| one["data"]["altitude"].as_i64().unwrap()).max().unwrap();
    assert!(highest > 10_000, "{highest}");
    assert!(!heard(&supervisor, "flight", "onUpdate").is_empty());
    supervisor.verify();
}

#[test]
fn a_start_guard_keeps_a_flight_on_the_ground_and_one_that_fails_lets_it_go() {
    let supervisor = flying(&["flight", "other"], 400);
    let start = || supervisor.call("other", "call", json!(["startFlight", {}]));
    supervisor.call("flight", "guard", json!(["forbid"]));
    until("the host knows of the guard", || consumers(&supervisor, "flight") == json!(["flight"]));
    let refused = start();
    assert_eq!(refused["reason"], "conflict", "{refused}");
    assert!(
        refused["threw"].as_str().unwrap().contains("flight does not let the flight start: no fuel"),
        "{refused}"
    );

    supervisor.call("flight", "guard", json!(["throw"]));
    assert!(start().get("is").is_some());
    supervisor.wait_for_log("flight", "the start guard threw boom: the flight is ALLOWED to start");
    supervisor.call("other", "call", json!(["endFlight"]));

    // A guard that never answers: the plugin's own side allows it after five seconds, before the host's patience ends.
    supervisor.call("flight", "guard", json!(["silent"]));
    let begun = Instant::now();
    assert!(start().get("is").is_some());
    assert!(begun.elapsed() >= Duration::from_secs(5), "{:?}", begun.elapsed());
    supervisor.wait_for_log("flight", "the start guard took more than 5 s: the flight is ALLOWED to start");
    supervisor.verify();
}

#[test]
fn subscriptions_end_one_by_one_and_with_the_plugin() {
    let supervisor = flying(&["flight", "socket"], 400);
    supervisor.call("flight", "listen", json!(["onPhaseChange"]));
    supervisor.call("flight", "listen", json!(["onSimData"]));
    supervisor.call("socket", "socket", json!(["simulator:data"]));
    until("both are listed", || consumers(&supervisor, "flight") == json!(["flight", "socket"]));
    supervisor.call("flight", "deafen", json!(["onSimData"]));
    supervisor.call("flight", "deafen", json!(["onPhaseChange"]));
    until("one is left", || consumers(&supervisor, "flight") == json!(["socket"]));
    supervisor.ask("stop", json!({ "id": "socket" }));
    until("nobody is left", || consumers(&supervisor, "flight") == json!([]));
    let listed = supervisor.ask("status", json!({}))["services"].clone();
    assert_eq!(listed[0]["consumers"], json!([]), "{listed}");
    supervisor.verify();
}

#[test]
fn the_shells_events_are_heard_by_their_names_on_its_wire() {
    let supervisor = flying(&["socket"], 2000);
    for event in [
        "flight:phase",
        "flight:event",
        "simulator:data",
        "pirep:filing",
        "flight:update",
        "flight:landing",
        "nobody:says",
    ] {
        supervisor.call("socket", "socket", json!([event]));
    }
    supervisor.call("socket", "call", json!(["startFlight"]));
    for event in
        ["flight:phase", "flight:event", "simulator:data", "flight:update", "flight:landing", "pirep:filing"]
    {
        until(event, || !heard(&supervisor, "socket", event).is_empty());
    }
    supervisor.wait_for_log("socket", "nobody:says");
    supervisor.wait_for_log("socket", "not part of the shell's documented surface");
    for event in
        ["flight:phase", "flight:event", "simulator:data", "pirep:filing", "flight:update", "flight:landing"]
    {
        supervisor.call("socket", "unsocket", json!([event]));
    }
    until("it hears nothing any more", || consumers(&supervisor, "flight") == json!([]));
    supervisor.verify();
}

#[test]
fn questions_are_answered_by_the_host_application_and_without_one_count_as_cancelled() {
    let supervisor = with(&["dialog", "prompt"]).start();
    supervisor.wait_for_state("prompt", "running");
    let mut application = host(&supervisor, &["dialog", "prompt"]);
    let select = json!({ "title": "T", "label": "L", "options": [{ "value": "a", "label": "A" }] });
    let cases = [
        ("dialog", "dialog.alert", json!({ "title": "T", "message": "M" }), Value::Null, Value::Null),
        ("dialog", "dialog.confirm", json!({ "title": "T", "message": "M" }), json!(true), json!(false)),
        ("prompt", "prompt.text", json!({ "title": "T", "label": "L" }), json!("Ada"), Value::Null),
        ("prompt", "prompt.number", json!({ "title": "T", "label": "L", "min": 1 }), json!(7), Value::Null),
        ("prompt", "prompt.select", select, json!("a"), Value::Null),
    ];
    for (id, path, params, answer, _) in &cases {
        let (call, said) = std::thread::scope(|scope| {
            let asked = scope.spawn(|| of(&supervisor, id, path, json!([params])));
            let call = application.call();
            application.answer(&call, answer.clone());
            (call, asked.join().unwrap())
        });
        assert_eq!((&call["caller"], &call["params"]), (&json!(id), params), "{call}");
        assert_eq!(
            path,
            &format!("{}.{}", call["service"].as_str().unwrap(), call["method"].as_str().unwrap())
        );
        assert_eq!(said, json!({ "is": answer }));
    }
    // Nobody answers in time; then nobody is there.
    let late = of(&supervisor, "dialog", "dialog.confirm", json!([{ "message": "?", "timeoutMs": 200 }]));
    assert_eq!(late, json!({ "is": false }));
    // The plugin stops while its question is open: it is withdrawn.
    let words = ["call", "dialog", "of", "\"dialog.confirm\"", "{\"message\": \"open\"}"];
    let call = std::thread::scope(|scope| {
        scope.spawn(|| supervisor.command(&words).output().unwrap());
        let call = std::iter::repeat_with(|| application.call())
            .find(|call| call["params"]["message"] == "open")
            .unwrap();
        supervisor.ask("stop", json!({ "id": "dialog" }));
        call
    });
    let withdrawn = |item: &Value| item["type"] == "cancelled" && item["call"] == call["call"];
    assert!(std::iter::repeat_with(|| application.item()).any(|item| withdrawn(&item)));
    supervisor.ask("start", json!({ "id": "dialog" }));
    drop(application);
    until("nobody provides dialogs", || {
        supervisor
            .ask("services", json!({}))
            .as_array()
            .unwrap()
            .iter()
            .all(|one| one["provider"] == Value::Null)
    });
    for (id, path, params, _, empty) in &cases {
        assert_eq!(of(&supervisor, id, path, json!([params])), json!({ "is": empty }), "{path}");
    }
    supervisor.wait_for_log("dialog", "was not shown, and counts as cancelled");
    supervisor.verify();
}

#[test]
fn messages_sounds_and_the_badge_reach_whoever_shows_them_and_fail_nothing_where_nobody_does() {
    let supervisor = with(&["notify", "plugin"]).start();
    supervisor.wait_for_state("plugin", "running");
    for (id, path, given) in [
        ("notify", "notify.toast", json!(["early"])),
        ("notify", "notify.playSound", json!(["ding"])),
        ("plugin", "plugin.setIndicator", json!([{ "type": "notification", "tooltip": "kept" }])),
    ] {
        assert_eq!(of(&supervisor, id, path, given), json!({ "is": null }), "{path}");
    }
    supervisor.wait_for_log("notify", "ctx.notify.toast() was not shown");

    let mut application = host(&supervisor, &["plugin", "notify"]);
    let mut told = |method: &str, params: Value| {
        let call = application.call();
        assert_eq!((&call["method"], &call["params"]), (&json!(method), &params), "{call}");
        application.answer(&call, Value::Null);
        call
    };
    let badge = json!({ "type": "notification", "tooltip": "kept" });
    assert_eq!(told("setIndicator", badge)["caller"], "plugin", "whoever comes later is told the badge");
    of(&supervisor, "notify", "notify.toast", json!(["Landed", { "type": "success", "title": "T" }]));
    told("toast", json!({ "type": "success", "title": "T", "message": "Landed" }));
    of(&supervisor, "notify", "notify.toast", json!([{ "message": "plain" }]));
    told("toast", json!({ "type": "info", "message": "plain" }));
    of(&supervisor, "notify", "notify.playSound", json!(["warning"]));
    told("playSound", json!({ "sound": "warning" }));
    of(&supervisor, "notify", "notify.playCustomSound", json!(["assets/audio/ding.mp3"]));
    assert_eq!(told("playCustomSound", json!({ "path": "assets/audio/ding.mp3" }))["caller"], "notify");
    of(&supervisor, "plugin", "plugin.setIndicator", json!([{ "type": "warning" }]));
    told("setIndicator", json!({ "type": "warning" }));
    of(&supervisor, "plugin", "plugin.clearIndicator", json!([]));
    told("clearIndicator", Value::Null);
    of(&supervisor, "notify", "notify.playCustomSound", json!(["../secret.mp3"]));
    supervisor.wait_for_log("notify", "was not played: give a file of the plugin below assets/");
    supervisor.verify();
}

#[test]
fn where_nobody_provides_the_flight_its_members_are_there_and_say_what_is_missing() {
    let supervisor = with(&["flight"]).start();
    supervisor.wait_for_state("flight", "running");
    assert_eq!(
        supervisor.call("flight", "stands", json!([])),
        json!(["flight", "notify", "dialog", "prompt", "plugin", "socket"])
    );
    let refused = of(&supervisor, "flight", "flight.getPhase", json!([]));
    assert_eq!(refused["reason"], "no_provider", "{refused}");
    let said = refused["threw"].as_str().unwrap();
    assert!(
        said.starts_with("ctx.flight.getPhase(): ") && said.contains("\"provides\": [\"flight\"]"),
        "{said}"
    );
    supervisor.call("flight", "listen", json!(["onPhaseChange"]));
    assert!(heard(&supervisor, "flight", "onPhaseChange").is_empty());
    supervisor.verify();
}

#[test]
fn a_landing_of_the_example_that_flies_becomes_a_badge_a_message_and_a_line_in_the_log() {
    let builder = with(&["flight"]);
    provide_flights(&builder, 400, true);
    examples::install("landing-badge", &builder.folders().plugins());
    let supervisor = builder.start();
    let mut application = host(&supervisor, &["plugin", "notify"]);
    let mut told = Vec::new();
    while ["setIndicator", "toast", "playSound"]
        .iter()
        .any(|name| told.iter().all(|call: &Value| call["method"] != *name))
    {
        let call = application.call();
        application.answer(&call, Value::Null);
        assert_eq!(call["caller"], "landing-badge");
        told.push(call);
    }
    let log = supervisor.call("flight", "call", json!(["log.list"]))["is"].clone();
    assert!(log.as_array().unwrap().iter().any(|entry| entry["eventCondition"] == "landing_badge"), "{log}");
    supervisor.verify();
}

#[test]
fn a_flight_goes_on_where_it_was_when_its_host_is_killed_and_its_listeners_hear_it() {
    let supervisor = flying(&["flight"], 60);
    supervisor.call("flight", "listen", json!(["onPhaseChange"]));
    supervisor.call("flight", "call", json!(["startFlight", { "callsign": "KIL1" }]));
    let phase = |at: &Value| at["currentPhase"].as_str().unwrap().to_owned();
    until("it takes off", || {
        heard(&supervisor, "flight", "onPhaseChange").iter().any(|at| phase(at) == "take_off")
    });
    let generation = supervisor.plugin("shell-host")["generation"].clone();
    processes::kill(supervisor.pid_of("shell-host"), Signal::SIGKILL);
    supervisor.wait_for_generation_after("shell-host", &generation);
    supervisor.wait_for_state("shell-host", "running");
    let state = of(&supervisor, "flight", "flight.getState", json!([]))["is"].clone();
    assert_eq!(state["pendingRecovery"]["flightPlan"]["callsign"], "KIL1", "{state}");
    let before = heard(&supervisor, "flight", "onPhaseChange").len();
    assert!(supervisor.call("flight", "call", json!(["recoverFlight"])).get("is").is_some());
    until("it is told of the flight again", || heard(&supervisor, "flight", "onPhaseChange").len() > before);
    let again = phase(&heard(&supervisor, "flight", "onPhaseChange")[before]);
    assert!(["taxi", "take_off", "climb"].contains(&again.as_str()), "{again}");
    let state = of(&supervisor, "flight", "flight.getState", json!([]))["is"].clone();
    assert_eq!(state["flight"]["flightPlan"]["callsign"], "KIL1", "{state}");
    supervisor.verify();
}
