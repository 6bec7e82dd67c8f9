//! What can still be told of a frame that cannot be read: the call that it means to answer.
//!
//! For whoever waits for that answer, since no other one will come. Called where a frame was refused, or was longer than a frame
//! may be and was skipped. Follows the text without reading it, so that a value that is not JSON, or half a line, hides no id.

use super::message::Id;

/// What the beginning of a frame shows of its outermost members.
#[derive(Debug, Default)]
struct Outline<'a> {
    /// The text of the id, where it stands there once.
    id: Option<&'a [u8]>,
    ids: usize,
    /// Whether it has a result or an error.
    answers: bool,
    /// Whether it has a method, or parameters.
    asks: bool,
}

/// What the beginning of a frame that was skipped says of the call that it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    /// It answers the call with this id.
    Call(u64),
    /// It is an answer, and its id may stand at its end.
    Unnamed,
    /// It is not an answer.
    Nothing,
}

/// The call of one's own that a broken frame means to answer, if it can be told.
pub fn answered(frame: &[u8]) -> Option<u64> {
    let outline = outline(frame);
    if outline.asks || outline.ids != 1 {
        return None;
    }
    number(outline.id?)
}

/// The same for a frame of which only the beginning was kept.
pub fn answered_by_beginning(beginning: &[u8]) -> Answered {
    let outline = outline(beginning);
    match outline.id.and_then(number) {
        _ if outline.asks || outline.ids > 1 => Answered::Nothing,
        Some(id) => Answered::Call(id),
        None if outline.answers && outline.ids == 0 => Answered::Unnamed,
        None => Answered::Nothing,
    }
}

/// The same for an answer of which the end was kept, where its id stands there: before the last brace, the version behind it at
/// most. Nothing but a member of the outermost object can stand there.
pub fn answered_by_ending(ending: &[u8]) -> Option<u64> {
    let rest = before(ending.trim_ascii_end(), b"}")?;
    let rest = without_version(rest).unwrap_or(rest);
    let digits = rest.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let (rest, id) = rest.split_at(rest.len() - digits);
    before(before(before(rest.trim_ascii_end(), b":")?, b"\"id\"")?, b",")?;
    number(id)
}

/// The request that the beginning of a skipped frame makes, where its id can be told.
pub fn asked_by_beginning(beginning: &[u8]) -> Option<Id<'_>> {
    let outline = outline(beginning);
    let id = outline.id.filter(|_| outline.asks && outline.ids == 1)?;
    Id::from_json(std::str::from_utf8(id).ok()?)
}

/// The call of one's own whose number somebody wrote in another way: `"1"` or `1.0` in place of `1`.
pub fn rewritten(id: Id<'_>) -> Option<u64> {
    let text = id.as_json();
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let whole = inner.strip_suffix(".0").unwrap_or(inner);
    number(whole.as_bytes()).filter(|_| whole != text)
}

fn number(text: &[u8]) -> Option<u64> {
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(text).ok().filter(|_| digits)?.parse().ok()
}

fn before<'a>(text: &'a [u8], end: &[u8]) -> Option<&'a [u8]> {
    text.strip_suffix(end).map(<[u8]>::trim_ascii_end)
}

fn without_version(text: &[u8]) -> Option<&[u8]> {
    before(before(before(before(text, b"\"2.0\"")?, b":")?, b"\"jsonrpc\"")?, b",")
}

fn outline(frame: &[u8]) -> Outline<'_> {
    let mut outline = Outline::default();
    let (mut depth, mut at) = (0usize, 0);
    while let Some(byte) = frame.get(at) {
        match byte {
            b'"' => {
                let Some(end) = string_end(frame, at) else { break };
                if depth == 1
                    && let Some(value) = value_behind(frame, end)
                {
                    outline.member(&frame[at + 1..end - 1], value);
                }
                at = end;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
        if depth == 0 && matches!(byte, b'}' | b']') {
            break;
        }
    }
    outline
}

impl<'a> Outline<'a> {
    fn member(&mut self, name: &[u8], value: &'a [u8]) {
        match name {
            b"id" => {
                self.ids += 1;
                self.id = scalar(value);
            }
            b"result" | b"error" => self.answers = true,
            b"method" | b"params" => self.asks = true,
            _ => {}
        }
    }
}

/// Behind the quote that ends the string which begins at `start`.
fn string_end(frame: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        match frame.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// What stands behind a member's name; none where the string was not a name.
fn value_behind(frame: &[u8], name_end: usize) -> Option<&[u8]> {
    Some(frame.get(name_end..)?.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start())
}

/// A number or a string at the beginning of this text; none where it may go on behind it.
fn scalar(text: &[u8]) -> Option<&[u8]> {
    if text.starts_with(b"\"") {
        return Some(&text[..string_end(text, 0)?]);
    }
    let end = text.iter().position(|byte| matches!(byte, b',' | b'}' | b' ' | b'\t'))?;
    Some(&text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_answer_names_its_call_wherever_its_id_stands() {
        for (frame, call) in [
            (r#"{"jsonrpc":"2.0","id":7}"#, Some(7)),
            (r#"{"jsonrpc":"2.0","id":7,"result":NaN}"#, Some(7)),
            (r#"{"jsonrpc":"2.0","result":{"id":1,"t":"\"id\":2,{"},"id" : 7 }"#, Some(7)),
            (r#"{"jsonrpc":"2.0","id":7,"result":{"half":"#, Some(7)),
            (r#"{"jsonrpc":"2.0","id":7,"method":"m","params":NaN}"#, None),
            (r#"{"jsonrpc":"2.0","id":7,"params":{}}"#, None),
            (r#"{"jsonrpc":"2.0","id":7,"id":8,"result":1}"#, None),
            (r#"{"jsonrpc":"2.0","id":"7","result":NaN}"#, None),
            (r#"{"jsonrpc":"2.0","id":7"#, None),
            (r#"[{"jsonrpc":"2.0","id":7,"result":1}]"#, None),
        ] {
            assert_eq!(answered(frame.as_bytes()), call, "{frame}");
        }
    }

    #[test]
    fn an_answer_that_was_skipped_names_its_call_at_its_beginning_or_at_its_end() {
        for (beginning, told) in [
            (r#"{"jsonrpc":"2.0","id":7,"result":"aaaa"#, Answered::Call(7)),
            (r#"{"jsonrpc":"2.0","result":"aaaa"#, Answered::Unnamed),
            (r#"{"jsonrpc":"2.0","result":{"id":5,"a":"aaaa"#, Answered::Unnamed),
            (r#"{"jsonrpc":"2.0","id":7,"method":"m","params":"aaaa"#, Answered::Nothing),
            (r#"{"jsonrpc":"2.0","id":"x","result":"aaaa"#, Answered::Nothing),
            ("aaaaaaaa", Answered::Nothing),
        ] {
            assert_eq!(answered_by_beginning(beginning.as_bytes()), told, "{beginning}");
        }
        for (ending, call) in [
            (r#"aaa","id":7}"#, Some(7)),
            ("aaa]} , \"id\" : 7 , \"jsonrpc\" : \"2.0\" } ", Some(7)),
            (r#"aaa","id":"7"}"#, None),
            (r#"aaa\",\"id\":7}""#, None),
            (r#"aaa,"id":7}}"#, None),
            ("7}", None),
        ] {
            assert_eq!(answered_by_ending(ending.as_bytes()), call, "{ending}");
        }
        let asked = asked_by_beginning(br#"{"jsonrpc":"2.0","id":"a b","method":"m","params":"aaa"#);
        assert_eq!(asked.map(Id::as_json), Some("\"a b\""));
    }

    #[test]
    fn a_number_that_was_written_as_text_or_as_a_fraction_is_seen_through() {
        let id = |text| rewritten(Id::from_json(text).expect("an id"));
        assert_eq!(
            [id("\"7\""), id("7.0"), id("7"), id("\"x\""), id("7.5")],
            [Some(7), Some(7), None, None, None]
        );
    }
}
