//! Which bytes come next, and where in the file are they?

use std::io::{ErrorKind, Read};

use crate::error::{ReadError, ReadProblem};
use crate::size;

/// How much is read at once. Beyond 256 KiB the copy out of the page cache no longer fits the second-level cache.
const CHUNK: usize = 256 * 1024;

/// A reader with a window onto its bytes. The window grows to the largest piece that was asked for.
pub(crate) struct Source<R> {
    reader: R,
    window: Vec<u8>,
    start: usize,
    end: usize,
    offset: u64,
}

impl<R: Read> Source<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self { reader, window: vec![0; CHUNK], start: 0, end: 0, offset: 0 }
    }

    /// Offset of the next unread byte from the start of the file.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// The next `length` bytes without moving on; an error names the offset of the first of them.
    #[inline]
    pub(crate) fn peek(&mut self, length: usize) -> Result<&[u8], ReadError> {
        if self.end.saturating_sub(self.start) < length {
            self.fill(length)?;
        }
        match self.window.get(self.start..self.start.saturating_add(length)) {
            Some(bytes) => Ok(bytes),
            None => Err(self.truncated(length)),
        }
    }

    /// As `peek`, for a fixed size.
    #[inline]
    pub(crate) fn peek_array<const N: usize>(&mut self) -> Result<[u8; N], ReadError> {
        let start = self.offset;
        self.peek(N)?
            .first_chunk()
            .copied()
            .ok_or(ReadError { offset: start, problem: ReadProblem::Truncated { needed: size(N), had: 0 } })
    }

    /// Move past `length` bytes that `peek` has shown.
    #[inline]
    pub(crate) fn advance(&mut self, length: usize) {
        let length = length.min(self.end.saturating_sub(self.start));
        self.start = self.start.saturating_add(length);
        self.offset = self.offset.saturating_add(size(length));
    }

    /// The next `length` bytes, moving past them.
    #[inline]
    pub(crate) fn take(&mut self, length: usize) -> Result<&[u8], ReadError> {
        self.peek(length)?;
        let start = self.start;
        self.advance(length);
        Ok(self.window.get(start..self.start).unwrap_or_default())
    }

    /// Move past `length` bytes, seen or not, without holding them. Ends at the end of the file, which is an error.
    pub(crate) fn skip(&mut self, length: u64) -> Result<(), ReadError> {
        let first = self.offset;
        let mut left = length;
        while left > 0 {
            let step = left.min(size(CHUNK));
            self.peek(usize::try_from(step).unwrap_or(CHUNK)).map_err(|error| match error.problem {
                ReadProblem::Truncated { had, .. } => {
                    let had = length.saturating_sub(left).saturating_add(had);
                    ReadError { offset: first, problem: ReadProblem::Truncated { needed: length, had } }
                }
                _ => error,
            })?;
            self.advance(usize::try_from(step).unwrap_or(CHUNK));
            left = left.saturating_sub(step);
        }
        Ok(())
    }

    /// Whether nothing is left.
    pub(crate) fn at_end(&mut self) -> Result<bool, ReadError> {
        if self.end > self.start {
            return Ok(false);
        }
        match self.fill(1) {
            Ok(()) => Ok(false),
            Err(ReadError { problem: ReadProblem::Truncated { .. }, .. }) => Ok(true),
            Err(error) => Err(error),
        }
    }

    #[cold]
    #[inline(never)]
    fn fill(&mut self, length: usize) -> Result<(), ReadError> {
        self.window.copy_within(self.start..self.end, 0);
        self.end = self.end.saturating_sub(self.start);
        self.start = 0;
        if self.window.len() < length {
            self.window.resize(length.next_multiple_of(CHUNK), 0);
        }
        while self.end < length {
            let room = self.window.get_mut(self.end..).unwrap_or_default();
            match self.reader.read(room) {
                Ok(0) => return Err(self.truncated(length)),
                Ok(n) => self.end = self.end.saturating_add(n),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(ReadError { offset: self.offset, problem: ReadProblem::Io(error) }),
            }
        }
        Ok(())
    }

    fn truncated(&self, length: usize) -> ReadError {
        let had = size(self.end.saturating_sub(self.start));
        ReadError { offset: self.offset, problem: ReadProblem::Truncated { needed: size(length), had } }
    }
}
