//! What is read before it is looked at: base64_decode, ber_skip, digests.

use crate::scan;

/// `base64_decode:bytes 150,offset 10,relative`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Base64Decode {
    /// Encoded bytes to read at most.
    pub bytes: Option<u32>,
    /// Where from.
    pub offset: u32,
    /// `offset` counts from the cursor.
    pub relative: bool,
}

/// `ber_skip:0x01,optional`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BerSkip {
    /// Type of the element.
    pub kind: u8,
    /// It may be missing.
    pub optional: bool,
}

/// Digest algorithms of `md5`, `sha256`, `sha512`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the algorithm of that name")]
pub enum DigestAlgorithm {
    Md5,
    Sha256,
    Sha512,
}

/// `md5:"…",length 42,offset 5`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HashMatch {
    /// Which.
    pub algorithm: DigestAlgorithm,
    /// What it has to be.
    pub digest: Vec<u8>,
    /// Of so many bytes.
    pub length: u32,
    /// From here.
    pub offset: i64,
    /// Counted from the cursor.
    pub relative: bool,
    /// It must not be.
    pub negated: bool,
}

impl Base64Decode {
    pub(crate) fn read(value: &str) -> Result<Self, String> {
        let mut found = Self::default();
        for argument in scan::arguments(value).into_iter().filter(|argument| !argument.is_empty()) {
            match scan::word_and_rest(argument) {
                ("bytes", rest) => found.bytes = Some(scan::small(rest)?),
                ("offset", rest) => found.offset = scan::small(rest)?,
                ("relative", _) => found.relative = true,
                (other, _) => return Err(format!("`{other}` is not known here")),
            }
        }
        Ok(found)
    }
}

impl BerSkip {
    pub(crate) fn read(value: &str) -> Result<Self, String> {
        match scan::arguments(value).as_slice() {
            [kind] => Ok(Self { kind: scan::small(kind)?, optional: false }),
            [kind, "optional"] => Ok(Self { kind: scan::small(kind)?, optional: true }),
            _ => Err("ber_skip has the shape `type[,optional]`".to_owned()),
        }
    }
}

impl HashMatch {
    pub(crate) fn read(algorithm: DigestAlgorithm, value: &str) -> Result<Self, String> {
        let arguments = scan::arguments(value);
        let [first, words @ ..] = arguments.as_slice() else { return Err("a digest is needed".to_owned()) };
        let (negated, text) = match first.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, *first),
        };
        let digest = hex(scan::unquoted(text)).ok_or_else(|| "a digest is written in hex digits".to_owned())?;
        let size = match algorithm {
            DigestAlgorithm::Md5 => 16,
            DigestAlgorithm::Sha256 => 32,
            DigestAlgorithm::Sha512 => 64,
        };
        if digest.len() != size {
            return Err(format!("the digest has {} bytes and not {size}", digest.len()));
        }
        let (mut length, mut offset, mut relative) = (0, 0, false);
        for word in words {
            match scan::word_and_rest(word) {
                ("length", rest) => length = scan::small(rest)?,
                ("offset", rest) => offset = scan::number(rest)?,
                ("relative", _) => relative = true,
                (other, _) => return Err(format!("`{other}` is not known here")),
            }
        }
        if length == 0 {
            return Err("the length of the digested bytes is needed".to_owned());
        }
        Ok(Self { algorithm, digest, length, offset, relative, negated })
    }
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if digits.len() % 2 != 0 {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    digits.chunks(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_have_their_size() {
        assert!(HashMatch::read(DigestAlgorithm::Md5, "\"00112233445566778899aabbccddeeff\",length 4").is_ok());
        assert!(HashMatch::read(DigestAlgorithm::Sha256, "\"00112233445566778899aabbccddeeff\",length 4").is_err());
    }
}
