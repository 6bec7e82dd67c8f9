//! How many durable sets a second without a plugin and its pipe: one caller, and 64 callers. One JSON line.
//! `cargo run --release -p outboard-context --example grouped_commits -- FOLDER`; the folder decides on the disk.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // a measurement whose scene cannot be set is over

use std::time::{Duration, Instant};

use outboard_context::{Context, ContextOptions};
use outboard_protocol::PluginId;
use outboard_protocol::id::ConfigKey;
use serde_json::json;

const ROUND: Duration = Duration::from_millis(500);

fn main() {
    let dir = tempfile::tempdir_in(std::env::args().nth(1).unwrap_or_else(|| ".".to_owned())).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let context = Context::open(ContextOptions::new(dir.path().join("data"))).unwrap();
    let one = runtime.block_on(sets(&context, 1));
    let many = runtime.block_on(sets(&context, 64));
    runtime.block_on(context.close());
    println!("{}", json!({ "one": one, "many": many }));
}

/// Each caller sets a value that changes, and waits for it, again and again.
async fn sets(context: &Context, callers: u32) -> f64 {
    let start = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for caller in 0..callers {
        let context = context.clone();
        tasks.spawn(async move {
            let id = PluginId::new(&format!("p{}", caller % 8)).unwrap();
            let key = ConfigKey::new(&format!("k{caller}")).unwrap();
            let mut count = 0_u32;
            while start.elapsed() < ROUND {
                let value =
                    json!({ "caller": caller, "count": count, "at": start.elapsed().as_nanos().to_string() });
                context.config.set(&id, &key, &value).await.unwrap();
                count += 1;
            }
            count
        });
    }
    let mut count = 0;
    while let Some(done) = tasks.join_next().await {
        count += done.unwrap();
    }
    f64::from(count) / start.elapsed().as_secs_f64()
}
