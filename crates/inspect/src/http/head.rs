//! What do the start line and the header fields say?

use super::uri::{self, Parts};
use crate::span::Span;

/// Header fields that are indexed by name. Servers refuse more than 100 (Apache, nginx); a rule looks for few.
pub(crate) const FIELDS_MAX: usize = 200;

/// Content codings that are undone, the outermost last. Browsers stop at few; more is an attack on memory or patience.
pub(crate) const CODINGS_MAX: usize = 4;

/// How a body is packed (RFC 9110 section 8.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    Gzip,
    Deflate,
    Brotli,
}

/// `Content-Length` of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Length {
    #[default]
    None,
    Known(u64),
    /// No number, or several that differ.
    Bad,
}

#[derive(Clone, Copy, Debug)]
struct Field {
    name: Span,
    value: Span,
    /// Tells most names apart without a look at them; see [`mark`].
    mark: u32,
}

/// A parsed head. Owns one copy of the text; what was normalised stands behind it in the same buffer.
#[derive(Debug, Default)]
pub(crate) struct Head {
    bytes: Vec<u8>,
    fields: Vec<Field>,
    /// Kept only for its room.
    lines: Vec<Line>,
    /// Method, URI, version of a request; version, code, reason of a response.
    words: [Span; 3],
    pub(crate) all: Span,
    pub(crate) start_line: Span,
    pub(crate) raw_header: Span,
    pub(crate) header: Span,
    pub(crate) cookie: Span,
    pub(crate) uri: Span,
    pub(crate) host: Span,
    pub(crate) true_ip: Span,
    raw_parts: Parts,
    parts: Parts,
    pub(crate) length: Length,
    pub(crate) is_chunked: bool,
    codings: [Option<Coding>; CODINGS_MAX],
    pub(crate) has_too_many_fields: bool,
}

impl Head {
    /// Read a head: start line, fields, and the empty line where it is there. Reuses the buffers of the one before.
    pub(crate) fn read_request(&mut self, text: &[u8]) {
        let line = self.start(text);
        let space = |byte: &u8| matches!(byte, b' ' | b'\t');
        let bytes = line.of(&self.bytes);
        let method = bytes.iter().position(space).unwrap_or(bytes.len());
        let last = bytes.iter().rposition(space).map_or(bytes.len(), |at| at.saturating_add(1));
        let has_version = last > method && starts_with_nocase(bytes.get(last..).unwrap_or_default(), b"HTTP/");
        let uri_end = if has_version { last } else { bytes.len() };
        let version = if has_version { Span::new(last, bytes.len()) } else { Span::default() };
        let words = [Span::new(0, method), Span::new(method, uri_end).trimmed(bytes), version];
        self.words = words.map(|word| word.moved(line.start));
        self.read_fields(b"cookie");
        self.read_uri();
        self.read_host();
    }

    pub(crate) fn read_response(&mut self, text: &[u8]) {
        let line = self.start(text);
        let bytes = line.of(&self.bytes);
        let version = bytes.iter().position(u8::is_ascii_whitespace).unwrap_or(bytes.len());
        let rest = Span::new(version, bytes.len()).trimmed(bytes);
        let code_len = rest.of(bytes).iter().position(u8::is_ascii_whitespace).unwrap_or(rest.of(bytes).len());
        let code_end = rest.start.saturating_add(code_len);
        let words =
            [Span::new(0, version), Span::new(rest.start, code_end), Span::new(code_end, rest.end).trimmed(bytes)];
        self.words = words.map(|word| word.moved(line.start));
        self.read_fields(b"set-cookie");
    }

    /// Forget everything: a message without a head (HTTP/0.9).
    pub(crate) fn clear(&mut self) {
        let (mut bytes, mut fields) = (std::mem::take(&mut self.bytes), std::mem::take(&mut self.fields));
        let lines = std::mem::take(&mut self.lines);
        bytes.clear();
        fields.clear();
        *self = Self { bytes, fields, lines, ..Self::default() };
    }

    pub(crate) fn get(&self, span: Span) -> Option<&[u8]> {
        (!span.is_empty()).then(|| span.of(&self.bytes))
    }

    pub(crate) fn first_word(&self) -> &[u8] {
        let [word, _, _] = self.words;
        word.of(&self.bytes)
    }

    pub(crate) fn second_word(&self) -> &[u8] {
        let [_, word, _] = self.words;
        word.of(&self.bytes)
    }

    pub(crate) fn third_word(&self) -> &[u8] {
        let [_, _, word] = self.words;
        word.of(&self.bytes)
    }

    /// The status, where it is three digits.
    pub(crate) fn status(&self) -> Option<u16> {
        match self.second_word() {
            [a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9'] => {
                let digit = |byte: u8| u16::from(byte.wrapping_sub(b'0'));
                Some(digit(*a).wrapping_mul(100).wrapping_add(digit(*b).wrapping_mul(10)).wrapping_add(digit(*c)))
            }
            _ => None,
        }
    }

    /// A field's value, several joined by commas; names are compared without regard to case.
    pub(crate) fn field(&self, name: &[u8]) -> Option<&[u8]> {
        let mark = mark(name);
        let is_it = |field: &&Field| field.mark == mark && field.name.of(&self.bytes).eq_ignore_ascii_case(name);
        // A joined value stands behind the single ones.
        self.fields.iter().rev().find(is_it).map(|field| field.value.of(&self.bytes))
    }

    pub(crate) fn raw_uri_part(&self, name: &[u8]) -> Option<&[u8]> {
        self.raw_parts.named(name).map(|span| span.of(&self.bytes))
    }

    pub(crate) fn uri_part(&self, name: &[u8]) -> Option<&[u8]> {
        self.parts.named(name).map(|span| span.of(&self.bytes))
    }

    /// Content codings, the innermost first.
    pub(crate) fn codings(&self) -> impl DoubleEndedIterator<Item = Coding> {
        self.codings.into_iter().flatten()
    }

    pub(crate) fn is_packed(&self) -> bool {
        self.codings().next().is_some()
    }

    /// Whether the body is a form (`application/x-www-form-urlencoded`).
    pub(crate) fn is_form(&self) -> bool {
        self.field(b"content-type").is_some_and(|value| starts_with_nocase(value, b"application/x-www-form-urlencoded"))
    }

    fn start(&mut self, text: &[u8]) -> Span {
        self.clear();
        self.bytes.extend_from_slice(text);
        self.all = Span::new(0, text.len());
        let line_end = memchr::memchr(b'\n', text).map_or(text.len(), |at| at.saturating_add(1));
        self.start_line = Span::new(0, line_end);
        let line = text.get(..line_end).unwrap_or(text);
        let leading = line.len().saturating_sub(line.trim_ascii_start().len());
        Span::new(leading, line.trim_ascii_end().len())
    }

    /// Index the fields behind the start line, and write the header text that rules see.
    fn read_fields(&mut self, cookie_name: &[u8]) {
        let end = self.bytes.len();
        self.raw_header = Span::new(self.start_line.end, end);
        let is_odd = has_odd_characters(trim_line_end(self.start_line.of(&self.bytes)));
        let mut header = Header { lines: std::mem::take(&mut self.lines), is_changed: false, is_odd };
        header.lines.clear();
        let mut at = self.raw_header.start;
        // Ends because each line has at least its line feed, or is the rest.
        while at < end {
            let rest = self.bytes.get(at..end).unwrap_or_default();
            let len = memchr::memchr(b'\n', rest).map_or(rest.len(), |feed| feed.saturating_add(1));
            let line = Span::new(at, at.saturating_add(len));
            at = line.end;
            self.read_line(line, cookie_name, &mut header);
        }
        self.write_header(&header);
        self.write_cookie(&header);
        self.join_repeated();
        self.read_framing(header.is_odd);
        self.lines = header.lines;
    }

    fn read_line(&mut self, line: Span, cookie_name: &[u8], header: &mut Header) {
        let text = line.of(&self.bytes);
        let content = trim_line_end(text);
        let content_span = Span::new(line.start, line.start.saturating_add(content.len()));
        if matches!(text.first(), Some(b' ' | b'\t')) && !content.trim_ascii().is_empty() {
            if let Some(last) = header.lines.last_mut() {
                last.value.end = content_span.trimmed(&self.bytes).end;
                last.is_folded = true;
                (header.is_changed, header.is_odd) = (true, true);
                return;
            }
        }
        let colon = memchr::memchr(b':', content);
        let name_end = colon.map_or(content_span.end, |at| line.start.saturating_add(at));
        let name = Span::new(line.start, name_end).trimmed(&self.bytes);
        let value_start = colon.map_or(content_span.end, |_| name_end.saturating_add(1));
        let value = Span::new(value_start, content_span.end).trimmed(&self.bytes);
        let is_cookie = name.of(&self.bytes).eq_ignore_ascii_case(cookie_name);
        let space = value.start.saturating_sub(value_start);
        let is_normal = text.ends_with(b"\r\n")
            && content_span.end == value.end
            && name.start == line.start
            && name.end == name_end
            && (space == 0 || (space == 1 && self.bytes.get(value_start) == Some(&b' ')));
        header.is_changed |= is_cookie || !is_normal;
        header.is_odd |= has_odd_characters(content) || (colon.is_none() && !content.is_empty());
        header.lines.push(Line {
            name,
            value,
            colon: colon.is_some(),
            has_space: space > 0,
            is_cookie,
            is_folded: false,
        });
    }

    /// The header text: `Name: value` lines as written, but folds joined, runs of white space behind the colon made one
    /// space, every line ended by CR LF, and cookies left out.
    fn write_header(&mut self, header: &Header) {
        if header.is_changed {
            let start = self.bytes.len();
            self.bytes.reserve(self.raw_header.end.saturating_sub(self.raw_header.start));
            for line in header.lines.iter().filter(|line| !line.is_cookie) {
                self.append(line.name);
                if line.colon {
                    self.bytes.push(b':');
                }
                if line.has_space {
                    self.bytes.push(b' ');
                }
                self.append_unfolded(line);
                self.bytes.extend_from_slice(b"\r\n");
            }
            self.header = Span::new(start, self.bytes.len());
        } else {
            self.header = self.raw_header;
        }
        for line in header.lines.iter().filter(|line| !line.name.is_empty()) {
            if self.fields.len() >= FIELDS_MAX {
                self.has_too_many_fields = true;
                break;
            }
            let value = if line.is_folded { self.written(|head| head.append_unfolded(line)) } else { line.value };
            let mark = mark(line.name.of(&self.bytes));
            self.fields.push(Field { name: line.name, value, mark });
        }
    }

    fn write_cookie(&mut self, header: &Header) {
        let mut cookies = header.lines.iter().filter(|line| line.is_cookie);
        let (Some(first), second) = (cookies.next(), cookies.next()) else { return };
        if second.is_none() && !first.is_folded {
            self.cookie = first.value;
            return;
        }
        let cookies = header.lines.iter().filter(|line| line.is_cookie);
        self.cookie = self.written(|head| {
            for (count, line) in cookies.enumerate() {
                if count > 0 {
                    head.bytes.push(b',');
                }
                head.append_unfolded(line);
            }
        });
    }

    /// A name that stands several times gets one more entry with all its values, joined by commas.
    fn join_repeated(&mut self) {
        let count = self.fields.len();
        for at in 0..count {
            let Some((before, [first, behind @ ..])) =
                self.fields.get(..count).and_then(|fields| fields.split_at_checked(at))
            else {
                break;
            };
            let is_same = |other: &&Field| first.is_named_as(other, &self.bytes);
            if !behind.iter().any(|other| is_same(&other)) || before.iter().any(|other| is_same(&other)) {
                continue;
            }
            let Field { name, value, mark } = *first;
            let others: Vec<Span> = behind.iter().filter(is_same).map(|field| field.value).collect();
            let value = self.written(|head| {
                head.append(value);
                for other in others {
                    head.bytes.push(b',');
                    head.append(other);
                }
            });
            self.fields.push(Field { name, value, mark });
        }
    }

    /// Length, transfer coding and content codings (RFC 9112 section 6).
    ///
    /// A head with odd characters or folds is read once more as a careless reader would: what stands in it somewhere counts.
    /// Being wrong there costs little, since chunks that are none and data that does not unpack are taken as they stand.
    fn read_framing(&mut self, is_odd: bool) {
        self.length = match self.field(b"content-length") {
            None => Length::None,
            Some(text) => length(text),
        };
        let transfer = self.field(b"transfer-encoding").unwrap_or_default();
        let content = self.field(b"content-encoding").unwrap_or_default();
        let mut is_chunked = mentions(transfer, b"chunked");
        let mut codings = codings(content, transfer);
        if is_odd {
            let text = visible(self.all.of(&self.bytes));
            is_chunked |= behind(&text, b"transfer-encoding").is_some_and(|rest| mentions(rest, b"chunked"));
            if let (None, Some(rest)) = (codings.iter().flatten().next(), behind(&text, b"content-encoding")) {
                codings = self::codings(rest.get(..ODD_VALUE_MAX).unwrap_or(rest), b"");
            }
        }
        self.is_chunked = is_chunked;
        self.codings = codings;
    }

    fn read_uri(&mut self) {
        let [_, raw, _] = self.words;
        let parts = Parts::of(raw.of(&self.bytes));
        self.raw_parts = parts.moved(raw.start);
        let mut normal = Vec::new();
        match uri::normalise(raw.of(&self.bytes), &parts, &mut normal) {
            None => (self.uri, self.parts) = (raw, self.raw_parts),
            Some(parts) => {
                let base = self.bytes.len();
                self.bytes.extend_from_slice(&normal);
                self.uri = Span::new(base, self.bytes.len());
                self.parts = parts.moved(base);
            }
        }
    }

    /// Host in lower case without its port, and the client a proxy speaks for.
    fn read_host(&mut self) {
        let find = |name: &[u8]| {
            let named = |field: &&Field| field.name.of(&self.bytes).eq_ignore_ascii_case(name);
            self.fields.iter().find(named).map(|field| field.value)
        };
        let authority = if self.raw_parts.host.is_empty() { find(b"host") } else { None };
        let host = authority.map_or(self.raw_parts.host, |value| uri::host_and_port(&self.bytes, value).0);
        let forwarded = find(b"x-forwarded-for").or_else(|| find(b"true-client-ip"));
        if let Some(value) = forwarded {
            let first =
                value.of(&self.bytes).iter().position(|byte| *byte == b',').unwrap_or(value.of(&self.bytes).len());
            self.true_ip = Span::new(value.start, value.start.saturating_add(first)).trimmed(&self.bytes);
        }
        let has_upper = host.of(&self.bytes).iter().any(u8::is_ascii_uppercase);
        self.host = if has_upper {
            let lower = host.of(&self.bytes).to_ascii_lowercase();
            self.written(|head| head.bytes.extend_from_slice(&lower))
        } else {
            host
        };
    }

    fn append(&mut self, span: Span) {
        if self.bytes.get(span.start..span.end).is_some() {
            self.bytes.extend_from_within(span.start..span.end);
        }
    }

    /// A value with each line break and the white space around it made one space.
    fn append_unfolded(&mut self, line: &Line) {
        if !line.is_folded {
            return self.append(line.value);
        }
        let value = line.value.of(&self.bytes).to_vec();
        let parts = value.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|part| !part.is_empty());
        for (count, part) in parts.enumerate() {
            if count > 0 {
                self.bytes.push(b' ');
            }
            self.bytes.extend_from_slice(part);
        }
    }

    fn written(&mut self, write: impl FnOnce(&mut Self)) -> Span {
        let start = self.bytes.len();
        write(self);
        Span::new(start, self.bytes.len())
    }
}

impl Field {
    fn is_named_as(&self, other: &Self, bytes: &[u8]) -> bool {
        self.mark == other.mark && self.name.of(bytes).eq_ignore_ascii_case(other.name.of(bytes))
    }
}

/// A hash of a name without regard to case (FNV-1a), so that hundreds of fields are compared in passing.
fn mark(name: &[u8]) -> u32 {
    let step = |mark: u32, byte: &u8| (mark ^ u32::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0193);
    name.iter().fold(0x811c_9dc5, step)
}

/// The lines of a head while it is read.
#[derive(Debug, Default)]
struct Header {
    lines: Vec<Line>,
    /// Whether the text that rules see differs from the text as written.
    is_changed: bool,
    /// Whether it has what no honest writer writes.
    is_odd: bool,
}

#[derive(Debug)]
struct Line {
    name: Span,
    value: Span,
    colon: bool,
    has_space: bool,
    is_cookie: bool,
    is_folded: bool,
}

fn trim_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

pub(crate) fn starts_with_nocase(text: &[u8], word: &[u8]) -> bool {
    text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
}

fn tokens(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|byte| matches!(byte, b',' | b';')).map(<[u8]>::trim_ascii).filter(|token| !token.is_empty())
}

/// Characters behind an odd field name in which its value is looked for.
const ODD_VALUE_MAX: usize = 32;

/// Whether a word stands anywhere in a list, whatever surrounds it.
fn mentions(list: &[u8], word: &[u8]) -> bool {
    list.len() >= word.len() && list.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word))
}

/// The codings a list names, in its order; words around them do not matter.
fn codings(content: &[u8], transfer: &[u8]) -> [Option<Coding>; CODINGS_MAX] {
    let words = |list| tokens(list).flat_map(|token: &[u8]| token.split(|byte| *byte == b' '));
    let mut codings = [None; CODINGS_MAX];
    let found = words(content).chain(words(transfer)).filter_map(coding);
    for (slot, coding) in codings.iter_mut().zip(found) {
        *slot = Some(coding);
    }
    codings
}

fn coding(word: &[u8]) -> Option<Coding> {
    match word {
        _ if mentions(word, b"gzip") => Some(Coding::Gzip),
        _ if mentions(word, b"deflate") => Some(Coding::Deflate),
        _ if word.eq_ignore_ascii_case(b"br") => Some(Coding::Brotli),
        _ => None,
    }
}

/// The printing characters of a text in lower case, without spaces.
fn visible(text: &[u8]) -> Vec<u8> {
    text.iter().filter(|byte| byte.is_ascii_graphic()).map(u8::to_ascii_lowercase).collect()
}

fn behind<'a>(text: &'a [u8], word: &[u8]) -> Option<&'a [u8]> {
    let at = memchr::memmem::find(text, word)?;
    text.get(at.saturating_add(word.len())..)
}

/// Characters that no honest head has: controls, deletes, bytes beyond ASCII, and a carriage return inside a line.
fn has_odd_characters(line: &[u8]) -> bool {
    line.iter().any(|byte| !matches!(byte, b'\t' | 0x20..=0x7e))
}

/// One number, or the same number several times.
fn length(text: &[u8]) -> Length {
    let mut known = None;
    for token in tokens(text) {
        let number = std::str::from_utf8(token).ok().filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        match (number.and_then(|digits| digits.parse::<u64>().ok()), known) {
            (None, _) => return Length::Bad,
            (Some(number), Some(before)) if number != before => return Length::Bad,
            (Some(number), _) => known = Some(number),
        }
    }
    known.map_or(Length::Bad, Length::Known)
}
