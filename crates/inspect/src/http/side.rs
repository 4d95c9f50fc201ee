//! How far has one direction come?

use kodkod_stream::Direction;

use super::body::{Body, Framing, Taken};
use super::chunks::Chunks;
use super::exchange::{Asked, Exchange};
use super::head::{Head, Length};
use super::stage::{BodyStage, emit_head};
use crate::conversation::Sink;
use crate::wizard::{Fit, LOOK_MAX, http_request, http_response};
use crate::{Anomaly, HttpRequest, HttpResponse, Limits, Service, Transaction, plain};

/// What the next byte belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// A start line, header fields, or empty lines before them.
    Head,
    Body,
    /// Unknown: looking for a line that begins a message.
    Lost,
}

/// One direction of a connection.
#[derive(Debug)]
pub(super) struct Side {
    direction: Direction,
    head_max: usize,
    body_depth: usize,
    inflated_max: usize,
    pub(super) phase: Phase,
    /// The head so far, or, when lost, the bytes that belong to no message.
    held: Vec<u8>,
    /// When lost: where in `held` the current line begins.
    line_start: usize,
    head: Head,
    body: Body,
    /// How a body would end that this kind of message should not have.
    unlikely_body: Option<Framing>,
    message: u64,
}

impl Side {
    pub(super) fn new(direction: Direction, limits: &Limits) -> Self {
        let size = |bytes: u32| usize::try_from(bytes).unwrap_or(usize::MAX).max(LOOK_MAX);
        Self {
            direction,
            head_max: size(limits.http_head_max),
            body_depth: size(limits.http_body_depth),
            inflated_max: size(limits.http_inflated_max),
            phase: Phase::Head,
            held: Vec::new(),
            line_start: 0,
            head: Head::default(),
            body: Body::default(),
            unlikely_body: None,
            message: 0,
        }
    }

    pub(super) fn skippable(&self) -> u64 {
        if self.phase == Phase::Body { self.body.skippable() } else { 0 }
    }

    /// Take bytes of a head; returns how many.
    pub(super) fn on_head(&mut self, data: &[u8], exchange: &mut Exchange, sink: &mut dyn Sink) -> usize {
        if self.held.is_empty() {
            let empty = data.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            if empty > 0 {
                return empty;
            }
        }
        let before = self.held.len();
        let room = self.head_max.saturating_sub(before);
        let window = data.get(..room).unwrap_or(data);
        if self.is_start(window) == Fit::No {
            self.on_no_start(exchange, sink);
            return 0;
        }
        let end = if before == 0 { head_end(window, 0, self.direction) } else { self.held_end(window) };
        match end {
            Some(end) if before == 0 => {
                self.on_whole_head(window.get(..end).unwrap_or(window), exchange, sink);
                end
            }
            Some(end) => {
                let held = std::mem::take(&mut self.held);
                self.on_whole_head(held.get(..end).unwrap_or(&held), exchange, sink);
                self.recycle(held);
                end.saturating_sub(before)
            }
            None if window.len() == room => {
                let mut held = std::mem::take(&mut self.held);
                if before == 0 {
                    held.extend_from_slice(window);
                }
                self.on_long_head(&held, exchange, sink);
                window.len()
            }
            None => {
                if before == 0 {
                    self.held.extend_from_slice(window);
                }
                window.len()
            }
        }
    }

    /// Take bytes of a body; returns how many.
    pub(super) fn on_body(&mut self, data: &[u8], sink: &mut dyn Sink) -> usize {
        let taken = self.body.take(data);
        let len = match taken {
            Taken::Passed(len) | Taken::Kept(len) | Taken::Full(len) | Taken::End(len) | Taken::BadChunk(len) => len,
            Taken::Whole(body) => body.len(),
        };
        match taken {
            Taken::Passed(_) | Taken::Kept(_) => {}
            Taken::Whole(body) => {
                self.emit_body(body, true, sink);
                self.finish_message();
            }
            Taken::Full(_) => {
                sink.anomaly(Anomaly::HttpBodyDepth);
                self.emit_kept(true, sink);
                self.body.is_judged = true;
            }
            Taken::End(_) => self.end_body(sink),
            Taken::BadChunk(_) => sink.anomaly(Anomaly::HttpBadChunk),
        }
        // The last byte ends a body, not the first of the next message.
        if self.phase == Phase::Body && matches!(self.body.framing, Framing::Length(0)) {
            self.end_body(sink);
        }
        len
    }

    /// Take bytes that belong to no message, up to the end of a line; returns how many.
    pub(super) fn on_lost(&mut self, data: &[u8], sink: &mut dyn Sink) -> usize {
        let before = self.held.len();
        let room = self.head_max.saturating_sub(before).max(1);
        let window = data.get(..room).unwrap_or(data);
        let len = memchr::memchr(b'\n', window).map_or(window.len(), |feed| feed.saturating_add(1));
        self.held.extend_from_slice(window.get(..len).unwrap_or(window));
        if self.fits(self.held.get(self.line_start..).unwrap_or_default()) == Fit::Yes {
            // The line's bytes of this input are read again, as those of a head.
            self.held.truncate(before);
            let line = self.held.split_off(self.line_start);
            self.emit_lost(sink);
            self.held = line.trim_ascii_start().to_vec();
            self.phase = Phase::Head;
            return 0;
        }
        if self.held.ends_with(b"\n") {
            self.line_start = self.held.len();
        }
        if self.held.len() >= self.head_max {
            self.emit_lost(sink);
        }
        len
    }

    /// Bytes are missing.
    pub(super) fn on_gap(&mut self, len: u64, sink: &mut dyn Sink) {
        match self.phase {
            Phase::Body => {
                let is_inside = self.body.pass(len);
                if !self.body.is_judged {
                    self.emit_kept(!is_inside || self.head.is_packed(), sink);
                }
                // A packed stream cannot be read on behind a hole.
                self.body.is_judged |= self.head.is_packed();
                if !is_inside {
                    self.finish_message();
                    self.lose();
                } else if matches!(self.body.framing, Framing::Length(0)) {
                    self.end_body(sink);
                }
            }
            Phase::Head | Phase::Lost => {
                self.emit_lost(sink);
                self.phase = Phase::Lost;
            }
        }
    }

    /// The direction ends: what is there of a message is all of it.
    pub(super) fn on_end(&mut self, exchange: &mut Exchange, sink: &mut dyn Sink) {
        match self.phase {
            Phase::Body => self.end_body(sink),
            Phase::Head if memchr::memchr(b'\n', &self.held).is_some() => {
                let held = std::mem::take(&mut self.held);
                self.read_head(&held, exchange, sink);
                emit_head(self.direction, &self.head, self.message, true, sink);
                self.finish_message();
            }
            Phase::Head | Phase::Lost => self.emit_lost(sink),
        }
    }

    /// Nobody speaks: judge what there is of a body now; the rest is judged when it comes.
    pub(super) fn on_idle(&mut self, sink: &mut dyn Sink) {
        match self.phase {
            Phase::Body if !self.body.is_judged && !self.body.kept.is_empty() && !self.head.is_packed() => {
                self.emit_kept(false, sink);
            }
            Phase::Lost => self.emit_lost(sink),
            Phase::Body | Phase::Head => {}
        }
    }

    fn fits(&self, line: &[u8]) -> Fit {
        let line = line.get(..LOOK_MAX).unwrap_or(line);
        let fit = match self.direction {
            Direction::ToServer => http_request(line),
            Direction::ToClient => http_response(line),
        };
        if line.len() == LOOK_MAX && fit == Fit::More { Fit::No } else { fit }
    }

    fn is_start(&self, window: &[u8]) -> Fit {
        if self.held.len() >= LOOK_MAX {
            return Fit::Yes;
        }
        if self.held.is_empty() {
            return self.fits(window);
        }
        let mut first = self.held.clone();
        first.extend_from_slice(window.get(..LOOK_MAX).unwrap_or(window));
        self.fits(&first)
    }

    /// Append the window to what is held and look for the end of the head there.
    fn held_end(&mut self, window: &[u8]) -> Option<usize> {
        // An empty line may have begun in what is held: behind the last line feed there.
        let from = memchr::memrchr(b'\n', &self.held).unwrap_or(self.held.len());
        self.held.extend_from_slice(window);
        head_end(&self.held, from, self.direction)
    }

    /// No message begins here: a body where there should be none, an answer in the style of HTTP/0.9, or garbage.
    fn on_no_start(&mut self, exchange: &mut Exchange, sink: &mut dyn Sink) {
        let held = std::mem::take(&mut self.held);
        match self.unlikely_body.take() {
            Some(framing) => {
                self.message = self.message.wrapping_sub(1);
                self.begin_body(framing);
                let mut rest = held.as_slice();
                // Ends because each turn takes a byte, ends the body, or finds that its chunks are none.
                while !rest.is_empty() && self.phase == Phase::Body {
                    let taken = self.on_body(rest, sink);
                    rest = rest.get(taken..).unwrap_or_default();
                }
                self.held = rest.to_vec();
            }
            None => {
                sink.anomaly(Anomaly::HttpLost);
                exchange.forget();
                self.held = held;
                self.lose();
            }
        }
    }

    fn read_head(&mut self, text: &[u8], exchange: &mut Exchange, sink: &mut dyn Sink) -> Option<Framing> {
        match self.direction {
            Direction::ToServer => self.on_request(text, exchange, sink),
            Direction::ToClient => self.on_response(text, exchange, sink),
        }
    }

    /// Judge what fits of an endless head; where its message ends is unknown.
    fn on_long_head(&mut self, text: &[u8], exchange: &mut Exchange, sink: &mut dyn Sink) {
        sink.anomaly(Anomaly::HttpHeadTooLong);
        self.read_head(text, exchange, sink);
        exchange.forget();
        exchange.is_switched = false;
        emit_head(self.direction, &self.head, self.message, true, sink);
        self.finish_message();
        self.lose();
    }

    fn on_whole_head(&mut self, text: &[u8], exchange: &mut Exchange, sink: &mut dyn Sink) {
        let framing = self.read_head(text, exchange, sink);
        if self.head.has_too_many_fields {
            sink.anomaly(Anomaly::HttpTooManyFields);
        }
        emit_head(self.direction, &self.head, self.message, framing.is_none(), sink);
        match framing {
            None => self.finish_message(),
            Some(framing) => self.begin_body(framing),
        }
    }

    fn on_request(&mut self, text: &[u8], exchange: &mut Exchange, sink: &mut dyn Sink) -> Option<Framing> {
        self.head.read_request(text);
        exchange.asked(&self.head, sink);
        if sink.wants_http() {
            sink.transaction(Transaction::HttpRequest(request_fact(&self.head)));
        }
        self.framing(sink)
    }

    fn on_response(&mut self, text: &[u8], exchange: &mut Exchange, sink: &mut dyn Sink) -> Option<Framing> {
        self.unlikely_body = None;
        self.head.read_response(text);
        let status = self.head.status();
        let asked = exchange.answered(status, sink);
        if sink.wants_http() {
            sink.transaction(Transaction::HttpResponse(response_fact(&self.head)));
        }
        exchange.is_switched = status == Some(101) || (asked == Asked::Connect && matches!(status, Some(200..=299)));
        let has_body = match (asked, status) {
            (Asked::Head, _) | (_, Some(100..=199 | 204 | 304)) | (Asked::Connect, Some(200..=299)) => false,
            (Asked::Connect | Asked::Other, _) => true,
        };
        let framing = self.framing(sink);
        if has_body {
            return framing;
        }
        // Servers that send one all the same exist, and browsers that take it.
        self.unlikely_body = framing.filter(|_| self.head.length != Length::None || self.head.is_chunked);
        None
    }

    /// How this head's body ends; none where it has none (RFC 9112 section 6.3).
    fn framing(&self, sink: &mut dyn Sink) -> Option<Framing> {
        let is_response = self.direction == Direction::ToClient;
        if self.head.is_chunked {
            if self.head.length != Length::None {
                sink.anomaly(Anomaly::HttpLengthAndChunked);
            }
            return Some(Framing::Chunked(Box::new(Chunks::new())));
        }
        match self.head.length {
            Length::Known(0) => None,
            Length::Known(length) => Some(Framing::Length(length)),
            Length::Bad => {
                sink.anomaly(Anomaly::HttpBadLength);
                is_response.then_some(Framing::UntilClose)
            }
            Length::None => is_response.then_some(Framing::UntilClose),
        }
    }

    fn begin_body(&mut self, framing: Framing) {
        let length = match self.head.length {
            Length::Known(length) => Some(length),
            Length::None | Length::Bad => None,
        };
        let kept = std::mem::take(&mut self.body.kept);
        self.body = Body::new(framing, length, self.body_depth, kept);
        self.phase = Phase::Body;
    }

    fn end_body(&mut self, sink: &mut dyn Sink) {
        if !self.body.is_judged {
            self.emit_kept(true, sink);
        }
        self.finish_message();
    }

    fn emit_kept(&mut self, is_last: bool, sink: &mut dyn Sink) {
        let mut kept = std::mem::take(&mut self.body.kept);
        self.emit_body(&kept, is_last, sink);
        kept.clear();
        self.body.kept = kept;
    }

    fn emit_body(&self, raw: &[u8], is_last: bool, sink: &mut dyn Sink) {
        let (direction, head, message, trailer) = (self.direction, &self.head, self.message, self.body.trailer());
        BodyStage { direction, head, message, raw, trailer, is_last }.emit(self.inflated_max, sink);
    }

    fn finish_message(&mut self) {
        self.message = self.message.wrapping_add(1);
        self.phase = Phase::Head;
        // Between messages a connection may idle for minutes: keep no big buffer.
        if self.body.kept.capacity() > KEPT_CAPACITY_MAX {
            self.body.kept = Vec::new();
        }
        self.body.framing = Framing::UntilClose;
    }

    fn lose(&mut self) {
        self.phase = Phase::Lost;
        self.line_start = 0;
    }

    fn emit_lost(&mut self, sink: &mut dyn Sink) {
        if !self.held.is_empty() {
            // To a client, anything may be taken for a page.
            let emit = if self.direction == Direction::ToClient { plain::emit_file } else { plain::emit };
            emit(Service::Http, self.direction, self.message, &self.held, sink);
            self.message = self.message.wrapping_add(1);
            self.held = Vec::new();
        }
        self.line_start = 0;
    }

    /// Use a buffer's room again for the next head.
    fn recycle(&mut self, mut held: Vec<u8>) {
        if self.held.is_empty() && held.capacity() <= KEPT_CAPACITY_MAX {
            held.clear();
            self.held = held;
        }
    }
}

/// Room that an idle connection may keep: a usual head, or a small form.
const KEPT_CAPACITY_MAX: usize = 4 * 1024;

/// Where the head that `text` begins with ends, if it does: behind an empty line, or behind a request line of HTTP/0.9.
/// Bytes before `from` are known to hold no end.
fn head_end(text: &[u8], from: usize, direction: Direction) -> Option<usize> {
    let mut is_first = from == 0 || memchr::memchr(b'\n', text.get(..from).unwrap_or_default()).is_none();
    for feed in memchr::memchr_iter(b'\n', text.get(from..).unwrap_or_default()) {
        let next = from.saturating_add(feed).saturating_add(1);
        if is_first && direction == Direction::ToServer && is_simple_request(text.get(..next).unwrap_or_default()) {
            return Some(next);
        }
        is_first = false;
        if let Some(len) = empty_line(text.get(next..).unwrap_or_default()) {
            return Some(next.saturating_add(len));
        }
    }
    None
}

/// The length of the empty line that `text` begins with: nothing, or up to two carriage returns before the line feed (three
/// and more are a field without a name to browsers). Spaces alone before a bare line feed end a head too in their eyes;
/// before CR LF they are a fold.
fn empty_line(text: &[u8]) -> Option<usize> {
    let blank = match text.first()? {
        b'\n' => 0,
        b'\r' => text.iter().take_while(|byte| **byte == b'\r').count(),
        b' ' | b'\t' => text.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count(),
        _ => return None,
    };
    if text.starts_with(b"\r\r\r") {
        return None;
    }
    (text.get(blank) == Some(&b'\n')).then(|| blank.saturating_add(1))
}

/// `GET /path` without a version: no fields follow (RFC 1945 section 4.1).
fn is_simple_request(line: &[u8]) -> bool {
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    words.next() == Some(b"GET") && words.next().is_some() && words.next().is_none()
}

fn request_fact(head: &Head) -> HttpRequest {
    HttpRequest {
        method: text(head.first_word()),
        host: text(head.get(head.host).unwrap_or_default()),
        uri: text(head.second_word()),
        user_agent: text(head.field(b"user-agent").unwrap_or_default()),
    }
}

fn response_fact(head: &Head) -> HttpResponse {
    HttpResponse {
        status: head.status(),
        content_type: text(head.field(b"content-type").unwrap_or_default()),
        content_length: match head.length {
            Length::Known(length) => Some(length),
            Length::None | Length::Bad => None,
        },
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
