//! What the tests of this crate share: a context in a temporary folder, and calls as a plugin makes them.
#![allow(clippy::unwrap_used, dead_code)] // a test that cannot set its scene has failed; no test uses all of this

pub(crate) mod airline;
pub(crate) mod kept;
pub(crate) mod server;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use outboard_context::{Context, ContextOptions, ProcessContext, ProcessIdentity};
use outboard_protocol::settings::Setting;
use outboard_protocol::{ErrorReason, PluginId, RpcError};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use tempfile::TempDir;

/// A guard against hanging, far above what anything here takes.
pub(crate) const HANG: Duration = Duration::from_secs(30);

pub(crate) fn id(text: &str) -> PluginId {
    PluginId::new(text).unwrap()
}

pub(crate) fn raw(value: &Value) -> Box<RawValue> {
    to_raw_value(value).unwrap()
}

pub(crate) fn options(dir: &Path) -> ContextOptions {
    ContextOptions { base_url: "http://127.0.0.1:2066".to_owned(), ..ContextOptions::new(dir) }
}

pub(crate) fn open(dir: &Path) -> Context {
    Context::open(options(dir)).unwrap()
}

pub(crate) fn scene() -> (TempDir, Context) {
    let dir = tempfile::tempdir().unwrap();
    let context = open(&dir.path().join("data"));
    (dir, context)
}

pub(crate) fn process(context: &Context, dir: &TempDir, plugin: &str) -> Arc<ProcessContext> {
    process_with(context, dir, plugin, &[])
}

pub(crate) fn process_with(
    context: &Context,
    dir: &TempDir,
    plugin: &str,
    settings: &[Value],
) -> Arc<ProcessContext> {
    let settings: Vec<Setting> =
        settings.iter().map(|setting| serde_json::from_value(setting.clone()).unwrap()).collect();
    context.for_process(ProcessIdentity {
        id: id(plugin),
        generation: 1,
        data_dir: dir.path().join("data/plugins-data").join(plugin),
        settings: settings.into(),
    })
}

/// One context call, awaited.
pub(crate) async fn call(process: &ProcessContext, method: &str, params: Value) -> Result<Value, RpcError> {
    let outcome = tokio::time::timeout(HANG, process.request(method, Some(&raw(&params))).outcome());
    outcome.await.expect("a call came to no end").map(|result| serde_json::from_str(result.get()).unwrap())
}

pub(crate) fn reason(outcome: Result<Value, RpcError>) -> ErrorReason {
    outcome.expect_err("the call ought to be refused").reason().unwrap()
}

pub(crate) async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(HANG, work).await.expect("nothing came")
}
