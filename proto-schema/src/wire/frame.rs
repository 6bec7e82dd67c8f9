//! Framing: one message a line. Fed by whoever reads the bytes; holds at most one frame and one read's worth of bytes.
//!
//! Must not know what a frame means. A frame over the limit is reported once and skipped to its line end, so one bad
//! line costs one line.

/// One thing found in the byte stream.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// A line without its line end; never empty, unless lines are kept as they are.
    Line(&'a [u8]),
    /// A line longer than the limit began; its beginning, for the log. The rest of it is skipped.
    Oversized(&'a [u8]),
    /// That line has ended; how it ended. Its beginning may not tell what it was about.
    Skipped(&'a [u8]),
}

/// How much of an oversized line is kept to show where it came from, at each of its ends.
const OVERSIZED_SHOWN: usize = 256;
/// What some writers of UTF-8 put in front of a stream. It says nothing, and belongs to no line.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Splits a byte stream into lines of bounded length.
#[derive(Debug)]
pub struct Decoder {
    buffer: Vec<u8>,
    /// Start of what was not yet handed out.
    start: usize,
    /// Up to here there is no line end; saves looking twice when a frame arrives in many pieces.
    scanned: usize,
    /// Inside an oversized line that was already reported.
    skipping: bool,
    /// The last bytes of the oversized line, as far as it was read.
    ending: Vec<u8>,
    /// Whether that line has ended, and is still to be told of.
    skipped: bool,
    /// Whether a byte order mark may still come.
    at_the_beginning: bool,
    limit: usize,
    /// Lines are handed out as they were written, blank ones too.
    verbatim: bool,
}

impl Decoder {
    /// A decoder that accepts lines of up to `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            scanned: 0,
            skipping: false,
            ending: Vec::new(),
            skipped: false,
            at_the_beginning: true,
            limit,
            verbatim: false,
        }
    }

    /// A decoder for text that people read: blank lines and blanks around a line are kept.
    pub fn verbatim(limit: usize) -> Self {
        Self { verbatim: true, at_the_beginning: false, ..Self::new(limit) }
    }

    /// Where a reader appends bytes. Call [`Decoder::next_frame`] until it gives `None` after each append.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        self.compact();
        &mut self.buffer
    }

    /// Appends bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer().extend_from_slice(bytes);
    }

    /// The next frame, if a whole one is here.
    pub fn next_frame(&mut self) -> Option<Frame<'_>> {
        if std::mem::take(&mut self.skipped) {
            return Some(Frame::Skipped(&self.ending));
        }
        if self.at_the_beginning && !self.begin() {
            return None;
        }
        loop {
            let from = self.scanned.max(self.start);
            let Some(found) = memchr_newline(&self.buffer[from..]) else {
                self.scanned = self.buffer.len();
                return self.unfinished();
            };
            let line = self.start..from + found;
            self.start = line.end + 1;
            self.scanned = self.start;
            if std::mem::take(&mut self.skipping) {
                self.keep_ending(line);
                return Some(Frame::Skipped(&self.ending));
            }
            let length = line.len() - usize::from(self.buffer[line.clone()].ends_with(b"\r"));
            if length > self.limit {
                let start = line.start;
                self.ending.clear();
                self.keep_ending(line);
                self.skipped = true;
                return Some(Frame::Oversized(self.beginning(start)));
            }
            if self.verbatim {
                return Some(Frame::Line(&self.buffer[line.start..line.start + length]));
            }
            let trimmed = trim(&self.buffer, line);
            if trimmed.is_empty() {
                continue;
            }
            return Some(Frame::Line(&self.buffer[trimmed]));
        }
    }

    /// What stands after the last line end: half a frame, when the stream has ended here.
    pub fn remainder(&self) -> &[u8] {
        if self.skipping { &[] } else { &self.buffer[self.start..] }
    }

    fn unfinished(&mut self) -> Option<Frame<'_>> {
        let pending = self.buffer.len() - self.start;
        if self.skipping {
            self.keep_ending(self.start..self.buffer.len());
            self.start = self.buffer.len();
            return None;
        }
        // One byte more may be the carriage return of a line of just the limit: the next byte will tell. So a line gets the
        // same verdict however the stream was cut.
        if pending <= self.limit + 1 {
            return None;
        }
        self.skipping = true;
        let start = std::mem::replace(&mut self.start, self.buffer.len());
        self.ending.clear();
        self.keep_ending(start..self.buffer.len());
        Some(Frame::Oversized(self.beginning(start)))
    }

    /// Passes over a byte order mark. False: it may be one, and its other bytes are still to come.
    fn begin(&mut self) -> bool {
        if self.buffer.len() < BYTE_ORDER_MARK.len() && BYTE_ORDER_MARK.starts_with(&self.buffer) {
            return false;
        }
        if self.buffer.starts_with(BYTE_ORDER_MARK) {
            self.start = BYTE_ORDER_MARK.len();
        }
        self.at_the_beginning = false;
        true
    }

    /// Adds to what is known of the end of an oversized line.
    fn keep_ending(&mut self, bytes: std::ops::Range<usize>) {
        let last = bytes.end.saturating_sub(OVERSIZED_SHOWN).max(bytes.start)..bytes.end;
        self.ending.extend_from_slice(&self.buffer[last]);
        let beyond = self.ending.len().saturating_sub(OVERSIZED_SHOWN);
        self.ending.drain(..beyond);
    }

    /// How an oversized line begins; it has more bytes than the limit.
    fn beginning(&self, start: usize) -> &[u8] {
        &self.buffer[start..start + OVERSIZED_SHOWN.min(self.limit)]
    }

    /// Drops what was handed out, and gives memory back after a large frame.
    fn compact(&mut self) {
        const KEEP: usize = 64 * 1024;
        if self.start == 0 {
            return;
        }
        self.buffer.drain(..self.start);
        self.scanned = self.scanned.saturating_sub(self.start);
        self.start = 0;
        if self.buffer.capacity() > KEEP && self.buffer.len() < KEEP / 2 {
            self.buffer.shrink_to(KEEP);
        }
    }
}

fn memchr_newline(bytes: &[u8]) -> Option<usize> {
    memchr::memchr(b'\n', bytes)
}

fn trim(buffer: &[u8], mut line: std::ops::Range<usize>) -> std::ops::Range<usize> {
    let blank = |b: u8| matches!(b, b' ' | b'\t' | b'\r');
    while !line.is_empty() && blank(buffer[line.start]) {
        line.start += 1;
    }
    while !line.is_empty() && blank(buffer[line.end - 1]) {
        line.end -= 1;
    }
    line
}
