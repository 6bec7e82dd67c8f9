//! `start`, `ping`, `stop` and the end of the wire (section 4).

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::{Case, Finding, Look, Seen, must, should};
use crate::conversation::START_ID;
use crate::limits::{Limits, seconds};
use crate::stage::Stage;

/// Calls of a channel that are under way while a ping has to be answered; a shell script works through them in a second or
/// two.
const CALLS: u32 = 32;

/// The rule whose first case decides whether there is anything to talk with.
pub(crate) const GATE: &str = "P-LIFE-6";

pub(super) fn cases() -> Vec<Case> {
    vec![
        must(
            GATE,
            "starts",
            "answers `start` when it is ready",
            Look::Early(|stage| Box::pin(starts(stage))),
        ),
        must(
            "P-LIFE-8",
            "ping-while-starting",
            "answers pings while it starts",
            Look::Early(|stage| Box::pin(answers_while_it_starts(stage))),
        ),
        must(
            "P-LIFE-8",
            "ping-behind-calls",
            "answers a ping behind many other calls",
            Look::Running(|stage| Box::pin(answers_under_load(stage))),
        ),
        should(
            "P-LIFE-9",
            "stops",
            "answers `stop` and exits with code 0 within 5 s",
            Look::Running(|stage| Box::pin(stops(stage))),
        ),
        must(
            "P-LIFE-10",
            "end-of-wire",
            "exits when the wire's input ends without `stop`",
            Look::Running(|stage| Box::pin(exits_at_the_end(stage))),
        ),
        must(
            "P-LIFE-10",
            "end-before-initialize",
            "exits when the wire's input ends before `initialize`",
            Look::Early(|stage| Box::pin(exits_at_once(stage))),
        ),
    ]
}

async fn starts(stage: &Stage) -> Finding {
    let conversation = stage.running().await?;
    stage.keep(conversation.finish().await);
    Ok(Seen::Holds)
}

async fn answers_while_it_starts(stage: &Stage) -> Finding {
    let conversation = stage.initialized().await?;
    conversation.hold();
    conversation.ask(START_ID, "start", &json!({}));
    conversation.ask("ping", "ping", &json!({}));
    let limit = conversation.limits().answer;
    let answered = conversation.answer("ping", limit).await.is_some();
    stage.keep(conversation.finish().await);
    if answered { Ok(Seen::Holds) } else { Err(late("a ping behind `start`", limit)) }
}

async fn answers_under_load(stage: &Stage) -> Finding {
    let conversation = stage.running().await?;
    let channel = conversation.record().channels.first().cloned();
    let channel = channel.unwrap_or_else(|| "outboard-conform-nobody".to_owned());
    // The host does not answer what those calls need, so that they are all under way when the ping comes.
    conversation.hold();
    for id in 0..CALLS {
        conversation.ask(id, "ipc.invoke", &json!({"channel": channel, "args": []}));
    }
    conversation.ask("ping", "ping", &json!({}));
    let limit = conversation.limits().hung();
    let answered = conversation.answer("ping", limit).await.is_some();
    stage.keep(conversation.finish().await);
    if answered { Ok(Seen::Holds) } else { Err(late("a ping behind many calls of a channel", limit)) }
}

async fn stops(stage: &Stage) -> Finding {
    let conversation = stage.running().await?;
    let (asked, limits) = (Instant::now(), conversation.limits());
    if conversation.stop().await.is_none() {
        stage.keep(conversation.end().await);
        return Err(format!("`stop` was not answered within {}", seconds(limits.grace)));
    }
    conversation.hang_up();
    let exit = conversation.exited(limits.grace.saturating_sub(asked.elapsed())).await;
    stage.keep(conversation.end().await);
    match exit {
        Some(exit) if exit.code() == Some(0) => Ok(Seen::Holds),
        Some(exit) => Err(format!("after `stop`, the process {exit}")),
        None => Err(format!("the process was still there {} after `stop`", seconds(limits.grace))),
    }
}

async fn exits_at_the_end(stage: &Stage) -> Finding {
    let conversation = stage.running().await?;
    let limits = conversation.limits();
    judge_end(stage.keep(conversation.end().await).exit.is_some(), limits)
}

async fn exits_at_once(stage: &Stage) -> Finding {
    let conversation = stage.silent().await?;
    let limits = conversation.limits();
    judge_end(stage.keep(conversation.end().await).exit.is_some(), limits)
}

fn judge_end(exited: bool, limits: Limits) -> Finding {
    if exited {
        return Ok(Seen::Holds);
    }
    let grace = seconds(limits.grace);
    Err(format!("the process was still there {grace} after the wire's input had ended, and was killed"))
}

fn late(what: &str, limit: Duration) -> String {
    format!("{what} was not answered within {}", seconds(limit))
}
