//! Where does a literal occur, and where may it?

use kodkod_rules::Amount;

use crate::compile::Content;

/// The part of the buffer where a content may lie, as `from..to`; none where it cannot be.
///
/// offset and depth count from the buffer's start, distance and within from the cursor; all that are given hold.
pub(crate) fn window(
    content: &Content,
    length: usize,
    cursor: usize,
    amount: impl Fn(Amount) -> i64,
) -> Option<(usize, usize)> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let cursor = i64::try_from(cursor).unwrap_or(i64::MAX);
    let (mut from, mut to) = (0, length);
    if content.offset.is_some() || content.depth.is_some() {
        let start = content.offset.map_or(0, &amount);
        // Counted from the cursor where the other words do.
        let is_relative = content.depth.is_none() && content.within.is_some() && content.distance.is_none();
        let start = if is_relative { cursor.saturating_add(start) } else { start };
        from = from.max(start);
        if let Some(depth) = content.depth {
            to = to.min(start.saturating_add(amount(depth)));
        }
    }
    if content.distance.is_some() || content.within.is_some() {
        let start = cursor.saturating_add(content.distance.map_or(0, &amount));
        from = from.max(start);
        if let Some(within) = content.within {
            to = to.min(start.saturating_add(amount(within)));
        }
    }
    let (from, to) = (usize::try_from(from.max(0)).ok()?, usize::try_from(to).ok()?);
    (from < to).then_some((from, to))
}

/// The first place at or after `next` in `region` where the content lies. `tail`: bytes from the region's start to the
/// buffer's end, for contents that have to end there.
pub(crate) fn find(content: &Content, region: &[u8], next: usize, tail: usize) -> Option<usize> {
    if content.ends_with {
        let at = tail.checked_sub(content.bytes.len()).filter(|at| *at >= next)?;
        let there = region.get(at..at + content.bytes.len())?;
        let is_same =
            if content.nocase() { there.eq_ignore_ascii_case(&content.bytes) } else { there == content.bytes };
        return is_same.then_some(at);
    }
    let rest = region.get(next..)?;
    let found = match &content.finder {
        Some(finder) => finder.find(rest),
        None => find_nocase(&content.bytes, rest),
    };
    found.map(|at| next + at)
}

/// `needle` is in lower case.
fn find_nocase(needle: &[u8], text: &[u8]) -> Option<usize> {
    let first = *needle.first()?;
    let last_start = text.len().checked_sub(needle.len())?;
    let starts = text.get(..=last_start)?;
    let upper = first.to_ascii_uppercase();
    let mut from = 0;
    while let Some(found) = starts.get(from..).and_then(|rest| memchr::memchr2(first, upper, rest)) {
        let at = from + found;
        if text.get(at..at + needle.len()).is_some_and(|there| there.eq_ignore_ascii_case(needle)) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nocase_finds_what_lower_case_would() {
        assert_eq!(find_nocase(b"cmd.exe", b"GET /CMD.exe"), Some(5));
        assert_eq!(find_nocase(b"aab", b"AaAaB"), Some(2));
        assert_eq!(find_nocase(b"abc", b"ab"), None);
        assert_eq!(find_nocase(b"abc", b"abxabC"), Some(3));
    }
}
