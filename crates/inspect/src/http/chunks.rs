//! Where does a chunked body end?
//!
//! RFC 9112 section 7.1, read as tolerantly as browsers do: line feeds alone, white space around sizes, extensions and
//! empty lines between chunks are taken. Never copies; says which bytes are body.

use crate::hex::digit;

/// Trailer fields that are kept; the rest is skipped. Real trailers are a checksum or two.
const TRAILER_MAX: usize = 4 * 1024;

/// Bytes of a size line before its first digit or of digits: eight bytes of size in hex, and some white space.
const SIZE_LINE_MAX: usize = 32;

/// Hexadecimal digits of a 64-bit size.
const DIGITS_MAX: usize = 16;

/// The state between two bytes of a chunked body.
#[derive(Debug)]
pub(crate) struct Chunks {
    at: At,
    has_data: bool,
    /// The first size line so far: where it proves to be none, these bytes are body.
    first_line: Vec<u8>,
    pub(crate) trailer: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
enum At {
    /// White space before the digits, the digits, or white space behind them.
    Size(Size),
    Extension {
        size: u64,
    },
    Data {
        rest: u64,
    },
    Trailer {
        line_len: usize,
    },
}

#[derive(Clone, Copy, Debug, Default)]
struct Size {
    size: u64,
    digits: usize,
    is_closed: bool,
}

/// What the next bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// So many bytes of framing.
    Framing(usize),
    /// So many bytes of body.
    Body(usize),
    /// The body ends after so many bytes.
    End(usize),
    /// So many bytes of what ought to be a chunk size, and then it is none.
    Bad(usize),
}

impl Chunks {
    pub(crate) fn new() -> Self {
        Self { at: At::Size(Size::default()), has_data: false, first_line: Vec::new(), trailer: Vec::new() }
    }

    /// Say what `data` (not empty) begins with.
    pub(crate) fn next(&mut self, data: &[u8]) -> Step {
        match self.at {
            At::Data { rest } => {
                let len = usize::try_from(rest).map_or(data.len(), |rest| rest.min(data.len()));
                self.skip(u64::try_from(len).unwrap_or(u64::MAX));
                Step::Body(len)
            }
            At::Size(size) => self.size(data, size),
            At::Extension { size } => match memchr::memchr(b'\n', data) {
                None => Step::Framing(data.len()),
                Some(feed) => self.begin(size, feed.saturating_add(1)),
            },
            At::Trailer { line_len } => self.trailer(data, line_len),
        }
    }

    /// Pass over bytes of the current chunk. False where it has fewer left: the framing is lost then.
    pub(crate) fn skip(&mut self, len: u64) -> bool {
        let At::Data { rest } = &mut self.at else { return false };
        match rest.checked_sub(len) {
            None => false,
            Some(0) => {
                self.at = At::Size(Size::default());
                true
            }
            Some(left) => {
                *rest = left;
                true
            }
        }
    }

    /// What was taken for the first size line, where no chunk was read yet.
    pub(crate) fn first_line(&mut self) -> Option<Vec<u8>> {
        (!self.has_data).then(|| std::mem::take(&mut self.first_line))
    }

    fn size(&mut self, data: &[u8], mut so_far: Size) -> Step {
        for (at, byte) in data.iter().enumerate() {
            let next = at.saturating_add(1);
            match (digit(*byte), byte) {
                (Some(value), _) if so_far.digits < DIGITS_MAX && !so_far.is_closed => {
                    so_far.size = so_far.size << 4 | u64::from(value);
                    so_far.digits = so_far.digits.saturating_add(1);
                }
                (_, b'\n') if so_far.digits > 0 => return self.begin(so_far.size, next),
                (_, b';') if so_far.digits > 0 => {
                    self.at = At::Extension { size: so_far.size };
                    return Step::Framing(next);
                }
                // Some readers stop at anything that is no digit, NUL included; white space and controls are seen in attacks.
                (_, 0..=b' ') => so_far.is_closed = so_far.digits > 0,
                _ => return Step::Bad(at),
            }
            if !self.has_data {
                self.first_line.push(*byte);
                if self.first_line.len() > SIZE_LINE_MAX {
                    self.first_line.pop();
                    return Step::Bad(at);
                }
            }
        }
        self.at = At::Size(so_far);
        Step::Framing(data.len())
    }

    fn begin(&mut self, size: u64, line_end: usize) -> Step {
        self.has_data = true;
        self.first_line = Vec::new();
        self.at = if size == 0 { At::Trailer { line_len: 0 } } else { At::Data { rest: size } };
        Step::Framing(line_end)
    }

    fn trailer(&mut self, data: &[u8], line_len: usize) -> Step {
        let feed = memchr::memchr(b'\n', data);
        let taken = feed.map_or(data.len(), |feed| feed.saturating_add(1));
        let part = data.get(..taken).unwrap_or(data);
        let room = TRAILER_MAX.saturating_sub(self.trailer.len());
        self.trailer.extend_from_slice(part.get(..room).unwrap_or(part));
        let content = part.iter().filter(|byte| !matches!(byte, b'\r' | b'\n')).count();
        let line_len = line_len.saturating_add(content);
        if feed.is_some() && line_len == 0 {
            return Step::End(taken);
        }
        self.at = At::Trailer { line_len: if feed.is_some() { 0 } else { line_len } };
        Step::Framing(taken)
    }
}
