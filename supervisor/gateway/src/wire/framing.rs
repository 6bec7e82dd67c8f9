//! Watches the bytes of a client's connection and finds what two parsers could read in two ways.
//!
//! hyper forgives much: lines that end in LF alone, Transfer-Encoding beside Content-Length, two Content-Lengths, a fragment
//! in the target. By the time a request is seen there, the evidence is gone. So every head is read here as well, by a
//! grammar that knows one reading only, and the end of each body is followed so that the next head is found. Called by
//! [`super::stream`] for every read. Does no I/O; keeps at most one unfinished line.

use memchr::memchr;

use super::chunks::{BadChunk, Chunks, Step};

/// Empty lines that are passed over before each request. Old clients send one behind a body; a client that sends them for ever
/// would keep its connection without ever asking for anything.
const EMPTY_LINES_MAX: u8 = 4;

/// Why a message is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// The head has a line that does not end in CRLF.
    #[error("a line of the head ends in a bare LF or holds a bare CR; every line must end in CRLF")]
    BareLineEnd,
    /// The request line is not `METHOD target HTTP/1.x`.
    #[error("the request line is not METHOD, target and HTTP/1.0 or HTTP/1.1, with one space between them")]
    RequestLine,
    /// The target holds a byte that no target may hold.
    #[error("the target holds a backslash, a fragment, or a byte that is not visible ASCII; encode it")]
    TargetByte,
    /// A header line goes on in the next line.
    #[error("a header line begins with white space; put each header on one line")]
    Folded,
    /// A header line without a proper name.
    #[error("a header line has no name, or white space before its colon")]
    HeaderName,
    /// Transfer-Encoding is something else than `chunked`, or there are two.
    #[error("the only Transfer-Encoding of a request is chunked, given once and with HTTP/1.1")]
    TransferEncoding,
    /// Both framings at once.
    #[error("Transfer-Encoding and Content-Length contradict each other; send one of them")]
    BothFramings,
    /// Content-Length twice, or not a number.
    #[error("Content-Length must be one number, given once")]
    ContentLength,
    /// Empty lines and no request.
    #[error("more than {EMPTY_LINES_MAX} empty lines stand before a request")]
    EmptyLines,
    /// The head is longer than the limit.
    #[error("the head of the request is longer than the limit")]
    HeadTooLong,
    /// The chunked body is malformed.
    #[error("the chunked body is malformed: {}", .0.0)]
    Chunk(BadChunk),
}

/// What the bytes that come next belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// No byte of the next head has come.
    Between,
    /// Within a head.
    Head,
    /// Within a body.
    Body,
    /// Beyond HTTP, or beyond caring.
    Opaque,
}

#[derive(Debug)]
enum At {
    Head,
    Length(u64),
    Chunked(Chunks),
    /// An upgrade was asked for, so what follows may be anything. A request that is not upgraded ends its connection.
    Opaque,
}

/// What the lines of a head have said so far.
#[derive(Debug, Default)]
struct Facts {
    bytes: usize,
    empty_lines: u8,
    request_line: bool,
    http_1_1: bool,
    length: Option<u64>,
    chunked: bool,
    upgrade: bool,
}

/// The watch over one connection.
#[derive(Debug)]
pub(crate) struct Framing {
    at: At,
    facts: Facts,
    /// The part of a line that has come, when a read ended within it.
    line: Vec<u8>,
    head_max: usize,
    heads: u64,
}

impl Framing {
    /// At the start of a connection whose heads may have `head_max` bytes.
    pub(crate) fn new(head_max: usize) -> Self {
        Self { at: At::Head, facts: Facts::default(), line: Vec::new(), head_max, heads: 0 }
    }

    /// Where the connection stands.
    pub(crate) fn phase(&self) -> Phase {
        match self.at {
            At::Head if self.facts.bytes == 0 => Phase::Between,
            At::Head => Phase::Head,
            At::Length(_) | At::Chunked(_) => Phase::Body,
            At::Opaque => Phase::Opaque,
        }
    }

    /// How many heads have begun.
    pub(crate) fn heads(&self) -> u64 {
        self.heads
    }

    /// Looks at what was read. After a fault the connection is not worth watching.
    pub(crate) fn feed(&mut self, mut input: &[u8]) -> Result<(), Fault> {
        while !input.is_empty() {
            input = match &mut self.at {
                At::Opaque => return Ok(()),
                At::Head => self.head(input)?,
                At::Length(left) => {
                    let taken = usize::try_from(*left).map_or(input.len(), |left| left.min(input.len()));
                    *left -= taken as u64;
                    if *left == 0 {
                        self.at = At::Head;
                    }
                    &input[taken..]
                }
                At::Chunked(chunks) => match chunks.step(input).map_err(Fault::Chunk)? {
                    Step::Framing(taken) | Step::Data(taken) => {
                        // The end is known only when asked, and no further byte may come to ask about.
                        if chunks.step(&[]).map_err(Fault::Chunk)? == Step::End {
                            self.at = At::Head;
                        }
                        &input[taken..]
                    }
                    Step::End => {
                        self.at = At::Head;
                        input
                    }
                },
            };
        }
        Ok(())
    }

    fn head<'i>(&mut self, input: &'i [u8]) -> Result<&'i [u8], Fault> {
        let end = memchr(b'\n', input).map(|at| at + 1);
        let (piece, rest) = input.split_at(end.unwrap_or(input.len()));
        self.heads += u64::from(self.facts.bytes == 0);
        self.facts.bytes += piece.len();
        if self.facts.bytes > self.head_max {
            return Err(Fault::HeadTooLong);
        }
        if end.is_none() {
            self.line.extend_from_slice(piece);
        } else if self.line.is_empty() {
            self.line(piece)?;
        } else {
            self.line.extend_from_slice(piece);
            let mut line = std::mem::take(&mut self.line);
            self.line(&line)?;
            line.clear();
            self.line = line;
        }
        Ok(rest)
    }

    /// One whole line, with its end.
    fn line(&mut self, line: &[u8]) -> Result<(), Fault> {
        let Some(line) = line.strip_suffix(b"\r\n") else { return Err(Fault::BareLineEnd) };
        if memchr(b'\r', line).is_some() {
            return Err(Fault::BareLineEnd);
        }
        match (line, self.facts.request_line) {
            // Empty lines before a request are passed over by every parser.
            ([], false) if self.facts.empty_lines < EMPTY_LINES_MAX => {
                self.facts.bytes -= 2;
                self.facts.empty_lines += 1;
            }
            ([], false) => return Err(Fault::EmptyLines),
            ([], true) => self.end_of_head()?,
            (_, false) => self.facts.request_line(line)?,
            (_, true) => self.facts.header(line)?,
        }
        Ok(())
    }

    fn end_of_head(&mut self) -> Result<(), Fault> {
        let facts = std::mem::take(&mut self.facts);
        if facts.chunked && facts.length.is_some() {
            return Err(Fault::BothFramings);
        }
        if facts.chunked && !facts.http_1_1 {
            return Err(Fault::TransferEncoding);
        }
        self.at = match facts.length {
            _ if facts.upgrade => At::Opaque,
            _ if facts.chunked => At::Chunked(Chunks::new()),
            Some(length) if length > 0 => At::Length(length),
            _ => At::Head,
        };
        Ok(())
    }
}

impl Facts {
    fn request_line(&mut self, line: &[u8]) -> Result<(), Fault> {
        let mut parts = line.split(|byte| *byte == b' ');
        let (method, target, version, none) = (parts.next(), parts.next(), parts.next(), parts.next());
        let (Some(method), Some(target), None) = (method, target, none) else {
            return Err(Fault::RequestLine);
        };
        if method.is_empty() || target.is_empty() {
            return Err(Fault::RequestLine);
        }
        self.http_1_1 = match version {
            Some(b"HTTP/1.1") => true,
            Some(b"HTTP/1.0") => false,
            _ => return Err(Fault::RequestLine),
        };
        if !target.iter().all(|byte| matches!(byte, 0x21..=0x7e) && !matches!(byte, b'\\' | b'#')) {
            return Err(Fault::TargetByte);
        }
        self.request_line = true;
        Ok(())
    }

    fn header(&mut self, line: &[u8]) -> Result<(), Fault> {
        if matches!(line[0], b' ' | b'\t') {
            return Err(Fault::Folded);
        }
        let colon = memchr(b':', line).ok_or(Fault::HeaderName)?;
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.is_empty() || matches!(name[colon - 1], b' ' | b'\t') {
            return Err(Fault::HeaderName);
        }
        match name.len() {
            7 if name.eq_ignore_ascii_case(b"upgrade") => self.upgrade = true,
            14 if name.eq_ignore_ascii_case(b"content-length") => return self.content_length(value),
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => {
                if self.chunked || !value.eq_ignore_ascii_case(b"chunked") {
                    return Err(Fault::TransferEncoding);
                }
                self.chunked = true;
            }
            _ => {}
        }
        Ok(())
    }

    fn content_length(&mut self, value: &[u8]) -> Result<(), Fault> {
        // Eighteen digits fit a u64 with room to spare.
        let plain = !value.is_empty() && value.len() <= 18 && value.iter().all(u8::is_ascii_digit);
        if self.length.is_some() || !plain {
            return Err(Fault::ContentLength);
        }
        self.length = Some(value.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]
    use super::*;

    fn watch(input: &[u8], piece: usize) -> Result<Phase, Fault> {
        let mut framing = Framing::new(1024);
        for piece in input.chunks(piece) {
            framing.feed(piece)?;
        }
        Ok(framing.phase())
    }

    #[test]
    fn plain_messages_in_a_row_are_followed_however_they_are_cut() {
        let input = b"\r\nPOST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nGET \
            PUT /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET /c HTTP/1.0\r\n\r\n";
        for piece in 1..=input.len() {
            assert_eq!(watch(input, piece), Ok(Phase::Between));
        }
    }

    #[test]
    fn a_head_that_begins_right_behind_a_body_is_seen_to_begin() {
        let mut framing = Framing::new(1024);
        framing.feed(b"POST /a HTTP/1.1\r\nContent-Length: 2\r\n\r\nx").unwrap();
        framing.feed(b"xGET ").unwrap();
        assert_eq!((framing.phase(), framing.heads()), (Phase::Head, 2));
        framing.feed(b"/b HTTP/1.1\r\n\r").unwrap();
        assert_eq!(framing.heads(), 2);
    }

    #[test]
    fn what_two_parsers_could_read_in_two_ways_is_a_fault() {
        let cases: [(&[u8], Fault); 14] = [
            (b"GET / HTTP/1.1\nHost: x\n\n", Fault::BareLineEnd),
            (b"GET / HTTP/1.1\r\nHost: x\rY: z\r\n\r\n", Fault::BareLineEnd),
            (b"GET  / HTTP/1.1\r\n\r\n", Fault::RequestLine),
            (b"GET / HTTP/2.0\r\n\r\n", Fault::RequestLine),
            (b"GET /\r\n\r\n", Fault::RequestLine),
            (b"GET /a#b HTTP/1.1\r\n\r\n", Fault::TargetByte),
            (b"GET /a\\b HTTP/1.1\r\n\r\n", Fault::TargetByte),
            (b"GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", Fault::Folded),
            (b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", Fault::HeaderName),
            (b"GET / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", Fault::TransferEncoding),
            (b"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", Fault::TransferEncoding),
            (
                b"GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
                Fault::BothFramings,
            ),
            (b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", Fault::ContentLength),
            (b"GET / HTTP/1.1\r\nContent-Length: +1\r\n\r\n", Fault::ContentLength),
        ];
        for (input, fault) in cases {
            for piece in [1, 3, input.len()] {
                assert_eq!(watch(input, piece), Err(fault), "{:?}", String::from_utf8_lossy(input));
            }
        }
    }

    #[test]
    fn a_few_empty_lines_before_each_request_are_passed_over() {
        let request = b"\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n".repeat(3);
        for piece in 1..=request.len() {
            assert_eq!(watch(&request, piece), Ok(Phase::Between));
            assert_eq!(watch(b"\r\n\r\n\r\n\r\n\r\n", piece), Err(Fault::EmptyLines));
        }
    }

    #[test]
    fn an_endless_head_is_a_fault_and_is_not_kept() {
        let mut framing = Framing::new(100);
        framing.feed(b"GET / HTTP/1.1\r\n").unwrap();
        assert_eq!(framing.feed(&[b'a'; 100]), Err(Fault::HeadTooLong));
        assert!(framing.line.len() <= 100);
    }
}
