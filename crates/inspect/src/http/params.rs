//! What is the value of this parameter?

/// The first value of `name` in `a=1&b=2` text, compared without regard to case (a rule that minds it compares again).
/// The value is as it stands in the text given: decoded for a normalised URI, as written for a body.
pub(super) fn value<'a>(text: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    text.split(|byte| *byte == b'&').find_map(|pair| {
        let equals = memchr::memchr(b'=', pair).unwrap_or(pair.len());
        let (key, value) = pair.split_at_checked(equals)?;
        key.eq_ignore_ascii_case(name).then(|| value.get(1..).unwrap_or_default())
    })
}
