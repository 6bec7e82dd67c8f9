//! `ctx.server`: routers below prefixes.
#![allow(clippy::unwrap_used)] // a test may end with a panic

use outboard_plugin::axum::Router;
use outboard_plugin::axum::body::{Body, to_bytes};
use outboard_plugin::axum::extract::OriginalUri;
use outboard_plugin::axum::http::{Request, Uri};
use outboard_plugin::axum::routing::get;
use outboard_plugin::testing::Host;
use outboard_plugin::{Failure, Plugin};

fn echo(name: &'static str) -> Router {
    let shown = move |uri: Uri, OriginalUri(full): OriginalUri| async move { format!("{name} {uri} {full}") };
    Router::new().route("/", get(shown)).route("/deep/{x}", get(shown))
}

async fn host() -> Host {
    let plugin = Plugin::new().on_start(|ctx| async move {
        ctx.server.register_router("/api/p", echo("outer"));
        ctx.server.register_router("/api/p/inner", echo("inner"));
        ctx.server.register_router("/loadsheet", echo("other"));
        Ok(())
    });
    Host::start(plugin).await.unwrap()
}

async fn text(host: &Host, path: &str) -> String {
    String::from_utf8(host.get(path).await.1).unwrap()
}

#[tokio::test]
async fn a_router_sees_its_paths_without_the_prefix() {
    let host = host().await;
    assert_eq!(text(&host, "/api/p").await, "outer / /api/p");
    assert_eq!(text(&host, "/api/p/").await, "outer / /api/p/");
    assert_eq!(text(&host, "/api/p?a=1").await, "outer /?a=1 /api/p?a=1");
    assert_eq!(
        text(&host, "/api/p/deep/%2e%2e?q=%20").await,
        "outer /deep/%2e%2e?q=%20 /api/p/deep/%2e%2e?q=%20"
    );
    assert_eq!(text(&host, "/loadsheet/deep/1").await, "other /deep/1 /loadsheet/deep/1");
}

#[tokio::test]
async fn the_longest_prefix_wins_and_prefixes_end_at_segments() {
    let host = host().await;
    assert_eq!(text(&host, "/api/p/inner").await, "inner / /api/p/inner");
    assert_eq!(host.get("/api/p/innermost").await.0, 404);
    assert_eq!(host.get("/api/pp").await.0, 404);
}

#[tokio::test]
async fn a_prefix_that_the_host_has_removed_still_finds_its_router() {
    let host = host().await;
    let request =
        Request::get("/deep/1").header("x-forwarded-prefix", "/loadsheet").body(Body::empty()).unwrap();
    let response = host.request(request).await;
    let body = to_bytes(response.into_body(), 1000).await.unwrap();
    assert_eq!(body, "other /deep/1 /deep/1");
}

#[tokio::test]
async fn a_prefix_twice_is_refused_and_an_unregistered_one_is_gone() {
    let plugin = Plugin::new().on_start(|ctx| async move {
        ctx.server.register_router("/api/p", echo("first")).await?;
        let twice = ctx.server.register_router("/api/p", echo("second")).await;
        assert!(twice.is_err());
        ctx.server.register_router("/gone", echo("gone")).await?;
        ctx.server.unregister_router("/gone").await.map_err(Failure::from)
    });
    let host = Host::start(plugin).await.unwrap();
    assert_eq!(text(&host, "/api/p").await, "first / /api/p");
    assert_eq!(host.get("/gone").await.0, 404);
    assert_eq!(host.prefixes(), ["/api/p"]);
}
