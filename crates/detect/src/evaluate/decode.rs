//! Bytes made of bytes: Base64, BER, digests, Suricata's transformations.

use kodkod_rules::{Base64Decode, BerSkip, DigestAlgorithm, HashMatch, Transform};
use sha2::Digest;

/// Most bytes that are decoded; Snort's bound is the same order.
const MAX_DECODED: usize = 16 * 1024;

/// What the Base64 text at the place decodes to; none where there is none. Blanks and line ends inside are passed over
/// as far as a folded header may have them.
pub(crate) fn base64(decode: &Base64Decode, buffer: &[u8], cursor: usize) -> Option<Vec<u8>> {
    let base = if decode.relative { cursor } else { 0 };
    let start = base.checked_add(usize::try_from(decode.offset).ok()?)?;
    let rest = buffer.get(start..)?;
    let limit =
        decode.bytes.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(rest.len()).min(MAX_DECODED * 4 / 3);
    let mut decoded = Vec::new();
    let (mut bits, mut held) = (0_u32, 0_u32);
    let mut text = rest.iter().take(limit).peekable();
    while let Some(byte) = text.next() {
        let Some(digit) = digit(*byte) else {
            let folds = matches!(byte, b'\r' | b'\n') && matches!(text.peek(), Some(b'\n' | b' ' | b'\t'));
            if folds || (matches!(byte, b' ' | b'\t') && held_fold(&decoded)) {
                continue;
            }
            break;
        };
        bits = bits << 6 | digit;
        held += 6;
        if held >= 8 {
            held -= 8;
            decoded.push(u8::try_from(bits >> held & 0xff).unwrap_or(0));
            bits &= (1 << held) - 1;
        }
    }
    (!decoded.is_empty()).then_some(decoded)
}

/// Blanks count as part of a fold only once something was decoded.
fn held_fold(decoded: &[u8]) -> bool {
    !decoded.is_empty()
}

fn digit(byte: u8) -> Option<u32> {
    Some(u32::from(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    }))
}

/// Length of the value and of the header of the BER element at the start; lengths of up to four bytes are read.
fn ber(kind: u8, rest: &[u8]) -> Option<(usize, usize)> {
    let [first, length, tail @ ..] = rest else { return None };
    if *first != kind {
        return None;
    }
    if *length < 0x80 {
        return Some((usize::from(*length), 2));
    }
    let count = usize::from(length & 0x7f);
    if count == 0 || count > 4 {
        return None;
    }
    let value = tail.get(..count)?.iter().fold(0_usize, |value, byte| value << 8 | usize::from(*byte));
    Some((value, 2 + count))
}

/// Move to the content of the element of that type.
pub(crate) fn ber_data(kind: u8, buffer: &[u8], at: &mut usize) -> bool {
    match buffer.get(*at..).and_then(|rest| ber(kind, rest)) {
        Some((_, header)) => {
            *at += header;
            true
        }
        None => false,
    }
}

/// Move behind the element of that type.
pub(crate) fn ber_skip(skip: BerSkip, buffer: &[u8], at: &mut usize) -> bool {
    let Some((length, header)) = buffer.get(*at..).and_then(|rest| ber(skip.kind, rest)) else { return skip.optional };
    match at.checked_add(header + length).filter(|end| *end <= buffer.len()) {
        Some(end) => {
            *at = end;
            true
        }
        None => false,
    }
}

/// Whether the digest of the part is the one wanted.
pub(crate) fn hash(hash: &HashMatch, buffer: &[u8], cursor: usize) -> bool {
    let base = if hash.relative { i64::try_from(cursor).unwrap_or(i64::MAX) } else { 0 };
    let part = usize::try_from(base.saturating_add(hash.offset)).ok().and_then(|start| {
        let end = start.checked_add(usize::try_from(hash.length).ok()?)?;
        buffer.get(start..end)
    });
    let Some(part) = part else { return false };
    let is_same = match hash.algorithm {
        DigestAlgorithm::Md5 => md5::Md5::digest(part)[..] == hash.digest[..],
        DigestAlgorithm::Sha256 => sha2::Sha256::digest(part)[..] == hash.digest[..],
        DigestAlgorithm::Sha512 => sha2::Sha512::digest(part)[..] == hash.digest[..],
    };
    is_same != hash.negated
}

/// `\r\nHost\r\nAccept\r\n\r\n` of raw headers; folded lines have no name.
pub(crate) fn header_names(headers: &[u8]) -> Vec<u8> {
    let mut names = b"\r\n".to_vec();
    for line in headers.split(|byte| *byte == b'\n').filter(|line| !line.first().is_some_and(|byte| is_blank(*byte))) {
        if let Some(colon) = line.iter().position(|byte| *byte == b':') {
            names.extend(line[..colon].trim_ascii());
            names.extend(b"\r\n");
        }
    }
    names.extend(b"\r\n");
    names
}

/// The bytes after all transformations.
pub(crate) fn transformed(buffer: &[u8], transforms: &[Transform]) -> Vec<u8> {
    transforms.iter().fold(buffer.to_vec(), |bytes, transform| apply(*transform, bytes))
}

fn apply(transform: Transform, mut bytes: Vec<u8>) -> Vec<u8> {
    match transform {
        Transform::DotPrefix => {
            bytes.insert(0, b'.');
            bytes
        }
        Transform::StripWhitespace => {
            bytes.retain(|byte| !is_blank(*byte));
            bytes
        }
        Transform::CompressWhitespace => {
            let mut before = false;
            bytes.retain_mut(|byte| {
                let is_again = before && is_blank(*byte);
                before = is_blank(*byte);
                if before {
                    *byte = b' ';
                }
                !is_again
            });
            bytes
        }
        Transform::ToLower => bytes.to_ascii_lowercase(),
        Transform::ToUpper => bytes.to_ascii_uppercase(),
        Transform::UrlDecode => url_decoded(&bytes),
        Transform::ToMd5 => md5::Md5::digest(&bytes).to_vec(),
        Transform::ToSha1 => sha1::Sha1::digest(&bytes).to_vec(),
        Transform::ToSha256 => sha2::Sha256::digest(&bytes).to_vec(),
    }
}

fn is_blank(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

fn url_decoded(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        let hex = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        match (first, tail) {
            (b'%', [high, low, after @ ..]) if hex(high).is_some() && hex(low).is_some() => {
                plain.push(hex(high).unwrap_or(0) << 4 | hex(low).unwrap_or(0));
                rest = after;
                continue;
            }
            (b'+', _) => plain.push(b' '),
            (other, _) => plain.push(*other),
        }
        rest = tail;
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_from_the_cursor() {
        let decode = Base64Decode { bytes: None, offset: 1, relative: true };
        assert_eq!(base64(&decode, b"auth: aGVsbG8=; x", 5).as_deref(), Some(&b"hello"[..]));
        assert_eq!(base64(&decode, b"auth: ;", 5), None);
        let short = Base64Decode { bytes: Some(4), offset: 0, relative: false };
        assert_eq!(base64(&short, b"aGVsbG8=", 0).as_deref(), Some(&b"hel"[..]));
    }

    #[test]
    fn ber_elements_are_entered_and_skipped() {
        let bytes = [0x30, 5, 0x02, 1, 7, 0x04, 0];
        let mut at = 0;
        assert!(ber_data(0x30, &bytes, &mut at) && at == 2);
        assert!(ber_skip(BerSkip { kind: 0x02, optional: false }, &bytes, &mut at) && at == 5);
        assert!(!ber_data(0x30, &bytes, &mut at));
        assert!(ber_skip(BerSkip { kind: 0x30, optional: true }, &bytes, &mut at) && at == 5);
        assert!(!ber_skip(BerSkip { kind: 0x30, optional: false }, &bytes, &mut at));
    }

    #[test]
    fn names_of_headers() {
        assert_eq!(header_names(b"Host: a:1\r\nX:\r\n folded: no\r\n"), b"\r\nHost\r\nX\r\n\r\n");
    }

    #[test]
    fn transformations_in_their_order() {
        assert_eq!(transformed(b"Example.com", &[Transform::ToLower, Transform::DotPrefix]), b".example.com");
        assert_eq!(transformed(b"a \t\n b", &[Transform::CompressWhitespace]), b"a b");
        assert_eq!(transformed(b"a%41+%4", &[Transform::UrlDecode]), b"aA %4");
    }
}
