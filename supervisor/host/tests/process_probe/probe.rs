//! The other end of the process tests: one small program that is trampoline, keeper, supervisor, plugin or grandchild,
//! as its first argument says. Started by `tests/process_*.rs` alone.
//!
//! It must not use anything of the crate but the public entry points that the command line uses.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::zombie_processes,
    unreachable_pub,
    reason = "a probe that fails may fail loudly, printing is its answer, and leaving children behind is its trade"
)]

mod family;
mod measure;
mod report;
mod supervise;

use std::ffi::OsString;
use std::io::{Read, Write};
use std::process::ExitCode;
use std::time::Duration;

use outboard_host::process::{TRAMPOLINE_ARGUMENT, keeper, trampoline_main};

/// No probe outlives its test by more than this, even where a test is broken.
const AT_MOST: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        [TRAMPOLINE_ARGUMENT] => trampoline_main(),
        ["keep", options @ ..] => return keep(options),
        [keeper::SUPERVISE_ARGUMENT, plan @ ..] => return supervise::run(plan),
        ["measure", rounds, idle] => measure::run(rounds.parse().unwrap(), idle.parse().unwrap()),
        ["exit", code] => std::process::exit(code.parse().unwrap()),
        ["raise", number] => raise(number.parse().unwrap()),
        ["report"] => report::about_self(),
        ["echo", read, write] => echo(read, write),
        ["serve"] => serve(),
        ["fill", path] => fill(path),
        ["spin"] => spin(),
        ["multiply"] => multiply(),
        ["trace", pid] => trace(pid.parse().unwrap()),
        ["hold"] => hold(),
        ["family", members @ ..] => family::start(members),
        ["member", rest @ ..] => family::become_member(rest),
        other => panic!("the probe does not know {other:?}"),
    }
    ExitCode::SUCCESS
}

/// Keeps a supervisor: `keep [exit-with-parent] [restart] -- <plan…>`.
fn keep(words: &[&str]) -> ExitCode {
    let split = words.iter().position(|word| *word == "--").unwrap();
    let options = keeper::KeeperOptions {
        exit_with_parent: words[..split].contains(&"exit-with-parent"),
        restart: words[..split].contains(&"restart"),
        ..Default::default()
    };
    let plan: Vec<OsString> = words[split + 1..].iter().map(Into::into).collect();
    keeper::run(&options, &plan)
}

/// Stays, until killed.
fn hold() {
    std::thread::sleep(AT_MOST);
}

fn raise(number: i32) {
    let signal = nix::sys::signal::Signal::try_from(number).unwrap();
    // Twice, as Rust's own SIGSEGV handler lets the first one pass and expects the fault to come again.
    nix::sys::signal::kill(nix::unistd::getpid(), signal).unwrap();
    nix::sys::signal::kill(nix::unistd::getpid(), signal).unwrap();
    hold();
}

/// Copies one line from one descriptor to another one, and prints as a careless plugin would.
fn echo(read: &str, write: &str) {
    println!("printed to standard output");
    let mut from = std::fs::File::open(format!("/proc/self/fd/{read}")).unwrap();
    let mut to = std::fs::File::options().write(true).open(format!("/proc/self/fd/{write}")).unwrap();
    let mut line = Vec::new();
    while !line.ends_with(b"\n") {
        let mut byte = [0];
        from.read_exact(&mut byte).unwrap();
        line.push(byte[0]);
    }
    to.write_all(&line).unwrap();
}

/// Answers one connection on the socket that was passed as descriptor 3.
fn serve() {
    use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};
    let me = pidfd_open(getpid(), PidfdFlags::empty()).unwrap();
    let passed = pidfd_getfd(me, 3, PidfdGetfdFlags::empty()).unwrap();
    let (mut client, _) = std::os::unix::net::UnixListener::from(passed).accept().unwrap();
    client.write_all(b"served").unwrap();
}

/// Writes to a file without end.
fn fill(path: &str) {
    let mut file = std::fs::File::create(path).unwrap();
    while file.write_all(&[0; 4096]).is_ok() {}
}

/// Starts processes until that fails, and says how many there were and why.
fn multiply() {
    const ENOUGH: usize = 200;
    let mut children = Vec::new();
    let error = loop {
        match std::process::Command::new("/proc/self/exe").arg("hold").spawn() {
            Ok(child) if children.len() < ENOUGH => children.push(child),
            Ok(child) => {
                children.push(child);
                break None;
            }
            Err(error) => break error.raw_os_error(),
        }
    };
    for child in &mut children {
        child.kill().unwrap();
    }
    eprintln!("started={} errno={}", children.len(), error.unwrap_or_default());
}

/// Holds a process as a debugger does, until it has ended.
fn trace(pid: i32) {
    let pid = nix::unistd::Pid::from_raw(pid);
    nix::sys::ptrace::attach(pid).unwrap();
    while let Ok(status) = nix::sys::wait::waitpid(pid, None) {
        if matches!(status, nix::sys::wait::WaitStatus::Stopped(..)) {
            nix::sys::ptrace::cont(pid, None).unwrap();
        }
    }
}

/// Uses a processor without end, within what a probe may live.
fn spin() {
    let started = std::time::Instant::now();
    while started.elapsed() < AT_MOST {}
}
