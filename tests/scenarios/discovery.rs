//! What lies in the plugin folders, and how changes there are noticed.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use system_tests::asking::while_asking;
use system_tests::install::write_at_once;
use system_tests::supervisor::lines_of;
use system_tests::{NEIGHBOUR, Plugin, Supervisor, eventually};

#[test]
fn a_mixed_folder_runs_the_good_one_and_says_of_each_other_what_is_wrong_with_it() {
    let supervisor = Supervisor::builder()
        .plugin(Plugin::hello())
        .plugin(Plugin::hostile("refusing", &["--start-error", "the licence has run out"]))
        .file("broken/plugin.json", "{\n  \"id\": \"broken\",\n  \"name\": oops\n}\n")
        .plugin(Plugin::command("missing", &["./bin/not-there"]))
        .plugin(Plugin::hostile("noisy", &["--noise"]))
        .start();
    assert_eq!(supervisor.get("/api/hello-rust/").status, 200);
    let plugin = |id: &str| supervisor.plugin(id);
    assert_eq!(plugin("hello-rust")["state"], "running");

    let refusing = plugin("refusing");
    assert_eq!((&refusing["state"], &refusing["causeCode"]), (&"errored".into(), &"start-rejected".into()));
    assert!(refusing["cause"].as_str().unwrap().contains("the licence has run out"), "{refusing}");
    assert_eq!(refusing["restarts"], 0, "an answer is not a crash: {refusing}");

    let broken = plugin("broken");
    assert_eq!(broken["state"], "invalid");
    assert!(broken["cause"].as_str().unwrap().contains("broken/plugin.json:3:"), "{broken}");

    let missing = plugin("missing");
    assert_eq!((&missing["state"], &missing["causeCode"]), (&"errored".into(), &"cannot-spawn".into()));
    assert!(missing["cause"].as_str().unwrap().contains("missing/bin/not-there"), "{missing}");

    let noisy = plugin("noisy");
    assert_eq!(noisy["state"], "running", "noise is not fatal: {noisy}");
    supervisor.wait_for_log("noisy", "I am a banner.");
    supervisor.verify();
}

#[test]
fn what_is_wrong_with_a_folder_is_logged_when_it_is_found_and_when_it_changes_and_not_at_every_scan() {
    let supervisor = Supervisor::builder().file("broken/plugin.json", "{ oops }").start();
    let told = || {
        let said = supervisor.cli(&["logs", "-n", "10000", "--grep", "not a usable plugin", "--json"]);
        assert_eq!(said.code, 0, "{said:?}");
        said.json().as_array().unwrap().len()
    };
    assert_eq!(told(), 1);
    for _ in 0..3 {
        assert!(supervisor.ask("rescan", json!({}))["invalid"]["broken"].is_string());
    }
    assert_eq!(told(), 1, "nothing has changed");
    write_at_once(&supervisor.folders().plugins().join("broken/plugin.json"), "{\n\n oops }");
    supervisor.ask("rescan", json!({}));
    assert_eq!(told(), 2, "the line is another one");
    supervisor.verify();
}

#[test]
fn two_folders_with_one_id_are_both_refused_and_both_named() {
    let twin = |name: &str| Plugin::hostile("twin", &[]).with(json!({ "name": name })).manifest();
    let supervisor = Supervisor::builder()
        .file("one/plugin.json", &twin("One"))
        .file("other/plugin.json", &twin("Other"))
        // Neither a broken folder by the name of their id nor a third with it makes one of them the right one.
        .file("twin/plugin.json", "broken")
        .file("yet-another/plugin.json", &twin("Third"))
        .start();
    let plugin = supervisor.plugin("twin");
    assert_eq!(plugin["state"], "invalid");
    let cause = plugin["cause"].as_str().unwrap();
    for folder in ["plugins/one", "plugins/other", "plugins/yet-another"] {
        assert!(cause.contains(folder), "{cause}");
    }
    let broken = |plugin: &Value| plugin["id"].as_str().unwrap().ends_with("plugins/twin");
    assert!(supervisor.plugins().iter().any(broken), "the broken one is shown as well");
    std::fs::remove_dir_all(supervisor.folders().plugins().join("twin")).unwrap();
    supervisor.ask("rescan", json!({}));
    assert!(!supervisor.plugins().iter().any(broken), "and is shown no longer");
    supervisor.verify();
}

#[test]
fn every_fatal_fault_of_a_manifest_is_an_invalid_plugin_and_nothing_more() {
    let manifests = [
        ("empty", ""),
        ("list", "[]"),
        ("no-id", r#"{"name":"x","version":"1.0.0","run":{"command":["./x"]}}"#),
        ("no-name", r#"{"id":"no-name","version":"1.0.0","run":{"command":["./x"]}}"#),
        ("no-version", r#"{"id":"no-version","name":"x","run":{"command":["./x"]}}"#),
        ("bad-id", r#"{"id":"../evil","name":"x","version":"1.0.0","run":{"command":["./x"]}}"#),
        ("bad-version", r#"{"id":"bad-version","name":"x","version":"one","run":{"command":["./x"]}}"#),
        ("nothing-to-run", r#"{"id":"nothing-to-run","name":"x","version":"1.0.0"}"#),
    ];
    let builder = manifests.iter().fold(Supervisor::builder(), |builder, (name, text)| {
        builder.file(&format!("{name}/plugin.json"), text)
    });
    let supervisor = builder.file("no-manifest/readme", "nothing").start();
    for name in manifests.iter().map(|(name, _)| *name).chain(["no-manifest"]) {
        let plugin = supervisor.plugin(name);
        assert_eq!(plugin["state"], "invalid", "{name}: {plugin}");
        assert!(plugin["cause"].as_str().unwrap().contains(&format!("{name}/plugin.json")), "{plugin}");
    }
    supervisor.verify();
}

#[test]
fn members_that_nobody_knows_are_ignored_and_missing_decoration_is_a_warning() {
    let text = r#"{"id":"bare","name":"Bare","version":"1.0.0","futuristic":{"x":1},"run":{"command":["../neighbour/hostile-plugin"]}}"#;
    let supervisor = Supervisor::builder().file("bare/plugin.json", text).start();
    let bare = supervisor.wait_for_state("bare", "running");
    assert!(!bare["warnings"].as_array().unwrap().is_empty(), "{bare}");
    supervisor.verify();
}

#[test]
fn a_plugin_is_found_when_its_folder_appears_and_forgotten_when_it_goes() {
    let supervisor = Supervisor::builder().start();
    supervisor.install(&Plugin::hostile("late", &[]));
    supervisor.wait_for_state("late", "running");
    assert_eq!(supervisor.get("/api/late/").status, 200);
    let folder = supervisor.folders().plugins().join("late");
    std::fs::remove_dir_all(folder).unwrap();
    supervisor.wait_for("late", "nothing", |plugin| plugin.is_null());
    assert_eq!(supervisor.get("/api/late/").status, 404);
    eventually("the end of its process", || (supervisor.programs().len() == 1).then_some(()));
    supervisor.verify();
}

#[test]
fn a_plugins_folder_that_is_moved_away_is_noticed_when_it_comes_back() {
    let supervisor = Supervisor::builder().plugin(Plugin::hostile("away", &[])).start();
    supervisor.wait_for_state("away", "running");
    let (plugins, elsewhere) =
        (supervisor.folders().plugins(), supervisor.folders().root().join("elsewhere"));
    std::fs::rename(&plugins, &elsewhere).unwrap();
    supervisor.wait_for("away", "nothing", |plugin| plugin.is_null());
    std::fs::rename(&elsewhere, &plugins).unwrap();
    supervisor.wait_for_state("away", "running");
    supervisor.wait_for_state(system_tests::NEIGHBOUR, "running");
}

/// A manifest behind a link: the watcher sees the link's folder, where nothing changes, so only a rescan reads it anew.
fn behind_a_link() -> (Supervisor, std::path::PathBuf) {
    let builder = Supervisor::builder().plugin(Plugin::hostile("linked", &[]));
    let elsewhere = builder.folders().root().join("linked.json");
    std::fs::write(&elsewhere, Plugin::hostile("linked", &[]).manifest()).unwrap();
    let manifest = builder.folders().plugins().join("linked/plugin.json");
    std::fs::remove_file(&manifest).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &manifest).unwrap();
    (builder.start(), elsewhere)
}

#[test]
fn sighup_reads_the_folders_again() {
    let (supervisor, manifest) = behind_a_link();
    write_at_once(&manifest, &Plugin::hostile("linked", &[]).version("1.1.0").manifest());
    supervisor.signal(Signal::SIGHUP);
    supervisor.wait_for("linked", "version 1.1.0", |plugin| {
        plugin["version"] == "1.1.0" && plugin["state"] == "running"
    });
    supervisor.verify();
}

#[test]
fn the_verb_rescan_reads_the_folders_again_and_tells_what_changed() {
    let (supervisor, manifest) = behind_a_link();
    write_at_once(&manifest, &Plugin::hostile("linked", &[]).version("1.1.0").manifest());
    let said = supervisor.cli(&["rescan", "--json"]);
    assert_eq!((said.code, &said.json()["changed"]), (0, &json!(["linked"])), "{said:?}");
    supervisor.wait_for("linked", "version 1.1.0", |plugin| {
        plugin["version"] == "1.1.0" && plugin["state"] == "running"
    });
    supervisor.verify();
}

#[test]
fn a_changed_version_stops_the_old_process_and_starts_a_new_one() {
    let supervisor = Supervisor::builder().plugin(Plugin::hostile("moving", &[])).start();
    let before = supervisor.plugin("moving");
    supervisor.install(&Plugin::hostile("moving", &[]).version("1.1.0"));
    supervisor.wait_for("moving", "version 1.1.0", |plugin| {
        plugin["version"] == "1.1.0" && plugin["state"] == "running" && plugin["pid"] != before["pid"]
    });
    let data = supervisor.folders().plugin_data("moving");
    assert_eq!(lines_of(data.join("stops")), ["update"], "the old process was told");
    assert_eq!(lines_of(data.join("starts")), ["start", "start"]);
    assert_eq!(supervisor.get("/api/moving/").json()["starts"], 2, "its values came along");
    supervisor.verify();
}

#[test]
fn updates_and_restarts_under_a_loop_of_requests_fail_none_of_them() {
    let supervisor = Supervisor::builder().plugin(Plugin::hostile("moving", &[])).start();
    let failures = while_asking(&supervisor, "/api/moving/", |_| {
        for version in ["1.1.0", "1.2.0"] {
            supervisor.install(&Plugin::hostile("moving", &[]).version(version));
            supervisor.wait_for("moving", version, |plugin| {
                plugin["version"] == version && plugin["state"] == "running"
            });
        }
        supervisor.ask("restart", json!({ "id": "moving" }));
        supervisor.wait_for_state("moving", "running");
    });
    assert_eq!(failures, Vec::<String>::new());
    supervisor.verify();
}

#[test]
fn a_plugin_that_can_resume_resumes_after_an_update_with_the_version_it_came_from() {
    let plugin = || Plugin::hostile("moving", &["--resumes"]);
    let supervisor = Supervisor::builder().plugin(plugin()).start();
    let before = supervisor.plugin("moving");
    supervisor.install(&plugin().version("1.1.0"));
    supervisor.wait_for("moving", "version 1.1.0", |plugin| {
        plugin["version"] == "1.1.0" && plugin["state"] == "running" && plugin["pid"] != before["pid"]
    });
    let starts = lines_of(supervisor.folders().plugin_data("moving").join("starts"));
    assert_eq!(starts, ["start", "resume 1.0.0"]);
    supervisor.verify();
}

#[test]
fn a_mended_plugin_leaves_errored_by_itself() {
    let supervisor =
        Supervisor::builder().plugin(Plugin::hostile("mended", &["--start-error", "not like this"])).start();
    assert_eq!(supervisor.plugin("mended")["state"], "errored");
    supervisor.install(&Plugin::hostile("mended", &[]));
    supervisor.wait_for_state("mended", "running");
    assert_eq!(supervisor.plugin(NEIGHBOUR)["generation"], 1);
    supervisor.verify();
}

#[test]
fn a_prefix_that_is_taken_errors_the_later_plugin_and_names_both() {
    let supervisor = Supervisor::builder().plugin(Plugin::hostile("first", &["--prefix", "/shared"])).start();
    supervisor.install(&Plugin::hostile("second", &["--prefix", "/shared"]));
    let second = supervisor.wait_for_state("second", "errored");
    let cause = second["cause"].as_str().unwrap();
    assert!(cause.contains("/shared") && cause.contains("first"), "{cause}");
    assert_eq!(supervisor.get("/shared/x").json()["path"], "/shared/x");
    supervisor.verify();
}

#[test]
fn a_reserved_prefix_is_nobodys() {
    let supervisor = Supervisor::builder()
        .plugin(Plugin::hostile("greedy", &["--prefix", "/api/config"]))
        .plugin(Plugin::hostile("greedier", &["--prefix", "/_outboard/x"]))
        .plugin(Plugin::hostile("thief", &["--prefix", "/api/neighbour"]))
        .plugin(Plugin::hostile("shouting", &["--prefix", "/API/x"]))
        .plugin(Plugin::hostile("worker", &["--prefix", "/sw.js"]))
        .start();
    for id in ["greedy", "greedier", "thief", "shouting", "worker"] {
        assert_eq!(supervisor.plugin(id)["state"], "errored", "{id}: {}", supervisor.plugin(id));
    }
    supervisor.verify();
}

#[test]
fn a_path_of_the_shells_is_answered_by_whoever_provides_the_service_that_names_it() {
    let shell = |id: &str| {
        let provides = json!([{ "service": "flight", "prefixes": ["/api/config", "/api/auth"] }]);
        Plugin::hostile(id, &["--prefix", "/api/config"]).with(json!({ "provides": provides }))
    };
    let settings = "[services]\nflight = \"chosen\"\n";
    let supervisor =
        Supervisor::builder().plugin(shell("a-first")).plugin(shell("chosen")).settings(settings).start();
    assert_eq!(supervisor.plugin("a-first")["state"], "running", "it is named, though another provides it");
    let answer = supervisor.get("/api/config/units?x=1").json();
    assert_eq!(answer["pid"], supervisor.plugin("chosen")["pid"], "{answer}");
    assert_eq!(answer["path"], "/api/config/units?x=1");
    assert!(supervisor.plugin("chosen")["routes"].as_array().unwrap().contains(&json!("/api/config")));
    assert!(!supervisor.plugin("a-first")["routes"].as_array().unwrap().contains(&json!("/api/config")));
    assert!(supervisor.cli(&["services"]).out.contains("/api/config, /api/auth"));
    // Requests wait for it over a restart, as at its own path, and none goes to the other.
    let before = supervisor.plugin("chosen");
    supervisor.fault("chosen", json!(["kill"]));
    let next = supervisor.get("/api/config").json();
    let after = supervisor.wait_for_generation_after("chosen", &before["generation"]);
    assert_eq!(next["pid"], after["pid"], "{next}");
    supervisor.ask("stop", json!({ "id": "chosen" }));
    let refused = supervisor.get("/api/config");
    assert_eq!(refused.problem(), "plugin-not-running", "the settings name it, so nobody else answers");
    supervisor.verify();
}
