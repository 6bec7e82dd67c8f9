//! Which state may follow which, read off the published changes alone. docs/LIFECYCLE.md has the whole table.

use std::collections::BTreeMap;

use serde_json::Value;

/// States that may follow each other. A state may also follow itself: with another phase or another health.
const LEGAL: &[(&str, &[&str])] = &[
    ("stopped", &["starting"]),
    ("starting", &["running", "stopping", "backing-off", "errored", "stopped"]),
    ("running", &["stopping"]),
    ("stopping", &["stopped", "starting", "backing-off", "errored"]),
    ("backing-off", &["starting", "stopped", "errored"]),
    ("errored", &["starting", "stopping", "stopped"]),
];

/// Checks what was published; gives what each plugin came to last.
///
/// # Panics
/// When a change was lost, or two follow each other that may not.
pub fn check(published: &[Value]) -> BTreeMap<String, Value> {
    let mut last: BTreeMap<String, Value> = BTreeMap::new();
    for event in published {
        assert_ne!(event["type"], "lost", "state changes were lost: {event}");
        if event["type"] != "plugin.state" {
            continue;
        }
        let now = &event["status"];
        let id = now["id"].as_str().unwrap();
        if let Some(before) = last.get(id) {
            check_step(before, now);
        }
        last.insert(id.to_owned(), now.clone());
    }
    last
}

fn check_step(before: &Value, now: &Value) {
    let (from, to) = (before["state"].as_str().unwrap(), now["state"].as_str().unwrap());
    let legal = LEGAL.iter().find(|(state, _)| *state == from).map(|(_, next)| *next);
    let legal = legal.unwrap_or_else(|| panic!("an unknown state {from:?} was published: {before}"));
    assert!(from == to || legal.contains(&to), "{from} was followed by {to}:\n{before}\n{now}");
    let generation = |status: &Value| status["generation"].as_u64().unwrap();
    // A plugin that was removed and came back begins to count anew, and begins stopped or starting.
    assert!(
        generation(now) >= generation(before) || ["stopped", "starting"].contains(&to),
        "a generation went backwards:\n{before}\n{now}"
    );
    assert!(to != "running" || now["pid"].as_u64().is_some(), "something runs that has no process: {now}");
}
