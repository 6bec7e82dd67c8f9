//! Files that somebody removes, replaces or cuts short, between two starts and under a running supervisor.
#![allow(clippy::unwrap_used)] // a test that cannot set its scene has failed

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use outboard_context::{Context, NewRecord};
use outboard_protocol::RpcError;
use outboard_protocol::control::{HostEvent, LogsParams};
use serde_json::{Value, json};
use support::*;

/// A data folder that a supervisor has used, with one value in it.
async fn used(dir: &tempfile::TempDir) -> PathBuf {
    let data = dir.path().join("data");
    let context = open(&data);
    let plugin = process(&context, dir, "a");
    call(&plugin, "config.set", json!({ "key": "before", "value": 1 })).await.unwrap();
    context.close().await;
    fs::create_dir_all(data.join("plugins-data")).unwrap();
    data
}

fn named(dir: &Path, part: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.to_str().unwrap().contains(part)).collect()
}

fn told_once(context: &Context, part: &str) {
    let findings = context.findings();
    assert!(findings.len() == 1 && findings[0].contains(part), "{findings:?}");
    let troubles = context.troubles.now();
    assert!(troubles.len() == 1 && troubles[0].says.contains(part), "{troubles:?}");
}

#[tokio::test]
async fn an_empty_database_in_a_used_folder_is_told_and_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    let data = used(&dir).await;
    fs::write(data.join("state.db"), "").unwrap();
    let context = open(&data);
    told_once(&context, "is empty");
    assert_eq!(named(&data, "state.db.damaged-").len(), 1);
}

#[tokio::test]
async fn the_log_of_a_database_that_is_gone_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let data = used(&dir).await;
    fs::remove_file(data.join("state.db")).unwrap();
    fs::write(data.join("state.db-wal"), "the latest values").unwrap();
    let context = open(&data);
    told_once(&context, "is gone");
    let aside = named(&data, "state.db.damaged-");
    assert_eq!(fs::read(&aside[0]).unwrap(), b"the latest values", "{aside:?}");
}

#[tokio::test]
async fn a_database_that_was_removed_between_two_starts_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let data = used(&dir).await;
    fs::remove_file(data.join("state.db")).unwrap();
    told_once(&open(&data), "is gone");
}

#[tokio::test]
async fn a_first_start_that_was_cut_off_is_no_loss() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("state.db"), "").unwrap();
    assert!(open(&data).findings().is_empty());
}

/// Sets a value after something was done to the files.
async fn set_after(does: impl FnOnce(&Path)) -> (tempfile::TempDir, Context, Result<Value, RpcError>) {
    let (dir, context) = scene();
    let plugin = process(&context, &dir, "a");
    call(&plugin, "config.set", json!({ "key": "k", "value": 1 })).await.unwrap();
    does(&dir.path().join("data"));
    let outcome = call(&plugin, "config.set", json!({ "key": "k", "value": 2 })).await;
    (dir, context, outcome)
}

async fn refuses_to_keep(says: &str, does: impl FnOnce(&Path)) {
    let (dir, context, outcome) = set_after(does).await;
    let error = outcome.unwrap_err();
    assert!(error.message.contains(says) && error.message.contains("outboard backup"), "{error:?}");
    assert_eq!(error.data.as_ref().unwrap().details["storage"], "gone", "{error:?}");
    let troubles = context.troubles.now();
    assert!(troubles.iter().any(|trouble| trouble.kind == "state-file"), "{troubles:?}");
    let plugin = process(&context, &dir, "a");
    let kept = call(&plugin, "config.get", json!({ "key": "k" })).await.unwrap();
    assert_eq!(kept["value"], 1, "what was refused is read");
}

#[tokio::test]
async fn nothing_is_acknowledged_into_a_database_that_is_gone() {
    refuses_to_keep("was removed", |data| fs::remove_file(data.join("state.db")).unwrap()).await;
    refuses_to_keep("was removed", |data| fs::remove_file(data.join("state.db-wal")).unwrap()).await;
    refuses_to_keep("was removed", |data| fs::rename(data, data.with_extension("moved")).unwrap()).await;
}

#[tokio::test]
async fn nothing_is_acknowledged_into_a_database_that_was_replaced_or_cut_short() {
    refuses_to_keep("was replaced", |data| {
        fs::copy(data.join("state.db"), data.join("copy")).unwrap();
        fs::rename(data.join("copy"), data.join("state.db")).unwrap();
    })
    .await;
    for name in ["state.db", "state.db-wal"] {
        refuses_to_keep("was cut short", |data| {
            fs::OpenOptions::new().write(true).open(data.join(name)).unwrap().set_len(0).unwrap();
        })
        .await;
    }
}

#[tokio::test]
async fn a_database_behind_a_link_is_watched_where_it_is_and_by_the_link() {
    let away = |data: &Path| data.parent().unwrap().join("away");
    let outcomes: [fn(&Path, &Path); 4] = [
        |_, away| fs::remove_file(away.join("state.db")).unwrap(),
        |_, away| fs::remove_file(away.join("state.db-wal")).unwrap(),
        |data, _| fs::remove_file(data.join("state.db")).unwrap(),
        |_, away| fs::write(away.join("state.db"), "").unwrap(),
    ];
    for harm in outcomes {
        let dir = tempfile::tempdir().unwrap();
        let data = used(&dir).await;
        fs::create_dir(away(&data)).unwrap();
        fs::rename(data.join("state.db"), away(&data).join("state.db")).unwrap();
        std::os::unix::fs::symlink("../away/state.db", data.join("state.db")).unwrap();
        let context = open(&data);
        assert!(context.findings().is_empty(), "{:?}", context.findings());
        let plugin = process(&context, &dir, "a");
        call(&plugin, "config.set", json!({ "key": "k", "value": 1 })).await.unwrap();
        harm(&data, &away(&data));
        let error = call(&plugin, "config.set", json!({ "key": "k", "value": 2 })).await.unwrap_err();
        assert_eq!(error.data.as_ref().unwrap().details["storage"], "gone", "{error:?}");
    }
}

#[tokio::test]
async fn a_damaged_database_behind_a_link_is_set_aside_where_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let data = used(&dir).await;
    let away = dir.path().join("away");
    fs::create_dir(&away).unwrap();
    fs::rename(data.join("state.db"), away.join("state.db")).unwrap();
    std::os::unix::fs::symlink(away.join("state.db"), data.join("state.db")).unwrap();
    fs::write(away.join("state.db"), "").unwrap();
    let context = open(&data);
    told_once(&context, "is empty");
    assert_eq!(named(&away, "state.db.damaged-").len(), 1);
    assert!(fs::symlink_metadata(data.join("state.db")).unwrap().is_symlink());
}

#[tokio::test]
async fn a_database_that_is_put_back_is_used_again_and_each_turn_is_an_event() {
    let (dir, context) = scene();
    let mut events = context.host_events();
    let plugin = process(&context, &dir, "a");
    let (place, away) = (dir.path().join("data/state.db"), dir.path().join("away"));
    call(&plugin, "config.set", json!({ "key": "k", "value": 1 })).await.unwrap();
    fs::rename(&place, &away).unwrap();
    call(&plugin, "config.set", json!({ "key": "k", "value": 2 })).await.unwrap_err();
    fs::rename(&away, &place).unwrap();
    call(&plugin, "config.set", json!({ "key": "k", "value": 3 })).await.unwrap();
    for over in [false, true] {
        match events.recv().await.unwrap() {
            HostEvent::Trouble { kind, says } => {
                assert_eq!((kind.as_str(), says.is_none()), ("state-file", over));
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(context.troubles.now().is_empty());
}

#[tokio::test]
async fn a_backup_of_what_was_kept_can_be_made_after_the_file_is_gone() {
    let (dir, context, outcome) = set_after(|data| fs::remove_file(data.join("state.db")).unwrap()).await;
    outcome.unwrap_err();
    let backup = dir.path().join("safe.tar");
    context.backup(&backup).await.unwrap();
    context.close().await;
    let data = dir.path().join("restored");
    outboard_context::backup::restore(&data, &backup).unwrap();
    let restored = open(&data);
    let plugin = process(&restored, &dir, "a");
    assert_eq!(call(&plugin, "config.get", json!({ "key": "k" })).await.unwrap()["value"], 1);
}

#[tokio::test]
async fn logs_whose_folder_or_file_was_removed_are_begun_anew_and_say_so() {
    let (dir, context) = scene();
    let logs = dir.path().join("data/logs");
    let says = |message: &str| {
        NewRecord::supervisor(outboard_protocol::context::logger::LogLevel::Info, message.to_owned())
    };
    let removals: [&dyn Fn(); 2] = [&|| fs::remove_dir_all(&logs).unwrap(), &|| {
        fs::write(logs.join("outboard.jsonl.new"), "")
            .and_then(|()| fs::rename(logs.join("outboard.jsonl.new"), logs.join("outboard.jsonl")))
            .unwrap();
    }];
    for remove in removals {
        context.logs.record(says("before"));
        context.logs.flush().await;
        remove();
        context.logs.record(says("after"));
        let kept = context.logs.tail(LogsParams::default()).await.unwrap();
        let messages: Vec<&str> = kept.iter().map(|record| record.message.as_str()).collect();
        assert!(messages.len() == 2 && messages[0].contains("was removed or replaced"), "{messages:?}");
        assert_eq!(messages[1], "after");
    }
    assert_eq!(context.logs.dropped(), 0);
}

#[tokio::test]
async fn records_that_the_disk_refuses_are_counted_and_the_status_says_why() {
    let (dir, context) = scene();
    let logs = dir.path().join("data/logs");
    fs::remove_dir_all(&logs).unwrap();
    fs::write(&logs, "in the way").unwrap();
    context
        .logs
        .record(NewRecord::supervisor(outboard_protocol::context::logger::LogLevel::Info, "lost".to_owned()));
    context.logs.flush().await;
    assert_eq!(context.logs.dropped(), 1);
    assert_eq!(context.troubles.now()[0].kind, "log-files");
    fs::remove_file(&logs).unwrap();
    context
        .logs
        .record(NewRecord::supervisor(outboard_protocol::context::logger::LogLevel::Info, "kept".to_owned()));
    context.logs.flush().await;
    assert!(context.troubles.now().is_empty(), "{:?}", context.troubles.now());
}
