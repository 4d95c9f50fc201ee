//! What do the inspectors really offer? The one table that decides between `full`, `degraded` and `skipped`.

use kodkod_inspect::{BufferKind, Service};
use kodkod_rules::{Buffer, BufferChoice, Reason, Rule, RuleOption};

use super::ops::{Built, Place};

/// Services whose inspector offers a kind. `PktData` and `RawData` are offered for every service.
fn offered_by(kind: BufferKind) -> &'static [Service] {
    use BufferKind as K;
    match kind {
        K::HttpUri
        | K::HttpRawUri
        | K::HttpHeader
        | K::HttpRawHeader
        | K::HttpCookie
        | K::HttpRawCookie
        | K::HttpMethod
        | K::HttpClientBody
        | K::HttpRawBody
        | K::HttpStatCode
        | K::HttpStatMsg
        | K::HttpVersion
        | K::HttpRawRequest
        | K::HttpRawStatus
        | K::HttpTrailer
        | K::HttpRawTrailer
        | K::HttpTrueIp
        | K::HttpParam
        | K::HttpHost => &[Service::Http],
        K::FileData => &[Service::Http, Service::Smtp, Service::Pop3, Service::Imap, Service::FtpData],
        K::DnsQuery => &[Service::Dns],
        K::TlsSni
        | K::TlsCertSubject
        | K::TlsCertIssuer
        | K::TlsCertSerial
        | K::TlsCertFingerprint
        | K::Ja3String
        | K::Ja3Hash
        | K::Ja3sString
        | K::Ja3sHash => &[Service::Tls],
        _ => &[],
    }
}

fn is_plain(kind: BufferKind) -> bool {
    matches!(kind, BufferKind::PktData | BufferKind::RawData)
}

/// The place a rule's buffer stands for; none where no inspector knows it.
pub(crate) fn place(choice: &BufferChoice) -> Option<Place> {
    use BufferKind as K;
    let kind = match choice.buffer {
        Buffer::Base64Data => return Some(Place::Base64),
        Buffer::HttpHeaderNames => return Some(Place::HeaderNames),
        Buffer::HttpStart => return Some(Place::HttpStart),
        Buffer::PktData => K::PktData,
        Buffer::RawData => K::RawData,
        Buffer::FileData | Buffer::HttpResponseBody => K::FileData,
        Buffer::HttpUri => K::HttpUri,
        Buffer::HttpRawUri => K::HttpRawUri,
        Buffer::HttpHeader => K::HttpHeader,
        Buffer::HttpRawHeader => K::HttpRawHeader,
        Buffer::HttpCookie => K::HttpCookie,
        Buffer::HttpRawCookie => K::HttpRawCookie,
        Buffer::HttpMethod => K::HttpMethod,
        Buffer::HttpClientBody => K::HttpClientBody,
        Buffer::HttpRawBody => K::HttpRawBody,
        Buffer::HttpStatCode => K::HttpStatCode,
        Buffer::HttpStatMsg => K::HttpStatMsg,
        Buffer::HttpVersion => K::HttpVersion,
        Buffer::HttpRawRequest => K::HttpRawRequest,
        Buffer::HttpRawStatus => K::HttpRawStatus,
        Buffer::HttpTrailer => K::HttpTrailer,
        Buffer::HttpRawTrailer => K::HttpRawTrailer,
        Buffer::HttpTrueIp => K::HttpTrueIp,
        Buffer::HttpParam => K::HttpParam,
        Buffer::HttpHost | Buffer::HttpRawHost => K::HttpHost,
        Buffer::DnsQuery => K::DnsQuery,
        Buffer::TlsSni => K::TlsSni,
        Buffer::TlsCertSubject => K::TlsCertSubject,
        Buffer::TlsCertIssuer => K::TlsCertIssuer,
        Buffer::TlsCertSerial => K::TlsCertSerial,
        Buffer::TlsCertFingerprint => K::TlsCertFingerprint,
        Buffer::Ja3String => K::Ja3String,
        Buffer::Ja3Hash => K::Ja3Hash,
        Buffer::Ja3sString => K::Ja3sString,
        Buffer::Ja3sHash => K::Ja3sHash,
        _ => return None,
    };
    if offered_by(kind).is_empty() && !is_plain(kind) {
        return None;
    }
    Some(match &choice.field {
        Some(name) => Place::Field(kind, name.clone()),
        None => Place::Whole(kind),
    })
}

/// Options whose facts nobody finds yet, in words for the author.
pub(crate) fn missing(option: &RuleOption) -> Option<&'static str> {
    match option {
        RuleOption::SipMethod(_) => Some("sip_method: nobody reads SIP yet"),
        RuleOption::SipStatCode(_) => Some("sip_stat_code: nobody reads SIP yet"),
        RuleOption::DceIface(_) => Some("dce_iface: nobody reads DCE/RPC yet"),
        RuleOption::DceOpnum(_) => Some("dce_opnum: nobody reads DCE/RPC yet"),
        _ => None,
    }
}

/// The services a rule is about: those it names, or those that alone have its buffers.
pub(crate) fn services(rule: &Rule, built: &Built, reasons: &mut Vec<Reason>) -> Vec<Service> {
    let mut services = Vec::new();
    let mut unknown = Vec::new();
    for name in &rule.services {
        match Service::from_name(name) {
            Some(service) if !services.contains(&service) => services.push(service),
            Some(_) => {}
            None => unknown.push(&**name),
        }
    }
    if !unknown.is_empty() {
        let message = format!("the service {} is not told apart here", unknown.join(", "));
        let reason = if services.is_empty() && rule.header.by_service { Reason::fatal } else { Reason::ignored };
        reasons.push(reason("unknown-service", 1, message));
    }
    if services.is_empty()
        && let Some((kind, _)) = built.kinds.iter().find(|(kind, _)| !is_plain(*kind))
    {
        services.extend(offered_by(*kind));
    }
    services
}

/// Whether the services a rule names have the buffers it wants.
pub(crate) fn check(services: &[Service], built: &Built, reasons: &mut Vec<Reason>) {
    for (kind, column) in built.kinds.iter().filter(|(kind, _)| !is_plain(*kind)) {
        let by = offered_by(*kind);
        let without: Vec<&str> =
            services.iter().filter(|service| !by.contains(service)).map(|service| service.name()).collect();
        let all_lack = without.len() == services.len();
        // A file may travel over each of the services; any other buffer is one protocol's own, and the rule is silent in
        // the others by design.
        if without.is_empty() || !(all_lack || *kind == BufferKind::FileData) {
            continue;
        }
        let message = format!("{} does not offer {} yet", without.join(", "), name(*kind));
        let reason = if all_lack { Reason::fatal } else { Reason::ignored };
        reasons.push(reason("no-inspector", *column, message));
    }
}

/// Snort's name of a kind.
pub(crate) fn name(kind: BufferKind) -> String {
    let mut name = String::new();
    for letter in format!("{kind:?}").chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}
