//! HTTP by hand: requests are bytes that the case writes, so that they may be wrong, and an answer that breaks off is told from
//! one that ends.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;

use serde_json::Value;

use crate::patience::GUARD;

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The head, as it came.
    pub head: String,
    /// The body, as far as it came.
    pub body: Vec<u8>,
    /// Whether the body came to its proper end.
    pub whole: bool,
}

impl Answer {
    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; null where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// What kind of problem it tells of. Fails where it is not a problem document.
    pub fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let kind = self.json()["type"]
            .as_str()
            .map(|kind| kind.trim_start_matches("urn:outboard:problem:").to_owned());
        kind.unwrap_or_else(|| panic!("a problem without a type: {self:?}"))
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().skip(1).find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

trait Stream: Read + Write + Send {
    fn close_writing(&self) -> io::Result<()>;
}

impl Stream for TcpStream {
    fn close_writing(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

impl Stream for UnixStream {
    fn close_writing(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

/// A connection; every read and write on it has [`GUARD`] as its limit.
pub struct Connection {
    stream: BufReader<Box<dyn Stream>>,
}

impl Connection {
    /// To an address.
    pub fn tcp(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(GUARD))?;
        stream.set_write_timeout(Some(GUARD))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(Box::new(stream)) })
    }

    /// To a Unix socket.
    pub fn unix(path: &Path) -> io::Result<Self> {
        let stream = UnixStream::connect(path)?;
        stream.set_read_timeout(Some(GUARD))?;
        stream.set_write_timeout(Some(GUARD))?;
        Ok(Self { stream: BufReader::new(Box::new(stream)) })
    }

    /// Writes bytes as they are.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)?;
        self.stream.get_mut().flush()
    }

    /// Says that no more bytes come.
    pub fn close_writing(&self) -> io::Result<()> {
        self.stream.get_ref().close_writing()
    }

    /// Reads a head up to its blank line.
    pub fn read_head(&mut self) -> io::Result<String> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if (&mut self.stream).take(1 << 20).read_line(&mut head)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(head)
    }

    /// Reads up to this many bytes of what comes.
    pub fn read_some(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buffer)
    }

    /// Reads a line, as in a stream of events.
    pub fn read_line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        (&mut self.stream).take(1 << 20).read_line(&mut line)?;
        Ok(line)
    }

    /// Reads a whole answer.
    pub fn answer(&mut self) -> io::Result<Answer> {
        let head = self.read_head()?;
        let mut body = Vec::new();
        let whole = self.read_body(&head, &mut body)?;
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or_default();
        Ok(Answer { status, head, body, whole })
    }

    fn read_body(&mut self, head: &str, body: &mut Vec<u8>) -> io::Result<bool> {
        if header(head, "transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
            return broken_off(self.read_chunks(body));
        }
        let length: u64 = match header(head, "content-length") {
            Some(length) => length.parse().map_err(io::Error::other)?,
            None if header(head, "connection").is_some_and(|value| value == "close") => u64::MAX,
            None => 0,
        };
        let read = (&mut self.stream).take(length).read_to_end(body);
        broken_off(read.map(|read| length == u64::MAX || read as u64 == length))
    }

    fn read_chunks(&mut self, body: &mut Vec<u8>) -> io::Result<bool> {
        loop {
            let size = self.read_line()?;
            let Ok(size) = u64::from_str_radix(size.trim(), 16) else { return Ok(false) };
            let read = (&mut self.stream).take(size).read_to_end(body)? as u64;
            if read < size || self.read_line()?.trim() != "" {
                return Ok(false);
            }
            if size == 0 {
                return Ok(true);
            }
        }
    }
}

/// A connection that is reset in the middle of a body is an answer that broke off.
fn broken_off(whole: io::Result<bool>) -> io::Result<bool> {
    match whole {
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Ok(false),
        other => other,
    }
}

/// Sends a request as it is, and reads the answer.
pub fn exchange(address: &str, request: &[u8]) -> io::Result<Answer> {
    let mut connection = Connection::tcp(address)?;
    connection.write(request)?;
    connection.answer()
}

/// A GET's bytes, on a connection that closes after it.
pub fn get_request(address: &str, path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").into_bytes()
}
