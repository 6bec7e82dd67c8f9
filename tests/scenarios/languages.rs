//! The counter of examples/COUNTER.md in every language: one session, one record of what can be seen of it.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::process::Command;

use serde_json::Value;
use system_tests::binaries::binary;
use system_tests::{Supervisor, examples, record};

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
