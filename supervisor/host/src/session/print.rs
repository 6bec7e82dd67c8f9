//! What a plugin printed among its messages, and what of that may be kept: text, and never a message or a part of one, which
//! may hold a password.
//!
//! Called by [`super::inbound`] for whatever could not be read as a message. Must not know what a method means.

use outboard_protocol::wire::message::{self, NotAMessage};
use serde::de::IgnoredAny;

use super::outside::NoiseSink;

/// Longest name of a method that is shown.
const METHOD_MAX: usize = 64;
/// What some writers of UTF-8 put in front.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// How much of a line that is too long is shown.
const BEGINNING: usize = 80;

/// A line that is not a message. Of one that holds a message all the same, the text before it is kept.
pub(super) fn line(noise: &dyn NoiseSink, line: &[u8]) {
    let Some(at) = message_in(line) else { return noise.line(line) };
    let before = line[..at].trim_ascii();
    if before == BYTE_ORDER_MARK {
        return noise.remark(
            "a message begins with a byte order mark, which is invisible and which parsers refuse; only the first line of all may have one",
        );
    }
    if !before.is_empty() {
        noise.line(before);
    }
    noise.remark(&format!(
        "a message could not be read{}; it is not shown, since it may hold a secret. A message stands on a line of its own \
         and has \"jsonrpc\":\"2.0\"",
        described(&line[at..])
    ));
}

/// What was not dealt with when the output ended: lines that nobody read any more, and what stood behind the last line end.
pub(super) fn rest(noise: &dyn NoiseSink, rest: &[u8]) {
    let (unread, half) = rest.split_at(memchr::memrchr(b'\n', rest).map_or(0, |at| at + 1));
    if !unread.is_empty() {
        noise.remark(&format!(
            "the last {} bytes of the plugin's output were not read any more",
            unread.len()
        ));
    }
    let half = half.trim_ascii();
    match half.first() {
        None => {}
        Some(b'{' | b'[') if !is_whole_print(half) => noise.remark(&format!(
            "the plugin's output ended within a message{}; it is not shown, since it may hold a secret",
            described(half)
        )),
        Some(_) => line(noise, half),
    }
}

/// How a line begins that is too long to be read, for a remark.
pub(super) fn beginning(line: &[u8]) -> String {
    if matches!(line.trim_ascii_start().first(), Some(b'{' | b'[')) || message_in(line).is_some() {
        return format!("it looks like a message{}", described(line));
    }
    format!("it begins with {:?}", String::from_utf8_lossy(&line[..line.len().min(BEGINNING)]))
}

fn is_whole_print(text: &[u8]) -> bool {
    matches!(message::parse(text), Err(NotAMessage::Noise))
        && serde_json::from_slice::<IgnoredAny>(text).is_ok()
}

/// Where a message or a part of one begins in a line.
fn message_in(line: &[u8]) -> Option<usize> {
    let find = |what: &str| memchr::memmem::find(line, what.as_bytes());
    let call = || Some(find("\"method\"")?.min(find("\"params\"")?));
    if let Some(member) = find("\"jsonrpc\"").or_else(call) {
        return Some(memchr::memchr(b'{', &line[..member]).unwrap_or(0));
    }
    // The second half of a message that something else was printed into.
    let count = |byte| memchr::memchr_iter(byte, line).count();
    (line.ends_with(b"}}") && count(b'}') > count(b'{')).then_some(0)
}

fn described(message: &[u8]) -> String {
    match method_of(message) {
        Some(method) => format!(" ({method}, {} bytes)", message.len()),
        None => format!(" ({} bytes)", message.len()),
    }
}

fn method_of(message: &[u8]) -> Option<&str> {
    const MEMBER: &[u8] = b"\"method\"";
    let behind = &message[memchr::memmem::find(message, MEMBER)? + MEMBER.len()..];
    let value = behind.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start().strip_prefix(b"\"")?;
    let name = std::str::from_utf8(&value[..memchr::memchr(b'"', value)?]).ok()?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "./$_".contains(c);
    (name.len() <= METHOD_MAX && name.chars().all(plain)).then_some(name)
}
