//! What can be seen of a running supervisor: plugins, ends, events and records, and waiting for each of them.

use serde_json::{Value, json};

use super::Supervisor;
use crate::patience::{GUARD, eventually};

impl Supervisor {
    /// The plugins, as the status shows them.
    pub fn plugins(&self) -> Vec<Value> {
        self.ask("status", json!({}))["plugins"].as_array().unwrap().clone()
    }

    /// One plugin; null when it is unknown.
    pub fn plugin(&self, id: &str) -> Value {
        self.plugins().into_iter().find(|plugin| plugin["id"] == id).unwrap_or_default()
    }

    /// The pid of a plugin's process.
    pub fn pid_of(&self, id: &str) -> u32 {
        let plugin = self.plugin(id);
        plugin["pid"].as_u64().unwrap_or_else(|| panic!("{id} has no process: {plugin}")).try_into().unwrap()
    }

    /// Waits until a plugin is in this state.
    pub fn wait_for_state(&self, id: &str, state: &str) -> Value {
        self.wait_for(id, state, |plugin| plugin["state"] == state)
    }

    /// Waits until a plugin runs in a later generation than this.
    pub fn wait_for_generation_after(&self, id: &str, generation: &Value) -> Value {
        let past = generation.as_u64().unwrap();
        self.wait_for(id, "the next generation", |plugin| {
            plugin["state"] == "running" && plugin["generation"].as_u64().unwrap() > past
        })
    }

    /// Waits until a plugin's status is as wanted.
    pub fn wait_for(&self, id: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        let found = crate::patience::within(GUARD, || {
            last = self.plugin(id);
            wanted(&last).then(|| last.clone())
        });
        found.unwrap_or_else(|| panic!("{id} did not come to {what} in {GUARD:?}: {last}"))
    }

    /// What `why` says: the status, and the history of ends.
    pub fn why(&self, id: &str) -> Value {
        self.ask("why", json!({ "id": id }))
    }

    /// Waits until so many ends are recorded, and gives the latest.
    pub fn last_end(&self, id: &str, ends: usize) -> Value {
        eventually(&format!("{ends} recorded ends of {id}"), || {
            let why = self.why(id);
            let history = why["history"].as_array().unwrap();
            let latest = history.iter().max_by_key(|end| end["generation"].as_u64());
            latest.filter(|_| history.len() >= ends).cloned()
        })
    }

    /// Everything that a host application has heard.
    pub fn events(&self) -> Vec<Value> {
        self.published.lock().unwrap().clone()
    }

    /// Waits for an event of this `type` among those that a host application hears.
    pub fn wait_for_event(&self, kind: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        eventually(&format!("the event {kind}"), || {
            let published = self.published.lock().unwrap();
            published.iter().find(|event| event["type"] == kind && wanted(event)).cloned()
        })
    }

    /// The log records of a plugin: none of one that was installed a moment ago and is not known yet.
    pub fn logs(&self, id: &str) -> Vec<Value> {
        let answer = self.control.ask("logs", &json!({ "id": id, "lines": 1000 })).unwrap();
        if answer["error"]["data"]["reason"] == "not_found" {
            return Vec::new();
        }
        answer["result"].as_array().unwrap_or_else(|| panic!("logs was refused: {answer}")).clone()
    }

    /// Waits for a log record that contains this.
    pub fn wait_for_log(&self, id: &str, text: &str) -> Value {
        eventually(&format!("a log record of {id} with {text:?}"), || {
            self.logs(id).into_iter().find(|record| record["message"].as_str().unwrap().contains(text))
        })
    }
}
