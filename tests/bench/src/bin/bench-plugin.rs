//! A plugin that asks a lot: its channels `rpc` and `sets` make context calls in bulk, `push` tells its UIs something, `print`
//! writes to standard error, and its route answers with about 100 bytes. `bench-plugin --serve SOCKET` serves the same route
//! without any supervisor, and `bench-plugin --print LINES` writes the same lines.
#![allow(clippy::unwrap_used, reason = "a figure that cannot be taken ends the run")]

use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use axum::routing::get;
use axum::{Json, Router};
use outboard_plugin::{Context, Failure, Plugin};
use serde_json::{Value, json};
use tokio::task::JoinSet;

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    match words.next().as_deref() {
        Some("--serve") => serve_bare(&words.next().unwrap()),
        Some("--print") => print(words.next().unwrap().parse().unwrap()),
        _ => return Plugin::new().on_start(on_start).run(),
    }
    ExitCode::SUCCESS
}

/// Lines of 100 bytes, each in a write of its own, as programs print them.
fn print(lines: usize) {
    let mut out = std::io::stderr().lock();
    for n in 0..lines {
        out.write_all(format!("{n:0>8} {}\n", "a line as programs print them ".repeat(3)).as_bytes())
            .unwrap();
    }
}

/// A message of about 100 bytes to every UI that has subscribed, so many times and so far apart.
async fn push(ctx: Context, messages: usize, pause: Duration) {
    for n in 0..messages {
        ctx.ipc.send("news", &json!({"n": 100_000 + n, "text": "x".repeat(40)})).unwrap();
        tokio::time::sleep(pause).await;
    }
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
    ctx.ipc.handle("push", move |args| {
        let ctx = shared.clone();
        async move {
            push(ctx, args.get(0)?, Duration::from_millis(args.get(1)?)).await;
            Ok(Value::Null)
        }
    });
    ctx.ipc.handle("print", |args| async move {
        print(args.get(0)?);
        Ok(Value::Null)
    });
    let shared = ctx.clone();
    ctx.ipc.handle("rpc", move |args| {
        let ctx = shared.clone();
        async move {
            let (calls, at_once) = (args.get::<usize>(0)?, args.get::<usize>(1)?);
            Ok(run(calls, at_once, move |_| {
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
            Ok(run(calls, at_once, move |n| {
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

/// Makes calls from so many tasks, each one call after the other, and gives the time of all and the median of one. Single
/// calls are timed only where one task makes them: two looks at the clock are a good part of a call.
async fn run<F>(calls: usize, at_once: usize, call: impl Fn(usize) -> F + Clone + Send + 'static) -> Value
where
    F: Future<Output = ()> + Send + 'static,
{
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for task in 0..at_once {
        let call = call.clone();
        tasks.spawn(async move {
            let mut times = Vec::new();
            for n in (task..calls).step_by(at_once) {
                let made = (at_once == 1).then(Instant::now);
                call(n).await;
                times.extend(made.map(|made| made.elapsed()));
            }
            times
        });
    }
    let mut times: Vec<Duration> = tasks.join_all().await.into_iter().flatten().collect();
    json!({"seconds": begun.elapsed().as_secs_f64(), "p50_us": bench::median_us(&mut times)})
}

fn serve_bare(socket: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::UnixListener::bind(socket).unwrap();
        axum::serve(listener, router()).await.unwrap();
    });
}
