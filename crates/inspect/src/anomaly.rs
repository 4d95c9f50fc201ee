//! What was odd, or too much?

/// Something out of the ordinary: a bound crossed, or traffic that breaks its protocol. Counted, never fatal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
#[repr(u8)]
pub enum Anomaly {
    /// An HTTP head is longer than `Limits::http_head_max`.
    HttpHeadTooLong,
    /// A head has more fields than are indexed; the rest is still in the raw buffer.
    HttpTooManyFields,
    /// A body is longer than its depth.
    HttpBodyDepth,
    /// A body unpacks to more than `Limits::http_inflated_max`.
    HttpInflatedTooLong,
    /// A compressed body is damaged; what was unpacked before is judged, then the raw bytes.
    HttpInflateError,
    /// `Content-Length` is no number, or there are two that differ.
    HttpBadLength,
    /// `Content-Length` and `Transfer-Encoding: chunked` together: request smuggling looks like this.
    HttpLengthAndChunked,
    /// A chunk size that is no number; the rest of the stream is read as the body.
    HttpBadChunk,
    /// A line that ought to start a message does not; searching for the next one.
    HttpLost,
    /// More requests wait for an answer than are remembered.
    HttpPipelineTooLong,
    /// A response that no request asked for.
    HttpUnasked,
    /// A DNS message that cannot be read to its end.
    DnsMalformed,
    /// A DNS compression pointer that does not point backwards, or one of too many in a name.
    DnsBadPointer,
    /// More records than are listed.
    DnsTooManyRecords,
    /// A TLS handshake message longer than is kept.
    TlsHandshakeTooLong,
    /// A TLS record or handshake message that cannot be read.
    TlsMalformed,
    /// A frame of a length-prefixed protocol that makes no sense; the stream is read on without frames.
    FrameLost,
    /// Bytes of a stream are missing.
    Gap,
}
