//! One session written down as data: what is done to a plugin, and everything that can be seen of it from outside.
//!
//! A line is one step: `do` is what is done, and the other members are what is seen until the next. Absent means nothing.
//!
//! ```text
//! {"do": ["call", "add", [2]], "answer": {"count": 2}, "events": [["count", {"count": 2}]]}
//! ```
//!
//! | seen | |
//! | --- | --- |
//! | `answer` | of the control API, or of HTTP as `status`, `type`, `body` |
//! | `events` | what the plugin's UIs got: channel and payload |
//! | `logs` | what the plugin logged: level, tag, message |
//! | `states` | through which states it went |
//!
//! Left out is what differs from run to run or from plugin to plugin: pids, times, the id (`<id>`), parameters of a content type.

use std::net::TcpStream;

use serde_json::{Map, Value, json};

use crate::install::write_at_once;
use crate::patience::{GUARD, within};
use crate::socket::{self, Socket};
use crate::supervisor::Supervisor;
use crate::{examples, http};

/// A plugin under observation.
struct Watched<'a> {
    supervisor: &'a Supervisor,
    id: &'a str,
    bus: Socket<TcpStream>,
    /// What was seen since the last step.
    events: Vec<Value>,
    /// How much of the logs and of the states belongs to steps before.
    logged: usize,
    stated: usize,
}

/// Does every step of the record to an example, and compares.
///
/// # Panics
/// At the first step at which something else is seen than what is written.
pub fn replay(supervisor: &Supervisor, id: &str, record: &str) {
    let bus = socket::open(supervisor.address(), "/_outboard/bus", &[]).unwrap();
    let mut watched = Watched { supervisor, id, bus, events: Vec::new(), logged: 0, stated: 0 };
    for (number, line) in record.lines().enumerate() {
        let step: Map<String, Value> = serde_json::from_str(line).unwrap();
        let answer = watched.act(step["do"].as_array().unwrap());
        let mut seen = Map::new();
        let agrees = within(GUARD, || {
            seen = watched.seen(&step["do"], &answer);
            // What is answered stays as it is; the rest may be on its way.
            (seen == step || seen.get("answer") != step.get("answer")).then_some(())
        });
        let agrees = agrees.filter(|()| seen == step);
        assert!(
            agrees.is_some(),
            "{id} differs at line {}:\n written {line}\n seen    {}",
            number + 1,
            Value::from(seen)
        );
        watched.pass_on();
    }
}

impl Watched<'_> {
    fn act(&mut self, words: &[Value]) -> Value {
        let word = |index: usize| words[index].as_str().unwrap();
        let with_id = |mut params: Value| {
            params["id"] = json!(self.id);
            params
        };
        match word(0) {
            "install" => {
                examples::install(self.id, &self.supervisor.folders().plugins());
                self.supervisor.wait_for_state(self.id, "running");
                self.bus.say(&json!({ "type": "subscribe", "plugin": self.id }));
                self.bus.hear_of("subscribed");
                Value::Null
            }
            "update" => {
                let manifest = self.supervisor.folders().plugins().join(self.id).join("plugin.json");
                let mut text: Value =
                    serde_json::from_str(&std::fs::read_to_string(&manifest).unwrap()).unwrap();
                text["version"] = words[1].clone();
                let before = self.supervisor.plugin(self.id)["generation"].clone();
                write_at_once(&manifest, &text.to_string());
                self.supervisor.wait_for_generation_after(self.id, &before);
                Value::Null
            }
            "call" => self.ask("ipc.invoke", with_id(json!({ "channel": word(1), "args": words[2] }))),
            "config.set" => self.ask("config.set", with_id(json!({ "key": word(1), "value": words[2] }))),
            "config.get" => self.ask("config.get", with_id(json!({ "key": word(1) })))["value"].clone(),
            "start" | "stop" => {
                self.ask(word(0), with_id(json!({})));
                Value::Null
            }
            "GET" | "POST" => self.exchange(word(0), word(1)),
            "last end" => {
                let end = self.supervisor.last_end(self.id, 1);
                json!({ "phase": end["phase"], "ended": end["ended"], "decision": end["decision"] })
            }
            unknown => panic!("nobody knows how to {unknown:?}"),
        }
    }

    /// The result, or the error by its stable word.
    fn ask(&self, method: &str, params: Value) -> Value {
        let answer = self.supervisor.control.ask(method, &params).unwrap();
        match answer.get("error") {
            Some(error) => {
                json!({ "error": error["data"]["reason"], "message": self.without_id(&error["message"]) })
            }
            None => answer["result"].clone(),
        }
    }

    fn without_id(&self, message: &Value) -> String {
        message.as_str().unwrap_or_default().replace(self.id, "<id>")
    }

    fn exchange(&self, method: &str, path: &str) -> Value {
        let address = self.supervisor.address();
        let request = format!(
            "{method} /api/{}{path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
            self.id
        );
        let answer = http::exchange(address, request.as_bytes()).unwrap();
        let kind = answer.header("content-type").unwrap_or_default().split(';').next().unwrap().to_owned();
        if kind == "application/problem+json" {
            return json!({ "status": answer.status, "problem": answer.json()["type"] });
        }
        json!({ "status": answer.status, "type": kind, "body": answer.json() })
    }

    /// Everything since the last step, as a line of the record.
    fn seen(&mut self, done: &Value, answer: &Value) -> Map<String, Value> {
        self.listen();
        let mut seen = Map::from_iter([("do".to_owned(), done.clone())]);
        if !answer.is_null() {
            seen.insert("answer".to_owned(), answer.clone());
        }
        let further = [
            ("events", self.events.clone()),
            ("logs", self.logs().split_off(self.logged)),
            ("states", self.states().split_off(self.stated)),
        ];
        seen.extend(
            further
                .into_iter()
                .filter(|(_, some)| !some.is_empty())
                .map(|(name, some)| (name.to_owned(), some.into())),
        );
        seen
    }

    fn pass_on(&mut self) {
        self.events.clear();
        self.logged = self.logs().len();
        self.stated = self.states().len();
    }

    /// All that the bus had to say up to now.
    fn listen(&mut self) {
        self.bus.say(&json!({ "type": "ping" }));
        loop {
            let heard = self.bus.hear().unwrap();
            match heard["type"].as_str() {
                Some("pong") => return,
                Some("event") => self.events.push(json!([heard["channel"], heard["payload"]])),
                _ => {}
            }
        }
    }

    fn logs(&self) -> Vec<Value> {
        let records = self.supervisor.logs(self.id).into_iter().filter(|record| record["source"] == "logger");
        records.map(|record| json!([record["level"], record["tag"], record["message"]])).collect()
    }

    /// Each state once for as long as it lasted, whatever happened within it.
    fn states(&self) -> Vec<Value> {
        let published = self.supervisor.published.lock().unwrap();
        let own = published.iter().filter(|event| event["status"]["id"] == self.id);
        let mut states: Vec<Value> = own.map(|event| event["status"]["state"].clone()).collect();
        states.dedup();
        states
    }
}
