//! What plugins keep on disk: quotas, backups that are made under load, disks that fail, and kills at any moment.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use system_tests::processes::{self, Process};
use system_tests::supervisor::{lines_of, run_command_as};
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

/// Opens `full.db` at the start, and inserts until there is no more room when `fill` is called; answers with the error.
const FILLER_JS: &str = r#"
export default {
  onStart(ctx) {
    const db = ctx.database.open("full.db");
    db.exec("CREATE TABLE rows (bytes BLOB)");
    ctx.ipc.handle("limit", () => db.pragma("max_page_count", { simple: true }));
    ctx.ipc.handle("fill", () => {
      for (let i = 0; i < 1024; i++) db.prepare("INSERT INTO rows VALUES (zeroblob(4000))").run();
    });
  },
  onStop() {},
};
"#;

/// The same, with the SDK for Python, whose sources are in the repository.
const FILLER_PYTHON: &str = r#"
import sys
sys.path.insert(0, "%SDK%")
from outboard_plugin import Plugin

plugin = Plugin()

@plugin.on_start
async def on_start(ctx):
    database = ctx.database.open("full.db", isolation_level=None)
    database.execute("CREATE TABLE rows (bytes BLOB)")

    @ctx.ipc.handle("limit")
    async def limit():
        return database.execute("PRAGMA max_page_count").fetchone()[0]

    @ctx.ipc.handle("fill")
    async def fill():
        for _ in range(1024):
            database.execute("INSERT INTO rows VALUES (zeroblob(4000))")

plugin.run()
"#;

#[test]
fn a_plugin_that_fills_its_database_meets_an_error_that_names_the_quota_and_the_disk_is_spared() {
    const QUOTA: u64 = 256 << 10;
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("plugin-sdk/python/src");
    let supervisor = Supervisor::builder()
        .settings("[limits]\ndata = \"256KiB\"\n")
        .file("filler-js/plugin.json", r#"{ "id": "filler-js", "name": "Filler", "version": "1.0.0" }"#)
        .file("filler-js/background/index.js", FILLER_JS)
        .plugin(Plugin::command("filler-py", &["python3", "main.py"]))
        .file("filler-py/main.py", &FILLER_PYTHON.replace("%SDK%", sdk.to_str().unwrap()))
        .start();
    for id in ["filler-js", "filler-py"] {
        supervisor.wait_for_state(id, "running");
        let pages = || supervisor.call(id, "limit", json!([])).as_u64().unwrap();
        eventually("the limit of the connection", || (pages() <= QUOTA / 4096).then_some(()));
        let asked = json!({ "id": id, "channel": "fill", "args": [] });
        let refused = supervisor.refused("ipc.invoke", asked);
        let said = refused["message"].as_str().unwrap_or_default();
        for part in ["database or disk is full", "full.db", "`limits.data`", "delete what is not needed"] {
            assert!(said.contains(part), "{id}: {part:?} is missing: {refused}");
        }
        let file = supervisor.folders().plugin_data(id).join("full.db");
        let bytes = std::fs::metadata(&file).unwrap().len();
        assert!((QUOTA / 2..=QUOTA).contains(&bytes), "{id}: {bytes} bytes");
        assert_eq!(sqlite3(&file, "PRAGMA integrity_check"), "ok");
    }
    supervisor.verify();
}

const NOTES_JS: &str = r#"
export default {
  onStart(ctx) {
    const db = ctx.database.open("notes.db");
    db.pragma("journal_mode = WAL");
    db.exec("CREATE TABLE IF NOT EXISTS note (id INTEGER PRIMARY KEY, text)");
    const insert = db.prepare("INSERT INTO note (text) VALUES ('from the plugin')");
    const count = db.prepare("SELECT count(*) FROM note").pluck();
    ctx.ipc.handle("add", (n) => { for (let i = 0; i < n; i++) insert.run(); return count.get(); });
  },
  onStop() {},
};
"#;

#[test]
fn what_a_javascript_plugin_wrote_stays_while_others_look_at_its_database_and_write_to_it() {
    let supervisor = Supervisor::builder()
        .file("notes/plugin.json", r#"{ "id": "notes", "name": "Notes", "version": "1.0.0" }"#)
        .file("notes/background/index.js", NOTES_JS)
        .start();
    supervisor.wait_for_state("notes", "running");
    let add = |n: u64| supervisor.call("notes", "add", json!([n])).as_u64().unwrap();
    let file = supervisor.folders().plugin_data("notes").join("notes.db");
    assert_eq!(add(100), 100);
    // The last to close an unlocked file takes its write-ahead log away: whoever writes on writes to nothing.
    assert_eq!(sqlite3(&file, "SELECT count(*) FROM note"), "100");
    assert_eq!(add(100), 200);
    sqlite3(&file, "INSERT INTO note (text) VALUES ('from elsewhere')");
    assert_eq!(add(0), 201);
    supervisor.ask("restart", json!({ "id": "notes" }));
    supervisor.wait_for_state("notes", "running");
    assert_eq!(add(0), 201, "after a stop and a start");
    assert_eq!(sqlite3(&file, "PRAGMA integrity_check"), "ok");
    supervisor.verify();
}

/// What `sqlite3` says of a database, which `make test` installs.
fn sqlite3(file: &Path, sql: &str) -> String {
    let output =
        Command::new("sqlite3").arg(file).arg(sql).output().expect("these tests need sqlite3 on the PATH");
    assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// What the storm of a plugin was told to be kept: the latest value of each key.
fn acknowledged(data: &Path) -> BTreeMap<String, u64> {
    let lines = lines_of(data.join("acknowledged")).into_iter();
    let pairs = lines
        .filter_map(|line| Some((line.split_once(' ')?.0.to_owned(), line.split_once(' ')?.1.parse().ok()?)));
    // Values of a key only grow.
    pairs.collect()
}

fn holds_what_was_acknowledged(state: &Path, plugin: &str, acknowledged: &BTreeMap<String, u64>) {
    assert_eq!(sqlite3(state, "PRAGMA integrity_check"), "ok");
    for (key, least) in acknowledged {
        let sql = format!("SELECT value FROM config WHERE plugin = '{plugin}' AND key = '{key}'");
        let kept: u64 = sqlite3(state, &sql).parse().unwrap_or(0);
        assert!(kept >= *least, "{key} is {kept}, and {least} was acknowledged");
    }
}

/// A plugin that adds rows to a database of its own, each in a transaction, and tells after each how many there are.
const WRITER: &str = r#"
import json, sqlite3, sys, threading

def write(folder):
    database = sqlite3.connect(folder + "/rows.db")
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("CREATE TABLE IF NOT EXISTS rows (number INTEGER, twice INTEGER)")
    with open(folder + "/rows", "a") as told:
        for number in range(1, 1 << 40):
            with database:
                database.execute("INSERT INTO rows VALUES (?, ?)", (number, 2 * number))
            told.write(f"{number}\n")
            told.flush()

for line in sys.stdin:
    message = json.loads(line)
    method, result = message.get("method"), {}
    if method == "initialize":
        folder = message["params"]["plugin"]["dataDir"]
        result = {"protocolVersion": 1, "hooks": ["onStart", "onStop"]}
    elif method == "start":
        import os
        os.makedirs(folder, exist_ok=True)
        threading.Thread(target=write, args=(folder,), daemon=True).start()
    if method and "id" in message:
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)
"#;

#[test]
fn a_backup_that_is_made_while_a_plugin_writes_is_whole_and_has_all_that_was_there_before() {
    let supervisor = Supervisor::builder()
        .plugin(Plugin::hostile("storm", &["--storm", "4"]))
        .plugin(Plugin::command("writer", &["python3", "main.py"]))
        .file("writer/main.py", WRITER)
        .start();
    let (storm, writer) =
        (supervisor.folders().plugin_data("storm"), supervisor.folders().plugin_data("writer"));
    let rows = || lines_of(writer.join("rows")).last().and_then(|line| line.parse::<u64>().ok()).unwrap_or(0);
    let sets = || acknowledged(&storm).values().sum::<u64>();
    eventually("some writing", || (sets() > 100 && rows() > 20).then_some(()));
    let (before, rows_before) = (acknowledged(&storm), rows());
    let archive = supervisor.folders().root().join("safe.tar");
    let made = supervisor.cli(&["backup", archive.to_str().unwrap(), "--json"]);
    assert_eq!((made.code, &made.json()["skipped"]), (0, &json!([])), "{made:?}");
    let (sets_after, rows_after) = (sets(), rows());
    eventually("the writing goes on", || (sets() > sets_after && rows() > rows_after).then_some(()));
    let safe = supervisor.folders().root().join("safe");
    std::fs::create_dir(&safe).unwrap();
    let unpacked = Command::new("tar").args(["-xf", "../safe.tar"]).current_dir(&safe).status();
    assert!(unpacked.unwrap().success());
    holds_what_was_acknowledged(&safe.join("state.db"), "storm", &before);
    let copy = safe.join("plugins-data/writer/rows.db");
    assert_eq!(sqlite3(&copy, "PRAGMA integrity_check"), "ok");
    let whole = "SELECT count(*) = max(number) AND min(twice = 2 * number) AND max(number) FROM rows";
    assert_eq!(sqlite3(&copy, whole), "1", "every row up to the last, each as it was written");
    assert!(sqlite3(&copy, "SELECT max(number) FROM rows").parse::<u64>().unwrap() >= rows_before);
    assert_eq!(lines_of(storm.join("lost")), Vec::<String>::new());
    supervisor.verify();
}

/// Kills of the supervisor; between two of them are one or two of the plugin.
const KILLS: u32 = 52;
/// Plugins come back at once, however often they are killed.
const UNDAUNTED: &str = "[restart]\nbase = \"0s\"\nin_a_row = 100000\nin_window = 100000\n";

#[test]
fn no_acknowledged_value_is_lost_by_a_hundred_kills_at_any_moment_of_a_storm() {
    let builder = Supervisor::builder().plugin(Plugin::hostile("storm", &["--storm", "8"]));
    std::fs::write(builder.folders().settings(), UNDAUNTED).unwrap();
    let (folders, data) = (builder.folders(), builder.folders().plugin_data("storm"));
    let state = folders.data().join("state.db");
    let seed = std::process::id();
    eprintln!("seed {seed}");
    let mut random = seed;
    let mut chance = |below: u32| {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (random >> 8) % below
    };
    let lines = || std::fs::metadata(data.join("acknowledged")).map_or(0, |file| file.len());
    let mut plugins_killed = 0;
    for round in 0..KILLS {
        // The supervisor alone: its keeper would have nothing to do but wait.
        let mut supervisor = run_command_as(folders, &["__supervise"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut killed = lines_of(data.join("pids")).last().cloned();
        for _ in 0..=chance(2) {
            let before = lines();
            let more = u64::from(chance(1200));
            let plugin = eventually("a new plugin process that sets values", || {
                let latest =
                    lines_of(data.join("pids")).last().cloned().filter(|pid| Some(pid) != killed.as_ref());
                latest.filter(|_| lines() > before + more)
            });
            if let Some(plugin) = Process::look(plugin.parse().unwrap()).filter(Process::lives) {
                processes::kill(plugin.pid, Signal::SIGKILL);
                plugins_killed += 1;
            }
            killed = Some(plugin);
        }
        let before = lines();
        let more = u64::from(chance(1200));
        eventually("more acknowledged values", || (lines() > before + more).then_some(()));
        supervisor.kill().unwrap();
        supervisor.wait().unwrap();
        eventually("the end of its plugins", || {
            processes::programs_below(&folders.plugins()).iter().all(|program| !program.lives()).then_some(())
        });
        assert_eq!(lines_of(data.join("lost")), Vec::<String>::new(), "round {round}, seed {seed}");
    }
    assert!(plugins_killed + KILLS >= 100, "{plugins_killed} kills of the plugin alone");
    eprintln!("{plugins_killed} kills of the plugin and {KILLS} of the supervisor");
    holds_what_was_acknowledged(&state, "storm", &acknowledged(&data));
    assert!(acknowledged(&data).values().sum::<u64>() > u64::from(KILLS));
}
