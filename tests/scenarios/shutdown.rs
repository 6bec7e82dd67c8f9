//! Stopping: one plugin, all of them, and the ends of supervisor and keeper that nobody ordered.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use nix::sys::signal::Signal;
use serde_json::json;
use system_tests::control::Control;
use system_tests::family::ROLES;
use system_tests::processes::{self, Process};
use system_tests::supervisor::{lines_of, run_command};
use system_tests::{NEIGHBOUR, Plugin, Supervisor, eventually, http};

/// Stops that ignore everything are over soon.
const IMPATIENT: &str =
    "[deadlines]\ndrain = \"300ms\"\nstop = \"300ms\"\nleave = \"200ms\"\nterminate = \"300ms\"\n";

#[test]
fn sigterm_tells_every_plugin_to_stop_and_leaves_nothing() {
    let mut supervisor = Supervisor::builder()
        .plugin(Plugin::hostile("one", &[]))
        .plugin(Plugin::hostile("two", &[]))
        .plugin(Plugin::hello())
        .start();
    supervisor.verify();
    let family = supervisor.family();
    supervisor.stop();
    for id in [NEIGHBOUR, "one", "two"] {
        let stops = lines_of(supervisor.folders().plugin_data(id).join("stops"));
        assert_eq!(stops.len(), 1, "{id} saw {stops:?}");
    }
    assert!(family.iter().all(|process| !process.lives()), "{family:?}");
    assert!(!supervisor.folders().runtime().join("control.sock").exists());
}

#[test]
fn a_signal_before_the_supervisor_can_listen_is_an_orderly_stop_as_well() {
    let builder = Supervisor::builder();
    std::fs::write(builder.folders().settings(), "").unwrap();
    for _ in 0..8 {
        let mut command = run_command(builder.folders());
        let mut keeper =
            command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        eventually("the supervisor's process", || {
            (!processes::descendants(keeper.id()).is_empty()).then_some(())
        });
        processes::kill(keeper.id(), Signal::SIGTERM);
        let status = eventually("the end of `outboard run`", || keeper.try_wait().unwrap());
        assert_eq!(status.code(), Some(0));
    }
    assert_eq!(processes::programs_below(&builder.folders().plugins()), []);
}

#[test]
fn a_second_signal_stops_at_once() {
    // With these deadlines an orderly stop would take longer than any guard.
    let settings =
        "[plugins.stubborn]\ndeadlines = { stop = \"10m\", leave = \"10m\", terminate = \"10m\" }\n";
    let mut supervisor = Supervisor::builder()
        .settings(settings)
        .plugin(Plugin::hostile("stubborn", &["--ignore-stop", "--ignore-term"]))
        .start();
    supervisor.verify();
    let stops = supervisor.folders().plugin_data("stubborn").join("stops");
    supervisor.signal(Signal::SIGTERM);
    eventually("the first stop to arrive", || (!lines_of(stops.clone()).is_empty()).then_some(()));
    supervisor.signal(Signal::SIGTERM);
    assert_eq!(supervisor.ended().code(), Some(0), "{}", supervisor.errors());
    assert_eq!(supervisor.programs(), []);
}

#[test]
fn a_plugin_that_ignores_everything_is_stopped_all_the_same() {
    let supervisor = Supervisor::builder()
        .settings(IMPATIENT)
        .plugin(Plugin::hostile("stubborn", &["--ignore-stop", "--ignore-term"]))
        .start();
    supervisor.fault("stubborn", json!(["start-family", "daemon"]));
    eventually("the daemon", || (supervisor.programs().len() == 3).then_some(()));
    assert_eq!(supervisor.cli(&["stop", "stubborn"]).code, 0);
    // Done is said when nothing is left, not when the leader has gone.
    assert_eq!(supervisor.programs().len(), 1, "{:?}", supervisor.programs());
    assert_eq!(supervisor.plugin("stubborn")["state"], "stopped");
    supervisor.verify();
}

#[test]
fn the_end_of_the_parent_stops_everything() {
    let mut supervisor = Supervisor::builder().start();
    supervisor.verify();
    supervisor.close_input();
    assert_eq!(supervisor.ended().code(), Some(0), "{}", supervisor.errors());
    assert_eq!(lines_of(supervisor.folders().plugin_data(NEIGHBOUR).join("stops")).len(), 1);
    assert_eq!(supervisor.programs(), []);
}

/// Every kind of grandchild that wants to stay.
fn with_a_family(roles: &[&str]) -> Supervisor {
    let supervisor = Supervisor::builder()
        .settings(IMPATIENT)
        .plugin(Plugin::hostile("parent", &["--ignore-stop", "--ignore-term"]))
        .start();
    for &role in roles {
        supervisor.start_family("parent", role);
    }
    supervisor
}

/// Sets values until the supervisor is gone; gives the last that was acknowledged.
fn set_until_the_end(address: &str, latest: &Mutex<u64>, stop: &AtomicBool) {
    for value in 1.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let request = http::get_request(address, &format!("/api/{NEIGHBOUR}/set?counter={value}"));
        match http::exchange(address, &request) {
            Ok(answer) if answer.whole && answer.json().get("result").is_some() => {
                *latest.lock().unwrap() = value;
            }
            _ => return,
        }
    }
}

fn a_kill_leaves_nothing_and_loses_nothing(whom: impl Fn(&Supervisor) -> u32) {
    let mut supervisor = with_a_family(&ROLES);
    let mut family: Vec<Process> = supervisor.family();
    family.extend(supervisor.programs());
    family.push(Process::look(supervisor.keeper_pid()).unwrap());
    let (latest, stop) = (Mutex::new(0), AtomicBool::new(false));
    let address = supervisor.address().to_owned();
    std::thread::scope(|scope| {
        scope.spawn(|| set_until_the_end(&address, &latest, &stop));
        eventually("some acknowledged values", || (*latest.lock().unwrap() > 5).then_some(()));
        processes::kill(whom(&supervisor), Signal::SIGKILL);
        let killed = Instant::now();
        eventually("the end of everything", || {
            let left = family.iter().any(Process::lives) || !supervisor.programs().is_empty();
            (!left).then_some(())
        });
        eprintln!("after the kill everything was gone in {:?}", killed.elapsed());
        stop.store(true, Ordering::Relaxed);
    });
    supervisor.ended();
    let supervisor = supervisor.start_again();
    let stored = supervisor.ask("config.get", json!({ "id": NEIGHBOUR, "key": "counter" }));
    let (stored, acknowledged) =
        (stored["value"].as_str().unwrap().parse::<u64>().unwrap(), latest.into_inner().unwrap());
    assert!(stored >= acknowledged, "{acknowledged} was acknowledged and {stored} is there");
    let twice = supervisor.programs();
    assert_eq!(twice.len(), 2, "one process a plugin: {twice:?}");
    supervisor.verify();
}

#[test]
fn sigkill_of_the_supervisor_leaves_nothing_and_loses_no_acknowledged_value() {
    a_kill_leaves_nothing_and_loses_nothing(Supervisor::pid);
}

#[test]
fn sigkill_of_the_keeper_leaves_nothing_and_loses_no_acknowledged_value() {
    a_kill_leaves_nothing_and_loses_nothing(Supervisor::keeper_pid);
}

#[test]
fn sigkill_of_both_at_once_is_swept_up_by_the_next_start() {
    // One that has also cleared its environment leaves no trace that a stranger's process could not have: with both of its
    // ancestors gone, nobody may claim it.
    let mut supervisor = with_a_family(&["sleeper", "daemon"]);
    let old = supervisor.programs();
    let (keeper, child) = (supervisor.keeper_pid(), supervisor.pid());
    // Stopped first, so that neither notices the other's end.
    processes::kill(keeper, Signal::SIGSTOP);
    processes::kill(child, Signal::SIGKILL);
    processes::kill(keeper, Signal::SIGKILL);
    supervisor.ended();
    let supervisor = supervisor.start_again();
    eventually("the end of every old process", || old.iter().all(|process| !process.lives()).then_some(()));
    assert_eq!(supervisor.programs().len(), 2, "{:?}", supervisor.programs());
    supervisor.verify();
}

#[test]
fn a_killed_supervisor_is_started_again_where_that_is_asked_for() {
    let mut supervisor = Supervisor::builder().flag("--restart-supervisor").start();
    let old = supervisor.programs();
    let first = supervisor.pid();
    processes::kill(first, Signal::SIGKILL);
    let record = eventually("the record of another supervisor", || {
        let text = std::fs::read(supervisor.folders().runtime().join("supervisor.json")).ok()?;
        let record: serde_json::Value = serde_json::from_slice(&text).ok()?;
        (record["pid"] != first).then_some(record)
    });
    let address = record["listen"].as_str().unwrap();
    let answer = eventually("an answer of its plugin", || {
        let request = http::get_request(address, &format!("/api/{NEIGHBOUR}/"));
        http::exchange(address, &request).ok().filter(|answer| answer.status == 200)
    });
    assert_eq!(answer.json()["starts"], 2, "its values are there: {answer:?}");
    assert!(old.iter().all(|process| !process.lives()), "{old:?}");
    assert_eq!(supervisor.programs().len(), 1);
    supervisor.stop();
}

#[test]
fn a_second_supervisor_on_the_same_data_exits_and_names_the_first() {
    let supervisor = Supervisor::builder().start();
    let elsewhere = supervisor.folders().root().join("elsewhere");
    let mut command = run_command(supervisor.folders());
    command.env("OUTBOARD_RUNTIME_DIR", &elsewhere).stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut second = command.spawn().unwrap();
    // Held open: its end would be an order to stop.
    let _parent = second.stdin.take();
    let output = second.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert!(said.contains(&supervisor.pid().to_string()), "{said}");
    supervisor.verify();
}

#[test]
fn a_start_right_after_a_kill_of_both_waits_for_what_the_kernel_has_not_let_go_of_yet() {
    let mut supervisor = Supervisor::builder().start();
    for _ in 0..5 {
        let (keeper, child) = (supervisor.keeper_pid(), supervisor.pid());
        processes::kill(keeper, Signal::SIGSTOP);
        processes::kill(child, Signal::SIGKILL);
        processes::kill(keeper, Signal::SIGKILL);
        // Not a look at whether the old one has gone, and no second try.
        supervisor = supervisor.start_at_once();
    }
    supervisor.verify();
}

#[test]
fn a_start_right_after_the_keeper_was_killed_waits_for_the_former_supervisor() {
    let mut supervisor =
        Supervisor::builder().plugin(Plugin::hostile("stubborn", &["--ignore-term"])).start();
    for _ in 0..3 {
        processes::kill(supervisor.keeper_pid(), Signal::SIGKILL);
        // The former one is still ending its plugins.
        supervisor = supervisor.start_at_once();
    }
    supervisor.verify();
}

#[test]
fn a_disabled_plugin_stays_down_over_a_start_of_the_supervisor_and_a_stopped_one_does_not() {
    let mut supervisor = Supervisor::builder()
        .plugin(Plugin::hostile("stopped", &[]))
        .plugin(Plugin::hostile("disabled", &[]))
        .start();
    assert_eq!(supervisor.cli(&["stop", "stopped"]).code, 0);
    assert_eq!(supervisor.cli(&["disable", "disabled"]).code, 0);
    supervisor.verify();
    supervisor.stop();
    let supervisor = supervisor.start_again();
    assert_eq!(supervisor.plugin("stopped")["state"], "running");
    assert_eq!(supervisor.plugin("disabled")["state"], "stopped");
    supervisor.verify();
}

#[test]
fn a_damaged_state_file_is_set_aside_and_the_supervisor_starts() {
    let mut supervisor = Supervisor::builder().start();
    supervisor.verify();
    supervisor.stop();
    let file = supervisor.folders().data().join("state.db");
    std::fs::write(
        &file,
        "this is not a database, and it is long enough to be taken for the head of one".repeat(9),
    )
    .unwrap();
    for beside in ["state.db-wal", "state.db-shm"] {
        let _ = std::fs::remove_file(supervisor.folders().data().join(beside));
    }
    let supervisor = supervisor.start_again();
    assert_eq!(supervisor.get(&format!("/api/{NEIGHBOUR}/")).status, 200);
    let kept = std::fs::read_dir(supervisor.folders().data()).unwrap().flatten().find(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        name != "state.db"
            && std::fs::read(entry.path()).is_ok_and(|text| text.starts_with(b"this is not a database"))
    });
    assert!(kept.is_some(), "the damaged file was not kept");
    supervisor.verify();
}

/// A flood of log records while the console behaves like this; then an answer, and an orderly end.
fn with_a_console(stderr: impl FnOnce(&mut std::process::Child)) {
    let builder = Supervisor::builder();
    std::fs::write(builder.folders().settings(), "").unwrap();
    let mut command = run_command(builder.folders());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut keeper = command.spawn().unwrap();
    stderr(&mut keeper);
    let mut ready = String::new();
    BufReader::new(keeper.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    assert!(ready.starts_with('{'), "{ready}");
    let control = Control::find(&builder.folders().runtime());
    for fault in ["flood-noise", "flood-stderr", "flood-logs"] {
        let params = json!({ "id": NEIGHBOUR, "channel": "fault", "args": [fault, 50_000] });
        assert!(control.ask("ipc.invoke", &params).unwrap().get("result").is_some());
        eventually("the end of the flood", || {
            let over = control.ask("config.get", &json!({ "id": NEIGHBOUR, "key": "over" })).unwrap();
            (over["result"]["value"] == fault).then_some(())
        });
    }
    processes::kill(keeper.id(), Signal::SIGTERM);
    let status = eventually("the end of `outboard run`", || keeper.try_wait().unwrap());
    assert_eq!(status.code(), Some(0));
    assert_eq!(processes::programs_below(&builder.folders().plugins()), []);
}

#[test]
fn a_console_that_nobody_reads_and_one_that_is_closed_block_nothing() {
    with_a_console(|_unread| {});
    with_a_console(|keeper| drop(keeper.stderr.take()));
}
