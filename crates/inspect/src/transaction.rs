//! The facts that leave the engine: owned, one for each message that tells something.

use std::net::IpAddr;

use kodkod_stream::Direction;

use crate::Service;

/// What one message said.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Transaction {
    /// A DNS query or answer. The sensor pairs them by `id` and question.
    Dns(DnsMessage),
    /// The head of an HTTP request.
    HttpRequest(HttpRequest),
    /// The head of an HTTP response.
    HttpResponse(HttpResponse),
    /// A TLS client or server hello.
    TlsHello(TlsHello),
    /// The server's own certificate (TLS 1.2 and before).
    TlsCertificate(TlsCertificate),
    /// A connection of its own that this one has arranged.
    DataChannel(DataChannel),
}

/// A TCP connection that is about to be opened, to be read with [`crate::Conversation::expected`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataChannel {
    /// What it will carry.
    pub service: Service,
    /// Who will listen: `ToClient` means that this flow's server does (its addresses are those of who speaks).
    pub listener: Direction,
    /// Where, if that was said; otherwise the listener's own address.
    pub address: Option<IpAddr>,
    /// The listening port.
    pub port: u16,
}

/// One DNS message with its first question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DnsMessage {
    /// Transaction id.
    pub id: u16,
    /// True for an answer.
    pub is_response: bool,
    /// Queried name without the final dot, escaped as in RFC 1035 section 5.1; empty for the root or no question.
    pub qname: String,
    /// Mnemonic, `A`, or `TYPE65280`.
    pub qtype: String,
    /// Mnemonic, `IN`, or `CLASS255`.
    pub qclass: String,
    /// For an answer: the IANA name (`NoError`, `NXDomain`, `ServFail`, …) or the number.
    pub rcode: Option<String>,
    /// Answer section, grouped by name, type and class in order of first appearance.
    pub rrsets: Vec<DnsRecordSet>,
}

/// Records of one name, type and class.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DnsRecordSet {
    /// Owner name.
    pub name: String,
    /// Type mnemonic.
    pub rtype: String,
    /// Class mnemonic.
    pub class: String,
    /// Values in presentation form.
    pub rdata: Vec<String>,
}

/// A request's head.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpRequest {
    /// Method as written.
    pub method: String,
    /// Host field or authority.
    pub host: String,
    /// URI as written, invalid UTF-8 replaced.
    pub uri: String,
    /// `User-Agent`.
    pub user_agent: String,
}

/// A response's head.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpResponse {
    /// Status number, none where it is not three digits.
    pub status: Option<u16>,
    /// `Content-Type`.
    pub content_type: String,
    /// `Content-Length`, where it was given and valid.
    pub content_length: Option<u64>,
}

/// A hello.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsHello {
    /// Who says it.
    pub direction: Direction,
    /// Negotiated (server) or highest offered (client) version, the wire's number (0x0303 is TLS 1.2).
    pub version: u16,
    /// Server name asked for (client only).
    pub server_name: Option<String>,
    /// ALPN names.
    pub alpn: Vec<String>,
    /// JA3 of a client hello, JA3S of a server hello: MD5 in lower-case hex.
    pub ja3: String,
}

/// A server certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsCertificate {
    /// `CN=…, O=…` in the order of the certificate.
    pub subject: String,
    /// The same of its issuer.
    pub issuer: String,
    /// Hex pairs joined by colons.
    pub serial: String,
    /// SHA-1, hex pairs joined by colons.
    pub fingerprint: String,
}
