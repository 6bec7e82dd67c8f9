//! The host kit against this host: every script of tests/host-kit/ is kept, and every rule that binds the host is shown.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use system_tests::script::pattern::{Names, compare};
use system_tests::supervisor::lines_of;
use system_tests::{GUARD, Plugin, Supervisor, eventually, patience};

fn kit() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("host-kit")
}

/// The scripts by name.
fn scripts() -> BTreeMap<String, PathBuf> {
    let files = std::fs::read_dir(kit()).unwrap().flatten().map(|entry| entry.path());
    let scripts = files.filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    scripts.map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), path)).collect()
}

/// Does what a script asks for, and says what came out wrong.
fn drive(supervisor: &Supervisor, id: &str, words: &[Value]) -> Result<(), String> {
    let text = |index: usize| words[index].as_str().unwrap();
    let seen = |what: &str, look: &dyn Fn() -> Result<(), String>| {
        let mut last = Ok(());
        let agrees = patience::within(GUARD, || {
            last = look();
            last.is_ok().then_some(())
        });
        agrees.map_or_else(|| Err(format!("{what}: {}", last.unwrap_err())), Ok)
    };
    match text(0) {
        "invoke" => {
            let params = json!({ "id": id, "channel": words[1], "args": words[2] });
            let answer = supervisor.control.ask("ipc.invoke", &params).unwrap();
            compare(&words[3], &answer, true, &mut Names::new()).map_err(|why| format!("{answer}: {why}"))
        }
        "stop" => {
            // A plugin whose start is not known to have succeeded is not told to stop.
            supervisor.wait_for_state(id, "running");
            supervisor.ask("stop", json!({ "id": id }));
            Ok(())
        }
        "state" => seen("state", &|| compare(&words[1], &supervisor.plugin(id), true, &mut Names::new())),
        "cause" => seen("cause", &|| {
            let plugin = supervisor.plugin(id).to_string();
            if plugin.contains(text(1)) { Ok(()) } else { Err(plugin) }
        }),
        "ended" => seen("ended", &|| {
            let ended = supervisor.last_end(id, 1)["ended"].clone();
            if ended == words[1] { Ok(()) } else { Err(ended.to_string()) }
        }),
        "logged" => seen("logged", &|| {
            let logs = supervisor.logs(id).into_iter().filter(|record| record["source"] == "logger");
            let messages: Vec<Value> = logs.map(|record| record["message"].clone()).collect();
            if words[1] == json!(messages) { Ok(()) } else { Err(format!("{messages:?}")) }
        }),
        unknown => Err(format!("nobody knows how to {unknown:?}")),
    }
}

/// Attends to one script until it has its verdict.
fn attend(supervisor: &Supervisor, id: &str) -> Result<(), String> {
    let data = supervisor.folders().plugin_data(id);
    std::thread::scope(|scope| {
        let (mut done, mut begun, mut looked) = (0, Vec::new(), Ok(()));
        let verdict = eventually(&format!("the verdict of {id}"), || {
            let verdict = lines_of(data.join("verdict")).into_iter().next();
            for line in lines_of(data.join("drive")).into_iter().skip(done) {
                done += 1;
                let words: Vec<Value> = serde_json::from_str(&line).unwrap();
                if words[0] == "invoke" || words[0] == "stop" {
                    // What takes part in the conversation may not hold it up.
                    begun.push(scope.spawn(move || drive(supervisor, id, &words)));
                } else if looked.is_ok() {
                    // A look is over before what comes next, such as a stop, has changed what it looks for.
                    looked = drive(supervisor, id, &words);
                }
            }
            verdict
        });
        let driven: Result<Vec<()>, String> = begun.into_iter().map(|one| one.join().unwrap()).collect();
        if verdict == "kept" { looked.and(driven.map(drop)) } else { Err(verdict) }
    })
}

/// Scripts about the life of a plugin; the others are about messages.
const LIFE: &[&str] =
    &["handshake", "another-version", "no-version", "refusal", "pings", "stop", "stop-order", "cancellation"];

#[test]
fn every_script_about_messages_is_kept() {
    keeps(|name| !LIFE.contains(&name));
}

#[test]
fn every_script_about_the_life_of_a_plugin_is_kept() {
    assert!(LIFE.iter().all(|name| scripts().contains_key(*name)));
    keeps(|name| LIFE.contains(&name));
}

fn keeps(chosen: impl Fn(&str) -> bool) {
    // Accepts connections, as every listener does, and never says anything.
    let airline = TcpListener::bind("127.0.0.1:0").unwrap();
    let settings = std::fs::read_to_string(kit().join("outboard.toml")).unwrap();
    let supervisor = Supervisor::builder().settings(&settings).start();
    let base = format!("http://{}", airline.local_addr().unwrap());
    supervisor.ask("airline.set", json!({ "id": "silent", "baseUrl": base, "token": "t" }));
    let mut scripts = scripts();
    scripts.retain(|name, _| chosen(name));
    for (id, script) in &scripts {
        supervisor.install(&Plugin::scripted(id, script));
    }
    let differing: Vec<String> = std::thread::scope(|scope| {
        let supervisor = &supervisor;
        let attending: Vec<_> =
            scripts.keys().map(|id| (id, scope.spawn(move || attend(supervisor, id)))).collect();
        let ended = attending.into_iter().map(|(id, one)| (id, one.join().unwrap()));
        ended.filter_map(|(id, outcome)| Some(format!("{id}: {}", outcome.err()?))).collect()
    });
    assert!(differing.is_empty(), "{}", differing.join("\n"));
    // What runs holds descriptors, and all of these came after the baseline.
    scripts.keys().for_each(|id| drop(supervisor.ask("stop", json!({ "id": id }))));
    supervisor.verify();
}

/// The ids of the document's rules.
fn documented() -> BTreeSet<String> {
    let document = std::fs::read_to_string(kit().join("../../docs/PROTOCOL.md")).unwrap();
    let rules = document.lines().filter_map(|line| line.strip_prefix("- [P-")?.split_once(']'));
    rules.map(|(rule, _)| format!("P-{rule}")).collect()
}

/// The rules that scripts name in their notes, with the scripts.
fn scripted() -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, path) in scripts() {
        let text = std::fs::read_to_string(path).unwrap();
        for rule in text.split("[P-").skip(1).filter_map(|rest| rest.split_once(']')) {
            found.entry(format!("P-{}", rule.0)).or_default().insert(name.clone());
        }
    }
    found
}

#[test]
fn every_rule_that_binds_the_host_is_shown_by_a_script_or_by_a_test_that_exists() {
    let table: toml::Table = std::fs::read_to_string(kit().join("rules.toml")).unwrap().parse().unwrap();
    let scripted = scripted();
    let documented = documented();
    for rule in &documented {
        let row = table.get(rule).and_then(toml::Value::as_table);
        let tests: Vec<&str> = row
            .and_then(|row| row.get("shown_by")?.as_array())
            .map(|tests| tests.iter().filter_map(toml::Value::as_str).collect())
            .unwrap_or_default();
        let plugins_alone = row.is_some_and(|row| row.contains_key("binds_plugins_alone"));
        let shown = scripted.contains_key(rule) || !tests.is_empty();
        assert!(
            shown != plugins_alone,
            "{rule} is either shown, or said to bind plugins alone with the reason"
        );
        for test in tests {
            let (file, name) = test.rsplit_once("::").unwrap();
            let text = std::fs::read_to_string(kit().join("../..").join(file)).unwrap();
            assert!(text.contains(&format!("fn {name}(")), "{rule} is shown by {test}, which does not exist");
        }
    }
    for rule in table.keys().chain(scripted.keys()) {
        assert!(documented.contains(rule), "{rule} does not stand in docs/PROTOCOL.md");
    }
}
