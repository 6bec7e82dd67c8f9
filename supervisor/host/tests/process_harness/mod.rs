//! What the process tests share: one spawner for the test process, specs that start the probe, and bounded waits.
//!
//! Each wait is for a state and has a generous guard against hanging; none of them is a measurement.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part of what is shared")]

use std::collections::HashMap;
use std::future::Future;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use outboard_host::process::{Label, SpawnSpec, Spawned, Spawner, SpawnerOptions, facts};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::unix::pipe;

/// Longer than anything here takes on a loaded machine.
pub const GUARD: Duration = Duration::from_secs(20);

pub fn probe() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_process-probe"))
}

/// The one spawner of this test process.
pub fn spawner() -> Spawner {
    static SPAWNER: OnceLock<Spawner> = OnceLock::new();
    let start = || Spawner::start(SpawnerOptions { binary: probe(), ledger: None }).unwrap();
    SPAWNER.get_or_init(start).clone()
}

/// A spec for the probe with these arguments, in a generation of its own.
pub fn spec(args: &[&str]) -> SpawnSpec {
    static GENERATION: AtomicU64 = AtomicU64::new(1);
    let generation = GENERATION.fetch_add(1, Ordering::Relaxed);
    let mut spec = SpawnSpec::new(Label { plugin: "probe".into(), generation }, probe(), "/");
    spec.args = args.iter().map(Into::into).collect();
    spec
}

pub async fn spawn(args: &[&str]) -> Spawned {
    guarded(spawner().spawn(spec(args))).await.unwrap()
}

/// Fails the test in place of hanging it.
pub async fn guarded<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(GUARD, future).await.expect("nothing happened for a long time")
}

pub async fn read_all(pipe: &mut pipe::Receiver) -> String {
    let mut text = String::new();
    guarded(pipe.read_to_string(&mut text)).await.unwrap();
    text
}

/// Reads `<name> <pid>` lines until each of these names has been said.
pub async fn announced(stderr: &mut pipe::Receiver, names: &[&str]) -> HashMap<String, i32> {
    let mut found = HashMap::new();
    let mut lines = BufReader::new(stderr).lines();
    while !names.iter().all(|name| found.contains_key(*name)) {
        let line = guarded(lines.next_line()).await.unwrap().expect("the probe ended before it had said all");
        let (name, pid) = line.split_once(' ').unwrap_or_else(|| panic!("not an announcement: {line}"));
        found.insert(name.to_owned(), pid.parse().unwrap());
    }
    found
}

/// Waits until nothing of this pid runs. Fine for pids that only this test can have made.
pub async fn gone(pid: i32) {
    let ended = async {
        while facts::stat(pid).is_some_and(|stat| !stat.is_dead()) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(GUARD, ended).await.unwrap_or_else(|_| panic!("process {pid} still lives"));
}
