//! A plugin for `tests/process.rs`: it prints wherever it can, and says on standard error what became of it.
//! Must not know who runs it.
#![allow(clippy::print_stdout)] // printing is what it is for

use std::process::{Command, ExitCode};

use outboard_plugin::axum::Router;
use outboard_plugin::axum::routing::get;
use outboard_plugin::{Failure, Plugin};

fn main() -> ExitCode {
    Plugin::new()
        .on_start(|ctx| async move {
            println!("{{\"jsonrpc\":\"2.0\",\"method\":\"log\",\"params\":{{\"forged\":true}}}}");
            Command::new("sh").args(["-c", "echo printed by a child; cat"]).status()?;
            if std::env::var_os("OUTBOARD_HTTP_FD").is_some() {
                ctx.server
                    .register_router("/api/probe", Router::new().route("/", get(|| async { "served" })));
            }
            ctx.ipc.handle("echo", |args| async move { args.get::<outboard_plugin::serde_json::Value>(0) });
            ctx.ipc.handle("blow", |_| async move {
                let blown: std::thread::JoinHandle<()> =
                    std::thread::spawn(|| panic!("in a thread of its own"));
                blown.join().map_err(|_| Failure::new("the thread panicked"))
            });
            Ok(())
        })
        .on_stop(|_| async {
            // Work that takes more than one turn, as most does.
            for _ in 0..8 {
                tokio::task::yield_now().await;
            }
            eprintln!("on_stop ran");
            Ok(())
        })
        .run()
}
