//! Which name stands here?

use crate::Anomaly;
use crate::reader::Reader;

/// Octets of a name on the wire with its length octets (RFC 1035 section 2.3.4). Longer names are malformed.
const NAME_MAX: usize = 255;

/// Compression pointers followed for one name. A name has at most 127 labels (255 octets, two for the shortest one), and an
/// honest pointer leads to a label.
const POINTERS_MAX: usize = 127;

/// What means something in a name's text form.
const SPECIAL: &[u8] = b" .\\\";()@$";

/// A name as rules and as people see it; both without the final dot, both empty for the root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Name {
    /// Labels joined by dots, octets as they are.
    pub(super) raw: Vec<u8>,
    /// The same with dots, backslashes and unprintable octets inside labels escaped (RFC 1035 section 5.1).
    pub(super) text: String,
}

/// Read the name at the reader's place, and leave the reader behind it.
///
/// A compression pointer must point to before everything this name was read from so far, which is why the walk ends:
/// each jump goes further back. Pointers to pointers could still make each of a message's thousands of names walk through all of
/// it, hence the bound.
pub(super) fn name(reader: &mut Reader<'_>) -> Result<Name, Anomaly> {
    let mut name = Name::default();
    let mut walk = *reader;
    let mut pointers: usize = 0;
    let mut earliest = reader.at;
    let mut len: usize = 1;
    loop {
        let octet = walk.u8().ok_or(Anomaly::DnsMalformed)?;
        match octet {
            0 => break,
            1..=63 => {
                let label = walk.bytes(usize::from(octet)).ok_or(Anomaly::DnsMalformed)?;
                len = len.saturating_add(label.len()).saturating_add(1);
                if len > NAME_MAX {
                    return Err(Anomaly::DnsMalformed);
                }
                name.push(label);
            }
            64..=191 => return Err(Anomaly::DnsMalformed),
            192..=255 => {
                let low = walk.u8().ok_or(Anomaly::DnsMalformed)?;
                let target = usize::from(u16::from_be_bytes([octet & 0x3f, low]));
                if target >= earliest || pointers >= POINTERS_MAX {
                    return Err(Anomaly::DnsBadPointer);
                }
                if pointers == 0 {
                    reader.at = walk.at;
                }
                pointers = pointers.saturating_add(1);
                earliest = target;
                walk.at = target;
            }
        }
    }
    if pointers == 0 {
        reader.at = walk.at;
    }
    Ok(name)
}

impl Name {
    fn push(&mut self, label: &[u8]) {
        if !self.raw.is_empty() {
            self.raw.push(b'.');
            self.text.push('.');
        }
        self.raw.extend_from_slice(label);
        match std::str::from_utf8(label) {
            Ok(text) if label.iter().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_')) => {
                self.text.push_str(text);
            }
            _ => label.iter().for_each(|octet| push_escaped(&mut self.text, *octet, SPECIAL)),
        }
    }
}

/// An octet as zone files write it: `\DDD` where it does not print, a backslash before what has a meaning there.
pub(super) fn push_escaped(text: &mut String, octet: u8, special: &[u8]) {
    match octet {
        0x21..=0x7e if special.contains(&octet) => {
            text.push('\\');
            text.push(char::from(octet));
        }
        0x21..=0x7e => text.push(char::from(octet)),
        b' ' if !special.contains(&b' ') => text.push(' '),
        _ => text.push_str(&format!("\\{octet:03}")),
    }
}
