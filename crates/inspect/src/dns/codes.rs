//! What are the numbers called?
//!
//! IANA, Domain Name System (DNS) Parameters. A number without a name keeps itself (RFC 3597 section 5).

/// `A`, or `TYPE65280`.
pub(super) fn type_name(code: u16) -> String {
    let known = TYPES.iter().find(|(of, _)| *of == code);
    known.map_or_else(|| format!("TYPE{code}"), |(_, name)| (*name).to_owned())
}

/// `IN`, or `CLASS255`.
pub(super) fn class_name(code: u16) -> String {
    match code {
        1 => "IN".to_owned(),
        3 => "CH".to_owned(),
        4 => "HS".to_owned(),
        254 => "NONE".to_owned(),
        255 => "ANY".to_owned(),
        _ => format!("CLASS{code}"),
    }
}

/// `NoError`, or the number.
pub(super) fn rcode_name(code: u16) -> String {
    let known = RCODES.get(usize::from(code)).copied().filter(|name| !name.is_empty());
    match (code, known) {
        (_, Some(name)) => name.to_owned(),
        (16, None) => "BADVERS".to_owned(),
        (23, None) => "BADCOOKIE".to_owned(),
        _ => code.to_string(),
    }
}

const RCODES: &[&str] = &[
    "NoError",
    "FormErr",
    "ServFail",
    "NXDomain",
    "NotImp",
    "Refused",
    "YXDomain",
    "YXRRSet",
    "NXRRSet",
    "NotAuth",
    "NotZone",
    "DSOTYPENI",
];

pub(super) const A: u16 = 1;
pub(super) const NS: u16 = 2;
pub(super) const CNAME: u16 = 5;
pub(super) const SOA: u16 = 6;
pub(super) const PTR: u16 = 12;
pub(super) const MX: u16 = 15;
pub(super) const TXT: u16 = 16;
pub(super) const AAAA: u16 = 28;
pub(super) const SRV: u16 = 33;
pub(super) const DNAME: u16 = 39;
pub(super) const OPT: u16 = 41;
pub(super) const SVCB: u16 = 64;
pub(super) const HTTPS: u16 = 65;
pub(super) const SPF: u16 = 99;
pub(super) const CAA: u16 = 257;

const TYPES: &[(u16, &str)] = &[
    (A, "A"),
    (NS, "NS"),
    (CNAME, "CNAME"),
    (SOA, "SOA"),
    (10, "NULL"),
    (PTR, "PTR"),
    (13, "HINFO"),
    (MX, "MX"),
    (TXT, "TXT"),
    (17, "RP"),
    (18, "AFSDB"),
    (24, "SIG"),
    (25, "KEY"),
    (AAAA, "AAAA"),
    (29, "LOC"),
    (SRV, "SRV"),
    (35, "NAPTR"),
    (37, "CERT"),
    (DNAME, "DNAME"),
    (OPT, "OPT"),
    (43, "DS"),
    (44, "SSHFP"),
    (45, "IPSECKEY"),
    (46, "RRSIG"),
    (47, "NSEC"),
    (48, "DNSKEY"),
    (49, "DHCID"),
    (50, "NSEC3"),
    (51, "NSEC3PARAM"),
    (52, "TLSA"),
    (53, "SMIMEA"),
    (59, "CDS"),
    (60, "CDNSKEY"),
    (61, "OPENPGPKEY"),
    (62, "CSYNC"),
    (63, "ZONEMD"),
    (SVCB, "SVCB"),
    (HTTPS, "HTTPS"),
    (SPF, "SPF"),
    (108, "EUI48"),
    (109, "EUI64"),
    (249, "TKEY"),
    (250, "TSIG"),
    (251, "IXFR"),
    (252, "AXFR"),
    (255, "ANY"),
    (256, "URI"),
    (CAA, "CAA"),
    (32769, "DLV"),
];
