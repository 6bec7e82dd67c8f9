//! The two plugins of docs/WRITING-A-PLUGIN.md that provide a service and use it, as they stand there: tests/guide.rs holds them together.
#![allow(clippy::unwrap_used)] // a test may end with a panic

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use outboard_plugin::serde_json::{Value, json};
use outboard_plugin::{ErrorReason, Failure, Plugin};

fn provider() -> Plugin {
    Plugin::new().on_start(|ctx| async move {
        let weather = ctx.service("weather");
        let reports = Arc::new(Mutex::new(BTreeMap::from([("EDDF".to_owned(), json!({ "wind": 12 }))])));
        let known = Arc::clone(&reports);
        weather.provide("getReport", move |call| {
            let station = call.params["station"].as_str().unwrap_or_default().to_owned();
            let found = known.lock().ok().and_then(|reports| reports.get(&station).cloned());
            let missing = format!("there is no report of {station}");
            async move { found.ok_or_else(|| Failure::coded(ErrorReason::NotFound, missing)) }
        })?;
        let teller = weather.clone();
        weather.provide("setReport", move |call| {
            let station = call.params["station"].as_str().unwrap_or_default().to_owned();
            let report = json!({ "wind": call.params["wind"], "by": call.caller });
            let changed = json!({ "station": station, "wind": report["wind"], "by": report["by"] });
            if let Ok(mut reports) = reports.lock() {
                reports.insert(station, report);
            }
            let told = teller.emit("changed", &changed);
            async move { Ok(told?) }
        })?;
        Ok(())
    })
}

fn consumer() -> Plugin {
    Plugin::new().on_start(|ctx| async move {
        let weather = ctx.service("weather");
        let ui = ctx.clone();
        weather
            .on("changed", move |report: Value| {
                if let Err(error) = ui.ipc.send("changed", &report) {
                    ui.logger.warn("Weather", error.to_string());
                }
            })
            .await?;
        ctx.ipc.handle("get-briefing", move |args| {
            let weather = weather.clone();
            async move {
                let station: String = args.get(0)?;
                Ok(weather.call::<Value>("getReport", &json!({ "station": station })).await?)
            }
        });
        Ok(())
    })
}

fn main() -> std::process::ExitCode {
    if std::env::args().any(|argument| argument == "--consumer") {
        consumer().run()
    } else {
        provider().run()
    }
}

#[cfg(test)]
mod tests {
    use outboard_plugin::serde_json::json;
    use outboard_plugin::testing::Setup;

    #[tokio::test]
    async fn the_provider_of_the_guide_answers_and_tells() {
        let host = Setup::new("weather").start(super::provider()).await.unwrap();
        let asked = |method, params| host.call_service("weather", method, params, "briefing");
        assert_eq!(asked("getReport", json!({ "station": "EDDF" })).await.unwrap(), json!({ "wind": 12 }));
        let missing = asked("getReport", json!({ "station": "LSZH" })).await.unwrap_err();
        assert_eq!(missing.message, "there is no report of LSZH");
        asked("setReport", json!({ "station": "LSZH", "wind": 7, "caller": "a-liar" })).await.unwrap();
        let told = host.next_emitted().await.unwrap();
        assert_eq!(told.event, "changed");
        assert_eq!(told.payload, json!({ "station": "LSZH", "wind": 7, "by": "briefing" }));
        let made = asked("getReport", json!({ "station": "LSZH" })).await.unwrap();
        assert_eq!(made, json!({ "wind": 7, "by": "briefing" }));
        host.stop().await.unwrap();
    }

    #[tokio::test]
    async fn the_consumer_of_the_guide_asks_and_listens() {
        let setup = Setup::new("briefing").service("weather", |method, params| {
            Ok(json!({ "method": method, "station": params["station"] }))
        });
        let host = setup.start(super::consumer()).await.unwrap();
        let found = host.invoke("get-briefing", vec![json!("EDDF")]).await.unwrap();
        assert_eq!(found, json!({ "method": "getReport", "station": "EDDF" }));
        assert_eq!(host.subscriptions(), [("weather".to_owned(), "changed".to_owned())]);
        host.tell_event("weather", "changed", json!({ "wind": 3 })).unwrap();
        assert_eq!(host.next_event().await.unwrap().payload, json!({ "wind": 3 }));
        host.stop().await.unwrap();
    }
}
