//! Numbers compared with bounds: `>5`, `!3`, `10<>20`.

use crate::{Dialect, scan};

/// Inclusive bounds, possibly turned round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Range {
    /// Smallest number inside.
    pub min: i64,
    /// Largest number inside.
    pub max: i64,
    /// True where the numbers outside are meant.
    pub negated: bool,
}

impl Range {
    /// Exactly one number.
    #[must_use]
    pub fn exactly(number: i64) -> Self {
        Self { min: number, max: number, negated: false }
    }

    /// Whether a number satisfies the test.
    #[must_use]
    #[inline]
    pub fn contains(self, number: i64) -> bool {
        (self.min <= number && number <= self.max) != self.negated
    }

    /// Read `N`, `=N`, `!N`, `!=N`, `<N`, `<=N`, `>N`, `>=N`, `A<>B`, `A<=>B`.
    ///
    /// `A<>B` includes its ends in Snort 2.9 and leaves them out in the other dialects; `A<=>B` always includes them.
    pub(crate) fn read(text: &str, dialect: Dialect) -> Result<Self, String> {
        let text = text.trim();
        if let Some((low, high)) = text.split_once("<=>") {
            return Self::between(scan::number(low)?, scan::number(high)?, text);
        }
        if let Some((low, high)) = text.split_once("<>") {
            let inset = i64::from(dialect != Dialect::Snort2);
            return Self::between(
                scan::number(low)?.saturating_add(inset),
                scan::number(high)?.saturating_sub(inset),
                text,
            );
        }
        if let Some((low, high)) = text.split_once('-').filter(|(low, _)| !low.trim().is_empty()) {
            return Self::between(scan::number(low)?, scan::number(high)?, text);
        }
        type Build = fn(i64) -> Range;
        let operators: [(&str, Build); 8] = [
            ("!=", |n| Self { min: n, max: n, negated: true }),
            ("<=", |n| Self { min: i64::MIN, max: n, negated: false }),
            (">=", |n| Self { min: n, max: i64::MAX, negated: false }),
            ("!", |n| Self { min: n, max: n, negated: true }),
            ("<", |n| Self { min: i64::MIN, max: n.saturating_sub(1), negated: false }),
            (">", |n| Self { min: n.saturating_add(1), max: i64::MAX, negated: false }),
            ("=", Self::exactly),
            ("", Self::exactly),
        ];
        for (operator, build) in operators {
            if let Some(rest) = text.strip_prefix(operator) {
                return Ok(build(scan::number(rest)?));
            }
        }
        Err(format!("`{text}` is not a number or a range"))
    }

    fn between(min: i64, max: i64, text: &str) -> Result<Self, String> {
        if min > max {
            return Err(format!("`{text}` leaves no number inside"));
        }
        Ok(Self { min, max, negated: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_operator_holds_on_one_side_only() {
        for (text, inside, outside) in [
            ("5", 5, 6),
            ("!5", 6, 5),
            ("<5", 4, 5),
            ("<=5", 5, 6),
            (">5", 6, 5),
            (">=5", 5, 4),
            ("5<=>7", 7, 8),
            ("5<>7", 6, 7),
            (" > 2", 3, 2),
            ("1-2", 2, 3),
        ] {
            let range = Range::read(text, Dialect::Snort3).unwrap();
            assert!(range.contains(inside), "{text} holds for {inside}");
            assert!(!range.contains(outside), "{text} does not hold for {outside}");
        }
    }

    #[test]
    fn snort_2_includes_the_ends() {
        assert!(Range::read("5<>7", Dialect::Snort2).unwrap().contains(7));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "x", "7<=>5", "5<>6", ">", "99999999999999999999"] {
            assert!(Range::read(text, Dialect::Snort3).is_err(), "{text}");
        }
    }
}
