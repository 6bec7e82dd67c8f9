//! Reads the head of a plugin's answer.
//!
//! Called by [`super::exchange`] whenever bytes have come. What cannot be passed on in one reading is refused. Must not
//! know the connection.

use bytes::BytesMut;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use hyper::ext::ReasonPhrase;
use memchr::memchr;

use super::connection;

/// Longest head of an answer, in bytes: the same as for requests.
const HEAD_MAX: usize = 64 * 1024;
/// Most headers of an answer: the same as hyper's for requests.
const HEADERS_MAX: usize = 100;

/// How the body that follows is framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AnswerFraming {
    /// There is none.
    None,
    /// So many bytes.
    Length(u64),
    /// Chunked.
    Chunked,
    /// Until the plugin ends the connection.
    UntilEnd,
}

/// A parsed head.
#[derive(Debug)]
pub(crate) struct AnswerHead {
    pub(crate) status: StatusCode,
    /// Without the headers that belong to the plugin's connection.
    pub(crate) headers: HeaderMap,
    pub(crate) framing: AnswerFraming,
    /// Whether the connection may be used again.
    pub(crate) keep_alive: bool,
    /// The plugin's own words behind the status, where they are not the usual ones.
    pub(crate) reason: Option<ReasonPhrase>,
    /// Its Upgrade header, which is not among the headers.
    pub(crate) upgrade: Option<HeaderValue>,
}

/// Why a head is refused, a sentence without the final stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BadHead(pub(crate) &'static str);

/// How far a head was looked at that is not whole yet. A head may come byte by byte, and must not be read anew for each.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// No head ends before this byte.
    searched: usize,
    /// A byte has come that is not an empty line before the head.
    begun: bool,
    /// How long it was when it was last read.
    read: usize,
}

impl Progress {
    /// Whether it is worth reading: the empty line has come that ends it, or it is twice as long as the last time, so that what is
    /// not HTTP is noticed as well.
    fn is_due(&mut self, buffer: &[u8]) -> bool {
        let due = self.has_end(buffer) || buffer.len() >= 2 * self.read || buffer.len() > HEAD_MAX;
        if due {
            self.read = buffer.len();
        }
        due
    }

    fn has_end(&mut self, buffer: &[u8]) -> bool {
        if !self.begun {
            let fresh = &buffer[self.searched..];
            self.searched += fresh.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            self.begun = self.searched < buffer.len();
        }
        while let Some(found) = memchr(b'\n', &buffer[self.searched..]) {
            let end = self.searched + found;
            match buffer[end + 1..] {
                [b'\n', ..] | [b'\r', b'\n', ..] => return true,
                [] | [b'\r'] => {
                    self.searched = end;
                    return false;
                }
                _ => self.searched = end + 1,
            }
        }
        self.searched = buffer.len();
        false
    }
}

/// Takes a head from the buffer, if it is there whole.
pub(crate) fn take(
    buffer: &mut BytesMut,
    method: &Method,
    progress: &mut Progress,
) -> Result<Option<AnswerHead>, BadHead> {
    if buffer.is_empty() || !progress.is_due(buffer) {
        return Ok(None);
    }
    let mut lines = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut parsed = httparse::Response::new(&mut lines);
    let length = match parsed.parse(buffer) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if buffer.len() > HEAD_MAX => {
            return Err(BadHead("the head is longer than the limit of 64 KiB"));
        }
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(BadHead("the head has more than 100 headers")),
        Err(_) => return Err(BadHead("the head is not HTTP/1")),
    };
    let code = parsed.code.unwrap_or_default();
    let status = StatusCode::from_u16(code).map_err(|_| BadHead("the status is not between 100 and 999"))?;
    let http_1_1 = parsed.version == Some(1);
    let reason = parsed.reason.filter(|reason| Some(*reason) != status.canonical_reason());
    // What is not visible text is not worth refusing an answer for.
    let reason = reason.and_then(|reason| ReasonPhrase::try_from(reason.as_bytes()).ok());
    let ranges = Ranges::of(parsed.headers, buffer);
    let facts = Facts::of(parsed.headers)?;
    let framing = facts.framing(status, method)?;
    *progress = Progress::default();
    // The values share the bytes of the head.
    let head = connection::take(buffer, length);
    let (headers, upgrade) = ranges.into_headers(&head, &facts)?;
    let keep_alive = if http_1_1 { !facts.close } else { facts.keep_alive };
    Ok(Some(AnswerHead {
        status,
        headers,
        framing,
        keep_alive: keep_alive && framing != AnswerFraming::UntilEnd,
        reason,
        upgrade,
    }))
}

/// What the headers say about the message itself.
#[derive(Debug, Default)]
struct Facts {
    length: Option<u64>,
    chunked: bool,
    close: bool,
    keep_alive: bool,
    /// What Connection names besides, in lower case.
    named: Vec<String>,
}

impl Facts {
    fn of(lines: &[httparse::Header<'_>]) -> Result<Self, BadHead> {
        let mut facts = Self::default();
        for line in lines {
            match line.name.len() {
                10 if line.name.eq_ignore_ascii_case("connection") => facts.connection(line.value),
                14 if line.name.eq_ignore_ascii_case("content-length") => facts.content_length(line.value)?,
                17 if line.name.eq_ignore_ascii_case("transfer-encoding") => facts.coding(line.value)?,
                _ => {}
            }
        }
        if facts.chunked && facts.length.is_some() {
            return Err(BadHead("it has both Transfer-Encoding and Content-Length"));
        }
        Ok(facts)
    }

    fn connection(&mut self, value: &[u8]) {
        for member in value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
            if member.eq_ignore_ascii_case(b"close") {
                self.close = true;
            } else if member.eq_ignore_ascii_case(b"keep-alive") {
                self.keep_alive = true;
            } else {
                self.named.push(String::from_utf8_lossy(member).to_ascii_lowercase());
            }
        }
    }

    fn content_length(&mut self, value: &[u8]) -> Result<(), BadHead> {
        let plain = !value.is_empty() && value.len() <= 18 && value.iter().all(u8::is_ascii_digit);
        if !plain {
            return Err(BadHead("its Content-Length is not a number"));
        }
        let length = value.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
        if self.length.is_some_and(|before| before != length) {
            return Err(BadHead("it has two different Content-Lengths"));
        }
        self.length = Some(length);
        Ok(())
    }

    fn coding(&mut self, value: &[u8]) -> Result<(), BadHead> {
        if self.chunked || !value.trim_ascii().eq_ignore_ascii_case(b"chunked") {
            return Err(BadHead("its Transfer-Encoding is something else than chunked, once"));
        }
        self.chunked = true;
        Ok(())
    }

    fn framing(&self, status: StatusCode, method: &Method) -> Result<AnswerFraming, BadHead> {
        let bodyless = status.is_informational()
            || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
            || *method == Method::HEAD;
        Ok(match self.length {
            _ if bodyless => AnswerFraming::None,
            _ if self.chunked => AnswerFraming::Chunked,
            Some(0) => AnswerFraming::None,
            Some(length) => AnswerFraming::Length(length),
            None => AnswerFraming::UntilEnd,
        })
    }
}

/// Where the headers stand in the head, apart from the borrow of it.
struct Ranges(smallvec::SmallVec<[(u32, u32, u32, u32); 24]>);

impl Ranges {
    fn of(lines: &[httparse::Header<'_>], buffer: &[u8]) -> Self {
        let base = buffer.as_ptr().addr();
        // A head is at most a few reads long, far below 4 GiB.
        let place = |bytes: &[u8]| ((bytes.as_ptr().addr() - base) as u32, bytes.len() as u32);
        let range = |line: &httparse::Header<'_>| {
            let (name, name_length) = place(line.name.as_bytes());
            let (value, value_length) = if line.value.is_empty() { (0, 0) } else { place(line.value) };
            (name, name_length, value, value_length)
        };
        Self(lines.iter().map(range).collect())
    }

    /// The headers that are passed on, and apart from them Upgrade, which means something with few statuses.
    fn into_headers(
        self,
        head: &bytes::Bytes,
        facts: &Facts,
    ) -> Result<(HeaderMap, Option<HeaderValue>), BadHead> {
        let mut headers = HeaderMap::with_capacity(self.0.len() + 2);
        let mut upgrade = None;
        for (name, name_length, value, value_length) in self.0 {
            let name = HeaderName::from_bytes(&head[name as usize..(name + name_length) as usize])
                .map_err(|_| BadHead("a header has no proper name"))?;
            let value = head.slice(value as usize..(value + value_length) as usize);
            if name == header::UPGRADE {
                upgrade = HeaderValue::from_maybe_shared(value).ok();
                continue;
            }
            if is_hop_by_hop(&name) || facts.named.iter().any(|named| named == name.as_str()) {
                continue;
            }
            // hyper frames the answer; a second, equal length must not be doubled.
            if name == header::CONTENT_LENGTH && headers.contains_key(&name) {
                continue;
            }
            let value = HeaderValue::from_maybe_shared(value)
                .map_err(|_| BadHead("a header's value holds a control character"))?;
            headers.append(name, value);
        }
        Ok((headers, upgrade))
    }
}

fn is_hop_by_hop(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "connection"
            | "keep-alive"
            | "proxy-connection"
            | "transfer-encoding"
            | "te"
            | "proxy-authenticate"
            | "proxy-authorization"
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]
    use super::*;

    #[test]
    fn a_head_that_comes_byte_by_byte_is_read_a_few_times_and_found_at_its_last_byte() {
        for (before, end) in [("", "\r\n\r\n"), ("\r\n\r\n", "\r\n\r\n"), ("\n", "\n\n"), ("", "\n\r\n")] {
            let head = format!("{before}HTTP/1.1 204 No Content\r\nX: {}{end}", "a".repeat(60_000));
            let (mut buffer, mut progress) = (BytesMut::new(), Progress::default());
            let (mut reads, mut read) = (0, 0);
            for (at, byte) in head.bytes().enumerate() {
                buffer.extend_from_slice(&[byte]);
                let taken = take(&mut buffer, &Method::GET, &mut progress).unwrap();
                assert_eq!(taken.is_some(), at + 1 == head.len(), "{at} of {}", head.len());
                reads += usize::from(progress.read != read);
                read = progress.read;
            }
            assert!(buffer.is_empty() && reads < 40, "{reads} reads");
        }
    }

    #[test]
    fn an_answer_has_a_body_where_its_status_and_the_question_allow_one() {
        let framing = |method: &Method, status: &str, line: &str| {
            let mut buffer = BytesMut::from(format!("HTTP/1.1 {status}\r\n{line}\r\n\r\n").as_bytes());
            take(&mut buffer, method, &mut Progress::default()).unwrap().unwrap().framing
        };
        for line in ["Content-Length: 5", "Transfer-Encoding: chunked", "X: y"] {
            for (method, status) in
                [(Method::HEAD, "200 OK"), (Method::GET, "204 No Content"), (Method::GET, "304 Not Modified")]
            {
                assert_eq!(framing(&method, status, line), AnswerFraming::None, "{method} {status} {line}");
            }
        }
        assert_eq!(framing(&Method::GET, "200 OK", "Content-Length: 5"), AnswerFraming::Length(5));
        assert_eq!(framing(&Method::GET, "200 OK", "Content-Length: 0"), AnswerFraming::None);
        assert_eq!(framing(&Method::GET, "200 OK", "Transfer-Encoding: chunked"), AnswerFraming::Chunked);
        assert_eq!(framing(&Method::POST, "200 OK", "X: y"), AnswerFraming::UntilEnd);
    }

    #[test]
    fn what_is_not_a_head_is_refused_before_it_ends_and_so_is_one_without_end() {
        let refused = |bytes: &[u8]| {
            let (mut buffer, mut progress) = (BytesMut::new(), Progress::default());
            bytes.iter().find_map(|byte| {
                buffer.extend_from_slice(&[*byte]);
                take(&mut buffer, &Method::GET, &mut progress).err()
            })
        };
        assert_eq!(refused(b"no HTTP"), Some(BadHead("the head is not HTTP/1")));
        let endless = [b"HTTP/1.1 200 OK\r\nX: ".as_slice(), &[b'a'; HEAD_MAX]].concat();
        assert_eq!(refused(&endless), Some(BadHead("the head is longer than the limit of 64 KiB")));
        assert!(refused(&[b'\n'; HEAD_MAX + 1]).is_some());
    }
}
