//! The keeper: whoever of the two is killed, nothing stays.
//!
//! The keeper runs in a process of its own, as it does in life; its supervisor runs one plugin with a family.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

mod process_harness;

use std::collections::HashMap;
use std::process::{ExitStatus, Stdio};

use outboard_host::process::{Signal, facts};
use process_harness::{Member, guarded, probe};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

/// A keeper with its supervisor and what they have said so far.
struct Kept {
    keeper: Child,
    lines: Lines<BufReader<ChildStderr>>,
    said: Vec<String>,
    members: HashMap<String, Member>,
}

impl Kept {
    fn start(args: &[&str]) -> Self {
        let mut command = Command::new(probe());
        command.arg("keep").args(args).stdin(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut keeper = command.spawn().unwrap();
        let lines = BufReader::new(keeper.stderr.take().unwrap()).lines();
        Self { keeper, lines, said: Vec::new(), members: HashMap::new() }
    }

    async fn with_family() -> Self {
        let mut kept = Self::start(&["--", "family", "plain", "stubborn", "daemon"]);
        for name in ["supervisor", "leader", "plain", "stubborn", "daemon"] {
            kept.hears(name).await;
        }
        kept
    }

    /// Waits until `name` has been announced.
    async fn hears(&mut self, name: &str) -> Member {
        while !self.members.contains_key(name) {
            let line = guarded(self.lines.next_line()).await.unwrap();
            let line = line.unwrap_or_else(|| panic!("{name} was never announced, only {:?}", self.said));
            let announced = line.split_once(' ').map(|(who, pid)| (who.to_owned(), pid.parse()));
            if let Some((who, Ok(pid))) = announced {
                self.members.insert(who, Member::of(pid));
            }
            self.said.push(line);
        }
        self.members[name]
    }

    /// Waits until these words have been said.
    async fn hears_words(&mut self, words: &str) {
        while !self.said(words) {
            let line = guarded(self.lines.next_line()).await.unwrap();
            self.said.push(line.unwrap_or_else(|| panic!("never heard {words:?}, only {:?}", self.said)));
        }
    }

    /// Waits for the keeper's end and reads the rest of what was said.
    async fn ends(&mut self) -> ExitStatus {
        let status = guarded(self.keeper.wait()).await.unwrap();
        while let Some(line) = guarded(self.lines.next_line()).await.unwrap() {
            self.said.push(line);
        }
        status
    }

    fn keeper(&self) -> Member {
        Member::of(self.keeper.id().unwrap().cast_signed())
    }

    fn said(&self, words: &str) -> bool {
        self.said.iter().any(|line| line.contains(words))
    }

    fn nothing_lives(&self) {
        for (name, member) in &self.members {
            assert!(!member.lives(), "{name} still lives");
        }
    }
}

#[tokio::test]
async fn a_killed_supervisor_leaves_nothing_and_its_keeper_says_so() {
    let mut kept = Kept::with_family().await;
    kept.members["supervisor"].signal(Signal::KILL);
    let status = kept.ends().await;
    // The keeper ends only after everything below it, so there is nothing to wait for.
    kept.nothing_lives();
    assert_eq!(status.code(), Some(128 + 9));
    assert!(kept.said("the supervisor was killed by SIGKILL"), "{:?}", kept.said);
}

#[tokio::test]
async fn a_killed_keeper_is_noticed_and_the_supervisor_stops_everything() {
    let mut kept = Kept::with_family().await;
    kept.keeper().signal(Signal::KILL);
    kept.hears("keeper-lost").await;
    kept.hears("empty").await;
    kept.members["supervisor"].ends().await;
    kept.nothing_lives();
}

#[tokio::test]
async fn both_interrupt_and_terminate_ask_for_an_orderly_stop() {
    for signal in [Signal::INT, Signal::TERM] {
        let mut kept = Kept::with_family().await;
        kept.keeper().signal(signal);
        kept.hears("terminated").await;
        assert_eq!(kept.ends().await.code(), Some(0));
        kept.nothing_lives();
        assert!(!kept.said("outboard:"), "an orderly end needs no words: {:?}", kept.said);
    }
}

#[tokio::test]
async fn other_signals_are_passed_on_as_they_are() {
    let mut kept = Kept::with_family().await;
    kept.keeper().signal(Signal::HUP);
    kept.hears("hangup").await;
    assert_eq!(kept.ends().await.code(), Some(0));
}

#[tokio::test]
async fn signals_that_mean_nothing_to_a_supervisor_end_nobody() {
    let mut kept = Kept::with_family().await;
    kept.keeper().signal(Signal::USR1);
    kept.keeper().signal(Signal::USR2);
    kept.keeper().signal(Signal::HUP);
    kept.hears("hangup").await;
    assert_eq!(kept.ends().await.code(), Some(0));
}

#[tokio::test]
async fn the_supervisor_is_in_a_group_of_its_own_so_that_the_terminal_reaches_the_keeper_alone() {
    let mut kept = Kept::with_family().await;
    let pid = kept.members["supervisor"].pid;
    let supervisor = facts::stat(pid).unwrap();
    assert_eq!((supervisor.parent, supervisor.group), (kept.keeper().pid, pid));
    assert_ne!(supervisor.group, facts::stat(kept.keeper().pid).unwrap().group);
    kept.keeper().signal(Signal::TERM);
    kept.ends().await;
}

#[tokio::test]
async fn a_stop_from_the_keyboard_does_not_stop_the_keeper() {
    let mut kept = Kept::with_family().await;
    kept.keeper().signal(Signal::TSTP);
    kept.keeper().signal(Signal::TERM);
    assert_eq!(kept.ends().await.code(), Some(0));
}

#[tokio::test]
async fn the_exit_code_of_the_supervisor_is_passed_on() {
    assert_eq!(Kept::start(&["--", "exit", "78"]).ends().await.code(), Some(78));
}

#[tokio::test]
async fn the_end_of_standard_input_stops_everything_where_that_is_asked_for() {
    let mut kept = Kept::start(&["exit-with-parent", "--", "family", "daemon"]);
    kept.hears("daemon").await;
    drop(kept.keeper.stdin.take());
    kept.hears("terminated").await;
    assert_eq!(kept.ends().await.code(), Some(0));
    kept.nothing_lives();
}

#[tokio::test]
async fn the_end_of_standard_input_means_nothing_otherwise() {
    let mut kept = Kept::start(&["--", "family", "daemon"]);
    drop(kept.keeper.stdin.take());
    kept.hears("daemon").await;
    kept.keeper().signal(Signal::HUP);
    kept.hears("hangup").await;
    assert_eq!(kept.ends().await.code(), Some(0));
}

#[tokio::test]
async fn a_killed_supervisor_is_started_again_where_that_is_asked_for() {
    let mut kept = Kept::start(&["restart", "--", "family", "daemon"]);
    kept.hears("daemon").await;
    let first = std::mem::take(&mut kept.members);
    first["supervisor"].signal(Signal::KILL);
    let second = kept.hears("supervisor").await;
    kept.hears("daemon").await;
    assert_ne!(second.pid, first["supervisor"].pid);
    assert!(!first.values().any(Member::lives));
    kept.keeper().signal(Signal::TERM);
    assert_eq!(kept.ends().await.code(), Some(0));
    kept.nothing_lives();
}

#[tokio::test]
async fn a_panic_of_the_supervisor_is_restarted_and_its_own_decision_is_not() {
    let mut kept = Kept::start(&["restart", "--", "panic"]);
    kept.hears_words("starting the supervisor again in 1 s").await;
    kept.hears_words("starting the supervisor again in 2 s").await;
    kept.keeper().signal(Signal::TERM);
    assert_eq!(kept.ends().await.code(), Some(101));
    assert_eq!(Kept::start(&["restart", "--", "exit", "3"]).ends().await.code(), Some(3));
}
