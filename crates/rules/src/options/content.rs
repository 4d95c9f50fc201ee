//! Literal bytes: `content:"a|0D 0A|b",nocase,depth 5`.

use super::Names;

/// A number written in the rule, or one that the rule remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// Written.
    Number(i64),
    /// Remembered: index in `Rule::variables`.
    Variable(u8),
}

/// The author's word about the fast pattern.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FastPattern {
    /// Bytes left out at the start.
    pub offset: u16,
    /// Bytes taken; none: to the end.
    pub length: Option<u16>,
    /// Use it to find candidates only (Snort 2.9 `fast_pattern:only`): position does not matter.
    pub only: bool,
}

/// One `content`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// What to find; never empty.
    pub bytes: Vec<u8>,
    /// Must not be found.
    pub negated: bool,
    /// Letters match in either case.
    pub nocase: bool,
    /// Start looking so far from the buffer's start.
    pub offset: Option<Amount>,
    /// Look at so many bytes from `offset`.
    pub depth: Option<Amount>,
    /// Start looking so far from the cursor.
    pub distance: Option<Amount>,
    /// Look at so many bytes from there.
    pub within: Option<Amount>,
    /// Has to end where the buffer ends.
    pub ends_with: bool,
    /// Named as the fast pattern.
    pub fast_pattern: Option<FastPattern>,
}

/// A word behind a content.
pub(crate) enum ContentModifier {
    NoCase,
    Offset,
    Depth,
    Distance,
    Within,
    FastPattern,
    FastPatternOffset,
    FastPatternLength,
    StartsWith,
    EndsWith,
}

impl ContentModifier {
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "nocase" => Self::NoCase,
            "offset" => Self::Offset,
            "depth" => Self::Depth,
            "distance" => Self::Distance,
            "within" => Self::Within,
            "fast_pattern" => Self::FastPattern,
            "fast_pattern_offset" => Self::FastPatternOffset,
            "fast_pattern_length" => Self::FastPatternLength,
            "startswith" => Self::StartsWith,
            "endswith" => Self::EndsWith,
            _ => return None,
        })
    }
}

impl Content {
    /// Read the quoted text, with an optional `!` before it.
    pub(crate) fn read(value: &[u8]) -> Result<Self, String> {
        let value = value.trim_ascii();
        let (negated, quoted) = match value.strip_prefix(b"!") {
            Some(rest) => (true, rest.trim_ascii_start()),
            None => (false, value),
        };
        let text = quoted
            .strip_prefix(b"\"")
            .and_then(|rest| rest.strip_suffix(b"\""))
            .ok_or_else(|| "the text of a content stands in double quotes".to_owned())?;
        let bytes = bytes_of(text)?;
        if bytes.is_empty() {
            return Err("an empty content matches everywhere".to_owned());
        }
        Ok(Self { bytes, negated, ..Self::default() })
    }

    pub(crate) fn modify(&mut self, modifier: &ContentModifier, argument: &str, names: &Names) -> Result<(), String> {
        match modifier {
            ContentModifier::NoCase => self.nocase = true,
            ContentModifier::Offset => self.offset = Some(names.amount(argument)?),
            ContentModifier::Depth => self.depth = Some(names.amount(argument)?),
            ContentModifier::Distance => self.distance = Some(names.amount(argument)?),
            ContentModifier::Within => self.within = Some(names.amount(argument)?),
            ContentModifier::FastPattern => self.fast_pattern = Some(fast_pattern(argument)?),
            ContentModifier::FastPatternOffset => {
                self.fast_pattern.get_or_insert_default().offset = crate::scan::small(argument)?;
            }
            ContentModifier::FastPatternLength => {
                self.fast_pattern.get_or_insert_default().length = Some(crate::scan::small(argument)?);
            }
            ContentModifier::StartsWith => {
                self.offset = Some(Amount::Number(0));
                self.depth = Some(Amount::Number(i64::try_from(self.bytes.len()).unwrap_or(i64::MAX)));
            }
            ContentModifier::EndsWith => self.ends_with = true,
        }
        Ok(())
    }

    /// What no buffer could ever satisfy.
    pub(crate) fn check(&self) -> Result<(), String> {
        let length = i64::try_from(self.bytes.len()).unwrap_or(i64::MAX);
        for (name, window) in [("depth", self.depth), ("within", self.within)] {
            if let Some(Amount::Number(window)) = window
                && window < length
            {
                return Err(format!("{name} {window} is shorter than the content's {length} bytes"));
            }
        }
        if let Some(pattern) = self.fast_pattern {
            let end = usize::from(pattern.offset) + usize::from(pattern.length.unwrap_or(1));
            if end > self.bytes.len() {
                return Err("the fast pattern lies outside the content".to_owned());
            }
        }
        Ok(())
    }
}

/// `only`, `offset,length` or nothing.
fn fast_pattern(argument: &str) -> Result<FastPattern, String> {
    match argument.trim() {
        "" => Ok(FastPattern::default()),
        "only" => Ok(FastPattern { only: true, ..FastPattern::default() }),
        pair => {
            let (offset, length) = pair.split_once(',').ok_or_else(|| format!("`{pair}` is not `offset,length`"))?;
            Ok(FastPattern {
                offset: crate::scan::small(offset)?,
                length: Some(crate::scan::small(length)?),
                only: false,
            })
        }
    }
}

/// Text with `|hex|` stretches and backslash escapes.
fn bytes_of(text: &[u8]) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        rest = tail;
        match first {
            b'|' => {
                let end =
                    rest.iter().position(|byte| *byte == b'|').ok_or("a stretch of hex bytes is not closed by `|`")?;
                hex_bytes(&rest[..end], &mut bytes)?;
                rest = &rest[end + 1..];
            }
            b'\\' => match rest {
                [escaped, tail @ ..] => {
                    bytes.push(*escaped);
                    rest = tail;
                }
                [] => return Err("the text ends in a lone backslash".to_owned()),
            },
            other => bytes.push(*other),
        }
    }
    Ok(bytes)
}

fn hex_bytes(text: &[u8], bytes: &mut Vec<u8>) -> Result<(), String> {
    let mut high: Option<u8> = None;
    for letter in text {
        let digit = match letter {
            b'0'..=b'9' => letter - b'0',
            b'a'..=b'f' => letter - b'a' + 10,
            b'A'..=b'F' => letter - b'A' + 10,
            b' ' | b'\t' if high.is_none() => continue,
            other => return Err(format!("`{}` is no hex digit", char::from(*other))),
        };
        match high.take() {
            Some(first) => bytes.push(first << 4 | digit),
            None => high = Some(digit),
        }
    }
    if high.is_some() { Err("a hex byte has two digits".to_owned()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_and_escapes() {
        let content = Content::read(br#"!"a|0d 0A|\"b\;\\""#).unwrap();
        assert!(content.negated);
        assert_eq!(content.bytes, b"a\r\n\"b;\\");
    }

    #[test]
    fn broken_texts_are_refused() {
        for text in ["abc", "\"\"", "\"|4|\"", "\"|41\"", "\"|4x|\"", "\"a\\\""] {
            assert!(Content::read(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn a_window_shorter_than_the_text_never_matches() {
        let mut content = Content::read(b"\"abcd\"").unwrap();
        content.modify(&ContentModifier::Depth, "3", &Names::default()).unwrap();
        assert!(content.check().is_err());
    }
}
