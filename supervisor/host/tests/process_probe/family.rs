//! Processes below the plugin: plain ones, ones that get away from group and session, ones that shed their environment.
//!
//! Each says `<name> <pid>` on standard error once it is what it claims to be.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use nix::sys::signal::{SigSet, Signal};

/// Hops after which a runner gives up, should a test not catch it.
const HOPS: u32 = 20_000;

/// Starts members and stays; `leave` among them means that the leader goes when all have been started.
pub fn start(members: &[&str]) {
    for member in members.iter().filter(|member| **member != "leave") {
        let mut child = again(&["member", member]).spawn().unwrap();
        // Those that fork twice end at once, so that nobody here is the second one's parent.
        if !["plain", "stubborn"].contains(member) {
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
        ["daemon"] => return start_detached(&mut again(&["member", "daemon", "second"])),
        ["daemon", "second"] => ignore_terminate(),
        // The same, and the environment emptied as well: nothing tells any more where it came from.
        ["escapee"] => return start_detached(again(&["member", "escapee", "second"]).env_clear()),
        ["escapee", "second"] => {
            nix::unistd::setsid().unwrap();
            ignore_terminate();
        }
        // Never the same process for long.
        ["runner"] => return start_detached(&mut again(&["member", "runner", &HOPS.to_string()])),
        ["runner", hops] => return hop("runner", hops.parse().unwrap(), |_| {}),
        // The same without an environment.
        ["phantom"] => return start_detached(again(&["member", "phantom", &HOPS.to_string()]).env_clear()),
        ["phantom", hops] => {
            return hop("phantom", hops.parse().unwrap(), |next| {
                next.env_clear();
            });
        }
        other => panic!("no such member: {other:?}"),
    }
    say(words[0]);
    super::hold();
}

fn start_detached(second: &mut Command) {
    nix::unistd::setsid().unwrap();
    second.spawn().unwrap();
}

fn hop(name: &str, left: u32, prepare: impl Fn(&mut Command)) {
    if left == HOPS {
        say(name);
    }
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
    // One write, so that lines of several processes do not mix.
    std::io::stderr().write_all(format!("{name} {}\n", std::process::id()).as_bytes()).unwrap();
}
