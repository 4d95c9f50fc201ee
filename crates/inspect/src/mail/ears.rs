//! What does one side of a session say between the lines?

use kodkod_stream::Direction;

use super::channels;
use crate::conversation::{Input, Sink};
use crate::mime::Mime;
use crate::plain::Plain;
use crate::{Service, Transaction};

/// Bytes of a line that are looked at: RFC 5321 and RFC 3501 end lines at about a thousand.
const LINE_MAX: usize = 1024;

/// What a line meant to the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Nothing,
    /// The client asks for TLS.
    AskTls,
    /// The client asks for a message that the answer will bring.
    AskMessage,
    /// The server agrees.
    Yes,
    /// The server refuses.
    No,
}

/// What the next bytes of this direction are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Lines,
    /// A message that a lone dot ends (RFC 5321 section 4.1.1.4, RFC 1939 section 3).
    Dotted,
    /// So many bytes of a message (IMAP's literals, SMTP's BDAT).
    Counted(u64),
}

/// One direction.
#[derive(Debug)]
pub(super) struct Ear {
    service: Service,
    direction: Direction,
    file_max: usize,
    mode: Mode,
    /// The current line, or its first bytes.
    line: Vec<u8>,
    mime: Option<Box<Mime>>,
    /// Some of the current message was seen.
    has_begun: bool,
    is_inside_line: bool,
}

impl Ear {
    pub(super) fn new(service: Service, direction: Direction, file_max: usize) -> Self {
        Self {
            service,
            direction,
            file_max,
            mode: Mode::Lines,
            line: Vec::new(),
            mime: None,
            has_begun: false,
            is_inside_line: false,
        }
    }

    /// Take a line, or the message bytes that `data` (not empty) begins with; returns how many, and what they meant.
    pub(super) fn take(&mut self, data: &[u8], plain: &mut Plain, sink: &mut dyn Sink) -> (usize, Heard) {
        match self.mode {
            Mode::Lines => self.take_line(data, plain, sink),
            Mode::Dotted => (self.take_dotted(data, plain, sink), Heard::Nothing),
            Mode::Counted(rest) => (self.take_counted(data, rest, plain, sink), Heard::Nothing),
        }
    }

    /// A message begins with the next byte; a lone dot will end it.
    pub(super) fn begin_message(&mut self) {
        self.begin(Mode::Dotted);
    }

    /// The announced message does not come.
    pub(super) fn refuse_message(&mut self, plain: &mut Plain, sink: &mut dyn Sink) {
        if self.mode == Mode::Dotted && !self.has_begun {
            self.end_message(plain, sink);
        }
    }

    /// What there is of a message is all of it.
    pub(super) fn end_message(&mut self, plain: &mut Plain, sink: &mut dyn Sink) {
        self.line.clear();
        if self.mode == Mode::Lines {
            return;
        }
        self.mode = Mode::Lines;
        // The message's text ends here for rules too, whatever comes behind it.
        plain.flush(self.direction, sink);
        plain.read_lines(self.direction, self.service);
        if let Some(mut mime) = self.mime.take() {
            mime.finish(&mut |file| self.tell(file, plain, sink));
        }
    }

    /// Bytes are missing. A counted message is shorter by them; a dotted one goes on.
    pub(super) fn on_gap(&mut self, len: u64, plain: &mut Plain, sink: &mut dyn Sink) {
        self.line.clear();
        if let Mode::Counted(rest) = self.mode {
            match rest.checked_sub(len) {
                Some(rest) if rest > 0 => self.mode = Mode::Counted(rest),
                _ => self.end_message(plain, sink),
            }
        }
    }

    fn begin(&mut self, mode: Mode) {
        self.mode = mode;
        self.line.clear();
        (self.has_begun, self.is_inside_line) = (false, false);
        self.mime = Some(Box::new(Mime::new(self.file_max)));
    }

    fn take_line(&mut self, data: &[u8], plain: &mut Plain, sink: &mut dyn Sink) -> (usize, Heard) {
        let feed = memchr::memchr(b'\n', data);
        let len = feed.map_or(data.len(), |feed| feed.saturating_add(1));
        let piece = data.get(..len).unwrap_or(data);
        plain.on_stream(self.direction, Input::Data(piece), sink);
        let room = LINE_MAX.saturating_sub(self.line.len());
        self.line.extend_from_slice(piece.get(..room).unwrap_or(piece));
        if feed.is_none() {
            return (len, Heard::Nothing);
        }
        let line = std::mem::take(&mut self.line);
        let heard = self.on_line(line.trim_ascii());
        if self.service == Service::Ftp
            && let Some(channel) = channels::announced(self.direction, line.trim_ascii())
        {
            sink.transaction(Transaction::DataChannel(channel));
        }
        if self.mode != Mode::Lines {
            plain.read_turns(self.direction);
        }
        (len, heard)
    }

    fn on_line(&mut self, line: &[u8]) -> Heard {
        match (self.direction, self.service) {
            (_, Service::Imap) => self.on_imap_line(line),
            (Direction::ToServer, _) => self.on_command(line),
            (Direction::ToClient, Service::Pop3) if line.starts_with(b"+OK") => Heard::Yes,
            (Direction::ToClient, Service::Pop3) if line.starts_with(b"-ERR") => Heard::No,
            // Only these two codes grant TLS (RFC 3207 section 4, RFC 4217 section 4); a 250 may answer an earlier command.
            (Direction::ToClient, _) if line.starts_with(b"220") || line.starts_with(b"234") => Heard::Yes,
            (Direction::ToClient, _) if matches!(line.first(), Some(b'4' | b'5')) => Heard::No,
            (Direction::ToClient, _) => Heard::Nothing,
        }
    }

    fn on_command(&mut self, line: &[u8]) -> Heard {
        let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        let command = words.next().unwrap_or_default().to_ascii_uppercase();
        match (self.service, command.as_slice()) {
            (Service::Smtp, b"STARTTLS") | (Service::Pop3, b"STLS") => Heard::AskTls,
            (Service::Ftp, b"AUTH") if words.next().is_some_and(|word| !word.eq_ignore_ascii_case(b"GSSAPI")) => {
                Heard::AskTls
            }
            (Service::Pop3, b"RETR" | b"TOP") => Heard::AskMessage,
            (Service::Smtp, b"DATA") => {
                self.begin(Mode::Dotted);
                Heard::Nothing
            }
            (Service::Smtp, b"BDAT") => {
                if let Some(len) = words.next().and_then(number).filter(|len| *len > 0) {
                    self.begin(Mode::Counted(len));
                }
                Heard::Nothing
            }
            _ => Heard::Nothing,
        }
    }

    /// Either side may send a literal: `{42}` or `{42+}` at a line's end, then that many bytes (RFC 3501 section 4.3).
    fn on_imap_line(&mut self, line: &[u8]) -> Heard {
        if let Some(len) = literal(line).filter(|len| *len > 0) {
            self.begin(Mode::Counted(len));
        }
        let mut words = line.split(|byte| *byte == b' ').skip(1);
        let word = words.next().unwrap_or_default().to_ascii_uppercase();
        match (self.direction, word.as_slice()) {
            (Direction::ToServer, b"STARTTLS") => Heard::AskTls,
            (Direction::ToClient, b"OK") if !line.starts_with(b"*") => Heard::Yes,
            (Direction::ToClient, b"NO" | b"BAD") => Heard::No,
            _ => Heard::Nothing,
        }
    }

    /// Take a line of a message. Its first bytes are held while they may be the dot that ends it.
    fn take_dotted(&mut self, data: &[u8], plain: &mut Plain, sink: &mut dyn Sink) -> usize {
        let feed = memchr::memchr(b'\n', data);
        let len = feed.map_or(data.len(), |feed| feed.saturating_add(1));
        let piece = data.get(..len).unwrap_or(data);
        plain.on_stream(self.direction, Input::Data(piece), sink);
        let is_dot_so_far = |line: &[u8]| b".\r\n".starts_with(line) || line == b".\n";
        match (self.line.is_empty(), feed) {
            // In the middle of a line.
            (true, _) if !is_dot_so_far(piece) || self.is_inside_line => {
                self.tell_piece(piece, feed.is_some(), plain, sink)
            }
            _ => {
                self.line.extend_from_slice(piece);
                let line = std::mem::take(&mut self.line);
                if !is_dot_so_far(&line) {
                    self.tell_piece(&line, feed.is_some(), plain, sink);
                } else if feed.is_some() {
                    self.end_message(plain, sink);
                } else {
                    self.line = line;
                }
            }
        }
        len
    }

    fn tell_piece(&mut self, piece: &[u8], is_line_end: bool, plain: &mut Plain, sink: &mut dyn Sink) {
        (self.has_begun, self.is_inside_line) = (true, !is_line_end);
        if let Some(mut mime) = self.mime.take() {
            mime.take(piece, &mut |file| self.tell(file, plain, sink));
            self.mime = Some(mime);
        }
    }

    fn take_counted(&mut self, data: &[u8], rest: u64, plain: &mut Plain, sink: &mut dyn Sink) -> usize {
        let len = usize::try_from(rest).map_or(data.len(), |rest| rest.min(data.len()));
        let piece = data.get(..len).unwrap_or(data);
        plain.on_stream(self.direction, Input::Data(piece), sink);
        self.tell_piece(piece, false, plain, sink);
        let left = rest.saturating_sub(u64::try_from(len).unwrap_or(u64::MAX));
        self.mode = Mode::Counted(left);
        if left == 0 {
            self.end_message(plain, sink);
        }
        len
    }

    fn tell(&self, file: &[u8], plain: &mut Plain, sink: &mut dyn Sink) {
        plain.emit_file(self.direction, file, sink);
    }
}

fn number(word: &[u8]) -> Option<u64> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

fn literal(line: &[u8]) -> Option<u64> {
    let inside = line.strip_suffix(b"}")?;
    let open = memchr::memrchr(b'{', inside)?;
    let digits = inside.get(open.saturating_add(1)..)?;
    number(digits.strip_suffix(b"+").unwrap_or(digits))
}
