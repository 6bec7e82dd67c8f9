//! Messages: ids, unknown and broken ones, and exactly one answer to each request (section 3).

use serde_json::{Value, json};

use super::exchange::{Expect, exchange, line, unexpected};
use super::{Case, Finding, Look, Seen, must};
use crate::limits::seconds;
use crate::stage::Stage;

/// Calls under way at once. The host itself allows a plugin no fewer.
const CALLS: u64 = 128;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = requests();
    cases.extend(broken());
    cases
}

fn requests() -> Vec<Case> {
    vec![
        must(
            "P-MSG-3",
            "ids-repeated",
            "repeats ids as they came: 1 and \"1\" are two",
            Look::Exchange(exchange(
                ids,
                &[Expect::Answer("1"), Expect::Answer("\"1\""), Expect::Answer(ODD_ID)],
            )),
        ),
        must(
            "P-MSG-4",
            "many-at-once",
            "answers each of many calls at once exactly once",
            Look::Running(|stage| Box::pin(exactly_once(stage))),
        ),
        must(
            "P-MSG-4",
            "notifications-unanswered",
            "never answers notifications",
            Look::Exchange(exchange(|| line(r#"{"jsonrpc":"2.0","method":"ping","params":{}}"#), &[])),
        ),
        must(
            "P-MSG-5",
            "not-in-line",
            "answers other calls while `start` waits for the host",
            Look::Early(|stage| Box::pin(not_in_line(stage))),
        ),
        must(
            "P-MSG-8",
            "params-absent",
            "takes absent and null parameters for {}",
            Look::Exchange(exchange(without_params, &[Expect::Answer("1"), Expect::Answer("2")])),
        ),
        must(
            "P-MSG-8",
            "params-by-place",
            "answers parameters that are given by their place, as an array, with an error",
            Look::Running(|stage| Box::pin(by_place(stage))),
        ),
        must(
            "P-MSG-9",
            "members-unknown",
            "ignores members that it does not know",
            Look::Exchange(exchange(
                || {
                    line(
                        r#"{"later":{"a":[1]},"jsonrpc":"2.0","id":1,"method":"ping","params":{"later":true},"trace":null}"#,
                    )
                },
                &[Expect::Answer("1")],
            )),
        ),
        must(
            "P-MSG-10",
            "method-unknown",
            "answers a request for an unknown method with -32601",
            Look::Exchange(exchange(
                || line(r#"{"jsonrpc":"2.0","id":1,"method":"outboard-conform.unknown","params":{}}"#),
                &[Expect::Error("1", -32601)],
            )),
        ),
        must(
            "P-MSG-10",
            "notification-unknown",
            "ignores a notification with an unknown name",
            Look::Exchange(exchange(
                || line(r#"{"jsonrpc":"2.0","method":"outboard-conform.unknown","params":{"a":1}}"#),
                &[],
            )),
        ),
    ]
}

fn broken() -> Vec<Case> {
    const NULL: &[Expect] = &[Expect::Null(None)];
    vec![
        must(
            "P-MSG-6",
            "broken-json",
            "answers what is not JSON although it means to be with an error and the id null",
            Look::Exchange(exchange(|| line(r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"#), NULL)),
        ),
        must(
            "P-MSG-6",
            "broken-version",
            "answers a wrong `jsonrpc` with an error and the id null",
            Look::Exchange(exchange(
                || line(r#"{"jsonrpc":"1.0","id":1,"method":"ping","params":{}}"#),
                NULL,
            )),
        ),
        must(
            "P-MSG-6",
            "broken-id-null",
            "answers a request whose id is null with an error and the id null",
            Look::Exchange(exchange(
                || line(r#"{"jsonrpc":"2.0","id":null,"method":"ping","params":{}}"#),
                NULL,
            )),
        ),
        must(
            "P-MSG-6",
            "broken-id-object",
            "answers a request whose id is an object with an error and the id null",
            Look::Exchange(exchange(
                || line(r#"{"jsonrpc":"2.0","id":{"a":1},"method":"ping","params":{}}"#),
                NULL,
            )),
        ),
        must(
            "P-MSG-6",
            "stray-answers",
            "ignores answers whose id is null or unknown",
            Look::Exchange(exchange(strays, &[])),
        ),
        must(
            "P-MSG-7",
            "batch",
            "answers a batch once, with -32600 and the id null",
            Look::Exchange(exchange(
                || {
                    line(
                        r#"[{"jsonrpc":"2.0","id":1,"method":"ping","params":{}},{"jsonrpc":"2.0","id":2,"method":"ping","params":{}}]"#,
                    )
                },
                &[Expect::Null(Some(-32600))],
            )),
        ),
    ]
}

const ODD_ID: &str = r#""\"a\\ é {\"""#;

fn ids() -> Vec<Vec<u8>> {
    let ping =
        |id: &str| format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"ping\",\"params\":{{}}}}\n");
    vec![[ping("1"), ping("\"1\""), ping(ODD_ID)].concat().into_bytes()]
}

fn without_params() -> Vec<Vec<u8>> {
    line(
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ping\",\"params\":null}",
    )
}

async fn by_place(stage: &Stage) -> Finding {
    let conversation = stage.running().await?;
    let Some(channel) = conversation.record().channels.first().cloned() else {
        stage.keep(conversation.finish().await);
        return Ok(Seen::NotApplicable("the plugin handles no channel".to_owned()));
    };
    conversation.ask(1, "ipc.invoke", &json!([channel, []]));
    let answer = conversation.answer(1, conversation.limits().work()).await;
    stage.keep(conversation.finish().await);
    match answer {
        Some(answer) if answer.get("error").is_some() => Ok(Seen::Holds),
        Some(answer) => Err(format!("parameters {} got the answer {answer}", json!([channel, []]))),
        None => Err("a call with an array for parameters was not answered".to_owned()),
    }
}

fn strays() -> Vec<Vec<u8>> {
    let stray = |id: &str, rest: &str| format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},{rest}}}\n");
    let error = r#""error":{"code":-32600,"message":"a stray"}"#;
    let all = [stray("null", error), stray("777777", r#""result":{}"#), stray("\"stray\"", error)];
    vec![all.concat().into_bytes()]
}

async fn exactly_once(stage: &Stage) -> Finding {
    let conversation = stage.running().await?;
    for id in 0..CALLS {
        let (method, params) = match id % 4 {
            0 => ("ipc.invoke", json!({"channel": "outboard-conform-nobody", "args": []})),
            1 => ("outboard-conform.unknown", json!({})),
            _ => ("ping", json!({})),
        };
        conversation.ask(id, method, &params);
    }
    let all = |record: &crate::record::Record| (0..CALLS).all(|id| record.answer(&json!(id)).is_some());
    let limit = conversation.limits().answer;
    conversation.until(limit, all).await;
    let record = stage.keep(conversation.finish().await).record;
    let missing: Vec<u64> = (0..CALLS).filter(|id| record.answer(&json!(id)).is_none()).collect();
    if let Some(first) = missing.first() {
        return Err(format!(
            "{} of {CALLS} calls were not answered within {}, the first of them call {first}",
            missing.len(),
            seconds(limit)
        ));
    }
    unexpected(&record, |id: &Value| id.as_u64().is_some_and(|id| id < CALLS)).map(|()| Seen::Holds)
}

async fn not_in_line(stage: &Stage) -> Finding {
    let conversation = stage.initialized().await?;
    conversation.hold();
    conversation.ask(crate::conversation::START_ID, "start", &json!({}));
    conversation.ask("beside", "outboard-conform.unknown", &json!({}));
    let limit = conversation.limits().answer;
    let answered = conversation.answer("beside", limit).await.is_some();
    let waiting = conversation.record().held;
    stage.keep(conversation.finish().await);
    match (answered, waiting) {
        (true, _) => Ok(Seen::Holds),
        (false, waiting) => Err(format!(
            "a call after `start` was not answered within {}, while {waiting} of its own calls waited for the host",
            seconds(limit)
        )),
    }
}
