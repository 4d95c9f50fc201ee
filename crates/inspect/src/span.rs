//! Where in a buffer a part stands.

/// A byte range of one buffer. Empty at 0 where there is no such part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Span {
    pub(crate) fn new(start: usize, end: usize) -> Self {
        Self { start, end: end.max(start) }
    }

    pub(crate) fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// The bytes, or none where the range lies outside.
    pub(crate) fn of(self, bytes: &[u8]) -> &[u8] {
        bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// The same part in a buffer that was appended at `base`.
    pub(crate) fn moved(self, base: usize) -> Self {
        Self { start: self.start.saturating_add(base), end: self.end.saturating_add(base) }
    }

    /// Without white space at both ends.
    pub(crate) fn trimmed(self, bytes: &[u8]) -> Self {
        let part = self.of(bytes);
        let leading = part.len().saturating_sub(part.trim_ascii_start().len());
        let start = self.start.saturating_add(leading);
        Self::new(start, start.saturating_add(part.trim_ascii().len()))
    }
}
