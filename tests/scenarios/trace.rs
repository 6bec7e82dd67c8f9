//! What `--trace` shows of a supervisor at work, and what it never does.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use serde_json::{Value, json};
use system_tests::supervisor::run_command;
use system_tests::{Plugin, Supervisor, eventually};

const STEP: &str = "outboard::step";
const CALL: &str = "outboard::call";
const PROXY: &str = "outboard::proxy";
/// Stands where a secret may: in a value, in a query, in a body.
const PRIVATE: &str = "not-to-be-told";

/// A start, a context call, a request and a crash, all of one plugin.
fn lived_through(flags: &[&str]) -> Supervisor {
    let builder = Supervisor::builder().plugin(Plugin::hostile("seen", &[]));
    let supervisor = flags.iter().fold(builder, |builder, flag| builder.flag(flag)).start();
    supervisor.plugin_asks("seen", "config.set", json!({ "key": "k", "value": PRIVATE }));
    supervisor.plugin_asks("seen", "config.nothing", json!({ "key": PRIVATE }));
    assert_eq!(supervisor.get(&format!("/api/seen/?key={PRIVATE}")).status, 200);
    let before = supervisor.plugin("seen");
    supervisor.fault("seen", json!(["kill"]));
    supervisor.wait_for_generation_after("seen", &before["generation"]);
    supervisor.wait_for_state("seen", "running");
    assert_eq!(supervisor.get("/api/seen/").status, 200);
    supervisor
}

fn told<'r>(records: &'r [Value], target: &str) -> Vec<&'r str> {
    let of_it = records.iter().filter(|record| record["tag"] == target);
    of_it.map(|record| record["message"].as_str().unwrap()).collect()
}

fn assert_told(lines: &[&str], parts: &[&str]) {
    let all = |line: &&str| parts.iter().all(|part| line.contains(part));
    assert!(lines.iter().any(all), "{parts:?} are in no line of {lines:#?}");
}

#[test]
fn a_trace_tells_a_start_a_call_a_request_and_a_crash_with_plugin_and_generation_and_no_content() {
    let supervisor = lived_through(&["--trace=trace"]);
    supervisor.wait_for_log("seen", "generation=2 status=200");
    let records = supervisor.logs("seen");
    let steps = told(&records, STEP);
    assert_told(&steps, &["Spawned", "generation=1 before=starting/", "after=starting/", "SendInitialize"]);
    assert_told(&steps, &["StartOk", "generation=1 before=starting/", "after=running", "OpenRoute"]);
    assert_told(&steps, &["Exited", "SIGKILL", "generation=1 before=running", "CloseRoute"]);
    assert_told(&steps, &["Empty", "generation=1", "after=starting/", "RecordExit"]);
    assert_told(&steps, &["StartOk", "generation=2", "after=running"]);
    let calls = told(&records, CALL);
    assert_told(&calls, &["config.set", "generation=1", "outcome=ok", "ms="]);
    assert_told(&calls, &["config.nothing", "generation=1", "outcome=method_not_found"]);
    let requests = told(&records, PROXY);
    assert_told(&requests, &["GET \"/api/seen/\" is sent", "generation=1", "connection=fresh", "waited_ms="]);
    assert_told(&requests, &["is answered", "generation=1", "status=200", "ms="]);
    for record in records.iter().filter(|record| record["tag"].as_str().unwrap().starts_with("outboard::")) {
        assert_eq!(record["plugin"], "seen", "{record}");
        let named = format!("generation={}", record["generation"]);
        assert!(record["message"].as_str().unwrap().contains(&named), "{record}");
        assert!(!record.to_string().contains(PRIVATE), "{record}");
    }
    let shown = eventually("the console", || {
        let shown = supervisor.errors();
        [STEP, CALL, PROXY].iter().all(|target| shown.contains(&format!("seen [{target}]"))).then_some(shown)
    });
    assert!(!shown.contains(PRIVATE), "{shown}");
    supervisor.verify();
}

#[test]
fn nothing_is_traced_unasked_and_what_is_asked_for_comes_alone() {
    for (flags, wanted) in [(&[][..], &[][..]), (&["--trace", CALL], &[CALL])] {
        let supervisor = lived_through(flags);
        supervisor.cli(&["stop", "seen"]);
        let records = supervisor.logs("seen");
        for target in [STEP, CALL, PROXY] {
            assert_eq!(
                !told(&records, target).is_empty(),
                wanted.contains(&target),
                "{target}: {records:#?}"
            );
        }
        supervisor.verify();
    }
}

#[test]
fn a_filter_that_cannot_be_meant_is_refused_before_anything_starts() {
    let builder = Supervisor::builder();
    let folders = builder.folders();
    std::fs::write(folders.settings(), "").unwrap();
    for (filter, part) in
        [("outboard::setp", "outboard::setp"), ("outboard::step,hyper=trace", "hyper=trace")]
    {
        let said = run_command(folders).args(["--trace", filter]).output().unwrap();
        let err = String::from_utf8(said.stderr).unwrap();
        assert_eq!(said.status.code(), Some(2), "{err}");
        assert!(err.contains("--trace") && err.contains(&format!("\"{part}\"")), "{err}");
        assert!(err.contains("`outboard::step`"), "it says what there is: {err}");
    }
}
