//! Watches the bytes of a client's connection and finds what two parsers could read in two ways.
//!
//! hyper forgives much: lines that end in LF alone, Transfer-Encoding beside Content-Length, two Content-Lengths, a fragment
//! in the target. By the time a request is seen there, the evidence is gone. So every head is read here as well, and the end
//! of each body is followed so that the next head is found. Called by [`super::stream`] for every read, which passes on what is
//! whole. Does no I/O; keeps at most one unfinished line.

use memchr::memchr;

use super::chunks::{Chunks, Step};
use super::fault::Fault;
use super::head::{Head, is_token};
use super::limits::EMPTY_LINES_MAX;

/// What the bytes that come next belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// No byte of the next head has come.
    Between,
    /// Within a head.
    Head,
    /// Within a body.
    Body,
    /// Behind a request for an upgrade that nobody has answered.
    Asked,
    /// Beyond HTTP.
    Opaque,
}

#[derive(Debug)]
enum At {
    Head,
    Length(u64),
    Chunked(Chunks),
    /// An upgrade was asked for, and nobody has said yet what follows.
    Asked,
    /// What follows an upgrade. Whatever comes before the upgrade is answered counts as such, too.
    Opaque,
}

/// What was found in some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fed {
    /// So many bytes may be believed; those behind belong to a head that is not whole, or come after a fault.
    pub(crate) passed: usize,
    /// What is wrong with what follows them.
    pub(crate) fault: Option<Fault>,
}

/// The watch over one connection.
#[derive(Debug)]
pub(crate) struct Framing {
    at: At,
    head: Head,
    /// How much of the present head has come, or of an empty line before it.
    bytes: usize,
    /// Whether something of the present head has come that is not an empty line.
    begun: bool,
    empty_lines: u8,
    /// The part of a line that has come, when a read ended within it.
    line: Vec<u8>,
    head_max: usize,
    heads: u64,
    /// The present request asks for an upgrade.
    upgrade: bool,
}

impl Framing {
    /// At the start of a connection whose heads may have `head_max` bytes.
    pub(crate) fn new(head_max: usize) -> Self {
        Self {
            at: At::Head,
            head: Head::default(),
            bytes: 0,
            begun: false,
            empty_lines: 0,
            line: Vec::new(),
            head_max,
            heads: 0,
            upgrade: false,
        }
    }

    /// Where the connection stands.
    pub(crate) fn phase(&self) -> Phase {
        match self.at {
            At::Head if !self.begun => Phase::Between,
            At::Head => Phase::Head,
            At::Length(_) | At::Chunked(_) => Phase::Body,
            At::Asked => Phase::Asked,
            At::Opaque => Phase::Opaque,
        }
    }

    /// How many heads have begun: the number of the present request, counted from 1.
    pub(crate) fn heads(&self) -> u64 {
        self.heads
    }

    /// The upgrade that the request with this number asks for is declined: what follows it is HTTP. An answer may come before
    /// the end of the request's body, and it says nothing about the next request.
    pub(crate) fn decline_upgrade(&mut self, request: u64) {
        if request != self.heads {
            return;
        }
        self.upgrade = false;
        if matches!(self.at, At::Asked) {
            self.at = At::Head;
        }
    }

    /// Looks at what was read. After a fault the connection is not worth watching.
    pub(crate) fn feed(&mut self, input: &[u8]) -> Fed {
        let (mut at, mut passed) = (0, 0);
        while at < input.len() {
            match self.step(&input[at..]) {
                Ok(taken) => at += taken,
                Err(fault) => return Fed { passed, fault: Some(fault) },
            }
            // hyper takes an empty line for the beginning of a request, for which it would wait.
            let within = matches!(self.at, At::Head) && (self.bytes > 0 || self.empty_lines > 0);
            if !within {
                passed = at;
            }
        }
        Fed { passed, fault: None }
    }

    fn step(&mut self, input: &[u8]) -> Result<usize, Fault> {
        match &mut self.at {
            At::Opaque => Ok(input.len()),
            At::Asked => {
                self.at = At::Opaque;
                Ok(input.len())
            }
            At::Head => self.head(input),
            At::Length(left) => {
                let taken = usize::try_from(*left).map_or(input.len(), |left| left.min(input.len()));
                *left -= taken as u64;
                if *left == 0 {
                    self.end_of_request();
                }
                Ok(taken)
            }
            At::Chunked(chunks) => {
                let taken = match chunks.step(input).map_err(Fault::Chunk)? {
                    Step::Framing(taken) | Step::Data(taken) => taken,
                    Step::End => 0,
                };
                // The end is known only when asked, and no further byte may come to ask about.
                if chunks.step(&[]).map_err(Fault::Chunk)? == Step::End {
                    self.end_of_request();
                }
                Ok(taken)
            }
        }
    }

    fn head(&mut self, input: &[u8]) -> Result<usize, Fault> {
        let end = memchr(b'\n', input).map(|at| at + 1);
        let piece = &input[..end.unwrap_or(input.len())];
        if !self.begun && !matches!(piece[0], b'\r' | b'\n') {
            if !is_token(piece[0]) {
                // Not HTTP at all, such as TLS: its first line may never end.
                return Err(Fault::RequestLine);
            }
            self.begun = true;
            self.heads += 1;
        }
        self.bytes += piece.len();
        if self.bytes > self.head_max {
            return Err(if self.head.begun { Fault::HeadTooLong } else { Fault::TargetTooLong });
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
        Ok(piece.len())
    }

    /// One whole line, with its end.
    fn line(&mut self, line: &[u8]) -> Result<(), Fault> {
        let Some(line) = line.strip_suffix(b"\r\n") else { return Err(Fault::BareLineEnd) };
        if memchr(b'\r', line).is_some() {
            return Err(Fault::BareLineEnd);
        }
        match (line, self.head.begun) {
            // Empty lines before a request are passed over by every parser.
            ([], false) if self.empty_lines < EMPTY_LINES_MAX => {
                self.bytes -= 2;
                self.empty_lines += 1;
            }
            ([], false) => return Err(Fault::EmptyLines),
            ([], true) => self.end_of_head()?,
            (_, false) => self.head.request_line(line)?,
            (_, true) => self.head.header(line)?,
        }
        Ok(())
    }

    fn end_of_head(&mut self) -> Result<(), Fault> {
        self.head.end()?;
        let head = std::mem::take(&mut self.head);
        (self.bytes, self.begun, self.empty_lines) = (0, false, 0);
        // RFC 9110, section 7.8: with HTTP/1.0 it means nothing.
        self.upgrade = head.upgrade && head.http_1_1;
        match head.length {
            _ if head.chunked => self.at = At::Chunked(Chunks::new()),
            Some(length) if length > 0 => self.at = At::Length(length),
            _ => self.end_of_request(),
        }
        Ok(())
    }

    fn end_of_request(&mut self) {
        self.at = if std::mem::take(&mut self.upgrade) { At::Asked } else { At::Head };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(input: &[u8], piece: usize) -> Result<Phase, Fault> {
        let mut framing = Framing::new(1024);
        for piece in input.chunks(piece) {
            if let Some(fault) = framing.feed(piece).fault {
                return Err(fault);
            }
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
        assert_eq!(framing.feed(b"POST /a HTTP/1.1\r\nContent-Length: 2\r\n\r\nx").fault, None);
        assert_eq!(framing.feed(b"xGET "), Fed { passed: 1, fault: None });
        assert_eq!((framing.phase(), framing.heads()), (Phase::Head, 2));
        assert_eq!(framing.feed(b"/b HTTP/1.1\r\n\r"), Fed { passed: 0, fault: None });
        assert_eq!(framing.heads(), 2);
    }

    #[test]
    fn what_two_parsers_could_read_in_two_ways_is_a_fault() {
        let cases: [(&[u8], Fault); 14] = [
            (b"GET / HTTP/1.1\nHost: x\n\n", Fault::BareLineEnd),
            (b"GET / HTTP/1.1\r\nHost: x\rY: z\r\n\r\n", Fault::BareLineEnd),
            (b"GET  / HTTP/1.1\r\n\r\n", Fault::RequestLine),
            (b"GET / HTTP/2.0\r\n\r\n", Fault::Version),
            (b"GET /\r\n\r\n", Fault::RequestLine),
            (b"GET /a#b HTTP/1.1\r\n\r\n", Fault::TargetByte(b'#')),
            (b"GET /a\\b HTTP/1.1\r\n\r\n", Fault::TargetByte(b'\\')),
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
        assert_eq!(framing.feed(b"GET / HTTP/1.1\r\n").fault, None);
        assert_eq!(framing.feed(&[b'a'; 100]).fault, Some(Fault::HeadTooLong));
        assert!(framing.line.len() <= 100);
    }

    #[test]
    fn what_stands_before_a_fault_is_passed_on_and_nothing_behind_it() {
        let good = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
        let input = [&good[..], b"GET /b HTTP/1.1\r\nX : y\r\n\r\n"].concat();
        let fed = Framing::new(1024).feed(&input);
        assert_eq!(fed, Fed { passed: good.len(), fault: Some(Fault::HeaderName) });
    }

    #[test]
    fn what_is_no_http_is_a_fault_before_its_first_line_ends() {
        assert_eq!(watch(b"\x16\x03\x01", 1), Err(Fault::RequestLine));
        assert_eq!(watch(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 1), Err(Fault::Version));
    }

    #[test]
    fn what_follows_an_upgrade_is_http_once_it_is_declined_and_nothing_we_know_before() {
        let asks = b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n";
        let mut framing = Framing::new(1024);
        framing.feed(asks);
        framing.decline_upgrade(1);
        assert_eq!(framing.feed(b"no HTTP").fault.or(framing.feed(b"\r\n").fault), Some(Fault::RequestLine));
        let mut framing = Framing::new(1024);
        framing.feed(asks);
        assert_eq!(framing.feed(b"\x81\x00"), Fed { passed: 2, fault: None });
        assert_eq!(framing.phase(), Phase::Opaque);
        assert_eq!(watch(b"GET / HTTP/1.0\r\nUpgrade: websocket\r\n\r\n", 7), Ok(Phase::Between));
    }

    #[test]
    fn an_upgrade_that_is_declined_before_its_body_ends_is_followed_by_http() {
        let asks = b"POST / HTTP/1.1\r\nUpgrade: foo\r\nContent-Length: 5\r\n\r\nbody";
        for rest in [&b"!GET / HTTP/1.1\nHost: x\n\n"[..], b"!"] {
            let mut framing = Framing::new(1024);
            framing.feed(asks);
            framing.decline_upgrade(1);
            let fault = framing.feed(rest).fault;
            assert_eq!(fault, (rest.len() > 1).then_some(Fault::BareLineEnd));
        }
        let mut framing = Framing::new(1024);
        framing.feed(asks);
        framing.decline_upgrade(1);
        framing.feed(b"!");
        assert_eq!(framing.phase(), Phase::Between);
        // What was declined late belongs to the request before, and the next one asks for itself.
        framing.feed(b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n");
        framing.decline_upgrade(1);
        assert_eq!(framing.phase(), Phase::Asked);
        framing.decline_upgrade(2);
        assert_eq!(framing.phase(), Phase::Between);
    }

    #[test]
    fn an_empty_line_begins_no_head() {
        let mut framing = Framing::new(1024);
        for (bytes, phase, heads) in
            [(&b"\r"[..], Phase::Between, 0), (b"\n", Phase::Between, 0), (b"\r\nG", Phase::Head, 1)]
        {
            assert_eq!(framing.feed(bytes).fault, None);
            assert_eq!((framing.phase(), framing.heads()), (phase, heads));
        }
    }
}
