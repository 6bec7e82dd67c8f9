//! `initialize`: silence before it, and the version that is chosen (section 4); and that the wire is where it was said to be.

use std::time::Duration;

use outboard_protocol::handshake::InitializeResult;
use serde_json::{Value, json};

use super::{Case, Finding, Look, Seen, must, should};
use crate::conversation::INITIALIZE_ID;
use crate::stage::Stage;

/// How long a plugin is listened to before anything is said to it: an interpreter has started by then.
const SILENCE: Duration = Duration::from_millis(600);
/// A version that will not come.
const NEVER: u32 = 9999;

pub(super) fn cases() -> Vec<Case> {
    vec![
        must(
            "P-SPAWN-1",
            "wire-given",
            "answers on the wire that it was given",
            Look::Early(|stage| Box::pin(answers(stage))),
        ),
        must(
            "P-LIFE-1",
            "silent-at-first",
            "says nothing before `initialize`",
            Look::Early(|stage| Box::pin(is_silent(stage))),
        ),
        must(
            "P-LIFE-2",
            "version-offered",
            "chooses a version that was offered",
            Look::Early(|stage| Box::pin(chooses_what_was_offered(stage))),
        ),
        must(
            "P-LIFE-3",
            "version-refused",
            "answers with -32009 when it speaks none of the versions",
            Look::Early(|stage| Box::pin(refuses_with_its_code(stage))),
        ),
        should(
            "P-LIFE-3",
            "version-named",
            "says in `data.protocolVersions` which versions it speaks",
            Look::Early(|stage| Box::pin(names_its_versions(stage))),
        ),
        must(
            "P-LIFE-4",
            "hooks-are-words",
            "gives `hooks` and `features`, where it has any, as lists of words",
            Look::Early(|stage| Box::pin(has_the_shape(stage))),
        ),
        must(
            "P-LIFE-5",
            "features-unknown",
            "ignores features of the host that it does not know",
            Look::Early(|stage| Box::pin(answers(stage))),
        ),
    ]
}

async fn answers(stage: &Stage) -> Finding {
    let conversation = stage.initialized().await?;
    stage.keep(conversation.end().await);
    Ok(Seen::Holds)
}

async fn is_silent(stage: &Stage) -> Finding {
    let conversation = stage.silent().await?;
    let spoke = conversation.until(SILENCE, |record| !record.entries.is_empty()).await;
    let first = conversation.record().entries.first().map(|entry| format!("{entry:?}"));
    let messages = conversation.record().messages().count();
    stage.keep(conversation.end().await);
    match first.filter(|_| spoke && messages > 0) {
        Some(first) => Err(format!("it said something before it was spoken to: {first}")),
        None => Ok(Seen::Holds),
    }
}

async fn offer(stage: &Stage, versions: &[u32]) -> Result<Option<Value>, String> {
    let conversation = stage.silent().await?;
    stage.greet(&conversation, versions);
    let answer = conversation.answer(INITIALIZE_ID, conversation.limits().initialize()).await;
    stage.keep(conversation.end().await);
    Ok(answer)
}

async fn chooses_what_was_offered(stage: &Stage) -> Finding {
    for versions in [&[1][..], &[1, NEVER], &[NEVER, 1]] {
        let Some(answer) = offer(stage, versions).await? else {
            return Err(format!("`initialize` with the versions {versions:?} was not answered"));
        };
        let chosen = &answer["result"]["protocolVersion"];
        if *chosen != json!(1) {
            return Err(format!("the versions {versions:?} were offered and the answer was {answer}"));
        }
    }
    Ok(Seen::Holds)
}

async fn refuses_with_its_code(stage: &Stage) -> Finding {
    match offer(stage, &[NEVER]).await? {
        Some(answer) if answer["error"]["code"] == json!(-32009) => Ok(Seen::Holds),
        Some(answer) => Err(format!("version {NEVER} alone was offered and the answer was {answer}")),
        None => Err(format!("version {NEVER} alone was offered and nothing was answered")),
    }
}

async fn names_its_versions(stage: &Stage) -> Finding {
    let answer = offer(stage, &[NEVER]).await?.unwrap_or_default();
    let versions = answer["error"]["data"]["protocolVersions"].as_array();
    if versions.is_some_and(|versions| versions.iter().all(Value::is_u64) && !versions.is_empty()) {
        return Ok(Seen::Holds);
    }
    Err(format!("the answer to a version that it cannot speak was {answer}"))
}

async fn has_the_shape(stage: &Stage) -> Finding {
    let conversation = stage.initialized().await?;
    let answer =
        conversation.answer(INITIALIZE_ID, conversation.limits().initialize()).await.unwrap_or_default();
    stage.keep(conversation.end().await);
    match serde_json::from_value::<InitializeResult>(answer["result"].clone()) {
        Ok(_) => Ok(Seen::Holds),
        Err(error) => Err(format!("the result does not have its shape: {error}; it is {}", answer["result"])),
    }
}
