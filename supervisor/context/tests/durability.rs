//! What was acknowledged is there, whatever happened in between.
#![allow(clippy::unwrap_used)] // a test that cannot set its scene has failed

mod support;

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;
use support::*;

/// Names the data folder to the process that is going to be killed.
const STORM: &str = "OUTBOARD_TEST_STORM";
const ROUNDS: usize = 100;
const CALLERS: usize = 32;

/// The test and the process that it kills are this one function: the process is this program with a variable set.
#[test]
fn every_acknowledged_set_survives_sigkill() {
    if let Some(data) = std::env::var_os(STORM) {
        return storm(Path::new(&data));
    }
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let mut acknowledged: HashMap<String, u64> = HashMap::new();
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["every_acknowledged_set_survives_sigkill", "--exact", "--nocapture"])
            .env(STORM, &data)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // A different number each time, so that the kill falls at different moments of a group.
        let enough = 20 + (round * 37) % 400;
        let mut seen = 0;
        while let Some(Ok(line)) = lines.next() {
            if let Some((key, n)) = line.strip_prefix("ack ").and_then(|rest| rest.split_once(' ')) {
                acknowledged.insert(key.to_owned(), n.parse().unwrap());
                seen += 1;
            }
            if seen == enough {
                child.kill().unwrap();
            }
        }
        assert!(seen >= enough, "the storm ended by itself after {seen}");
        child.wait().unwrap();
        check(&data, &acknowledged);
    }
    assert_eq!(acknowledged.len(), CALLERS);
}

/// The file is whole, and no key is older than what was acknowledged last.
fn check(data: &Path, acknowledged: &HashMap<String, u64>) {
    let context = open(data);
    assert!(context.findings().is_empty(), "{:?}", context.findings());
    let stored: HashMap<String, u64> = serde_json::from_str(context.config.snapshot(&id("a")).get()).unwrap();
    for (key, n) in acknowledged {
        assert!(stored[key] >= *n, "{key} is {} and {n} was acknowledged", stored[key]);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(context.close());
}

/// Sets without end, each told on standard output once it is acknowledged.
fn storm(data: &Path) {
    let context = open(data);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let start = context.config.snapshot(&id("a"));
    let start: HashMap<String, u64> = serde_json::from_str(start.get()).unwrap();
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let key = format!("k{caller}");
            let mut n = start.get(&key).copied().unwrap_or(0);
            let context = context.clone();
            runtime.spawn(async move {
                let name = outboard_protocol::id::ConfigKey::new(&key).unwrap();
                loop {
                    n += 1;
                    context.config.set(&id("a"), &name, &json!(n)).await.unwrap();
                    let mut out = std::io::stdout().lock();
                    writeln!(out, "ack {key} {n}").and_then(|()| out.flush()).unwrap();
                }
            })
        })
        .collect();
    for caller in callers {
        let _ = runtime.block_on(caller);
    }
}
