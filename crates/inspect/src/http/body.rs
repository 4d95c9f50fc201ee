//! Which bytes are this message's body, and how many of them are judged?

use super::chunks::{Chunks, Step};

/// How the end of a body is known.
#[derive(Debug, Default)]
pub(super) enum Framing {
    /// A number of bytes that are still to come.
    Length(u64),
    Chunked(Box<Chunks>),
    /// The stream's end.
    #[default]
    UntilClose,
}

/// A body on its way.
#[derive(Debug, Default)]
pub(super) struct Body {
    pub(super) framing: Framing,
    /// `Content-Length`, for the case that the chunks are none.
    pub(super) length: Option<u64>,
    pub(super) kept: Vec<u8>,
    /// Bytes that may still be kept.
    room: usize,
    /// The judged part has been handed out.
    pub(super) is_judged: bool,
}

/// What some input was to the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken<'a> {
    /// So many bytes were framing, or past the depth.
    Passed(usize),
    /// These bytes are the whole body and need no copy; it ends here.
    Whole(&'a [u8]),
    /// So many bytes were kept.
    Kept(usize),
    /// So many bytes were kept, and the body may not keep more.
    Full(usize),
    /// The body ends after so many bytes.
    End(usize),
    /// So many bytes were of a chunk size that is none; the framing has been changed.
    BadChunk(usize),
}

impl Body {
    pub(super) fn new(framing: Framing, length: Option<u64>, depth: usize, mut kept: Vec<u8>) -> Self {
        kept.clear();
        Self { framing, length, kept, room: depth, is_judged: false }
    }

    pub(super) fn trailer(&self) -> &[u8] {
        match &self.framing {
            Framing::Chunked(chunks) => &chunks.trailer,
            Framing::Length(_) | Framing::UntilClose => &[],
        }
    }

    /// Bytes from here on that are of no interest.
    pub(super) fn skippable(&self) -> u64 {
        match self.framing {
            Framing::Length(rest) if self.is_judged => rest,
            Framing::UntilClose if self.is_judged => u64::MAX,
            _ => 0,
        }
    }

    /// Take what `data` (not empty) begins with.
    pub(super) fn take<'a>(&mut self, data: &'a [u8]) -> Taken<'a> {
        let fitting = self.within_room(data);
        match &mut self.framing {
            Framing::Length(0) => Taken::End(0),
            Framing::Length(rest) => {
                let len = usize::try_from(*rest).map_or(data.len(), |rest| rest.min(data.len()));
                let part = data.get(..len).unwrap_or(data);
                let is_whole = self.kept.is_empty() && !self.is_judged && as_u64(len) == *rest && len < self.room;
                if is_whole && self.length == Some(*rest) {
                    *rest = 0;
                    return Taken::Whole(part);
                }
                let taken = self.keep(part);
                if let (Framing::Length(rest), Taken::Kept(len) | Taken::Full(len) | Taken::Passed(len)) =
                    (&mut self.framing, taken)
                {
                    *rest = rest.saturating_sub(as_u64(len));
                }
                taken
            }
            Framing::UntilClose => self.keep(data),
            Framing::Chunked(chunks) => match chunks.next(fitting) {
                Step::Framing(len) => Taken::Passed(len),
                Step::End(len) => Taken::End(len),
                Step::Body(len) => self.keep(data.get(..len).unwrap_or(data)),
                Step::Bad(len) => self.on_bad_chunk(len),
            },
        }
    }

    /// Bytes are missing. True where they all belong to this body, so that its framing is still known.
    pub(super) fn pass(&mut self, len: u64) -> bool {
        match &mut self.framing {
            Framing::UntilClose => true,
            Framing::Chunked(chunks) => chunks.skip(len),
            Framing::Length(rest) => match rest.checked_sub(len) {
                Some(left) => {
                    *rest = left;
                    true
                }
                None => false,
            },
        }
    }

    /// The part of the input whose body bytes surely fit.
    fn within_room<'a>(&self, data: &'a [u8]) -> &'a [u8] {
        if self.is_judged { data } else { data.get(..self.room).unwrap_or(data) }
    }

    fn keep(&mut self, part: &[u8]) -> Taken<'static> {
        if self.is_judged {
            return Taken::Passed(part.len());
        }
        let part = part.get(..self.room).unwrap_or(part);
        self.kept.extend_from_slice(part);
        self.room = self.room.saturating_sub(part.len());
        if self.room == 0 { Taken::Full(part.len()) } else { Taken::Kept(part.len()) }
    }

    /// No chunks after all: what was taken for the first size is body too. Later on, the rest of the stream is.
    fn on_bad_chunk(&mut self, taken: usize) -> Taken<'static> {
        let Framing::Chunked(chunks) = &mut self.framing else { return Taken::BadChunk(taken) };
        let first_line = chunks.first_line();
        self.framing = match (&first_line, self.length) {
            (Some(line), Some(length)) => Framing::Length(length.saturating_sub(as_u64(line.len()))),
            _ => Framing::UntilClose,
        };
        self.keep(&first_line.unwrap_or_default());
        Taken::BadChunk(taken)
    }
}

fn as_u64(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
