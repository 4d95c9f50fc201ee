//! What a receipt calls `full` is tested: every option that asks something has a rule that fires and a near miss that does
//! not; every option that nobody can answer yet makes a receipt that says so.
//!
//! The lists below are matches without a rest, so an option that is added does not compile here before it has a name, and
//! does not pass before it has a pair.

mod support;

use std::collections::BTreeSet;

use kodkod_detect::{FlowFacts, Options, RuleSet, Source};
use kodkod_inspect::{BufferKind as K, Service};
use kodkod_rules::{Buffer, Dialect, PacketTest, Reader, RuleOption, Status, Transform, Variables};
use kodkod_stream::Direction;
use support::{Held, Ip, Judge, Stage, flow, icmp, rules, tcp, udp};

macro_rules! names {
    ($of:ident, $all:ident, $type:ty { $($pattern:pat => $name:literal,)* }) => {
        const $all: &[&str] = &[$($name),*];
        fn $of(value: &$type) -> &'static str {
            match value { $($pattern => $name,)* }
        }
    };
}

names!(option_name, OPTIONS, RuleOption {
    RuleOption::Buffer(_) => "buffer",
    RuleOption::Content(_) => "content",
    RuleOption::Pcre(_) => "pcre",
    RuleOption::ByteTest(_) => "byte_test",
    RuleOption::ByteJump(_) => "byte_jump",
    RuleOption::ByteExtract(_) => "byte_extract",
    RuleOption::ByteMath(_) => "byte_math",
    RuleOption::IsDataAt(_) => "isdataat",
    RuleOption::BufferLength { .. } => "bufferlen",
    RuleOption::Base64Decode(_) => "base64_decode",
    RuleOption::BerData(_) => "ber_data",
    RuleOption::BerSkip(_) => "ber_skip",
    RuleOption::Hash(_) => "hash",
    RuleOption::Flow(_) => "flow",
    RuleOption::Flowbits(_) => "flowbits",
    RuleOption::Packet(_) => "packet",
    RuleOption::StreamSize { .. } => "stream_size",
    RuleOption::DetectionFilter(_) => "detection_filter",
    RuleOption::Threshold(_) => "threshold",
    RuleOption::SslState(_) => "ssl_state",
    RuleOption::SslVersion(_) => "ssl_version",
    RuleOption::SipMethod(_) => "sip_method",
    RuleOption::SipStatCode(_) => "sip_stat_code",
    RuleOption::DceIface(_) => "dce_iface",
    RuleOption::DceOpnum(_) => "dce_opnum",
    RuleOption::HttpVersion(_) => "http_version_match",
    RuleOption::HttpCount { .. } => "http_count",
    RuleOption::FtpBounce => "ftpbounce",
    RuleOption::NoAlert => "noalert",
});

names!(packet_name, PACKETS, PacketTest {
    PacketTest::Dsize(_) => "dsize",
    PacketTest::Ttl(_) => "ttl",
    PacketTest::Tos(_) => "tos",
    PacketTest::Id(_) => "id",
    PacketTest::IpProto(_) => "ip_proto",
    PacketTest::FragOffset(_) => "fragoffset",
    PacketTest::FragBits(_) => "fragbits",
    PacketTest::IpOption(_) => "ipopts",
    PacketTest::SameIp => "sameip",
    PacketTest::Flags(_) => "flags",
    PacketTest::Seq(_) => "seq",
    PacketTest::Ack(_) => "ack",
    PacketTest::Window(_) => "window",
    PacketTest::Itype(_) => "itype",
    PacketTest::Icode(_) => "icode",
    PacketTest::IcmpId(_) => "icmp_id",
    PacketTest::IcmpSeq(_) => "icmp_seq",
});

names!(transform_name, TRANSFORMS, Transform {
    Transform::DotPrefix => "dotprefix",
    Transform::StripWhitespace => "strip_whitespace",
    Transform::CompressWhitespace => "compress_whitespace",
    Transform::ToLower => "to_lowercase",
    Transform::ToUpper => "to_uppercase",
    Transform::UrlDecode => "url_decode",
    Transform::ToMd5 => "to_md5",
    Transform::ToSha1 => "to_sha1",
    Transform::ToSha256 => "to_sha256",
});

names!(buffer_name, BUFFERS, Buffer {
    Buffer::PktData => "PktData",
    Buffer::RawData => "RawData",
    Buffer::FileData => "FileData",
    Buffer::HttpUri => "HttpUri",
    Buffer::HttpRawUri => "HttpRawUri",
    Buffer::HttpHeader => "HttpHeader",
    Buffer::HttpRawHeader => "HttpRawHeader",
    Buffer::HttpCookie => "HttpCookie",
    Buffer::HttpRawCookie => "HttpRawCookie",
    Buffer::HttpMethod => "HttpMethod",
    Buffer::HttpClientBody => "HttpClientBody",
    Buffer::HttpRawBody => "HttpRawBody",
    Buffer::HttpStatCode => "HttpStatCode",
    Buffer::HttpStatMsg => "HttpStatMsg",
    Buffer::HttpVersion => "HttpVersion",
    Buffer::HttpRawRequest => "HttpRawRequest",
    Buffer::HttpRawStatus => "HttpRawStatus",
    Buffer::HttpTrailer => "HttpTrailer",
    Buffer::HttpRawTrailer => "HttpRawTrailer",
    Buffer::HttpTrueIp => "HttpTrueIp",
    Buffer::HttpParam => "HttpParam",
    Buffer::HttpHost => "HttpHost",
    Buffer::HttpRawHost => "HttpRawHost",
    Buffer::HttpHeaderNames => "HttpHeaderNames",
    Buffer::HttpStart => "HttpStart",
    Buffer::HttpResponseBody => "HttpResponseBody",
    Buffer::DnsQuery => "DnsQuery",
    Buffer::TlsSni => "TlsSni",
    Buffer::TlsVersion => "TlsVersion",
    Buffer::TlsCertSubject => "TlsCertSubject",
    Buffer::TlsCertIssuer => "TlsCertIssuer",
    Buffer::TlsCertSerial => "TlsCertSerial",
    Buffer::TlsCertFingerprint => "TlsCertFingerprint",
    Buffer::TlsCerts => "TlsCerts",
    Buffer::Ja3String => "Ja3String",
    Buffer::Ja3Hash => "Ja3Hash",
    Buffer::Ja3sString => "Ja3sString",
    Buffer::Ja3sHash => "Ja3sHash",
    Buffer::SshProto => "SshProto",
    Buffer::SshSoftware => "SshSoftware",
    Buffer::JsData => "JsData",
    Buffer::VbaData => "VbaData",
    Buffer::SipHeader => "SipHeader",
    Buffer::SipBody => "SipBody",
    Buffer::DceStubData => "DceStubData",
    Buffer::Base64Data => "Base64Data",
    Buffer::TcpHeader => "TcpHeader",
    Buffer::Unread(_) => "Unread",
});

/// What nobody can answer yet, with a rule that asks it: its receipt must not be `full`.
const UNANSWERED: &[(&str, Dialect, &str)] = &[
    ("sip_method", Dialect::Snort3, "sip_method:invite;"),
    ("sip_stat_code", Dialect::Snort3, "sip_stat_code:200;"),
    ("dce_iface", Dialect::Snort3, r#"dce_iface:"uuid 12345678-1234-1234-1234-123456789012";"#),
    ("dce_opnum", Dialect::Snort3, r#"dce_opnum:"3";"#),
    ("TlsVersion", Dialect::Suricata, r#"tls.version; content:"1.2";"#),
    ("TlsCerts", Dialect::Suricata, r#"tls.certs; content:"abc";"#),
    ("SshProto", Dialect::Suricata, r#"ssh.proto; content:"2.0";"#),
    ("SshSoftware", Dialect::Suricata, r#"ssh.software; content:"abc";"#),
    ("JsData", Dialect::Snort3, r#"js_data; content:"abc";"#),
    ("VbaData", Dialect::Snort3, r#"vba_data; content:"abc";"#),
    ("SipHeader", Dialect::Snort3, r#"sip_header; content:"abc";"#),
    ("SipBody", Dialect::Snort3, r#"sip_body; content:"abc";"#),
    ("DceStubData", Dialect::Snort3, r#"dce_stub_data; content:"abc";"#),
    ("TcpHeader", Dialect::Suricata, r#"tcp.hdr; content:"abc";"#),
    ("Unread", Dialect::Snort3, r#"modbus_data; content:"abc";"#),
];

/// What a rule is shown.
enum Shown {
    /// Messages of a stream to the server; the last decides.
    Messages(&'static [&'static [u8]]),
    /// One message in a flow of which this is known.
    In(FlowFacts, &'static [u8]),
    Packet(Ip),
    /// What an inspector offers.
    Offered(Service, Direction, Held),
}

impl Shown {
    fn fires(&self, rules: RuleSet) -> bool {
        let mut judge = Judge::new(rules);
        match self {
            Self::Packet(packet) => !judge.packet(&packet.bytes()).is_empty(),
            Self::In(facts, payload) => {
                let held = Held::payload(payload);
                !judge.pdu_in(facts, &Stage::whole(facts.service, &held)).is_empty()
            }
            Self::Offered(service, direction, held) => {
                let stage = Stage { direction: *direction, ..Stage::whole(*service, held) };
                !judge.pdu(&stage).is_empty()
            }
            Self::Messages(messages) => {
                let mut fired = false;
                for (payload, message) in messages.iter().zip(0..) {
                    let held = Held::payload(payload);
                    fired = !judge.pdu(&Stage { message, ..Stage::whole(Service::Unknown, &held) }).is_empty();
                }
                fired
            }
        }
    }
}

/// An option, rules that ask it, what they fire on, and what they do not.
struct Pair {
    about: &'static str,
    dialect: Dialect,
    text: String,
    hit: Shown,
    miss: Shown,
}

fn of_payload(about: &'static str, options: &str, hit: &'static [u8], miss: &'static [u8]) -> Pair {
    let text = format!("alert tcp any any -> any any ({options} sid:1;)");
    let shown = |payload| Shown::In(flow(Service::Unknown), payload);
    Pair { about, dialect: Dialect::Snort3, text, hit: shown(hit), miss: shown(miss) }
}

fn of_packets(about: &'static str, header: &str, options: &str, hit: Ip, miss: Ip) -> Pair {
    let text = format!("alert {header} any any -> any any ({options} sid:1;)");
    Pair { about, dialect: Dialect::Snort3, text, hit: Shown::Packet(hit), miss: Shown::Packet(miss) }
}

fn with(change: impl FnOnce(&mut Ip)) -> Ip {
    let mut packet = udp(b"x");
    change(&mut packet);
    packet
}

fn packets() -> Vec<Pair> {
    let plain = || udp(b"x");
    let bare = |flags, seq, ack, window| tcp(flags, seq, ack, window, b"");
    vec![
        of_packets("dsize", "udp", "dsize:3;", udp(b"abc"), udp(b"abcd")),
        of_packets("ttl", "ip", "ttl:>200;", with(|ip| ip.ttl = 201), with(|ip| ip.ttl = 200)),
        of_packets("tos", "ip", "tos:4;", with(|ip| ip.tos = 4), with(|ip| ip.tos = 5)),
        of_packets("id", "ip", "id:99;", with(|ip| ip.id = 99), with(|ip| ip.id = 98)),
        of_packets("ip_proto", "ip", "ip_proto:2;", Ip::new(2, vec![0; 8]), Ip::new(88, vec![0; 8])),
        of_packets("fragoffset", "ip", "fragoffset:>0;", with(|ip| ip.fragment = 1), plain()),
        of_packets("fragbits", "ip", "fragbits:M;", with(|ip| ip.fragment = 0x2000), with(|ip| ip.fragment = 0x6000)),
        of_packets(
            "ipopts",
            "ip",
            "ipopts:rr;",
            with(|ip| ip.options = vec![1, 7, 3, 4]),
            with(|ip| ip.options = vec![1, 68, 3, 4]),
        ),
        of_packets("sameip", "ip", "sameip;", with(|ip| ip.source = [10, 0, 0, 2]), plain()),
        of_packets("flags", "tcp", "flags:S;", bare(2, 0, 0, 0), bare(0x12, 0, 0, 0)),
        of_packets("seq", "tcp", "seq:7;", bare(2, 7, 0, 0), bare(2, 8, 0, 0)),
        of_packets("ack", "tcp", "ack:0;", bare(2, 0, 0, 0), bare(2, 0, 1, 0)),
        of_packets("window", "tcp", "window:2048;", bare(2, 0, 0, 2048), bare(2, 0, 0, 2049)),
        of_packets("itype", "icmp", "itype:8;", icmp(8, 0, 1, 1, b""), icmp(0, 0, 1, 1, b"")),
        of_packets("icode", "icmp", "icode:>1;", icmp(3, 2, 0, 0, b""), icmp(3, 1, 0, 0, b"")),
        of_packets("icmp_id", "icmp", "icmp_id:666;", icmp(8, 0, 666, 0, b""), icmp(8, 0, 667, 0, b"")),
        of_packets("icmp_seq", "icmp", "icmp_seq:0;", icmp(0, 0, 5, 0, b""), icmp(0, 0, 5, 1, b"")),
    ]
}

fn payloads() -> Vec<Pair> {
    let hello: &[u8] = b"\x16\x03\x01\x00\x10\x02\x00\x00\x0c\x03\x03xx";
    let older: &[u8] = b"\x16\x03\x01\x00\x10\x02\x00\x00\x0c\x03\x01xx";
    let client: &[u8] = b"\x16\x03\x01\x00\x10\x01\x00\x00\x0c\x03\x03xx";
    vec![
        of_payload("content", r#"content:"abc";"#, b"xabc", b"xabd"),
        of_payload("pcre", r#"pcre:"/a\d+c/";"#, b"a12c", b"ac"),
        of_payload("byte_test", "byte_test:2,>,258,0;", b"\x01\x03", b"\x01\x02"),
        of_payload("byte_jump", r#"byte_jump:1,0; content:"b",within 1;"#, b"\x02xxb", b"\x02xb"),
        of_payload("byte_extract", r#"byte_extract:1,0,n; content:"b",offset n;"#, b"\x03xxb", b"\x03xbx"),
        of_payload(
            "byte_math",
            r#"byte_math:bytes 1,offset 0,oper +,rvalue 1,result m; content:"b",offset m,depth 1;"#,
            b"\x02xxb",
            b"\x02xbx",
        ),
        of_payload("isdataat", "isdataat:3;", b"abcd", b"abc"),
        of_payload("bufferlen", "pkt_data; bufferlen:3;", b"abc", b"abcd"),
        of_payload(
            "base64_decode",
            r#"base64_decode:bytes 8,offset 1; base64_data; content:"hello";"#,
            b"xaGVsbG8=",
            b"aGVsbG8=",
        ),
        of_payload(
            "Base64Data",
            r#"base64_decode:bytes 8; base64_data; content:"hello";"#,
            b"aGVsbG8=",
            b"hello aGVsbA==",
        ),
        of_payload("ber_data", "ber_data:0x04;", b"\x04\x00", b"\x05\x00"),
        of_payload("ber_skip", "ber_skip:0x02; ber_data:0x04;", b"\x02\x01\x07\x04\x00", b"\x03\x01\x07\x04\x00"),
        of_payload("hash", r#"md5:"900150983cd24fb0d6963f7d28e17f72",length 3;"#, b"abcx", b"abdx"),
        of_payload("ssl_state", "ssl_state:server_hello;", hello, client),
        of_payload("ssl_version", "ssl_version:tls1.2;", hello, older),
        of_payload("ftpbounce", r#"content:"PORT"; ftpbounce;"#, b"PORT 10,0,0,9,4,1\r\n", b"PORT 10,0,0,1,4,1\r\n"),
    ]
}

fn flows() -> Vec<Pair> {
    let in_flow = |about, options: &str, hit: FlowFacts, miss: FlowFacts| Pair {
        about,
        dialect: Dialect::Snort3,
        text: format!(r#"alert tcp any any -> any any ({options} content:"x"; sid:1;)"#),
        hit: Shown::In(hit, b"x"),
        miss: Shown::In(miss, b"x"),
    };
    let in_turn = |about, text: &str, hit, miss| Pair {
        about,
        dialect: Dialect::Snort2,
        text: text.to_owned(),
        hit: Shown::Messages(hit),
        miss: Shown::Messages(miss),
    };
    let plain = || flow(Service::Unknown);
    let marks = "alert tcp any any -> any any (content:\"a\"; flowbits:set,m; flowbits:noalert; sid:1;)\n\
                 alert tcp any any -> any any (content:\"b\"; flowbits:isset,m; sid:2;)";
    let filter =
        "alert tcp any any -> any any (content:\"a\"; detection_filter:track by_src, count 1, seconds 60; sid:1;)";
    let limit =
        "alert tcp any any -> any any (content:\"a\"; threshold:type limit, track by_src, count 1, seconds 60; sid:1;)";
    vec![
        in_flow("flow", "flow:established;", plain(), FlowFacts { established: false, ..plain() }),
        in_flow("flow", "flow:not_established;", FlowFacts { established: false, ..plain() }, plain()),
        in_flow("stream_size", "stream_size:>100,to_server;", FlowFacts { bytes: [101, 0], ..plain() }, plain()),
        in_turn("flowbits", marks, &[b"a", b"b"], &[b"b"]),
        in_turn("noalert", marks, &[b"a", b"b"], &[b"a"]),
        in_turn("detection_filter", filter, &[b"a", b"a"], &[b"a"]),
        in_turn("threshold", limit, &[b"a"], &[b"a", b"a"]),
    ]
}

fn offered(about: &'static str, dialect: Dialect, options: &str, kind: K, hit: &[u8], miss: &[u8]) -> Pair {
    let (service, direction) = whose(kind);
    let text = format!("alert tcp any any -> any any ({options} sid:1;)");
    // Beside the buffer asked for, the payload has all that is looked for: it must not count.
    let held = |bytes: &[u8]| {
        let other = if kind == K::PktData { K::HttpUri } else { K::PktData };
        let mut held = Held::of(&[(kind, bytes), (other, hit)]);
        held.fields.push((kind, "id", bytes.to_vec()));
        Shown::Offered(service, direction, held)
    };
    Pair { about, dialect, text, hit: held(hit), miss: held(miss) }
}

fn whose(kind: K) -> (Service, Direction) {
    match kind {
        K::DnsQuery => (Service::Dns, Direction::ToServer),
        K::TlsSni | K::Ja3Hash | K::Ja3String => (Service::Tls, Direction::ToServer),
        K::TlsCertSubject | K::TlsCertIssuer | K::TlsCertSerial | K::TlsCertFingerprint => {
            (Service::Tls, Direction::ToClient)
        }
        K::Ja3sHash | K::Ja3sString => (Service::Tls, Direction::ToClient),
        K::HttpStatCode | K::HttpStatMsg | K::HttpRawStatus => (Service::Http, Direction::ToClient),
        K::PktData | K::RawData => (Service::Unknown, Direction::ToServer),
        _ => (Service::Http, Direction::ToServer),
    }
}

/// Buffers that are made of several others.
fn of_request(about: &'static str, dialect: Dialect, options: &str, hit: &[u8], miss: &[u8]) -> Pair {
    let text = format!("alert tcp any any -> any any ({options} sid:1;)");
    let held = |headers: &[u8]| {
        let start: (K, &[u8]) = (K::HttpRawRequest, b"GET / HTTP/1.0");
        let held = Held::of(&[(K::PktData, b"raw"), start, (K::HttpHeader, headers), (K::HttpRawHeader, headers)]);
        Shown::Offered(Service::Http, Direction::ToServer, held)
    };
    Pair { about, dialect, text, hit: held(hit), miss: held(miss) }
}

fn buffers() -> Vec<Pair> {
    let whole = |about, dialect, word: &str, kind| {
        offered(about, dialect, &format!(r#"{word}; content:"abc";"#), kind, b"xabcx", b"xabdx")
    };
    let (snort, suricata) = (Dialect::Snort3, Dialect::Suricata);
    vec![
        whole("PktData", snort, "pkt_data", K::PktData),
        whole("RawData", snort, "raw_data", K::RawData),
        whole("FileData", snort, "file_data", K::FileData),
        whole("HttpUri", snort, "http_uri", K::HttpUri),
        whole("HttpRawUri", snort, "http_raw_uri", K::HttpRawUri),
        whole("HttpHeader", snort, "http_header", K::HttpHeader),
        whole("HttpRawHeader", snort, "http_raw_header", K::HttpRawHeader),
        whole("HttpCookie", snort, "http_cookie", K::HttpCookie),
        whole("HttpRawCookie", snort, "http_raw_cookie", K::HttpRawCookie),
        whole("HttpMethod", snort, "http_method", K::HttpMethod),
        whole("HttpClientBody", snort, "http_client_body", K::HttpClientBody),
        whole("HttpRawBody", snort, "http_raw_body", K::HttpRawBody),
        whole("HttpStatCode", snort, "http_stat_code", K::HttpStatCode),
        whole("HttpStatMsg", snort, "http_stat_msg", K::HttpStatMsg),
        whole("HttpVersion", snort, "http_version", K::HttpVersion),
        whole("HttpRawRequest", snort, "http_raw_request", K::HttpRawRequest),
        whole("HttpRawStatus", snort, "http_raw_status", K::HttpRawStatus),
        whole("HttpTrailer", snort, "http_trailer", K::HttpTrailer),
        whole("HttpRawTrailer", snort, "http_raw_trailer", K::HttpRawTrailer),
        whole("HttpTrueIp", snort, "http_true_ip", K::HttpTrueIp),
        whole("HttpParam", snort, r#"http_param:"id""#, K::HttpParam),
        whole("HttpHost", suricata, "http.host", K::HttpHost),
        whole("HttpRawHost", suricata, "http.host.raw", K::HttpHost),
        of_request("http_count", snort, "http_num_headers:2;", b"A: 1\r\nB: 2\r\n", b"A: 1\r\n"),
        of_request(
            "HttpHeaderNames",
            suricata,
            r#"http.header_names; content:"|0d 0a|Host|0d 0a 0d 0a|";"#,
            b"Host: a\r\n",
            b"Host: a\r\nB: c\r\n",
        ),
        of_request(
            "HttpStart",
            suricata,
            r#"http.start; content:"HTTP/1.0|0d 0a|Host";"#,
            b"Host: a\r\n",
            b"B: c\r\nHost: a\r\n",
        ),
        whole("DnsQuery", suricata, "dns.query", K::DnsQuery),
        whole("TlsSni", suricata, "tls.sni", K::TlsSni),
        whole("TlsCertSubject", suricata, "tls.cert_subject", K::TlsCertSubject),
        whole("TlsCertIssuer", suricata, "tls.cert_issuer", K::TlsCertIssuer),
        whole("TlsCertSerial", suricata, "tls.cert_serial", K::TlsCertSerial),
        whole("TlsCertFingerprint", suricata, "tls.cert_fingerprint", K::TlsCertFingerprint),
        whole("Ja3String", suricata, "ja3.string", K::Ja3String),
        whole("Ja3Hash", suricata, "ja3.hash", K::Ja3Hash),
        whole("Ja3sString", suricata, "ja3s.string", K::Ja3sString),
        whole("Ja3sHash", suricata, "ja3s.hash", K::Ja3sHash),
        offered("http_version_match", snort, r#"http_version_match:"1.0";"#, K::HttpVersion, b"HTTP/1.0", b"HTTP/1.1"),
    ]
}

fn transforms() -> Vec<Pair> {
    let of = |about, looked_for: &str, hit: &[u8], miss: &[u8]| {
        let options = format!(r#"http.uri; {about}; content:"{looked_for}";"#);
        offered(about, Dialect::Suricata, &options, K::HttpUri, hit, miss)
    };
    vec![
        of("dotprefix", ".a.b", b"a.b", b"xa.b"),
        of("strip_whitespace", "abc", b"a b\tc", b"a-b c"),
        of("compress_whitespace", "a b", b"a \t b", b"ab"),
        of("to_lowercase", "abc", b"ABC", b"ABD"),
        of("to_uppercase", "ABC", b"abc", b"abd"),
        of("url_decode", "a b", b"a%20b", b"a%21b"),
        of("to_md5", "|90 01 50 98 3c d2 4f b0 d6 96 3f 7d 28 e1 7f 72|", b"abc", b"abd"),
        of("to_sha1", "|a9 99 3e 36 47 06 81 6a|", b"abc", b"abd"),
        of("to_sha256", "|ba 78 16 bf 8f 01 cf ea|", b"abc", b"abd"),
    ]
}

/// A body towards the client, which is what sets this buffer apart from a file.
fn response_body() -> Pair {
    let held = || Held::of(&[(K::FileData, b"xabcx")]);
    Pair {
        about: "HttpResponseBody",
        dialect: Dialect::Suricata,
        text: r#"alert http any any -> any any (http.response_body; content:"abc"; sid:1;)"#.to_owned(),
        hit: Shown::Offered(Service::Http, Direction::ToClient, held()),
        miss: Shown::Offered(Service::Http, Direction::ToServer, held()),
    }
}

/// What the rules of a text ask.
fn asked(dialect: Dialect, text: &str) -> BTreeSet<&'static str> {
    let variables = Variables::default();
    let entries = Reader::new(&variables, Some(dialect)).read("test.rules", text.as_bytes());
    let mut asked = BTreeSet::new();
    for spelled in entries.iter().filter_map(|entry| entry.rule.as_ref()).flat_map(|rule| &rule.options) {
        asked.insert(option_name(&spelled.option));
        match &spelled.option {
            RuleOption::Packet(test) => drop(asked.insert(packet_name(test))),
            RuleOption::Buffer(choice) => {
                asked.insert(buffer_name(&choice.buffer));
                asked.extend(choice.transforms.iter().map(transform_name));
            }
            _ => {}
        }
    }
    asked
}

#[test]
fn every_option_that_can_be_answered_fires_and_is_silent_on_a_near_miss() {
    let pairs: Vec<Pair> = [packets(), payloads(), flows(), buffers(), transforms(), vec![response_body()]]
        .into_iter()
        .flatten()
        .collect();
    let mut wrong = Vec::new();
    for Pair { about, dialect, text, hit, miss } in &pairs {
        assert!(asked(*dialect, text).contains(about), "{text} does not ask {about}");
        // `rules` insists on receipts without a reason.
        if !hit.fires(rules(*dialect, text)) {
            wrong.push(format!("{about}: {text} does not fire"));
        }
        if miss.fires(rules(*dialect, text)) {
            wrong.push(format!("{about}: {text} fires on the near miss"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let tested: BTreeSet<&str> = pairs.iter().map(|pair| pair.about).collect();
    let unanswered: BTreeSet<&str> = UNANSWERED.iter().map(|(about, ..)| *about).collect();
    let is_group = |name: &&str| matches!(*name, "buffer" | "packet");
    let known = [OPTIONS, PACKETS, TRANSFORMS, BUFFERS].concat();
    let missing: Vec<&&str> = known
        .iter()
        .filter(|name| !is_group(name) && !tested.contains(**name) && !unanswered.contains(**name))
        .collect();
    assert!(missing.is_empty(), "without a pair: {missing:?}");
}

#[test]
fn what_nobody_can_answer_is_never_called_full() {
    for (about, dialect, options) in UNANSWERED {
        let text = format!("alert tcp any any -> any any ({options} sid:1;)");
        assert!(asked(*dialect, &text).contains(about), "{text} does not ask {about}");
        let source = Source { name: "test.rules".into(), text: text.clone().into_bytes() };
        let set = RuleSet::compile(&[source], &Options { dialect: Some(*dialect), ..Options::default() });
        assert_eq!(set.count(Status::Full), 0, "{text}: {:?}", set.receipts());
    }
}
