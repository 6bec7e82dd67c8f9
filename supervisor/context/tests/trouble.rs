//! What storage trouble comes to: damaged, newer, read-only, full, and two at once.
#![allow(clippy::unwrap_used)] // a test that cannot set its scene has failed

mod support;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use outboard_context::{Context, ContextOptions, FolderError, OpenError, OpenStoreError};
use outboard_protocol::ErrorReason;
use outboard_protocol::control::AuthSetParams;
use serde_json::json;
use support::*;

async fn fill(dir: &tempfile::TempDir, keys: usize) {
    let context = open(&dir.path().join("data"));
    let plugin = process(&context, dir, "a");
    for n in 0..keys {
        call(&plugin, "config.set", json!({ "key": format!("k{n}"), "value": "x".repeat(2000) }))
            .await
            .unwrap();
    }
    context.close().await;
}

fn names(dir: &Path) -> Vec<String> {
    fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

async fn opens_anew_with_the_old_file_set_aside(dir: &tempfile::TempDir, before: &[u8]) {
    let data = dir.path().join("data");
    let context = open(&data);
    assert_eq!(context.findings().len(), 1, "{:?}", context.findings());
    assert!(context.findings()[0].contains("set aside"), "{:?}", context.findings());
    let aside = names(&data).into_iter().find(|name| name.starts_with("state.db.damaged-")).unwrap();
    assert!(context.findings()[0].contains(&aside));
    if !aside.ends_with("-wal") {
        assert_eq!(fs::read(data.join(&aside)).unwrap(), before, "the damaged file was changed");
    }
    let plugin = process(&context, dir, "a");
    call(&plugin, "config.set", json!({ "key": "k", "value": 1 })).await.unwrap();
    context.close().await;
}

#[tokio::test]
async fn a_file_with_a_damaged_header_is_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    fill(&dir, 20).await;
    let file = dir.path().join("data/state.db");
    let mut bytes = fs::read(&file).unwrap();
    bytes[..100].fill(0x5a);
    fs::write(&file, &bytes).unwrap();
    opens_anew_with_the_old_file_set_aside(&dir, &bytes).await;
}

#[tokio::test]
async fn a_file_with_a_damaged_page_is_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    fill(&dir, 50).await;
    let file = dir.path().join("data/state.db");
    let mut bytes = fs::read(&file).unwrap();
    bytes[4096..12288].fill(0xff);
    fs::write(&file, &bytes).unwrap();
    opens_anew_with_the_old_file_set_aside(&dir, &bytes).await;
}

#[tokio::test]
async fn a_truncated_file_is_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    fill(&dir, 50).await;
    let file = dir.path().join("data/state.db");
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    opens_anew_with_the_old_file_set_aside(&dir, &bytes[..bytes.len() / 2]).await;
}

#[tokio::test]
async fn a_missing_write_ahead_log_is_no_reason_to_refuse() {
    let dir = tempfile::tempdir().unwrap();
    fill(&dir, 5).await;
    let _ = fs::remove_file(dir.path().join("data/state.db-wal"));
    let context = open(&dir.path().join("data"));
    assert!(context.findings().is_empty());
    let plugin = process(&context, &dir, "a");
    let got = call(&plugin, "config.get", json!({ "key": "k4" })).await.unwrap();
    assert_eq!(got["found"], true, "closing writes the log into the file");
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    fill(&dir, 1).await;
    let file = dir.path().join("data/state.db");
    let db = rusqlite::Connection::open(&file).unwrap();
    db.pragma_update(None, "user_version", 999).unwrap();
    drop(db);
    let error = Context::open(options(&dir.path().join("data"))).err().unwrap();
    assert!(matches!(error, OpenError::State(OpenStoreError::Newer { found: 999, .. })), "{error}");
    assert!(error.to_string().contains("newer"), "{error}");
    let db = rusqlite::Connection::open(&file).unwrap();
    let version: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    assert_eq!(version, 999);
    assert!(!names(&dir.path().join("data")).iter().any(|name| name.contains("damaged")));
}

#[tokio::test]
async fn a_second_supervisor_is_refused_and_told_who_is_first() {
    let (dir, context) = scene();
    let error = Context::open(options(&dir.path().join("data"))).err().unwrap();
    let OpenError::Folder(FolderError::InUse { pid, .. }) = &error else { panic!("{error}") };
    assert_eq!(*pid, Some(std::process::id()));
    assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
    context.close().await;
    let again = open(&dir.path().join("data"));
    again.close().await;
}

#[tokio::test]
async fn everything_is_private_to_its_user() {
    let (dir, context) = scene();
    let data = dir.path().join("data");
    let plugin = process(&context, &dir, "a");
    call(&plugin, "config.set", json!({ "key": "k", "value": 1 })).await.unwrap();
    context.auth.set(serde_json::from_value(json!({ "token": "t" })).unwrap()).await.unwrap();
    plugin.notify("log", Some(&raw(&json!({ "level": "info", "message": "m" }))));
    context.logs.flush().await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    assert_eq!(mode(&data.join("logs")), 0o700);
    for file in ["state.db", "state.db-wal", "lock", "sign-in.json", "logs/a.jsonl"] {
        assert_eq!(mode(&data.join(file)), 0o600, "{file}");
    }
    assert!(!data.join("state.db-shm").exists());
}

#[tokio::test]
async fn a_folder_that_others_could_read_is_made_private() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).unwrap();
    let _context = open(&data);
    assert_eq!(fs::metadata(&data).unwrap().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn a_full_store_refuses_what_does_not_fit_and_keeps_serving() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let context = Context::open(ContextOptions { state_max: 512 * 1024, ..options(&data) }).unwrap();
    let (greedy, modest) = (process(&context, &dir, "greedy"), process(&context, &dir, "modest"));
    call(&modest, "config.set", json!({ "key": "k", "value": "before" })).await.unwrap();
    // One group with a write that cannot fit among writes that do.
    let large = "x".repeat(600 * 1024);
    let replies = [
        modest.request("config.set", Some(&raw(&json!({ "key": "a", "value": 1 })))),
        greedy.request("config.set", Some(&raw(&json!({ "key": "k", "value": large })))),
        modest.request("config.set", Some(&raw(&json!({ "key": "b", "value": 2 })))),
    ];
    let mut outcomes = Vec::new();
    for reply in replies {
        outcomes.push(soon(reply.outcome()).await.map(|_| ()).map_err(|error| error.reason().unwrap()));
    }
    assert_eq!(outcomes, [Ok(()), Err(ErrorReason::StorageFull), Ok(())]);
    let mut stored = 0;
    let full = loop {
        let params = json!({ "key": format!("k{stored}"), "value": "x".repeat(50_000) });
        match call(&greedy, "config.set", params).await {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
        assert!(stored < 100, "the store never became full");
    };
    assert_eq!(full.reason(), Some(ErrorReason::StorageFull), "{full}");
    assert_eq!(call(&modest, "config.get", json!({ "key": "k" })).await.unwrap()["value"], "before");
    call(&greedy, "config.delete", json!({ "key": "k0" })).await.unwrap();
    call(&modest, "config.set", json!({ "key": "k", "value": "after" })).await.unwrap();
    context.close().await;
    let context = open(&data);
    assert!(context.findings().is_empty(), "{:?}", context.findings());
    let modest = process(&context, &dir, "modest");
    assert_eq!(call(&modest, "config.get", json!({ "key": "k" })).await.unwrap()["value"], "after");
    assert_eq!(call(&modest, "config.get", json!({ "key": "b" })).await.unwrap()["value"], 2);
}

#[tokio::test]
async fn a_damaged_sign_in_is_set_aside_and_never_quoted() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    open(&data).close().await;
    fs::write(data.join("sign-in.json"), r#"{"auth":"CANARY-token"#).unwrap();
    let context = open(&data);
    assert!(!context.auth.status().authenticated);
    assert_eq!(context.findings().len(), 1);
    assert!(!context.findings()[0].contains("CANARY"));
    assert!(names(&data).iter().any(|name| name.starts_with("sign-in.json.damaged-")));
}

#[tokio::test]
async fn a_sign_in_whose_change_was_cut_off_is_kept_and_nothing_of_the_change_is() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let context = open(&data);
    context.auth.set(AuthSetParams { token: "kept-token".to_owned() }).await.unwrap();
    context.close().await;
    // As a kill leaves them: the new content is written, the old one has its second name, and nothing is in its place yet.
    let (file, new, old) =
        (data.join("sign-in.json"), data.join("sign-in.json.new"), data.join("sign-in.json.old"));
    fs::hard_link(&file, &old).unwrap();
    fs::write(&new, r#"{"auth":"other-token"}"#).unwrap();
    let context = open(&data);
    assert!(context.findings().is_empty(), "{:?}", context.findings());
    let token = call(&process(&context, &dir, "a"), "auth.getToken", json!({})).await.unwrap();
    assert_eq!(token["token"], "kept-token");
    assert!(!new.exists() && !old.exists(), "{:?}", names(&data));
    // And as it leaves them a moment later, when the old content has its second name alone.
    fs::write(&old, "old-token").unwrap();
    context.auth.set(AuthSetParams { token: "later-token".to_owned() }).await.unwrap();
    context.close().await;
    assert!(!old.exists() && open(&data).auth.status().authenticated);
}

#[tokio::test]
async fn a_file_with_pages_of_another_size_goes_on_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    fill(&dir, 5).await;
    let file = dir.path().join("data/state.db");
    let db = rusqlite::Connection::open(&file).unwrap();
    db.execute_batch("PRAGMA journal_mode = DELETE; PRAGMA page_size = 4096; VACUUM").unwrap();
    let page =
        |db: &rusqlite::Connection| db.query_row("PRAGMA page_size", [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(page(&db), 4096);
    drop(db);
    let context = open(&dir.path().join("data"));
    assert!(context.findings().is_empty(), "{:?}", context.findings());
    let plugin = process(&context, &dir, "a");
    call(&plugin, "config.set", json!({ "key": "k0", "value": "new" })).await.unwrap();
    context.close().await;
    assert_eq!(page(&rusqlite::Connection::open(&file).unwrap()), 4096);
    let context = open(&dir.path().join("data"));
    let values = call(&process(&context, &dir, "a"), "config.getAll", json!({})).await.unwrap();
    assert_eq!((&values["values"]["k0"], &values["values"]["k4"]), (&json!("new"), &json!("x".repeat(2000))));
    context.close().await;
}

#[tokio::test]
async fn a_row_that_cannot_be_read_goes_when_it_is_deleted() {
    let dir = tempfile::tempdir().unwrap();
    fill(&dir, 1).await;
    let file = dir.path().join("data/state.db");
    let rows = || {
        let db = rusqlite::Connection::open(&file).unwrap();
        db.query_row("SELECT count(*) FROM config", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    rusqlite::Connection::open(&file).unwrap().execute("UPDATE config SET value = 'no JSON'", []).unwrap();
    assert_eq!(rows(), 1);
    let context = open(&dir.path().join("data"));
    let plugin = process(&context, &dir, "a");
    let deleted = call(&plugin, "config.delete", json!({ "key": "k0" })).await.unwrap();
    assert_eq!(deleted, json!({ "deleted": true }));
    context.close().await;
    assert_eq!(rows(), 0);
}
