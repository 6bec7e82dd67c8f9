//! A plugin that asks a lot: its channels `rpc` and `sets` make context calls in bulk, and its route answers with about 100
//! bytes. `bench-plugin --serve SOCKET` serves the same route without any supervisor.
#![allow(clippy::unwrap_used, reason = "a figure that cannot be taken ends the run")]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use axum::routing::get;
use axum::{Json, Router};
use futures_util::{StreamExt, stream};
use outboard_plugin::{Context, Failure, Plugin};
use serde_json::{Value, json};

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    if words.next().as_deref() == Some("--serve") {
        serve_bare(&words.next().unwrap());
        return ExitCode::SUCCESS;
    }
    Plugin::new().on_start(on_start).run()
}

fn router() -> Router {
    let body = json!({"pilot": "VA123", "from": "EGLL", "to": "LFPG", "rate": -180.5, "note": "a smooth landing indeed"});
    let large = vec![b'x'; 1 << 20];
    Router::new()
        .route("/", get(move || async move { Json(body.clone()) }))
        .route("/large", get(move || async move { large.clone() }))
}

async fn on_start(ctx: Context) -> Result<(), Failure> {
    ctx.config.set("key", &"x".repeat(60)).await?;
    ctx.server.register_router(ctx.http_prefix(), router());
    let shared = ctx.clone();
    ctx.ipc.handle("rpc", move |args| {
        let ctx = shared.clone();
        async move {
            let (calls, at_once) = (args.get::<usize>(0)?, args.get::<usize>(1)?);
            Ok(run(calls, at_once, |_| {
                let ctx = ctx.clone();
                async move { drop(ctx.config.get::<Value>("key").await.unwrap()) }
            })
            .await)
        }
    });
    let shared = ctx.clone();
    ctx.ipc.handle("sets", move |args| {
        let ctx = shared.clone();
        async move {
            let (calls, at_once) = (args.get::<usize>(0)?, args.get::<usize>(1)?);
            Ok(run(calls, at_once, |n| {
                let ctx = ctx.clone();
                // A value that changes, or nothing would be written.
                async move {
                    ctx.config.set(&format!("set{}", n % 64), &n).await.unwrap();
                }
            })
            .await)
        }
    });
    Ok(())
}

/// Makes calls, so many at once, and gives the time of all and the median of one.
async fn run<F: Future<Output = ()>>(calls: usize, at_once: usize, call: impl Fn(usize) -> F) -> Value {
    let begun = Instant::now();
    let timed = |n| {
        let (call, made) = (call(n), Instant::now());
        async move {
            call.await;
            made.elapsed()
        }
    };
    let mut times: Vec<Duration> =
        stream::iter(0..calls).map(timed).buffer_unordered(at_once).collect().await;
    json!({"seconds": begun.elapsed().as_secs_f64(), "p50_us": bench::median_us(&mut times)})
}

fn serve_bare(socket: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::UnixListener::bind(socket).unwrap();
        axum::serve(listener, router()).await.unwrap();
    });
}
