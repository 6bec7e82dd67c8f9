//! What cannot be started says which file, and why; nothing of it stays.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

mod process_harness;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use outboard_host::process::{Signal, SpawnError, SpawnSpec};
use process_harness::{GUARD, guarded, probe, spawn, spawner, spec};

/// Spawns what must not start, and makes sure that nothing is left.
async fn refused(spec: SpawnSpec) -> SpawnError {
    let label = spec.label.clone();
    let error = guarded(spawner().spawn(spec)).await.expect_err("it must not start");
    assert!(!spawner().containments().living().contains(&label), "something of {label} is left");
    error
}

fn spec_for(program: &Path) -> SpawnSpec {
    let mut spec = spec(&[]);
    spec.program = program.into();
    spec
}

/// A file with this content and mode in a folder that lives as long as the first part.
fn file(content: &[u8], mode: u32) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("program");
    std::fs::write(&path, content).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    (folder, path)
}

#[tokio::test]
async fn a_missing_program_with_a_slash_names_its_one_path() {
    let mut spec = spec_for(Path::new("./bin/nothing"));
    spec.cwd = "/usr".into();
    let error = refused(spec).await;
    assert!(
        matches!(&error, SpawnError::NotFound { tried, .. } if *tried == [PathBuf::from("/usr/bin/nothing")])
    );
    assert_eq!(error.to_string(), r#"there is no program "./bin/nothing"; tried /usr/bin/nothing"#);
}

#[tokio::test]
async fn a_missing_bare_name_lists_every_place_on_its_own_path() {
    let mut spec = spec_for(Path::new("no-such-tool"));
    spec.env.push(("PATH".into(), "/usr/bin:relative:/opt/none".into()));
    let error = refused(spec).await;
    assert_eq!(
        error.to_string(),
        r#"there is no program "no-such-tool"; tried /usr/bin/no-such-tool, /opt/none/no-such-tool"#
    );
}

#[tokio::test]
async fn a_file_without_execute_permission_says_so_even_to_root() {
    let (_folder, path) = file(b"#!/bin/sh\n", 0o644);
    let error = refused(spec_for(&path)).await;
    assert!(matches!(error, SpawnError::NotExecutable { .. }), "{error}");
    let text = error.to_string();
    assert!(
        text.contains(path.to_str().unwrap()) && text.contains("mode 0644") && text.contains("chmod +x"),
        "{text}"
    );
}

#[tokio::test]
async fn a_folder_is_not_executable_and_is_called_a_folder() {
    let error = refused(spec_for(Path::new("/usr/bin/../lib"))).await;
    assert!(matches!(error, SpawnError::NotExecutable { .. }), "{error}");
    assert!(error.to_string().contains("it is a folder"), "{error}");
}

#[tokio::test]
async fn a_script_with_a_missing_interpreter_shows_its_first_line() {
    let (_folder, path) = file(b"#!/no/such/interpreter -x\n", 0o755);
    let error = refused(spec_for(&path)).await;
    assert!(matches!(error, SpawnError::WrongInterpreter { .. }), "{error}");
    assert!(error.to_string().contains("#!/no/such/interpreter -x"), "{error}");
}

#[tokio::test]
async fn a_script_with_windows_line_ends_shows_the_character_at_fault() {
    let (_folder, path) = file(b"#!/bin/sh\r\necho\r\n", 0o755);
    let error = refused(spec_for(&path)).await;
    assert!(error.to_string().contains(r"#!/bin/sh\r"), "{error}");
}

#[tokio::test]
async fn a_binary_for_another_machine_names_both_machines() {
    let mut bytes = std::fs::read(probe()).unwrap();
    let other: u16 = if cfg!(target_arch = "aarch64") { 62 } else { 183 };
    bytes[18..20].copy_from_slice(&other.to_le_bytes());
    let (_folder, path) = file(&bytes, 0o755);
    let error = refused(spec_for(&path)).await;
    assert!(matches!(error, SpawnError::WrongArchitecture { .. }), "{error}");
    assert!(error.to_string().contains(std::env::consts::ARCH), "{error}");
    assert!(error.to_string().contains("a binary for"), "{error}");
}

#[tokio::test]
async fn a_text_file_without_an_interpreter_line_is_no_program() {
    let (_folder, path) = file(b"just words\n", 0o755);
    let error = refused(spec_for(&path)).await;
    assert!(error.to_string().contains("neither a binary nor a script"), "{error}");
}

#[tokio::test]
async fn a_program_that_is_found_later_on_the_path_is_run() {
    let (folder, path) = file(b"#!/bin/sh\n", 0o644);
    let second = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(probe(), second.path().join("program")).unwrap();
    let mut spec = spec(&["exit", "3"]);
    spec.program = path.file_name().unwrap().into();
    let places = std::env::join_paths([folder.path(), second.path()]).unwrap();
    spec.env.push(("PATH".into(), places));
    let child = guarded(spawner().spawn(spec)).await.unwrap();
    assert_eq!(guarded(child.exit.exited()).await.code(), Some(3));
    child.containment.prove_empty(process_harness::GUARD).await.unwrap();
}

#[tokio::test]
async fn a_missing_working_directory_is_named() {
    let mut spec = spec(&["exit", "0"]);
    spec.cwd = "/no/such/folder".into();
    let error = refused(spec).await;
    assert_eq!(error.to_string(), "cannot enter the working directory /no/such/folder");
    assert_eq!(error.errno(), Some(rustix::io::Errno::NOENT.raw_os_error()));
}

#[tokio::test]
async fn what_no_program_can_be_passed_is_refused_with_its_place() {
    let mut with_nul = spec(&["fine", "not\0fine"]);
    assert!(refused(with_nul).await.to_string().contains("argument 2 holds a NUL byte"));
    with_nul = spec(&[]);
    with_nul.env.push(("A=B".into(), "c".into()));
    assert!(refused(with_nul).await.to_string().contains("A=B"));
    let mut relative = spec(&[]);
    relative.cwd = "here".into();
    assert!(refused(relative).await.to_string().contains("not absolute"));
}

/// The thread that forks has a table of descriptors of its own: a handler that ran on it would tell nobody.
#[tokio::test]
async fn no_signal_is_lost_to_the_thread_that_forks() {
    let child = spawn(&["exit", "0"]).await;
    let threads = std::fs::read_dir("/proc/self/task").unwrap().flatten().map(|entry| entry.path());
    let is_forker = |thread: &std::path::PathBuf| {
        std::fs::read_to_string(thread.join("comm")).is_ok_and(|name| name.trim() == "forker")
    };
    let forkers: Vec<_> = threads.filter(is_forker).collect();
    assert!(!forkers.is_empty());
    for forker in forkers {
        let status = std::fs::read_to_string(forker.join("status")).unwrap();
        let blocked = status.lines().find_map(|line| line.strip_prefix("SigBlk:")).unwrap();
        let blocked = u64::from_str_radix(blocked.trim(), 16).unwrap();
        for signal in [Signal::TERM, Signal::HUP, Signal::INT, Signal::CHILD] {
            assert!(blocked & (1 << (signal.as_raw() - 1)) != 0, "{signal:?} may come to it");
        }
    }
    child.containment.prove_empty(GUARD).await.unwrap();
}
