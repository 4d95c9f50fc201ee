//! What does a record say, in the form of zone files?

use std::net::{Ipv4Addr, Ipv6Addr};

use super::codes;
use super::names::{name, push_escaped};
use crate::reader::Reader;

/// Parameters of a service binding that are listed. Real ones have half a dozen.
const SVC_PARAMS_MAX: usize = 32;

/// The value of a record of this type. `reader` stands at the data inside its message (names may point back), `len` bytes
/// of which are the record's. A type that is not known, or data that is not what its type says, is told as RFC 3597
/// section 5 tells unknown types: `\# length hex`.
pub(super) fn rdata(rtype: u16, reader: Reader<'_>, len: usize) -> String {
    let data = reader.rest().get(..len).unwrap_or_default();
    // Names may point back into the message but not run past their own record.
    let end = reader.at.saturating_add(data.len());
    let mut within = Reader { message: reader.message.get(..end).unwrap_or(reader.message), at: reader.at };
    known(rtype, &mut within, data).filter(|_| within.rest().is_empty()).unwrap_or_else(|| generic(data))
}

fn known(rtype: u16, reader: &mut Reader<'_>, data: &[u8]) -> Option<String> {
    match rtype {
        codes::A => reader.array::<4>().map(|octets| Ipv4Addr::from(octets).to_string()),
        codes::AAAA => reader.array::<16>().map(|octets| Ipv6Addr::from(octets).to_string()),
        codes::NS | codes::CNAME | codes::PTR | codes::DNAME => target(reader),
        codes::MX => Some(format!("{} {}", reader.u16()?, target(reader)?)),
        codes::SRV => Some(format!("{} {} {} {}", reader.u16()?, reader.u16()?, reader.u16()?, target(reader)?)),
        codes::SOA => {
            let (server, mailbox) = (target(reader)?, target(reader)?);
            let (serial, refresh, retry) = (reader.u32()?, reader.u32()?, reader.u32()?);
            Some(format!("{server} {mailbox} {serial} {refresh} {retry} {} {}", reader.u32()?, reader.u32()?))
        }
        codes::TXT | codes::SPF => texts(reader),
        codes::CAA => {
            let (flags, tag) = (reader.u8()?, reader.vector8()?);
            let value = reader.bytes(reader.rest().len())?;
            tag.iter()
                .all(u8::is_ascii_alphanumeric)
                .then(|| format!("{flags} {} {}", tag.escape_ascii(), quoted(value)))
        }
        codes::SVCB | codes::HTTPS => service_binding(reader),
        _ => Some(generic(data)).filter(|_| reader.bytes(data.len()).is_some()),
    }
}

/// A name; the root is a dot.
fn target(reader: &mut Reader<'_>) -> Option<String> {
    let text = name(reader).ok()?.text;
    Some(if text.is_empty() { ".".to_owned() } else { text })
}

fn texts(reader: &mut Reader<'_>) -> Option<String> {
    let mut texts = Vec::new();
    while !reader.rest().is_empty() {
        texts.push(quoted(reader.vector8()?));
    }
    Some(texts.join(" "))
}

fn quoted(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().saturating_add(2));
    text.push('"');
    for octet in bytes {
        push_escaped(&mut text, *octet, b"\"\\");
    }
    text.push('"');
    text
}

fn generic(data: &[u8]) -> String {
    let hex: String = data.iter().map(|octet| format!("{octet:02x}")).collect();
    format!("\\# {} {hex}", data.len()).trim_end().to_owned()
}

/// Priority, target, then `key=value` (RFC 9460 section 2.1 and appendix A).
fn service_binding(reader: &mut Reader<'_>) -> Option<String> {
    let mut words = vec![reader.u16()?.to_string(), target(reader)?];
    while !reader.rest().is_empty() {
        if words.len() > SVC_PARAMS_MAX {
            return None;
        }
        let (key, value) = (reader.u16()?, reader.vector16()?);
        words.push(service_param(key, value)?);
    }
    Some(words.join(" "))
}

fn service_param(key: u16, value: &[u8]) -> Option<String> {
    let mut reader = Reader::new(value);
    let mut list = Vec::new();
    let name = match key {
        1 => "alpn".to_owned(),
        2 => return Some("no-default-alpn".to_owned()),
        3 => return Some(format!("port={}", reader.u16()?)),
        4 => "ipv4hint".to_owned(),
        6 => "ipv6hint".to_owned(),
        5 => return Some(format!("ech={}", quoted(value))),
        _ => return Some(format!("key{key}={}", quoted(value))),
    };
    while !reader.rest().is_empty() {
        list.push(match key {
            1 => reader.vector8()?.escape_ascii().to_string(),
            4 => Ipv4Addr::from(reader.array::<4>()?).to_string(),
            _ => Ipv6Addr::from(reader.array::<16>()?).to_string(),
        });
    }
    Some(format!("{name}={}", list.join(",")))
}
