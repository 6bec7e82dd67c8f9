//! How a session ends, and what it does with a plugin that does not read.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod session_harness;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use outboard_host::session::{CallError, ContextCalls, NoiseSink, Session, SessionLimits};
use serde_json::json;
use session_harness::*;
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;
use tokio::time::timeout;

#[tokio::test]
async fn calls_in_flight_fail_at_once_when_the_plugin_ends() {
    let mut plugin = plugin();
    let session = plugin.session.clone();
    let call = tokio::spawn(async move { session.call("ipc.invoke", json!({}), LONG).await });
    plugin.hear().await;
    let Plugin { session, output, input, .. } = plugin;
    drop((output, input));
    session.finish();
    let outcome = timeout(Duration::from_secs(5), call).await.expect("long before its deadline").unwrap();
    assert!(matches!(outcome, Err(CallError::Closed { method: "ipc.invoke" })));
    timeout(GUARD, session.ended()).await.unwrap();
}

#[tokio::test]
async fn the_end_of_a_plugin_does_not_wait_for_what_it_had_asked() {
    let mut plugin = plugin();
    plugin.say(r#"{"jsonrpc":"2.0","id":1,"method":"never"}"#).await;
    plugin.settle().await;
    let Plugin { session, output, input, mut tasks, .. } = plugin;
    drop((output, input));
    session.finish();
    while timeout(GUARD, tasks.join_next()).await.expect("nothing is left to read or to write").is_some() {}
}

#[tokio::test]
async fn a_call_after_the_end_is_told_so_and_not_to_try_again() {
    let Plugin { session, output, input, mut tasks, .. } = plugin();
    drop((output, input));
    session.finish();
    while timeout(GUARD, tasks.join_next()).await.unwrap().is_some() {}
    let outcome = session.call("ping", json!({}), LONG).await;
    assert!(matches!(outcome, Err(CallError::Closed { method: "ping" })), "{outcome:?}");
}

#[tokio::test]
async fn a_plugin_that_closes_only_its_input_has_ended_the_conversation() {
    let (from_plugin, mut says) = tokio::io::duplex(1024);
    let (to_plugin, hears) = tokio::io::duplex(1024);
    let host = Arc::new(Host::default());
    let mut tasks = JoinSet::new();
    let session = Session::open(
        from_plugin,
        to_plugin,
        Arc::clone(&host) as Arc<dyn ContextCalls>,
        Arc::clone(&host) as Arc<dyn NoiseSink>,
        &SessionLimits::default(),
        &mut tasks,
    );
    drop(hears);
    assert!(session.notify("config.changed", json!({})));
    timeout(GUARD, session.ended()).await.expect("what is said to it reaches nobody");
    // What it still says is read all the same.
    says.write_all(b"last words\n").await.unwrap();
    drop(says);
    while timeout(GUARD, tasks.join_next()).await.unwrap().is_some() {}
    assert_eq!(host.lines.lock().unwrap().as_slice(), ["last words"]);
}

#[tokio::test]
async fn no_part_of_a_message_is_ever_kept_as_a_log_line() {
    let call = r#""method":"config.set","params":{"key":"password","value":"CANARY"#;
    // What stands on the pipe when the process ends, and before.
    let endings = [
        format!(r#"{{"jsonrpc":"2.0","id":1,{call}"#),
        format!(r#"{{"jsonrpc":"2.0","id":1,{call}"}}}}"#),
        format!(r#"{{"id":1,{call}"#),
        format!(r#"working… {{"jsonrpc":"2.0","id":1,{call}"#),
        format!("{{\"id\":1,{call}\"}}}}\n"),
        format!("working… {{\"jsonrpc\":\"2.0\",\"id\":1,{call}\"}}}}\n"),
        format!("working… {{{call}\"}},\"id\":1,\"jsonrpc\":\"2.0\"}}\n"),
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"config.set\",\"params\":{\"key\":\nhello\n\"password\",\"value\":\"CANARY\"}}\n".to_owned(),
        format!("{{{call}{}\n", "x".repeat(2048)),
    ];
    for ending in endings {
        let mut plugin = Plugin::connect(&SessionLimits { frame: 1024, ..SessionLimits::default() });
        plugin.output.write_all(ending.as_bytes()).await.unwrap();
        let host = Arc::clone(&plugin.host);
        let Plugin { session, output, input, .. } = plugin;
        drop((output, input));
        session.finish();
        timeout(GUARD, session.ended()).await.unwrap();
        let (lines, remarks) =
            (host.lines.lock().unwrap().join("\n"), host.remarks.lock().unwrap().join("\n"));
        assert!(!lines.contains("CANARY") && !remarks.contains("CANARY"), "{ending}: {lines} {remarks}");
        assert!(remarks.contains("message"), "that something came is told: {ending}: {remarks}");
        assert_eq!(
            lines.contains("working…"),
            ending.contains("working…"),
            "the text around it is kept: {lines}"
        );
    }
}

#[tokio::test]
async fn the_last_line_of_text_is_kept_without_its_line_end() {
    for text in ["these are my last words", r#"{"level":"fatal","msg":"no such file"}"#, "[1,2,3]"] {
        let mut plugin = plugin();
        plugin.output.write_all(text.as_bytes()).await.unwrap();
        let host = Arc::clone(&plugin.host);
        let Plugin { session, output, input, .. } = plugin;
        drop((output, input));
        session.finish();
        timeout(GUARD, session.ended()).await.unwrap();
        assert_eq!(host.lines.lock().unwrap().as_slice(), [text]);
    }
}

#[tokio::test]
async fn a_plugin_that_never_reads_meets_typed_errors_and_bounded_memory() {
    let limits = SessionLimits { outbox: 64 * 1024, host_calls: 16, ..SessionLimits::default() };
    let plugin = Plugin::connect(&limits);
    let payload = json!({"text": "x".repeat(8 * 1024)});
    let mut accepted = 0;
    while plugin.session.notify("config.changed", &payload) {
        accepted += 1;
        assert!(accepted < 100, "what waits for a plugin is bounded");
        tokio::task::yield_now().await;
    }
    let refused = plugin.session.call("ipc.invoke", json!({}), LONG).await;
    assert!(matches!(refused, Err(CallError::Overloaded { .. })), "{refused:?}");
    assert_eq!(plugin.session.dropped(), 1, "a call that was refused is not a lost notification");
}

#[tokio::test]
async fn large_answers_are_fetched_a_few_at_a_time_and_all_arrive() {
    const CALLS: usize = 100;
    let limits = SessionLimits { outbox: 4 * 1024, ..SessionLimits::default() };
    let mut plugin = Plugin::connect(&limits);
    for id in 0..CALLS {
        plugin.say(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"fetch"}}"#)).await;
    }
    plugin.settle().await;
    plugin.settle().await;
    assert_eq!(plugin.host.fetched.load(Ordering::Relaxed), 16, "the rest waits for a place");
    plugin.host.supply.add_permits(CALLS);
    let mut ids = std::collections::BTreeSet::new();
    for _ in 0..CALLS {
        ids.insert(plugin.hear().await["id"].as_u64());
    }
    assert_eq!(ids.len(), CALLS);
}

#[tokio::test]
async fn answers_are_read_behind_any_number_of_calls_and_calls_beyond_the_bound_are_refused() {
    let mut plugin = Plugin::connect(&SessionLimits { context_calls: 4, ..SessionLimits::default() });
    for id in 0..20 {
        plugin.say(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"never"}}"#)).await;
    }
    let session = plugin.session.clone();
    let ping = tokio::spawn(async move { session.call("ping", json!({}), LONG).await });
    let mut refused = Vec::new();
    while refused.len() < 16 || !ping.is_finished() {
        let message = plugin.hear().await;
        if message["method"] == "ping" {
            plugin.say(&format!(r#"{{"jsonrpc":"2.0","id":{},"result":{{}}}}"#, message["id"])).await;
            // What is answered at once needs no place.
            plugin.settle().await;
        } else {
            assert_eq!(message["error"]["data"], json!({"reason": "limit_exceeded", "retryable": true}));
            refused.push(message["id"].as_u64().unwrap());
        }
    }
    assert!(ping.await.unwrap().is_ok());
    assert_eq!(refused, (4..20).collect::<Vec<u64>>());
    // A place that is free again is given away.
    plugin.say(r#"{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":0}}"#).await;
    assert_eq!(plugin.hear().await["error"]["data"]["reason"], "cancelled");
    plugin.say(r#"{"jsonrpc":"2.0","id":"again","method":"never"}"#).await;
    plugin.settle().await;
    assert_eq!(plugin.host.remarks.lock().unwrap().len(), 1, "an operator is told once");
}

#[tokio::test]
async fn a_plugin_that_reads_late_is_read_all_the_while_and_every_call_has_its_answer() {
    const CALLS: usize = 2_000;
    let mut plugin = Plugin::connect(&SessionLimits { outbox: 4 * 1024, ..SessionLimits::default() });
    // It reads nothing while it calls; each answer is larger than its call.
    for id in 0..CALLS {
        plugin.say(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"large"}}"#)).await;
    }
    plugin.say(r#"{"jsonrpc":"2.0","method":"$/told"}"#).await;
    while plugin.host.notifications.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    let mut ids = std::collections::BTreeSet::new();
    let mut refused = 0;
    for _ in 0..CALLS {
        let answer = plugin.hear().await;
        ids.insert(answer["id"].as_u64());
        refused += usize::from(answer["error"]["data"]["reason"] == "limit_exceeded");
    }
    assert_eq!(ids.len(), CALLS, "one answer each");
    assert!((CALLS / 2..CALLS).contains(&refused), "{refused} were refused");
    plugin.settle().await;
}

#[tokio::test]
async fn a_plugin_that_floods_and_never_reads_is_held_back_and_deadlocks_nobody() {
    let limits = SessionLimits { outbox: 32 * 1024, refusals: 1024, ..SessionLimits::default() };
    let mut plugin = Plugin::connect(&limits);
    let flood = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\",\"params\":[\"{}\"]}}\n",
        "x".repeat(1000)
    );
    let mut sent = 0usize;
    // The pipe fills once the host stops reading, as no memory is left for refusals; only then does a write have to wait.
    while timeout(Duration::from_millis(200), plugin.output.write_all(flood.as_bytes())).await.is_ok() {
        sent += 1;
        assert!(sent < 10_000, "a plugin that does not read is read no further");
    }
    // As soon as it reads, everything goes on.
    for _ in 0..sent.min(20) {
        assert_eq!(plugin.hear().await["id"], 1);
    }
}
