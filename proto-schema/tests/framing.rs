//! Framing under every way to cut a stream, and parsing under every byte.
#![allow(clippy::unwrap_used)] // a test may end with a panic

use outboard_protocol::wire::frame::{Decoder, Frame};
use outboard_protocol::wire::message;
use proptest::prelude::*;

#[derive(Debug, Clone, PartialEq)]
enum Found {
    Line(Vec<u8>),
    Oversized(Vec<u8>),
    Skipped(Vec<u8>),
}

fn decode(limit: usize, chunks: &[&[u8]]) -> (Vec<Found>, Vec<u8>) {
    let mut decoder = Decoder::new(limit);
    let mut found = Vec::new();
    for chunk in chunks {
        decoder.feed(chunk);
        while let Some(frame) = decoder.next_frame() {
            found.push(match frame {
                Frame::Line(line) => Found::Line(line.to_vec()),
                Frame::Oversized(shown) => Found::Oversized(shown.to_vec()),
                Frame::Skipped(ending) => Found::Skipped(ending.to_vec()),
            });
        }
    }
    (found, decoder.remainder().to_vec())
}

/// The same by the plainest means: the whole stream at once.
fn by_the_book(limit: usize, stream: &[u8]) -> Vec<Found> {
    let stream = stream.strip_prefix(b"\xef\xbb\xbf").unwrap_or(stream);
    let mut lines: Vec<&[u8]> = stream.split(|byte| *byte == b'\n').collect();
    // What stands after the last line end is not a line yet, unless it is too long to become one.
    let rest = lines.pop().unwrap();
    let too_long = |line: &[u8]| line.strip_suffix(b"\r").unwrap_or(line).len() > limit;
    let mut found = Vec::new();
    for line in lines {
        let trimmed: &[u8] = trim(line);
        if too_long(line) {
            found.push(Found::Oversized(line[..limit.min(256)].to_vec()));
            found.push(Found::Skipped(line[line.len().saturating_sub(256)..].to_vec()));
        } else if !trimmed.is_empty() {
            found.push(Found::Line(trimmed.to_vec()));
        }
    }
    if rest.len() > limit + 1 {
        found.push(Found::Oversized(rest[..limit.min(256)].to_vec()));
    }
    found
}

fn trim(line: &[u8]) -> &[u8] {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r');
    let start = line.iter().position(|byte| !blank(byte)).unwrap_or(line.len());
    let end = line.iter().rposition(|byte| !blank(byte)).map_or(start, |last| last + 1);
    &line[start..end]
}

fn stream() -> impl Strategy<Value = Vec<u8>> {
    let byte =
        prop_oneof![3 => Just(b'a'), 2 => Just(b'\n'), 1 => Just(b'\r'), 1 => Just(b' '), 1 => any::<u8>()];
    let mark = prop_oneof![4 => Just(&b""[..]), 1 => Just(&b"\xef\xbb\xbf"[..]), 1 => Just(&b"\xef\xbb"[..])];
    (mark, proptest::collection::vec(byte, 0..120)).prop_map(|(mark, rest)| [mark, &rest].concat())
}

proptest! {
    #[test]
    fn a_stream_gives_the_same_frames_cut_at_any_point(stream in stream(), limit in 1usize..20) {
        let whole = by_the_book(limit, &stream);
        for cut in 0..=stream.len() {
            let (before, after) = stream.split_at(cut);
            let (found, _) = decode(limit, &[before, after]);
            prop_assert_eq!(&found, &whole, "cut at {}", cut);
        }
    }

    #[test]
    fn a_stream_gives_the_same_frames_cut_into_any_pieces(stream in stream(), limit in 1usize..20, size in 1usize..9) {
        let pieces: Vec<&[u8]> = stream.chunks(size).collect();
        prop_assert_eq!(decode(limit, &pieces).0, by_the_book(limit, &stream));
    }

    #[test]
    fn half_a_frame_at_the_end_is_kept_for_the_diagnosis(line in "[a-z]{1,20}", half in "[a-z]{0,20}") {
        let stream = format!("{line}\n{half}");
        let (found, rest) = decode(64, &[stream.as_bytes()]);
        prop_assert_eq!(found, vec![Found::Line(line.into_bytes())]);
        prop_assert_eq!(rest, half.into_bytes());
    }

    #[test]
    fn no_bytes_make_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = message::parse(&bytes);
    }

    #[test]
    fn no_text_that_looks_like_a_message_makes_the_parser_panic(
        pieces in proptest::collection::vec(prop_oneof![
            Just("{"), Just("}"), Just("["), Just("]"), Just(":"), Just(","), Just("null"), Just("1e999"), Just("-"),
            Just("\"jsonrpc\":\"2.0\""), Just("\"id\":1"), Just("\"method\":\"m\""), Just("\"params\":{}"),
            Just("\"result\":0"), Just("\"error\":{\"code\":1}"), Just("\"\\u"), Just("\\"), Just("\""), Just("\u{0}"),
        ], 0..24)
    ) {
        let text = format!("{{{}", pieces.concat());
        let _ = message::parse(text.as_bytes());
        let joined = format!("{{{}}}", pieces.join(","));
        let _ = message::parse(joined.as_bytes());
    }
}

#[test]
fn an_endless_line_takes_no_more_memory_than_the_limit_allows() {
    let mut decoder = Decoder::new(1024);
    let chunk = [b'x'; 4096];
    let mut reports = 0;
    for _ in 0..10_000 {
        decoder.feed(&chunk);
        while let Some(frame) = decoder.next_frame() {
            assert!(matches!(frame, Frame::Oversized(_)));
            reports += 1;
        }
    }
    assert_eq!(reports, 1);
    assert!(decoder.buffer().capacity() <= 128 * 1024, "{}", decoder.buffer().capacity());
    decoder.feed(b"\nnext\n");
    assert_eq!(decoder.next_frame(), Some(Frame::Skipped(&[b'x'; 256])));
    assert_eq!(decoder.next_frame(), Some(Frame::Line(b"next")));
}

#[test]
fn a_large_frame_gives_its_memory_back() {
    let mut decoder = Decoder::new(16 << 20);
    decoder.feed(&vec![b'x'; 8 << 20]);
    decoder.feed(b"\n");
    assert!(matches!(decoder.next_frame(), Some(Frame::Line(line)) if line.len() == 8 << 20));
    assert_eq!(decoder.next_frame(), None);
    decoder.feed(b"small\n");
    assert!(decoder.next_frame().is_some());
    assert!(decoder.buffer().capacity() <= 64 * 1024);
}

#[test]
fn nesting_of_any_depth_is_refused_and_not_followed() {
    let deep = format!(r#"{{"jsonrpc":"2.0","method":"m","params":{}"#, "[".repeat(1_000_000));
    assert!(message::parse(deep.as_bytes()).is_err());
    let in_text = format!(r#"{{"jsonrpc":"2.0","method":"m","params":{{"t":"{}"}}}}"#, "[".repeat(1000));
    assert!(message::parse(in_text.as_bytes()).is_ok());
}

#[test]
fn a_byte_order_mark_at_the_beginning_of_a_stream_belongs_to_no_line_and_a_later_one_does() {
    let (found, _) = decode(16, &[b"\xef\xbb\xbfa\n\xef\xbb\xbfb\n"]);
    assert_eq!(found, [Found::Line(b"a".to_vec()), Found::Line(b"\xef\xbb\xbfb".to_vec())]);
}

#[test]
fn text_for_people_keeps_its_blank_lines_and_its_blanks() {
    let mut decoder = Decoder::verbatim(8);
    decoder.feed("\u{feff} a \r\n\n\tb\nhalf".as_bytes());
    let mut lines = Vec::new();
    while let Some(frame) = decoder.next_frame() {
        let Frame::Line(line) = frame else { panic!("{frame:?}") };
        lines.push(String::from_utf8(line.to_vec()).unwrap());
    }
    assert_eq!(lines, ["\u{feff} a ", "", "\tb"]);
    assert_eq!(decoder.remainder(), b"half");
}

#[test]
fn the_memory_of_a_large_frame_is_given_back_and_that_of_a_usual_one_is_kept() {
    let mut decoder = Decoder::new(1 << 20);
    let mut held_after = |bytes: usize| {
        decoder.feed(&[vec![b'x'; bytes], b"\n".to_vec()].concat());
        assert!(matches!(decoder.next_frame(), Some(Frame::Line(line)) if line.len() == bytes));
        decoder.buffer().capacity()
    };
    assert!(held_after(32 * 1024) > 32 * 1024);
    assert!(held_after(1 << 20) <= 64 * 1024);
}
