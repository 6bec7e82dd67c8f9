//! How `outboard run` begins where something is in its way: a former supervisor that is still ending, or too few processes.

#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

mod supervised;
mod terminal;

use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use supervised::{Supervised, install};
use terminal::Terminal;

/// Nobody's, so that the system counts the processes of this test alone.
const UNUSED: u32 = 4471;

#[test]
fn a_start_right_after_the_keeper_was_killed_waits_for_the_former_one_and_is_ready() {
    let terminal = Terminal::new();
    install(&terminal, "good");
    let rounds = if std::env::var_os("OUTBOARD_TRIALS").is_some() { 20 } else { 3 };
    for _ in 0..rounds {
        let (mut supervised, _) = Supervised::ready(&terminal);
        supervised.child.kill().unwrap();
        supervised.child.wait().unwrap();
    }
    let (supervised, _) = Supervised::ready(&terminal);
    supervised.until(&["status", "--json"], |status| status["plugins"][0]["state"] == "running");
}

/// Holds the lock of a runtime folder until its standard input ends.
const HOLDER: &str = "import fcntl, os, sys
lock = open(sys.argv[1], 'w')
fcntl.flock(lock, fcntl.LOCK_EX)
print(os.getpid(), flush=True)
sys.stdin.read()
";

#[test]
fn a_former_supervisor_that_has_lost_its_keeper_is_waited_for_and_one_that_runs_is_not() {
    let terminal = Terminal::new();
    terminal.write("runtime/outboard/lock", "");
    std::fs::set_permissions(terminal.path("runtime/outboard"), std::fs::Permissions::from_mode(0o700))
        .unwrap();
    let mut former = Command::new("python3")
        .args(["-c", HOLDER, terminal.path("runtime/outboard/lock").to_str().unwrap()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pid = String::new();
    BufReader::new(former.stdout.take().unwrap()).read_line(&mut pid).unwrap();
    let write_down = |keeper: u32| {
        let record = serde_json::json!({
            "pid": pid.trim().parse::<u32>().unwrap(), "keeperPid": keeper, "listen": "127.0.0.1:1",
            "dataDir": terminal.path("data"), "credentialFile": terminal.path("data/credential"),
            "version": "0.0.0", "startedAt": "2026-01-01T00:00:00Z",
        });
        terminal.write("runtime/outboard/supervisor.json", &record.to_string());
    };
    let words = ["run", "--listen", "127.0.0.1:0", "--plugins", "plugins", "--data", "data"];

    write_down(std::process::id());
    let refused = terminal.types(&words);
    assert_eq!(refused.code, 5, "its keeper is its parent, so it runs: {refused:?}");
    assert!(refused.err.contains("runs at") && refused.err.contains("already"), "{refused:?}");

    write_down(4_194_000);
    let mut next = terminal
        .command(&[&words[..], &["--exit-with-parent"]].concat())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    BufReader::new(next.stderr.take().unwrap()).read_line(&mut said).unwrap();
    assert!(said.contains(&format!("pid {}", pid.trim())) && said.contains("lost its keeper"), "{said}");
    drop(former.stdin.take());
    former.wait().unwrap();
    let mut ready = BufReader::new(next.stdout.take().unwrap()).lines();
    assert!(ready.any(|line| line.unwrap().starts_with("ready at")));
    drop(next.stdin.take());
    assert!(next.wait().unwrap().success());
}

#[test]
fn too_few_processes_are_a_sentence_and_an_exit_code() {
    let terminal = Terminal::new();
    let open = |path: &std::path::Path| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o777)).unwrap();
    };
    open(terminal.root.path());
    for folder in ["home", "runtime", "plugins"] {
        open(&terminal.path(folder));
    }
    std::fs::copy(env!("CARGO_BIN_EXE_outboard"), terminal.path("outboard")).unwrap();
    // From too few for the supervisor itself to too few for one of its threads.
    for (limit, uid) in [1, 2, 3, 5, 6, 7, 10].into_iter().zip(UNUSED..) {
        let script = format!(
            "ulimit -u {limit} && exec ./outboard run --listen 127.0.0.1:0 --plugins plugins --data data-{limit} --runtime-dir runtime/{limit}"
        );
        let mut command = Command::new("bash");
        command
            .args(["-c", &script])
            .current_dir(terminal.root.path())
            .env_clear()
            .env("HOME", terminal.path("home"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        if rustix::process::geteuid().is_root() {
            command.uid(uid).gid(uid);
        }
        let mut child = command.spawn().unwrap();
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(1), "{limit}: {said}");
        assert!(said.contains("ulimit") && !said.contains("panicked"), "{limit}: {said}");
    }
}
