//! The supervisor is short of descriptors: that is nobody's fault, and everybody goes on.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::collections::BTreeSet;
use std::io::Write;
use std::net::TcpStream;
use std::process::Command;

use nix::sys::signal::Signal;
use system_tests::{NEIGHBOUR, Plugin, Supervisor, eventually, processes};

/// A silence would be found soon, and one crash more than the first would be one too many.
const STRICT: &str = "[deadlines]\nping = \"300ms\"\n[restart]\nbase = \"10ms\"\nin_a_row = 1\n";

/// Changes the soft limit of the running supervisor's descriptors.
fn limit(supervisor: &Supervisor, most: u64) {
    let (pid, limit) = (supervisor.pid().to_string(), format!("--nofile={most}:"));
    assert!(Command::new("prlimit").args(["--pid", &pid, &limit]).status().unwrap().success());
}

fn open_descriptors(supervisor: &Supervisor) -> BTreeSet<u64> {
    let open = std::fs::read_dir(format!("/proc/{}/fd", supervisor.pid())).unwrap();
    open.map(|entry| entry.unwrap().file_name().to_str().unwrap().parse().unwrap()).collect()
}

/// Leaves the running supervisor so many descriptors beside those that it has.
fn leave(supervisor: &Supervisor, free: usize) {
    let open = open_descriptors(supervisor);
    // The kernel gives out the lowest number that is free, and none from the limit on.
    limit(supervisor, (0..).filter(|number| !open.contains(number)).nth(free).unwrap());
}

#[test]
fn connections_take_no_descriptor_that_plugins_health_and_control_need() {
    let supervisor = Supervisor::builder().settings(STRICT).plugin(Plugin::hello()).start();
    let before = supervisor.plugin(NEIGHBOUR);
    limit(&supervisor, open_descriptors(&supervisor).len() as u64 + 32);
    let mut crowd = Vec::new();
    const UPGRADE: &str = "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
    // Those who ask for a WebSocket come last: for them the others leave, whose descriptors they must not all take.
    let paths = ["/_outboard/health", "/api/hello-rust/"].repeat(50).into_iter().map(|path| (path, ""));
    for (path, lines) in paths.chain([("/_outboard/bus", UPGRADE); 300]) {
        let mut client = TcpStream::connect(supervisor.address()).unwrap();
        write!(client, "GET {path} HTTP/1.1\r\nHost: {}\r\n{lines}\r\n", supervisor.address()).unwrap();
        crowd.push(client);
    }
    for _ in 0..10 {
        assert_eq!(supervisor.get("/_outboard/health").status, 200);
    }
    let crashed = supervisor.plugin("hello-rust");
    processes::kill(supervisor.pid_of("hello-rust"), Signal::SIGKILL);
    supervisor.wait_for_generation_after("hello-rust", &crashed["generation"]);
    assert_eq!(supervisor.plugin(NEIGHBOUR)["generation"], before["generation"]);
    drop(crowd);
    eventually("an answer", || (supervisor.get("/api/hello-rust/").status == 200).then_some(()));
    limit(&supervisor, 1024);
    supervisor.verify();
}

/// Ends a process while there is not one descriptor more: neither to look whether anything of it is left, nor for a new one. Until the
/// supervisor says so.
fn kill_unseen(supervisor: &Supervisor, pid: u32) {
    limit(supervisor, 3);
    processes::kill(pid, Signal::SIGKILL);
    eventually("a look that cannot be made", || {
        supervisor
            .errors()
            .contains("it is not known whether anything of its old process is left")
            .then_some(())
    });
}

#[test]
fn a_process_for_which_there_is_no_descriptor_is_tried_again_and_counts_against_nobody() {
    let supervisor = Supervisor::builder().settings(STRICT).plugin(Plugin::hello()).start();
    let (before, neighbour) = (supervisor.plugin("hello-rust"), supervisor.plugin(NEIGHBOUR));
    let pid = supervisor.pid_of("hello-rust");
    kill_unseen(&supervisor, pid);
    // A look at what is left of it takes two, another process a dozen.
    leave(&supervisor, 5);
    eventually("a try without a process", || {
        supervisor.errors().contains("the machine was short, which counts against nobody").then_some(())
    });
    limit(&supervisor, 1024);
    supervisor.wait_for_generation_after("hello-rust", &before["generation"]);
    // It has not used up its restarts, of which it has one, and where there was no process there was no restart.
    assert_eq!(supervisor.plugin("hello-rust")["state"], "running");
    assert_eq!(supervisor.plugin("hello-rust")["restarts"], 1);
    assert_eq!(supervisor.plugin(NEIGHBOUR)["generation"], neighbour["generation"]);
    supervisor.verify();
}

#[test]
fn a_process_whose_end_cannot_be_looked_at_is_followed_by_another_once_it_can() {
    let settings = format!("{STRICT}\n").replace("[deadlines]\n", "[deadlines]\nempty = \"300ms\"\n");
    let supervisor = Supervisor::builder().settings(&settings).plugin(Plugin::hello()).start();
    let before = supervisor.plugin("hello-rust");
    let pid = supervisor.pid_of("hello-rust");
    kill_unseen(&supervisor, pid);
    // Longer than its end may take when it can be looked at.
    std::thread::sleep(std::time::Duration::from_secs(1));
    limit(&supervisor, 1024);
    supervisor.wait_for_generation_after("hello-rust", &before["generation"]);
    assert_eq!(supervisor.plugin("hello-rust")["state"], "running");
    supervisor.verify();
}
