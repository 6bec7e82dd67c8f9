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

use outboard_host::process::{Label, Signal, SpawnSpec, Spawned, Spawner, SpawnerOptions, facts};
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

/// A spec for the probe with these arguments, as a plugin of its own.
pub fn spec(args: &[&str]) -> SpawnSpec {
    static PLUGINS: AtomicU64 = AtomicU64::new(1);
    let plugin = format!("probe-{}", PLUGINS.fetch_add(1, Ordering::Relaxed));
    let mut spec = SpawnSpec::new(Label { plugin, generation: 1 }, probe(), "/");
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

/// A process that was announced, with the start time it had then: pids come round again within seconds where tests run.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    pub pid: i32,
    start_time: Option<u64>,
}

impl Member {
    pub fn of(pid: i32) -> Self {
        Self { pid, start_time: facts::start_time(pid) }
    }

    pub fn parse(pid: &str) -> Self {
        Self::of(pid.parse().unwrap_or_else(|_| panic!("not a pid: {pid}")))
    }

    /// Whether it runs.
    pub fn lives(&self) -> bool {
        self.start_time.is_some_and(|start_time| facts::alive(self.pid, start_time))
    }

    /// Whether not even a zombie of it is there.
    pub fn is_gone(&self) -> bool {
        self.start_time.is_none() || facts::start_time(self.pid) != self.start_time
    }

    pub fn signal(&self, signal: Signal) {
        let pid = rustix::process::Pid::from_raw(self.pid).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Waits until it does not run any more.
    pub async fn ends(&self) {
        self.wait("still lives", |this| !this.lives()).await;
    }

    /// Waits until not even a zombie is there.
    pub async fn is_reaped(&self) {
        self.wait("is still there", Self::is_gone).await;
    }

    async fn wait(&self, complaint: &str, done: impl Fn(&Self) -> bool) {
        let waiting = async {
            while !done(self) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let waited = tokio::time::timeout(GUARD, waiting).await;
        waited.unwrap_or_else(|_| panic!("process {} {complaint}", self.pid));
    }
}

/// Reads `<name> <pid>` lines until each of these names has been said.
pub async fn announced(stderr: &mut pipe::Receiver, names: &[&str]) -> HashMap<String, Member> {
    let mut found = HashMap::new();
    let mut lines = BufReader::new(stderr).lines();
    while !names.iter().all(|name| found.contains_key(*name)) {
        let line = guarded(lines.next_line()).await.unwrap().expect("the probe ended before it had said all");
        let (name, pid) = line.split_once(' ').unwrap_or_else(|| panic!("not an announcement: {line}"));
        found.insert(name.to_owned(), Member::parse(pid));
    }
    found
}

/// Reads lines until so many workers have said who they are.
pub async fn workers(stderr: &mut pipe::Receiver, number: usize) -> Vec<Member> {
    let mut found = Vec::new();
    let mut lines = BufReader::new(stderr).lines();
    while found.len() < number {
        let line = guarded(lines.next_line()).await.unwrap().expect("a worker ended before it had said all");
        found.extend(line.strip_prefix("worker ").map(Member::parse));
    }
    found
}
