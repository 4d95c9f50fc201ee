//! Which files does a message carry?
//!
//! MIME as it streams by (RFC 2045, 2046), for mail and for forms: parts are told apart by boundary lines, and each part's
//! content is decoded. Tolerant: what has no header is text, a boundary may lose its end, unknown encodings are taken as
//! they stand.

mod decoders;
mod fields;

use decoders::Decoder;

/// Boundaries that may be open at once. Mail in mail in mail is seen; more is an attack on parsers.
const NESTING_MAX: usize = 8;

/// Bytes of a part's header that are read. Mail servers add a few KiB of trace fields to a message's.
const HEADER_MAX: usize = 32 * 1024;

/// Bytes of a line that may be a boundary: two dashes, 70 characters, two dashes, padding (RFC 2046 section 5.1.1).
const BOUNDARY_LINE_MAX: usize = 128;

/// A message on its way.
#[derive(Debug)]
pub(crate) struct Mime {
    at: At,
    /// The header so far, or the start of a line that may be a boundary.
    held: Vec<u8>,
    is_line_start: bool,
    boundaries: Vec<Vec<u8>>,
    decoder: Decoder,
    file: Vec<u8>,
    file_max: usize,
    /// The judged part of this file has been told.
    is_told: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Header,
    Content,
    /// Text behind the parts of a container, which belongs to no part.
    Between,
}

impl Mime {
    /// A message that begins with its header. `file_max`: bytes of each part that are told.
    pub(crate) fn new(file_max: usize) -> Self {
        Self {
            at: At::Header,
            held: Vec::new(),
            is_line_start: true,
            boundaries: Vec::new(),
            decoder: Decoder::default(),
            file: Vec::new(),
            file_max,
            is_told: false,
        }
    }

    /// The parts of a container whose type stood elsewhere (`Content-Type` of an HTTP request); none where it names no
    /// boundary.
    pub(crate) fn container(content_type: &[u8], file_max: usize) -> Option<Self> {
        let boundary = fields::boundary(content_type)?;
        Some(Self { at: At::Between, boundaries: vec![boundary], ..Self::new(file_max) })
    }

    /// Take the next bytes; `tell` is called with each file as it ends, or once it is as long as is judged.
    pub(crate) fn take(&mut self, mut data: &[u8], tell: &mut dyn FnMut(&[u8])) {
        // Ends because each turn takes a line, or all the rest.
        while !data.is_empty() {
            let feed = memchr::memchr(b'\n', data);
            let len = feed.map_or(data.len(), |feed| feed.saturating_add(1));
            let (piece, later) = data.split_at_checked(len).unwrap_or((data, &[]));
            data = later;
            match self.at {
                At::Header => self.header(piece, feed.is_some(), tell),
                At::Content | At::Between => self.content(piece, feed.is_some(), tell),
            }
        }
    }

    /// The message has ended.
    pub(crate) fn finish(&mut self, tell: &mut dyn FnMut(&[u8])) {
        if self.at == At::Content {
            let held = std::mem::take(&mut self.held);
            self.decode(&held, tell);
        }
        self.end_file(tell);
        self.at = At::Between;
    }

    fn header(&mut self, piece: &[u8], is_line_end: bool, tell: &mut dyn FnMut(&[u8])) {
        let room = HEADER_MAX.saturating_sub(self.held.len());
        self.held.extend_from_slice(piece.get(..room).unwrap_or(piece));
        let is_blank = is_line_end && self.is_line_start && piece.trim_ascii().is_empty();
        self.is_line_start = is_line_end || (self.is_line_start && piece.trim_ascii().is_empty());
        if is_line_end {
            let line_start = self.held.trim_ascii_end();
            let line_start = memchr::memrchr(b'\n', line_start).map_or(0, |feed| feed.saturating_add(1));
            let line = self.held.get(line_start..).unwrap_or_default();
            if self.boundary(line).is_some() {
                // A part without a header, or with a broken one.
                let line = line.to_vec();
                self.held.clear();
                return self.on_boundary(&line, tell);
            }
        }
        if is_blank || self.held.len() >= HEADER_MAX {
            let header = std::mem::take(&mut self.held);
            self.begin_content(&header);
        }
    }

    fn begin_content(&mut self, header: &[u8]) {
        let fields = fields::Fields::of(header);
        self.is_line_start = true;
        self.decoder = Decoder::named(fields.encoding.as_deref());
        self.at = match fields.boundary {
            Some(boundary) if self.boundaries.len() < NESTING_MAX => {
                self.boundaries.push(boundary);
                // What stands before the first part is shown by old readers, and judged by Snort.
                self.decoder = Decoder::Identity;
                At::Content
            }
            _ if fields.is_message => At::Header,
            _ => At::Content,
        };
    }

    fn content(&mut self, piece: &[u8], is_line_end: bool, tell: &mut dyn FnMut(&[u8])) {
        let may_be_boundary = !self.boundaries.is_empty()
            && (!self.held.is_empty() || (self.is_line_start && piece.first() == Some(&b'-')));
        self.is_line_start = is_line_end;
        if !may_be_boundary {
            return self.decode(piece, tell);
        }
        self.held.extend_from_slice(piece);
        if !is_line_end && self.held.len() < BOUNDARY_LINE_MAX {
            return;
        }
        let line = std::mem::take(&mut self.held);
        match is_line_end.then(|| self.boundary(&line)).flatten() {
            Some(_) => self.on_boundary(&line, tell),
            None => self.decode(&line, tell),
        }
    }

    /// Which open container's boundary this line is: inner ones first.
    fn boundary(&self, line: &[u8]) -> Option<usize> {
        let mark = line.strip_prefix(b"--")?;
        self.boundaries.iter().rposition(|boundary| mark.starts_with(boundary))
    }

    fn on_boundary(&mut self, line: &[u8], tell: &mut dyn FnMut(&[u8])) {
        self.end_file(tell);
        let Some(level) = self.boundary(line) else { return };
        self.boundaries.truncate(level.saturating_add(1));
        let name_len = self.boundaries.last().map_or(0, Vec::len).saturating_add(2);
        let is_end = line.get(name_len..).is_some_and(|rest| rest.starts_with(b"--"));
        if is_end {
            self.boundaries.pop();
        }
        self.at = if is_end { At::Between } else { At::Header };
        self.is_line_start = true;
    }

    fn decode(&mut self, piece: &[u8], tell: &mut dyn FnMut(&[u8])) {
        if self.at != At::Content || self.is_told {
            return;
        }
        self.decoder.take(piece, &mut self.file);
        if self.file.len() >= self.file_max {
            self.file.truncate(self.file_max);
            tell(&self.file);
            self.is_told = true;
        }
    }

    fn end_file(&mut self, tell: &mut dyn FnMut(&[u8])) {
        if !self.is_told && !self.file.trim_ascii().is_empty() {
            tell(&self.file);
        }
        self.file.clear();
        self.is_told = false;
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test may fail loudly")]

    use super::*;

    fn files(message: &[u8], step: usize) -> Vec<String> {
        let mut files = Vec::new();
        let mut mime = Mime::new(1000);
        let mut tell = |file: &[u8]| files.push(file.escape_ascii().to_string());
        for piece in message.chunks(step) {
            mime.take(piece, &mut tell);
        }
        mime.finish(&mut tell);
        files
    }

    fn cut_everywhere(message: &[u8]) -> Vec<String> {
        let expected = files(message, message.len().max(1));
        for step in 1..message.len() {
            assert_eq!(files(message, step), expected, "steps of {step}");
        }
        for len in 0..message.len() {
            files(&message[..len], len + 1);
        }
        expected
    }

    #[test]
    fn parts_are_told_apart_and_decoded() {
        let message = b"Subject: x\r\nContent-Type: multipart/mixed;\r\n\tboundary=\"b=1\"\r\n\r\npreamble\r\n--b=1\r\n\r\nplain\r\n\
--b=1\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: BASE64\r\n\r\nRUlD\r\nQVI=\r\n--b=1\r\n\
Content-Transfer-Encoding: quoted-printable\r\n\r\na=3Db=\r\nc --no\r\n--b=1--\r\nepilogue\r\n";
        assert_eq!(cut_everywhere(message), [r"preamble\r\n", r"plain\r\n", "EICAR", r"a=bc --no\r\n"]);
    }

    #[test]
    fn containers_nest() {
        let message = b"Content-Type: multipart/mixed; boundary=out\n\n--out\nContent-Type: multipart/alternative; boundary=in\n\n\
--in\n\none\n--in\n\ntwo\n--in--\nnot this\n--out\nContent-Type: message/rfc822\n\nSubject: inner\n\nthree\n--out--\n";
        assert_eq!(cut_everywhere(message), [r"one\n", r"two\n", r"three\n"]);
    }

    #[test]
    fn a_message_without_parts_is_one_file() {
        assert_eq!(cut_everywhere(b"Subject: x\r\n\r\nbody\r\n--dashes\r\n"), [r"body\r\n--dashes\r\n"]);
        assert_eq!(cut_everywhere(b"Content-Transfer-Encoding: base64\r\n\r\nRUlDQVI"), ["EICAR"]);
    }

    #[test]
    fn a_long_file_is_told_once_to_its_bound() {
        let message = [b"\r\n".as_slice(), &b"0123456789".repeat(300)].concat();
        assert_eq!(cut_everywhere(&message).iter().map(String::len).collect::<Vec<_>>(), [1000]);
    }
}
