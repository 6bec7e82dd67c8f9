//! A plugin that ends, or hangs: what follows for it, for those who use it, and for nobody else.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::sync::atomic::Ordering;

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use system_tests::asking::while_asking;
use system_tests::binaries::binary;
use system_tests::{NEIGHBOUR, Plugin, Supervisor, eventually, processes};

/// Restarts follow each other fast, so that a loop is over soon.
const HASTY: &str = "[restart]\nbase = \"10ms\"\ncap = \"20ms\"\nin_a_row = 4\n";
/// A hang is found after some of a second rather than fifteen.
const ATTENTIVE: &str = "[deadlines]\nping = \"300ms\"\nterminate = \"300ms\"\n";

#[test]
fn three_kills_under_a_loop_of_requests_fail_none_of_them() {
    let supervisor = Supervisor::builder().plugin(Plugin::hello()).start();
    assert_eq!(supervisor.cli(&["config", "set", "hello-rust", "greeting", "still here"]).code, 0);
    let failures = while_asking(&supervisor, "/api/hello-rust/", |asked| {
        for _ in 0..3 {
            let before = supervisor.plugin("hello-rust");
            let answered = asked.load(Ordering::Relaxed);
            processes::kill(supervisor.pid_of("hello-rust"), Signal::SIGKILL);
            supervisor.wait_for_generation_after("hello-rust", &before["generation"]);
            eventually("an answer of the new process", || {
                (asked.load(Ordering::Relaxed) > answered + 2).then_some(())
            });
        }
    });
    assert_eq!(failures, Vec::<String>::new());

    let said = supervisor.cli(&["why", "hello-rust"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(said.out.matches("SIGKILL").count(), 3, "the signal is named: {said:?}");
    assert_eq!(said.out.matches("while     run, after").count(), 3, "the uptime is named: {said:?}");
    assert_eq!(said.out.matches("decision  ").count(), 3, "the decision is named: {said:?}");
    let why = supervisor.why("hello-rust");
    for end in why["history"].as_array().unwrap() {
        assert_eq!((&end["signal"], &end["phase"]), (&"SIGKILL".into(), &"run".into()), "{end}");
        assert!(end["decision"].as_str().unwrap().contains("restart"), "{end}");
    }
    assert_eq!(supervisor.cli(&["config", "get", "hello-rust", "greeting"]).json(), "still here");
    assert_eq!(supervisor.get("/api/hello-rust/").json()["greeting"], "still here");
    supervisor.verify();
}

#[test]
fn a_crash_loop_ends_errored_and_the_neighbours_answers_show_no_gap() {
    let supervisor = Supervisor::builder().settings(HASTY).start();
    let failures = while_asking(&supervisor, "/api/neighbour/", |_| {
        supervisor.install(&Plugin::hostile("looping", &["--ends-after-start", "3"]));
        supervisor.wait_for_state("looping", "errored");
    });
    assert_eq!(failures, Vec::<String>::new());
    let looping = supervisor.plugin("looping");
    assert_eq!(looping["causeCode"], "crash-loop", "{looping}");
    assert!(looping["cause"].as_str().unwrap().contains("exited with code 3"), "{looping}");
    let why = supervisor.cli(&["why", "looping"]);
    assert!(why.out.contains("errored") && why.out.contains("exited with code 3"), "{why:?}");
    assert_eq!(supervisor.get("/api/looping/").status, 503);
    supervisor.verify();
}

#[test]
fn what_was_given_up_and_how_often_it_failed_is_known_after_a_restart_of_the_supervisor() {
    let mut supervisor = Supervisor::builder()
        .settings(HASTY)
        .plugin(Plugin::hostile("looping", &["--ends-after-start", "3"]))
        .plugin(Plugin::hostile("refusing", &["--start-error", "the licence has run out"]))
        .plugin(Plugin::hostile("changed", &["--start-error", "not like this"]))
        .plugin(Plugin::hostile("failing", &[]))
        .start();
    let ids = ["looping", "refusing", "changed"];
    let before = ids.map(|id| supervisor.wait_for_state(id, "errored"));
    for _ in 0..4 {
        let failing = supervisor.plugin("failing");
        supervisor.fault("failing", json!(["exit", 1]));
        supervisor.wait_for_generation_after("failing", &failing["generation"]);
    }
    supervisor.verify();
    supervisor.stop();
    Plugin::hostile("changed", &[]).install(&supervisor.folders().plugins());
    let supervisor = supervisor.start_again();
    supervisor.wait_for_state("changed", "running");
    for (id, before) in ids.iter().zip(&before).take(2) {
        let now = supervisor.plugin(id);
        let same = |key: &str| assert_eq!(now[key], before[key], "{key} of {now}");
        ["state", "cause", "causeCode", "restarts", "desired"].into_iter().for_each(same);
        assert_eq!(
            (&now["pid"], &now["generation"]),
            (&Value::Null, &0.into()),
            "nothing was started: {now}"
        );
        let history = supervisor.why(id)["history"].clone();
        assert!(history[0]["decision"].as_str().unwrap().contains("errored"), "{history}");
        let answer = supervisor.get(&format!("/api/{id}/"));
        assert_eq!(answer.status, 503, "{answer:?}");
    }
    // One more is too many: the row goes on where it was.
    supervisor.wait_for_state("failing", "running");
    supervisor.fault("failing", json!(["exit", 1]));
    let failing = supervisor.wait_for_state("failing", "errored");
    assert_eq!(failing["causeCode"], "crash-loop", "{failing}");
    // An operator is a new beginning, for the next supervisor as well.
    supervisor.ask("start", json!({ "id": "failing" }));
    supervisor.wait_for_state("failing", "running");
    supervisor.verify();
    let mut supervisor = supervisor;
    supervisor.stop();
    let supervisor = supervisor.start_again();
    supervisor.wait_for_state("failing", "running");
    assert_eq!(supervisor.plugin("looping")["state"], "errored");
    supervisor.verify();
}

#[test]
fn no_frequency_of_crashes_evades_the_limit() {
    // Every run is long enough to end a row, so that only the window can notice.
    let settings = "[restart]\nbase = \"10ms\"\nsteady = \"1ms\"\nin_window = 3\n";
    let supervisor = Supervisor::builder().settings(settings).plugin(Plugin::hostile("again", &[])).start();
    for _ in 0..3 {
        let before = supervisor.plugin("again");
        supervisor.fault("again", json!(["exit", 1]));
        supervisor.wait_for_generation_after("again", &before["generation"]);
    }
    supervisor.fault("again", json!(["exit", 1]));
    let again = supervisor.wait_for_state("again", "errored");
    assert_eq!(again["causeCode"], "crash-loop", "{again}");
    supervisor.verify();
}

/// How each way to end is reported.
#[test]
fn every_way_to_end_unasked_is_reported_as_what_it_was_and_followed_by_a_restart() {
    let supervisor = Supervisor::builder()
        .settings("[restart]\nbase = \"10ms\"\n")
        .plugin(Plugin::hostile("mortal", &[]))
        .start();
    let ways: [(Value, Option<i64>, Option<&str>); 6] = [
        (json!(["exit", 3]), Some(3), None),
        (json!(["exit", 0]), Some(0), None),
        (json!(["abort"]), None, Some("SIGABRT")),
        (json!(["segv"]), None, Some("SIGSEGV")),
        (json!(["kill"]), None, Some("SIGKILL")),
        (json!(["half-frame"]), Some(9), None),
    ];
    for (count, (fault, code, signal)) in ways.into_iter().enumerate() {
        let before = supervisor.plugin("mortal");
        supervisor.fault("mortal", fault.clone());
        supervisor.wait_for_generation_after("mortal", &before["generation"]);
        let end = supervisor.last_end("mortal", count + 1);
        assert_eq!(end["generation"], before["generation"], "{fault}: {end}");
        assert_eq!((end["exitCode"].as_i64(), end["signal"].as_str()), (code, signal), "{fault}: {end}");
        assert_eq!(end["phase"], "run", "{fault}: {end}");
        assert_eq!(end["pid"], before["pid"], "{fault}: {end}");
        assert!(end["uptimeMs"].is_u64() && end["decision"].is_string(), "{fault}: {end}");
    }
    // Its value was set once at each start, and none was lost on the way.
    assert_eq!(supervisor.get("/api/mortal/").json()["starts"], 7);
    supervisor.verify();
}

#[test]
fn the_report_of_an_end_has_the_last_words_and_the_calls_in_flight() {
    let supervisor = Supervisor::builder().plugin(Plugin::hostile("mortal", &[])).start();
    let generation = supervisor.plugin("mortal")["generation"].clone();
    std::thread::scope(|scope| {
        let waiting =
            scope.spawn(|| supervisor.refused("ipc.invoke", json!({ "id": "mortal", "channel": "never" })));
        // The call is under way once the plugin has said so.
        supervisor.wait_for_log("mortal", "never is called");
        supervisor.fault("mortal", json!(["last-words"]));
        let error = waiting.join().unwrap();
        assert!(error["data"]["reason"].is_string(), "a typed error: {error}");
    });
    supervisor.wait_for_generation_after("mortal", &generation);
    let end = supervisor.last_end("mortal", 1);
    assert!(end["stderr"].to_string().contains("these are my last words"), "{end}");
    assert!(end["inFlight"].to_string().contains("ipc.invoke"), "{end}");
    supervisor.verify();
}

#[test]
fn a_half_said_frame_before_the_end_is_no_harm() {
    let supervisor = Supervisor::builder().plugin(Plugin::hostile("mortal", &[])).start();
    let generation = supervisor.plugin("mortal")["generation"].clone();
    supervisor.fault("mortal", json!(["half-frame"]));
    supervisor.wait_for_generation_after("mortal", &generation);
    assert_eq!(supervisor.call("mortal", "echo", json!([1])), json!([1]));
    supervisor.verify();
}

#[test]
fn each_way_to_hang_is_found_by_ping_killed_and_restarted() {
    let supervisor = Supervisor::builder().settings(ATTENTIVE).plugin(Plugin::hostile("stuck", &[])).start();
    for (count, fault) in ["busy", "freeze", "deaf", "mute"].into_iter().enumerate() {
        let before = supervisor.plugin("stuck");
        supervisor.fault("stuck", json!([fault]));
        supervisor.wait_for_generation_after("stuck", &before["generation"]);
        let end = supervisor.last_end("stuck", count + 1);
        assert_eq!(
            (&end["generation"], &end["phase"]),
            (&before["generation"], &"run".into()),
            "{fault}: {end}"
        );
        assert!(end["decision"].as_str().unwrap().contains("restart"), "{fault}: {end}");
        let ended = end["ended"].as_str().unwrap();
        assert!(ended.starts_with("it did not answer 3 pings in a row, and "), "{fault}: {end}");
    }
    supervisor.verify();
}

#[test]
fn a_closed_wire_with_a_living_process_behind_it_is_a_crash() {
    let supervisor = Supervisor::builder().settings(ATTENTIVE).plugin(Plugin::hostile("mute", &[])).start();
    let generation = supervisor.plugin("mute")["generation"].clone();
    supervisor.fault("mute", json!(["close-stdout"]));
    supervisor.wait_for_generation_after("mute", &generation);
    supervisor.verify();
}

/// Waits until silence has ended the plugin `hung` three times over; what a debugger holds is left alone meanwhile.
fn outlast_three_hangs(supervisor: &Supervisor) {
    for _ in 0..3 {
        let before = supervisor.plugin("hung");
        supervisor.fault("hung", json!(["mute"]));
        supervisor.wait_for_generation_after("hung", &before["generation"]);
    }
}

#[test]
fn a_process_under_a_debugger_is_never_called_hung() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let inspect = format!("--inspect=127.0.0.1:{port}");
    let supervisor = Supervisor::builder()
        .settings(ATTENTIVE)
        .plugin(Plugin::hostile("inspected", &[&inspect]))
        .plugin(Plugin::hostile("traced", &[]))
        .plugin(Plugin::hostile("hung", &[]))
        .start();
    supervisor.fault("inspected", json!(["debug-port", port]));
    let debugger =
        eventually("the debugger's port", || std::net::TcpStream::connect(("127.0.0.1", port)).ok());
    let traced = supervisor.pid_of("traced").to_string();
    let mut tracer =
        std::process::Command::new(binary("hostile-plugin")).args(["--as", &traced]).spawn().unwrap();
    eventually("a tracer", || {
        let status = std::fs::read_to_string(format!("/proc/{traced}/status")).unwrap();
        status.lines().any(|line| line == format!("TracerPid:\t{}", tracer.id())).then_some(())
    });
    for held in ["inspected", "traced"] {
        supervisor.fault(held, json!(["mute"]));
    }
    outlast_three_hangs(&supervisor);
    for held in ["inspected", "traced"] {
        let held = supervisor.plugin(held);
        assert_eq!((&held["state"], &held["restarts"]), (&"running".into(), &0.into()), "{held}");
    }
    // A debugger that goes away leaves a silence that counts.
    let before = supervisor.plugin("inspected");
    drop(debugger);
    supervisor.wait_for_generation_after("inspected", &before["generation"]);
    let before = supervisor.plugin("traced");
    tracer.kill().unwrap();
    tracer.wait().unwrap();
    supervisor.wait_for_generation_after("traced", &before["generation"]);
    supervisor.verify();
}

#[test]
fn a_plugin_cannot_pass_for_one_that_is_debugged() {
    // Words in its arguments, and itself at the port that they name.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let inspect = format!("--inspect=127.0.0.1:{port}");
    let supervisor = Supervisor::builder()
        .settings(ATTENTIVE)
        .plugin(Plugin::hostile("pretender", &[&inspect, "debugpy"]))
        .start();
    let ended = |fault: serde_json::Value| {
        let before = supervisor.plugin("pretender");
        supervisor.fault("pretender", fault);
        supervisor.wait_for_generation_after("pretender", &before["generation"]);
    };
    ended(json!(["mute"]));
    supervisor.fault("pretender", json!(["debug-port", port]));
    supervisor.fault("pretender", json!(["debug-client", port]));
    ended(json!(["mute"]));
    ended(json!(["traced-by-the-host"]));
    ended(json!(["traced-by-a-child"]));
    supervisor.verify();
}

#[test]
fn an_end_that_was_ordered_after_a_crash_is_reported_under_its_own_phase() {
    let supervisor = Supervisor::builder()
        .settings("[restart]\nbase = \"10ms\"\n")
        .plugin(Plugin::hostile("mortal", &["--ignore-term"]))
        .start();
    let before = supervisor.plugin("mortal");
    supervisor.fault("mortal", json!(["exit", 3]));
    supervisor.wait_for_generation_after("mortal", &before["generation"]);
    supervisor.ask("stop", json!({ "id": "mortal" }));
    let end = supervisor.last_end("mortal", 2);
    assert_eq!(end["phase"], "stop", "{end}");
    assert_eq!(supervisor.plugin(NEIGHBOUR)["state"], "running");
    supervisor.verify();
}
