//! Data that is kept, filled with one value everywhere and read again: what a backup must bring back whole.

use std::fs;
use std::path::Path;
use std::process::Command;

use outboard_context::Context;
use serde_json::json;

use super::*;

/// Databases of plugins, so that there are many moments between the first and the last.
pub(crate) const DATABASES: usize = 4;
/// Bytes of each plugin that fills: nearly what one may keep.
const FILLING: usize = 4 * 1000 * 1000;

fn write_database(file: &Path, value: &str) {
    let db = rusqlite::Connection::open(file).unwrap();
    db.execute_batch("PRAGMA synchronous = OFF; CREATE TABLE IF NOT EXISTS t (value TEXT); DELETE FROM t")
        .unwrap();
    db.execute("INSERT INTO t VALUES (?1)", [value]).unwrap();
}

/// Every value that is kept, in the configuration and in the databases.
pub(crate) async fn fill(data: &Path, dir: &TempDir, value: &str) {
    let context = open(data);
    let plugin = process(&context, dir, "a");
    call(&plugin, "config.set", json!({ "key": "k", "value": value })).await.unwrap();
    for number in 0..DATABASES {
        call(&plugin, "database.open", json!({ "file": format!("{number}.db") })).await.unwrap();
        write_database(&data.join(format!("plugins-data/a/{number}.db")), value);
    }
    context.close().await;
}

pub(crate) async fn values(data: &Path, dir: &TempDir) -> Vec<String> {
    let context = open(data);
    assert!(context.findings().is_empty(), "{:?}", context.findings());
    let got = call(&process(&context, dir, "a"), "config.get", json!({ "key": "k" })).await.unwrap();
    context.close().await;
    let read = |number| {
        let db = rusqlite::Connection::open(data.join(format!("plugins-data/a/{number}.db"))).unwrap();
        db.query_row("SELECT value FROM t", [], |row| row.get(0)).unwrap()
    };
    let databases = (0..DATABASES).map(read);
    std::iter::once(got["value"].as_str().unwrap().to_owned()).chain(databases).collect()
}

/// Fills the state with this many plugins.
pub(crate) async fn fill_up(context: &Context, dir: &TempDir, fillers: usize) {
    for filler in 0..fillers {
        let plugin = process(context, dir, &format!("filler-{filler}"));
        for number in 0..4 {
            let large = json!({ "key": format!("k{number}"), "value": "x".repeat(FILLING / 4) });
            call(&plugin, "config.set", large).await.unwrap();
        }
    }
}

pub(crate) fn names(folder: &Path) -> Vec<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// `tar` with these words, in a folder.
pub(crate) fn tar(words: &[&str], folder: &Path) {
    let output = Command::new("tar").args(words).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
}
