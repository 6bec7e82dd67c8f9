//! What somebody removes from under a running supervisor: it is noticed, said, and made again or refused.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use serde_json::{Value, json};
use system_tests::{NEIGHBOUR, Plugin, Supervisor, eventually};

fn troubles(status: &Value) -> Vec<&str> {
    let all = status["troubles"].as_array();
    all.into_iter().flatten().map(|trouble| trouble["kind"].as_str().unwrap()).collect()
}

#[test]
fn plugins_and_the_command_line_are_reached_again_after_the_runtime_folder_was_removed() {
    let supervisor = Supervisor::builder().plugin(Plugin::hostile("other", &[])).start();
    let before: Vec<Value> =
        [NEIGHBOUR, "other"].map(|id| supervisor.plugin(id)["generation"].clone()).into();
    std::fs::remove_dir_all(supervisor.folders().runtime()).unwrap();
    let said =
        eventually("orders are taken", || Some(supervisor.cli(&["status"])).filter(|said| said.code == 0));
    assert!(said.out.contains("other"), "{said:?}");
    for (id, generation) in [NEIGHBOUR, "other"].iter().zip(&before) {
        let now = supervisor.wait_for_generation_after(id, generation);
        assert_eq!(now["restarts"], 0, "a removed socket is not the plugin's fault: {now}");
        supervisor.wait_for_log(id, "somebody removed its socket");
        eventually("an answer", || (supervisor.get(&format!("/api/{id}/")).status == 200).then_some(()));
    }
    let said =
        eventually("the control socket", || Some(supervisor.cli(&["status"])).filter(|said| said.code == 0));
    assert!(said.out.contains("other"), "{said:?}");
}

#[test]
fn a_set_is_refused_with_what_to_do_while_the_database_is_not_at_its_name() {
    let supervisor = Supervisor::builder().start();
    let done = supervisor.cli(&["config", "set", NEIGHBOUR, "kept", "1"]);
    assert_eq!(done.code, 0, "{done:?}");
    std::fs::remove_file(supervisor.folders().data().join("state.db")).unwrap();
    let refused = supervisor.cli(&["config", "set", NEIGHBOUR, "lost", "2"]);
    assert!(refused.code != 0 && refused.err.contains("outboard backup"), "{refused:?}");
    supervisor.wait_for_event("host.trouble", |event| event["kind"] == "state-file");
    let status = supervisor.ask("status", json!({}));
    assert_eq!(troubles(&status), ["state-file"], "{status}");
    assert!(supervisor.cli(&["status"]).out.contains("was removed or moved away"));
    assert!(supervisor.errors().contains("was removed or moved away"), "{}", supervisor.errors());
    let backup = supervisor.folders().root().join("safe.tar");
    let saved = supervisor.cli(&["backup", backup.to_str().unwrap()]);
    assert_eq!(saved.code, 0, "{saved:?}");
}

#[test]
fn log_records_that_come_after_the_folder_was_removed_are_kept_and_the_loss_is_said() {
    let supervisor = Supervisor::builder().start();
    supervisor.wait_for_log(NEIGHBOUR, "running");
    std::fs::remove_dir_all(supervisor.folders().data().join("logs")).unwrap();
    supervisor.fault(NEIGHBOUR, json!(["print", "after the folder was removed"]));
    supervisor.wait_for_log(NEIGHBOUR, "after the folder was removed");
    supervisor.wait_for_log(NEIGHBOUR, "a new one begins here");
    assert_eq!(supervisor.ask("status", json!({}))["logRecordsDropped"], 0);
}
