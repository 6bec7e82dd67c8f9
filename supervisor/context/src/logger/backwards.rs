//! Reads a file's lines from its end, a block at a time: the latest records of a large file cost little.
//!
//! Used by the tail. Must not know what a line means.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::file::Place;

/// How much is read at once.
const BLOCK: u64 = 64 * 1024;

/// Longest line that is returned; a longer one is none of ours, and is skipped.
const LINE_MAX: usize = 512 * 1024;

pub(super) struct Backwards {
    place: Place,
    /// What lies before this offset was not read yet.
    offset: u64,
    /// What was read and not returned.
    tail: Vec<u8>,
}

impl Backwards {
    pub(super) fn new(place: Place) -> Self {
        Self { offset: place.size, place, tail: Vec::new() }
    }

    /// The line before the last one returned, without its end; none also where the file is gone.
    ///
    /// # Errors
    /// A sentence that names a file that is there and cannot be read.
    pub(super) fn next_line(&mut self) -> Result<Option<Vec<u8>>, String> {
        let mut searched = 0;
        loop {
            let unsearched = self.tail.len() - searched;
            if let Some(at) = memchr_back(&self.tail[..unsearched]) {
                let line = self.tail.split_off(at + 1);
                self.tail.truncate(at);
                if line.is_empty() {
                    searched = 0;
                    continue;
                }
                return Ok(Some(line));
            }
            searched = self.tail.len();
            if self.offset == 0 {
                let line = std::mem::take(&mut self.tail);
                return Ok(Some(line).filter(|line| !line.is_empty()));
            }
            if searched > LINE_MAX {
                self.tail.clear();
                searched = 0;
            }
            let Some(file) = self.place.open()? else { return Ok(None) };
            // One that was cut short has nothing more to tell.
            if self.read_block(&file).is_err() {
                return Ok(None);
            }
        }
    }

    fn read_block(&mut self, file: &File) -> io::Result<()> {
        let size = self.offset.min(BLOCK);
        let mut block = vec![0; usize::try_from(size).unwrap_or(0)];
        file.read_exact_at(&mut block, self.offset - size)?;
        self.offset -= size;
        block.append(&mut self.tail);
        self.tail = block;
        Ok(())
    }
}

fn memchr_back(bytes: &[u8]) -> Option<usize> {
    bytes.iter().rposition(|b| *b == b'\n')
}
