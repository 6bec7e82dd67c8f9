//! Reading from many pipes of which most say nothing: one buffer for all of them, and none for those that wait.
//!
//! Used by the session's reader and by the readers of what plugins print. Knows no frames.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Poll, ready};

use outboard_protocol::wire::frame::Decoder;
use tokio::io::{AsyncRead, ReadBuf};

/// How much is read at once. A Linux pipe holds this much.
const READ: usize = 64 * 1024;

thread_local! {
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ].into());
}

/// Reads what is there and feeds it to the decoder; 0: the stream has ended. Cancel safe.
pub(crate) async fn read<R: AsyncRead + Unpin>(reader: &mut R, decoder: &mut Decoder) -> io::Result<usize> {
    std::future::poll_fn(|cx| {
        SCRATCH.with_borrow_mut(|scratch| {
            let mut buffer = ReadBuf::new(scratch);
            ready!(Pin::new(&mut *reader).poll_read(cx, &mut buffer))?;
            decoder.feed(buffer.filled());
            Poll::Ready(Ok(buffer.filled().len()))
        })
    })
    .await
}
