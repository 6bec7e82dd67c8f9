//! The writing side of one client: empties its queue onto the socket, piece by piece, and keeps the connection alive.
//!
//! Run by [`super::client`] beside the hearing side, in the same task. Nothing is taken from the queue before the socket has
//! room for it, so what a client leaves unread stands in the queue, where it is counted.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::SinkExt;
use futures_util::stream::SplitSink;
use outboard_context::{BusClient, CutOff, Piece};
use tokio::time::{Instant, MissedTickBehavior, timeout};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::end::{End, Socket};

/// How much of a frame is handed to the socket at once, in bytes: each client has a buffer of this size, so it must be small,
/// and large enough that an ordinary frame goes out whole.
pub(super) const PIECE: usize = 32 * 1024;
/// How often a client is pinged. Shorter than the minute after which boxes in between forget a connection.
const PING_EVERY: Duration = Duration::from_secs(30);
/// How long a client may leave what is written unread. A laptop's lid is closed for longer, and its page connects anew.
const WRITE_MAX: Duration = Duration::from_secs(20);
/// How long the last word to a client may take. One that was too slow hears it when it reads again, and holds next to nothing
/// meanwhile.
const GOODBYE_MAX: Duration = Duration::from_secs(1);
/// Close code for a client that did not keep up.
const TOO_SLOW: u16 = 4008;

/// The end of a client that did not keep up.
pub(super) fn too_slow() -> End {
    End::Told(CloseCode::from(TOO_SLOW), "too slow")
}

/// Writes to one client.
pub(super) struct Writer {
    sink: SplitSink<Socket, Message>,
    queue: Arc<BusClient>,
}

impl Writer {
    pub(super) fn new(sink: SplitSink<Socket, Message>, queue: Arc<BusClient>) -> Self {
        Self { sink, queue }
    }

    /// Writes until the client is gone or too slow.
    pub(super) async fn run(&mut self) -> End {
        let mut pings = tokio::time::interval_at(Instant::now() + PING_EVERY, PING_EVERY);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let written = tokio::select! {
                waits = self.queue.some() => match waits {
                    Ok(()) => self.empty_queue().await,
                    Err(CutOff) => return too_slow(),
                },
                _ = pings.tick() => self.ping().await,
            };
            if written.is_none() {
                return End::Gone;
            }
        }
    }

    /// Writes what waits, and all of it in one go where it is little. `None`: the client is gone, or does not read.
    async fn empty_queue(&mut self) -> Option<()> {
        loop {
            within(poll_fn(|cx| self.sink.poll_ready_unpin(cx))).await?;
            let Some(piece) = self.queue.piece(PIECE) else { break };
            self.sink.start_send_unpin(Message::Frame(as_frame(piece))).ok()?;
        }
        within(self.sink.flush()).await
    }

    async fn ping(&mut self) -> Option<()> {
        within(self.sink.send(Message::Ping(Bytes::new()))).await
    }

    /// The last word. Who does not listen any more cannot be told.
    pub(super) async fn say_goodbye(&mut self, code: CloseCode, reason: &'static str) {
        let limit = if code == CloseCode::from(TOO_SLOW) { WRITE_MAX } else { GOODBYE_MAX };
        let goodbye = self.sink.send(Message::Close(Some(CloseFrame { code, reason: reason.into() })));
        let _ = timeout(limit, goodbye).await;
    }
}

async fn within(writing: impl Future<Output = Result<(), Error>>) -> Option<()> {
    timeout(WRITE_MAX, writing).await.ok()?.ok()
}

/// A long frame is one message in several fragments. Its text is UTF-8 as a whole, which is how the context made it.
fn as_frame(Piece { bytes, first, last }: Piece) -> Frame {
    Frame::message(bytes, OpCode::Data(if first { Data::Text } else { Data::Continue }), last)
}
