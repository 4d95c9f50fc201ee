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

/// The value of each base64 digit (RFC 2045 section 6.8), [`PADDING`], or [`NO_DIGIT`].
const DIGITS: [u8; 256] = digits();
const PADDING: u8 = 64;
const NO_DIGIT: u8 = 65;

#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "computed by the compiler, which checks it"
)]
const fn digits() -> [u8; 256] {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut digits = [NO_DIGIT; 256];
    let mut value = 0;
    while value < alphabet.len() {
        digits[alphabet[value] as usize] = value as u8;
        value += 1;
    }
    digits[b'=' as usize] = PADDING;
    digits
}

/// Bytes that are no base64 digits are skipped, as the RFC asks; padding ends a group.
fn base64(piece: &[u8], bits: &mut u32, count: &mut u32, out: &mut Vec<u8>) {
    out.reserve(piece.len());
    for byte in piece {
        match DIGITS.get(usize::from(*byte)).copied().unwrap_or(NO_DIGIT) {
            NO_DIGIT => {}
            PADDING => (*bits, *count) = (0, 0),
            value => {
                // Six bits come in; whenever eight are there, they go out.
                *bits = *bits << 6 | u32::from(value);
                *count = count.wrapping_add(6);
                if *count >= 8 {
                    *count = count.wrapping_sub(8);
                    let [.., low] = (*bits >> *count).to_be_bytes();
                    out.push(low);
                }
            }
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
