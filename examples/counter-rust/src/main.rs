//! The counter of ../../COUNTER.md in Rust, with the SDK.

use std::process::ExitCode;
use std::sync::Arc;

use outboard_plugin::axum::routing::{get, post};
use outboard_plugin::axum::{Json, Router};
use outboard_plugin::context::ipc::Args;
use outboard_plugin::{Context, Failure, Plugin};
use serde_json::{Value, json};
use tokio::sync::Mutex;

/// Held while the count changes, so that what is stored never goes backwards.
type Count = Arc<Mutex<i64>>;

fn main() -> ExitCode {
    Plugin::new()
        .on_start(start)
        .on_resume(|ctx| async move {
            ctx.logger.info("Counter", format!("resumed from {}", ctx.resumed_from().unwrap_or("nothing")));
            start(ctx).await
        })
        .on_stop(|ctx| async move {
            ctx.logger.info("Counter", "stopped");
            Ok(())
        })
        .run()
}

async fn start(ctx: Context) -> Result<(), Failure> {
    let count: Count = Arc::new(Mutex::new(ctx.config.get_or("count", 0).await?));
    ctx.logger.info("Counter", format!("at {}", count.lock().await));

    let (adding, shared) = (ctx.clone(), Arc::clone(&count));
    ctx.ipc.handle("add", move |args| add(adding.clone(), Arc::clone(&shared), args));

    let router = Router::new()
        .route("/", get(move || async move { Json(json!({ "count": *count.lock().await })) }))
        .route("/crash", post(|| async { std::process::exit(3) as () }));
    ctx.server.register_router(ctx.http_prefix(), router);
    Ok(())
}

async fn add(ctx: Context, count: Count, args: Args) -> Result<Value, Failure> {
    let amount = match args.0.first() {
        None => ctx.config.get_or("step", 1).await?,
        Some(given) => given.as_i64().ok_or_else(|| Failure::new("add takes a whole number"))?,
    };
    let mut count = count.lock().await;
    ctx.config.set("count", &(*count + amount)).await?;
    *count += amount;
    let now = json!({ "count": *count });
    ctx.ipc.send("count", &now)?;
    Ok(now)
}
