//! One side of a conversation as data: what is said, what must be heard, in order. Played as a plugin by the program
//! `scripted-plugin` against any host, and as a host by tests against any plugin.
//!
//! A script is lines of JSON, one step each:
//!
//! | step | what the player does |
//! | --- | --- |
//! | `{"send": {…}}` | writes the message on a line |
//! | `{"raw": "…"}`, `{"bytes": [255]}` | writes just this, as it is |
//! | `{"hear": {…}}` | the next message must have these members; it may have more |
//! | `{"hear exactly": {…}}` | the next message must have these members and no other |
//! | `{"hear the end": true}` | nothing comes any more: the wire's input has ended |
//! | `{"hear SIGTERM": true}` | the signal comes next |
//! | `{"hear the end and SIGTERM": true}` | both come next, in either order |
//! | `{"begin": {…}}` | hears `initialize`, answers with version 1 and these members, hears `start` and answers it |
//! | `{"settle": N}` | calls `config.getAll` under an id made from N, and hears the answer next: nothing else was on its way |
//! | `{"drive": […]}` | asks for something to be done to the host; see below |
//! | `{"stay": true}` | does nothing any more, until it is killed |
//! | `{"note": "…"}` | nothing |
//!
//! With `"times": N` a step is done N times.
//!
//! **Names.** A text such as `"<id>"` in what is heard stands for any value, and for the same one wherever it is named again, in
//! what is sent too; `"<any>"` is never remembered, and `"<none>"` says that the member is absent. In `raw`, a name with its
//! quotes is replaced by the value's JSON.
//!
//! **Pings** are answered at any time, unless the next step wants to hear one.
//!
//! **Driving.** Some steps need the host to be told something by its operator: `["invoke", CHANNEL, ARGS, OUTCOME]`, `["stop"]`,
//! and so on. The player only says so, and whoever runs the host does it.

pub mod pattern;
pub mod player;
pub mod session;

use serde_json::{Map, Value, json};

pub use player::{Event, Player};

/// A script: its steps, with the numbers of their lines.
#[derive(Debug, Clone)]
pub struct Script {
    steps: Vec<(usize, Step)>,
}

/// What one line comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Writes these bytes, names filled in.
    Say(String),
    /// Writes bytes that may not be text.
    Bytes(Vec<u8>),
    /// Hears a message: the pattern, and whether other members may be there.
    Hear(Value, bool),
    /// Hears these, in either order.
    Leave(Vec<Event>),
    /// Wants something to be done to the host.
    Drive(Vec<Value>),
    /// Does nothing any more.
    Stay,
}

impl Script {
    /// Reads a script.
    ///
    /// # Panics
    /// When a line is not a step, with its number.
    pub fn read(text: &str) -> Self {
        let mut steps = Vec::new();
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let number = index + 1;
            let mut line: Map<String, Value> =
                serde_json::from_str(line).unwrap_or_else(|error| panic!("line {number}: {error}"));
            let times = line.remove("times").map_or(1, |times| times.as_u64().unwrap());
            let once = read(&line).unwrap_or_else(|| panic!("line {number} is not a step: {line:?}"));
            for _ in 0..times {
                steps.extend(once.iter().map(|step| (number, step.clone())));
            }
        }
        Self { steps }
    }

    /// Its steps with the numbers of their lines.
    pub fn steps(&self) -> &[(usize, Step)] {
        &self.steps
    }
}

fn read(line: &Map<String, Value>) -> Option<Vec<Step>> {
    let (name, value) = line.iter().next().filter(|_| line.len() == 1)?;
    Some(match name.as_str() {
        "send" => vec![send(value)],
        "raw" => vec![Step::Say(value.as_str()?.to_owned())],
        "bytes" => {
            let bytes = value.as_array()?.iter().map(|byte| u8::try_from(byte.as_u64()?).ok());
            vec![Step::Bytes(bytes.collect::<Option<_>>()?)]
        }
        "hear" => vec![Step::Hear(value.clone(), true)],
        "hear exactly" => vec![Step::Hear(value.clone(), false)],
        "hear the end" => vec![Step::Leave(vec![Event::End])],
        "hear SIGTERM" => vec![Step::Leave(vec![Event::Signal])],
        "hear the end and SIGTERM" => vec![Step::Leave(vec![Event::End, Event::Signal])],
        "begin" => {
            let mut result = json!({ "protocolVersion": 1 });
            result.as_object_mut()?.extend(value.as_object()?.clone());
            vec![
                Step::Hear(json!({ "jsonrpc": "2.0", "id": "<initialize>", "method": "initialize" }), true),
                send(&json!({ "jsonrpc": "2.0", "id": "<initialize>", "result": result })),
                Step::Hear(json!({ "jsonrpc": "2.0", "id": "<start>", "method": "start" }), true),
                send(&json!({ "jsonrpc": "2.0", "id": "<start>", "result": {} })),
            ]
        }
        "settle" => {
            let id = format!("settle-{value}");
            vec![
                send(&json!({ "jsonrpc": "2.0", "id": id, "method": "config.getAll" })),
                Step::Hear(json!({ "jsonrpc": "2.0", "id": id, "result": "<any>" }), true),
            ]
        }
        "drive" => vec![Step::Drive(value.as_array()?.clone())],
        "stay" => vec![Step::Stay],
        "note" => Vec::new(),
        _ => return None,
    })
}

fn send(message: &Value) -> Step {
    Step::Say(format!("{message}\n"))
}
