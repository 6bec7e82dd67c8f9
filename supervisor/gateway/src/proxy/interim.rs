//! An interim answer (102, 103) as it goes to the client, before the real one.
//!
//! [`super::exchange`] reads it from the plugin and has it put in between what hyper writes, which can send none. Of its headers
//! only Link passes: that is what they are for, and whatever the gateway does to an answer's headers it does to the real one.

use bytes::{BufMut, Bytes, BytesMut};
use http::header::LINK;

use super::answer_head::AnswerHead;
use super::prefix::Stripped;

/// The bytes of an interim answer.
pub(crate) fn told(mut head: AnswerHead, stripped: Option<(&Stripped, &str)>) -> Bytes {
    if let Some((stripped, host)) = stripped {
        stripped.restore_links(&mut head.headers, host);
    }
    let mut told = BytesMut::with_capacity(128);
    let usual = head.status.canonical_reason().unwrap_or_default().as_bytes();
    let reason = head.reason.as_ref().map_or(usual, |reason| reason.as_bytes());
    for piece in [&b"HTTP/1.1 "[..], head.status.as_str().as_bytes(), b" ", reason, b"\r\n"] {
        told.put_slice(piece);
    }
    for link in head.headers.get_all(LINK) {
        for piece in [&b"link: "[..], link.as_bytes(), b"\r\n"] {
            told.put_slice(piece);
        }
    }
    told.put_slice(b"\r\n");
    told.freeze()
}
