//! The socket of a client of the bus, and how a conversation over it ends.
//!
//! Shared by what reads and what writes. Must not know what is said.

use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::wire::stream::ClientStream;

/// The client's socket, once it speaks WebSocket.
pub(super) type Socket = WebSocketStream<ClientStream>;

/// Why a conversation ends.
pub(super) enum End {
    /// The client is gone, or beyond reach.
    Gone,
    /// The client is told why.
    Told(CloseCode, &'static str),
}
