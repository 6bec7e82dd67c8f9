//! What holds tokens leaves no core dump, and what plugins may leave is their own affair.

#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

mod supervised;
mod terminal;

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use supervised::{PATIENCE, install};
use terminal::Terminal;

/// Nobody, on every system.
const UNPRIVILEGED: u32 = 65534;

/// The soft limit on core dumps.
fn core_limit(pid: u64) -> String {
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).unwrap();
    line.split_whitespace().next().unwrap().to_owned()
}

/// Whether the kernel would write the memory of this process anywhere; it gives /proc of one that it would not to root.
fn dumpable(pid: u64) -> bool {
    std::fs::metadata(format!("/proc/{pid}/status")).unwrap().uid() != 0
}

#[test]
fn keeper_and_supervisor_leave_no_core_dump_and_plugins_keep_their_limit() {
    let terminal = Terminal::new();
    install(&terminal, "good");
    let root = rustix::process::geteuid().is_root();
    std::fs::copy(env!("CARGO_BIN_EXE_outboard"), terminal.path("outboard")).unwrap();
    for path in ["", "home", "runtime", "plugins", "plugins/good"] {
        std::fs::set_permissions(terminal.path(path), std::fs::Permissions::from_mode(0o777)).unwrap();
    }
    std::fs::set_permissions(
        terminal.path("plugins/good/plugin.json"),
        std::fs::Permissions::from_mode(0o644),
    )
    .unwrap();
    let run = "ulimit -S -c 8 && exec ./outboard run --listen 127.0.0.1:0 --exit-with-parent --ready-json \
               --plugins plugins --data data --runtime-dir runtime/outboard";
    let mut command = Command::new("bash");
    command.args(["-c", run]).current_dir(terminal.root.path()).env_clear();
    command.env("HOME", terminal.path("home")).env("PATH", std::env::var_os("PATH").unwrap());
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    if root {
        command.uid(UNPRIVILEGED).gid(UNPRIVILEGED);
    }
    let mut keeper = command.spawn().unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(keeper.stdout.take().unwrap()), &mut line)
        .unwrap();
    let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
    for name in ["pid", "keeperPid"] {
        let pid = ready[name].as_u64().unwrap();
        assert_eq!(core_limit(pid), "0", "{name}");
        assert!(!dumpable(pid), "{name}");
    }
    let began = std::time::Instant::now();
    let plugin = loop {
        let threads = std::fs::read_dir(format!("/proc/{}/task", ready["pid"])).unwrap();
        let children: String = threads
            .flatten()
            .map(|thread| std::fs::read_to_string(thread.path().join("children")).unwrap_or_default())
            .collect();
        if let Some(pid) = children.split_whitespace().next() {
            break pid.parse::<u64>().unwrap();
        }
        assert!(began.elapsed() < PATIENCE, "the plugin has no process");
    };
    assert_eq!(core_limit(plugin), (8 * 1024).to_string());
    assert!(dumpable(plugin));
    drop(keeper.stdin.take());
    keeper.wait().unwrap();
}
