//! WebSockets: the UI bus, a plugin's own, and the control API's subscriptions.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::Path;

use serde_json::Value;
use tungstenite::client::IntoClientRequest;
use tungstenite::{Message, WebSocket};

use crate::patience::GUARD;

/// A WebSocket over a connection of some kind; every read has [`GUARD`] as its limit.
pub struct Socket<S: Read + Write>(WebSocket<S>);

/// Why a WebSocket did not come about.
pub type Refused = Box<dyn std::error::Error + Send + Sync>;

/// Opens one at an address, with these headers besides.
pub fn open(
    address: &str,
    path: &str,
    headers: &[(&'static str, &str)],
) -> Result<Socket<TcpStream>, Refused> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(GUARD))?;
    stream.set_write_timeout(Some(GUARD))?;
    greet(stream, &format!("ws://{address}{path}"), headers)
}

/// Opens one on a Unix socket.
pub fn open_unix(path: &Path, headers: &[(&'static str, &str)]) -> Result<Socket<UnixStream>, Refused> {
    let stream = UnixStream::connect(path)?;
    stream.set_read_timeout(Some(GUARD))?;
    stream.set_write_timeout(Some(GUARD))?;
    greet(stream, "ws://outboard/", headers)
}

fn greet<S: Read + Write>(
    stream: S,
    url: &str,
    headers: &[(&'static str, &str)],
) -> Result<Socket<S>, Refused> {
    let mut request = url.into_client_request()?;
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse()?);
    }
    let (socket, _) = tungstenite::client(request, stream).map_err(|error| error.to_string())?;
    Ok(Socket(socket))
}

impl<S: Read + Write> Socket<S> {
    /// Sends JSON as a text.
    pub fn say(&mut self, message: &Value) {
        self.0.send(Message::text(message.to_string())).unwrap();
    }

    /// Sends a message of any kind.
    pub fn send(&mut self, message: Message) {
        self.0.send(message).unwrap();
    }

    /// The next message of any kind.
    pub fn receive(&mut self) -> Result<Message, tungstenite::Error> {
        self.0.read()
    }

    /// The next JSON text; nothing at the end.
    pub fn hear(&mut self) -> Option<Value> {
        loop {
            match self.0.read() {
                Ok(Message::Text(text)) => return Some(serde_json::from_str(&text).unwrap()),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// Reads on until there is a message of this `type`.
    ///
    /// # Panics
    /// When the socket ends before.
    pub fn hear_of(&mut self, kind: &str) -> Value {
        loop {
            let heard = self.hear().unwrap_or_else(|| panic!("the socket ended before it said {kind:?}"));
            if heard["type"] == kind {
                return heard;
            }
        }
    }
}
