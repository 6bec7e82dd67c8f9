//! Everything that a plugin starts or takes: it goes with the plugin, and limits hit that plugin alone.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use system_tests::family::ROLES;
use system_tests::supervisor::lines_of;
use system_tests::{Plugin, Supervisor, eventually};

const IMPATIENT: &str =
    "[restart]\nbase = \"10ms\"\n[deadlines]\nstop = \"500ms\"\nleave = \"200ms\"\nterminate = \"300ms\"\n";

fn with_a(role: &str, arguments: &[&str]) -> Supervisor {
    let supervisor =
        Supervisor::builder().settings(IMPATIENT).plugin(Plugin::hostile("parent", arguments)).start();
    supervisor.start_family("parent", role);
    supervisor
}

#[test]
fn a_stop_is_done_when_every_descendant_is_gone_deaf_ones_in_sessions_of_their_own_too() {
    for role in ROLES {
        let supervisor = with_a(role, &[]);
        supervisor.ask("stop", json!({ "id": "parent" }));
        let left = supervisor.programs();
        assert_eq!(left.len(), 1, "{role}: {left:?}");
        supervisor.verify();
    }
}

#[test]
fn a_crash_takes_every_descendant_along_before_the_next_process_starts() {
    for role in ROLES {
        let supervisor = with_a(role, &[]);
        let before = supervisor.plugin("parent");
        let old = supervisor.programs();
        supervisor.fault("parent", json!(["kill"]));
        let now = supervisor.wait_for_generation_after("parent", &before["generation"]);
        let alive: Vec<_> = old.iter().filter(|process| process.lives()).collect();
        assert_eq!(alive.len(), 1, "{role}: only the neighbour lives on: {alive:?}");
        assert_eq!(supervisor.programs().len(), 2, "{now}");
        supervisor.verify();
    }
}

#[test]
fn a_descendant_that_holds_the_pipes_open_delays_nothing() {
    let supervisor = Supervisor::builder().settings(IMPATIENT).plugin(Plugin::hostile("parent", &[])).start();
    let generation = supervisor.plugin("parent")["generation"].clone();
    supervisor.fault("parent", json!(["hold-pipe-and-exit"]));
    supervisor.wait_for_generation_after("parent", &generation);
    assert_eq!(supervisor.last_end("parent", 1)["exitCode"], 9);
    assert_eq!(supervisor.programs().len(), 2);
    supervisor.verify();
}

#[test]
fn a_limit_on_descriptors_hits_the_plugin_that_leaks_and_the_report_says_so() {
    let supervisor = Supervisor::builder()
        .settings("[plugins.leaky]\nlimits = { open_files = 64 }\n")
        .plugin(Plugin::hostile("leaky", &[]))
        .start();
    let generation = supervisor.plugin("leaky")["generation"].clone();
    supervisor.fault("leaky", json!(["leak-descriptors", 10_000]));
    supervisor.wait_for_generation_after("leaky", &generation);
    let end = supervisor.last_end("leaky", 1);
    assert_eq!(end["exitCode"], 24, "{end}");
    assert!(end["stderr"].to_string().contains("no more descriptors"), "{end}");
    supervisor.verify();
}

#[test]
fn a_limit_on_memory_hits_the_plugin_that_hoards_and_nobody_else() {
    let supervisor = Supervisor::builder()
        .settings("[plugins.greedy]\nlimits = { memory = \"512MiB\" }\n")
        .plugin(Plugin::hostile("greedy", &[]))
        .start();
    let generation = supervisor.plugin("greedy")["generation"].clone();
    supervisor.fault("greedy", json!(["hog-memory", 2048]));
    supervisor.wait_for_generation_after("greedy", &generation);
    let end = supervisor.last_end("greedy", 1);
    assert_eq!(end["exitCode"], 12, "{end}");
    assert!(end["stderr"].to_string().contains("no more memory"), "{end}");
    supervisor.verify();
}

#[test]
fn a_limit_in_the_manifest_holds_without_any_setting() {
    let plugin = Plugin::hostile("leaky", &[]).with(json!({ "limits": { "openFiles": 64 } }));
    let supervisor = Supervisor::builder().plugin(plugin).start();
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", supervisor.pid_of("leaky"))).unwrap();
    let open_files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    assert!(open_files.contains(" 64 "), "{open_files}");
    supervisor.verify();
}

#[test]
fn the_temporary_folder_of_a_plugin_is_its_own() {
    let supervisor = Supervisor::builder().plugin(Plugin::hostile("neat", &[])).start();
    let environment =
        std::fs::read_to_string(format!("/proc/{}/environ", supervisor.pid_of("neat"))).unwrap();
    let folder = environment.split('\0').find_map(|line| line.strip_prefix("TMPDIR=")).unwrap().to_owned();
    let data = supervisor.folders().plugin_data("neat");
    assert!(std::path::Path::new(&folder).starts_with(&data), "{folder}");
    assert_eq!(lines_of(data.join("starts")), ["start"]);
    supervisor.verify();
}

#[test]
fn the_limit_that_a_process_ran_into_is_named_for_certain_or_as_a_guess() {
    let said = "import os, sys\n";
    let cases = [
        ("cpu", json!({ "cpuSeconds": 1 }), "while True: pass", "ended", "`limits.cpuSeconds` allows it"),
        (
            "deaf",
            json!({ "cpuSeconds": 1 }),
            "import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass",
            "ended",
            "`limits.cpuSeconds` allows it",
        ),
        (
            "file",
            json!({ "fileSize": 4096 }),
            "import signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_DFL)\nopen(os.environ['TMPDIR'] + '/big', 'wb').write(bytes(9000))",
            "ended",
            "`limits.fileSize` allows one file",
        ),
        (
            "full",
            json!({ "fileSize": 4096 }),
            "open(os.environ['TMPDIR'] + '/big', 'wb').write(bytes(9000))",
            "advice",
            "`limits.fileSize`",
        ),
        (
            "memory",
            json!({ "memory": "300MiB" }),
            "try: x = [bytearray(1 << 24) for _ in range(99)]\nexcept MemoryError: os.abort()",
            "advice",
            "`limits.memory`",
        ),
        (
            "files",
            json!({ "openFiles": 64 }),
            "x = [open('/dev/null') for _ in range(99)]",
            "advice",
            "`limits.openFiles`",
        ),
    ];
    let mut builder = Supervisor::builder().settings("[restart]\nbase = \"1h\"\ncap = \"1h\"\n");
    for (id, limits, program, _, _) in &cases {
        let plugin = Plugin::command(id, &["python3", "run.py"])
            .with(json!({ "run": { "protocol": "none" }, "http": { "listen": "path" }, "limits": limits }));
        builder = builder.plugin(plugin).file(&format!("{id}/run.py"), &format!("{said}{program}\n"));
    }
    let supervisor = builder.start();
    for (id, _, _, key, told) in cases {
        let end = supervisor.last_end(id, 1);
        assert!(end[key].to_string().contains(told), "{id}: {end}");
        assert!(
            key == "ended" || !end["ended"].to_string().contains("limits."),
            "a guess is told as one: {end}"
        );
    }
    supervisor.verify();
}

/// Eight processes that hand themselves on to children in new sessions, as fast as the machine allows, for a minute at the most; each
/// says by a file when it is well under way.
const CHAINS: &str = r#"
import os, time
end = time.time() + 60
for chain in range(8):
    if os.fork() == 0:
        hops = 0
        while time.time() < end:
            if os.fork():
                os._exit(0)
            os.setsid()
            hops += 1
            if hops == 300:
                open(f"going-{chain}", "w").close()
        os._exit(0)
time.sleep(60)
"#;

#[test]
fn a_family_that_forks_without_end_is_stopped_and_keeps_no_other_plugin_from_a_restart() {
    let start = "python3 chains.py </dev/null >/dev/null 2>&1 & exec ./hostile-plugin";
    let supervisor = Supervisor::builder()
        .plugin(Plugin::command("parent", &["sh", "-c", start]))
        .plugin(Plugin::hostile("innocent", &[]))
        .file("parent/chains.py", CHAINS)
        .start();
    let folder = supervisor.folders().plugins().join("parent");
    eventually("the chains are under way", || {
        (0..8).all(|chain| folder.join(format!("going-{chain}")).exists()).then_some(())
    });
    // And others want the processors too. They would want them of every test that runs beside this one.
    let others = if std::env::var_os("OUTBOARD_TRIALS").is_some() { 4 } else { 0 };
    let ends = Arc::new(AtomicBool::new(false));
    for _ in 0..others {
        let ends = Arc::clone(&ends);
        std::thread::spawn(move || while !ends.load(Ordering::Relaxed) {});
    }
    for _ in 0..3 {
        let restarted = supervisor.ask("restart", json!({ "id": "innocent" }));
        assert_eq!(restarted["state"], "running", "{restarted}");
    }
    let stopped = supervisor.ask("stop", json!({ "id": "parent" }));
    ends.store(true, Ordering::Relaxed);
    assert_eq!(stopped["state"], "stopped", "{stopped}");
    let left: Vec<_> = supervisor.family().into_iter().filter(|one| one.name.contains("python")).collect();
    assert!(left.is_empty(), "{left:?}");
    supervisor.verify();
}
