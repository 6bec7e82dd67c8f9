//! `ctx.service`: calls, events, questions, and what a plugin provides, on a host in memory.
#![allow(clippy::unwrap_used)] // a test may end with a panic

use std::time::Duration;

use outboard_plugin::testing::{Host, Setup};
use outboard_plugin::{CallError, ErrorReason, Failure, Plugin};
use serde_json::{Value, json};

#[tokio::test]
async fn a_call_reaches_the_provider_and_its_error_is_told_from_nobody_there() {
    let plugin = Plugin::new().on_start(|ctx| async move {
        let flight = ctx.service("flight");
        let state: Value = flight.call("getState", &json!({ "full": true })).await?;
        ctx.config.set("state", &state).await?;
        let refused = flight.call::<Value>("explode", &()).await.unwrap_err();
        ctx.config.set("refused", &format!("{:?}", refused.reason())).await?;
        let nobody = ctx.service("nobody").call::<Value>("m", &()).await.unwrap_err();
        ctx.config.set("nobody", &format!("{:?}", nobody.reason())).await?;
        let misspelt = ctx.service("No Such Name").call::<Value>("m", &()).await;
        assert!(matches!(misspelt, Err(CallError::InvalidName(_))), "{misspelt:?}");
        Ok(())
    });
    let answer = |method: &str, params: Value| match method {
        "getState" => Ok(json!({ "asked": params })),
        other => Err(outboard_plugin::protocol::RpcError::new(
            ErrorReason::MethodNotFound,
            format!("no method {other}"),
        )),
    };
    let host = Setup::new("hud").service("flight", answer).start(plugin).await.unwrap();
    assert_eq!(host.config("state"), Some(json!({ "asked": { "full": true } })));
    assert_eq!(host.config("refused"), Some("Some(MethodNotFound)".into()));
    assert_eq!(host.config("nobody"), Some("Some(NoProvider)".into()));
}

#[tokio::test]
async fn one_subscription_serves_every_listener_and_ends_with_the_last() {
    let plugin = Plugin::new().on_start(|ctx| async move {
        let flight = ctx.service("flight");
        let (first, second) = (ctx.clone(), ctx.clone());
        let one = flight.on("phase", move |phase: String| first.logger.info("one", phase)).await?;
        let other = flight.on("phase", move |phase: String| second.logger.info("other", phase)).await?;
        ctx.ipc
            .handle("end", {
                let subscriptions = std::sync::Mutex::new(vec![one, other]);
                move |_| {
                    let next = subscriptions.lock().unwrap().pop();
                    async move {
                        if let Some(next) = next {
                            next.end().await?;
                        }
                        Ok::<_, Failure>(())
                    }
                }
            })
            .await?;
        Ok(())
    });
    let host = Host::start(plugin).await.unwrap();
    let wanted = vec![("flight".to_owned(), "phase".to_owned())];
    assert_eq!(host.subscriptions(), wanted);
    host.tell_event("flight", "phase", "climb").unwrap();
    host.logged("climb").await.unwrap();
    host.invoke("end", Vec::new()).await.unwrap();
    assert_eq!(host.subscriptions(), wanted, "the other listener wants it still");
    host.tell_event("flight", "phase", "cruise").unwrap();
    // What is not of the type that is listened for is left out.
    host.tell_event("flight", "phase", 7).unwrap();
    host.logged("cruise").await.unwrap();
    host.invoke("end", Vec::new()).await.unwrap();
    assert_eq!(host.subscriptions(), []);
    let heard: Vec<_> = host.logs().into_iter().map(|record| (record.tag, record.message)).collect();
    let tags: Vec<_> = heard.iter().map(|(tag, message)| (tag.as_str(), message.as_str())).collect();
    assert_eq!(tags, [("one", "climb"), ("other", "climb"), ("one", "cruise")]);
}

#[tokio::test]
async fn a_question_is_answered_under_its_id_and_one_that_nobody_answers_is_refused_at_once() {
    let plugin = Plugin::new().on_start(|ctx| async move {
        let guard = |payload: Value| async move {
            match payload["fails"].as_bool() {
                Some(true) => Err(Failure::coded(ErrorReason::Denied, "I fail")),
                _ => Ok(json!({ "allow": false })),
            }
        };
        ctx.service("flight").answer("may-start", guard).await?;
        ctx.service("flight").on("only-heard", |_: Value| ()).await?;
        Ok(())
    });
    let host = Host::start(plugin).await.unwrap();
    let answer = host.ask_by_event("flight", "may-start", json!({})).await.unwrap();
    assert_eq!(answer, Some(json!({ "allow": false })));
    let failed = host.ask_by_event("flight", "may-start", json!({ "fails": true })).await.unwrap_err();
    assert_eq!(failed.message, "I fail");
    let heard = host.ask_by_event("flight", "only-heard", json!({})).await.unwrap_err();
    assert_eq!(heard.reason(), Some(ErrorReason::NotFound));
}

#[tokio::test]
async fn a_provider_knows_its_caller_and_tells_its_events() {
    let plugin = Plugin::new().on_start(|ctx| async move {
        let billing = ctx.service("acme.billing");
        let telling = billing.clone();
        billing.provide("charge", move |call| {
            let telling = telling.clone();
            async move {
                let cents: u64 = call.read()?;
                telling.emit("paid", &json!({ "by": call.caller.as_str(), "cents": cents }))?;
                telling.emit_latest("balance", &cents)?;
                telling.emit_to(&call.caller, "receipt", &cents)?;
                Ok(cents * 2)
            }
        })?;
        billing.provide("slow", |_| async {
            tokio::time::sleep(Duration::from_secs(3600)).await;
            Ok(())
        })?;
        Ok(())
    });
    let host = Host::start(plugin).await.unwrap();
    assert_eq!(host.call_service("acme.billing", "charge", 21, "shop").await.unwrap(), 42);
    let paid = host.next_emitted().await.unwrap();
    assert_eq!((paid.event.as_str(), &paid.payload), ("paid", &json!({ "by": "shop", "cents": 21 })));
    assert!(host.next_emitted().await.unwrap().latest);
    assert_eq!(host.next_emitted().await.unwrap().to.as_deref(), Some("shop"));
    let wrong = host.call_service("acme.billing", "charge", "much", "shop").await.unwrap_err();
    assert_eq!(wrong.reason(), Some(ErrorReason::InvalidParams));
    let unknown = host.call_service("acme.billing", "refund", Value::Null, "shop").await.unwrap_err();
    assert_eq!(unknown.reason(), Some(ErrorReason::MethodNotFound));
    // One that takes long holds up no other.
    let slow = host.call_service("acme.billing", "slow", Value::Null, "shop");
    tokio::select! {
        _ = slow => panic!("the slow one is answered"),
        quick = host.call_service("acme.billing", "charge", 1, "shop") => assert_eq!(quick.unwrap(), 2),
    }
}
