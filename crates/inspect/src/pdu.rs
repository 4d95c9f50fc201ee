//! The seam between reading a protocol and judging it: one PDU and the buffers it offers to rules.

use kodkod_stream::Direction;

use crate::Service;

/// A named byte range that rules can look into (a *sticky buffer*).
///
/// The names are Snort 3's; other dialects' names are mapped to them by the rule reader. A kind that no inspector offers
/// yet makes a rule `skipped` with that reason, so a kind may be listed here before its inspector exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
#[repr(u8)]
pub enum BufferKind {
    /// The payload of the packet or PDU, normalised where the inspector does so.
    PktData,
    /// The payload as it was on the wire.
    RawData,
    /// Decoded body of a file in transfer: HTTP body in either direction, mail attachment, FTP data.
    FileData,
    /// Request URI, normalised (percent-decoding, dot segments, slashes).
    HttpUri,
    /// Request URI as written.
    HttpRawUri,
    /// All headers of a message, folded lines joined, without cookies.
    HttpHeader,
    /// All headers as written, cookies included.
    HttpRawHeader,
    /// Value of `Cookie` or `Set-Cookie`.
    HttpCookie,
    /// The same as written.
    HttpRawCookie,
    /// Request method.
    HttpMethod,
    /// Request body after de-chunking (and decompression).
    HttpClientBody,
    /// Body of either direction after de-chunking, not decompressed.
    HttpRawBody,
    /// Three digits of the status.
    HttpStatCode,
    /// Reason phrase.
    HttpStatMsg,
    /// `HTTP/1.1` and the like.
    HttpVersion,
    /// First line of a request as written.
    HttpRawRequest,
    /// First line of an answer as written.
    HttpRawStatus,
    /// Trailer fields after a chunked body.
    HttpTrailer,
    /// The same as written.
    HttpRawTrailer,
    /// Client address from `X-Forwarded-For` and the like.
    HttpTrueIp,
    /// One query or form parameter, chosen by name (`Buffers::field`).
    HttpParam,
    /// Host header or authority (Suricata `http.host`).
    HttpHost,
    /// Queried name of a DNS message (Suricata `dns.query`).
    DnsQuery,
    /// Server name of a TLS client hello.
    TlsSni,
    /// Subject of the server certificate.
    TlsCertSubject,
    /// Issuer of the server certificate.
    TlsCertIssuer,
    /// Serial number of the server certificate, hex pairs joined by colons.
    TlsCertSerial,
    /// SHA-1 of the server certificate, hex pairs joined by colons.
    TlsCertFingerprint,
    /// JA3 text of a client hello.
    Ja3String,
    /// MD5 of it, lower-case hex.
    Ja3Hash,
    /// JA3S text of a server hello.
    Ja3sString,
    /// MD5 of it, lower-case hex.
    Ja3sHash,
    /// Normalised JavaScript (Snort 3 `js_data`).
    JsData,
    /// Macro text of an Office file (Snort 3 `vba_data`).
    VbaData,
    /// SIP headers.
    SipHeader,
    /// SIP body.
    SipBody,
}

/// What one PDU offers.
pub trait Buffers {
    /// The whole buffer, or none where this PDU's message has none. Available for everything already seen of the
    /// message, so the request line is still there while the body is judged.
    fn buffer(&self, kind: BufferKind) -> Option<&[u8]>;

    /// One named part: a header (`http_header:field NAME`, compared without regard to case, several values joined by
    /// `,`), a parameter, or for `HttpUri`/`HttpRawUri` one of `scheme host port path query fragment`.
    fn field(&self, kind: BufferKind, name: &[u8]) -> Option<&[u8]>;
}

/// One application message (or a named stage of it), cut from a stream or a datagram.
///
/// The same bytes give the same PDUs however the stream was cut into segments: stages end at facts of the protocol
/// (end of headers, end of body, a fixed body depth), never at a segment's edge.
pub struct Pdu<'a> {
    /// Who speaks.
    pub direction: Direction,
    /// The protocol, as the wizard or the ports told.
    pub service: Service,
    /// Counts the messages of this direction of this flow from 0; all stages of one message share it.
    pub message: u64,
    /// Kinds offered for the first time by this stage: only these are searched for fast patterns now.
    pub fresh: &'a [BufferKind],
    /// True when nothing more of this message follows.
    pub is_last: bool,
    /// Where the bytes are.
    pub buffers: &'a dyn Buffers,
}
