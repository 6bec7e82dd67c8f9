//! What root never meets: run as an ordinary user, whoever runs the tests.
//!
//! Where the tests run as root, the supervisor of the probe drops to an unprivileged uid; otherwise it keeps its own.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

mod process_harness;

use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use outboard_host::process::Signal;
use process_harness::{Member, guarded, probe};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

/// Nobody, on every system.
const UNPRIVILEGED: u32 = 65534;

/// A supervisor without privileges, and a copy of the probe that it can reach.
struct Supervisor {
    child: Child,
    lines: Lines<BufReader<ChildStderr>>,
    _folder: tempfile::TempDir,
}

impl Supervisor {
    fn start(plan: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let copy = folder.path().join("probe");
        std::fs::copy(probe(), &copy).unwrap();
        let mut command = Command::new(copy);
        command.arg("__supervise").args(plan).current_dir("/").stdin(Stdio::null()).stderr(Stdio::piped());
        if rustix::process::geteuid().is_root() {
            command.uid(UNPRIVILEGED).gid(UNPRIVILEGED);
        }
        let mut child = command.kill_on_drop(true).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, lines, _folder: folder }
    }

    async fn line(&mut self) -> String {
        guarded(self.lines.next_line()).await.unwrap().expect("it ended before it had said all")
    }

    async fn announced(&mut self, names: &[&str]) -> HashMap<String, Member> {
        let mut pids = HashMap::new();
        while !names.iter().all(|name| pids.contains_key(*name)) {
            let line = self.line().await;
            let (name, pid) = line.split_once(' ').unwrap();
            pids.insert(name.to_owned(), Member::parse(pid));
        }
        pids
    }

    /// Asks for an orderly end, and wants one.
    async fn stops(&mut self) {
        Member::of(self.child.id().unwrap().cast_signed()).signal(Signal::TERM);
        while self.line().await.split(' ').next() != Some("empty") {}
        assert!(guarded(self.child.wait()).await.unwrap().success());
    }
}

#[tokio::test]
async fn a_limit_of_processes_stops_a_plugin_that_multiplies() {
    let mut supervisor = Supervisor::start(&["processes", "20", "multiply"]);
    supervisor.announced(&["supervisor"]).await;
    let line = supervisor.line().await;
    let (started, errno) = line.split_once(' ').unwrap();
    assert_eq!(errno, format!("errno={}", rustix::io::Errno::AGAIN.raw_os_error()));
    let started: u32 = started.strip_prefix("started=").unwrap().parse().unwrap();
    // The kernel counts the whole user's, so that others of the same user may take from it or give to it.
    assert!((1..200).contains(&started), "{started}");
    supervisor.stops().await;
}

#[tokio::test]
async fn a_supervisor_without_privileges_empties_everything_too() {
    let names = ["leader", "plain", "stubborn", "daemon"];
    let mut supervisor = Supervisor::start(&["family", "plain", "stubborn", "daemon", "escapee"]);
    let members = supervisor.announced(&[&names[..], &["escapee"]].concat()).await;
    members["escapee"].ends().await;
    assert!(names.iter().all(|name| members[*name].lives()));
    supervisor.stops().await;
    for (name, member) in members {
        assert!(member.is_gone(), "{name}");
    }
}

#[tokio::test]
async fn a_killed_supervisor_takes_its_leader_along_even_without_a_keeper() {
    let mut supervisor = Supervisor::start(&["family", "plain"]);
    let members = supervisor.announced(&["leader", "plain"]).await;
    supervisor.child.kill().await.unwrap();
    members["leader"].ends().await;
    // Nobody is there for the rest, which is what keeper and ledger are for.
    members["plain"].signal(Signal::KILL);
    members["plain"].ends().await;
}
