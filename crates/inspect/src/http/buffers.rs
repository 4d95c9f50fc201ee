//! Which buffers does a stage of an HTTP message offer?

use kodkod_stream::Direction;

use super::head::Head;
use super::params;
use crate::{BufferKind, Buffers};

/// Kinds of a request's head stage.
pub(super) const REQUEST_HEAD: &[BufferKind] = &[
    BufferKind::HttpMethod,
    BufferKind::HttpUri,
    BufferKind::HttpRawUri,
    BufferKind::HttpVersion,
    BufferKind::HttpRawRequest,
    BufferKind::HttpHeader,
    BufferKind::HttpRawHeader,
    BufferKind::HttpCookie,
    BufferKind::HttpRawCookie,
    BufferKind::HttpHost,
    BufferKind::HttpTrueIp,
    BufferKind::HttpParam,
    BufferKind::PktData,
    BufferKind::RawData,
];

/// Kinds of a response's head stage.
pub(super) const RESPONSE_HEAD: &[BufferKind] = &[
    BufferKind::HttpVersion,
    BufferKind::HttpStatCode,
    BufferKind::HttpStatMsg,
    BufferKind::HttpRawStatus,
    BufferKind::HttpHeader,
    BufferKind::HttpRawHeader,
    BufferKind::HttpCookie,
    BufferKind::HttpRawCookie,
    BufferKind::PktData,
    BufferKind::RawData,
];

/// Kinds of a request's body stage. `PktData` is the body now.
pub(super) const REQUEST_BODY: &[BufferKind] = &[
    BufferKind::HttpClientBody,
    BufferKind::FileData,
    BufferKind::HttpRawBody,
    BufferKind::HttpParam,
    BufferKind::HttpTrailer,
    BufferKind::HttpRawTrailer,
    BufferKind::PktData,
    BufferKind::RawData,
];

/// Kinds of a response's body stage.
pub(super) const RESPONSE_BODY: &[BufferKind] = &[
    BufferKind::FileData,
    BufferKind::HttpRawBody,
    BufferKind::HttpTrailer,
    BufferKind::HttpRawTrailer,
    BufferKind::PktData,
    BufferKind::RawData,
];

/// A body, or the part of it that is judged now.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct BodyView<'a> {
    /// Without chunk framing, packed as it came.
    pub(super) raw: &'a [u8],
    /// Unpacked; the same bytes where nothing was packed.
    pub(super) decoded: &'a [u8],
    /// The file in it: a part of a form, or all.
    pub(super) file: &'a [u8],
    pub(super) trailer: &'a [u8],
}

/// One stage.
pub(super) struct Stage<'a> {
    pub(super) direction: Direction,
    pub(super) head: &'a Head,
    pub(super) body: Option<BodyView<'a>>,
}

impl Stage<'_> {
    fn is_request(&self) -> bool {
        self.direction == Direction::ToServer
    }

    fn packet(&self) -> Option<&[u8]> {
        match self.body {
            Some(body) => present(body.raw),
            None => self.head.get(self.head.all),
        }
    }

    fn of_request(&self, kind: BufferKind) -> Option<&[u8]> {
        match kind {
            BufferKind::HttpMethod => present(self.head.first_word()),
            BufferKind::HttpUri => self.head.get(self.head.uri),
            BufferKind::HttpRawUri => present(self.head.second_word()),
            BufferKind::HttpVersion => present(self.head.third_word()),
            BufferKind::HttpRawRequest => self.head.get(self.head.start_line),
            BufferKind::HttpHost => self.head.get(self.head.host),
            BufferKind::HttpTrueIp => self.head.get(self.head.true_ip),
            BufferKind::HttpClientBody => self.body.and_then(|body| present(body.decoded)),
            _ => None,
        }
    }

    fn of_response(&self, kind: BufferKind) -> Option<&[u8]> {
        match kind {
            BufferKind::HttpVersion => present(self.head.first_word()),
            BufferKind::HttpStatCode => present(self.head.second_word()),
            BufferKind::HttpStatMsg => present(self.head.third_word()),
            BufferKind::HttpRawStatus => self.head.get(self.head.start_line),
            _ => None,
        }
    }
}

fn present(bytes: &[u8]) -> Option<&[u8]> {
    (!bytes.is_empty()).then_some(bytes)
}

impl Buffers for Stage<'_> {
    fn buffer(&self, kind: BufferKind) -> Option<&[u8]> {
        match kind {
            BufferKind::PktData | BufferKind::RawData => self.packet(),
            BufferKind::HttpHeader => self.head.get(self.head.header),
            BufferKind::HttpRawHeader => self.head.get(self.head.raw_header),
            BufferKind::HttpCookie | BufferKind::HttpRawCookie => self.head.get(self.head.cookie),
            BufferKind::FileData => self.body.and_then(|body| present(body.file)),
            BufferKind::HttpRawBody => self.body.and_then(|body| present(body.raw)),
            BufferKind::HttpTrailer | BufferKind::HttpRawTrailer => self.body.and_then(|body| present(body.trailer)),
            _ if self.is_request() => self.of_request(kind),
            _ => self.of_response(kind),
        }
    }

    fn field(&self, kind: BufferKind, name: &[u8]) -> Option<&[u8]> {
        match kind {
            BufferKind::HttpHeader | BufferKind::HttpRawHeader => self.head.field(name),
            BufferKind::HttpUri => self.head.uri_part(name),
            BufferKind::HttpRawUri => self.head.raw_uri_part(name),
            BufferKind::HttpParam if self.is_request() => {
                let body = self.body.map(|body| body.decoded).filter(|_| self.head.is_form());
                let query = self.head.uri_part(b"query");
                query.and_then(|query| params::value(query, name)).or_else(|| params::value(body?, name))
            }
            _ => None,
        }
    }
}
