//! The chunked transfer coding, read strictly: exactly one reading of every byte, or a refusal.
//!
//! [`super::framing`] follows a client's body with it, the proxy decodes a plugin's answer with it. Does no I/O and keeps
//! no data but the trailers.

use memchr::memchr;

use super::fault::BadChunk;
use super::head::{holds_control, is_token};
use super::limits::HEADERS_MAX;

/// Longest chunk extension that is read past, in bytes: nobody uses them, so more is an attack on the reader.
const EXTENSION_MAX: usize = 256;
/// Longest block of trailers, in bytes: as much as a small head.
const TRAILERS_MAX: usize = 16 * 1024;

/// What the next bytes of the input are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// So many bytes of framing: pass over them. All of the input, unless data or the end follow.
    Framing(usize),
    /// So many bytes of data.
    Data(usize),
    /// The body has ended; nothing of the input belongs to it any more.
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Size,
    SizeBlank,
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    TrailerStart,
    Trailer,
    TrailerLf,
    LastLf,
    End,
}

/// Follows one chunked body through its input.
#[derive(Debug)]
pub(crate) struct Chunks {
    at: At,
    /// Of the size: the value so far. Of data: what is left.
    size: u64,
    digits: u8,
    extension: usize,
    trailers: Vec<u8>,
    /// Where the present trailer line begins.
    trailer_at: usize,
    trailer_lines: usize,
}

impl Chunks {
    /// At the start of a body.
    pub(crate) fn new() -> Self {
        Self {
            at: At::Size,
            size: 0,
            digits: 0,
            extension: 0,
            trailers: Vec::new(),
            trailer_at: 0,
            trailer_lines: 0,
        }
    }

    /// The trailer lines as they stood on the wire, each with its CRLF.
    pub(crate) fn trailers(&self) -> &[u8] {
        &self.trailers
    }

    /// Says what the start of `input` is. Call again with what follows it.
    pub(crate) fn step(&mut self, input: &[u8]) -> Result<Step, BadChunk> {
        for (index, &byte) in input.iter().enumerate() {
            match self.at {
                At::End => return Ok(if index == 0 { Step::End } else { Step::Framing(index) }),
                At::Data if index > 0 => return Ok(Step::Framing(index)),
                At::Data => return Ok(Step::Data(self.take(input.len()))),
                _ => self.framing(byte)?,
            }
        }
        if self.at == At::End && input.is_empty() {
            return Ok(Step::End);
        }
        Ok(Step::Framing(input.len()))
    }

    fn take(&mut self, available: usize) -> usize {
        let taken = usize::try_from(self.size).map_or(available, |size| size.min(available));
        self.size -= taken as u64;
        if self.size == 0 {
            self.at = At::DataCr;
        }
        taken
    }

    fn framing(&mut self, byte: u8) -> Result<(), BadChunk> {
        self.at = match (self.at, byte) {
            (At::Size, _) if byte.is_ascii_hexdigit() => self.digit(byte)?,
            (At::Size | At::SizeBlank, b';') if self.digits > 0 => At::Extension,
            (At::Size | At::SizeBlank, b' ' | b'\t') if self.digits > 0 => self.extension(At::SizeBlank)?,
            (At::Size | At::SizeBlank, b'\r') if self.digits > 0 => At::SizeLf,
            (At::Size | At::SizeBlank, _) => return Err(BadChunk("a chunk size is not a number")),
            (At::Extension, b'\r') => At::SizeLf,
            (At::Extension, b'\n') => return Err(BadChunk("a chunk extension holds a bare LF")),
            (At::Extension, _) => self.extension(At::Extension)?,
            (At::SizeLf, b'\n') => self.chunk(),
            (At::DataCr, b'\r') => At::DataLf,
            (At::DataLf, b'\n') => self.next_size(),
            (At::TrailerStart, b'\r') => At::LastLf,
            (At::TrailerStart, b' ' | b'\t') => return Err(BadChunk("a trailer line is folded")),
            (At::TrailerStart | At::Trailer, b'\n') => return Err(BadChunk("a trailer holds a bare LF")),
            (At::TrailerStart, _) => self.trailer(byte, At::Trailer)?,
            (At::Trailer, b'\r') => self.trailer(byte, At::TrailerLf)?,
            (At::Trailer, _) => self.trailer(byte, At::Trailer)?,
            (At::TrailerLf, b'\n') => {
                self.trailer(byte, At::TrailerStart)?;
                self.end_of_trailer()?
            }
            (At::LastLf, b'\n') => At::End,
            _ => return Err(BadChunk("a line or a chunk does not end with CRLF")),
        };
        Ok(())
    }

    fn digit(&mut self, byte: u8) -> Result<At, BadChunk> {
        // Fifteen digits are 2^60 bytes, and nothing above overflows.
        if self.digits == 15 {
            return Err(BadChunk("a chunk size is too large"));
        }
        let value = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            _ => byte - b'A' + 10,
        };
        self.digits += 1;
        self.size = self.size << 4 | u64::from(value);
        Ok(At::Size)
    }

    fn extension(&mut self, next: At) -> Result<At, BadChunk> {
        self.extension += 1;
        if self.extension > EXTENSION_MAX {
            return Err(BadChunk("the chunk extensions are too long"));
        }
        Ok(next)
    }

    fn chunk(&mut self) -> At {
        if self.size == 0 { At::TrailerStart } else { At::Data }
    }

    fn next_size(&mut self) -> At {
        (self.size, self.digits, self.extension) = (0, 0, 0);
        At::Size
    }

    fn trailer(&mut self, byte: u8, next: At) -> Result<At, BadChunk> {
        if self.trailers.len() == TRAILERS_MAX {
            return Err(BadChunk("the trailers are too long"));
        }
        self.trailers.push(byte);
        Ok(next)
    }

    fn end_of_trailer(&mut self) -> Result<At, BadChunk> {
        let line = &self.trailers[self.trailer_at..self.trailers.len() - 2];
        let colon = memchr(b':', line).unwrap_or(0);
        if colon == 0 || !line[..colon].iter().all(|byte| is_token(*byte)) || holds_control(&line[colon..]) {
            return Err(BadChunk("a trailer is not a header line"));
        }
        self.trailer_lines += 1;
        if self.trailer_lines > HEADERS_MAX {
            return Err(BadChunk("there are more than 100 trailers"));
        }
        self.trailer_at = self.trailers.len();
        Ok(At::TrailerStart)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]
    use super::*;

    /// Reads `input` in pieces of `piece` bytes; what remains after the body is returned too.
    fn read(input: &[u8], piece: usize) -> Result<(Vec<u8>, Vec<u8>, usize), BadChunk> {
        let (mut chunks, mut data, mut at) = (Chunks::new(), Vec::new(), 0);
        while at < input.len() {
            let end = input.len().min(at + piece);
            match chunks.step(&input[at..end])? {
                Step::Framing(n) => at += n,
                Step::Data(n) => {
                    data.extend_from_slice(&input[at..at + n]);
                    at += n;
                }
                Step::End => break,
            }
        }
        assert_eq!(chunks.step(&[]).unwrap(), Step::End, "the body did not end");
        Ok((data, chunks.trailers().to_vec(), input.len() - at))
    }

    #[test]
    fn a_body_is_the_same_however_it_is_cut() {
        let body = b"5 \r\nhello\r\n1 ;name=x\r\n!\r\n0\r\nx-sum: 1\r\n\r\nGET";
        for piece in 1..body.len() + 1 {
            let (data, trailers, rest) = read(body, piece).unwrap();
            assert_eq!(
                (data.as_slice(), trailers.as_slice(), rest),
                (&b"hello!"[..], &b"x-sum: 1\r\n"[..], 3)
            );
        }
    }

    #[test]
    fn what_two_readers_could_read_in_two_ways_is_refused() {
        for body in [
            &b"5\nhello\r\n0\r\n\r\n"[..],
            b"5;a\nhello\r\n0\r\n\r\n",
            b"+5\r\nhello\r\n0\r\n\r\n",
            b"0x5\r\nhello\r\n0\r\n\r\n",
            b"5\r\nhelloX\n0\r\n\r\n",
            b"5\r\nhello\n0\r\n\r\n",
            b"\r\nhello",
            b"10000000000000000\r\n",
            b"0\r\nx: 1\n\r\n",
            b"0\r\n folded: 1\r\n\r\n",
            b"5 x\r\nhello\r\n0\r\n\r\n",
            b"0\r\nx y: 1\r\n\r\n",
            b"0\r\n: 1\r\n\r\n",
            b"0\r\nno colon\r\n\r\n",
            b"0\r\nx: \x00\r\n\r\n",
        ] {
            let mut chunks = Chunks::new();
            let mut at = 0;
            let refused = loop {
                match chunks.step(&body[at..]) {
                    Err(_) => break true,
                    Ok(Step::Framing(n) | Step::Data(n)) if n > 0 => at += n,
                    Ok(_) => break false,
                }
            };
            assert!(refused, "{:?} was read", String::from_utf8_lossy(body));
        }
    }
}
