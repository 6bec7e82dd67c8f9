//! Disks and files that fail under the running program: each is told with its path and what to do, and nothing is deleted.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::io::Write;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::unistd::geteuid;
use serde_json::json;
use system_tests::builder::Folders;
use system_tests::supervisor::run_command;
use system_tests::{Builder, NEIGHBOUR, Plugin, Supervisor, eventually};

/// A user who owns nothing: what root may not be refused, this one may.
const NOBODY: u32 = 65_534;

/// A memory disk in the place of the data folder, unmounted at the end.
struct Disk(PathBuf);

impl Disk {
    /// `None`, and a line that says so, where this user may not mount.
    fn mount(folders: &Folders, options: &str) -> Option<Self> {
        let place = folders.data();
        std::fs::create_dir(&place).unwrap();
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(&place).status();
        if mounted.is_ok_and(|status| status.success()) {
            return Some(Self(place));
        }
        let _ = writeln!(std::io::stderr(), "NOT RUN: this user may not mount a memory disk");
        None
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn fill(path: &Path) {
    let mut file = std::fs::File::create(path).unwrap();
    while file.write_all(&[0; 4096]).is_ok() {}
    while file.write_all(&[0]).is_ok() {}
}

/// `outboard run` by this user, which is expected to refuse: its exit code and its words.
fn refused(folders: &Folders, uid: Option<u32>) -> (i32, String) {
    let mut command = run_command(folders);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    if let Some(uid) = uid {
        command.uid(uid).gid(uid);
    }
    let mut child = command.spawn().unwrap();
    // Held open: its end would be an order to stop.
    let _parent = child.stdin.take();
    let output = child.wait_with_output().unwrap();
    (output.status.code().unwrap(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// The files of a folder that hold exactly this.
fn that_hold(folder: &Path, content: &[u8]) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    entries
        .filter(|entry| std::fs::read(entry.path()).is_ok_and(|found| found == content))
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect()
}

#[test]
fn a_full_disk_refuses_what_does_not_fit_with_a_sentence_and_all_goes_on_and_nothing_is_lost() {
    let builder = Supervisor::builder().plugin(Plugin::hostile("other", &[]));
    let Some(disk) = Disk::mount(builder.folders(), "size=6m,mode=700") else { return };
    let supervisor = builder.start();
    assert_eq!(supervisor.cli(&["config", "set", "other", "kept", "before"]).code, 0);
    let ballast = disk.0.join("ballast");
    fill(&ballast);
    let large = "x".repeat(500_000);
    let refusal = eventually("a set that does not fit", || {
        let answer = supervisor.plugin_asks("other", "config.set", json!({ "key": "more", "value": large }));
        answer.get("error").cloned()
    });
    assert_eq!(refusal["data"]["reason"], "storage_full", "{refusal}");
    let sentence = refusal["message"].as_str().unwrap();
    assert!(sentence.contains("state.db") && sentence.contains("Free some space"), "{sentence}");
    let file = supervisor.folders().root().join("document");
    std::fs::write(&file, json!({ "version": 1, "plugins": { "other": { "more": large } } }).to_string())
        .unwrap();
    let said = supervisor.cli(&["config", "import", "other", file.to_str().unwrap()]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("state.db") && said.err.contains("Free some space"), "{said:?}");
    // Logs find no room either, and hold nobody up.
    supervisor.fault("other", json!(["flood-logs", 20_000]));
    assert_eq!(supervisor.get(&format!("/api/{NEIGHBOUR}/")).status, 200);
    assert_eq!(supervisor.cli(&["restart", "other"]).code, 0);
    assert_eq!(supervisor.cli(&["config", "get", "other", "kept"]).json(), "before");
    std::fs::remove_file(&ballast).unwrap();
    assert_eq!(supervisor.cli(&["config", "set", "other", "kept", "after"]).code, 0);
    supervisor.verify();
    let mut supervisor = supervisor;
    supervisor.stop();
    let supervisor = supervisor.start_again();
    assert_eq!(supervisor.cli(&["config", "get", "other", "kept"]).json(), "after");
    supervisor.verify();
    drop(supervisor);
    drop(disk);
}

#[test]
fn a_disk_that_is_full_from_the_start_is_told_with_its_path() {
    let builder = Supervisor::builder();
    let Some(disk) = Disk::mount(builder.folders(), "size=64k,mode=700") else { return };
    std::fs::write(builder.folders().settings(), "").unwrap();
    fill(&disk.0.join("ballast"));
    let (code, said) = refused(builder.folders(), None);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains(disk.0.to_str().unwrap()) && said.contains("Free some space"), "{said}");
}

/// Folders that this user may enter.
fn make_way_for(uid: Option<u32>, builder: &Builder) {
    std::fs::write(builder.folders().settings(), "").unwrap();
    let Some(uid) = uid else { return };
    std::fs::set_permissions(builder.folders().root(), PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::create_dir(builder.folders().runtime()).unwrap();
    chown(builder.folders().runtime(), Some(uid), Some(uid)).unwrap();
}

#[test]
fn a_data_folder_that_its_user_may_not_write_is_refused_with_its_path_and_left_as_it_is() {
    let builder = Supervisor::builder();
    let mut supervisor = builder.start();
    supervisor.verify();
    supervisor.stop();
    let data = supervisor.folders().data();
    let state = std::fs::read(data.join("state.db")).unwrap();
    let builder = Supervisor::builder();
    // Root is refused nothing; whoever else runs this is refused as it is.
    let uid = geteuid().is_root().then_some(NOBODY);
    make_way_for(uid, &builder);
    let folders = builder.folders();
    let place = folders.data();
    std::fs::create_dir(&place).unwrap();
    std::fs::write(place.join("state.db"), &state).unwrap();

    if uid.is_some() {
        // Somebody else's folder.
        let (code, said) = refused(folders, uid);
        assert_ne!(code, 0, "{said}");
        assert!(said.contains(place.to_str().unwrap()) && said.contains("belongs to uid 0"), "{said}");
        for path in [place.clone(), place.join("state.db")] {
            chown(path, uid, uid).unwrap();
        }
    }
    // Its own, yet closed to writing.
    std::fs::set_permissions(&place, PermissionsExt::from_mode(0o500)).unwrap();
    let (code, said) = refused(folders, uid);
    assert_ne!(code, 0, "{said}");
    assert!(said.contains(place.to_str().unwrap()) && said.contains("able to write"), "{said}");
    // The folder is well, and the file is not.
    std::fs::set_permissions(&place, PermissionsExt::from_mode(0o700)).unwrap();
    std::fs::set_permissions(place.join("state.db"), PermissionsExt::from_mode(0o400)).unwrap();
    let (code, said) = refused(folders, uid);
    assert_ne!(code, 0, "{said}");
    assert!(said.contains(place.join("state.db").to_str().unwrap()) && said.contains("read-only"), "{said}");
    assert!(said.contains("Make it and its folder writable"), "{said}");
    assert_eq!(that_hold(&place, &state), ["state.db"]);
}

#[test]
fn a_damaged_state_is_set_aside_whatever_the_damage_and_the_supervisor_starts() {
    let mut supervisor = Supervisor::builder().start();
    for damage in ["header", "half", "page"] {
        // Enough that half of the file is not a whole database.
        for number in 0..20 {
            let params = json!({ "key": format!("k{number}"), "value": "x".repeat(3000) });
            assert!(supervisor.plugin_asks(NEIGHBOUR, "config.set", params).get("result").is_some());
        }
        supervisor.verify();
        supervisor.stop();
        let data = supervisor.folders().data();
        let mut bytes = std::fs::read(data.join("state.db")).unwrap();
        match damage {
            "header" => bytes[..100].fill(0x5a),
            "half" => bytes.truncate(bytes.len() / 2),
            _ => bytes[4096..12_288].fill(0xff),
        }
        std::fs::write(data.join("state.db"), &bytes).unwrap();
        supervisor = supervisor.start_again();
        let aside = that_hold(&data, &bytes);
        assert_eq!(aside.len(), 1, "{damage}: {aside:?}");
        assert!(aside[0].starts_with("state.db.damaged-"), "{damage}: {aside:?}");
        let said = supervisor.errors();
        assert!(
            said.contains(data.join(&aside[0]).to_str().unwrap()) && said.contains("Restore a backup"),
            "{said}"
        );
        let set = supervisor.plugin_asks(NEIGHBOUR, "config.set", json!({ "key": "k", "value": damage }));
        assert!(set.get("result").is_some(), "{damage}: {set}");
        supervisor.verify();
    }
}

#[test]
fn a_state_without_its_log_is_opened_and_one_of_a_newer_version_is_refused_and_left_alone() {
    let mut supervisor = Supervisor::builder().start();
    assert_eq!(supervisor.cli(&["config", "set", NEIGHBOUR, "kept", "yes"]).code, 0);
    supervisor.verify();
    supervisor.stop();
    let data = supervisor.folders().data();
    let state = data.join("state.db");
    let _ = std::fs::remove_file(data.join("state.db-wal"));
    let mut supervisor = supervisor.start_again();
    assert_eq!(supervisor.cli(&["config", "get", NEIGHBOUR, "kept"]).json(), "yes");
    supervisor.verify();
    supervisor.stop();
    let newer = Command::new("sqlite3").arg(&state).arg("PRAGMA user_version = 999").status();
    assert!(newer.expect("these tests need sqlite3 on the PATH").success());
    let before = std::fs::read(&state).unwrap();
    let (code, said) = refused(supervisor.folders(), None);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains(state.to_str().unwrap()) && said.contains("newer Outboard"), "{said}");
    assert!(said.contains("run that version, or choose another data folder"), "{said}");
    assert_eq!(that_hold(&data, &before), ["state.db"]);
}
