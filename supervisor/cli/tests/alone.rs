//! Verbs without a supervisor: they say that there is none, and what to do.

#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

mod terminal;

use std::os::unix::net::UnixListener;

use terminal::Terminal;

/// Every verb that asks a supervisor.
const ASKING: [&[&str]; 16] = [
    &["list"],
    &["status"],
    &["status", "x"],
    &["start", "x"],
    &["stop", "x"],
    &["restart", "x"],
    &["enable", "x"],
    &["disable", "x"],
    &["rescan"],
    &["logs"],
    &["logs", "x", "-f", "-n", "3"],
    &["why", "x"],
    &["config", "get", "x", "k"],
    &["auth", "status"],
    &["airline", "status"],
    &["call", "x", "channel", "{}"],
];

#[test]
fn every_verb_that_asks_says_that_no_supervisor_runs_and_how_to_start_one() {
    let terminal = Terminal::new();
    for words in ASKING {
        let said = terminal.types(words);
        assert_eq!(said.code, 3, "{words:?}: {said:?}");
        assert!(said.err.contains("no supervisor is running at"), "{words:?}: {said:?}");
        assert!(said.err.contains("`outboard run`"), "{words:?}: {said:?}");
        assert!(said.err.contains("--runtime-dir"), "{words:?}: {said:?}");
        assert!(said.out.is_empty(), "{words:?}: {said:?}");
    }
}

#[test]
fn with_json_a_failure_is_an_object_on_standard_error() {
    let said = Terminal::new().types(&["status", "--json"]);
    let error: serde_json::Value = serde_json::from_str(&said.err).unwrap();
    assert_eq!(error["error"]["exit"], 3);
    assert!(error["error"]["message"].as_str().unwrap().contains("no supervisor"));
}

/// What a supervisor leaves that was killed together with its keeper.
fn leftovers(terminal: &Terminal) {
    let record = serde_json::json!({
        "pid": 4_194_000, "keeperPid": null, "listen": "127.0.0.1:1", "dataDir": terminal.path("data"),
        "credentialFile": terminal.write("data/credential", &"0".repeat(64)), "version": "0.0.0",
        "startedAt": "2026-01-01T00:00:00Z",
    });
    terminal.write("runtime/outboard/supervisor.json", &record.to_string());
    let closed = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(terminal.path("runtime/outboard"), closed).unwrap();
    drop(UnixListener::bind(terminal.path("runtime/outboard/control.sock")).unwrap());
}

#[test]
fn a_socket_that_nobody_serves_any_more_is_called_stale() {
    let terminal = Terminal::new();
    leftovers(&terminal);
    let said = terminal.types(&["status"]);
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.err.contains("stale"), "{said:?}");
    assert!(said.err.contains("4194000"), "{said:?}");
}

#[test]
fn the_doctor_notices_a_supervisor_that_has_gone_without_cleaning_up() {
    let terminal = Terminal::new();
    leftovers(&terminal);
    let findings = terminal.types(&["doctor", "--json", "--listen", "127.0.0.1:0"]).json();
    let supervisor =
        findings.as_array().unwrap().iter().find(|finding| finding["what"] == "supervisor").unwrap();
    assert_eq!(supervisor["verdict"], "degraded");
    assert!(supervisor["sentence"].as_str().unwrap().contains("without cleaning up"), "{supervisor}");
}

#[test]
fn the_doctor_says_a_sentence_about_everything_and_finds_nothing_broken_here() {
    let terminal = Terminal::new();
    let said = terminal.types(&["doctor", "--json", "--listen", "127.0.0.1:0"]);
    assert_eq!(said.code, 0, "{said:?}");
    let findings = said.json();
    let findings = findings.as_array().unwrap();
    for what in [
        "node",
        "databases",
        "python3",
        "/proc",
        "containment",
        "pidfd",
        "limits",
        "cgroup v2",
        "confinement",
        "descriptors",
        "settings",
        "runtime folder",
        "data folder",
        "room",
        "plugins",
        "supervisor",
        "address",
    ] {
        let finding =
            findings.iter().find(|finding| finding["what"] == what).unwrap_or_else(|| panic!("no {what}"));
        assert!(!finding["sentence"].as_str().unwrap().is_empty(), "{finding}");
        let verdict = finding["verdict"].as_str().unwrap();
        assert!(["ok", "enforced", "degraded", "unavailable"].contains(&verdict), "{finding}");
    }
}

#[test]
fn the_doctor_calls_a_taken_port_broken() {
    let terminal = Terminal::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = terminal.types(&["doctor", "--listen", &address]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains(&format!("{address} is taken")), "{said:?}");
}

#[test]
fn a_token_is_not_asked_for_when_there_is_none_on_standard_input() {
    let said = Terminal::new().types_into("  \n", &["auth", "set"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("standard input"), "{said:?}");
}

#[test]
fn a_token_on_the_command_line_is_refused_and_not_repeated() {
    let said = Terminal::new().types(&["auth", "set", "canary-secret"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("standard input"), "{said:?}");
    assert!(!format!("{said:?}").contains("canary"), "{said:?}");
}

#[test]
fn a_reader_that_leaves_early_is_no_panic() {
    use std::process::Stdio;
    let terminal = Terminal::new();
    let mut command = terminal.command(&["doctor"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains("panicked"), "{said}");
    assert!(said.is_empty(), "{said}");
    assert_eq!(output.status.code(), Some(0));
}
