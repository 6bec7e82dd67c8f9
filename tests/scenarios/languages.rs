//! The counter of examples/COUNTER.md in every language: one session, one record of what can be seen of it.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use system_tests::{Supervisor, record};

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
