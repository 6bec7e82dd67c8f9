//! The plugin of docs/WRITING-A-PLUGIN.md and its test, as they stand there: tests/guide.rs holds the two together.
#![allow(clippy::unwrap_used)] // the guide's test may end with a panic

use outboard_plugin::Plugin;
use outboard_plugin::axum::{Router, routing::get};
use outboard_plugin::serde_json::json;

fn main() -> std::process::ExitCode {
    plugin().run()
}

fn plugin() -> Plugin {
    Plugin::new()
        .on_start(|ctx| async move {
            let units: String = ctx.config.get_or("units", "metric".to_owned()).await?;
            ctx.logger.info("Start", format!("units: {units}"));
            ctx.server.register_router("/api/my-plugin", Router::new().route("/", get(|| async { "hello" })));
            ctx.ipc.handle("get-status", move |_| {
                let units = units.clone();
                async move { Ok(json!({ "online": true, "units": units })) }
            });
            Ok(())
        })
        .on_stop(|ctx| async move {
            ctx.logger.info("Stop", "goodbye");
            Ok(())
        })
}

#[cfg(test)]
mod tests {
    use outboard_plugin::testing::Setup;

    #[tokio::test]
    async fn it_greets_and_says_its_units() {
        let setup = Setup::new("my-plugin").config("units", "imperial");
        let host = setup.start(super::plugin()).await.unwrap();
        assert_eq!(host.get("/api/my-plugin/").await.0, 200);
        assert_eq!(host.invoke("get-status", vec![]).await.unwrap()["units"], "imperial");
        host.stop().await.unwrap();
    }
}
