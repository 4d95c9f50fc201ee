//! How far a frame has been read.

use crate::DecodeError;

/// A position in a frame; every step is checked and knows its offset.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
    /// Length of the whole frame; what is not in `rest` has been read (or lies behind a cut, see `keep`).
    end: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(frame: &'a [u8]) -> Self {
        Self { rest: frame, end: frame.len() }
    }

    /// Bytes from the start of the frame.
    pub(crate) fn offset(&self) -> usize {
        self.end.saturating_sub(self.rest.len())
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Take a fixed header in one checked step.
    #[inline]
    pub(crate) fn array<const N: usize>(&mut self, layer: &'static str) -> Result<&'a [u8; N], DecodeError> {
        match self.rest.split_first_chunk::<N>() {
            Some((array, rest)) => {
                self.rest = rest;
                Ok(array)
            }
            None => Err(self.truncated(layer, N)),
        }
    }

    /// Take `len` bytes.
    #[inline]
    pub(crate) fn take(&mut self, len: usize, layer: &'static str) -> Result<&'a [u8], DecodeError> {
        match self.rest.split_at_checked(len) {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(taken)
            }
            None => Err(self.truncated(layer, len)),
        }
    }

    /// Look at the next `N` bytes without taking them.
    #[inline]
    pub(crate) fn peek<const N: usize>(&self) -> Option<&'a [u8; N]> {
        self.rest.first_chunk::<N>()
    }

    /// Cut off what lies behind the next `len` bytes (padding, a trailer); says how many of the `len` are missing.
    #[inline]
    pub(crate) fn keep(&mut self, len: usize) -> usize {
        match self.rest.split_at_checked(len) {
            Some((kept, trailer)) => {
                self.rest = kept;
                self.end = self.end.saturating_sub(trailer.len());
                0
            }
            None => len.saturating_sub(self.rest.len()),
        }
    }

    #[cold]
    fn truncated(&self, layer: &'static str, needed: usize) -> DecodeError {
        DecodeError::Truncated { layer, offset: self.offset(), needed, had: self.rest.len() }
    }
}
