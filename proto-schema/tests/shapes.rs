//! Shapes of JSON that parsers are known to trip over, each inside a message or as the frame itself, and what becomes of it.
#![allow(clippy::unwrap_used)] // a test may end with a panic

use outboard_protocol::wire::FRAME_MAX;
use outboard_protocol::wire::frame::{Decoder, Frame};
use outboard_protocol::wire::message::{self, Message, NotAMessage};

/// What a frame comes to.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Verdict {
    /// It is a message.
    Taken,
    /// It is answered with an error of this code and the id null.
    Refused(i32),
    /// It becomes a line of the log.
    Noise,
}
use Verdict::{Noise, Refused, Taken};

const NO_JSON: Verdict = Refused(-32700);
const NO_MESSAGE: Verdict = Refused(-32600);

fn verdict(frame: &[u8]) -> Verdict {
    match message::parse(frame) {
        Ok(_) => Taken,
        Err(NotAMessage::Noise) => Noise,
        Err(NotAMessage::Broken(error)) => Refused(error.code),
    }
}

/// A request whose parameters hold this value.
fn around(value: &[u8]) -> Vec<u8> {
    [br#"{"jsonrpc":"2.0","id":1,"method":"m","params":{"v":"#, value, b"}}"].concat()
}

/// Values that are JSON. Numbers keep their text: nobody between caller and called rounds them.
const VALUES: &[(&str, &[u8])] = &[
    ("nothing in an array", b"[]"),
    ("nothing in an object", b"{}"),
    ("spaces wherever they may be", b" [ 1 ,\t2\r, { \"a\" : [ ] } ] "),
    ("literals", b"[true,false,null]"),
    ("zero and minus zero", b"[0,-0,0.0,-0.0,0e0,0E+1]"),
    ("exponents of every kind", b"[1e1,1E1,1e+1,1e-1,1.5e10,123.456E-78]"),
    ("a whole number beyond 64 bits", b"123456789012345678901234567890"),
    ("a number beyond every float", b"1e999"),
    ("a number below every float", b"-1e-999"),
    ("a fraction of a thousand digits", &digits()),
    ("an empty string", b"\"\""),
    ("every short escape", br#""\" \\ \/ \b \f \n \r \t""#),
    ("an escaped NUL", br#""\u0000""#),
    ("a pair of surrogates", br#""\ud83d\ude00""#),
    ("a letter of four bytes", "\"\u{1f600}\"".as_bytes()),
    ("a character that is none", "\"\u{ffff}\u{fdd0}\"".as_bytes()),
    ("a byte order mark within a string", "\"\u{feff}\"".as_bytes()),
    ("separators of lines of Unicode", "\"\u{2028}\u{2029}\"".as_bytes()),
    ("DEL, which is not a control character to JSON", b"\"\x7f\""),
    // Halves of pairs stand for no character. They are passed on as they are, as text of escapes; a receiver that makes text
    // of them decides for itself.
    ("the first half of a pair", br#""\ud800""#),
    ("the second half of a pair", br#""\udc00""#),
    ("both halves the wrong way round", br#""\ude00\ud83d""#),
    ("half a pair and a letter", br#""\ud800a""#),
    // Members of parameters that stand twice are the method's to judge; those of the message are ours.
    ("a member twice", br#"{"a":1,"a":2}"#),
    ("an empty name", br#"{"":0}"#),
    ("a name with an escaped NUL", br#"{"a\u0000b":0}"#),
];

/// Values that are not.
const NO_VALUES: &[(&str, &[u8])] = &[
    ("nothing", b""),
    ("a comma at the end of an array", b"[1,]"),
    ("a comma at the beginning", b"[,1]"),
    ("two commas", b"[1,,2]"),
    ("a comma alone", b"[,]"),
    ("a missing comma", b"[1 2]"),
    ("a colon in an array", b"[1:2]"),
    ("an array without an end", b"[1"),
    ("an array that ends as an object", b"[1}"),
    ("a closing bracket too many", b"[]]"),
    ("a name without quotes", b"{a:1}"),
    ("a name in single quotes", b"{'a':1}"),
    ("a number for a name", b"{1:1}"),
    ("a name without a value", br#"{"a"}"#),
    ("a name without a value, with a colon", br#"{"a":}"#),
    ("two colons", br#"{"a"::1}"#),
    ("a comma at the end of an object", br#"{"a":1,}"#),
    ("two commas in an object", br#"{"a":1,,"b":2}"#),
    ("a comment", b"1/* one */"),
    ("a comment to the line end", b"1// one"),
    ("a hash comment", b"1# one"),
    ("a leading zero", b"012"),
    ("a leading zero after minus", b"-012"),
    ("a leading plus", b"+1"),
    ("minus alone", b"-"),
    ("two minus signs", b"--1"),
    ("no digit before the point", b".5"),
    ("no digit after the point", b"1."),
    ("a point and an exponent", b"1.e1"),
    ("no digit in the exponent", b"1e"),
    ("a sign alone in the exponent", b"1e+"),
    ("two points", b"1.2.3"),
    ("hexadecimal", b"0x1F"),
    ("spaces between digits", b"1 000"),
    ("NaN", b"NaN"),
    ("Infinity", b"Infinity"),
    ("minus Infinity", b"-Infinity"),
    ("digits of another script", "\u{ff11}".as_bytes()),
    ("a literal cut short", b"tru"),
    ("a literal that goes on", b"nulll"),
    ("a literal in capitals", b"TRUE"),
    ("undefined", b"undefined"),
    ("a string without an end", b"\"a"),
    ("a string in single quotes", b"'a'"),
    ("typographic quotes", "\u{201c}a\u{201d}".as_bytes()),
    ("a tab in a string", b"\"a\tb\""),
    ("a NUL in a string", b"\"a\0b\""),
    ("a carriage return in a string", b"\"a\rb\""),
    ("ESC in a string", b"\"\x1b\""),
    ("an escape that is none", br#""\x41""#),
    ("an escaped digit", br#""\0""#),
    ("an escape in capitals", br#""\U0041""#),
    ("an escape cut short by the end of the string", br#""\u00""#),
    ("an escape with three digits", br#""\u00a""#),
    ("an escape with a letter too far", br#""\u00ag""#),
    ("an escaped space for an end", br#""\ ""#),
    ("a backslash before the end", br#""\"#),
    ("an escape outside of a string", br"\u0031"),
    ("a NUL outside of a string", b"\0"),
    ("a NUL after a value", b"1\0"),
    ("a form feed for a space", b"\x0c1"),
    ("a vertical tab for a space", b"\x0b1"),
    ("a space of Unicode", "\u{a0}1".as_bytes()),
    ("a byte order mark before a value", "\u{feff}1".as_bytes()),
    // Bytes that are not UTF-8, each in a string.
    ("a byte that nothing begins with", b"\"\xff\""),
    ("a byte that something goes on with", b"\"\x80\""),
    ("a letter cut short", b"\"\xe2\x82\""),
    ("a letter longer than need be", b"\"\xc0\xaf\""),
    ("a surrogate as bytes", b"\"\xed\xa0\x80\""),
    ("a letter beyond the last", b"\"\xf4\x90\x80\x80\""),
    ("a letter of five bytes", b"\"\xf8\x88\x80\x80\x80\""),
    ("Latin-1", b"\"caf\xe9\""),
];

const fn digits() -> [u8; 1002] {
    let mut text = [b'1'; 1002];
    text[1] = b'.';
    text
}

/// Frames as they are.
fn frames() -> Vec<(&'static str, Vec<u8>, Verdict)> {
    let text = |name, text: &str, verdict| (name, text.as_bytes().to_vec(), verdict);
    let request = r#"{"jsonrpc":"2.0","id":1,"method":"m"}"#;
    let branch = ["[".repeat(97), "]".repeat(97)].concat();
    let side_by_side = format!("[{branch},{branch}]");
    let deep = |levels: usize| around(["[".repeat(levels), "]".repeat(levels)].concat().as_bytes());
    vec![
        text("a request", request, Taken),
        text("spaces inside", r#" { "jsonrpc" : "2.0" , "id" : 1 , "method" : "m" } "#.trim(), Taken),
        text("escapes in names and values", r#"{"jsonrpc":"2.0","\u0069d":1,"method":"\u006d"}"#, Taken),
        text("a version written with escapes", r#"{"jsonrpc":"\u0032.0","id":1,"method":"m"}"#, Taken),
        // Nothing says JSON-RPC to somebody who only looks.
        text(
            "the version's name written with escapes",
            r#"{"\u006asonrpc":"2.0","id":1,"method":"m"}"#,
            Noise,
        ),
        text("a byte order mark at the beginning", &format!("\u{feff}{request}"), Noise),
        text("a space of Unicode at the beginning", &format!("\u{a0}{request}"), Noise),
        text("a NUL at the beginning", &format!("\0{request}"), Noise),
        text("a NUL at the end", &format!("{request}\0"), NO_JSON),
        text("garbage at the end", &format!("{request}x"), NO_JSON),
        text("a closing brace too many", &format!("{request}}}"), NO_JSON),
        text("a comma at the end", &format!("{request},"), NO_JSON),
        text("a comment at the end", &format!("{request} // done"), NO_JSON),
        text("one message after the other", &format!("{request}{request}"), NO_JSON),
        text("an array of messages", &format!("[{request}]"), NO_MESSAGE),
        text("an empty array", "[]", Noise),
        text("a string that holds a message", &format!("{request:?}"), Noise),
        text("a brace alone", "{", Noise),
        text("braces and nothing", "{}", Noise),
        text("the version twice", r#"{"jsonrpc":"2.0","jsonrpc":"2.0","id":1,"method":"m"}"#, NO_MESSAGE),
        text("the id twice", r#"{"jsonrpc":"2.0","id":1,"id":1,"method":"m"}"#, NO_MESSAGE),
        text(
            "the parameters twice",
            r#"{"jsonrpc":"2.0","id":1,"method":"m","params":{},"params":{}}"#,
            NO_MESSAGE,
        ),
        text("an unknown member twice", r#"{"jsonrpc":"2.0","id":1,"method":"m","x":1,"x":2}"#, Taken),
        text("a member's name with a NUL", r#"{"jsonrpc":"2.0","id":1,"method":"m","a\u0000":1}"#, Taken),
        text("a method with half a pair", r#"{"jsonrpc":"2.0","id":1,"method":"\ud800"}"#, NO_JSON),
        text("a method with a NUL", r#"{"jsonrpc":"2.0","id":1,"method":"a\u0000b"}"#, Taken),
        text("a version with half a pair", r#"{"jsonrpc":"\udc00","id":1,"method":"m"}"#, NO_JSON),
        text("an id with half a pair", r#"{"jsonrpc":"2.0","id":"\ud800","method":"m"}"#, Taken),
        text(
            "an id of many digits",
            r#"{"jsonrpc":"2.0","id":123456789012345678901234567890,"method":"m"}"#,
            Taken,
        ),
        text("an id beyond every float", r#"{"jsonrpc":"2.0","id":1e999,"method":"m"}"#, Taken),
        text("an id that is a fraction", r#"{"jsonrpc":"2.0","id":-1.5e-3,"method":"m"}"#, Taken),
        text("an id of no digits", r#"{"jsonrpc":"2.0","id":-,"method":"m"}"#, NO_JSON),
        text("parameters that are an array", r#"{"jsonrpc":"2.0","id":1,"method":"m","params":[1]}"#, Taken),
        ("nesting of as many levels as there may be", deep(98), Taken),
        (
            "as many levels as there may be, and more brackets than levels",
            around(side_by_side.as_bytes()),
            Taken,
        ),
        ("nesting of one level more", deep(99), NO_MESSAGE),
        ("nesting without an end", around("[".repeat(100_000).as_bytes()), NO_MESSAGE),
        ("objects in objects without an end", around("{\"a\":".repeat(100_000).as_bytes()), NO_MESSAGE),
        (
            "brackets in a string, which are not levels",
            around(format!("\"{}\"", "[".repeat(1000)).as_bytes()),
            Taken,
        ),
        ("UTF-16", request.encode_utf16().flat_map(u16::to_le_bytes).collect(), Noise),
        (
            "UTF-16 with its mark",
            [b"\xff\xfe".to_vec(), request.encode_utf16().flat_map(u16::to_le_bytes).collect()].concat(),
            Noise,
        ),
    ]
}

#[test]
fn values_that_are_json_are_taken_and_passed_on_as_they_are() {
    for (name, value) in VALUES {
        let frame = around(value);
        let Ok(Message::Request { params: Some(params), .. }) = message::parse(&frame) else {
            panic!("{name} is refused: {:?}", message::parse(&frame));
        };
        let kept = params.get().strip_prefix("{\"v\":").and_then(|rest| rest.strip_suffix('}')).unwrap();
        assert_eq!(kept.as_bytes(), *value, "{name}");
    }
}

#[test]
fn values_that_are_none_are_answered_with_a_parse_error() {
    for (name, value) in NO_VALUES {
        assert_eq!(verdict(&around(value)), NO_JSON, "{name}");
    }
}

#[test]
fn each_frame_comes_to_what_it_has_to() {
    for (name, frame, expected) in frames() {
        assert_eq!(
            verdict(&frame),
            expected,
            "{name}: {}",
            String::from_utf8_lossy(&frame[..frame.len().min(120)])
        );
    }
}

#[test]
fn a_shape_costs_itself_and_neither_the_frame_before_nor_the_one_behind() {
    let good = br#"{"jsonrpc":"2.0","id":"good","method":"m"}"#;
    let shapes = VALUES.iter().chain(NO_VALUES).map(|(name, value)| (*name, around(value)));
    let whole = frames().into_iter().map(|(name, frame, _)| (name, frame));
    for (name, frame) in shapes.chain(whole) {
        let mut decoder = Decoder::new(FRAME_MAX);
        decoder.feed(&[good, &frame[..], good, b""].join(&b'\n'));
        let mut taken = 0;
        while let Some(found) = decoder.next_frame() {
            let Frame::Line(line) = found else { panic!("{name} is over the limit") };
            taken += usize::from(line == good);
        }
        assert_eq!(taken, 2, "{name}");
    }
}
