//! One plugin with every fault. Without arguments it is well-behaved: it counts its starts, serves HTTP, handles channels and
//! remembers each stop. Arguments switch on faults of its early life ([`arguments`]); a call of its channel `fault` brings
//! about the others ([`faults`]).
//!
//! Written by hand on purpose: an SDK would keep it from most of what it has to do.
#![allow(
    clippy::unwrap_used,
    clippy::zombie_processes,
    clippy::needless_pass_by_value,
    reason = "whatever goes wrong in here may end the process; that is what it is for"
)]

mod arguments;
mod family;
mod faults;
mod http;
mod storm;
mod wire;

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arguments::{Arguments, Handshake, Stage};
use serde_json::{Value, json};
use wire::Wire;

/// Between two words of progress.
const OFTEN: Duration = Duration::from_millis(20);

fn main() {
    let arguments = Arguments::read();
    if let Some(role) = &arguments.role {
        return family::play(role);
    }
    if arguments.ignore_term {
        family::block_sigterm();
    }
    arguments.end_at(Stage::Spawn);
    let (input, wire) = Wire::open();
    if arguments.noise {
        wire.raw(b"I am a banner.\n{\"not\": \"ours\"}\n[1, 2, 3]\n\n\xff\xfe binary\n");
    }
    let mut plugin = Plugin {
        arguments,
        wire: Arc::new(wire),
        data_dir: PathBuf::new(),
        id: String::new(),
        waiting: None,
    };
    for line in BufReader::new(input).lines() {
        let Ok(message) = serde_json::from_str::<Value>(&line.unwrap_or_default()) else { continue };
        plugin.hear(&message);
    }
    if plugin.arguments.ignore_stop {
        faults::sleep_for_ever();
    }
}

struct Plugin {
    arguments: Arguments,
    wire: Arc<Wire>,
    data_dir: PathBuf,
    id: String,
    /// The start that awaits its notification: id, method and parameters.
    waiting: Option<(Value, String, Value)>,
}

impl Plugin {
    fn hear(&mut self, message: &Value) {
        let Some(method) = message["method"].as_str() else { return self.wire.answered(message) };
        let id = message["id"].clone();
        if id.is_null() {
            if method.starts_with("service.") {
                self.note(method, &message["params"].to_string());
            }
            if method == "database.quota" {
                self.note("quota", &message["params"].to_string());
            }
            if self.arguments.starts_on.as_deref() == Some(method)
                && let Some((id, method, params)) = self.waiting.take()
            {
                self.start(&id, &method, &params);
            }
            return;
        }
        match method {
            "initialize" => self.initialize(&id, &message["params"]),
            "start" | "resume" if self.arguments.starts_on.is_some() => {
                self.waiting = Some((id, method.to_owned(), message["params"].clone()));
            }
            "start" | "resume" => self.start(&id, method, &message["params"]),
            "stop" => self.stop(&id, &message["params"]),
            "ping" if faults::mute() => {}
            "ping" => self.wire.result(&id, json!({})),
            "ipc.invoke" => self.invoke(&id, &message["params"]),
            "service.call" => self.serve(&id, &message["params"]),
            _ => self.wire.error(&id, -32601, &format!("no method {method}")),
        }
    }

    fn initialize(&mut self, id: &Value, params: &Value) {
        self.arguments.end_at(Stage::Handshake);
        self.data_dir = params["plugin"]["dataDir"].as_str().unwrap().into();
        self.id = params["plugin"]["id"].as_str().unwrap().to_owned();
        let mut hooks = vec!["onStart", "onStop"];
        if self.arguments.resumes {
            hooks.push("onResume");
        }
        match self.arguments.handshake {
            Handshake::Good => {
                self.wire.result(id, json!({"protocolVersion": 1, "hooks": hooks, "unknown": true}));
            }
            Handshake::Future => self.wire.result(id, json!({"protocolVersion": 99})),
            Handshake::Garbage => self.wire.result(id, json!(["what?"])),
            Handshake::Refused => self.wire.error(id, -32603, "I will not talk to you"),
            Handshake::Never => {}
        }
    }

    fn start(&self, id: &Value, method: &str, params: &Value) {
        self.arguments.end_at(Stage::Start);
        if self.arguments.never_starts {
            return;
        }
        if let Some(message) = &self.arguments.start_error {
            return self.wire.error(id, -32603, message);
        }
        let (wire, id, plugin) = (Arc::clone(&self.wire), id.clone(), self.id.clone());
        let (prefixes, end) = (self.arguments.prefixes.clone(), self.arguments.ends_after_start);
        let (data_dir, storm) = (self.data_dir.clone(), self.arguments.storm);
        let work = Duration::from_secs(self.arguments.works_on_start);
        let note = format!("{method} {}", params["fromVersion"].as_str().unwrap_or_default());
        self.note("starts", note.trim());
        // In a thread of its own: the answers to what it asks come in through the main loop.
        std::thread::spawn(move || {
            let begun = Instant::now();
            while begun.elapsed() < work {
                wire.tell("$/progress", json!({ "id": id }));
                std::thread::sleep(OFTEN);
            }
            if let Err(refusal) = begin(&wire, &plugin, &prefixes, data_dir.clone()) {
                return wire.error(&id, -32603, &refusal);
            }
            wire.result(&id, json!({}));
            if storm > 0 {
                storm::begin(&wire, &data_dir, storm);
            }
            if let Some(code) = end {
                std::process::exit(code);
            }
        });
    }

    fn stop(&self, id: &Value, params: &Value) {
        self.note("stops", params["reason"].as_str().unwrap_or("?"));
        self.arguments.end_at(Stage::Stop);
        if !self.arguments.ignore_stop {
            self.wire.result(id, json!({}));
        }
    }

    fn invoke(&self, id: &Value, params: &Value) {
        let args = params["args"].as_array().cloned().unwrap_or_default();
        match params["channel"].as_str().unwrap_or_default() {
            "echo" => self.wire.result(id, json!(args)),
            "refuse" => self.wire.error(id, -4711, "this channel refuses"),
            "never" => {
                let said = json!({"level": "info", "tag": "Hostile", "message": "never is called"});
                self.wire.tell("log", said);
            }
            "fault" => {
                self.wire.result(id, json!("as you wish"));
                faults::bring_about(&self.wire, &self.data_dir, &args);
            }
            "ask" => {
                let (wire, id) = (Arc::clone(&self.wire), id.clone());
                std::thread::spawn(move || {
                    let method = args[0].as_str().unwrap().to_owned();
                    let answer = wire.ask(&method, args.get(1).cloned().unwrap_or(json!({})));
                    wire.result(&id, answer);
                });
            }
            "tell" => {
                self.wire.tell(args[0].as_str().unwrap(), args.get(1).cloned().unwrap_or(json!({})));
                self.wire.result(id, json!({}));
            }
            channel => self.wire.error(id, -32601, &format!("no channel {channel}")),
        }
    }

    /// A call of a service that the manifest names, whichever that is.
    fn serve(&self, id: &Value, params: &Value) {
        match params["method"].as_str().unwrap_or_default() {
            "echo" => self.wire.result(id, json!({ "caller": params["caller"], "params": params["params"] })),
            "refuse" => self.wire.error(id, -4711, "this method refuses"),
            "never" => self.note("never", &params["caller"].to_string()),
            method => self.wire.error(id, -32601, &format!("no method {method}")),
        }
    }

    fn note(&self, file: &str, line: &str) {
        note(&self.data_dir, file, line);
    }
}

/// Appends a line to a file in the data folder, for the test to read.
fn note(data_dir: &Path, file: &str, line: &str) {
    std::fs::create_dir_all(data_dir).unwrap();
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(data_dir.join(file)).unwrap();
    writeln!(file, "{line}").unwrap();
}

/// What a well-behaved plugin does in onStart.
fn begin(wire: &Arc<Wire>, id: &str, prefixes: &[String], data_dir: PathBuf) -> Result<(), String> {
    let starts = wire.ask("config.get", json!({"key": "starts", "default": 0}));
    let starts = starts["result"]["value"].as_u64().unwrap_or_default() + 1;
    wire.ask("config.set", json!({"key": "starts", "value": starts}));
    for channel in ["echo", "refuse", "never", "fault", "ask", "tell"] {
        wire.ask("ipc.handle", json!({"channel": channel}));
    }
    http::serve(Arc::clone(wire), starts, data_dir);
    let own = format!("/api/{id}");
    for prefix in std::iter::once(&own).chain(prefixes) {
        let answer = wire.ask("server.register", json!({"prefix": prefix}));
        if let Some(message) = answer["error"]["message"].as_str() {
            return Err(message.to_owned());
        }
    }
    wire.tell("log", json!({"level": "info", "tag": "Hostile", "message": format!("start number {starts}")}));
    Ok(())
}
