//! The names of buffers in the three dialects.

use std::sync::Arc;

use crate::Dialect;

/// A buffer that rules can name. What a name of Suricata shares with one of Snort 3 is one buffer here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is the Snort 3 buffer of that name, or the Suricata one behind the comment")]
pub enum Buffer {
    PktData,
    RawData,
    FileData,
    HttpUri,
    HttpRawUri,
    HttpHeader,
    HttpRawHeader,
    HttpCookie,
    HttpRawCookie,
    HttpMethod,
    HttpClientBody,
    HttpRawBody,
    HttpStatCode,
    HttpStatMsg,
    HttpVersion,
    HttpRawRequest,
    HttpRawStatus,
    HttpTrailer,
    HttpRawTrailer,
    HttpTrueIp,
    HttpParam,
    /// `http.host`
    HttpHost,
    /// `http.host.raw`
    HttpRawHost,
    /// `http.header_names`
    HttpHeaderNames,
    /// `http.start`
    HttpStart,
    /// `http.response_body`: a body towards the client only
    HttpResponseBody,
    DnsQuery,
    TlsSni,
    TlsVersion,
    TlsCertSubject,
    TlsCertIssuer,
    TlsCertSerial,
    TlsCertFingerprint,
    /// `tls.certs`
    TlsCerts,
    Ja3String,
    Ja3Hash,
    Ja3sString,
    Ja3sHash,
    SshProto,
    SshSoftware,
    JsData,
    VbaData,
    SipHeader,
    SipBody,
    DceStubData,
    Base64Data,
    /// `tcp.hdr`
    TcpHeader,
    /// `cip_*`, `gtp_*`, `modbus_data`, `dnp3_data`, `s7commplus_content`, `krb5_*`, `smb.*` and others nobody reads yet
    Unread(&'static str),
}

/// A buffer, or a named part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BufferChoice {
    /// Which.
    pub buffer: Buffer,
    /// One header, one parameter, one part of the URI.
    pub field: Option<Arc<str>>,
    /// Compare the field's name or value without regard to case (`http_param:"id",nocase`).
    pub nocase: bool,
    /// Look at the request's buffer while the answer is judged.
    pub request: bool,
    /// Wait for this much of the message (`with_header`, `with_body`, `with_trailer`).
    pub with: Option<With>,
    /// What is done to the bytes before looking at them.
    pub transforms: Vec<Transform>,
}

/// How far a message has to be read before a buffer is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum With {
    Header,
    Body,
    Trailer,
}

/// What Suricata's transformations do to a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transform {
    /// A dot before the first byte, so that `.example.com` matches whole labels.
    DotPrefix,
    /// All blanks taken out.
    StripWhitespace,
    /// Runs of blanks made one space.
    CompressWhitespace,
    /// Lower case.
    ToLower,
    /// Upper case.
    ToUpper,
    /// Percent-decoding, `+` is a space.
    UrlDecode,
    /// MD5 of the bytes, raw.
    ToMd5,
    /// SHA-1 of the bytes, raw.
    ToSha1,
    /// SHA-256 of the bytes, raw.
    ToSha256,
}

impl BufferChoice {
    /// The whole of a buffer.
    #[must_use]
    pub fn whole(buffer: Buffer) -> Self {
        Self { buffer, field: None, nocase: false, request: false, with: None, transforms: Vec::new() }
    }

    pub(crate) fn field(buffer: Buffer, name: &str) -> Self {
        Self { field: Some(Arc::from(name)), ..Self::whole(buffer) }
    }
}

impl Buffer {
    /// The name to print; Snort 3's where it has one.
    #[must_use]
    pub fn name(self) -> &'static str {
        if let Self::Unread(name) = self {
            return name;
        }
        let all = SNORT.iter().chain(SURICATA);
        all.into_iter().find(|(_, buffer)| *buffer == self).map_or("buffer", |(name, _)| name)
    }

    /// The sticky buffer of that name.
    pub(crate) fn sticky(name: &str, dialect: Dialect) -> Option<BufferChoice> {
        let find =
            |table: &[(&str, Self)]| table.iter().find(|(spelling, _)| *spelling == name).map(|(_, buffer)| *buffer);
        let buffer = match dialect {
            Dialect::Snort3 => find(SNORT).or_else(|| find(SNORT3_ONLY)).or_else(|| find(UNREAD)),
            Dialect::Snort2 => find(SNORT2_STICKY).or_else(|| find(UNREAD)),
            Dialect::Suricata => find(SURICATA).or_else(|| find(UNREAD)),
        };
        let whole = buffer.map(BufferChoice::whole);
        whole.or_else(|| {
            let header = (dialect == Dialect::Suricata).then(|| find_header(name)).flatten()?;
            Some(BufferChoice::field(Self::HttpHeader, header))
        })
    }

    /// The buffer that a modifier behind a `content` names (Snort 2.9, old Suricata).
    pub(crate) fn modifier(name: &str, dialect: Dialect) -> Option<BufferChoice> {
        let buffer = MODIFIERS.iter().find(|(spelling, _)| *spelling == name).map(|(_, buffer)| *buffer);
        if let Some(buffer) = buffer {
            return Some(BufferChoice::whole(buffer));
        }
        match (name, dialect) {
            ("http_user_agent", Dialect::Suricata) => Some(BufferChoice::field(Self::HttpHeader, "user-agent")),
            ("http_host", Dialect::Suricata) => Some(BufferChoice::whole(Self::HttpHost)),
            ("http_raw_host", Dialect::Suricata) => Some(BufferChoice::whole(Self::HttpRawHost)),
            ("http_server_body", Dialect::Suricata) => Some(BufferChoice::whole(Self::HttpResponseBody)),
            _ => None,
        }
    }

    /// The buffer that a letter among the flags of a `pcre` names (Snort 2.9, Suricata).
    pub(crate) fn pcre_flag(flag: char, dialect: Dialect) -> Option<BufferChoice> {
        let suricata = dialect == Dialect::Suricata;
        let buffer = match flag {
            'U' => Self::HttpUri,
            'I' => Self::HttpRawUri,
            'P' => Self::HttpClientBody,
            'H' => Self::HttpHeader,
            'D' => Self::HttpRawHeader,
            'M' => Self::HttpMethod,
            'C' => Self::HttpCookie,
            'K' if !suricata => Self::HttpRawCookie,
            'S' => Self::HttpStatCode,
            'Y' => Self::HttpStatMsg,
            'B' => Self::RawData,
            'Q' if suricata => Self::HttpResponseBody,
            'W' if suricata => Self::HttpHost,
            'Z' if suricata => Self::HttpRawHost,
            'V' if suricata => return Some(BufferChoice::field(Self::HttpHeader, "user-agent")),
            _ => return None,
        };
        Some(BufferChoice::whole(buffer))
    }
}

/// Suricata's names for single headers.
fn find_header(name: &str) -> Option<&'static str> {
    let plain = name.strip_prefix("http.").or_else(|| name.strip_prefix("http_"))?;
    Some(match plain {
        "user_agent" => "user-agent",
        "content_type" => "content-type",
        "referer" => "referer",
        "accept" => "accept",
        "accept_enc" => "accept-encoding",
        "accept_lang" => "accept-language",
        "connection" => "connection",
        "content_len" => "content-length",
        "location" => "location",
        "server" => "server",
        _ => return None,
    })
}

const SNORT: &[(&str, Buffer)] = &[
    ("pkt_data", Buffer::PktData),
    ("raw_data", Buffer::RawData),
    ("file_data", Buffer::FileData),
    ("http_uri", Buffer::HttpUri),
    ("http_raw_uri", Buffer::HttpRawUri),
    ("http_header", Buffer::HttpHeader),
    ("http_raw_header", Buffer::HttpRawHeader),
    ("http_cookie", Buffer::HttpCookie),
    ("http_raw_cookie", Buffer::HttpRawCookie),
    ("http_method", Buffer::HttpMethod),
    ("http_client_body", Buffer::HttpClientBody),
    ("http_raw_body", Buffer::HttpRawBody),
    ("http_stat_code", Buffer::HttpStatCode),
    ("http_stat_msg", Buffer::HttpStatMsg),
    ("http_version", Buffer::HttpVersion),
    ("http_raw_request", Buffer::HttpRawRequest),
    ("http_raw_status", Buffer::HttpRawStatus),
    ("http_trailer", Buffer::HttpTrailer),
    ("http_raw_trailer", Buffer::HttpRawTrailer),
    ("http_true_ip", Buffer::HttpTrueIp),
    ("http_param", Buffer::HttpParam),
    ("js_data", Buffer::JsData),
    ("vba_data", Buffer::VbaData),
    ("sip_header", Buffer::SipHeader),
    ("sip_body", Buffer::SipBody),
    ("dce_stub_data", Buffer::DceStubData),
    ("base64_data", Buffer::Base64Data),
];

const SNORT3_ONLY: &[(&str, Buffer)] = &[("dns_query", Buffer::DnsQuery)];

const SNORT2_STICKY: &[(&str, Buffer)] = &[
    ("file_data", Buffer::FileData),
    ("pkt_data", Buffer::PktData),
    ("dce_stub_data", Buffer::DceStubData),
    ("base64_data", Buffer::Base64Data),
    ("sip_header", Buffer::SipHeader),
    ("sip_body", Buffer::SipBody),
];

const SURICATA: &[(&str, Buffer)] = &[
    ("http.uri", Buffer::HttpUri),
    ("http.uri.raw", Buffer::HttpRawUri),
    ("http.header", Buffer::HttpHeader),
    ("http.header.raw", Buffer::HttpRawHeader),
    ("http.cookie", Buffer::HttpCookie),
    ("http.method", Buffer::HttpMethod),
    ("http.request_body", Buffer::HttpClientBody),
    ("http.response_body", Buffer::HttpResponseBody),
    ("http.stat_code", Buffer::HttpStatCode),
    ("http.stat_msg", Buffer::HttpStatMsg),
    ("http.protocol", Buffer::HttpVersion),
    ("http_protocol", Buffer::HttpVersion),
    ("http.request_line", Buffer::HttpRawRequest),
    ("http_request_line", Buffer::HttpRawRequest),
    ("http.response_line", Buffer::HttpRawStatus),
    ("http_response_line", Buffer::HttpRawStatus),
    ("http.host", Buffer::HttpHost),
    ("http.host.raw", Buffer::HttpRawHost),
    ("http.header_names", Buffer::HttpHeaderNames),
    ("http_header_names", Buffer::HttpHeaderNames),
    ("http.start", Buffer::HttpStart),
    ("http_start", Buffer::HttpStart),
    ("file.data", Buffer::FileData),
    ("file_data", Buffer::FileData),
    ("pkt_data", Buffer::PktData),
    ("base64_data", Buffer::Base64Data),
    ("dns.query", Buffer::DnsQuery),
    ("dns_query", Buffer::DnsQuery),
    ("dns.query.name", Buffer::DnsQuery),
    ("tls.sni", Buffer::TlsSni),
    ("tls_sni", Buffer::TlsSni),
    ("tls.version", Buffer::TlsVersion),
    ("tls.cert_subject", Buffer::TlsCertSubject),
    ("tls_cert_subject", Buffer::TlsCertSubject),
    ("tls.cert_issuer", Buffer::TlsCertIssuer),
    ("tls_cert_issuer", Buffer::TlsCertIssuer),
    ("tls.cert_serial", Buffer::TlsCertSerial),
    ("tls_cert_serial", Buffer::TlsCertSerial),
    ("tls.cert_fingerprint", Buffer::TlsCertFingerprint),
    ("tls_cert_fingerprint", Buffer::TlsCertFingerprint),
    ("tls.certs", Buffer::TlsCerts),
    ("ja3.hash", Buffer::Ja3Hash),
    ("ja3_hash", Buffer::Ja3Hash),
    ("ja3.string", Buffer::Ja3String),
    ("ja3_string", Buffer::Ja3String),
    ("ja3s.hash", Buffer::Ja3sHash),
    ("ja3s.string", Buffer::Ja3sString),
    ("ssh.proto", Buffer::SshProto),
    ("ssh_proto", Buffer::SshProto),
    ("ssh.software", Buffer::SshSoftware),
    ("ssh_software", Buffer::SshSoftware),
    ("dce_stub_data", Buffer::DceStubData),
    ("dcerpc.stub_data", Buffer::DceStubData),
    ("tcp.hdr", Buffer::TcpHeader),
];

const MODIFIERS: &[(&str, Buffer)] = &[
    ("http_uri", Buffer::HttpUri),
    ("http_raw_uri", Buffer::HttpRawUri),
    ("http_header", Buffer::HttpHeader),
    ("http_raw_header", Buffer::HttpRawHeader),
    ("http_cookie", Buffer::HttpCookie),
    ("http_raw_cookie", Buffer::HttpRawCookie),
    ("http_method", Buffer::HttpMethod),
    ("http_client_body", Buffer::HttpClientBody),
    ("http_stat_code", Buffer::HttpStatCode),
    ("http_stat_msg", Buffer::HttpStatMsg),
    ("rawbytes", Buffer::RawData),
];

/// Buffers whose protocols nobody here reads: known names, so that a receipt can say just that.
const UNREAD: &[(&str, Buffer)] = &[
    ("modbus_data", Buffer::Unread("modbus_data")),
    ("dnp3_data", Buffer::Unread("dnp3_data")),
    ("s7commplus_content", Buffer::Unread("s7commplus_content")),
    ("gtp_info", Buffer::Unread("gtp_info")),
    ("cip_req", Buffer::Unread("cip_req")),
    ("file.name", Buffer::Unread("file.name")),
    ("snmp.community", Buffer::Unread("snmp.community")),
    ("krb5.cname", Buffer::Unread("krb5.cname")),
    ("krb5.sname", Buffer::Unread("krb5.sname")),
    ("smb.named_pipe", Buffer::Unread("smb.named_pipe")),
    ("smb.share", Buffer::Unread("smb.share")),
    ("sip.method", Buffer::Unread("sip.method")),
    ("sip.uri", Buffer::Unread("sip.uri")),
    ("ftpdata_command", Buffer::Unread("ftpdata_command")),
    ("ssh.hassh", Buffer::Unread("ssh.hassh")),
    ("ssh.hassh.server", Buffer::Unread("ssh.hassh.server")),
    ("quic.sni", Buffer::Unread("quic.sni")),
    ("mqtt.connect.clientid", Buffer::Unread("mqtt.connect.clientid")),
    ("tcp.hdr", Buffer::TcpHeader),
];
