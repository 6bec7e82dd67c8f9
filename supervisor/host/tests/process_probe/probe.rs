//! The other end of the process tests: one small program that is trampoline, keeper, supervisor, plugin or grandchild,
//! as its first argument says. Started by `tests/process_*.rs` alone.
//!
//! It must not use anything of the crate but the public entry points that the command line uses.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a probe that fails may fail loudly; printing is its answer"
)]

mod family;

use std::io::{Read, Write};
use std::time::Duration;

use outboard_host::process;

/// No probe outlives its test by more than this, even where a test is broken.
const AT_MOST: Duration = Duration::from_secs(60);

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        [process::TRAMPOLINE_ARGUMENT] => process::trampoline_main(),
        ["exit", code] => std::process::exit(code.parse().unwrap()),
        ["raise", number] => raise(number.parse().unwrap()),
        ["report"] => report(),
        ["echo", read, write] => echo(read, write),
        ["serve"] => serve(),
        ["hold"] => hold(),
        ["family", members @ ..] => family::start(members),
        ["member", rest @ ..] => family::become_member(rest),
        other => panic!("the probe does not know {other:?}"),
    }
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

/// What the program finds about itself, a line each, on standard error.
fn report() {
    let mut lines = Vec::new();
    let mut descriptors: Vec<i32> = std::fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(|entry| {
            let entry = entry.unwrap();
            let target = std::fs::read_link(entry.path()).ok()?;
            // The folder that is being read is not inherited.
            (!target.starts_with("/proc")).then(|| entry.file_name().to_str().unwrap().parse().unwrap())
        })
        .collect();
    descriptors.sort_unstable();
    lines.push(format!("descriptors={descriptors:?}"));
    lines.push(format!("cwd={}", std::env::current_dir().unwrap().display()));
    lines.push(format!("pid={}", std::process::id()));
    lines.extend(std::env::vars().map(|(name, value)| format!("env.{name}={value}")));
    lines.extend(
        std::fs::read_to_string("/proc/self/status").unwrap().lines().map(|line| format!("status.{line}")),
    );
    lines.extend(
        std::fs::read_to_string("/proc/self/limits").unwrap().lines().map(|line| format!("limits.{line}")),
    );
    let stat = process::facts::stat(std::process::id() as i32).unwrap();
    lines.push(format!("session={} group={}", stat.session, stat.group));
    lines.push(String::new());
    std::io::stderr().write_all(lines.join("\n").as_bytes()).unwrap();
}

/// Copies what comes on one descriptor to another one, and says so on both outputs.
fn echo(read: &str, write: &str) {
    println!("printed to standard output");
    let mut from = std::fs::File::open(format!("/proc/self/fd/{read}")).unwrap();
    let mut to = std::fs::File::options().write(true).open(format!("/proc/self/fd/{write}")).unwrap();
    let mut buffer = [0; 1024];
    loop {
        let length = from.read(&mut buffer).unwrap();
        if length == 0 {
            return;
        }
        to.write_all(&buffer[..length]).unwrap();
        if buffer[..length].ends_with(b"\n") {
            return;
        }
    }
}

/// Answers one connection on the socket that was passed as descriptor 3.
fn serve() {
    use std::os::fd::AsFd;
    let me =
        rustix::process::pidfd_open(rustix::process::getpid(), rustix::process::PidfdFlags::empty()).unwrap();
    let passed =
        rustix::process::pidfd_getfd(me.as_fd(), 3, rustix::process::PidfdGetfdFlags::empty()).unwrap();
    let (mut client, _) = std::os::unix::net::UnixListener::from(passed).accept().unwrap();
    client.write_all(b"served").unwrap();
}
