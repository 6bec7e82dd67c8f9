//! Descendants that want to be forgotten: in sessions of their own, deaf to SIGTERM, or with nothing in their environment.
//!
//! Each is this very program under another role (`--as`), since a process of several threads cannot simply fork.

use std::process::{Command, Stdio};

use nix::sys::signal::{SigSet, Signal};

/// What a member of the family is.
pub(crate) fn play(role: &str) {
    block_sigterm();
    match role {
        "sleeper" => crate::faults::sleep_for_ever(),
        // The parent of a daemon leaves at once, so that nobody knows whose the daemon is.
        "tracer" => trace(nix::unistd::getppid()),
        "daemon" => drop(spawn("sleeper", false)),
        "daemon-without-a-past" => drop(spawn("sleeper", true)),
        // For somebody outside who wants a debugger.
        pid if pid.parse::<i32>().is_ok() => trace(nix::unistd::Pid::from_raw(pid.parse().unwrap())),
        unknown => panic!("no role is called {unknown}"),
    }
}

/// Starts a member and does not wait for it.
pub(crate) fn start(role: &str) {
    let mut child = spawn(role, role == "daemon-without-a-past");
    if role.starts_with("daemon") {
        child.wait().unwrap();
    }
}

fn spawn(role: &str, without_a_past: bool) -> std::process::Child {
    let mut command = Command::new("/proc/self/exe");
    command.args(["--as", role]);
    if role == "sleeper"
        && nix::unistd::getppid().as_raw() > 0
        && std::env::args().any(|word| word.starts_with("daemon"))
    {
        // Out of the plugin's session and group. A leader of a group cannot leave it, and this process is none.
        let _ = nix::unistd::setsid();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    }
    if without_a_past {
        command.env_clear();
    }
    command.spawn().unwrap()
}

/// Holds a process as a debugger does, until it has ended.
pub(crate) fn trace(pid: nix::unistd::Pid) {
    nix::sys::ptrace::attach(pid).unwrap();
    while let Ok(status) = nix::sys::wait::waitpid(pid, None) {
        if matches!(status, nix::sys::wait::WaitStatus::Stopped(..)) {
            nix::sys::ptrace::cont(pid, None).unwrap();
        }
    }
}

/// SIGTERM stays pending for ever, in this process and in all that it starts.
pub(crate) fn block_sigterm() {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGTERM);
    signals.thread_block().unwrap();
}
