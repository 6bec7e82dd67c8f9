//! A plugin that abuses the wire: whatever bytes it sends, nobody else feels it, and it can go on afterwards.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use serde_json::json;
use system_tests::{NEIGHBOUR, Plugin, Supervisor, eventually, processes};

fn abused() -> Supervisor {
    Supervisor::builder().plugin(Plugin::hostile("abuser", &[])).start()
}

/// The conversation goes on: it still answers, in the process in which it began.
fn still_talks(supervisor: &Supervisor) {
    assert_eq!(supervisor.call("abuser", "echo", json!(["still", "here"])), json!(["still", "here"]));
    let abuser = supervisor.plugin("abuser");
    assert_eq!((&abuser["state"], &abuser["generation"]), (&"running".into(), &1.into()), "{abuser}");
}

/// Waits until the plugin has said all of it, and everything has been read: the last that it says is this value.
fn over(supervisor: &Supervisor, fault: &str) {
    eventually(&format!("the end of {fault}"), || {
        let stored = supervisor.control.ask("config.get", &json!({ "id": "abuser", "key": "over" })).unwrap();
        (stored["result"]["value"] == fault).then_some(())
    });
}

#[test]
fn noise_is_kept_as_log_lines_and_is_never_fatal() {
    let supervisor = Supervisor::builder().plugin(Plugin::hostile("abuser", &["--noise"])).start();
    supervisor.wait_for_state("abuser", "running");
    let banner = supervisor.wait_for_log("abuser", "I am a banner.");
    assert_eq!(banner["source"], "stdout", "{banner}");
    supervisor.wait_for_log("abuser", "binary");
    still_talks(&supervisor);
    supervisor.verify();
}

#[test]
fn broken_messages_of_every_kind_are_answered_or_ignored_and_the_conversation_goes_on() {
    let supervisor = abused();
    supervisor.fault("abuser", json!(["abuse"]));
    over(&supervisor, "abuse");
    still_talks(&supervisor);
    supervisor.verify();
}

#[test]
fn a_frame_over_the_limit_costs_itself_and_no_memory() {
    let supervisor = abused();
    supervisor.fault("abuser", json!(["huge-frame", 64]));
    over(&supervisor, "huge-frame");
    still_talks(&supervisor);
    let peak = processes::status_number(supervisor.pid(), "VmHWM");
    let before = supervisor_memory(&supervisor);
    assert!(peak < before + 48 * 1024, "a frame of 64 MiB left a peak of {peak} KiB over {before} KiB");
    supervisor.verify();
}

fn supervisor_memory(supervisor: &Supervisor) -> u64 {
    processes::status_number(supervisor.pid(), "VmRSS")
}

#[test]
fn a_message_that_comes_byte_by_byte_is_a_message() {
    let supervisor = abused();
    supervisor.fault("abuser", json!(["single-bytes"]));
    let record = supervisor.wait_for_log("abuser", "one by one");
    assert_eq!(record["source"], "logger", "{record}");
    still_talks(&supervisor);
    supervisor.verify();
}

#[test]
fn floods_of_every_kind_are_borne_and_calls_are_answered_meanwhile() {
    let supervisor = abused();
    for (flood, count) in [
        ("flood-noise", 100_000),
        ("flood-logs", 100_000),
        ("flood-stderr", 100_000),
        ("flood-empty", 100_000),
        ("flood-requests", 20_000),
    ] {
        supervisor.fault("abuser", json!([flood, count]));
        // The neighbour is asked in the midst of it.
        assert_eq!(supervisor.call(NEIGHBOUR, "echo", json!([flood])), json!([flood]));
        assert_eq!(supervisor.get(&format!("/api/{NEIGHBOUR}/")).status, 200);
        over(&supervisor, flood);
        still_talks(&supervisor);
    }
    supervisor.verify();
}

#[test]
fn a_million_small_messages_are_read_and_forgotten() {
    let supervisor = abused();
    supervisor.fault("abuser", json!(["flood-empty", 500_000]));
    over(&supervisor, "flood-empty");
    still_talks(&supervisor);
    supervisor.verify();
}

#[test]
fn a_plugin_that_never_reads_meets_a_typed_overload_and_its_neighbours_nothing() {
    // Found by ping only after the overload had its time.
    let settings = "[wire]\noutbox = \"64KiB\"\n[deadlines]\nping = \"2s\"\ncall = \"20s\"\n";
    let supervisor = Supervisor::builder().settings(settings).plugin(Plugin::hostile("abuser", &[])).start();
    let generation = supervisor.plugin("abuser")["generation"].clone();
    supervisor.fault("abuser", json!(["deaf"]));
    let large = "x".repeat(48 * 1024);
    std::thread::scope(|scope| {
        let calls: Vec<_> = (0..12)
            .map(|_| {
                let params = json!({ "id": "abuser", "channel": "echo", "args": [&large] });
                scope.spawn(|| supervisor.refused("ipc.invoke", params))
            })
            .collect();
        assert_eq!(supervisor.call(NEIGHBOUR, "echo", json!([1])), json!([1]));
        let reasons: Vec<String> = calls
            .into_iter()
            .map(|call| call.join().unwrap()["data"]["reason"].as_str().unwrap().to_owned())
            .collect();
        assert!(reasons.iter().any(|reason| reason == "limit_exceeded"), "{reasons:?}");
    });
    supervisor.wait_for_generation_after("abuser", &generation);
    supervisor.verify();
}

#[test]
fn flooding_while_not_reading_is_no_deadlock() {
    let settings = "[wire]\noutbox = \"64KiB\"\n[deadlines]\nping = \"500ms\"\n";
    let supervisor = Supervisor::builder().settings(settings).plugin(Plugin::hostile("abuser", &[])).start();
    let generation = supervisor.plugin("abuser")["generation"].clone();
    // The answers to its requests go unread, and fill the way back.
    supervisor.fault("abuser", json!(["flood-requests", 1_000_000]));
    // Whether it still gets to hear and answer this, in the midst of it, is its affair. That the call ends is ours.
    supervisor.begin(&["call", "abuser", "fault", "deaf"]);
    assert_eq!(supervisor.call(NEIGHBOUR, "echo", json!([1])), json!([1]));
    supervisor.wait_for_generation_after("abuser", &generation);
    supervisor.verify();
}

#[test]
fn who_a_plugin_is_comes_from_its_pipe_and_not_from_what_it_says() {
    let supervisor = abused();
    let params =
        json!({ "key": "mine", "value": 1, "id": NEIGHBOUR, "plugin": NEIGHBOUR, "pluginId": NEIGHBOUR });
    let answer = supervisor.plugin_asks("abuser", "config.set", params);
    assert!(answer.get("result").is_some(), "unknown members are ignored: {answer}");
    let stored = supervisor.ask("config.get", json!({ "id": "abuser", "key": "mine" }));
    assert_eq!(stored["value"], 1);
    assert_eq!(supervisor.refused("config.get", json!({ "id": NEIGHBOUR, "key": "mine" }))["code"], -32008);
    supervisor.call(
        "abuser",
        "tell",
        json!(["log", { "level": "info", "tag": "x", "message": "who am I", "plugin": NEIGHBOUR }]),
    );
    assert_eq!(supervisor.wait_for_log("abuser", "who am I")["plugin"], "abuser");
    supervisor.verify();
}
