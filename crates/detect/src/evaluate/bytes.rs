//! Numbers in buffers.

use kodkod_rules::{
    Amount, ByteExtract, ByteJump, ByteMath, ByteTest, Comparison, Dialect, Encoding, Endian, IsDataAt, JumpBase,
    MathOperator, NumberBase,
};

use super::{Cursor, Evaluation};

/// Where a number stands and how it is written.
struct Reading {
    count: i64,
    offset: i64,
    is_relative: bool,
    encoding: Encoding,
    bitmask: Option<u32>,
}

/// A number and the position behind it.
struct Number {
    value: u64,
    end: usize,
}

impl Reading {
    fn read(&self, cursor: &Cursor<'_>) -> Option<Number> {
        let base = if self.is_relative { i64::try_from(cursor.at).ok()? } else { 0 };
        let start = usize::try_from(base.checked_add(self.offset)?).ok()?;
        let count = usize::try_from(self.count).ok()?;
        let text = cursor.buffer.get(start..start.checked_add(count)?)?;
        let (value, used) = match self.encoding {
            Encoding::Binary(Endian::Little) => (text.iter().rev().fold(0, append), count),
            Encoding::Binary(Endian::Big | Endian::Dce) => (text.iter().fold(0, append), count),
            Encoding::Text(base) => written(text, base)?,
        };
        let value = match self.bitmask {
            Some(mask) => (value & u64::from(mask)) >> mask.trailing_zeros(),
            None => value,
        };
        Some(Number { value, end: start + used })
    }
}

fn append(value: u64, byte: &u8) -> u64 {
    value << 8 | u64::from(*byte)
}

/// A number in digits, blanks before it allowed; how many bytes it took.
fn written(text: &[u8], base: NumberBase) -> Option<(u64, usize)> {
    let radix = match base {
        NumberBase::Decimal => 10,
        NumberBase::Hex => 16,
        NumberBase::Octal => 8,
    };
    let blanks = text.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let mut digits = text.get(blanks..)?;
    let mut used = blanks;
    if radix == 16
        && let Some(rest) = digits.strip_prefix(b"0x").or_else(|| digits.strip_prefix(b"0X"))
    {
        (digits, used) = (rest, used + 2);
    }
    let mut value: Option<u64> = None;
    for byte in digits {
        let Some(digit) = char::from(*byte).to_digit(radix) else { break };
        value = Some(value.unwrap_or(0).checked_mul(u64::from(radix))?.checked_add(u64::from(digit))?);
        used += 1;
    }
    value.map(|value| (value, used))
}

impl Evaluation<'_> {
    fn reading(
        &self,
        count: Amount,
        offset: Amount,
        is_relative: bool,
        encoding: Encoding,
        bitmask: Option<u32>,
    ) -> Reading {
        Reading { count: self.amount(count), offset: self.amount(offset), is_relative, encoding, bitmask }
    }

    pub(super) fn byte_test(&self, test: &ByteTest, cursor: &Cursor<'_>) -> bool {
        let mut reading = self.reading(test.count, test.offset, test.relative, test.encoding, test.bitmask);
        if let (Encoding::Text(_), 0) = (test.encoding, reading.count) {
            // "As many digits as there are", up to what a number can have.
            reading.count = i64::try_from(cursor.buffer.len()).unwrap_or(0).min(23);
        }
        // Text may end before `count` bytes.
        if matches!(test.encoding, Encoding::Text(_)) {
            let base = if test.relative { i64::try_from(cursor.at).unwrap_or(i64::MAX) } else { 0 };
            let room =
                i64::try_from(cursor.buffer.len()).unwrap_or(0).saturating_sub(base.saturating_add(reading.offset));
            reading.count = reading.count.min(room.max(0));
        }
        let Some(number) = reading.read(cursor) else { return false };
        let (found, wanted) = (i128::from(number.value), i128::from(self.amount(test.value)));
        let holds = match test.comparison {
            Comparison::Less => found < wanted,
            Comparison::LessOrEqual => found <= wanted,
            Comparison::Equal => found == wanted,
            Comparison::Greater => found > wanted,
            Comparison::GreaterOrEqual => found >= wanted,
            Comparison::And => found & wanted != 0,
            Comparison::Xor => found ^ wanted != 0,
        };
        holds != test.negated
    }

    pub(super) fn byte_jump(&self, jump: &ByteJump, cursor: &mut Cursor<'_>) -> bool {
        let reading = self.reading(jump.count, jump.offset, jump.relative, jump.encoding, jump.bitmask);
        let (value, end) = if reading.count == 0 {
            // Nothing is read: only post_offset moves, from where it would have been read.
            let base = if jump.relative { i64::try_from(cursor.at).unwrap_or(i64::MAX) } else { 0 };
            (0, base.saturating_add(reading.offset))
        } else {
            let Some(number) = reading.read(cursor) else { return false };
            (i64::try_from(number.value).unwrap_or(i64::MAX), i64::try_from(number.end).unwrap_or(i64::MAX))
        };
        let mut distance = value.saturating_mul(i64::from(jump.multiplier));
        if jump.align {
            distance = distance.saturating_add(3) & !3;
        }
        let base = match jump.base {
            JumpBase::Number => end,
            JumpBase::Beginning => 0,
            JumpBase::End => i64::try_from(cursor.buffer.len()).unwrap_or(i64::MAX),
        };
        let target = base.saturating_add(distance).saturating_add(self.amount(jump.post_offset));
        match usize::try_from(target) {
            Ok(target) if target <= cursor.buffer.len() => {
                cursor.at = target;
                true
            }
            _ => false,
        }
    }

    pub(super) fn byte_extract(&mut self, extract: &ByteExtract, cursor: &mut Cursor<'_>) -> bool {
        let reading = self.reading(extract.count, extract.offset, extract.relative, extract.encoding, extract.bitmask);
        let Some(number) = reading.read(cursor) else { return false };
        let mut value = number.value.saturating_mul(u64::from(extract.multiplier));
        if extract.align > 1 {
            value = value.checked_next_multiple_of(u64::from(extract.align)).unwrap_or(value);
        }
        cursor.at = number.end;
        self.remember(extract.variable, i64::try_from(value).unwrap_or(i64::MAX))
    }

    pub(super) fn byte_math(&mut self, math: &ByteMath, cursor: &mut Cursor<'_>) -> bool {
        let reading = self.reading(math.count, math.offset, math.relative, math.encoding, math.bitmask);
        let Some(number) = reading.read(cursor) else { return false };
        let (left, right) = (i64::try_from(number.value).unwrap_or(i64::MAX), self.amount(math.value));
        let shift = u32::try_from(right).unwrap_or(64);
        let result = match math.operator {
            MathOperator::Add => left.checked_add(right),
            MathOperator::Subtract => left.checked_sub(right).filter(|result| *result >= 0),
            MathOperator::Multiply => left.checked_mul(right),
            MathOperator::Divide => left.checked_div(right),
            MathOperator::ShiftLeft => left.checked_shl(shift),
            MathOperator::ShiftRight => left.checked_shr(shift),
        };
        cursor.at = number.end;
        result.is_some_and(|result| self.remember(math.variable, result))
    }

    fn remember(&mut self, variable: u8, value: i64) -> bool {
        match self.variables.get_mut(usize::from(variable)) {
            Some(place) => {
                *place = value;
                true
            }
            None => false,
        }
    }

    pub(super) fn is_data_at(&self, at: &IsDataAt, dialect: Dialect, cursor: &Cursor<'_>) -> bool {
        let base = if at.relative { i64::try_from(cursor.at).unwrap_or(i64::MAX) } else { 0 };
        let position = base.saturating_add(self.amount(at.position));
        let length = i64::try_from(cursor.buffer.len()).unwrap_or(i64::MAX);
        let there = if dialect == Dialect::Suricata && at.relative { position <= length } else { position < length };
        (position >= 0 && there) != at.negated
    }
}
