//! What plugins keep on disk: quotas, backups that are made under load, disks that fail, and kills at any moment.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use serde_json::{Value, json};
use system_tests::supervisor::lines_of;
use system_tests::{NEIGHBOUR, Plugin, Supervisor, eventually, socket};

#[test]
fn a_plugin_near_its_quota_is_warned_by_every_way_and_at_it_keeps_what_it_has() {
    let settings = "[limits]\ndata = \"64KiB\"\n[plugins.roomy.limits]\ndata = \"1MiB\"\n[storage]\nmeasure = \"100ms\"\n";
    let supervisor = Supervisor::builder()
        .settings(settings)
        .plugin(Plugin::hostile("keeper", &[]))
        .plugin(Plugin::hostile("roomy", &[]))
        .start();
    let open = |id: &str, file: &str| supervisor.plugin_asks(id, "database.open", json!({ "file": file }));
    let granted = open("keeper", "flights.db");
    assert!(granted["result"]["maxBytes"].as_u64().unwrap() <= 64 << 10, "{granted}");
    let roomy = open("roomy", "flights.db")["result"]["maxBytes"].as_u64().unwrap();
    assert!(roomy > 900 << 10, "its own setting holds: {roomy}");
    std::fs::write(granted["result"]["path"].as_str().unwrap(), "some bytes").unwrap();

    let mut ui = socket::open(supervisor.address(), "/_outboard/bus", &[]).unwrap();
    ui.say(&json!({ "type": "subscribe", "plugin": "keeper" }));
    ui.hear_of("subscribed");
    let told = |full: bool| {
        let is = |event: &Value| event["plugin"] == "keeper" && event["full"] == full;
        let event = supervisor.wait_for_event("database.quota", is);
        assert_eq!(event["quota"], 64 << 10, "{event}");
        let heard = supervisor.folders().plugin_data("keeper").join("quota");
        eventually("the plugin's notification", || {
            lines_of(heard.clone())
                .iter()
                .any(|line| line.contains(&format!("\"full\":{full}")))
                .then_some(())
        });
    };
    // Nothing is asked for after this: what a plugin writes is noticed all the same.
    supervisor.fault("keeper", json!(["fill-data", 56 << 10]));
    told(false);
    assert_eq!(ui.hear_of("quota")["full"], false);
    supervisor.wait_for_log("keeper", "that plugin keeper may have");
    assert!(open("keeper", "flights.db").get("result").is_some());
    supervisor.fault("keeper", json!(["fill-data", 70 << 10]));
    told(true);
    assert_eq!(ui.hear_of("quota")["full"], true);

    let refused = open("keeper", "another.db");
    assert_eq!(refused["error"]["data"]["reason"], "storage_full", "{refused}");
    assert!(refused["error"]["message"].as_str().unwrap().contains("limits.data"), "{refused}");
    let kept = open("keeper", "flights.db");
    assert_eq!(kept["result"]["maxBytes"], "some bytes".len(), "it may not grow: {kept}");
    assert_eq!(std::fs::read(kept["result"]["path"].as_str().unwrap()).unwrap(), b"some bytes");
    assert!(open(NEIGHBOUR, "its-own.db").get("result").is_some(), "the quota is each plugin's own");
    let report = supervisor.cli(&["db", "keeper", "--json"]).json();
    assert_eq!(report["use"]["quota"], 64 << 10, "{report}");
    drop(ui);
    supervisor.verify();
}
