//! Whom does a certificate name?

use sha1::{Digest, Sha1};

use crate::reader::Reader;

/// Relative names of one distinguished name that are listed. Real ones have less than ten.
const RELATIVE_NAMES_MAX: usize = 64;

/// The parts of a certificate that rules look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Certificate {
    pub(crate) subject: Vec<u8>,
    pub(crate) issuer: Vec<u8>,
    /// `0A:1B`, upper case.
    pub(crate) serial: String,
    /// SHA-1 of the whole, `0a:1b`, lower case.
    pub(crate) fingerprint: String,
}

/// Read the first certificate, the server's own, of a TLS 1.2 certificate message's body (RFC 5246 section 7.4.2).
pub(crate) fn first_certificate(body: &[u8]) -> Option<Certificate> {
    let mut reader = Reader::new(body);
    reader.u24()?;
    let len = reader.u24()?;
    certificate(reader.bytes(len)?)
}

/// Read a certificate (RFC 5280 section 4.1): only DER's definite lengths, no recursion.
fn certificate(der: &[u8]) -> Option<Certificate> {
    let mut signed = Reader::new(element(&mut Reader::new(der), SEQUENCE)?);
    let mut fields = Reader::new(element(&mut signed, SEQUENCE)?);
    if fields.rest().first() == Some(&EXPLICIT_VERSION) {
        element(&mut fields, EXPLICIT_VERSION)?;
    }
    let serial = element(&mut fields, INTEGER)?;
    element(&mut fields, SEQUENCE)?;
    let issuer = distinguished_name(element(&mut fields, SEQUENCE)?);
    element(&mut fields, SEQUENCE)?;
    let subject = distinguished_name(element(&mut fields, SEQUENCE)?);
    let serial = serial.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":");
    let fingerprint = Sha1::digest(der).iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":");
    Some(Certificate { subject, issuer, serial, fingerprint })
}

const INTEGER: u8 = 0x02;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const EXPLICIT_VERSION: u8 = 0xa0;

/// The contents of the next element, which must have this tag.
fn element<'a>(reader: &mut Reader<'a>, tag: u8) -> Option<&'a [u8]> {
    let (found, contents) = any_element(reader)?;
    (found == tag).then_some(contents)
}

fn any_element<'a>(reader: &mut Reader<'a>) -> Option<(u8, &'a [u8])> {
    let tag = reader.u8()?;
    let len = match reader.u8()? {
        short @ 0..=0x7f => usize::from(short),
        0x81 => usize::from(reader.u8()?),
        0x82 => usize::from(reader.u16()?),
        0x83 => reader.u24()?,
        _ => return None,
    };
    Some((tag, reader.bytes(len)?))
}

/// `C=DE, O=Example, CN=www.example.org`, in the certificate's order.
fn distinguished_name(name: &[u8]) -> Vec<u8> {
    let mut sets = Reader::new(name);
    let mut parts: Vec<Vec<u8>> = Vec::new();
    while let Some(set) = element(&mut sets, SET).filter(|_| parts.len() < RELATIVE_NAMES_MAX) {
        let mut set = Reader::new(set);
        while let Some(attribute) = element(&mut set, SEQUENCE) {
            parts.extend(attribute_text(attribute));
        }
    }
    parts.join(&b", "[..])
}

fn attribute_text(attribute: &[u8]) -> Option<Vec<u8>> {
    let mut attribute = Reader::new(attribute);
    let kind = element(&mut attribute, OBJECT_IDENTIFIER)?;
    let (_, value) = any_element(&mut attribute)?;
    let known = ATTRIBUTES.iter().find(|(oid, _)| *oid == kind).map(|(_, name)| (*name).to_owned());
    let name = known.unwrap_or_else(|| kind.iter().map(|byte| format!("{byte:02x}")).collect());
    Some([name.as_bytes(), b"=", value].concat())
}

/// Attribute types with a customary short name (RFC 4519, RFC 5280 appendix A), by their DER contents.
const ATTRIBUTES: &[(&[u8], &str)] = &[
    (&[0x55, 4, 3], "CN"),
    (&[0x55, 4, 4], "SN"),
    (&[0x55, 4, 5], "serialNumber"),
    (&[0x55, 4, 6], "C"),
    (&[0x55, 4, 7], "L"),
    (&[0x55, 4, 8], "ST"),
    (&[0x55, 4, 9], "street"),
    (&[0x55, 4, 10], "O"),
    (&[0x55, 4, 11], "OU"),
    (&[0x55, 4, 12], "title"),
    (&[0x55, 4, 17], "postalCode"),
    (&[0x55, 4, 42], "GN"),
    (&[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25], "DC"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1], "emailAddress"),
];
