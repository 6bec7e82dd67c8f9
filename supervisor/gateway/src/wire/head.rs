//! The lines of a request's head, by a grammar that knows one reading only and takes nothing that hyper would refuse.
//!
//! [`super::framing`] gives it one whole line after the other. hyper refuses without a word; so whatever it would refuse is
//! found here, where there are words. Does no I/O.

use memchr::memchr;

use super::fault::Fault;
use super::limits::{HEADERS_MAX, TARGET_MAX};

/// What the lines of a head have said so far.
#[derive(Debug, Default)]
pub(crate) struct Head {
    /// Whether the request line has come.
    pub(crate) begun: bool,
    pub(crate) http_1_1: bool,
    pub(crate) length: Option<u64>,
    pub(crate) chunked: bool,
    /// Another protocol is asked for that a plugin might speak.
    pub(crate) upgrade: bool,
    headers: usize,
}

impl Head {
    /// `METHOD target HTTP/1.x`.
    pub(crate) fn request_line(&mut self, line: &[u8]) -> Result<(), Fault> {
        let mut parts = line.split(|byte| *byte == b' ');
        let (method, target, version, none) = (parts.next(), parts.next(), parts.next(), parts.next());
        let (Some(method), Some(target), Some(version), None) = (method, target, version, none) else {
            return Err(Fault::RequestLine);
        };
        if method.is_empty() || target.is_empty() || !method.iter().all(|byte| is_token(*byte)) {
            return Err(Fault::RequestLine);
        }
        self.http_1_1 = match version {
            b"HTTP/1.1" => true,
            b"HTTP/1.0" => false,
            [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'] => return Err(Fault::Version),
            _ => return Err(Fault::RequestLine),
        };
        self.begun = true;
        check_target(target)
    }

    /// `Name: value`.
    pub(crate) fn header(&mut self, line: &[u8]) -> Result<(), Fault> {
        if matches!(line[0], b' ' | b'\t') {
            return Err(Fault::Folded);
        }
        let colon = memchr(b':', line).ok_or(Fault::HeaderName)?;
        let (name, value) = (&line[..colon], &line[colon + 1..]);
        if name.is_empty() || !name.iter().all(|byte| is_token(*byte)) {
            return Err(Fault::HeaderName);
        }
        if holds_control(value) {
            return Err(Fault::HeaderValue);
        }
        self.headers += 1;
        if self.headers > HEADERS_MAX {
            return Err(Fault::TooManyHeaders);
        }
        let value = value.trim_ascii();
        match name.len() {
            // Nobody speaks HTTP/2 in clear behind us, and a client that offers it with each request means none of them.
            7 if name.eq_ignore_ascii_case(b"upgrade") => self.upgrade |= !offers_h2c_alone(value),
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

    /// The empty line behind the last header.
    pub(crate) fn end(&self) -> Result<(), Fault> {
        if self.chunked && self.length.is_some() {
            return Err(Fault::BothFramings);
        }
        if self.chunked && !self.http_1_1 {
            return Err(Fault::TransferEncoding);
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

fn check_target(target: &[u8]) -> Result<(), Fault> {
    if target.len() > TARGET_MAX {
        return Err(Fault::TargetTooLong);
    }
    let query = memchr(b'?', target).unwrap_or(target.len());
    let (path, query) = target.split_at(query);
    let odd = path.iter().find(|byte| CLASSES[usize::from(**byte)] & PATH == 0);
    let odd = odd.or_else(|| query.iter().find(|byte| CLASSES[usize::from(**byte)] & QUERY == 0));
    if let Some(odd) = odd {
        return Err(Fault::TargetByte(*odd));
    }
    if target[0] == b'/' || http::Uri::try_from(target).is_ok() { Ok(()) } else { Err(Fault::TargetForm) }
}

/// Whether an Upgrade header names nothing but HTTP/2 in clear, as Java's client and curl do with each request.
pub(crate) fn offers_h2c_alone(value: &[u8]) -> bool {
    value.split(|byte| *byte == b',').all(is_h2c)
}

/// Whether one member of an Upgrade header is HTTP/2 in clear.
pub(crate) fn is_h2c(offer: &[u8]) -> bool {
    let offer = offer.trim_ascii();
    offer.is_empty() || offer.eq_ignore_ascii_case(b"h2c")
}

/// Whether a byte may stand in a method or a header's name.
pub(crate) fn is_token(byte: u8) -> bool {
    CLASSES[usize::from(byte)] & TOKEN != 0
}

/// Whether a header's value holds what no value may hold.
pub(crate) fn holds_control(value: &[u8]) -> bool {
    // Without an early end, so that the compiler looks at many bytes at once.
    value.iter().fold(false, |bad, byte| bad | ((*byte < 0x20) & (*byte != b'\t')) | (*byte == 0x7f))
}

const TOKEN: u8 = 1;
const PATH: u8 = 2;
const QUERY: u8 = 4;

/// In what each byte may stand.
static CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let character = byte as u8;
        if character.is_ascii_alphanumeric()
            || matches!(character, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
        {
            classes[byte] |= TOKEN;
        }
        let visible = matches!(character, 0x21..=0x7e) && !matches!(character, b'\\' | b'#' | b'<' | b'>');
        if visible && character != b'`' {
            classes[byte] |= PATH;
        }
        if visible && character != b'"' {
            classes[byte] |= QUERY;
        }
        byte += 1;
    }
    classes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hyper_takes(head: &[u8]) -> bool {
        let mut lines = [httparse::EMPTY_HEADER; 4];
        let mut request = httparse::Request::new(&mut lines);
        matches!(request.parse(head), Ok(httparse::Status::Complete(_)))
            && request.path.is_some_and(|path| http::Uri::try_from(path).is_ok())
            && request.method.is_some_and(|method| http::Method::from_bytes(method.as_bytes()).is_ok())
    }

    fn is_taken(line: &[u8], header: &[u8]) -> bool {
        let mut head = Head::default();
        head.request_line(line).is_ok() && head.header(header).is_ok() && head.end().is_ok()
    }

    #[test]
    fn whatever_is_taken_here_is_taken_by_hyper_too() {
        for byte in (0..=255_u8).filter(|byte| !matches!(byte, b'\r' | b'\n')) {
            for place in 0..6 {
                let with = |at: usize| if at == place { vec![byte] } else { Vec::new() };
                let line = [b"G", &with(0)[..], b"T /p", &with(1), b"?q", &with(2), b" HTTP/1.1"].concat();
                let header = [b"X", &with(3)[..], b": v", &with(4), b"w"].concat();
                let target = [b"http", &with(5)[..], b"://h/ HTTP/1.1"].concat();
                let line = if place == 5 { [b"GET ", &target[..]].concat() } else { line };
                let head = [&line[..], b"\r\n", &header, b"\r\n\r\n"].concat();
                let (ours, hyper) = (is_taken(&line, &header), hyper_takes(&head));
                assert!(
                    !ours || hyper,
                    "{:?} would be refused without a word",
                    String::from_utf8_lossy(&head)
                );
                // And nothing is refused for nothing: a backslash and what looks like a fragment are read in two ways.
                let twofold = matches!((place, byte), (1 | 2 | 5, b'\\' | b'#' | 0x80..));
                assert!(ours || !hyper || twofold, "{:?} was refused", String::from_utf8_lossy(&head));
            }
        }
    }

    #[test]
    fn an_offer_of_h2c_is_no_upgrade_and_any_other_is() {
        for (offers, upgrade) in [
            ("h2c", false),
            ("H2C", false),
            ("h2c, h2c", false),
            ("h2c, websocket", true),
            ("websocket", true),
        ] {
            let mut head = Head::default();
            assert_eq!(head.header(format!("Upgrade: {offers}").as_bytes()), Ok(()));
            assert_eq!(head.upgrade, upgrade, "{offers}");
        }
    }
}
