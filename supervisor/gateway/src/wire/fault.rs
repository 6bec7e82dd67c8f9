//! What is wrong with a client's bytes, each with its sentence and its answer.
//!
//! [`super::framing`] finds them, [`super::closing`] answers those of a head, the proxy those of a body. Must not know where
//! the bytes come from.

use super::limits::{EMPTY_LINES_MAX, HEADERS_MAX};
use crate::problem::{Kind, Problem};

/// What broke the chunked coding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BadChunk(pub(crate) &'static str);

/// Why a message is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// The head has a line that does not end in CRLF.
    #[error("A line of the head ends in a bare LF or holds a bare CR; every line must end in CRLF")]
    BareLineEnd,
    /// The request line is not `METHOD target HTTP/1.x`.
    #[error("The request line is not METHOD, target and HTTP/1.0 or HTTP/1.1, with one space between them")]
    RequestLine,
    /// Another version of HTTP.
    #[error("This version of HTTP is not served here; send HTTP/1.1")]
    Version,
    /// The target holds a byte that no target may hold.
    #[error("The target holds {}, which must be percent-encoded as %{:02X}", shown(*.0), .0)]
    TargetByte(u8),
    /// The target is neither a path nor an address.
    #[error("The target is neither a path that begins with '/' nor a whole http address")]
    TargetForm,
    /// The target is longer than the limit of the head.
    #[error("The target is longer than a request's head may be; send what is long in the body")]
    TargetTooLong,
    /// A header line goes on in the next line.
    #[error("A header line begins with white space; put each header on one line")]
    Folded,
    /// A header line without a proper name.
    #[error("A header line has no colon, no name before it, or a name with a byte that names may not hold")]
    HeaderName,
    /// A header's value with a control character.
    #[error("A header's value holds a control character; remove it")]
    HeaderValue,
    /// Transfer-Encoding is something else than `chunked`, or there are two.
    #[error("The only Transfer-Encoding of a request is chunked, given once and with HTTP/1.1")]
    TransferEncoding,
    /// Both framings at once.
    #[error("Transfer-Encoding and Content-Length contradict each other; send one of them")]
    BothFramings,
    /// Content-Length twice, or not a number.
    #[error("Content-Length must be one number, given once")]
    ContentLength,
    /// Empty lines and no request.
    #[error("More than {EMPTY_LINES_MAX} empty lines stand before a request")]
    EmptyLines,
    /// The head is longer than the limit.
    #[error(
        "The head of the request is longer than the limit; send fewer or shorter headers, such as cookies"
    )]
    HeadTooLong,
    /// The head has more lines than the limit.
    #[error("The head of the request has more than {HEADERS_MAX} headers; send fewer")]
    TooManyHeaders,
    /// The head did not come whole in time.
    #[error("The head of the request did not arrive whole in time; send it at once")]
    HeadTooSlow,
    /// The chunked body is malformed.
    #[error("The chunked body is malformed: {}", .0.0)]
    Chunk(BadChunk),
}

impl Fault {
    /// The answer to it. Nothing on its connection may be believed any more.
    pub(crate) fn problem(self) -> Problem {
        let kind = match self {
            Fault::TargetTooLong => Kind::TargetTooLong,
            Fault::HeadTooLong | Fault::TooManyHeaders => Kind::HeadTooLarge,
            Fault::HeadTooSlow => Kind::ClientSlow,
            Fault::Version => Kind::VersionNotServed,
            _ => Kind::Ambiguous,
        };
        Problem::new(kind, format!("{self}.")).closing()
    }
}

fn shown(byte: u8) -> String {
    match byte {
        b'\\' => "a backslash".to_owned(),
        b'#' => "a fragment".to_owned(),
        0x21..=0x7e => format!("the character {}", char::from(byte)),
        _ => "a byte that is not visible ASCII".to_owned(),
    }
}
