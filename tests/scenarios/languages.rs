//! The counter of examples/COUNTER.md in every language: one session, one record of what can be seen of it.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::process::Command;

use serde_json::{Value, json};
use system_tests::binaries::binary;
use system_tests::{Plugin, Supervisor, examples, record};

const RECORD: &str = include_str!("../record/counter.jsonl");

fn keeps_to_the_record(id: &str) {
    let supervisor = Supervisor::builder().start();
    record::replay(&supervisor, id, RECORD);
    supervisor.verify();
}

#[test]
fn a_plugin_with_the_rust_sdk_gives_the_record() {
    keeps_to_the_record("counter-rust");
}

#[test]
fn a_plugin_with_the_typescript_sdk_gives_the_record() {
    keeps_to_the_record("counter-ts");
}

#[test]
fn a_plugin_with_the_python_sdk_gives_the_record() {
    keeps_to_the_record("counter-py");
}

#[test]
fn a_plugin_in_bash_gives_the_record() {
    keeps_to_the_record("counter-bash");
}

#[test]
fn a_plugin_in_c_gives_the_record() {
    keeps_to_the_record("counter-c");
}

/// The conformance kit finds nothing, not even advice, and leaves nothing out.
fn conforms(id: &str) {
    let mut kit = Command::new(binary("outboard"));
    // What is looked for is what is said. How soon it comes is the machine's, and it is busy with other tests.
    kit.arg("conform").arg(examples::built(id)).args(["--json", "--timeout", "60s", "--grace", "30s"]);
    let output = kit.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let report: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"));
    let lines = report["lines"].as_array().unwrap();
    let off: Vec<&Value> = lines.iter().filter(|line| line["verdict"] != "holds").collect();
    assert!(output.status.success() && lines.len() > 40 && off.is_empty(), "{off:#?}");
}

#[test]
fn a_plugin_with_the_rust_sdk_conforms() {
    conforms("counter-rust");
}

#[test]
fn a_plugin_with_the_typescript_sdk_conforms() {
    conforms("counter-ts");
}

#[test]
fn a_plugin_with_the_python_sdk_conforms() {
    conforms("counter-py");
}

#[test]
fn a_plugin_in_bash_conforms() {
    conforms("counter-bash");
}

#[test]
fn a_plugin_in_c_conforms() {
    conforms("counter-c");
}

/// Uses the service `clock` in JavaScript, and answers where it asks.
const USES_CLOCK: &str = r#"
const onStart = (ctx) => {
  const clock = ctx.service("clock");
  const heard = new Promise((resolve) => clock.on("tick", (at) => resolve(at instanceof Date)));
  clock.answer("may-tick", ({ at }) => new Set([at instanceof Date]));
  ctx.ipc.handle("ask", async () => {
    const { at, got } = await clock.call("now", { at: new Date(5), of: new Set([1, 2]) });
    return { date: at instanceof Date, got, heard: await heard };
  });
};
export default { onStart, onStop() {} };
"#;

/// Provides it in Python.
const PROVIDES_CLOCK: &str = r#"
from datetime import datetime, timezone
from outboard_plugin import Plugin

plugin = Plugin()

@plugin.on_start
async def on_start(ctx):
    clock = ctx.service("clock")

    @clock.provide("now")
    async def now(call):
        clock.emit("tick", datetime.now(timezone.utc))
        answer = await clock.ask(call.caller, "may-tick", {"at": datetime.now(timezone.utc)})
        got = [call.caller, call.params["at"].timestamp(), sorted(call.params["of"]), sorted(answer.value)]
        return {"at": datetime.now(timezone.utc), "got": got}

plugin.run()
"#;

#[test]
fn a_service_carries_what_json_lacks_between_javascript_and_python_every_way() {
    let sdk = concat!(env!("CARGO_MANIFEST_DIR"), "/../plugin-sdk/python/src");
    let run = format!("PYTHONPATH='{sdk}' exec python3 main.py");
    let clock = Plugin::command("clock", &["sh", "-c", &run]).with(json!({ "provides": ["clock"] }));
    let supervisor = Supervisor::builder()
        .plugin(clock)
        .file("clock/main.py", PROVIDES_CLOCK)
        .plugin(Plugin::module("uses-clock"))
        .file("uses-clock/index.js", USES_CLOCK)
        .start();
    supervisor.wait_for_state("uses-clock", "running");
    let said = supervisor.call("uses-clock", "ask", json!([]));
    let got = json!(["uses-clock", 0.005, [1, 2], [true]]);
    assert_eq!(said, json!({ "date": true, "got": got, "heard": true }));
    supervisor.verify();
}
