//! Recorded sessions of the protocol, played against what is built today: what was once said is still understood.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::sync_channel;

use serde_json::{Value, json};
use system_tests::binaries::binary;
use system_tests::script::{Player, player, session};
use system_tests::supervisor::lines_of;
use system_tests::{Plugin, Supervisor, eventually};

/// Methods that no record has, and why.
const UNRECORDED: &[(&str, &str)] = &[
    ("service.ask", "it came after this record was taken; the scenarios of services show it"),
    ("service.call", "it came after this record was taken; the scenarios of services show it"),
    ("service.changed", "it came after this record was taken; the scenarios of services show it"),
    ("service.emit", "it came after this record was taken; the scenarios of services show it"),
    ("service.event", "it came after this record was taken; the scenarios of services show it"),
    ("service.reply", "it came after this record was taken; the scenarios of services show it"),
    ("service.subscribe", "it came after this record was taken; the scenarios of services show it"),
    ("service.subscribed", "it came after this record was taken; the scenarios of services show it"),
    ("service.unsubscribe", "it came after this record was taken; the scenarios of services show it"),
    ("$/progress", "the Rust SDK hears it and has no call for it; supervisor/host/tests/session.rs shows it"),
    ("database.quota", "wants a quota that is nearly used up; tests/scenarios/storage.rs shows it"),
];

fn recorded() -> Vec<PathBuf> {
    let records = std::fs::read_dir(session::records()).unwrap().flatten().map(|entry| entry.path());
    let records: Vec<PathBuf> = records.filter(|path| path.is_dir()).collect();
    assert!(!records.is_empty(), "there is no record");
    records
}

#[test]
fn the_host_answers_a_recorded_plugin_as_it_did_then() {
    for record in recorded() {
        let conversations = session::conversations(&record);
        // Accepts connections, as every listener does, and never says anything.
        let airline = TcpListener::bind("127.0.0.1:0").unwrap();
        let supervisor = Supervisor::builder().settings(session::SETTINGS).start();
        let base = format!("http://{}", airline.local_addr().unwrap());
        supervisor.ask("auth.set", json!({ "token": "a-token" }));
        supervisor.ask("airline.set", json!({ "id": "silent", "baseUrl": base }));
        session::drive(&supervisor, Plugin::recorded(session::ID, &conversations));
        let verdict = supervisor.folders().plugin_data(session::ID).join("verdict");
        let verdicts = eventually("the verdicts", || {
            let verdicts = lines_of(verdict.clone());
            (verdicts.len() == conversations.len()).then_some(verdicts)
        });
        assert!(verdicts.iter().all(|verdict| verdict == "kept"), "{}: {verdicts:#?}", record.display());
        supervisor.verify();
    }
}

/// Plays the host's side to a process of the session plugin.
fn play_host(conversation: &Path) {
    let folder = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(folder.path().join("http")).unwrap();
    // A copy stays open in the program; the original does not.
    let inherited = nix::unistd::dup(&listener).unwrap();
    let mut plugin = Command::new(binary("session-plugin"))
        .env("OUTBOARD_PROTOCOL", "1")
        .env("OUTBOARD_PLUGIN_ID", session::ID)
        .env("OUTBOARD_DATA_DIR", folder.path())
        .env("OUTBOARD_HTTP_FD", inherited.as_raw_fd().to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (tell, events) = sync_channel(64);
    player::listen(plugin.stdout.take().unwrap(), tell);
    let mut player = Player::new(plugin.stdin.take().unwrap(), events, |_| {});
    player.leeway = session::LEEWAY;
    let here = json!(folder.path());
    let known = [
        ("<installDir>", here.clone()),
        ("<dataDir>", here),
        ("<databasePath>", json!(folder.path().join("session.db"))),
        ("<ping>", json!(0)),
    ];
    player.names.extend(known.map(|(name, value)| (name.to_owned(), value)));
    player.names.insert("<maxBytes>".to_owned(), json!(1 << 30));
    player.names.extend((1..100).map(|number| (format!("<h{number}>"), json!(number))));
    let script = session::script(&std::fs::read_to_string(conversation).unwrap(), true);
    let played = player.play(&script);
    // The end of its input ends it, whatever it has said.
    drop(player);
    let status = eventually("the end of the plugin", || plugin.try_wait().unwrap());
    played.unwrap_or_else(|why| panic!("{}: {why}", conversation.display()));
    assert!(status.success(), "{status}");
}

#[test]
fn a_plugin_with_the_rust_sdk_answers_a_recorded_host_as_it_did_then() {
    for conversation in recorded().iter().flat_map(|record| session::conversations(record)) {
        play_host(&conversation);
    }
}

#[test]
fn every_method_of_the_protocol_is_recorded_or_said_not_to_be() {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../proto-schema/schema/openrpc.json");
    let document: Value = serde_json::from_str(&std::fs::read_to_string(document).unwrap()).unwrap();
    let methods: BTreeSet<String> = document["methods"]
        .as_array()
        .unwrap()
        .iter()
        .map(|method| method["name"].as_str().unwrap().to_owned())
        .collect();
    assert!(methods.len() > 20, "{methods:?}");
    let mut said = BTreeSet::new();
    for conversation in recorded().iter().flat_map(|record| session::conversations(record)) {
        for line in std::fs::read_to_string(conversation).unwrap().lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            let raw = line["plugin"].as_str().map(|raw| serde_json::from_str::<Value>(raw).unwrap());
            let message = raw.unwrap_or_else(|| line["host"].clone());
            said.extend(message["method"].as_str().map(str::to_owned));
        }
    }
    for method in &methods {
        let excused = UNRECORDED.iter().any(|(name, _)| name == method);
        assert!(
            said.contains(method) != excused,
            "{method} is either recorded, or said not to be with the reason"
        );
    }
    assert!(said.is_subset(&methods), "{said:?}");
}
