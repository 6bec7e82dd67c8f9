//! The early life of a process: what keeps it from running, and what is said of it.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::{Value, json};
use system_tests::{Plugin, Supervisor};

const HASTY: &str = "[restart]\nbase = \"10ms\"\ncap = \"20ms\"\nin_a_row = 2\n";

fn errored(supervisor: &Supervisor, id: &str, code: &str) -> String {
    let plugin = supervisor.wait_for_state(id, "errored");
    assert_eq!(plugin["causeCode"], code, "{plugin}");
    plugin["cause"].as_str().unwrap().to_owned()
}

#[test]
fn what_cannot_be_spawned_is_errored_at_once_with_its_path_and_the_reason() {
    let builder = Supervisor::builder()
        .plugin(Plugin::command("missing", &["./nowhere"]))
        .plugin(Plugin::command("unfindable", &["no-such-program-anywhere"]))
        .plugin(Plugin::command("forbidden", &["./plain"]))
        .plugin(Plugin::command("uninterpreted", &["./script"]))
        .plugin(Plugin::command("foreign", &["./foreign"]))
        .plugin(Plugin::command("folder", &["./assets"]))
        .file("forbidden/plain", "#!/bin/sh\n")
        .file("uninterpreted/script", "#!/no/such/interpreter\n")
        // An executable of some other machine.
        .file("foreign/foreign", "\u{7f}ELF\u{2}\u{1}\u{1}\0\0\0\0\0\0\0\0\0\u{2}\0\u{16}\0")
        .file("folder/assets/icon.svg", "<svg/>");
    for program in ["uninterpreted/script", "foreign/foreign"] {
        let path = builder.folders().plugins().join(program);
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let supervisor = builder.start();
    for (id, path, reason) in [
        ("missing", "missing/nowhere", "there is no program"),
        ("unfindable", "/bin/no-such-program-anywhere", "tried"),
        ("forbidden", "forbidden/plain", "ermission"),
        ("uninterpreted", "/no/such/interpreter", ""),
        ("foreign", "foreign/foreign", ""),
        ("folder", "folder/assets", ""),
    ] {
        let cause = errored(&supervisor, id, "cannot-spawn");
        assert!(cause.contains(path) && cause.contains(reason), "{id}: {cause}");
        let plugin = supervisor.plugin(id);
        assert_eq!((&plugin["restarts"], &plugin["pid"]), (&0.into(), &Value::Null), "no storm: {plugin}");
    }
    supervisor.verify();
}

/// With OUTBOARD_TRIALS as many as no small machine can start at once within the deadlines.
fn crowd() -> usize {
    if std::env::var_os("OUTBOARD_TRIALS").is_some() { 200 } else { 24 }
}

#[test]
fn plugins_that_start_together_each_run_at_their_first_try() {
    let mut builder = Supervisor::builder();
    let ids: Vec<String> = (0..crowd()).map(|number| format!("module-{number}")).collect();
    for id in &ids {
        builder = builder
            .plugin(Plugin::module(id))
            .file(&format!("{id}/index.js"), "export default { onStart() {}, onStop() {} };");
    }
    let supervisor = builder.start();
    for id in &ids {
        let plugin = supervisor.wait_for_state(id, "running");
        assert_eq!((&plugin["generation"], &plugin["restarts"]), (&1.into(), &0.into()), "{plugin}");
    }
    supervisor.verify();
}

/// Says at its start which Python runs it.
const PYTHON: &str = r#"
import json, os, sys
for line in sys.stdin:
    message = json.loads(line)
    method, result = message.get("method"), {}
    if method == "initialize":
        result = {"protocolVersion": 1}
    elif method == "start":
        own = sys.prefix != sys.base_prefix
        print("runs in " + (sys.prefix if own else "no environment"), os.environ.get("VIRTUAL_ENV"), file=sys.stderr, flush=True)
    if method and "id" in message:
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)
"#;

#[test]
fn a_python_plugin_runs_in_the_virtual_environment_beside_it_and_a_broken_one_is_told() {
    let mut builder = Supervisor::builder();
    for id in ["own", "without", "dangling", "empty", "moved"] {
        let command = if id == "moved" { "serve" } else { "python3" };
        builder =
            builder.plugin(Plugin::command(id, &[command, "main.py"])).file(&format!("{id}/main.py"), PYTHON);
    }
    let place = |id: &str| builder.folders().plugins().join(id).join(".venv");
    let made =
        Command::new("python3").args(["-m", "venv", "--without-pip"]).arg(place("own")).status().unwrap();
    assert!(made.success());
    for id in ["dangling", "moved"] {
        std::fs::create_dir_all(place(id).join("bin")).unwrap();
    }
    std::fs::create_dir(place("empty")).unwrap();
    std::os::unix::fs::symlink("/removed/python3.9", place("dangling").join("bin/python")).unwrap();
    std::os::unix::fs::symlink("python", place("dangling").join("bin/python3")).unwrap();
    let script = place("moved").join("bin/serve");
    std::fs::write(&script, "#!/elsewhere/.venv/bin/python3\n").unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let own = place("own");
    let supervisor = builder.start();

    let own = own.display();
    supervisor.wait_for_log("own", &format!("runs in {own} {own}"));
    supervisor.wait_for_log("without", "runs in no environment None");
    for (id, what) in [
        ("dangling", "dangling/.venv/bin/python3 leads to /removed/python3.9, which is not there"),
        ("dangling", "make it again with `python3 -m venv "),
        ("empty", "there is no "),
        ("moved", "moved/.venv/bin/serve is a script for /elsewhere/.venv/bin/python3, which is not there"),
    ] {
        let cause = errored(&supervisor, id, "cannot-spawn");
        assert!(cause.contains("virtual environment") && cause.contains(what), "{id}: {cause}");
    }
    supervisor.verify();
}

#[test]
fn an_exit_of_126_or_127_before_the_handshake_counts_as_cannot_spawn() {
    let supervisor = Supervisor::builder()
        .plugin(Plugin::hostile("shell-126", &["--exit-at", "spawn", "--code", "126"]))
        .plugin(Plugin::hostile("shell-127", &["--exit-at", "spawn", "--code", "127"]))
        .start();
    for id in ["shell-126", "shell-127"] {
        errored(&supervisor, id, "cannot-spawn");
        assert_eq!(supervisor.plugin(id)["restarts"], 0);
    }
    supervisor.verify();
}

#[test]
fn an_end_in_each_early_stage_is_a_crash_that_names_the_stage() {
    let supervisor = Supervisor::builder()
        .settings(HASTY)
        .plugin(Plugin::hostile("at-spawn", &["--exit-at", "spawn"]))
        .plugin(Plugin::hostile("at-handshake", &["--exit-at", "handshake"]))
        .plugin(Plugin::hostile("at-start", &["--exit-at", "start"]))
        .start();
    for (id, phase, said) in [
        ("at-spawn", "handshake", "leaving at Spawn"),
        ("at-handshake", "handshake", "leaving at Handshake"),
        ("at-start", "start", "leaving at Start"),
    ] {
        errored(&supervisor, id, "crash-loop");
        let end = supervisor.last_end(id, 3);
        assert_eq!((&end["phase"], &end["exitCode"]), (&phase.into(), &1.into()), "{id}: {end}");
        assert!(end["stderr"].to_string().contains(said), "{id}: {end}");
    }
    supervisor.verify();
}

#[test]
fn a_plugin_of_another_protocol_is_errored_with_both_ranges() {
    let supervisor =
        Supervisor::builder().plugin(Plugin::hostile("future", &["--handshake", "future"])).start();
    let cause = errored(&supervisor, "future", "incompatible");
    assert!(cause.contains("99") && cause.contains('1') && cause.contains("pgrade"), "{cause}");
    assert_eq!(supervisor.plugin("future")["restarts"], 0);
    supervisor.verify();
}

#[test]
fn a_handshake_that_is_no_answer_errors_the_plugin_and_names_it() {
    let supervisor = Supervisor::builder()
        .plugin(Plugin::hostile("garbled", &["--handshake", "garbage"]))
        .plugin(Plugin::hostile("unwilling", &["--handshake", "refused"]))
        .start();
    errored(&supervisor, "garbled", "incompatible");
    let cause = errored(&supervisor, "unwilling", "incompatible");
    assert!(cause.contains("I will not talk to you"), "{cause}");
    supervisor.verify();
}

#[test]
fn a_handshake_or_a_start_that_never_comes_runs_into_its_deadline() {
    let settings = "[deadlines]\nhandshake = \"1s\"\nstart = \"1s\"\n\
         [plugins.silent.restart]\nin_a_row = 1\nbase = \"10ms\"\n\
         [plugins.idle.restart]\nin_a_row = 1\nbase = \"10ms\"\n";
    let supervisor = Supervisor::builder()
        .settings(settings)
        .plugin(Plugin::hostile("silent", &["--handshake", "never"]))
        .plugin(Plugin::hostile("idle", &["--never-starts"]))
        .start();
    for (id, phase) in [("silent", "handshake"), ("idle", "start")] {
        let cause = errored(&supervisor, id, "crash-loop");
        assert!(cause.contains(&format!("{phase} took longer than 1s")), "{id}: {cause}");
        assert_eq!(supervisor.last_end(id, 2)["phase"], phase);
    }
    supervisor.verify();
}

#[test]
fn a_start_hook_that_fails_errors_that_plugin_and_an_operators_start_tries_again() {
    let supervisor = Supervisor::builder()
        .plugin(Plugin::hostile("refusing", &["--start-error", "no, thank you"]))
        .start();
    let cause = errored(&supervisor, "refusing", "start-rejected");
    assert!(cause.contains("no, thank you"), "{cause}");
    let said = supervisor.cli(&["start", "refusing"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains("no, thank you"), "{said:?}");
    assert_eq!(supervisor.plugin("refusing")["generation"], 2);
    supervisor.verify();
}

#[test]
fn the_wire_on_descriptors_of_its_own_leaves_standard_output_to_prints() {
    let plugin = Plugin::hostile("apart", &[]).with(json!({ "wire": "fd" }));
    let supervisor = Supervisor::builder().plugin(plugin).start();
    supervisor.wait_for_state("apart", "running");
    assert_eq!(supervisor.get("/api/apart/").status, 200);
    assert_eq!(supervisor.call("apart", "echo", json!(["x"])), json!(["x"]));
    // What looks like a message is a print there, and nothing else.
    supervisor
        .fault("apart", json!(["print", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"config.getAll\"}"]));
    let record = supervisor.wait_for_log("apart", "config.getAll");
    assert_eq!(record["source"], "stdout", "{record}");
    supervisor.verify();
}

#[test]
fn a_process_gets_a_cleared_environment_a_group_of_its_own_and_no_descriptor_of_ours() {
    let supervisor = Supervisor::builder()
        .settings("[plugins.neat]\nenv = { GREETING = \"hello\" }\n")
        .plugin(Plugin::hostile("neat", &[]))
        .start();
    let pid = supervisor.pid_of("neat");
    let environment = std::fs::read_to_string(format!("/proc/{pid}/environ")).unwrap();
    let names: Vec<&str> = environment.split('\0').filter_map(|line| Some(line.split_once('=')?.0)).collect();
    for wanted in
        ["OUTBOARD_PLUGIN_ID", "OUTBOARD_PROTOCOL", "OUTBOARD_DATA_DIR", "TMPDIR", "GREETING", "LISTEN_FDS"]
    {
        assert!(names.contains(&wanted), "{wanted} is missing: {names:?}");
    }
    assert!(!names.contains(&"OUTBOARD_RUNTIME_DIR") && !names.contains(&"OUTBOARD_CONFIG"), "{names:?}");
    let open = system_tests::processes::descriptor_targets(pid);
    let foreign = |target: &&String| {
        target.contains("state.db") || target.contains("/logs/") || target.contains("eventpoll")
    };
    assert_eq!(open.iter().find(foreign), None, "{open:?}");
    assert!(open.len() <= 6, "{open:?}");
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let group: u32 = stat.rsplit_once(')').unwrap().1.split_whitespace().nth(2).unwrap().parse().unwrap();
    assert_eq!(group, pid, "it leads its own group");
    supervisor.verify();
}
