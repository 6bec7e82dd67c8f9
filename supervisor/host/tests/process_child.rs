//! What a program finds when it has been started: descriptors, environment, group, signals, limits.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

mod process_harness;

use std::collections::HashMap;

use outboard_host::process::{CPU_GRACE_SECONDS, Exit, SpawnSpec, Wire, socket};
use process_harness::{GUARD, guarded, read_all, spawner, spec};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Runs `report` as this spec says and returns its lines.
async fn report(spec: SpawnSpec) -> HashMap<String, String> {
    let mut child = guarded(spawner().spawn(spec)).await.unwrap();
    let text = read_all(&mut child.stderr).await;
    assert_eq!(guarded(child.exit.exited()).await, Exit::Code(0), "{text}");
    child.containment.prove_empty(GUARD).await.unwrap();
    let lines =
        text.lines().map(|line| line.split_once('=').unwrap_or_else(|| panic!("no such line: {line}")));
    lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[tokio::test]
async fn inherited_descriptors_are_closed_in_the_child() {
    // Without close-on-exec, as some library may open one.
    let _leaky = rustix::io::dup(std::fs::File::open("/dev/null").unwrap()).unwrap();
    assert_eq!(report(spec(&["report"])).await["descriptors"], "[0, 1, 2]");
}

/// The kernel copies the table of the thread that forks. With the supervisor's own, each start would cost what all plugins have open.
#[tokio::test]
async fn the_thread_that_forks_has_nothing_of_what_the_supervisor_has_open() {
    let _open: Vec<_> = (0..100).map(|_| std::fs::File::open("/dev/null").unwrap()).collect();
    report(spec(&["report"])).await;
    let threads = std::fs::read_dir("/proc/self/task").unwrap().map(|thread| thread.unwrap().path());
    let forkers = threads.filter(|thread| {
        std::fs::read_to_string(thread.join("comm")).is_ok_and(|name| name.trim() == "forker")
    });
    let open = forkers.map(|thread| std::fs::read_dir(thread.join("fd")).unwrap().count());
    assert_eq!(open.collect::<Vec<_>>(), [4], "the standard three and the line to it");
}

#[tokio::test]
async fn the_environment_is_what_was_given_and_the_mark() {
    let mut spec = spec(&["report"]);
    spec.env = vec![("ONE".into(), "1".into()), ("LISTEN_FDS".into(), "9".into())];
    let label = spec.label.to_string();
    let found = report(spec).await;
    let mut names: Vec<&String> = found.keys().filter(|name| name.starts_with("env.")).collect();
    names.sort();
    assert_eq!(names, ["env.ONE", "env.OUTBOARD_CONTAINMENT"]);
    assert!(found["env.OUTBOARD_CONTAINMENT"].starts_with(&format!("{label}/")));
}

#[tokio::test]
async fn a_child_leads_its_group_and_session_and_cannot_gain_privileges() {
    let found = report(spec(&["report"])).await;
    assert_eq!(found["session"], found["pid"]);
    assert_eq!(found["group"], found["pid"]);
    assert_eq!(found["status.NoNewPrivs"], "1");
    assert_eq!(found["status.Umask"], "0077");
    let mut may_gain = spec(&["report"]);
    may_gain.allow_new_privileges = true;
    assert_eq!(report(may_gain).await["status.NoNewPrivs"], "0");
}

#[tokio::test]
async fn signals_that_the_supervisor_blocks_reach_the_child() {
    let mut mask = nix::sys::signal::SigSet::empty();
    mask.add(nix::sys::signal::Signal::SIGTERM);
    mask.thread_block().unwrap();
    let found = report(spec(&["report"])).await;
    assert_eq!(found["status.SigBlk"], "0000000000000000");
    // Rust's own start-up ignores SIGPIPE (13) in the probe again. The C library's own two (32, 33) cannot be reset by
    // anybody; whoever started this test may have ignored them. Nothing else may be ignored.
    let ignored = u64::from_str_radix(&found["status.SigIgn"], 16).unwrap();
    let (pipe, of_the_library) = (1 << 12, 0b11 << 31);
    assert_eq!(ignored & !of_the_library, pipe, "{ignored:x}");
}

#[tokio::test]
async fn the_working_directory_is_the_one_given() {
    let folder = tempfile::tempdir().unwrap();
    let mut spec = spec(&["report"]);
    spec.cwd = folder.path().to_owned();
    assert_eq!(report(spec).await["cwd"], folder.path().to_str().unwrap());
}

#[tokio::test]
async fn the_wire_on_stdio_goes_both_ways() {
    let mut child = guarded(spawner().spawn(spec(&["echo", "0", "1"]))).await.unwrap();
    assert!(child.stdout.is_none());
    child.wire_writer.write_all(b"over the wire\n").await.unwrap();
    let text = read_all(&mut child.wire_reader).await;
    assert_eq!(text, "printed to standard output\nover the wire\n");
    child.containment.prove_empty(GUARD).await.unwrap();
}

#[tokio::test]
async fn the_wire_on_its_own_descriptors_keeps_prints_apart() {
    let mut spec = spec(&["echo", "4", "5"]);
    spec.wire = Wire::Fd;
    let mut child = guarded(spawner().spawn(spec)).await.unwrap();
    child.wire_writer.write_all(b"over the wire\n").await.unwrap();
    assert_eq!(read_all(&mut child.wire_reader).await, "over the wire\n");
    assert_eq!(read_all(child.stdout.as_mut().unwrap()).await, "printed to standard output\n");
    child.containment.prove_empty(GUARD).await.unwrap();
}

#[tokio::test]
async fn the_wire_on_its_own_descriptors_is_announced_and_leaves_no_gap_open() {
    let mut spec = spec(&["report"]);
    spec.wire = Wire::Fd;
    let found = report(spec).await;
    assert_eq!(found["env.OUTBOARD_RPC_FDS"], "4,5");
    assert_eq!(found["descriptors"], "[0, 1, 2, 4, 5]");
}

#[tokio::test]
async fn a_program_without_a_wire_gets_no_descriptor_of_one() {
    let mut spec = spec(&["report"]);
    spec.wire = Wire::None;
    let found = report(spec).await;
    assert!(!found.contains_key("env.OUTBOARD_RPC_FDS"));
    assert_eq!(found["descriptors"], "[0, 1, 2]");
}

#[tokio::test]
async fn a_listener_is_passed_by_socket_activation() {
    let folder = tempfile::tempdir().unwrap();
    let (listener, _file) = socket::bind(&folder.path().join("run"), "a").unwrap();
    let mut spec = spec(&["report"]);
    spec.listener = Some(listener);
    let found = report(spec).await;
    assert_eq!(found["env.LISTEN_FDS"], "1");
    assert_eq!(found["env.LISTEN_PID"], found["pid"]);
    assert_eq!(found["env.LISTEN_FDNAMES"], "http");
    assert_eq!(found["env.OUTBOARD_HTTP_FD"], "3");
    assert_eq!(found["descriptors"], "[0, 1, 2, 3]");
}

#[tokio::test]
async fn a_listener_serves_from_the_child_and_refuses_once_the_child_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let (listener, file) = socket::bind(&folder.path().join("run"), "a").unwrap();
    let mut spec = spec(&["serve"]);
    spec.listener = Some(listener);
    let child = guarded(spawner().spawn(spec)).await.unwrap();
    let mut answer = String::new();
    let mut client = tokio::net::UnixStream::connect(file.path()).await.unwrap();
    guarded(client.read_to_string(&mut answer)).await.unwrap();
    assert_eq!(answer, "served");
    guarded(child.exit.exited()).await;
    let refused = tokio::net::UnixStream::connect(file.path()).await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    child.containment.prove_empty(GUARD).await.unwrap();
}

#[tokio::test]
async fn limits_are_in_force_before_the_program_runs() {
    let mut spec = spec(&["report"]);
    spec.limits.open_files = Some(64);
    spec.limits.core_size = Some(0);
    spec.limits.cpu_seconds = Some(30);
    spec.limits.address_space = Some(1 << 30);
    let found = report(spec).await;
    assert_eq!(found["limits.Max open files"], "64 64 files");
    assert_eq!(found["limits.Max core file size"], "0 0 bytes");
    assert_eq!(found["limits.Max cpu time"], format!("30 {} seconds", 30 + CPU_GRACE_SECONDS));
    assert_eq!(found["limits.Max address space"], format!("{0} {0} bytes", 1 << 30));
}

#[tokio::test]
async fn a_child_gets_the_limit_of_descriptors_that_the_supervisor_was_started_with() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: Some(777), maximum }).unwrap();
    let raised = outboard_host::process::descriptors::raise_limit().unwrap();
    assert!(raised > 777 && getrlimit(Resource::Nofile).current == Some(raised));
    let found = report(spec(&["report"])).await["limits.Max open files"].clone();
    assert!(found.starts_with("777 ") && !found.starts_with("777 777 "), "{found}");
}

#[tokio::test]
async fn a_limit_above_what_the_supervisor_has_leaves_what_it_has() {
    let mut limited = spec(&["report"]);
    limited.limits.open_files = Some(u64::MAX / 2);
    let unlimited = report(spec(&["report"])).await["limits.Max open files"].clone();
    let ceiling = unlimited.split(' ').nth(1).unwrap().to_owned();
    assert_eq!(report(limited).await["limits.Max open files"], format!("{ceiling} {ceiling} files"));
}

#[tokio::test]
async fn a_file_that_grows_past_its_limit_ends_its_writer_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("big");
    let mut spec = spec(&["fill", path.to_str().unwrap()]);
    spec.limits.file_size = Some(64 << 10);
    let child = guarded(spawner().spawn(spec)).await.unwrap();
    let report = guarded(child.exit.exited()).await;
    assert!(matches!(report, Exit::Signal { name: "SIGXFSZ", .. }), "{report}");
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 64 << 10);
    child.containment.prove_empty(GUARD).await.unwrap();
}

#[tokio::test]
async fn a_program_that_spends_its_processor_time_ends_by_name() {
    let mut spec = spec(&["spin"]);
    spec.limits.cpu_seconds = Some(1);
    let child = guarded(spawner().spawn(spec)).await.unwrap();
    let report = guarded(child.exit.exited()).await;
    assert!(matches!(report, Exit::Signal { name: "SIGXCPU", .. }), "{report}");
    child.containment.prove_empty(GUARD).await.unwrap();
}
