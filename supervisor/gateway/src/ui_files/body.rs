//! A file on its way to the client, piece by piece.
//!
//! Made by [`super::answer`], pulled by the front door. A file that shrinks meanwhile is an error, never an end.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use outboard_files::{Unanswered, look};

use crate::broken_off::BrokenOff;

/// How long the disk may take to open a file, or to give a piece of it.
pub(crate) const FILE_LIMIT: Duration = Duration::from_secs(10);
/// How much is read at once: few enough trips to the blocking threads, little enough memory per reader.
const PIECE: usize = 64 * 1024;

type Piece = (File, std::io::Result<Vec<u8>>);
type Reading = Pin<Box<dyn Future<Output = Result<Piece, Unanswered>> + Send>>;

/// The rest of a file.
pub(crate) struct FileBody {
    /// Where it lies, for whoever is told that nothing comes from there.
    place: Arc<Path>,
    file: Option<File>,
    reading: Option<Reading>,
    left: u64,
}

impl FileBody {
    pub(crate) fn new(file: File, length: u64, place: PathBuf) -> Self {
        Self { place: place.into(), file: Some(file), reading: None, left: length }
    }
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        if let Some(file) = self.file.take() {
            let wanted = usize::try_from(self.left).map_or(PIECE, |left| left.min(PIECE));
            let place = Arc::clone(&self.place);
            let reading = async move { look(&place, FILE_LIMIT, move || read(file, wanted)).await };
            self.reading = Some(Box::pin(reading));
        }
        let Some(reading) = &mut self.reading else { return Poll::Ready(None) };
        let outcome = ready!(reading.as_mut().poll(cx));
        self.reading = None;
        match outcome {
            Ok((file, Ok(piece))) => {
                self.left -= piece.len() as u64;
                self.file = Some(file);
                Poll::Ready(Some(Ok(Frame::data(Bytes::from(piece)))))
            }
            Ok((_, Err(error))) => Poll::Ready(Some(Err(BrokenOff::File(error)))),
            Err(error) => Poll::Ready(Some(Err(BrokenOff::File(std::io::Error::other(error))))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

impl std::fmt::Debug for FileBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileBody")
            .field("place", &self.place)
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}

fn read(mut file: File, wanted: usize) -> (File, std::io::Result<Vec<u8>>) {
    let mut piece = vec![0; wanted];
    let outcome = file.read_exact(&mut piece).map(|()| piece);
    (file, outcome)
}
