//! What no bytes do to a parser, however they are cut: panic, hang, grow beyond the bound, or mean something else in other
//! pieces.
//!
//! Each property is tried a few hundred times, which takes a second or two. `PROPTEST_CASES=1000000 cargo test --release -p
//! outboard-protocol --test fuzzing` goes on for as long as you like; what fails is made small and written down beside this
//! file.
#![allow(clippy::unwrap_used)] // a test may end with a panic

use outboard_protocol::manifest;
use outboard_protocol::wire::frame::{Decoder, Frame};
use outboard_protocol::wire::message::{self, Message, NotAMessage};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::Value;

/// Small, so that streams of a few hundred bytes meet it.
const LIMIT: usize = 256;
/// What a decoder may hold beside one frame and one read: the room that it keeps for the next.
const KEPT: usize = 64 * 1024;

/// Frames of every kind, to be damaged.
const SEEDS: &[&str] = &[
    r#"{"jsonrpc":"2.0","id":1,"method":"config.get","params":{"key":"units","default":"metric"}}"#,
    r#"{"jsonrpc":"2.0","id":"a-7","method":"ipc.invoke","params":{"channel":"greet","args":["Zo\u00eb",{"x":[1,2.5e3,null]}]}}"#,
    r#"{"jsonrpc":"2.0","method":"log","params":{"level":"info","tag":"t","message":"\ud83d\ude00 done"}}"#,
    r#"{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1}}"#,
    r#"{"jsonrpc":"2.0","id":1,"result":{"value":"metric","found":false}}"#,
    r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"no","data":{"reason":"parse_error","retryable":false}}}"#,
    r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#,
    "listening on port 3000",
    "",
];

const MANIFEST: &str = r#"{
  "id": "landing-log", "name": "Landing log", "version": "1.2.3",
  "description": "d", "type": "user", "author": {"id": "a", "name": "A"},
  "icon_light": "l.svg", "icon_dark": "d.svg",
  "run": {"command": ["./bin/plugin", "--flag"], "wire": "fd"},
  "http": {"listen": "fd", "stripPrefix": true, "replay": false},
  "limits": {"memory": "64MiB", "processes": 8},
  "availableSettings": [{"key": "units", "name": "Units", "type": "list", "options": ["ft", "m"], "default": "ft"}]
}"#;

/// One way to damage text.
#[derive(Debug, Clone)]
enum Damage {
    Flip(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Repeat(Index, usize),
}

impl Damage {
    fn to(&self, text: &mut Vec<u8>) {
        let at = |index: &Index| index.index(text.len() + 1);
        let span = |from: usize, length: usize| from..text.len().min(from + length);
        match self {
            Damage::Flip(index, bits) => {
                let at = at(index);
                if let Some(byte) = text.get_mut(at) {
                    *byte ^= bits;
                }
            }
            Damage::Insert(index, bytes) => {
                let at = at(index);
                text.splice(at..at, bytes.iter().copied());
            }
            Damage::Remove(index, length) => drop(text.drain(span(at(index), *length))),
            Damage::Repeat(index, length) => {
                let again = text[span(at(index), *length)].to_vec();
                text.extend(again);
            }
        }
    }
}

fn damage() -> impl Strategy<Value = Damage> {
    let token = prop_oneof![
        Just(b"\"".to_vec()),
        Just(b"{".to_vec()),
        Just(b"}".to_vec()),
        Just(b"[[[[".to_vec()),
        Just(b"\\u".to_vec()),
        Just(b"\n".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"\0".to_vec()),
        Just(b"1e999".to_vec()),
        Just(b"null".to_vec()),
        Just(b"\"jsonrpc\":\"2.0\",".to_vec()),
        Just(b"\"id\":2,".to_vec()),
        Just(b"\xff\xfe".to_vec()),
        proptest::collection::vec(any::<u8>(), 1..8),
    ];
    prop_oneof![
        (any::<Index>(), 1u8..).prop_map(|(index, bits)| Damage::Flip(index, bits)),
        (any::<Index>(), token).prop_map(|(index, bytes)| Damage::Insert(index, bytes)),
        (any::<Index>(), 1usize..40).prop_map(|(index, length)| Damage::Remove(index, length)),
        (any::<Index>(), 1usize..400).prop_map(|(index, length)| Damage::Repeat(index, length)),
    ]
}

fn damaged(seed: impl Strategy<Value = &'static str>) -> impl Strategy<Value = Vec<u8>> {
    (seed, proptest::collection::vec(damage(), 0..5)).prop_map(|(seed, damages)| {
        let mut text = seed.as_bytes().to_vec();
        damages.iter().for_each(|damage| damage.to(&mut text));
        text
    })
}

fn frame() -> impl Strategy<Value = Vec<u8>> {
    damaged(proptest::sample::select(SEEDS))
}

/// Frames in a row, damaged and whole, and bytes that never were any.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![6 => frame(), 1 => proptest::collection::vec(any::<u8>(), 0..600)];
    proptest::collection::vec(line, 0..8).prop_map(|lines| lines.join(&b'\n'))
}

/// What a receiver makes of a stream in these pieces: each message as text, and what else it meets.
fn events(pieces: &[&[u8]]) -> Vec<String> {
    let (mut decoder, mut events) = (Decoder::new(LIMIT), Vec::new());
    for piece in pieces {
        decoder.feed(piece);
        while let Some(found) = decoder.next_frame() {
            events.push(match found {
                Frame::Line(line) => format!("{:?}", message::parse(line)),
                Frame::Oversized(beginning) => format!("oversized: {beginning:?}"),
                Frame::Skipped(ending) => format!("skipped: {ending:?}"),
            });
        }
        let held = decoder.buffer().capacity();
        assert!(held <= KEPT.max(2 * (LIMIT + piece.len() + 2)), "{held} bytes are held");
    }
    events.push(format!("rest: {:?}", decoder.remainder()));
    events
}

proptest! {
    #[test]
    fn a_stream_means_the_same_in_any_pieces(stream in stream(), cuts in proptest::collection::vec(any::<Index>(), 0..12)) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|ends| &stream[ends[0]..ends[1]]).collect();
        let whole = events(&[&stream]);
        prop_assert_eq!(&events(&pieces), &whole);
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        prop_assert_eq!(&events(&bytes), &whole);
    }

    #[test]
    fn what_is_taken_for_a_message_is_json_and_can_be_answered(frame in frame()) {
        match message::parse(&frame) {
            Ok(Message::Request { id, params, .. }) => {
                let mut answer = Vec::new();
                message::write_result(&mut answer, id, params).unwrap();
                prop_assert_eq!(answer.iter().filter(|byte| **byte == b'\n').count(), 1);
                let parsed = message::parse(answer.trim_ascii_end());
                let Ok(Message::Response { id: Some(echoed), .. }) = parsed else {
                    return Err(TestCaseError::fail(format!("the answer is not one: {parsed:?}")));
                };
                prop_assert_eq!(echoed.as_json(), id.as_json());
            }
            Ok(_) => {}
            Err(NotAMessage::Noise) => {}
            Err(NotAMessage::Broken(error)) => prop_assert!(matches!(error.code, -32700 | -32600), "{}", error),
        }
        // What JSON's own reader takes for an object with the version, is not noise.
        if let Ok(Value::Object(members)) = serde_json::from_slice(&frame)
            && members.get("jsonrpc").is_some_and(|version| version == "2.0")
            && frame.windows(9).any(|name| name == b"\"jsonrpc\"")
            && frame.first() == Some(&b'{')
        {
            prop_assert!(!matches!(message::parse(&frame), Err(NotAMessage::Noise)));
        }
    }

    #[test]
    fn no_manifest_makes_its_reader_panic_and_errors_name_a_line_that_is_there(
        text in prop_oneof![5 => damaged(Just(MANIFEST)), 1 => proptest::collection::vec(any::<u8>(), 0..300)]
    ) {
        if let Err(error) = manifest::parse(&text) {
            let lines = text.split(|byte| *byte == b'\n').count();
            prop_assert!(error.line <= lines, "line {} of {}: {}", error.line, lines, error.message);
            prop_assert!(!error.message.is_empty());
        }
    }
}
