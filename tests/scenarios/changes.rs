//! What becomes of a plugin when its folder, its manifest or what it was told changes, at every moment of its life.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use serde_json::json;
use system_tests::http::{exchange, get_request};
use system_tests::install::write_at_once;
use system_tests::supervisor::lines_of;
use system_tests::{NEIGHBOUR, Plugin, Supervisor, eventually};

#[test]
fn a_plugins_folder_that_cannot_be_read_costs_no_plugin_its_process_or_its_prefix() {
    let supervisor = Supervisor::builder()
        .plugin(Plugin::hostile("stopped", &["--prefix", "/shared"]))
        .plugin(Plugin::hostile("running", &[]))
        .start();
    supervisor.ask("stop", json!({ "id": "stopped" }));
    let before = supervisor.plugin("running");
    let (folder, away) = (supervisor.folders().plugins(), supervisor.folders().root().join("away"));
    std::fs::rename(&folder, &away).unwrap();
    std::fs::write(&folder, "no folder").unwrap();
    let report = supervisor.ask("rescan", json!({}));
    assert_eq!(report["removed"], json!([]), "{report}");
    assert!(report["invalid"].to_string().contains("cannot be read"), "{report}");
    assert_eq!(supervisor.plugin("running")["pid"], before["pid"]);
    assert_eq!(supervisor.get("/api/running/").status, 200);
    assert_eq!(supervisor.plugin("stopped")["state"], "stopped");
    assert!(supervisor.plugin("stopped")["routes"].to_string().contains("/shared"));

    std::fs::remove_file(&folder).unwrap();
    std::fs::rename(&away, &folder).unwrap();
    supervisor.ask("rescan", json!({}));
    assert_eq!(supervisor.plugin("running")["pid"], before["pid"]);
    supervisor.ask("start", json!({ "id": "stopped" }));
    assert_eq!(supervisor.get("/shared/x").status, 200);
    supervisor.verify();
}

#[test]
fn a_plugin_whose_folder_was_renamed_runs_from_where_it_is_now() {
    let supervisor = Supervisor::builder().plugin(Plugin::hostile("moving", &[])).start();
    let before = supervisor.plugin("moving");
    let folders = supervisor.folders().plugins();
    std::fs::rename(folders.join("moving"), folders.join("elsewhere")).unwrap();
    supervisor.wait_for("moving", "its new folder", |plugin| {
        plugin["installDir"].as_str().unwrap().ends_with("/elsewhere")
            && plugin["state"] == "running"
            && plugin["pid"] != before["pid"]
    });
    assert_eq!(supervisor.get("/api/moving/").status, 200);
    supervisor.verify();
}

#[test]
fn a_plugin_with_a_ui_alone_starts_when_it_gains_a_program_and_stops_when_it_loses_it() {
    let text = r#"{"id":"growing","name":"Growing","version":"1.0.0"}"#;
    let supervisor = Supervisor::builder()
        .file("growing/plugin.json", text)
        .file("growing/ui/index.js", "export default 1;")
        .start();
    assert_eq!(supervisor.plugin("growing")["state"], "stopped");
    assert_eq!(supervisor.refused("enable", json!({ "id": "growing" }))["data"]["reason"], "conflict");
    supervisor.install(&Plugin::hostile("growing", &["--resumes"]).version("1.1.0"));
    supervisor.wait_for("growing", "its first process", |plugin| {
        plugin["version"] == "1.1.0" && plugin["state"] == "running"
    });
    let starts = supervisor.folders().plugin_data("growing").join("starts");
    assert_eq!(lines_of(starts), ["start"], "no earlier version ever ran");

    let manifest = supervisor.folders().plugins().join("growing/plugin.json");
    write_at_once(&manifest, text);
    supervisor.wait_for("growing", "its end", |plugin| {
        plugin["version"] == "1.0.0" && plugin["state"] == "stopped"
    });
    supervisor.verify();
}

#[test]
fn a_stopped_plugin_is_shown_with_the_version_that_is_installed_now() {
    let supervisor = Supervisor::builder().plugin(Plugin::hostile("resting", &[])).start();
    supervisor.ask("stop", json!({ "id": "resting" }));
    supervisor.install(&Plugin::hostile("resting", &[]).version("1.1.0"));
    let shown = supervisor.wait_for("resting", "version 1.1.0", |plugin| plugin["version"] == "1.1.0");
    assert_eq!(shown["state"], "stopped");
    supervisor.verify();
}

#[test]
fn the_prefixes_of_a_plugin_that_went_while_the_supervisor_was_down_are_free() {
    let mut supervisor =
        Supervisor::builder().plugin(Plugin::hostile("gone", &["--prefix", "/shared"])).start();
    supervisor.stop();
    std::fs::remove_dir_all(supervisor.folders().plugins().join("gone")).unwrap();
    let supervisor = supervisor.start_again();
    supervisor.install(&Plugin::hostile("next", &["--prefix", "/shared"]));
    supervisor.wait_for_state("next", "running");
    assert_eq!(supervisor.get("/shared/x").json()["path"], "/shared/x");
    supervisor.verify();
}

#[test]
fn an_update_while_the_supervisor_is_down_is_resumed_from_the_version_that_ran() {
    let plugin = || Plugin::hostile("moving", &["--resumes"]);
    let mut supervisor = Supervisor::builder().plugin(plugin()).start();
    supervisor.stop();
    supervisor.install(&plugin().version("1.1.0"));
    let mut supervisor = supervisor.start_again();
    supervisor.wait_for_state("moving", "running");
    supervisor.stop();
    let supervisor = supervisor.start_again();
    supervisor.wait_for_state("moving", "running");
    let starts = lines_of(supervisor.folders().plugin_data("moving").join("starts"));
    assert_eq!(starts, ["start", "resume 1.0.0", "start"]);
    supervisor.verify();
}

#[test]
fn a_removed_plugin_is_told_that_it_is_removed() {
    let supervisor = Supervisor::builder().plugin(Plugin::hostile("going", &[])).start();
    std::fs::remove_dir_all(supervisor.folders().plugins().join("going")).unwrap();
    let stops = supervisor.folders().plugin_data("going").join("stops");
    eventually("its stop", || (lines_of(stops.clone()) == ["removed"]).then_some(()));
    supervisor.verify();
}

#[test]
fn a_plugin_hears_during_its_start_what_changes_during_its_start() {
    let supervisor = Supervisor::builder().start();
    supervisor.install(&Plugin::hostile("waiting", &["--starts-on", "auth.changed"]));
    supervisor.wait_for("waiting", "its start", |plugin| plugin["phase"] == "activating");
    supervisor.ask("auth.clear", json!({}));
    supervisor.wait_for_state("waiting", "running");
    supervisor.verify();
}

#[test]
fn a_start_that_tells_of_its_progress_may_take_longer_than_the_deadline_of_a_start() {
    let supervisor = Supervisor::builder()
        .settings("[plugins.busy.deadlines]\nstart = \"1s\"")
        .plugin(Plugin::hostile("busy", &["--works-on-start", "2"]))
        .start();
    let busy = supervisor.wait_for_state("busy", "running");
    assert_eq!((&busy["generation"], &busy["restarts"]), (&json!(1), &json!(0)), "{busy}");
    supervisor.verify();
}

#[test]
fn a_request_that_waits_while_the_manifest_changes_is_answered_by_the_process_that_follows() {
    let supervisor = Supervisor::builder().start();
    supervisor.install(&Plugin::hostile("late", &["--never-starts"]));
    supervisor.wait_for("late", "its start", |plugin| plugin["phase"] == "activating");
    let (address, request) =
        (supervisor.address().to_owned(), get_request(supervisor.address(), "/api/late/"));
    let waiting = std::thread::spawn(move || exchange(&address, &request).unwrap());
    // The front door takes connections in their order: by this answer, the other request waits.
    assert_eq!(supervisor.get(&format!("/api/{NEIGHBOUR}/")).status, 200);
    supervisor.install(&Plugin::hostile("late", &[]));
    assert_eq!(waiting.join().unwrap().status, 200);
    supervisor.verify();
}
