//! Cases that send nothing: rules about all that a plugin says, judged over the records of every conversation.

use std::collections::HashSet;

use outboard_protocol::wire::FRAME_MAX;
use outboard_protocol::wire::message::ID_MAX;
use serde_json::{Value, json};

use super::{Case, Finding, Look, Seen, must, should};
use crate::conversation::INITIALIZE_ID;
use crate::record::{BYTES_MAX, Entry, LINES_MAX, Record};
use crate::script::SECRET;
use crate::stage::Stage;

pub(super) fn cases() -> Vec<Case> {
    vec![
        should("P-SPAWN-2", "wire-clean", "lets nothing but messages onto the wire", Look::Read(no_noise)),
        must("P-FRAME-1", "whole-messages", "writes one whole message a line", Look::Read(whole_messages)),
        must("P-FRAME-4", "frames-in-bounds", "writes no frame over 8 MiB", Look::Read(no_oversized)),
        must("P-FRAME-6", "whole-frames", "writes whole frames, the last one too", Look::Read(whole_frames)),
        must(
            "P-MSG-1",
            "version-in-each",
            "says \"jsonrpc\": \"2.0\" in every message",
            Look::Read(version_in_each),
        ),
        must(
            "P-MSG-2",
            "ids-apart",
            "gives its calls ids that are short and tell them apart",
            Look::Read(good_ids),
        ),
        should(
            "P-LIFE-1",
            "answers-first",
            "calls nothing before it has answered `initialize`",
            Look::Read(answers_first),
        ),
        must(
            "P-ERR-1",
            "errors-worded",
            "gives every error a code and a message",
            Look::Read(errors_have_words),
        ),
        should(
            "P-ERR-1",
            "errors-with-data",
            "gives every error `data.reason` and `data.retryable`",
            Look::Read(errors_have_data),
        ),
        must("P-LOG-1", "no-secrets", "writes no token that it was given to a log", Look::Read(no_secrets)),
    ]
}

/// All that a host says on an ordinary day, to a process whose record is kept: for when nothing else is talked about.
///
/// # Errors
/// A sentence, when the plugin does not get as far.
pub(crate) async fn have_a_conversation(stage: &Stage) -> Result<(), String> {
    let conversation = stage.running().await?;
    let channel = conversation.record().channels.first().cloned();
    let mut calls = vec![
        ("ipc.invoke", json!({"channel": "outboard-conform-nobody", "args": []})),
        ("outboard-conform.unknown", json!({})),
        ("ping", json!({})),
    ];
    calls.extend(channel.map(|channel| ("ipc.invoke", json!({"channel": channel, "args": []}))));
    for (id, (method, params)) in calls.iter().enumerate() {
        conversation.ask(id, method, params);
    }
    let all = |record: &Record| (0..calls.len()).all(|id| record.answer(&json!(id)).is_some());
    // What is not answered is another rule's.
    conversation.until(conversation.limits().work(), all).await;
    stage.keep(conversation.finish().await);
    Ok(())
}

/// The first of what is found fault with.
fn none<'a, T>(mut faults: impl Iterator<Item = T> + 'a, tell: impl Fn(T) -> String) -> Finding {
    match faults.next() {
        Some(fault) => Err(tell(fault)),
        None => Ok(Seen::Holds),
    }
}

fn entries(records: &[Record]) -> impl Iterator<Item = &Entry> {
    records.iter().flat_map(|record| &record.entries)
}

fn no_noise(records: &[Record]) -> Finding {
    let noise = entries(records).filter_map(|entry| match entry {
        Entry::Noise(text) if !is_unversioned(text) => Some(text),
        _ => None,
    });
    none(noise, |text| format!("a line on the wire is not a message: {text:?}"))
}

fn whole_messages(records: &[Record]) -> Finding {
    if records.iter().any(Record::is_full) {
        return Err(format!("more than {LINES_MAX} lines or {BYTES_MAX} bytes in one conversation"));
    }
    let broken = entries(records).filter_map(|entry| match entry {
        Entry::Broken(text, why) => Some(format!("{text:?} is not a message: {why}")),
        Entry::Noise(text) if text.contains("\"jsonrpc\"") => Some(format!("a part of a message: {text:?}")),
        _ => None,
    });
    none(broken, |fault| fault)
}

fn no_oversized(records: &[Record]) -> Finding {
    let large = entries(records).filter(|entry| matches!(entry, Entry::Oversized));
    none(large, |_| format!("a frame of more than {FRAME_MAX} bytes"))
}

fn whole_frames(records: &[Record]) -> Finding {
    let halves = records.iter().filter_map(|record| record.remainder.as_ref());
    none(halves, |half| format!("the stream ended within a line: {half:?}"))
}

fn version_in_each(records: &[Record]) -> Finding {
    let wrong = entries(records).filter_map(|entry| match entry {
        Entry::Noise(text) if is_unversioned(text) => Some(text),
        Entry::Broken(text, why) if why.contains("`jsonrpc`") => Some(text),
        _ => None,
    });
    none(wrong, |text| format!("a message without it: {text:?}"))
}

/// Whether a line looks like a message but for its version.
fn is_unversioned(text: &str) -> bool {
    let Ok(Value::Object(members)) = serde_json::from_str(text) else { return false };
    ["method", "result", "error"].iter().any(|name| members.contains_key(*name))
}

fn good_ids(records: &[Record]) -> Finding {
    for record in records {
        let mut used = HashSet::new();
        for id in record.calls().filter_map(|call| call.get("id")) {
            let text = id.to_string();
            if !(id.is_string() || id.is_number()) || text.len() > ID_MAX {
                return Err(format!(
                    "the id {text} is neither a number nor a string of at most {ID_MAX} bytes"
                ));
            }
            // The host answers at once, so an id that comes again is at best one that was used twice.
            if !used.insert(text) {
                return Err(format!("the id {id} was used for two calls"));
            }
        }
    }
    Ok(Seen::Holds)
}

fn answers_first(records: &[Record]) -> Finding {
    for record in records {
        for entry in &record.entries {
            match entry {
                Entry::Message(said) if said.get("id") == Some(&json!(INITIALIZE_ID)) => break,
                Entry::Message(said) if said.get("method").is_some() => {
                    return Err(format!("{} came before the answer to `initialize`", said["method"]));
                }
                _ => {}
            }
        }
    }
    Ok(Seen::Holds)
}

fn errors(records: &[Record]) -> impl Iterator<Item = &Value> {
    records.iter().flat_map(Record::answers).filter_map(|answer| answer.get("error"))
}

fn errors_have_words(records: &[Record]) -> Finding {
    let wordless = errors(records).filter(|error| !error["code"].is_i64() || !error["message"].is_string());
    none(wordless, |error| format!("an error without: {error}"))
}

fn errors_have_data(records: &[Record]) -> Finding {
    let bare = errors(records)
        .filter(|error| !error["data"]["reason"].is_string() || !error["data"]["retryable"].is_boolean());
    none(bare, |error| format!("an error without: {error}"))
}

fn no_secrets(records: &[Record]) -> Finding {
    let logged = |record: &&Record| {
        let logs = record.calls().filter(|call| call["method"] == json!("log"));
        record.log.contains(SECRET) || logs.map(Value::to_string).any(|log| log.contains(SECRET))
    };
    none(records.iter().filter(logged), |_| "a token of the host stands in its log".to_owned())
}
