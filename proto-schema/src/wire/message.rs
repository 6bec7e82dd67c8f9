//! The JSON-RPC 2.0 envelope: one frame to one message, and messages to frames.
//!
//! Called by the host's session and by SDKs. Parameters and results stay raw text here; the receiver reads them with the
//! type that the method table gives. Must not know any method.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::DEPTH_MAX;
use crate::error::{ErrorReason, RpcError};

/// Longest id text that a caller may use, in bytes. Ids are kept as long as their call runs.
pub const ID_MAX: usize = 128;

/// The id of a call, as its raw JSON text: a number or a string. It is echoed byte for byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Id<'a>(&'a str);

impl<'a> Id<'a> {
    /// The raw JSON text.
    pub fn as_json(self) -> &'a str {
        self.0
    }

    /// The id as a whole number, where it is one. Our own calls are numbered.
    pub fn as_u64(self) -> Option<u64> {
        self.0.parse().ok()
    }

    /// An id that was kept as raw JSON text. `None`: the text is not an id.
    pub fn from_json(text: &'a str) -> Option<Self> {
        let string = text.starts_with('"');
        let number = text.starts_with(|c: char| c == '-' || c.is_ascii_digit());
        (text.len() <= ID_MAX && (string || number)).then_some(Self(text))
    }
}

/// One message, borrowed from its frame.
#[derive(Debug, Clone)]
pub enum Message<'a> {
    /// The other side asks and awaits an answer.
    Request {
        /// To be echoed in the answer.
        id: Id<'a>,
        /// The method's name.
        method: Cow<'a, str>,
        /// The parameters, where there are any.
        params: Option<&'a RawValue>,
    },
    /// The other side tells.
    Notification {
        /// The method's name.
        method: Cow<'a, str>,
        /// The parameters, where there are any.
        params: Option<&'a RawValue>,
    },
    /// The other side answers. `None` as id: it could not tell which call it is about.
    Response {
        /// The id of the call that is answered.
        id: Option<Id<'a>>,
        /// The result, or the error.
        outcome: Result<&'a RawValue, RpcError>,
    },
}

/// Why a frame is not a message.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum NotAMessage {
    /// Nothing about it says JSON-RPC: text that somebody printed. Kept as a log line; nothing is answered.
    #[error("not a JSON-RPC message")]
    Noise,
    /// It means to be JSON-RPC and is not. Answered with this error and a null id.
    #[error("broken JSON-RPC message")]
    Broken(#[source] RpcError),
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    jsonrpc: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "raw")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "raw")]
    params: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "raw")]
    result: Option<&'a RawValue>,
    #[serde(default)]
    error: Option<RpcError>,
}

/// `Option<&RawValue>` reads null as absent; here null is a value.
fn raw<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// Reads one frame.
///
/// # Errors
/// [`NotAMessage::Noise`] for what does not try to be JSON-RPC, [`NotAMessage::Broken`] for one that failed.
pub fn parse(frame: &[u8]) -> Result<Message<'_>, NotAMessage> {
    let text = match std::str::from_utf8(frame) {
        Ok(text) => text,
        Err(_) if frame.starts_with(b"{") && memchr::memmem::find(frame, b"\"jsonrpc\"").is_some() => {
            return Err(NotAMessage::Broken(RpcError::new(
                ErrorReason::ParseError,
                "the frame is not UTF-8",
            )));
        }
        Err(_) => return Err(NotAMessage::Noise),
    };
    match text.as_bytes().first() {
        Some(b'{') if text.contains("\"jsonrpc\"") => {}
        Some(b'[') if text.contains("\"jsonrpc\"") => {
            return Err(broken("batches are not supported; send one message a line"));
        }
        _ => return Err(NotAMessage::Noise),
    }
    check_depth(text)?;
    let envelope: Envelope<'_> = serde_json::from_str(text).map_err(|error| refuse(text, &error))?;
    if envelope.jsonrpc.as_deref() != Some("2.0") {
        return Err(if envelope.jsonrpc.is_some() {
            broken("`jsonrpc` must be \"2.0\"")
        } else {
            NotAMessage::Noise
        });
    }
    sort(envelope)
}

/// The text of parameters to be read with the method's type: that of an object, and `{}` where there are none. Without this
/// an array would pass for an object whose members it gives in the order of our fields. An empty one gives none, and is what
/// some callers send for no parameters.
///
/// # Errors
/// `invalid_params` for what is not an object.
pub fn object_of(params: Option<&RawValue>) -> Result<&str, RpcError> {
    match params.map(RawValue::get) {
        None | Some("null" | "[]") => Ok("{}"),
        Some(text) if text.starts_with('{') => Ok(text),
        Some(_) => Err(RpcError::new(ErrorReason::InvalidParams, "`params` must be an object")),
    }
}

fn sort(envelope: Envelope<'_>) -> Result<Message<'_>, NotAMessage> {
    let Envelope { id, method, params, result, error, .. } = envelope;
    if let Some(method) = method {
        if result.is_some() || error.is_some() {
            return Err(broken("a message has either `method`, or `result`, or `error`"));
        }
        let params = params.filter(|params| params.get() != "null");
        return match id {
            None => Ok(Message::Notification { method, params }),
            Some(raw) => match Id::from_json(raw.get()) {
                Some(id) => Ok(Message::Request { id, method, params }),
                None => Err(broken("`id` must be a string or a number of at most 128 bytes")),
            },
        };
    }
    let outcome = match (result, error) {
        (Some(result), None) => Ok(result),
        (None, Some(error)) => Err(error),
        (None, None) => {
            return Err(broken(
                "it has neither `method`, nor `result`, nor `error`; an answer that has nothing to say has `\"result\": {}`",
            ));
        }
        (Some(_), Some(_)) => return Err(broken("a message has either `method`, or `result`, or `error`")),
    };
    match id {
        Some(raw) if raw.get() == "null" => Ok(Message::Response { id: None, outcome }),
        Some(raw) => match Id::from_json(raw.get()) {
            Some(id) => Ok(Message::Response { id: Some(id), outcome }),
            None => Err(broken("`id` must be a string or a number of at most 128 bytes")),
        },
        None => Err(broken("a response needs the `id` of its call")),
    }
}

fn refuse(text: &str, error: &serde_json::Error) -> NotAMessage {
    let reason = if error.is_data() { ErrorReason::InvalidRequest } else { ErrorReason::ParseError };
    if reason == ErrorReason::ParseError && !text.trim_start_matches('{').trim_start().starts_with('"') {
        return NotAMessage::Noise;
    }
    NotAMessage::Broken(RpcError::new(reason, error.to_string()))
}

fn broken(message: &str) -> NotAMessage {
    NotAMessage::Broken(RpcError::new(ErrorReason::InvalidRequest, message))
}

fn check_depth(text: &str) -> Result<(), NotAMessage> {
    if is_deeper(text.as_bytes(), DEPTH_MAX) {
        return Err(broken("nested deeper than 100 levels"));
    }
    Ok(())
}

/// Whether arrays and objects of some JSON text stand in one another on more than so many levels.
pub fn is_deeper(text: &[u8], levels: usize) -> bool {
    // Nearly every frame has fewer brackets than it may have levels; counting them takes a fraction of following them.
    if text.iter().map(|byte| usize::from(matches!(byte, b'{' | b'['))).sum::<usize>() <= levels {
        return false;
    }
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for byte in text {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > levels {
            return true;
        }
    }
    false
}

#[derive(Serialize)]
struct Call<'a, P> {
    jsonrpc: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u64>,
    method: &'a str,
    params: P,
}

/// Appends a request as one frame.
///
/// # Errors
/// When the parameters cannot be JSON; the buffer is then as it was.
pub fn write_request<P: Serialize>(
    out: &mut Vec<u8>,
    id: u64,
    method: &str,
    params: P,
) -> Result<(), serde_json::Error> {
    write_line(out, &Call { jsonrpc: "2.0", id: Some(id), method, params })
}

/// Appends a notification as one frame.
///
/// # Errors
/// When the parameters cannot be JSON; the buffer is then as it was.
pub fn write_notification<P: Serialize>(
    out: &mut Vec<u8>,
    method: &str,
    params: P,
) -> Result<(), serde_json::Error> {
    write_line(out, &Call { jsonrpc: "2.0", id: None, method, params })
}

/// Appends the answer to the call with this id as one frame.
///
/// # Errors
/// When the result cannot be JSON; the buffer is then as it was.
pub fn write_result<R: Serialize>(out: &mut Vec<u8>, id: Id<'_>, result: R) -> Result<(), serde_json::Error> {
    write_answer(out, id.as_json(), "result", &result)
}

/// Appends the answer to the call with this id, result or error, as one frame. The id is its raw JSON text.
pub fn write_outcome(out: &mut Vec<u8>, id: &str, outcome: Result<&RawValue, &RpcError>) {
    let encoded = match outcome {
        Ok(result) => write_answer(out, id, "result", &result),
        Err(error) => write_answer(out, id, "error", error),
    };
    encoded.expect("INVARIANT: raw JSON text and error objects are JSON already");
}

/// Appends an error answer as one frame; `None` as id when it is not known which call it is about.
pub fn write_error(out: &mut Vec<u8>, id: Option<Id<'_>>, error: &RpcError) {
    write_answer(out, id.map_or("null", Id::as_json), "error", error).expect(
        "INVARIANT: an error object holds strings, numbers and JSON trees only, all of which are JSON",
    );
}

/// By hand, since the id is raw text already, and a raw value inside a struct costs serde_json a copy.
fn write_answer<T: Serialize>(
    out: &mut Vec<u8>,
    id: &str,
    member: &str,
    answer: &T,
) -> Result<(), serde_json::Error> {
    let before = out.len();
    for piece in [r#"{"jsonrpc":"2.0","id":"#, id, ",\"", member, "\":"] {
        out.extend_from_slice(piece.as_bytes());
    }
    if let Err(error) = serde_json::to_writer(&mut *out, answer) {
        out.truncate(before);
        return Err(error);
    }
    out.push(b'}');
    end_line(out, before);
    Ok(())
}

fn write_line<T: Serialize>(out: &mut Vec<u8>, message: &T) -> Result<(), serde_json::Error> {
    let before = out.len();
    if let Err(error) = serde_json::to_writer(&mut *out, message) {
        out.truncate(before);
        return Err(error);
    }
    end_line(out, before);
    Ok(())
}

/// Ends the frame that begins at `start`. Raw values come as their maker laid them out; a line break in JSON text is only
/// ever a space between two tokens, and one space is as good as another.
fn end_line(out: &mut Vec<u8>, start: usize) {
    let mut from = start;
    while let Some(at) = memchr::memchr(b'\n', &out[from..]) {
        from += at;
        out[from] = b' ';
    }
    out.push(b'\n');
}
