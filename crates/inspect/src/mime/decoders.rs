//! What do the transfer encodings hide?

use crate::hex::digit;

/// A transfer encoding (RFC 2045 section 6) between two bytes.
#[derive(Debug, Default)]
pub(super) enum Decoder {
    /// `7bit`, `8bit`, `binary`, and what is not known.
    #[default]
    Identity,
    Base64 {
        bits: u32,
        count: u32,
    },
    /// What was read of an escape.
    Quoted {
        held: Vec<u8>,
    },
}

impl Decoder {
    pub(super) fn named(encoding: Option<&[u8]>) -> Self {
        match encoding.map(<[u8]>::to_ascii_lowercase).as_deref() {
            Some(b"base64") => Self::Base64 { bits: 0, count: 0 },
            Some(b"quoted-printable") => Self::Quoted { held: Vec::new() },
            _ => Self::Identity,
        }
    }

    /// Append what `piece` decodes to. Never more bytes than it has.
    pub(super) fn take(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::Identity => out.extend_from_slice(piece),
            Self::Base64 { bits, count } => base64(piece, bits, count, out),
            Self::Quoted { held } => quoted(piece, held, out),
        }
    }
}

/// Bytes that are no base64 digits are skipped, as the RFC asks; padding ends a group.
fn base64(piece: &[u8], bits: &mut u32, count: &mut u32, out: &mut Vec<u8>) {
    for byte in piece {
        let value = match byte {
            b'A'..=b'Z' => byte.wrapping_sub(b'A'),
            b'a'..=b'z' => byte.wrapping_sub(b'a').wrapping_add(26),
            b'0'..=b'9' => byte.wrapping_sub(b'0').wrapping_add(52),
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                (*bits, *count) = (0, 0);
                continue;
            }
            _ => continue,
        };
        // Six bits come in; whenever eight are there, they go out.
        *bits = *bits << 6 | u32::from(value);
        *count = count.saturating_add(6);
        if *count >= 8 {
            *count = count.saturating_sub(8);
            let [.., low] = (*bits >> *count).to_be_bytes();
            out.push(low);
            *bits &= (1u32 << *count).wrapping_sub(1);
        }
    }
}

fn quoted(piece: &[u8], held: &mut Vec<u8>, out: &mut Vec<u8>) {
    for byte in piece {
        match (held.as_slice(), byte) {
            ([], b'=') => held.push(b'='),
            ([], _) => out.push(*byte),
            // A soft line break, perhaps behind padding.
            ([b'='], b'\n') | ([b'=', b'\r' | b' ' | b'\t'], b'\n') => held.clear(),
            ([b'='], _) => held.push(*byte),
            ([b'=', high], _) => {
                match (digit(*high), digit(*byte)) {
                    (Some(high), Some(low)) => out.push(high << 4 | low),
                    _ => out.extend_from_slice(&[b'=', *high, *byte]),
                }
                held.clear();
            }
            _ => held.clear(),
        }
    }
}
