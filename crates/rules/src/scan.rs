//! Small readings that all options share: numbers, argument lists, quoted text.

/// A decimal or 0x number with an optional sign.
pub(crate) fn number(text: &str) -> Result<i64, String> {
    let text = text.trim();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let value = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hex) => i64::from_str_radix(hex, 16),
        None => digits.parse::<i64>(),
    };
    match value {
        Ok(value) if !digits.starts_with(['-', '+']) => Ok(sign * value),
        _ => Err(format!("`{text}` is not a number")),
    }
}

/// A number that fits the type wanted.
pub(crate) fn small<T: TryFrom<i64>>(text: &str) -> Result<T, String> {
    T::try_from(number(text)?).map_err(|_| format!("`{}` is out of range", text.trim()))
}

/// Arguments between commas, trimmed. Commas inside double quotes do not count.
pub(crate) fn arguments(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let (mut start, mut quoted, mut escaped) = (0, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => {
                found.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    found.push(text[start..].trim());
    found
}

/// Take off one pair of double quotes, if there.
pub(crate) fn unquoted(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')).unwrap_or(text)
}

/// Split `word rest` at the first run of blanks.
pub(crate) fn word_and_rest(text: &str) -> (&str, &str) {
    match text.trim().split_once(char::is_whitespace) {
        Some((word, rest)) => (word, rest.trim()),
        None => (text.trim(), ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_signs_and_bases() {
        assert_eq!(number(" 12 "), Ok(12));
        assert_eq!(number("-0x10"), Ok(-16));
        assert!(number("--1").is_err());
        assert!(number("").is_err());
        assert!(number("1a").is_err());
    }

    #[test]
    fn commas_in_quotes_stay() {
        assert_eq!(arguments(r#""a,b", c"#), ["\"a,b\"", "c"]);
    }
}
