//! Recorded sessions: a whole conversation, both sides, as it once was.
//!
//! A line is `{"host": {…}}`, a message of the host, or `{"plugin": "…"}`, a line of the plugin byte for byte. What differs from run
//! to run has a name in it ([`HOST_NAMES`], the host's ids as `<h1>`, `<h2>` …, the SDK's version); an error's words are `<any>`.
//! A conversation has one ping in it, while nothing else is under way.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Script, Step};
use crate::install::Plugin;
use crate::patience::{GUARD, within};
use crate::supervisor::Supervisor;

/// The id of the plugin in every record.
pub const ID: &str = "session";
/// Where pings come often, calls end soon, and nothing else is in the way.
pub const SETTINGS: &str = "[plugins.session]\ndeadlines = { ping = \"100ms\", call = \"1s\" }\n";
/// Members of the host's messages that differ from run to run: where they stand, and their name.
pub const HOST_NAMES: &[(&str, &str)] = &[
    ("/params/host/version", "<hostVersion>"),
    ("/params/plugin/installDir", "<installDir>"),
    ("/params/plugin/dataDir", "<dataDir>"),
    ("/params/http/baseUrl", "<baseUrl>"),
    ("/result/path", "<databasePath>"),
    ("/result/maxBytes", "<maxBytes>"),
    ("/result/url", "<any>"),
    ("/result/airline/baseUrl", "<airline>"),
    ("/error/message", "<any>"),
];
/// How many messages early one may come in a record: two calls that do not wait for each other are answered in any order.
pub const LEEWAY: usize = 3;
/// The SDK's version, in the plugin's answer to `initialize`.
pub const SDK_VERSION: &str = "<sdkVersion>";

/// The folder of the records of protocol version 1: a folder each, in it a file for each process.
pub fn records() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("record/protocol-1")
}

/// The files of a record, in the order of the processes.
pub fn conversations(record: &Path) -> Vec<PathBuf> {
    let numbered = (1..).map(|number| record.join(format!("{number}.jsonl")));
    numbered.take_while(|file| file.is_file()).collect()
}

/// A record as a script of the plugin's side, or of the host's. Members that came into the protocol later may be there.
pub fn script(text: &str, of_host: bool) -> Script {
    let steps = text.lines().enumerate().map(|(index, line)| {
        let line: Value = serde_json::from_str(line).unwrap();
        let step = match (line["plugin"].as_str(), of_host) {
            (Some(raw), false) => Step::Say(format!("{raw}\n")),
            (Some(raw), true) => Step::Hear(serde_json::from_str(raw).unwrap(), true),
            (None, false) => Step::Hear(line["host"].clone(), true),
            (None, true) => Step::Say(format!("{}\n", line["host"])),
        };
        (index + 1, step)
    });
    Script { steps: steps.collect() }
}

/// What was heard on the wire, made into a record: names for what differs, and one ping at a quiet moment.
pub fn normalised(wire: &[(bool, String)]) -> String {
    let mut ids: Vec<Value> = Vec::new();
    let (mut lines, mut ping): (Vec<Value>, Vec<Value>) = (Vec::new(), Vec::new());
    let mut ping_id = Vec::new();
    for (of_host, raw) in wire {
        let mut message: Value = serde_json::from_str(raw).unwrap();
        let is_ping = message["method"] == "ping"
            || (!of_host && ping_id.contains(&message["id"]) && message["method"].is_null());
        if is_ping && *of_host {
            ping_id.push(message["id"].clone());
        }
        if is_ping {
            if ping.len() < 2 {
                let id = format!("\"id\":{}", message["id"]);
                let raw = raw.replacen(&id, "\"id\":\"<ping>\"", 1);
                message["id"] = json!("<ping>");
                ping.push(if *of_host { json!({ "host": message }) } else { json!({ "plugin": raw }) });
            }
            continue;
        }
        lines.push(if *of_host { host_line(message, &mut ids) } else { plugin_line(raw, &message, &ids) });
    }
    let quiet = lines
        .iter()
        .position(|line| line["host"]["params"]["channel"] == "never" || line["host"]["method"] == "stop");
    let quiet = quiet.map_or(lines.len(), |at| at + usize::from(lines[at]["host"]["method"] != "stop"));
    lines.splice(quiet..quiet, ping);
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn host_line(mut message: Value, ids: &mut Vec<Value>) -> Value {
    for (place, name) in HOST_NAMES {
        if let Some(value) = message.pointer_mut(place).filter(|value| !value.is_null()) {
            *value = json!(name);
        }
    }
    let is_call = message["method"].is_string() && message["id"] != Value::Null;
    if is_call {
        ids.push(message["id"].clone());
        message["id"] = json!(format!("<h{}>", ids.len()));
    }
    if message["method"] == "$/cancelRequest" {
        let number = ids.iter().position(|id| *id == message["params"]["id"]).unwrap() + 1;
        message["params"]["id"] = json!(format!("<h{number}>"));
    }
    json!({ "host": message })
}

fn plugin_line(raw: &str, message: &Value, ids: &[Value]) -> Value {
    let mut raw = raw.to_owned();
    if message["method"].is_null() {
        let number = ids.iter().position(|id| *id == message["id"]).unwrap() + 1;
        raw = raw.replacen(&format!("\"id\":{}", message["id"]), &format!("\"id\":\"<h{number}>\""), 1);
    }
    if let Some(version) = message.pointer("/result/sdk/version") {
        raw = raw.replacen(&format!("\"version\":{version}"), &format!("\"version\":\"{SDK_VERSION}\""), 1);
    }
    json!({ "plugin": raw })
}

/// Does to the host what the plugin asks for in its log, until it has been stopped.
pub fn drive(supervisor: &Supervisor, plugin: Plugin) {
    supervisor.install(&plugin);
    let tell = |method: &str, params: Value| {
        supervisor.ask(method, params);
    };
    for number in 0.. {
        let mut asked = Vec::new();
        let next = within(GUARD, || {
            let logs = supervisor.logs(ID);
            let messages = logs.iter().filter_map(|record| record["message"].as_str()?.strip_prefix("do: "));
            asked = messages.map(str::to_owned).collect();
            asked.get(number).cloned()
        });
        let next = next.unwrap_or_else(|| panic!("after {asked:?} nothing more was asked for"));
        match next.as_str() {
            "config.set" => tell("config.set", json!({ "id": ID, "key": "units", "value": "imperial" })),
            "auth.clear" => tell("auth.clear", json!({})),
            "airline.set" => tell("airline.set", json!({ "id": "other", "baseUrl": "http://127.0.0.1:9" })),
            "invoke echo" => {
                assert_eq!(supervisor.call(ID, "echo", json!(["one", 2])), json!(["one", 2]));
            }
            "invoke never" => {
                let refused =
                    supervisor.refused("ipc.invoke", json!({ "id": ID, "channel": "never", "args": [] }));
                assert_eq!(refused["data"]["reason"], "timeout");
            }
            "update" => {
                supervisor.wait_for_state(ID, "running");
                supervisor.install(&plugin.clone().version("1.1.0"));
            }
            "stop" => {
                supervisor.wait_for_state(ID, "running");
                supervisor.ask("stop", json!({ "id": ID }));
                return;
            }
            unknown => panic!("nobody knows how to {unknown:?}"),
        }
    }
}
