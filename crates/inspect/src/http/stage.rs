//! How is a stage handed out?

use kodkod_stream::Direction;

use super::buffers::{BodyView, REQUEST_BODY, REQUEST_HEAD, RESPONSE_BODY, RESPONSE_HEAD, Stage};
use super::head::{Head, starts_with_nocase};
use super::unpack::{Unpacked, unpack};
use super::uri;
use crate::conversation::Sink;
use crate::mime::Mime;
use crate::{Anomaly, BufferKind, Pdu, Service};

/// Parts of one form that are files for themselves; together they are no longer than the judged body.
const FILES_MAX: usize = 64;

/// Hand out the head stage.
pub(super) fn emit_head(direction: Direction, head: &Head, message: u64, is_last: bool, sink: &mut dyn Sink) {
    let fresh = if direction == Direction::ToServer { REQUEST_HEAD } else { RESPONSE_HEAD };
    emit(Stage { direction, head, body: None }, message, fresh, is_last, sink);
}

/// Hand out a body stage; unpacks `raw` where the head says that it is packed, up to `inflated_max` bytes.
pub(super) struct BodyStage<'a> {
    pub(super) direction: Direction,
    pub(super) head: &'a Head,
    pub(super) message: u64,
    pub(super) raw: &'a [u8],
    pub(super) trailer: &'a [u8],
    pub(super) is_last: bool,
}

impl BodyStage<'_> {
    pub(super) fn emit(self, inflated_max: usize, sink: &mut dyn Sink) {
        let fresh = match (self.raw.is_empty() && self.trailer.is_empty(), self.direction) {
            (true, _) => &[][..],
            (false, Direction::ToServer) => REQUEST_BODY,
            (false, Direction::ToClient) => RESPONSE_BODY,
        };
        let unpacked = (self.head.is_packed() && !self.raw.is_empty()).then(|| self.unpacked(inflated_max, sink));
        let decoded = unpacked.as_deref().unwrap_or(self.raw);
        let (direction, head, message) = (self.direction, self.head, self.message);
        let files = self.files(decoded, inflated_max);
        let file = if files.is_empty() { decoded } else { &[] };
        let view = BodyView { raw: self.raw, decoded, file, trailer: self.trailer };
        let stage = |view| Stage { direction, head, body: Some(view) };
        if !files.is_empty() {
            emit(stage(view), message, fresh, false, sink);
            for (count, file) in files.iter().enumerate() {
                let is_last = self.is_last && count.saturating_add(1) == files.len();
                emit(stage(BodyView { file, ..view }), message, &[BufferKind::FileData], is_last, sink);
            }
            return;
        }
        match self.form(decoded) {
            None => emit(stage(view), message, fresh, self.is_last, sink),
            Some(form) => {
                emit(stage(view), message, fresh, false, sink);
                let view = BodyView { decoded: &form, ..view };
                emit(stage(view), message, &[BufferKind::HttpClientBody], self.is_last, sink);
            }
        }
    }

    /// The parts of a body that is a container (an upload form); each is a file for itself.
    fn files(&self, body: &[u8], file_max: usize) -> Vec<Vec<u8>> {
        let mut files = Vec::new();
        let content_type = self.head.field(b"content-type").filter(|value| starts_with_nocase(value, b"multipart/"));
        if let Some(mut mime) = content_type.and_then(|value| Mime::container(value, file_max)) {
            let mut tell = |file: &[u8]| {
                if files.len() < FILES_MAX {
                    files.push(file.to_vec());
                }
            };
            mime.take(body, &mut tell);
            mime.finish(&mut tell);
        }
        files
    }

    /// A form whose text is escaped, decoded as a URI is. Rules are written for either reading (Snort decodes, Suricata does
    /// not), so the body is offered in both.
    fn form(&self, body: &[u8]) -> Option<Vec<u8>> {
        let is_escaped = self.direction == Direction::ToServer && memchr::memchr2(b'%', b'+', body).is_some();
        (is_escaped && self.head.is_form()).then(|| uri::decode(body)).filter(|form| form != body)
    }

    /// Undo the codings from the outermost on. What makes no sense at all is taken as it stands.
    fn unpacked(&self, max: usize, sink: &mut dyn Sink) -> Vec<u8> {
        let mut bytes: Option<Vec<u8>> = None;
        for coding in self.head.codings().rev() {
            let Unpacked { bytes: out, is_cut, is_damaged } = unpack(bytes.as_deref().unwrap_or(self.raw), coding, max);
            if is_cut {
                sink.anomaly(Anomaly::HttpInflatedTooLong);
            }
            if is_damaged {
                sink.anomaly(Anomaly::HttpInflateError);
            }
            if !out.is_empty() {
                bytes = Some(out);
            }
        }
        bytes.unwrap_or_else(|| self.raw.to_vec())
    }
}

fn emit(stage: Stage<'_>, message: u64, fresh: &[BufferKind], is_last: bool, sink: &mut dyn Sink) {
    let direction = stage.direction;
    sink.pdu(&Pdu { direction, service: Service::Http, message, fresh, is_last, buffers: &stage });
}
