//! The golden vectors: frames with their meaning, and broken ones with what becomes of them.
#![allow(clippy::unwrap_used)] // a test may end with a panic

use std::path::Path;

use outboard_protocol::ErrorReason;
use outboard_protocol::wire::frame::{Decoder, Frame};
use outboard_protocol::wire::message::{self, Id, Message, NotAMessage};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

fn vectors<T: for<'de> Deserialize<'de>>(file: &str) -> Vec<T> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors").join(file);
    let text = std::fs::read_to_string(path).unwrap();
    let vectors: Vec<T> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(vectors.len() >= 10, "{file} is nearly empty");
    vectors
}

#[derive(Deserialize)]
struct Valid {
    name: String,
    frame: String,
    means: Map<String, Value>,
}

#[derive(Deserialize)]
struct Invalid {
    name: String,
    frame: Option<String>,
    hex: Option<String>,
    outcome: String,
    code: Option<i32>,
}

impl Invalid {
    fn bytes(&self) -> Vec<u8> {
        match (&self.frame, &self.hex) {
            (Some(text), _) => text.clone().into_bytes(),
            (_, Some(hex)) => hex.split(' ').map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect(),
            _ => panic!("{} has neither frame nor hex", self.name),
        }
    }
}

#[derive(Deserialize)]
struct Stream {
    name: String,
    limit: usize,
    chunks: Vec<String>,
    frames: Vec<Value>,
}

/// The one line that a decoder finds in this frame.
fn line(frame: &str) -> Vec<u8> {
    let mut decoder = Decoder::new(1 << 20);
    decoder.feed(frame.as_bytes());
    decoder.feed(b"\n");
    match decoder.next_frame() {
        Some(Frame::Line(line)) => line.to_vec(),
        other => panic!("{other:?}"),
    }
}

fn value(id: Id<'_>) -> Value {
    serde_json::from_str(id.as_json()).unwrap()
}

fn meaning(message: Message<'_>) -> Value {
    let read = |raw: &RawValue| -> Value { serde_json::from_str(raw.get()).unwrap() };
    let (mut means, params) = match message {
        Message::Request { id, method, params } => {
            (json!({ "kind": "request", "id": value(id), "method": method }), params)
        }
        Message::Notification { method, params } => {
            (json!({ "kind": "notification", "method": method }), params)
        }
        Message::Response { id, outcome } => {
            let id = id.map_or(Value::Null, value);
            return match outcome {
                Ok(result) => json!({ "kind": "result", "id": id, "result": read(result) }),
                Err(error) => json!({ "kind": "error", "id": id, "error": error }),
            };
        }
    };
    if let Some(params) = params {
        means["params"] = read(params);
    }
    means
}

#[test]
fn every_valid_frame_means_what_its_vector_says() {
    for vector in vectors::<Valid>("valid.jsonl") {
        let line = line(&vector.frame);
        let message = message::parse(&line).unwrap_or_else(|error| panic!("{}: {error:?}", vector.name));
        assert_eq!(meaning(message), Value::Object(vector.means), "{}", vector.name);
    }
}

#[test]
fn what_is_written_reads_as_what_was_meant() {
    for vector in vectors::<Valid>("valid.jsonl") {
        let means = Value::Object(vector.means);
        let mut out = Vec::new();
        let id_text = means["id"].to_string();
        let id = Id::from_json(&id_text);
        let method = means["method"].as_str().unwrap_or_default();
        let params = means.get("params").cloned().unwrap_or_else(|| json!({}));
        match means["kind"].as_str().unwrap() {
            // Our own calls are numbered; other ids are other people's.
            "request" => match means["id"].as_u64() {
                Some(id) => message::write_request(&mut out, id, method, &params).unwrap(),
                None => continue,
            },
            "notification" => message::write_notification(&mut out, method, &params).unwrap(),
            "result" => message::write_result(&mut out, id.unwrap(), &means["result"]).unwrap(),
            _ => message::write_error(&mut out, id, &serde_json::from_value(means["error"].clone()).unwrap()),
        }
        assert_eq!(out.iter().filter(|byte| **byte == b'\n').count(), 1, "{}", vector.name);
        let mut expected = means.clone();
        if expected.get("params").is_none() && expected.get("method").is_some() {
            expected["params"] = json!({});
        }
        let out = out.strip_suffix(b"\n").unwrap();
        assert_eq!(meaning(message::parse(out).unwrap()), expected, "{}", vector.name);
    }
}

#[test]
fn every_invalid_frame_gets_the_error_that_its_vector_says() {
    for vector in vectors::<Invalid>("invalid.jsonl") {
        let outcome = message::parse(&vector.bytes()).map(|message| format!("{message:?}"));
        match (outcome, vector.outcome.as_str()) {
            (Err(NotAMessage::Noise), "noise") => {}
            (Err(NotAMessage::Broken(error)), "broken") => {
                assert_eq!(Some(error.code), vector.code, "{}: {error:?}", vector.name);
            }
            (other, expected) => panic!("{}: {other:?} in place of {expected}", vector.name),
        }
    }
}

fn frames(decoder: &mut Decoder, found: &mut Vec<Value>) {
    while let Some(frame) = decoder.next_frame() {
        found.push(match frame {
            Frame::Line(line) => json!({ "line": std::str::from_utf8(line).unwrap() }),
            Frame::Oversized(_) => json!({ "oversized": true }),
            Frame::Skipped(_) => continue,
        });
    }
}

#[test]
fn every_stream_gives_its_frames_as_it_came_and_byte_by_byte() {
    for vector in vectors::<Stream>("streams.jsonl") {
        let as_it_came: Vec<Vec<u8>> = vector.chunks.iter().map(|chunk| chunk.clone().into_bytes()).collect();
        let one_by_one = as_it_came.concat().into_iter().map(|byte| vec![byte]).collect();
        for chunks in [as_it_came, one_by_one] {
            let mut decoder = Decoder::new(vector.limit);
            let mut found = Vec::new();
            for chunk in chunks {
                decoder.feed(&chunk);
                frames(&mut decoder, &mut found);
            }
            assert_eq!(found, vector.frames, "{}", vector.name);
        }
    }
}

#[test]
fn a_raw_value_on_several_lines_becomes_one_line() {
    let raw: Box<RawValue> = serde_json::from_str("{\n  \"a\": \"x\\ny\",\r\n  \"b\": 1\n}").unwrap();
    let mut out = Vec::new();
    message::write_notification(&mut out, "m", &raw).unwrap();
    message::write_outcome(&mut out, "7", Ok(&raw));
    let lines: Vec<&[u8]> = out.split(|byte| *byte == b'\n').collect();
    assert_eq!(lines.len(), 3, "two frames, and nothing after the last line end");
    let expected = json!({ "a": "x\ny", "b": 1 });
    assert_eq!(meaning(message::parse(lines[0]).unwrap())["params"], expected);
    assert_eq!(meaning(message::parse(lines[1]).unwrap())["result"], expected);
}

#[test]
fn parameters_are_an_object_or_there_are_none() {
    let object_of = |params: Option<&str>| {
        let raw = params.map(|params| RawValue::from_string(params.to_owned()).unwrap());
        message::object_of(raw.as_deref()).map(str::to_owned).map_err(|refused| refused.reason())
    };
    for none in [None, Some("null"), Some("[]"), Some("{}")] {
        assert_eq!(object_of(none), Ok("{}".to_owned()), "{none:?}");
    }
    assert_eq!(object_of(Some(r#"{"a":[1]}"#)), Ok(r#"{"a":[1]}"#.to_owned()));
    for other in ["[1]", "1", "\"{}\"", "true"] {
        assert_eq!(object_of(Some(other)), Err(Some(ErrorReason::InvalidParams)), "{other}");
    }
}

#[test]
fn an_id_is_one_of_ours_where_it_is_a_whole_number() {
    let number = |text| Id::from_json(text).unwrap().as_u64();
    assert_eq!(
        (number("0"), number("7"), number("18446744073709551615")),
        (Some(0), Some(7), Some(u64::MAX))
    );
    for other in ["\"7\"", "-1", "1.0", "1e3", "18446744073709551616"] {
        assert_eq!(number(other), None, "{other}");
    }
}
