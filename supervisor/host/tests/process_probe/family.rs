//! Processes below the plugin: plain ones, ones that get away from group and session, ones that shed their environment.
//!
//! Each says `<name> <pid>` on standard error once it is what it claims to be. Those that belong to nobody may be ended
//! at any moment, so whoever starts them speaks for them.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use nix::sys::signal::{SigSet, Signal};

/// Hops after which a runner gives up, should a test not catch it.
const HOPS: &str = "20000";

/// Starts members and stays; `leave` among them means that the leader goes when all have been started.
pub fn start(members: &[&str]) {
    for member in members.iter().filter(|member| **member != "leave") {
        let mut child = again(&["member", member]).spawn().unwrap();
        // Those that fork twice end at once, so that nobody here is the second one's parent.
        if !["plain", "stubborn", "bare"].contains(member) {
            child.wait().unwrap();
        }
    }
    say("leader");
    if !members.contains(&"leave") {
        super::hold();
    }
}

/// What one member does once it runs.
pub fn become_member(words: &[&str]) {
    match words {
        // In the leader's group.
        ["plain"] => {}
        ["stubborn"] => ignore_terminate(),
        // Double fork with a session of its own, TERM ignored.
        ["daemon"] => {
            start_detached(&mut again(&["member", "daemon", "second"]));
            return;
        }
        ["daemon", "second"] => ignore_terminate(),
        // The same, and the environment emptied as well: nothing tells any more where it came from.
        ["escapee"] => {
            let pid = start_detached(again(&["member", "escapee", "second"]).env_clear());
            return say_of("escapee", pid);
        }
        ["escapee", "second"] => {
            nix::unistd::setsid().unwrap();
            ignore_terminate();
            return super::hold();
        }
        // A session of its own and no environment, below a leader that lives: an orphan only when everybody has been killed.
        ["bare"] => {
            let error = again(&["member", "bare", "second"]).env_clear().exec();
            panic!("it cannot become another one: {error}");
        }
        ["bare", "second"] => {
            nix::unistd::setsid().unwrap();
            ignore_terminate();
        }
        // Two more of the same, each in a session of its own, and so on down.
        ["crowd", depth] => {
            let depth: u32 = depth.parse().unwrap();
            let _ = nix::unistd::setsid();
            for _ in 0..depth.min(2) {
                again(&["member", "crowd", &(depth - 1).to_string()]).spawn().unwrap();
            }
        }
        // A leader of a session that ends at once, and what it has started goes on in its group.
        ["relay"] => {
            start_detached(&mut again(&["member", "relay", "second"]));
            return;
        }
        ["relay", "second"] => {
            nix::unistd::setsid().unwrap();
            again(&["member", "worker"]).spawn().unwrap();
            return;
        }
        ["worker"] => {}
        // Never the same process for long; and the same without an environment.
        ["runner"] => {
            let pid = start_detached(&mut again(&["member", "runner", HOPS]));
            return say_of("runner", pid);
        }
        ["phantom"] => {
            let pid = start_detached(again(&["member", "phantom", HOPS]).env_clear());
            return say_of("phantom", pid);
        }
        ["runner", hops] => return hop("runner", hops, |_| {}),
        ["phantom", hops] => {
            return hop("phantom", hops, |next| {
                next.env_clear();
            });
        }
        other => panic!("no such member: {other:?}"),
    }
    say(words[0]);
    super::hold();
}

/// Returns the pid of the one that is started.
fn start_detached(second: &mut Command) -> u32 {
    nix::unistd::setsid().unwrap();
    second.spawn().unwrap().id()
}

fn hop(name: &str, left: &str, prepare: impl Fn(&mut Command)) {
    let left: u32 = left.parse().unwrap();
    if left > 0 {
        nix::unistd::setsid().unwrap();
        let mut next = again(&["member", name, &(left - 1).to_string()]);
        prepare(&mut next);
        next.spawn().unwrap();
    }
}

fn again(args: &[&str]) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.arg0("process-probe").args(args).stdin(Stdio::null());
    command
}

/// Blocked is as good as ignored, and needs no `unsafe`.
fn ignore_terminate() {
    let mut mask = SigSet::empty();
    mask.add(Signal::SIGTERM);
    mask.thread_block().unwrap();
}

pub fn say(name: &str) {
    say_of(name, std::process::id());
}

fn say_of(name: &str, pid: u32) {
    // One write, so that lines of several processes do not mix. A test that has failed does not listen any more, and
    // that must not keep anybody from clearing up.
    let _ = std::io::stderr().write_all(format!("{name} {pid}\n").as_bytes());
}
