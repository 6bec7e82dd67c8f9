//! The directions of the house: who may depend on whom, who owns what, and where unsafe code is. A new edge fails here, so that an
//! edge is a decision: whoever wants it changes the table in the same commit, with the reason.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

#[path = "architecture/circles.rs"]
mod circles;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Each crate of ours, and those of ours that it may use: in what it ships, and in its tests.
const EDGES: &[(&str, &[&str])] = &[
    ("outboard-protocol", &[]),
    // Reads the tables; apart from them, so that no plugin compiles what writes documents.
    ("outboard-generate", &["outboard-protocol"]),
    ("outboard-lifecycle", &[]),
    // Files of somebody else's are read in one way, by everybody; docs/decisions/looks-that-can-be-given-up.md has the reasons.
    ("outboard-files", &[]),
    // The walk from an error to what lies behind it, for whoever tells one.
    ("outboard-causes", &[]),
    // Who provides which service; knows neither processes nor connections, which stand behind its traits.
    ("outboard-broker", &["outboard-protocol"]),
    ("outboard-context", &["outboard-protocol", "outboard-files", "outboard-broker"]),
    (
        "outboard-host",
        &[
            "outboard-protocol",
            "outboard-causes",
            "outboard-files",
            "outboard-lifecycle",
            "outboard-broker",
            "outboard-context",
        ],
    ),
    (
        "outboard-gateway",
        &[
            "outboard-protocol",
            "outboard-causes",
            "outboard-files",
            "outboard-broker",
            "outboard-context",
            "outboard-host",
        ],
    ),
    (
        "outboard-control",
        &["outboard-protocol", "outboard-files", "outboard-broker", "outboard-context", "outboard-host"],
    ),
    // Plays the host to one plugin; docs/decisions/conformance-kit.md has the reasons.
    ("outboard-conform", &["outboard-protocol", "outboard-files", "outboard-host"]),
    (
        "outboard",
        &[
            "outboard-protocol",
            "outboard-causes",
            "outboard-files",
            "outboard-broker",
            "outboard-context",
            "outboard-host",
            "outboard-gateway",
            "outboard-control",
            "outboard-conform",
        ],
    ),
    // The SDK's tests run its own probe, hence the edge to itself.
    ("outboard-plugin", &["outboard-protocol", "outboard-plugin"]),
    // Runs in applications that embed Outboard, which compile nothing of the host.
    ("outboard-embed", &["outboard-protocol"]),
    ("axum-host", &["outboard-embed"]),
    // Loaded by Node in a plugin's process, and linked to nothing of ours.
    ("outboard-sqlite", &[]),
    ("hello-rust", &["outboard-plugin"]),
    ("counter-rust", &["outboard-plugin"]),
    // What is measured is a plugin, and what it is measured against.
    ("bench", &["outboard-plugin"]),
    ("hostile-plugin", &[]),
    ("session-plugin", &["outboard-plugin"]),
    ("system-tests", &[]),
];

/// Libraries with one owner, or a few, and why nobody else may have them.
const OWNERS: &[(&str, &[&str])] = &[
    // SQL of plugins never runs in the supervisor. The SDKs open a plugin's own database in the plugin.
    ("rusqlite", &["outboard-context", "outboard-plugin", "outboard-sqlite"]),
    // Outgoing HTTP goes through one place, which knows about the bearer.
    ("reqwest", &["outboard-context"]),
    // Arguments are read in one place.
    ("clap", &["outboard"]),
    // Served by control, called by the command line and by applications that embed Outboard.
    ("jsonrpsee", &["outboard-control", "outboard", "outboard-embed"]),
    ("hyper", &["outboard-gateway", "outboard-control"]),
    // Our own routes, and those of plugins; never the way to a plugin.
    ("axum", &["outboard-gateway", "outboard-plugin", "hello-rust", "axum-host", "bench"]),
];

/// The protocol and the state machine have no clock, no runtime and no input or output.
const NOTHING_BUT_WORDS: &[&str] = &["outboard-protocol", "outboard-lifecycle"];

/// The only places with unsafe code; each says why at its head.
const UNSAFE: &[&str] = &[
    "supervisor/host/src/process/spawn/inherited.rs",
    "plugin-sdk/rust/src/inherited.rs",
    // Node-API on the one side, SQLite on the other: both are C.
    "plugin-sdk/typescript/sqlite/src/backup.rs",
    "plugin-sdk/typescript/sqlite/src/compiled.rs",
    "plugin-sdk/typescript/sqlite/src/connection.rs",
    "plugin-sdk/typescript/sqlite/src/failure.rs",
    "plugin-sdk/typescript/sqlite/src/functions.rs",
    "plugin-sdk/typescript/sqlite/src/handle.rs",
    "plugin-sdk/typescript/sqlite/src/kept.rs",
    "plugin-sdk/typescript/sqlite/src/looks.rs",
    "plugin-sdk/typescript/sqlite/src/node.rs",
    "plugin-sdk/typescript/sqlite/src/statement.rs",
    "plugin-sdk/typescript/sqlite/src/values.rs",
];

/// The folders at the top, and no other.
const TOP: &[&str] = &["proto-schema", "supervisor", "plugin-sdk", "examples", "tests", "docs"];

/// What may lie at the top without being part of the house: what tools and builds put there.
const BUILT: &[&str] = &["target", "node_modules"];

/// Words that may not stand in the code of a folder.
const FORBIDDEN: &[(&str, &[&str], &str)] = &[
    (
        "supervisor/host/src/process",
        // How a process ended is the one word that it shares with the machine.
        &[
            "crate::session",
            "outboard_protocol",
            "outboard_context",
            "outboard_lifecycle::{",
            "Lifecycle",
            "crate::plugin",
        ],
        "process/ knows bytes and pids, never messages",
    ),
    (
        "supervisor/host/src/process/observe",
        &["process::contain", "process::spawn"],
        "observe/ reads, for those who contain and spawn",
    ),
    (
        "supervisor/host/src/process/contain",
        &["process::spawn"],
        "contain/ ends what there is, however it was started",
    ),
    (
        "supervisor/host/src/session",
        &["crate::process", "crate::plugin", "outboard_lifecycle", "Pid", " pid", "nix::"],
        "session/ knows messages, never pids",
    ),
    (
        "supervisor/gateway/src",
        &["outboard_host::session", "outboard_host::process", "outboard_lifecycle", "rusqlite"],
        "the gateway sees handles and routes, never sessions or processes",
    ),
    (
        "supervisor/control/src",
        &[
            "outboard_host::session",
            "outboard_host::process",
            "outboard_lifecycle",
            "outboard_gateway",
            "rusqlite",
        ],
        "control asks the host, and knows neither processes nor the gateway",
    ),
    (
        "supervisor/context/src",
        &["outboard_host", "outboard_gateway", "outboard_control", "outboard_lifecycle"],
        "the context knows no host",
    ),
    (
        "supervisor/lifecycle/src",
        &[
            "outboard_",
            "tokio",
            "std::fs",
            "std::net",
            "std::process",
            "Instant",
            "SystemTime",
            "std::thread",
        ],
        "the state machine is pure",
    ),
    (
        "proto-schema/src",
        &["tokio", "std::net", "std::process::Command", "std::thread", "Instant::now", "SystemTime"],
        "the protocol is words",
    ),
    (
        "plugin-sdk/rust/src",
        &["outboard_host", "outboard_context", "outboard_gateway"],
        "an SDK knows the wire alone",
    ),
    (
        "examples",
        &["outboard_host", "outboard_context", "outboard_gateway", "outboard_lifecycle"],
        "examples use the SDK",
    ),
    ("tests/src", &["outboard_"], "tests use public surfaces"),
    (
        "tests/scenarios",
        &["outboard_host", "outboard_context", "outboard_gateway", "outboard_lifecycle", "outboard_protocol"],
        "tests use public surfaces",
    ),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn packages() -> Vec<Value> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

/// The names that a package depends on, in whatever way.
fn dependencies(package: &Value) -> BTreeSet<String> {
    let all = package["dependencies"].as_array().unwrap();
    all.iter().map(|dependency| dependency["name"].as_str().unwrap().to_owned()).collect()
}

/// Every Rust file of ours below a folder, relative to the root.
fn sources(below: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(below)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().flatten() {
            let path = entry.path();
            let name = entry.file_name();
            if path.is_dir() && !BUILT.iter().any(|built| name == *built) {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path.strip_prefix(root()).unwrap().to_owned());
            }
        }
    }
    assert!(!found.is_empty(), "no sources below {below}");
    found
}

/// The code of a file, without comments and without its tests.
fn code(file: &Path) -> String {
    let text = std::fs::read_to_string(root().join(file)).unwrap();
    let shipped = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    shipped
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .map(|line| format!("{line}\n"))
        .collect()
}

#[test]
fn crates_depend_downwards_only() {
    let packages = packages();
    let ours: BTreeSet<&str> = packages.iter().map(|package| package["name"].as_str().unwrap()).collect();
    let listed: BTreeSet<&str> = EDGES.iter().map(|(name, _)| *name).collect();
    assert_eq!(ours, listed, "every crate has a line in EDGES, and every line a crate");
    for package in &packages {
        let name = package["name"].as_str().unwrap();
        let allowed = EDGES.iter().find(|(crate_name, _)| *crate_name == name).unwrap().1;
        for dependency in dependencies(package).iter().filter(|dependency| ours.contains(dependency.as_str()))
        {
            assert!(
                allowed.contains(&dependency.as_str()),
                "{name} depends on {dependency}, which is a new edge; if it is meant, add it to EDGES with the reason"
            );
        }
    }
}

#[test]
fn libraries_with_an_owner_are_used_by_nobody_else() {
    for package in packages() {
        let name = package["name"].as_str().unwrap();
        for (library, owners) in OWNERS {
            assert!(
                !dependencies(&package).contains(*library) || owners.contains(&name),
                "{name} uses {library}, which belongs to {owners:?}"
            );
        }
    }
}

#[test]
fn the_protocol_and_the_state_machine_need_no_runtime() {
    for package in packages() {
        let name = package["name"].as_str().unwrap();
        if NOTHING_BUT_WORDS.contains(&name) {
            for library in ["tokio", "futures-util", "nix", "rustix", "hyper", "tracing"] {
                assert!(!dependencies(&package).contains(library), "{name} uses {library}");
            }
        }
    }
}

/// Whoever writes a plugin waits for what it compiles. What writes documents is for this repository alone.
#[test]
fn a_plugin_in_rust_compiles_no_generators() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["tree", "--package", "outboard-plugin", "--edges", "normal", "--prefix", "none", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let compiled = String::from_utf8(output.stdout).unwrap();
    assert!(compiled.contains("outboard-protocol "), "{compiled}");
    for generator in ["schemars", "outboard-generate"] {
        assert!(!compiled.contains(generator), "a plugin in Rust compiles {generator}");
    }
}

#[test]
fn no_folder_speaks_of_what_it_must_not_know() {
    for (folder, words, why) in FORBIDDEN {
        for file in sources(folder) {
            let code = code(&file);
            for word in *words {
                assert!(!code.contains(word), "{} says {word:?}; {why}", file.display());
            }
        }
    }
}

#[test]
fn only_the_plugins_actor_knows_both_processes_and_sessions() {
    for file in sources("supervisor/host/src") {
        let code = code(&file);
        let both = code.contains("crate::process") && code.contains("crate::session");
        let allowed = file.starts_with("supervisor/host/src/plugin");
        assert!(!both || allowed, "{} knows processes and sessions", file.display());
    }
}

#[test]
fn unsafe_code_is_where_it_is_said_to_be() {
    for file in sources(".") {
        let code = code(&file);
        let is_unsafe = ["unsafe {", "unsafe fn ", "unsafe impl ", "allow(unsafe_code"]
            .iter()
            .any(|word| code.contains(word));
        let listed =
            UNSAFE.iter().any(|path| file == Path::new(path)) || file.ends_with("tests/architecture.rs");
        assert!(!is_unsafe || listed, "{} has unsafe code", file.display());
    }
}

#[test]
fn every_file_says_at_its_head_what_it_is() {
    for file in sources(".") {
        let text = std::fs::read_to_string(root().join(&file)).unwrap();
        assert!(text.starts_with("//! "), "{} does not open with //!", file.display());
    }
}

#[test]
fn the_top_holds_these_folders_and_no_other() {
    let there: BTreeSet<String> = std::fs::read_dir(root())
        .unwrap()
        .flatten()
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .filter(|name| !name.starts_with('.') && !BUILT.contains(&name.as_str()))
        .collect();
    let wanted: BTreeSet<String> = TOP.iter().map(|&name| name.to_owned()).collect();
    assert_eq!(there, wanted);
}

#[test]
fn one_name_is_one_feature_in_protocol_and_context() {
    for file in std::fs::read_dir(root().join("proto-schema/src/context")).unwrap().flatten() {
        let namespace = file.path().file_stem().unwrap().to_str().unwrap().to_owned();
        let context = root().join("supervisor/context/src");
        let there = namespace == "mod"
            || context.join(format!("{namespace}.rs")).exists()
            || context.join(&namespace).is_dir();
        assert!(there, "the context has no file for {namespace}");
    }
}

#[test]
fn names_that_say_nothing_are_not_used() {
    for file in sources(".") {
        for part in file.components().map(|part| part.as_os_str().to_string_lossy().into_owned()) {
            let stem = part.trim_end_matches(".rs");
            for word in
                ["util", "utils", "helper", "helpers", "common", "misc", "manager", "handler", "handlers"]
            {
                assert!(stem != word && !stem.ends_with(&format!("_{word}")), "{}", file.display());
            }
        }
    }
}
