//! `ctx.ipc`: channels, events, concurrency, withdrawal.
#![allow(clippy::unwrap_used)] // a test may end with a panic

use std::sync::{Arc, Mutex};
use std::time::Duration;

use outboard_plugin::testing::Host;
use outboard_plugin::{Context, ErrorReason, Failure, Plugin};
use serde_json::{Value, json};
use tokio::sync::{Barrier, Notify, oneshot};

async fn with(setup: impl FnOnce(Context) + Send + 'static) -> Host {
    let plugin = Plugin::new().on_start(|ctx| async move {
        setup(ctx);
        Ok(())
    });
    Host::start(plugin).await.unwrap()
}

#[tokio::test]
async fn a_channel_answers_with_its_arguments() {
    let host = with(|ctx| {
        ctx.ipc.handle("add", |args| async move { Ok(args.get::<i64>(0)? + args.get::<i64>(1)?) });
    })
    .await;
    assert_eq!(host.invoke("add", vec![json!(2), json!(3)]).await.unwrap(), json!(5));
    let wrong = host.invoke("add", vec![json!("two")]).await.unwrap_err();
    assert_eq!(wrong.reason(), Some(ErrorReason::InvalidParams));
    assert!(wrong.message.contains("argument 0"), "{}", wrong.message);
}

#[tokio::test]
async fn a_handlers_error_and_its_panic_are_answers() {
    let host = with(|ctx| {
        ctx.ipc.handle("fails", |_| async {
            Err::<(), _>(Failure::coded(ErrorReason::NotFound, "no such flight").with("flight", "QFA1"))
        });
        ctx.ipc.handle("panics", |args| async move {
            let list: Vec<u8> = args.get(0)?;
            Ok(list[7])
        });
    })
    .await;
    let error = host.invoke("fails", vec![]).await.unwrap_err();
    assert_eq!((error.reason(), error.message.as_str()), (Some(ErrorReason::NotFound), "no such flight"));
    assert_eq!(error.data.unwrap().details["flight"], "QFA1");
    let panicked = host.invoke("panics", vec![json!([])]).await.unwrap_err();
    assert!(panicked.message.contains("panicked"), "{}", panicked.message);
    assert!(host.invoke("panics", vec![json!([0, 0, 0, 0, 0, 0, 0, 9])]).await.is_ok());
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("dropped");
        }
    }
}

/// An error that says nothing, and is its own cause.
#[derive(Debug)]
struct Mute;

impl std::fmt::Display for Mute {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Err(std::fmt::Error)
    }
}

impl std::error::Error for Mute {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(self)
    }
}

#[tokio::test]
async fn whatever_a_handler_fails_with_its_caller_is_answered_and_the_plugin_goes_on() {
    let host = with(|ctx| {
        ctx.ipc.handle("mute", |_| async { Err::<(), _>(Failure::from(Mute)) });
        ctx.ipc.handle("payload", |_| async { std::panic::panic_any(Bomb) as Result<(), Failure> });
        ctx.ipc.handle("captured", |_| {
            let bomb = Bomb;
            // Kept until the call itself is dropped.
            std::future::poll_fn(move |_| {
                let _kept = &bomb;
                std::task::Poll::Ready(Ok(1))
            })
        });
    })
    .await;
    let answered = async {
        let mute = host.invoke("mute", vec![]).await.unwrap_err();
        assert!(mute.message.contains("cannot be read"), "{}", mute.message);
        assert!(host.invoke("payload", vec![]).await.unwrap_err().message.contains("panicked"));
        assert!(host.invoke("captured", vec![]).await.unwrap_err().message.contains("panicked: dropped"));
        assert_eq!(host.ask("ping", &json!({})).await.unwrap(), json!({}));
    };
    tokio::time::timeout(Duration::from_secs(20), answered).await.expect("every call is answered");
}

#[tokio::test]
async fn a_failure_keeps_a_code_of_the_plugins_own() {
    let host = with(|ctx| {
        ctx.ipc.handle("number", |_| async { Err::<(), _>(Failure::numbered(1234, "own")) });
        ctx.ipc.handle("denied", |_| async { Err::<(), _>(Failure::numbered(-32004, "not you")) });
        ctx.ipc.handle("text", |_| async { Err::<(), _>(Failure::new("full").with("code", "E_FULL")) });
    })
    .await;
    assert_eq!(host.invoke("number", vec![]).await.unwrap_err().code, 1234);
    assert_eq!(host.invoke("denied", vec![]).await.unwrap_err().reason(), Some(ErrorReason::Denied));
    assert_eq!(host.invoke("text", vec![]).await.unwrap_err().data.unwrap().details["code"], "E_FULL");
}

#[tokio::test]
async fn an_event_may_be_kept_for_those_who_connect_later() {
    let host = with(|ctx| {
        ctx.ipc.send_retained("status", &json!({ "up": true })).unwrap();
        ctx.ipc.send("status", &1).unwrap();
    })
    .await;
    let first = host.next_event().await.unwrap();
    assert_eq!((first.payload, first.retained), (json!({ "up": true }), true));
    assert!(!host.next_event().await.unwrap().retained);
}

#[tokio::test]
async fn nobody_answers_on_a_channel_that_was_never_handled_or_is_removed() {
    let host = with(|ctx| {
        ctx.ipc.handle("here", |_| async { Ok(1) });
        let inner = ctx.clone();
        ctx.ipc.handle("go", move |_| {
            let ctx = inner.clone();
            async move { ctx.ipc.remove_handler("here").await.map_err(Failure::from) }
        });
    })
    .await;
    assert_eq!(host.invoke("elsewhere", vec![]).await.unwrap_err().reason(), Some(ErrorReason::NotFound));
    assert!(host.invoke("here", vec![]).await.is_ok());
    host.invoke("go", vec![]).await.unwrap();
    assert_eq!(host.invoke("here", vec![]).await.unwrap_err().reason(), Some(ErrorReason::NotFound));
}

#[tokio::test]
async fn calls_run_at_the_same_time() {
    let host = with(|ctx| {
        let barrier = Arc::new(Barrier::new(3));
        ctx.ipc.handle("meet", move |_| {
            let barrier = Arc::clone(&barrier);
            async move {
                barrier.wait().await;
                Ok(())
            }
        });
    })
    .await;
    let all = async {
        tokio::join!(host.invoke("meet", vec![]), host.invoke("meet", vec![]), host.invoke("meet", vec![]))
    };
    let (a, b, c) = tokio::time::timeout(Duration::from_secs(20), all).await.expect("nobody waits for ever");
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
}

#[tokio::test]
async fn a_withdrawn_call_drops_its_handler() {
    struct OnDrop(Option<oneshot::Sender<()>>);
    impl Drop for OnDrop {
        fn drop(&mut self) {
            let _ = self.0.take().unwrap().send(());
        }
    }
    let (dropped, was_dropped) = oneshot::channel();
    let dropped = Mutex::new(Some(dropped));
    let begun = Arc::new(Notify::new());
    let shared = Arc::clone(&begun);
    let host = with(move |ctx| {
        ctx.ipc.handle("forever", move |_| {
            let guard = OnDrop(dropped.lock().unwrap().take());
            let begun = Arc::clone(&shared);
            async move {
                begun.notify_one();
                std::future::pending::<()>().await;
                drop(guard);
                Ok(())
            }
        });
    })
    .await;
    tokio::select! {
        _ = host.invoke("forever", vec![]) => panic!("it never answers"),
        () = begun.notified() => {}
    }
    tokio::time::timeout(Duration::from_secs(20), was_dropped).await.unwrap().unwrap();
    assert_eq!(host.ask("ping", &json!({})).await.unwrap(), json!({}));
}

#[tokio::test]
async fn events_arrive_in_order_and_channels_are_leaf_names() {
    let host = with(|ctx| {
        for n in 0..50 {
            ctx.ipc.send("tick", &n).unwrap();
        }
        assert!(ctx.ipc.send("plugin:p:tick", &1).is_err());
        ctx.ipc.send("done", &Value::Null).unwrap();
    })
    .await;
    for n in 0..50 {
        let event = host.next_event().await.unwrap();
        assert_eq!((event.channel.as_str(), event.payload), ("tick", json!(n)));
    }
    assert_eq!(host.next_event().await.unwrap().channel, "done");
}

/// Calls of the plugin's at once; many more in trials.
fn storm() -> u64 {
    if std::env::var_os("OUTBOARD_TRIALS").is_some() { 12_000 } else { 3_000 }
}

#[tokio::test]
async fn thousands_of_calls_at_once_all_get_their_own_answer() {
    let host = with(|ctx| {
        let inner = ctx.clone();
        ctx.ipc.handle("storm", move |_| {
            let ctx = inner.clone();
            async move {
                let mut calls = tokio::task::JoinSet::new();
                for n in 0..storm() {
                    let ctx = ctx.clone();
                    calls.spawn(async move {
                        let key = format!("k{}", n % 10);
                        ctx.config.set(&key, &"x".repeat(200)).await.map(|()| n)
                    });
                }
                let mut sum = 0;
                while let Some(done) = calls.join_next().await {
                    sum += done.map_err(Failure::from)??;
                }
                Ok(sum)
            }
        });
    })
    .await;
    assert_eq!(host.invoke("storm", vec![]).await.unwrap(), json!((storm() - 1) * storm() / 2));
}
