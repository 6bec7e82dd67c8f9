//! The session's promises, shown over byte streams in memory: what a plugin may do to it, and what it does then.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod session_harness;

use std::time::Duration;

use outboard_host::session::{CallError, SessionLimits};
use outboard_protocol::ErrorReason;
use serde_json::{Value, json};
use session_harness::*;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

#[tokio::test]
async fn an_answer_carries_the_id_as_it_came() {
    let mut plugin = plugin();
    for id in ["7", "\"seven\"", "-1", "1e2", "\"\\u0041\""] {
        plugin.say(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"echo","params":{{"a":1}}}}"#)).await;
        let line = timeout(GUARD, plugin.input.next_line()).await.unwrap().unwrap().unwrap();
        assert_eq!(line, format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"a":1}}}}"#));
    }
}

#[tokio::test]
async fn whatever_is_no_message_becomes_a_log_line_and_the_conversation_goes_on() {
    let mut plugin = plugin();
    plugin.say("hello from a print").await;
    plugin.say(r#"{"level":"info","msg":"structured"}"#).await;
    plugin.say("[1,2,3]").await;
    plugin.settle().await;
    let lines = plugin.host.lines.lock().unwrap().clone();
    assert_eq!(lines, ["hello from a print", r#"{"level":"info","msg":"structured"}"#, "[1,2,3]"]);
}

#[tokio::test]
async fn broken_messages_are_answered_with_an_error_and_a_null_id() {
    let mut plugin = plugin();
    let deep = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"echo","params":{}1{}}}"#,
        "[".repeat(200),
        "]".repeat(200)
    );
    for broken in [
        r#"[{"jsonrpc":"2.0","id":1,"method":"echo"}]"#,
        r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"echo"}"#,
        r#"{"jsonrpc":"2.0","id":null,"method":"echo"}"#,
        r#"{"jsonrpc":"1.0","id":1,"method":"echo"}"#,
        r#"{"jsonrpc":"2.0","id":1}"#,
        deep.as_str(),
    ] {
        plugin.say(broken).await;
        let answer = plugin.hear().await;
        assert_eq!(answer["id"], Value::Null, "{broken}");
        assert_eq!(answer["error"]["code"], ErrorReason::InvalidRequest.code(), "{broken}: {answer}");
    }
    plugin.settle().await;
}

#[tokio::test]
async fn a_frame_over_the_limit_costs_that_frame_alone() {
    let limits = SessionLimits { frame: 1024, ..SessionLimits::default() };
    let mut plugin = Plugin::connect(&limits);
    plugin
        .say(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"echo","params":["{}"]}}"#, "x".repeat(5000)))
        .await;
    let answer = plugin.hear().await;
    let for_good = json!({ "reason": "limit_exceeded", "retryable": false });
    assert_eq!(answer["error"]["data"], for_good, "it stays too large");
    plugin.say(r#"{"jsonrpc":"2.0","id":2,"method":"large"}"#).await;
    assert_eq!(plugin.hear().await["error"]["data"], for_good, "an answer has the same limit");
    plugin.settle().await;
}

#[tokio::test]
async fn an_id_that_is_in_use_is_refused_and_the_first_call_lives_on() {
    let mut plugin = plugin();
    plugin.say(r#"{"jsonrpc":"2.0","id":5,"method":"never"}"#).await;
    plugin.say(r#"{"jsonrpc":"2.0","id":5,"method":"echo"}"#).await;
    assert_eq!(plugin.hear().await["error"]["code"], ErrorReason::InvalidRequest.code());
    plugin.say(r#"{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":5}}"#).await;
    let answer = plugin.hear().await;
    assert_eq!((&answer["id"], &answer["error"]["data"]["reason"]), (&json!(5), &json!("cancelled")));
}

#[tokio::test]
async fn a_context_call_that_fails_in_the_supervisor_is_answered_and_costs_no_other() {
    let mut plugin = Plugin::connect(&SessionLimits::default());
    plugin.say(r#"{"jsonrpc":"2.0","id":1,"method":"never"}"#).await;
    plugin.say(r#"{"jsonrpc":"2.0","id":2,"method":"panic"}"#).await;
    let answer = plugin.hear().await;
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&2.into(), &(-32603).into()), "{answer}");
    plugin.say(r#"{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1}}"#).await;
    let answer = plugin.hear().await;
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&1.into(), &(-32800).into()), "{answer}");
}

#[tokio::test]
async fn a_host_call_gets_the_plugins_answer_or_its_error() {
    let mut plugin = plugin();
    let session = plugin.session.clone();
    let call = tokio::spawn(async move { session.call("ipc.invoke", json!({"n": 1}), LONG).await });
    let request = plugin.hear().await;
    assert_eq!((&request["method"], &request["params"]), (&json!("ipc.invoke"), &json!({"n": 1})));
    plugin.say(&format!(r#"{{"jsonrpc":"2.0","id":{},"result":[1,2]}}"#, request["id"])).await;
    assert_eq!(call.await.unwrap().unwrap().get(), "[1,2]");

    let session = plugin.session.clone();
    let call = tokio::spawn(async move { session.call("start", json!({}), LONG).await });
    let request = plugin.hear().await;
    plugin
        .say(&format!(r#"{{"jsonrpc":"2.0","id":{},"error":{{"code":-1,"message":"no"}}}}"#, request["id"]))
        .await;
    let Err(CallError::Answered { error, .. }) = call.await.unwrap() else { panic!("an error answer") };
    assert_eq!((error.code, error.message.as_str()), (-1, "no"));
}

#[tokio::test]
async fn double_and_unasked_answers_are_noted_and_harm_nobody() {
    let mut plugin = plugin();
    let session = plugin.session.clone();
    let call = tokio::spawn(async move { session.call("ping", json!({}), LONG).await });
    let id = plugin.hear().await["id"].clone();
    for _ in 0..2 {
        plugin.say(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":null}}"#)).await;
    }
    plugin.say(r#"{"jsonrpc":"2.0","id":424242,"result":null}"#).await;
    plugin.say(r#"{"jsonrpc":"2.0","id":"words","result":null}"#).await;
    plugin.say(r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"what?"}}"#).await;
    assert!(call.await.unwrap().is_ok());
    plugin.settle().await;
    assert_eq!(plugin.host.remarks.lock().unwrap().len(), 4);
}

#[tokio::test]
async fn a_broken_answer_ends_its_call_at_once() {
    let mut plugin = plugin();
    for (broken, said) in [
        (r#","result":null,"error":{"code":-1,"message":"no"}"#, "either"),
        (r#","error":"no""#, "invalid type"),
        (r#","result":1,"error":2"#, "invalid type"),
        ("", "neither `method`, nor `result`, nor `error`"),
        (r#","result":NaN"#, "column"),
        (r#","result":{"text":["cut \ud83d here"]}"#, "`result.text[0]` cannot be read"),
        (r#","result":[1,1e400]"#, "`result[1]` cannot be read"),
        (r#","result":{"half":"#, "expected value"),
    ] {
        let session = plugin.session.clone();
        let call = tokio::spawn(async move { session.call("ipc.invoke", json!({}), LONG * 100).await });
        let id = plugin.hear().await["id"].clone();
        plugin.say(&format!(r#"{{"jsonrpc":"2.0","id":{id}{broken}}}"#)).await;
        let outcome = timeout(GUARD, call).await.expect("long before its deadline").unwrap();
        let Err(CallError::Answered { error, .. }) = outcome else { panic!("{broken}: {outcome:?}") };
        assert!(error.message.contains("broken") && error.message.contains(said), "{broken}: {error}");
        assert_eq!(plugin.hear().await["id"], Value::Null, "the plugin is told as well");
    }
    // What only looks like an answer ends nothing.
    let session = plugin.session.clone();
    let call = tokio::spawn(async move { session.call("ipc.invoke", json!({}), LONG).await });
    let id = plugin.hear().await["id"].clone();
    plugin.say(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"echo","result":1}}"#)).await;
    assert_eq!(plugin.hear().await["id"], Value::Null);
    plugin.say(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":3}}"#)).await;
    assert_eq!(call.await.unwrap().unwrap().get(), "3");
}

#[tokio::test]
async fn an_answer_under_an_id_that_was_written_anew_ends_its_call_at_once() {
    let mut plugin = plugin();
    for written in ["\"ID\"", "ID.0"] {
        let session = plugin.session.clone();
        let call = tokio::spawn(async move { session.call("ipc.invoke", json!({}), LONG * 100).await });
        let id = plugin.hear().await["id"].to_string();
        let written = written.replace("ID", &id);
        plugin.say(&format!(r#"{{"jsonrpc":"2.0","id":{written},"result":1}}"#)).await;
        let outcome = timeout(GUARD, call).await.expect("long before its deadline").unwrap();
        let Err(CallError::Answered { error, .. }) = outcome else { panic!("{written}: {outcome:?}") };
        assert!(error.message.contains(&format!("the id {written} in place of {id}")), "{error}");
    }
}

#[tokio::test]
async fn an_answer_over_the_limit_ends_its_call_at_once_wherever_its_id_stands() {
    let limits = SessionLimits { frame: 1024, ..SessionLimits::default() };
    let mut plugin = Plugin::connect(&limits);
    let large = "x".repeat(5000);
    for answer in [
        r#"{"jsonrpc":"2.0","id":ID,"result":"LARGE"}"#,
        r#"{"jsonrpc":"2.0","result":"LARGE","id":ID}"#,
        r#"{"id":ID,"error":{"code":1,"message":"LARGE"},"jsonrpc":"2.0"}"#,
        // The only call there is, whose id is nowhere to be seen.
        r#"{"jsonrpc":"2.0","result":"LARGE","id":ID,"more":"LARGE"}"#,
    ] {
        let session = plugin.session.clone();
        let call = tokio::spawn(async move { session.call("ipc.invoke", json!({}), LONG * 100).await });
        let id = plugin.hear().await["id"].to_string();
        plugin.say(&answer.replace("ID", &id).replace("LARGE", &large)).await;
        let outcome = timeout(GUARD, call).await.expect("long before its deadline").unwrap();
        let Err(CallError::Answered { error, .. }) = outcome else { panic!("{outcome:?}") };
        assert!(error.message.contains("broken: a frame has at most 1024 bytes"), "{error}");
        assert_eq!(
            plugin.hear().await["error"]["data"]["reason"],
            "limit_exceeded",
            "the plugin is told as well"
        );
    }
    // Of two calls, the one that nothing is known of waits on.
    let (one, other) = (plugin.session.clone(), plugin.session.clone());
    let one = tokio::spawn(async move { one.call("ipc.invoke", json!({}), LONG).await });
    let id = plugin.hear().await["id"].to_string();
    let other = tokio::spawn(async move { other.call("ipc.invoke", json!({}), LONG).await });
    let last = plugin.hear().await["id"].to_string();
    plugin.say(&format!(r#"{{"jsonrpc":"2.0","result":"{large}","more":1}}"#)).await;
    plugin.hear().await;
    for id in [id, last] {
        plugin.say(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":1}}"#)).await;
    }
    assert!(one.await.unwrap().is_ok() && other.await.unwrap().is_ok());
}

#[tokio::test]
async fn a_request_over_the_limit_is_refused_under_its_id() {
    let limits = SessionLimits { frame: 1024, ..SessionLimits::default() };
    let mut plugin = Plugin::connect(&limits);
    let large = "x".repeat(5000);
    for (id, written) in [(json!(7), "7"), (json!("a"), "\"a\"")] {
        plugin
            .say(&format!(r#"{{"jsonrpc":"2.0","id":{written},"method":"config.set","params":"{large}"}}"#))
            .await;
        let answer = plugin.hear().await;
        assert_eq!((&answer["id"], &answer["error"]["code"]), (&id, &json!(-32003)), "{answer}");
    }
    plugin.say(&format!(r#"{{"jsonrpc":"2.0","method":"config.set","params":"{large}"}}"#)).await;
    assert_eq!(plugin.hear().await["id"], Value::Null);
}

#[tokio::test]
async fn a_call_that_no_plugin_need_take_fails_at_once() {
    let mut plugin = plugin();
    let large = Value::from("x".repeat(outboard_protocol::wire::FRAME_MAX));
    let deep: Value = serde_json::from_str(&format!("{}{}", "[".repeat(98), "]".repeat(98))).unwrap();
    for (arg, said) in [(large, "bytes, a frame at most"), (deep, "nested deeper than 100 levels")] {
        let outcome = plugin.session.call("ipc.invoke", json!({ "args": [arg] }), LONG).await;
        let Err(error @ CallError::Unfit { .. }) = outcome else { panic!("{outcome:?}") };
        assert!(error.to_string().contains(said), "{error}");
    }
    assert!(plugin.session.in_flight().is_empty());
    plugin.settle().await;
}

#[tokio::test]
async fn an_event_that_not_every_ui_can_read_is_dropped_and_noted() {
    let mut plugin = plugin();
    for payload in ["\"\\ud83d\"", "[1e400]"] {
        plugin
            .say(&format!(r#"{{"jsonrpc":"2.0","method":"ipc.send","params":{{"payload":{payload}}}}}"#))
            .await;
    }
    plugin.settle().await;
    let remarks = plugin.host.remarks.lock().unwrap().clone();
    assert_eq!(remarks.len(), 2, "{remarks:?}");
    assert!(remarks[1].contains("`params.payload[0]` cannot be read"), "{remarks:?}");
}

#[tokio::test]
async fn a_byte_order_mark_before_the_first_message_is_passed_over() {
    let mut plugin = plugin();
    plugin.say("\u{feff}{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\",\"params\":[]}").await;
    assert_eq!(plugin.hear().await["id"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_without_an_answer_times_out_and_the_plugin_is_told() {
    let mut plugin = plugin();
    let session = plugin.session.clone();
    let call = tokio::spawn(async move { session.call("ping", json!({}), Duration::from_secs(3)).await });
    let id = plugin.hear().await["id"].clone();
    assert!(matches!(call.await.unwrap(), Err(CallError::Timeout { .. })));
    let told = plugin.hear().await;
    assert_eq!((&told["method"], &told["params"]["id"]), (&json!("$/cancelRequest"), &id));
    assert!(plugin.session.in_flight().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_answer_that_a_withdrawn_call_still_has_is_dropped_and_only_a_second_one_is_noted() {
    let mut plugin = plugin();
    let session = plugin.session.clone();
    let call = tokio::spawn(async move { session.call("ping", json!({}), Duration::from_secs(3)).await });
    let id = plugin.hear().await["id"].clone();
    assert!(matches!(call.await.unwrap(), Err(CallError::Timeout { .. })));
    plugin.hear().await;
    let remarks = |plugin: &Plugin| plugin.host.remarks.lock().unwrap().len();
    plugin
        .say(&format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-32800,"message":"cancelled"}}}}"#))
        .await;
    plugin.settle().await;
    assert_eq!(remarks(&plugin), 0, "a plugin has to answer, and did");
    plugin.say(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":null}}"#)).await;
    plugin.settle().await;
    assert_eq!(remarks(&plugin), 1);
}

#[tokio::test(start_paused = true)]
async fn progress_moves_a_deadline_but_not_for_ever() {
    let limits = SessionLimits { longest_call: Duration::from_secs(10), ..SessionLimits::default() };
    let mut plugin = Plugin::connect(&limits);
    let session = plugin.session.clone();
    let begun = tokio::time::Instant::now();
    let call =
        tokio::spawn(async move { session.call("ipc.invoke", json!({}), Duration::from_secs(3)).await });
    let id = plugin.hear().await["id"].clone();
    while !call.is_finished() {
        plugin.say(&format!(r#"{{"jsonrpc":"2.0","method":"$/progress","params":{{"id":{id}}}}}"#)).await;
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    assert!(matches!(call.await.unwrap(), Err(CallError::Timeout { .. })));
    let took = begun.elapsed();
    assert!(
        (9..13).contains(&took.as_secs()),
        "longer than the limit of 3 s, and not longer than 10: {took:?}"
    );
}

#[tokio::test]
async fn a_dropped_call_is_withdrawn() {
    let mut plugin = plugin();
    let session = plugin.session.clone();
    let call = tokio::spawn(async move { session.call("ipc.invoke", json!({}), LONG).await });
    let id = plugin.hear().await["id"].clone();
    call.abort();
    let told = plugin.hear().await;
    assert_eq!((&told["method"], &told["params"]["id"]), (&json!("$/cancelRequest"), &id));
}

#[tokio::test]
async fn a_large_frame_and_a_frame_in_single_bytes_arrive_whole() {
    let mut plugin = plugin();
    let text = "y".repeat(300 * 1024);
    let (mut output, session) = (plugin.output, plugin.session);
    let request =
        format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\",\"params\":[\"{text}\"]}}\r\n\r\n");
    let writer = tokio::spawn(async move {
        output.write_all(request.as_bytes()).await.unwrap();
        for byte in b"{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"echo\"}\n" {
            output.write_all(std::slice::from_ref(byte)).await.unwrap();
            output.flush().await.unwrap();
        }
        output
    });
    let line = timeout(GUARD, plugin.input.next_line()).await.unwrap().unwrap().unwrap();
    assert!(line.contains(&text));
    let line = timeout(GUARD, plugin.input.next_line()).await.unwrap().unwrap().unwrap();
    assert_eq!(line, r#"{"jsonrpc":"2.0","id":2,"result":null}"#);
    drop((writer.await.unwrap(), session));
}
