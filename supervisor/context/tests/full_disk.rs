//! A disk that is really full, and one that is really read-only: small memory disks, which only root can mount.
#![allow(clippy::unwrap_used)] // a test that cannot set its scene has failed

mod support;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use outboard_context::{Context, NewRecord};
use outboard_protocol::context::logger::LogLevel;
use outboard_protocol::control::{AuthSetParams, LogsParams};
use outboard_protocol::{ErrorReason, RpcError};
use serde_json::json;
use support::*;

/// A memory disk, unmounted at the end.
struct Disk(tempfile::TempDir);

impl Disk {
    /// `None`, and a line that says so, where this user may not mount.
    fn mount(options: &str) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(dir.path()).status();
        if mounted.is_ok_and(|status| status.success()) {
            return Some(Self(dir));
        }
        let _ = writeln!(std::io::stderr(), "NOT RUN: this user may not mount a memory disk");
        None
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

fn fill(path: &Path) {
    let mut file = fs::File::create(path).unwrap();
    while file.write_all(&[0; 4096]).is_ok() {}
    while file.write_all(&[0]).is_ok() {}
}

#[tokio::test]
async fn a_full_disk_is_a_typed_error_and_nothing_waits_and_nothing_is_lost_that_was_kept() {
    let Some(disk) = Disk::mount("size=2m,mode=700") else { return };
    let data = disk.path().join("data");
    let context = open(&data);
    let dir = tempfile::tempdir().unwrap();
    let plugin = process(&context, &dir, "a");
    call(&plugin, "config.set", json!({ "key": "kept", "value": "before" })).await.unwrap();
    context.auth.set(AuthSetParams { token: "before".to_owned() }).await.unwrap();
    context.logs.record(NewRecord::about(&id("a"), 1, LogLevel::Info, "before".to_owned()));
    context.logs.flush().await;
    let ballast = disk.path().join("ballast");
    fill(&ballast);
    let refused = loop {
        // What the log has room for in pages that it owns already still goes in.
        let params = json!({ "key": "more", "value": "x".repeat(100_000) });
        if let Err(error) = call(&plugin, "config.set", params).await {
            break error;
        }
    };
    assert_eq!(refused.reason(), Some(ErrorReason::StorageFull), "{refused}");
    // What is on disk already needs no room.
    call(&plugin, "config.set", json!({ "key": "kept", "value": "before" })).await.unwrap();
    let refused: RpcError = context.auth.set(AuthSetParams { token: "after".to_owned() }).await.unwrap_err();
    assert_eq!(refused.reason(), Some(ErrorReason::StorageFull), "{refused}");
    let token = call(&plugin, "auth.getToken", json!({})).await.unwrap();
    assert_eq!(token["token"], "before");
    for n in 0..200 {
        context.logs.record(NewRecord::about(
            &id("a"),
            1,
            LogLevel::Info,
            format!("{n} {}", "x".repeat(1000)),
        ));
    }
    soon(context.logs.flush()).await;
    assert_eq!(call(&plugin, "config.get", json!({ "key": "kept" })).await.unwrap()["value"], "before");
    fs::remove_file(&ballast).unwrap();
    call(&plugin, "config.set", json!({ "key": "kept", "value": "after" })).await.unwrap();
    context.auth.set(AuthSetParams { token: "after".to_owned() }).await.unwrap();
    context.logs.record(NewRecord::about(&id("a"), 1, LogLevel::Info, "after".to_owned()));
    let tail = context.logs.tail(LogsParams { id: Some(id("a")), ..LogsParams::default() }).await.unwrap();
    let said = |text: &str| tail.iter().any(|record| record.message.contains(text));
    assert!(said("before") && said("after"), "{tail:?}");
    assert!(said("the disk refused them"), "the loss is told: {:?}", tail.last());
    context.close().await;
    let context = open(&data);
    assert!(context.findings().is_empty(), "{:?}", context.findings());
    let plugin = process(&context, &dir, "a");
    assert_eq!(call(&plugin, "config.get", json!({ "key": "kept" })).await.unwrap()["value"], "after");
    context.close().await;
}

#[tokio::test]
async fn a_read_only_disk_is_refused_with_a_sentence_and_left_as_it_is() {
    let Some(disk) = Disk::mount("size=2m,mode=700") else { return };
    let data = disk.path().join("data");
    open(&data).close().await;
    let before: Vec<_> = fs::read(data.join("state.db")).unwrap();
    let remounted = Command::new("mount").args(["-o", "remount,ro"]).arg(disk.path()).status().unwrap();
    assert!(remounted.success());
    let error = Context::open(options(&data)).err().unwrap();
    assert!(error.to_string().contains(data.to_str().unwrap()), "{error}");
    assert_eq!(fs::read(data.join("state.db")).unwrap(), before);
}
