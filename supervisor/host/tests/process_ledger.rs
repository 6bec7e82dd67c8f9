//! The ledger: what supervisor and keeper could not clear up is swept by the next one, and nothing else is.
//!
//! Here a supervisor without a keeper is killed, which is what is left when both are killed at once.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

mod process_harness;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use outboard_host::process::{Ledger, Signal, SweepOutcome, Swept, facts, sweep};
use process_harness::{Member, guarded, probe};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

/// A supervisor that writes a ledger.
struct Supervisor {
    child: Child,
    /// What its family has announced.
    pids: HashMap<String, Member>,
    /// Kept, as a supervisor whose log is closed could not say what it does.
    _lines: Lines<BufReader<ChildStderr>>,
}

async fn supervisor(ledger: &Path, family: &[&str]) -> Supervisor {
    let mut command = Command::new(probe());
    command.args(["__supervise", "ledger", ledger.to_str().unwrap(), "family"]).args(family);
    let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut pids = HashMap::new();
    while !["supervisor", "leader"].iter().chain(family).all(|name| pids.contains_key(*name)) {
        let line = guarded(lines.next_line()).await.unwrap().unwrap();
        let (name, pid) = line.split_once(' ').unwrap();
        pids.insert(name.to_owned(), Member::parse(pid));
    }
    Supervisor { child, pids, _lines: lines }
}

async fn swept(ledger: &Path) -> Vec<Swept> {
    let ledger = Ledger::open(ledger).unwrap();
    guarded(tokio::task::spawn_blocking(move || sweep(&ledger).unwrap())).await.unwrap()
}

fn entries(ledger: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(ledger).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn entry(ledger: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(entries(ledger).pop().unwrap()).unwrap()).unwrap()
}

/// Changes one member of the only entry.
fn forge(ledger: &Path, member: &str, value: serde_json::Value) {
    let path = entries(ledger).pop().unwrap();
    let mut entry = entry(ledger);
    assert!(entry.get(member).is_some());
    entry[member] = value;
    std::fs::write(&path, entry.to_string()).unwrap();
}

#[tokio::test]
async fn what_a_killed_supervisor_left_is_swept_and_its_entry_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let Supervisor { mut child, pids, _lines } = supervisor(folder.path(), &["plain", "daemon"]).await;
    assert_eq!(entries(folder.path()).len(), 1);
    child.kill().await.unwrap();
    // The kernel ends the leader; the daemon and the plain one have nobody any more.
    pids["leader"].ends().await;
    assert!(pids["daemon"].lives(), "otherwise there is nothing to sweep");
    let swept = swept(folder.path()).await;
    assert_eq!(swept.len(), 1);
    assert_eq!(swept[0].label.to_string(), "kept/1");
    let SweepOutcome::Killed(killed) = &swept[0].outcome else { panic!("{swept:?}") };
    let killed: Vec<i32> = killed.iter().map(|one| one.pid).collect();
    assert!(killed.contains(&pids["daemon"].pid) && killed.contains(&pids["plain"].pid), "{killed:?}");
    pids["daemon"].ends().await;
    pids["plain"].ends().await;
    assert!(entries(folder.path()).is_empty());
}

#[tokio::test]
async fn what_has_left_its_session_and_cleared_its_environment_is_swept_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let Supervisor { mut child, pids, _lines } = supervisor(folder.path(), &["bare"]).await;
    child.kill().await.unwrap();
    pids["leader"].ends().await;
    assert!(pids["bare"].lives(), "otherwise there is nothing to sweep");
    // Another generation's mark is nobody's reason to end it.
    let mark = entry(folder.path())["mark"].clone();
    forge(folder.path(), "mark", (mark.as_u64().unwrap() ^ 1).into());
    let kept = std::fs::read(entries(folder.path()).pop().unwrap()).unwrap();
    let path = entries(folder.path()).pop().unwrap();
    assert!(matches!(swept(folder.path()).await[0].outcome, SweepOutcome::Gone));
    assert!(pids["bare"].lives());
    std::fs::write(path, kept).unwrap();
    forge(folder.path(), "mark", mark);
    let swept = swept(folder.path()).await;
    let SweepOutcome::Killed(killed) = &swept[0].outcome else { panic!("{swept:?}") };
    assert_eq!(killed.iter().map(|one| one.pid).collect::<Vec<_>>(), [pids["bare"].pid]);
    pids["bare"].ends().await;
}

#[tokio::test]
async fn what_never_stays_the_same_process_is_swept() {
    let folder = tempfile::tempdir().unwrap();
    let Supervisor { mut child, pids, _lines } = supervisor(folder.path(), &["runner", "phantom"]).await;
    child.kill().await.unwrap();
    pids["leader"].ends().await;
    let path = entries(folder.path()).pop().unwrap();
    let kept = std::fs::read(&path).unwrap();
    let first = swept(folder.path()).await;
    assert!(matches!(first[0].outcome, SweepOutcome::Killed(_)), "{first:?}");
    std::fs::write(&path, kept).unwrap();
    let second = swept(folder.path()).await;
    assert!(matches!(second[0].outcome, SweepOutcome::Gone), "the first sweep left something: {second:?}");
}

#[tokio::test]
async fn a_living_supervisor_is_left_alone_with_all_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let Supervisor { mut child, pids, _lines } = supervisor(folder.path(), &["daemon"]).await;
    let swept = swept(folder.path()).await;
    assert!(
        matches!(swept[0].outcome, SweepOutcome::StillOwned { supervisor } if supervisor == pids["supervisor"].pid)
    );
    assert!(pids["leader"].lives() && pids["daemon"].lives());
    assert_eq!(entries(folder.path()).len(), 1);
    pids["supervisor"].signal(Signal::TERM);
    let status = guarded(child.wait()).await.unwrap();
    assert!(status.success());
    assert!(entries(folder.path()).is_empty(), "an orderly end leaves no entry");
}

#[tokio::test]
async fn a_stranger_who_has_got_the_pid_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let Supervisor { mut child, pids, _lines } = supervisor(folder.path(), &[]).await;
    child.kill().await.unwrap();
    pids["leader"].ends().await;
    let mut stranger = Command::new(probe()).arg("hold").kill_on_drop(true).spawn().unwrap();
    let pid = i32::try_from(stranger.id().unwrap()).unwrap();
    forge(folder.path(), "pid", pid.into());
    // Said, not left to the clock: both may have started within one of its ticks.
    forge(folder.path(), "start_time", (facts::start_time(pid).unwrap() - 1).into());
    let swept = swept(folder.path()).await;
    assert!(matches!(swept[0].outcome, SweepOutcome::Gone), "{swept:?}");
    assert!(stranger.try_wait().unwrap().is_none(), "it had another start time");
    assert!(entries(folder.path()).is_empty());
    stranger.kill().await.unwrap();
}

#[tokio::test]
async fn a_leader_is_swept_by_pid_and_start_time_even_without_its_mark() {
    let folder = tempfile::tempdir().unwrap();
    let Supervisor { mut child, pids, _lines } = supervisor(folder.path(), &[]).await;
    child.kill().await.unwrap();
    pids["leader"].ends().await;
    let mut left = Command::new(probe()).arg("hold").kill_on_drop(true).spawn().unwrap();
    let pid = i32::try_from(left.id().unwrap()).unwrap();
    forge(folder.path(), "pid", pid.into());
    forge(folder.path(), "start_time", facts::start_time(pid).unwrap().into());
    let swept = swept(folder.path()).await;
    assert!(matches!(&swept[0].outcome, SweepOutcome::Killed(killed) if killed.len() == 1), "{swept:?}");
    assert!(!guarded(left.wait()).await.unwrap().success());
}

#[tokio::test]
async fn an_entry_of_another_boot_or_of_nobody_kills_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let Supervisor { mut child, pids, _lines } = supervisor(folder.path(), &["daemon"]).await;
    child.kill().await.unwrap();
    pids["leader"].ends().await;
    forge(folder.path(), "boot_id", "another".into());
    std::fs::write(folder.path().join("garbage"), "not an entry").unwrap();
    let swept = swept(folder.path()).await;
    assert!(matches!(swept[0].outcome, SweepOutcome::Gone), "{swept:?}");
    assert!(entries(folder.path()).is_empty());
    assert!(pids["daemon"].lives(), "it was left alone");
    pids["daemon"].signal(Signal::KILL);
}
