//! Frames as a stream cuts, joins and pads them, and frames at and over the limit (section 2).

use outboard_protocol::wire::{DEPTH_MAX, FRAME_MAX};
use serde_json::json;

use super::exchange::{Exchange, Expect, exchange, line};
use super::{Case, Finding, Look, Seen, must};
use crate::limits::seconds;
use crate::stage::Stage;

/// How much a plugin is sent at once while the host does not answer its calls: sixteen times what a pipe holds.
const FLOOD: usize = 1024 * 1024;

pub(super) fn cases() -> Vec<Case> {
    vec![
        must(
            "P-FRAME-2",
            "frame-cut",
            "reads a frame that comes in pieces, cut within a member and within a character",
            Look::Exchange(exchange(cut, &[Expect::Answer("\"cut\"")])),
        ),
        must(
            "P-FRAME-2",
            "frames-joined",
            "reads twenty frames that come in one piece",
            Look::Exchange(exchange(joined, TWENTY)),
        ),
        must(
            "P-FRAME-3",
            "frame-padded",
            "ignores blank lines, and spaces, tabs and carriage returns around a frame",
            Look::Exchange(exchange(padded, &[Expect::Answer("\"padded\"")])),
        ),
        must(
            "P-FRAME-4",
            "frame-largest",
            "accepts a frame of exactly 8 MiB",
            Look::Exchange(Exchange {
                pieces: largest,
                expected: &[Expect::Answer("\"largest\"")],
                large: true,
            }),
        ),
        must(
            "P-FRAME-4",
            "frame-oversized",
            "answers a frame over 8 MiB once, with -32003 and the id null, and goes on",
            Look::Exchange(Exchange {
                pieces: oversized,
                expected: &[Expect::Null(Some(-32003))],
                large: true,
            }),
        ),
        must(
            "P-FRAME-5",
            "frame-deep",
            "accepts a frame that is nested 100 deep",
            Look::Exchange(exchange(deep, &[Expect::Answer("\"deep\"")])),
        ),
        must(
            "P-FRAME-7",
            "reads-while-calling",
            "keeps reading while its own calls wait for their answers",
            Look::Early(|stage| Box::pin(keeps_reading(stage))),
        ),
    ]
}

const TWENTY: &[Expect] = &[
    Expect::Answer("0"),
    Expect::Answer("1"),
    Expect::Answer("2"),
    Expect::Answer("3"),
    Expect::Answer("4"),
    Expect::Answer("5"),
    Expect::Answer("6"),
    Expect::Answer("7"),
    Expect::Answer("8"),
    Expect::Answer("9"),
    Expect::Answer("10"),
    Expect::Answer("11"),
    Expect::Answer("12"),
    Expect::Answer("13"),
    Expect::Answer("14"),
    Expect::Answer("15"),
    Expect::Answer("16"),
    Expect::Answer("17"),
    Expect::Answer("18"),
    Expect::Answer("19"),
];

fn cut() -> Vec<Vec<u8>> {
    let frame = "{\"jsonrpc\":\"2.0\",\"id\":\"cut\",\"method\":\"ping\",\"params\":{\"text\":\"é\"}}\n";
    let bytes = frame.as_bytes();
    // Within the name of a member, and between the two bytes of the letter.
    let letter = bytes.len() - "\u{e9}\"}}\n".len() + 1;
    vec![bytes[..20].to_vec(), bytes[20..letter].to_vec(), bytes[letter..].to_vec()]
}

fn joined() -> Vec<Vec<u8>> {
    let frames = (0..20)
        .map(|id| format!("{}\n", json!({"jsonrpc": "2.0", "id": id, "method": "ping", "params": {}})));
    vec![frames.collect::<String>().into_bytes()]
}

fn padded() -> Vec<Vec<u8>> {
    line("\n  \t\r\n \t{\"jsonrpc\":\"2.0\",\"id\":\"padded\",\"method\":\"ping\",\"params\":{}} \t\r\n\r")
}

fn largest() -> Vec<Vec<u8>> {
    vec![ping_of("largest", FRAME_MAX)]
}

fn oversized() -> Vec<Vec<u8>> {
    vec![ping_of("oversized", FRAME_MAX + 1)]
}

/// A ping of so many bytes, and the line end.
fn ping_of(id: &str, size: usize) -> Vec<u8> {
    let begin = format!("{{\"jsonrpc\":\"2.0\",\"id\":\"{id}\",\"method\":\"ping\",\"params\":{{\"fill\":\"");
    let end = "\"}}";
    let mut frame = begin.into_bytes();
    frame.resize(size - end.len(), b'.');
    frame.extend_from_slice(end.as_bytes());
    frame.push(b'\n');
    frame
}

fn deep() -> Vec<Vec<u8>> {
    // The message and its parameters are two levels.
    let (open, close) = ("[".repeat(DEPTH_MAX - 2), "]".repeat(DEPTH_MAX - 2));
    line(&format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":\"deep\",\"method\":\"ping\",\"params\":{{\"deep\":{open}{close}}}}}"
    ))
}

async fn keeps_reading(stage: &Stage) -> Finding {
    let conversation = stage.initialized().await?;
    conversation.hold();
    conversation.ask(crate::conversation::START_ID, "start", &json!({}));
    let fill = ".".repeat(16 * 1024);
    for _ in 0..FLOOD / fill.len() {
        conversation
            .send(&json!({"jsonrpc": "2.0", "method": "outboard-conform.unknown", "params": {"fill": fill}}));
    }
    conversation.ask("reading", "ping", &json!({}));
    let limit = conversation.limits().answer;
    let answered = conversation.answer("reading", limit).await.is_some();
    let waiting = conversation.record().held;
    stage.keep(conversation.finish().await);
    if answered {
        return Ok(Seen::Holds);
    }
    Err(format!(
        "a ping behind 1 MiB of notifications was not answered within {} of `start`, while {waiting} of its calls waited for the host",
        seconds(limit)
    ))
}
