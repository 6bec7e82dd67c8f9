//! `$/cancelRequest` for calls that are known and for those that are not (section 3).

use serde_json::json;

use super::exchange::{Expect, exchange, line, unexpected};
use super::{Case, Finding, Look, Seen, must};
use crate::stage::Stage;

pub(super) fn cases() -> Vec<Case> {
    vec![
        must(
            "P-CANCEL-1",
            "cancelled-at-once",
            "still answers a call that is cancelled at once",
            Look::Exchange(exchange(cancelled_at_once, &[Expect::Answer("\"given-up\"")])),
        ),
        must(
            "P-CANCEL-1",
            "cancelled-channel",
            "still answers exactly once when a channel of its own is cancelled",
            Look::Running(|stage| Box::pin(cancelled_channel(stage))),
        ),
        must(
            "P-CANCEL-2",
            "cancel-unknown",
            "ignores a cancellation of a call that it does not know",
            Look::Exchange(exchange(
                || line(r#"{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":424242}}"#),
                &[],
            )),
        ),
    ]
}

fn cancelled_at_once() -> Vec<Vec<u8>> {
    line(concat!(
        r#"{"jsonrpc":"2.0","id":"given-up","method":"ipc.invoke","params":{"channel":"outboard-conform-nobody","args":[]}}"#,
        "\n",
        r#"{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":"given-up"}}"#
    ))
}

async fn cancelled_channel(stage: &Stage) -> Finding {
    let conversation = stage.running().await?;
    let channel = conversation.record().channels.first().cloned();
    let Some(channel) = channel else {
        stage.keep(conversation.finish().await);
        return Ok(Seen::NotApplicable("the plugin handles no channel".to_owned()));
    };
    conversation.ask("given-up", "ipc.invoke", &json!({"channel": channel, "args": []}));
    conversation.send(&json!({"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": "given-up"}}));
    let answer = conversation.answer("given-up", conversation.limits().work()).await;
    let record = stage.keep(conversation.finish().await).record;
    if answer.is_none() {
        return Err(format!("the call of its channel {channel:?} was never answered"));
    }
    unexpected(&record, |id| *id == json!("given-up")).map(|()| Seen::Holds)
}
