//! The life of a plugin: start, resume, stop, hang-up, panics.
#![allow(clippy::unwrap_used)] // a test may end with a panic

use outboard_plugin::axum::Router;
use outboard_plugin::axum::routing::get;
use outboard_plugin::testing::{Host, Setup};
use outboard_plugin::{ErrorReason, Failure, Plugin};
use serde_json::json;

#[tokio::test]
async fn an_error_in_on_start_reaches_the_host_with_its_causes() {
    let plugin = Plugin::new().on_start(|_| async {
        std::fs::read("/nowhere/at/all")?;
        Ok(())
    });
    let refused = Host::start(plugin).await.unwrap_err();
    assert_eq!(refused.reason(), Some(ErrorReason::InternalError));
    assert!(refused.message.contains("No such file"), "{}", refused.message);
}

#[tokio::test]
async fn a_panic_in_on_start_is_an_error_and_names_what_it_said() {
    let refused =
        Host::start(Plugin::new().on_start(|_| async { panic!("out of cheese") })).await.unwrap_err();
    assert!(refused.message.contains("out of cheese"), "{}", refused.message);
}

#[tokio::test]
async fn a_plugin_without_hooks_starts_and_stops() {
    Host::start(Plugin::new()).await.unwrap().stop().await.unwrap();
}

#[tokio::test]
async fn on_stop_may_still_use_the_context() {
    let (said, heard) = tokio::sync::oneshot::channel();
    let plugin = Plugin::new().on_stop(|ctx| async move {
        ctx.config.set("flushed", &true).await?;
        let _ = said.send(ctx.config.get::<bool>("flushed").await?);
        Ok(())
    });
    Host::start(plugin).await.unwrap().stop().await.unwrap();
    assert_eq!(heard.await.expect("on_stop ran to its end"), Some(true));
}

#[tokio::test]
async fn the_error_of_on_stop_reaches_the_host_and_the_plugin_ends() {
    let plugin = Plugin::new().on_stop(|_| async { Err(Failure::new("cannot flush")) });
    let refused = Host::start(plugin).await.unwrap().stop().await.unwrap_err();
    assert_eq!(refused.message, "cannot flush");
}

#[tokio::test]
async fn on_resume_runs_in_place_of_on_start_after_an_update() {
    let plugin = Plugin::new().on_start(|_| async { Err(Failure::new("on_start must not run")) }).on_resume(
        |ctx| async move {
            let from = ctx.resumed_from().unwrap_or("nothing").to_owned();
            ctx.config.set("from", &from).await.map_err(Failure::from)
        },
    );
    let host = Setup::new("p").resume(plugin, "1.2.3").await.unwrap();
    assert_eq!(host.config("from"), Some(json!("1.2.3")));
}

#[tokio::test]
async fn without_on_resume_on_start_runs_after_an_update() {
    let plugin = Plugin::new()
        .on_start(|ctx| async move { ctx.config.set("started", &1).await.map_err(Failure::from) });
    let host = Setup::new("p").resume(plugin, "1.2.3").await.unwrap();
    assert_eq!(host.config("started"), Some(json!(1)));
}

#[tokio::test]
async fn when_the_host_hangs_up_on_stop_runs_and_calls_fail_at_once() {
    let (said, heard) = tokio::sync::oneshot::channel();
    let plugin = Plugin::new().on_stop(|ctx| async move {
        let _ = said.send(ctx.config.set("late", &1).await.unwrap_err().reason());
        Ok(())
    });
    Host::start(plugin).await.unwrap().hang_up().await.unwrap();
    assert_eq!(heard.await.unwrap(), Some(ErrorReason::ShuttingDown));
}

#[tokio::test]
async fn start_comes_once_and_unknown_methods_are_refused() {
    let host = Host::start(Plugin::new()).await.unwrap();
    let again = host.ask("start", &json!({})).await.unwrap_err();
    assert_eq!(again.reason(), Some(ErrorReason::Conflict));
    let unknown = host.ask("no.such", &json!({})).await.unwrap_err();
    assert_eq!(unknown.reason(), Some(ErrorReason::MethodNotFound));
    assert_eq!(host.ask("ping", &json!({ "future": 1 })).await.unwrap(), json!({}));
}

#[tokio::test]
async fn a_refused_prefix_fails_the_start_with_the_hosts_reason() {
    let plugin = Plugin::new().on_start(|ctx| async move {
        ctx.server.register_router("/loadsheet", Router::new());
        Ok(())
    });
    let refused = Setup::new("p").foreign_prefix("/loadsheet").start(plugin).await.unwrap_err();
    assert_eq!(refused.reason(), Some(ErrorReason::Conflict));
    assert!(refused.message.contains("another"), "{}", refused.message);
}

#[tokio::test]
async fn a_refused_prefix_that_was_awaited_is_the_authors_to_deal_with() {
    let plugin = Plugin::new().on_start(|ctx| async move {
        let router = || Router::new().route("/", get(|| async { "here" }));
        if ctx.server.register_router("/loadsheet", router()).await.is_err() {
            ctx.server.register_router("/api/p", router()).await?;
        }
        Ok(())
    });
    let host = Setup::new("p").foreign_prefix("/loadsheet").start(plugin).await.unwrap();
    assert_eq!(host.prefixes(), ["/api/p"]);
    assert_eq!(host.get("/api/p").await, (200, b"here".to_vec()));
    assert_eq!(host.get("/loadsheet").await.0, 404);
}
