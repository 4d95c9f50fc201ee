//! The signatures of stream protocols.

use super::{Fit, Signature};
use crate::Service;

/// Asked in this order for what a client says first.
pub(super) const OF_CLIENTS: &[(Service, Signature)] = &[
    (Service::Tls, |first, _| tls(first, 1)),
    (Service::Tls, |first, _| sslv2_hello(first)),
    (Service::Http2, |first, _| starts_with(first, b"PRI * HTTP/2")),
    (Service::Http, |first, _| http_request(first)),
    (Service::Ssh, |first, _| starts_with(first, b"SSH-")),
    (Service::Sip, |first, _| sip_request(first)),
    (Service::NetbiosSsn, |first, _| smb(first)),
    (Service::Rdp, |first, _| rdp(first)),
    (Service::Dcerpc, |first, _| dcerpc(first)),
    (Service::Dns, dns_over_tcp),
    (Service::Sunrpc, |first, _| sunrpc_call(first)),
    (Service::Ldap, |first, _| ldap(first)),
    (Service::Smtp, |first, _| any_word(first, &[b"EHLO ", b"HELO ", b"MAIL FROM:"])),
    (Service::Irc, |first, _| any_word(first, &[b"NICK ", b"CAP LS"])),
    (Service::Pop3, |first, port| on_port(port, 110, any_word(first, &[b"USER ", b"CAPA", b"AUTH", b"APOP "]))),
    (Service::Ftp, |first, port| on_port(port, 21, any_word(first, &[b"USER ", b"AUTH ", b"FEAT"]))),
    (Service::Telnet, |first, _| telnet(first)),
];

/// Asked in this order for what a server says first.
pub(super) const OF_SERVERS: &[(Service, Signature)] = &[
    (Service::Http, |first, _| http_response(first)),
    (Service::Tls, |first, _| tls(first, 2)),
    (Service::Ssh, |first, _| starts_with(first, b"SSH-")),
    (Service::Smtp, |first, port| greeting(first, port, MAIL_PORTS, FTP_PORTS, &[b"smtp", b"mail", b"mx", b"postfix"])),
    (Service::Ftp, |first, port| greeting(first, port, FTP_PORTS, MAIL_PORTS, &[b"ftp"])),
    (Service::Pop3, |first, _| starts_with(first, b"+OK")),
    (Service::Imap, |first, _| any_word(first, &[b"* OK", b"* PREAUTH", b"* BYE"])),
    (Service::Nntp, |first, port| on_port(port, 119, any_word(first, &[b"200 ", b"201 "]))),
    (Service::NetbiosSsn, |first, _| smb(first)),
    (Service::Mysql, |first, _| mysql_greeting(first)),
    (Service::Sip, |first, _| starts_with(first, b"SIP/2.0 ")),
    (Service::Irc, |first, port| on_port(port, 6667, any_word(first, &[b":", b"NOTICE "]))),
    (Service::Telnet, |first, _| telnet(first)),
];

fn on_port(port: u16, wanted: u16, fit: Fit) -> Fit {
    if port == wanted { fit } else { Fit::No }
}

fn starts_with(first: &[u8], word: &[u8]) -> Fit {
    match (first.len() >= word.len(), first.iter().zip(word).all(|(a, b)| a == b)) {
        (true, true) => Fit::Yes,
        (false, true) => Fit::More,
        (_, false) => Fit::No,
    }
}

fn starts_with_nocase(first: &[u8], word: &[u8]) -> Fit {
    match (first.len() >= word.len(), first.iter().zip(word).all(|(a, b)| a.eq_ignore_ascii_case(b))) {
        (true, true) => Fit::Yes,
        (false, true) => Fit::More,
        (_, false) => Fit::No,
    }
}

/// The first word that fits decides; one that may still fit waits.
fn any_word(first: &[u8], words: &[&[u8]]) -> Fit {
    let fits = words.iter().map(|word| starts_with_nocase(first, word));
    fits.fold(Fit::No, |so_far, fit| match (so_far, fit) {
        (Fit::Yes, _) | (_, Fit::Yes) => Fit::Yes,
        (Fit::More, _) | (_, Fit::More) => Fit::More,
        _ => Fit::No,
    })
}

/// A handshake record of version 3.0 to 3.4 with a hello of this type in it (RFC 8446 sections 5.1 and 4).
fn tls(first: &[u8], hello: u8) -> Fit {
    let fields = [
        first.first().map(|content_type| *content_type == 22),
        first.get(1).map(|major| *major == 3),
        first.get(2).map(|minor| *minor <= 4),
        first.get(5).map(|message| *message == hello),
    ];
    all_of(&fields)
}

/// Byte tests in order: one that fails says no, one whose byte is not there yet says more.
fn all_of(tests: &[Option<bool>]) -> Fit {
    for test in tests {
        match test {
            Some(true) => {}
            Some(false) => return Fit::No,
            None => return Fit::More,
        }
    }
    Fit::Yes
}

/// A client hello in the old two-byte framing (RFC 5246 appendix E.2): length with the top bit set, type 1, version.
fn sslv2_hello(first: &[u8]) -> Fit {
    all_of(&[
        first.first().map(|len| len & 0x80 != 0),
        first.get(2).map(|message| *message == 1),
        first.get(3).map(|major| matches!(major, 0 | 3)),
        first.get(4).map(|minor| matches!(minor, 0..=3)),
        first.get(5).map(|high| *high == 0),
        first.get(6).map(|low| low % 3 == 0),
    ])
}

/// Methods whose request line is believed even without ` HTTP/` in it (RFC 9110 section 9, RFC 5789, RFC 4918).
const METHODS: &[&[u8]] = &[
    b"GET",
    b"HEAD",
    b"POST",
    b"PUT",
    b"DELETE",
    b"CONNECT",
    b"OPTIONS",
    b"TRACE",
    b"PATCH",
    b"PROPFIND",
    b"PROPPATCH",
    b"MKCOL",
    b"COPY",
    b"MOVE",
    b"LOCK",
    b"UNLOCK",
    b"SEARCH",
];

/// The longest method that is believed (the longest registered one, `UPDATEREDIRECTREF`, has 17 letters).
const METHOD_MAX: usize = 32;

/// A method, white space, then a path, `*`, an HTTP URL, or anything in a line with ` HTTP/`.
pub(crate) fn http_request(first: &[u8]) -> Fit {
    let line = first.trim_ascii_start();
    let method_len = line.iter().take_while(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'_')).count();
    if method_len > METHOD_MAX {
        return Fit::No;
    }
    let Some((method, rest)) = line.split_at_checked(method_len) else { return Fit::No };
    match rest.first() {
        None => return Fit::More,
        Some(b' ' | b'\t') if method_len > 0 => {}
        Some(_) => return Fit::No,
    }
    let is_known = METHODS.iter().any(|known| known.eq_ignore_ascii_case(method));
    let target_len = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let target = rest.get(target_len..).unwrap_or_default();
    http_target(target, is_known)
}

/// `HTTP/`, whatever the case, perhaps behind empty lines.
pub(crate) fn http_response(first: &[u8]) -> Fit {
    starts_with_nocase(first.trim_ascii_start(), b"HTTP/")
}

fn http_target(target: &[u8], is_known: bool) -> Fit {
    match (target.first(), any_word(target, &[b"sip:", b"sips:", b"rtsp:"])) {
        (None, _) | (_, Fit::More) => return Fit::More,
        (Some(b'/'), _) => return Fit::Yes,
        (_, Fit::Yes) => return Fit::No,
        (_, Fit::No) if is_known => return Fit::Yes,
        (_, Fit::No) => {}
    }
    let line_end = memchr::memchr(b'\n', target);
    let line = target.get(..line_end.unwrap_or(target.len())).unwrap_or(target);
    match (memchr::memmem::find(line, b" HTTP/"), line_end) {
        (Some(_), _) => Fit::Yes,
        (None, Some(_)) => Fit::No,
        (None, None) => Fit::More,
    }
}

/// A method and a `sip:` target (RFC 3261 section 7.1).
fn sip_request(first: &[u8]) -> Fit {
    let method_len = first.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    match (method_len, first.get(method_len)) {
        (3..=METHOD_MAX, Some(b' ')) => {
            let target = first.get(method_len.saturating_add(1)..).unwrap_or_default();
            any_word(target, &[b"sip:", b"sips:", b"tel:"])
        }
        (0..=METHOD_MAX, None) => Fit::More,
        _ => Fit::No,
    }
}

/// SMB 1, 2 or 3 behind its four-byte header, or a NetBIOS session request (RFC 1002 section 4.3.2).
fn smb(first: &[u8]) -> Fit {
    if first.first() == Some(&0x81) {
        return all_of(&[first.get(1).map(|flags| *flags == 0), first.get(4).map(|name_len| *name_len == 32)]);
    }
    all_of(&[
        first.first().map(|message| *message == 0),
        first.get(4).map(|mark| matches!(mark, 0xfd..=0xff)),
        first.get(5..8).map(|word| word == b"SMB"),
    ])
}

/// TPKT with an X.224 connection request (RFC 1006 section 6; MS-RDPBCGR 2.2.1.1).
fn rdp(first: &[u8]) -> Fit {
    all_of(&[
        first.first().map(|version| *version == 3),
        first.get(1).map(|reserved| *reserved == 0),
        first.get(5).map(|pdu| *pdu == 0xe0),
    ])
}

/// Version 5.0 or 5.1, a known packet type, first flags (C706 section 12.6).
fn dcerpc(first: &[u8]) -> Fit {
    all_of(&[
        first.first().map(|major| *major == 5),
        first.get(1).map(|minor| *minor <= 1),
        first.get(2).map(|kind| matches!(kind, 0..=20)),
        first.get(4).map(|order| matches!(order, 0x00 | 0x10)),
        first.get(6..8).map(|rest| rest == [0, 0]),
    ])
}

/// A length and the header of a query with some questions (RFC 1035 section 4.2.2), on DNS's own ports only.
fn dns_over_tcp(first: &[u8], port: u16) -> Fit {
    if !matches!(port, 53 | 5353 | 5355) {
        return Fit::No;
    }
    all_of(&[
        first.first_chunk::<2>().map(|len| u16::from_be_bytes(*len) >= 12),
        first.get(4).map(|flags| flags & 0x78 <= 0x30),
        first.get(6..8).map(|questions| matches!(questions, [0, 0..=16])),
    ])
}

/// Record mark of a last fragment, then a call of RPC version 2 (RFC 5531 sections 9 and 11).
fn sunrpc_call(first: &[u8]) -> Fit {
    all_of(&[
        first.first().map(|mark| *mark == 0x80),
        first.get(8..12).map(|message| message == [0, 0, 0, 0]),
        first.get(12..16).map(|version| version == [0, 0, 0, 2]),
    ])
}

/// A sequence with a message id and a bind, search or extended request (RFC 4511 section 4.1.1).
fn ldap(first: &[u8]) -> Fit {
    let body = match first.get(1) {
        None => return if matches!(first, [] | [0x30]) { Fit::More } else { Fit::No },
        Some(short @ 0..=0x7f) if *short >= 5 => 2,
        Some(0x81) => 3,
        Some(0x82) => 4,
        Some(0x84) => 6,
        Some(_) => return Fit::No,
    };
    let after = first.get(body..).unwrap_or_default();
    all_of(&[
        first.first().map(|tag| *tag == 0x30),
        after.first().map(|tag| *tag == 0x02),
        after.get(1).map(|len| *len == 1),
        after.get(3).map(|operation| matches!(operation, 0x60 | 0x63 | 0x77)),
    ])
}

/// Option negotiation: IAC, then WILL, WON'T, DO, DON'T or a subnegotiation (RFC 854).
fn telnet(first: &[u8]) -> Fit {
    all_of(&[first.first().map(|iac| *iac == 0xff), first.get(1).map(|command| *command >= 0xfa && *command != 0xff)])
}

const MAIL_PORTS: &[u16] = &[25, 465, 587];
const FTP_PORTS: &[u16] = &[21];

/// A `220` line, which mail and FTP servers share: the port tells, or else a word in it.
fn greeting(first: &[u8], port: u16, ports: &[u16], other_ports: &[u16], words: &[&[u8]]) -> Fit {
    if other_ports.contains(&port) {
        return Fit::No;
    }
    match starts_with(first, b"220") {
        Fit::Yes if ports.contains(&port) => return Fit::Yes,
        Fit::Yes => {}
        other => return other,
    }
    let Some(line_end) = memchr::memchr(b'\n', first) else { return Fit::More };
    let line = first.get(..line_end).unwrap_or_default().to_ascii_lowercase();
    let says = |word: &&[u8]| memchr::memmem::find(&line, word).is_some();
    if words.iter().any(says) { Fit::Yes } else { Fit::No }
}

/// Length, sequence 0, protocol version 10, then a printable version text (MySQL internals, `HandshakeV10`).
fn mysql_greeting(first: &[u8]) -> Fit {
    all_of(&[
        first.get(2).map(|high| *high == 0),
        first.get(3).map(|sequence| *sequence == 0),
        first.get(4).map(|version| *version == 10),
        first.get(5).map(u8::is_ascii_digit),
        first.get(6).map(|dot| dot.is_ascii_digit() || *dot == b'.'),
    ])
}
