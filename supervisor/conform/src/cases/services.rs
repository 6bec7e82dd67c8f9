//! Services: calls that a plugin is asked as a provider, and what it is told as a consumer (section 8).
//!
//! No plugin that is examined has to provide anything, so that the calls are of services that it cannot have: what binds every plugin
//! shows all the same.

use serde_json::json;

use super::exchange::{Expect, exchange, line};
use super::{Case, Finding, Look, Seen, must};
use crate::stage::Stage;

pub(super) fn cases() -> Vec<Case> {
    vec![
        must(
            "P-SERVICE-1",
            "service-unknown",
            "answers a call of a service that it does not provide with -32601",
            Look::Exchange(exchange(
                || {
                    line(
                        r#"{"jsonrpc":"2.0","id":"call","method":"service.call","params":{"service":"outboard.conform","method":"nothing","params":null,"caller":"somebody"}}"#,
                    )
                },
                &[Expect::Error("\"call\"", -32601)],
            )),
        ),
        must(
            "P-SERVICE-3",
            "service-calls-apart",
            "answers each of several calls of a service under its own id",
            Look::Exchange(exchange(
                several,
                &[Expect::Answer("\"one\""), Expect::Answer("\"two\""), Expect::Answer("3")],
            )),
        ),
        must(
            "P-SERVICE-4",
            "service-cancelled",
            "still answers a call of a service once when that is withdrawn",
            Look::Exchange(exchange(withdrawn, &[Expect::Answer("\"given-up\"")])),
        ),
        must(
            "P-SERVICE-8",
            "service-told",
            "ignores events and news of services that it does not know",
            Look::Exchange(exchange(told, &[])),
        ),
        must(
            "P-SERVICE-9",
            "service-asked",
            "answers an event that asks for an answer once at most",
            Look::Running(|stage| Box::pin(asked(stage))),
        ),
    ]
}

fn several() -> Vec<Vec<u8>> {
    line(concat!(
        r#"{"jsonrpc":"2.0","id":"one","method":"service.call","params":{"service":"outboard.conform","method":"a","caller":"somebody"}}"#,
        "\n",
        r#"{"jsonrpc":"2.0","id":"two","method":"service.call","params":{"service":"outboard.conform","method":"b","params":[1],"caller":"somebody"}}"#,
        "\n",
        r#"{"jsonrpc":"2.0","id":3,"method":"service.call","params":{"service":"outboard.conform","method":"c","caller":"another"}}"#
    ))
}

fn withdrawn() -> Vec<Vec<u8>> {
    line(concat!(
        r#"{"jsonrpc":"2.0","id":"given-up","method":"service.call","params":{"service":"outboard.conform","method":"a","caller":"somebody"}}"#,
        "\n",
        r#"{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":"given-up"}}"#
    ))
}

fn told() -> Vec<Vec<u8>> {
    line(concat!(
        r#"{"jsonrpc":"2.0","method":"service.event","params":{"service":"outboard.conform","event":"e","payload":{"n":1},"missed":3,"later":true}}"#,
        "\n",
        r#"{"jsonrpc":"2.0","method":"service.changed","params":{"service":"outboard.conform","state":"unavailable","because":"it is being examined"}}"#,
        "\n",
        r#"{"jsonrpc":"2.0","method":"service.subscribed","params":{"service":"outboard.conform","event":"e","consumers":["somebody"]}}"#
    ))
}

async fn asked(stage: &Stage) -> Finding {
    let conversation = stage.running().await?;
    let event = json!({"service": "outboard.conform", "event": "may-i", "payload": null, "answer": "a1"});
    conversation.send(&json!({"jsonrpc": "2.0", "method": "service.event", "params": event}));
    conversation.ask("after", "ping", &json!({}));
    let answer = conversation.answer("after", conversation.limits().work()).await;
    let record = stage.keep(conversation.finish().await).record;
    if answer.is_none() {
        return Err("a ping after an event that asked for an answer was not answered".to_owned());
    }
    let replies = record.messages().filter(|message| message["method"] == "service.reply");
    let replies = replies.filter(|reply| reply["params"]["answer"] == "a1").count();
    match replies {
        0 | 1 => Ok(Seen::Holds),
        many => Err(format!("{many} answers to one event came by service.reply")),
    }
}
