//! The harness itself: what must be noticed after a case is noticed.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use serde_json::{Value, json};
use system_tests::verify::CANARY;
use system_tests::{NEIGHBOUR, Plugin, Supervisor, transitions};

fn changes(states: &[&str]) -> Vec<Value> {
    let event = |state: &&str| json!({ "type": "plugin.state", "status": { "id": "x", "state": state, "generation": 1, "pid": 7 } });
    states.iter().map(event).collect()
}

#[test]
#[should_panic(expected = "the neighbour felt it")]
fn a_neighbour_that_was_harmed_is_noticed() {
    let supervisor = Supervisor::builder().start();
    let generation = supervisor.plugin(NEIGHBOUR)["generation"].clone();
    supervisor.fault(NEIGHBOUR, json!(["exit", 1]));
    supervisor.wait_for_generation_after(NEIGHBOUR, &generation);
    supervisor.verify();
}

#[test]
#[should_panic(expected = "a secret is")]
fn a_secret_in_a_log_is_noticed() {
    let supervisor = Supervisor::builder().plugin(Plugin::hostile("talkative", &[])).start();
    let record = json!({ "level": "info", "tag": "Oops", "message": format!("the token is {CANARY}") });
    supervisor.call("talkative", "tell", json!(["log", record]));
    supervisor.wait_for_log("talkative", CANARY);
    supervisor.verify();
}

#[test]
#[should_panic(expected = "stopped was followed by running")]
fn a_state_that_may_not_follow_another_is_noticed() {
    transitions::check(&changes(&["stopped", "running"]));
}

#[test]
#[should_panic(expected = "state changes were lost")]
fn lost_changes_are_noticed() {
    transitions::check(&[json!({ "type": "lost", "count": 3 })]);
}

#[test]
fn a_legal_life_passes_and_its_last_state_is_given() {
    let last =
        transitions::check(&changes(&["stopped", "starting", "running", "running", "stopping", "stopped"]));
    assert_eq!(last["x"]["state"], "stopped");
}
