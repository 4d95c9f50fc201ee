//! Regular expressions: `pcre:"/…/flags"`.

use crate::{Buffer, BufferChoice, Dialect};

/// One `pcre`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pcre {
    /// The expression between the delimiters, as written.
    pub pattern: Vec<u8>,
    /// Must not match.
    pub negated: bool,
    /// `i`: letters match in either case.
    pub caseless: bool,
    /// `s`: a dot matches newlines.
    pub dot_all: bool,
    /// `m`: `^` and `$` match at lines.
    pub multi_line: bool,
    /// `x`: blanks in the expression do not count.
    pub extended: bool,
    /// `A`: matches only where it starts looking.
    pub anchored: bool,
    /// `E`: `$` does not match before a final newline.
    pub dollar_end_only: bool,
    /// `G`: repeats are lazy unless followed by `?`.
    pub ungreedy: bool,
    /// `R`: start from the cursor.
    pub relative: bool,
    /// `O`: the author asks for no match limit; ours holds nevertheless.
    pub unlimited: bool,
}

impl Pcre {
    /// Read the quoted expression; also gives the buffer that a flag names.
    pub(crate) fn read(value: &[u8], dialect: Dialect) -> Result<(Self, Option<BufferChoice>), String> {
        let value = value.trim_ascii();
        let (mut negated, quoted) = match value.strip_prefix(b"!") {
            Some(rest) => (true, rest.trim_ascii_start()),
            None => (false, value),
        };
        let mut text = quoted.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(quoted);
        if let Some(rest) = text.strip_prefix(b"!") {
            (negated, text) = (true, rest);
        }
        let (delimiter, rest) = match text {
            [b'/', rest @ ..] => (b'/', rest),
            [b'm', delimiter, rest @ ..] => (*delimiter, rest),
            _ => return Err("an expression stands between slashes".to_owned()),
        };
        let end =
            rest.iter().rposition(|byte| *byte == delimiter).ok_or("the expression is not closed by its delimiter")?;
        let mut pcre = Self {
            pattern: unescaped(&rest[..end]),
            negated,
            caseless: false,
            dot_all: false,
            multi_line: false,
            extended: false,
            anchored: false,
            dollar_end_only: false,
            ungreedy: false,
            relative: false,
            unlimited: false,
        };
        let buffer = pcre.flags(&rest[end + 1..], dialect)?;
        Ok((pcre, buffer))
    }

    fn flags(&mut self, flags: &[u8], dialect: Dialect) -> Result<Option<BufferChoice>, String> {
        let mut buffer: Option<BufferChoice> = None;
        for flag in flags {
            match flag {
                b'i' => self.caseless = true,
                b's' => self.dot_all = true,
                b'm' => self.multi_line = true,
                b'x' => self.extended = true,
                b'A' => self.anchored = true,
                b'E' => self.dollar_end_only = true,
                b'G' => self.ungreedy = true,
                b'R' => self.relative = true,
                b'O' => self.unlimited = true,
                b' ' => {}
                other => {
                    let named = (dialect != Dialect::Snort3)
                        .then(|| Buffer::pcre_flag(char::from(*other), dialect))
                        .flatten()
                        .ok_or_else(|| format!("`{}` is no flag of an expression", char::from(*other)))?;
                    if buffer.as_ref().is_some_and(|buffer| *buffer != named) {
                        return Err("the flags name two buffers".to_owned());
                    }
                    buffer = Some(named);
                }
            }
        }
        Ok(buffer)
    }
}

/// The rule language asks for `\;` and `\"`; to the expression these are the characters themselves, escaped or not.
fn unescaped(pattern: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(pattern.len());
    let mut bytes = pattern.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => match bytes.next() {
                Some(escaped @ (b';' | b'"')) => plain.push(*escaped),
                Some(other) => plain.extend([b'\\', *other]),
                None => plain.push(b'\\'),
            },
            other => plain.push(*other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_and_negation() {
        let (pcre, buffer) = Pcre::read(br#"!"/a\/b\;c/Ri""#, Dialect::Snort3).unwrap();
        assert!(pcre.negated && pcre.relative && pcre.caseless && buffer.is_none());
        assert_eq!(pcre.pattern, br"a\/b;c");
    }

    #[test]
    fn letters_name_buffers_in_the_old_dialects_only() {
        let (_, buffer) = Pcre::read(br#""/a/Ui""#, Dialect::Snort2).unwrap();
        assert_eq!(buffer, Some(BufferChoice::whole(Buffer::HttpUri)));
        assert!(Pcre::read(br#""/a/U""#, Dialect::Snort3).is_err());
        assert!(Pcre::read(br#""/a/UH""#, Dialect::Snort2).is_err());
        assert!(Pcre::read(br#""/a""#, Dialect::Snort2).is_err());
    }
}
