//! Backups that are cut off, and restores that are: what is left is cleared away, and data is whole in either case.
#![allow(clippy::unwrap_used)] // a test that cannot set its scene has failed

mod support;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use outboard_context::backup::{RestoreError, restore};
use outboard_protocol::ErrorReason;
use outboard_protocol::control::LogsParams;
use serde_json::json;
use support::kept::*;
use support::*;

/// Name the data folder and the backup to the process that is going to be killed.
const RESTORING: &str = "OUTBOARD_TEST_RESTORING";
const MAKING: &str = "OUTBOARD_TEST_MAKING";
const KILLS: usize = 28;
/// How a folder begins in which a restore sets the old files aside.
const BEFORE: &str = "before-restore-";

/// This program again, with one test alone, which finds the variable set.
fn this_program(test: &str, (variable, data, backup): (&str, &Path, &Path)) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact"])
        .env(variable, format!("{}\n{}", data.display(), backup.display()))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The test and the process that it kills are this one function: the process is this program with a variable set.
#[tokio::test]
async fn a_restore_that_is_killed_at_any_moment_leaves_all_of_the_old_or_all_of_the_new() {
    if let Ok(folders) = std::env::var(RESTORING) {
        let (data, backup) = folders.split_once('\n').unwrap();
        restore(Path::new(data), Path::new(backup)).unwrap();
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (data, safe) = (dir.path().join("data"), dir.path().join("safe"));
    fill(&data, &dir, "new").await;
    let context = open(&data);
    context.backup(&safe).await.unwrap();
    context.close().await;
    let child = || {
        this_program(
            "a_restore_that_is_killed_at_any_moment_leaves_all_of_the_old_or_all_of_the_new",
            (RESTORING, &data, &safe),
        )
    };
    // While copies are made, between the copies and the first move, and while files change places.
    let moments = [
        (".partial", ""),
        (".partial", "plugins-data/a/0.db"),
        (".partial", "state.db"),
        (".ready", ""),
        (BEFORE, "plugins-data/a/0.db"),
        (BEFORE, "plugins-data/a/3.db"),
        (BEFORE, "state.db"),
    ];
    let (mut undone, mut finished) = (0, 0);
    for (kind, file) in moments.iter().cycle().take(KILLS) {
        fill(&data, &dir, "old").await;
        let there_before = names(&data);
        let begun = || names(&data).into_iter().filter(|name| !there_before.contains(name));
        let mut child = child();
        while !begun().any(|name| name.contains(kind) && data.join(name).join(file).exists())
            && child.try_wait().unwrap().is_none()
        {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let left: Vec<String> = begun().filter(|name| name.starts_with("restore-")).collect();
        let values = values(&data, &dir).await;
        assert!(
            values.iter().all(|value| *value == values[0]),
            "{kind} {file}: half of a restore: {values:?}"
        );
        assert!(!names(&data).iter().any(|name| name.starts_with("restore-")), "{:?}", names(&data));
        if left.iter().any(|name| name.ends_with(".partial")) {
            assert_eq!(values[0], "old", "{kind} {file}: {left:?}");
            undone += 1;
        } else if left.iter().any(|name| name.ends_with(".ready")) {
            assert_eq!(values[0], "new", "{kind} {file}: {left:?}");
            finished += 1;
        }
    }
    assert!(undone > 0, "no restore was cut off while it could still be undone");
    assert!(finished > 0, "no restore was cut off when it had to be brought to its end");
    eprintln!(
        "of {KILLS} restores {undone} were cut off while they could be undone, and {finished} afterwards"
    );
}

#[tokio::test]
async fn what_a_killed_backup_left_is_removed_by_the_next_start_and_nothing_else_is() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    fill(&data, &dir, "mine").await;
    let note = data.join("backup-under-way");
    let (left, foreign) = (dir.path().join(".safe.partial-77"), dir.path().join("photos"));
    for folder in [&left, &foreign] {
        fs::create_dir(folder).unwrap();
        fs::write(folder.join("x"), "x").unwrap();
    }
    for (path, goes) in [(&foreign, false), (&left, true)] {
        fs::write(&note, path.to_str().unwrap()).unwrap();
        let context = open(&data);
        assert_eq!((path.exists(), note.exists()), (!goes, false));
        let told = context.logs.tail(LogsParams::default()).await.unwrap();
        let says = told.iter().any(|record| record.message.contains(path.to_str().unwrap()));
        assert_eq!(says, goes, "{told:?}");
        context.close().await;
    }
    assert!(values(&data, &dir).await.iter().all(|value| value == "mine"));
}

/// As above, the process that is killed is this program with a variable set.
#[tokio::test]
async fn a_backup_that_is_killed_at_any_moment_is_there_whole_or_not_at_all() {
    if let Ok(folders) = std::env::var(MAKING) {
        let (data, safe) = folders.split_once('\n').unwrap();
        open(Path::new(data)).backup(Path::new(safe)).await.unwrap();
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (data, place) = (dir.path().join("data"), dir.path().join("place"));
    fill(&data, &dir, "mine").await;
    let context = open(&data);
    fill_up(&context, &dir, 2).await;
    context.close().await;
    fs::create_dir(&place).unwrap();
    let safe = place.join("safe.tar");
    // From the first byte of the first copy to the last of the archive, and some moments in between.
    let moments = ["copy-0", "archive", "copy-1", "copy-4", "safe.tar"];
    let mut cut_off = 0;
    for moment in moments.iter().cycle().take(2 * moments.len()) {
        let mut child = this_program(
            "a_backup_that_is_killed_at_any_moment_is_there_whole_or_not_at_all",
            (MAKING, &data, &safe),
        );
        let hidden = place.join(format!(".safe.tar.partial-{}", child.id())).join(moment);
        while !hidden.exists() && !safe.exists() && child.try_wait().unwrap().is_none() {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // The next start.
        assert!(values(&data, &dir).await.iter().all(|value| value == "mine"));
        assert!(!data.join("backup-under-way").exists());
        let left = names(&place);
        if left.is_empty() {
            cut_off += 1;
        } else {
            assert_eq!(left, ["safe.tar"]);
            let other = dir.path().join("other");
            restore(&other, &safe).unwrap();
            assert!(values(&other, &dir).await.iter().all(|value| value == "mine"));
            fs::remove_dir_all(other).unwrap();
            fs::remove_file(&safe).unwrap();
        }
    }
    assert!(cut_off > 0, "no backup was cut off");
    eprintln!("{cut_off} of {} backups were cut off before they were complete", 2 * moments.len());
}

#[tokio::test]
async fn a_backup_leaves_no_note_of_itself_whether_it_is_made_or_refused() {
    let (dir, context) = scene();
    context.backup(&dir.path().join("safe")).await.unwrap();
    assert_eq!(
        context.backup(&dir.path().join("safe")).await.unwrap_err().reason(),
        Some(ErrorReason::Conflict)
    );
    assert!(context.backup(&dir.path().join("nowhere/safe")).await.is_err());
    assert!(!dir.path().join("data/backup-under-way").exists());
}

#[tokio::test]
async fn a_backup_of_a_newer_version_is_refused_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (data, safe) = (dir.path().join("data"), dir.path().join("safe"));
    fill(&data, &dir, "mine").await;
    let context = open(&data);
    context.backup(&dir.path().join("safe.tar")).await.unwrap();
    context.close().await;
    fs::create_dir(&safe).unwrap();
    tar(&["-xf", "safe.tar", "-C", "safe"], dir.path());
    let state = safe.join("state.db");
    let version = |number: i64| {
        rusqlite::Connection::open(&state).unwrap().pragma_update(None, "user_version", number).unwrap();
    };
    version(999);
    let error = restore(&data, &safe).unwrap_err();
    assert!(matches!(&error, RestoreError::Unusable { .. }), "{error}");
    assert!(
        error.to_string().contains("999") && error.to_string().contains("nothing was changed"),
        "{error}"
    );
    version(1);
    let list = fs::read_to_string(safe.join("backup.json")).unwrap();
    fs::write(safe.join("backup.json"), list.replace("\"version\": 1", "\"version\": 2")).unwrap();
    let error = restore(&data, &safe).unwrap_err();
    assert!(matches!(&error, RestoreError::NotABackup { .. }), "{error}");
    assert!(error.to_string().contains("its version is 2"), "{error}");
    assert!(values(&data, &dir).await.iter().all(|value| value == "mine"));
    assert!(!names(&data).iter().any(|name| name.contains("restore")), "{:?}", names(&data));
}

/// Plugins that fill the state, so that its copy has many steps.
const FILLERS: usize = 8;
/// Sets that one backup has to let through. Where sets waited for the whole copy there would be one or two.
const LET_THROUGH: u32 = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sets_go_on_while_the_state_is_copied_and_the_copy_is_whole() {
    let (dir, context) = scene();
    fill_up(&context, &dir, FILLERS).await;
    let plugin = process(&context, &dir, "a");
    let mut most = 0;
    // A busy machine may take a backup's whole time from the one who sets; it does not do so every time.
    for round in 0..10 {
        let safe = dir.path().join(format!("safe-{round}"));
        let before = json!({ "key": "before", "value": round });
        call(&plugin, "config.set", before).await.unwrap();
        let copy = dir.path().join(format!(".safe-{round}.partial-{}", std::process::id())).join("copy-0");
        let making = tokio::spawn({
            let (context, safe) = (context.clone(), safe.clone());
            async move { context.backup(&safe).await }
        });
        let mut set = 0;
        while !making.is_finished() {
            if copy.exists() {
                call(&plugin, "config.set", json!({ "key": "during", "value": set })).await.unwrap();
                set += 1;
            } else {
                tokio::task::yield_now().await;
            }
        }
        making.await.unwrap().unwrap();
        let unpacked = tempfile::tempdir().unwrap();
        tar(&["-xf", safe.to_str().unwrap()], unpacked.path());
        let db = rusqlite::Connection::open(unpacked.path().join("state.db")).unwrap();
        let verdict: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(verdict, "ok");
        let kept: String =
            db.query_row("SELECT value FROM config WHERE key = 'before'", [], |row| row.get(0)).unwrap();
        assert_eq!(kept, round.to_string(), "what was set before the backup began is in it");
        most = most.max(set);
        if most >= LET_THROUGH {
            break;
        }
        fs::remove_file(safe).unwrap();
    }
    assert!(most >= LET_THROUGH, "at most {most} sets came through during one backup");
    context.close().await;
}

#[tokio::test]
async fn closing_does_not_wait_for_a_backup_and_leaves_none_half_made() {
    let (dir, context) = scene();
    fill_up(&context, &dir, FILLERS).await;
    let making = tokio::spawn({
        let (context, safe) = (context.clone(), dir.path().join("safe"));
        async move { context.backup(&safe).await }
    });
    tokio::task::yield_now().await;
    soon(context.close()).await;
    let made = making.await.unwrap();
    assert_eq!(made.is_ok(), dir.path().join("safe").exists());
    assert!(!names(dir.path()).iter().any(|name| name.contains("partial")), "{:?}", names(dir.path()));
}
