//! Numbers inside buffers: byte_test, byte_jump, byte_extract, byte_math, isdataat, base64_decode, ber_skip, digests.

use crate::options::{Amount, Names};
use crate::scan;

/// Byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the order of that name; `Dce` is told by the DCE/RPC header")]
pub enum Endian {
    Big,
    Little,
    Dce,
}

/// Base of a number written as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the base of that name")]
pub enum NumberBase {
    Decimal,
    Hex,
    Octal,
}

/// How a number is written in the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// As bytes.
    Binary(Endian),
    /// As text (`string,dec`).
    Text(NumberBase),
}

/// Operators of `byte_test`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the comparison of that name")]
pub enum Comparison {
    Less,
    LessOrEqual,
    Equal,
    Greater,
    GreaterOrEqual,
    And,
    Xor,
}

/// `byte_test:4,>,1024,0,relative`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteTest {
    /// Bytes to read.
    pub count: Amount,
    /// How to compare.
    pub comparison: Comparison,
    /// True: the comparison must fail.
    pub negated: bool,
    /// With what.
    pub value: Amount,
    /// Where from.
    pub offset: Amount,
    /// `offset` counts from the cursor.
    pub relative: bool,
    /// How the number is written.
    pub encoding: Encoding,
    /// Bits to keep; shifted down to the lowest one.
    pub bitmask: Option<u32>,
}

/// What a jump starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JumpBase {
    /// Behind the number read.
    Number,
    /// The buffer's start.
    Beginning,
    /// The buffer's end.
    End,
}

/// `byte_jump:4,12,relative,little`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteJump {
    /// Bytes to read.
    pub count: Amount,
    /// Where from.
    pub offset: Amount,
    /// `offset` counts from the cursor.
    pub relative: bool,
    /// How the number is written.
    pub encoding: Encoding,
    /// The number is multiplied by this.
    pub multiplier: u32,
    /// Rounded up to a multiple of 4.
    pub align: bool,
    /// Starting from.
    pub base: JumpBase,
    /// Added at the end.
    pub post_offset: Amount,
    /// Bits to keep; shifted down to the lowest one.
    pub bitmask: Option<u32>,
}

/// `byte_extract:2,0,length,relative`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteExtract {
    /// Bytes to read.
    pub count: Amount,
    /// Where from.
    pub offset: Amount,
    /// `offset` counts from the cursor.
    pub relative: bool,
    /// How the number is written.
    pub encoding: Encoding,
    /// Remembered as this variable.
    pub variable: u8,
    /// Multiplied by this.
    pub multiplier: u32,
    /// Rounded up to a multiple of this; 0 and 1 for not at all.
    pub align: u8,
    /// Bits to keep; shifted down to the lowest one.
    pub bitmask: Option<u32>,
}

/// Operators of `byte_math`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the operation of that name")]
pub enum MathOperator {
    Add,
    Subtract,
    Multiply,
    Divide,
    ShiftLeft,
    ShiftRight,
}

/// `byte_math:bytes 2,offset 0,oper *,rvalue 10,result area`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteMath {
    /// Bytes to read.
    pub count: Amount,
    /// Where from.
    pub offset: Amount,
    /// `offset` counts from the cursor.
    pub relative: bool,
    /// How the number is written.
    pub encoding: Encoding,
    /// What to do with it.
    pub operator: MathOperator,
    /// And with what.
    pub value: Amount,
    /// Remembered as this variable.
    pub variable: u8,
    /// Bits to keep; shifted down to the lowest one.
    pub bitmask: Option<u32>,
}

/// `isdataat:!10,relative`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IsDataAt {
    /// How far on.
    pub position: Amount,
    /// Counted from the cursor.
    pub relative: bool,
    /// There must be none.
    pub negated: bool,
}

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

/// What the byte options share: words behind the fixed arguments.
struct Words {
    relative: bool,
    endian: Endian,
    text: Option<NumberBase>,
    multiplier: u32,
    align: Option<u8>,
    base: JumpBase,
    post_offset: Amount,
    bitmask: Option<u32>,
}

impl Words {
    fn read(words: &[&str], names: &Names) -> Result<Self, String> {
        let mut found = Self {
            relative: false,
            endian: Endian::Big,
            text: None,
            multiplier: 1,
            align: None,
            base: JumpBase::Number,
            post_offset: Amount::Number(0),
            bitmask: None,
        };
        for argument in words {
            let (word, rest) = scan::word_and_rest(argument);
            match word {
                "relative" => found.relative = true,
                "big" => found.endian = Endian::Big,
                "little" => found.endian = Endian::Little,
                "endian" => found.endian = if rest == "little" { Endian::Little } else { Endian::Big },
                "dce" => found.endian = Endian::Dce,
                "string" => found.text = Some(if rest.is_empty() { NumberBase::Decimal } else { base_of(rest)? }),
                "hex" | "dec" | "oct" => found.text = Some(base_of(word)?),
                "multiplier" => found.multiplier = scan::small(rest)?,
                "align" => found.align = Some(if rest.is_empty() { 4 } else { scan::small(rest)? }),
                "from_beginning" => found.base = JumpBase::Beginning,
                "from_end" => found.base = JumpBase::End,
                "post_offset" => found.post_offset = names.amount(rest)?,
                "bitmask" => found.bitmask = Some(mask(rest)?),
                other => return Err(format!("`{other}` is not known here")),
            }
        }
        Ok(found)
    }

    fn encoding(&self) -> Encoding {
        self.text.map_or(Encoding::Binary(self.endian), Encoding::Text)
    }
}

fn base_of(word: &str) -> Result<NumberBase, String> {
    match word {
        "dec" => Ok(NumberBase::Decimal),
        "hex" => Ok(NumberBase::Hex),
        "oct" => Ok(NumberBase::Octal),
        other => Err(format!("`{other}` is no base of numbers")),
    }
}

fn mask(text: &str) -> Result<u32, String> {
    match scan::small::<u32>(text)? {
        0 => Err("a bitmask of 0 keeps nothing".to_owned()),
        mask => Ok(mask),
    }
}

fn byte_count(text: &str, encoding: Encoding, names: &Names) -> Result<Amount, String> {
    let amount = names.amount(text)?;
    let largest = match encoding {
        Encoding::Binary(_) => 8,
        Encoding::Text(_) => 23,
    };
    match amount {
        Amount::Number(count) if !(0..=largest).contains(&count) || (count == 0 && largest == 8) => {
            Err(format!("{count} bytes cannot be read as a number"))
        }
        amount => Ok(amount),
    }
}

impl ByteTest {
    pub(crate) fn read(value: &str, names: &Names) -> Result<Self, String> {
        let arguments = scan::arguments(value);
        let [count, operator, number, offset, words @ ..] = arguments.as_slice() else {
            return Err("byte_test has the shape `bytes,operator,value,offset[,…]`".to_owned());
        };
        let words = Words::read(words, names)?;
        let (negated, operator) = match operator.strip_prefix('!') {
            Some(rest) => (true, rest.trim()),
            None => (false, *operator),
        };
        let comparison = match operator {
            "<" => Comparison::Less,
            "<=" => Comparison::LessOrEqual,
            "=" | "" => Comparison::Equal,
            ">" => Comparison::Greater,
            ">=" => Comparison::GreaterOrEqual,
            "&" => Comparison::And,
            "^" => Comparison::Xor,
            other => return Err(format!("`{other}` is no operator of byte_test")),
        };
        Ok(Self {
            count: byte_count(count, words.encoding(), names)?,
            comparison,
            negated,
            value: names.amount(number)?,
            offset: names.amount(offset)?,
            relative: words.relative,
            encoding: words.encoding(),
            bitmask: words.bitmask,
        })
    }
}

impl ByteJump {
    pub(crate) fn read(value: &str, names: &Names) -> Result<Self, String> {
        let arguments = scan::arguments(value);
        let [count, offset, words @ ..] = arguments.as_slice() else {
            return Err("byte_jump has the shape `bytes,offset[,…]`".to_owned());
        };
        let words = Words::read(words, names)?;
        Ok(Self {
            count: byte_count(count, Encoding::Text(NumberBase::Decimal), names)?,
            offset: names.amount(offset)?,
            relative: words.relative,
            encoding: words.encoding(),
            multiplier: words.multiplier,
            align: words.align.is_some(),
            base: words.base,
            post_offset: words.post_offset,
            bitmask: words.bitmask,
        })
    }
}

impl ByteExtract {
    pub(crate) fn read(value: &str, names: &mut Names) -> Result<Self, String> {
        let arguments = scan::arguments(value);
        let [count, offset, name, words @ ..] = arguments.as_slice() else {
            return Err("byte_extract has the shape `bytes,offset,name[,…]`".to_owned());
        };
        let words = Words::read(words, names)?;
        Ok(Self {
            count: byte_count(count, words.encoding(), names)?,
            offset: names.amount(offset)?,
            relative: words.relative,
            encoding: words.encoding(),
            variable: names.define(name)?,
            multiplier: words.multiplier,
            align: words.align.unwrap_or(0),
            bitmask: words.bitmask,
        })
    }
}

impl ByteMath {
    pub(crate) fn read(value: &str, names: &mut Names) -> Result<Self, String> {
        let (mut count, mut offset, mut operator, mut operand, mut result) = (None, None, None, None, None);
        let mut others = Vec::new();
        for argument in scan::arguments(value) {
            let (word, rest) = scan::word_and_rest(argument);
            match word {
                "bytes" => count = Some(rest),
                "offset" => offset = Some(rest),
                "oper" => operator = Some(rest),
                "rvalue" => operand = Some(rest),
                "result" => result = Some(rest),
                _ => others.push(argument),
            }
        }
        let (Some(count), Some(offset), Some(operator), Some(operand), Some(result)) =
            (count, offset, operator, operand, result)
        else {
            return Err("byte_math needs bytes, offset, oper, rvalue and result".to_owned());
        };
        let words = Words::read(&others, names)?;
        let operator = match operator {
            "+" => MathOperator::Add,
            "-" => MathOperator::Subtract,
            "*" => MathOperator::Multiply,
            "/" => MathOperator::Divide,
            "<<" => MathOperator::ShiftLeft,
            ">>" => MathOperator::ShiftRight,
            other => return Err(format!("`{other}` is no operator of byte_math")),
        };
        let operand = names.amount(operand)?;
        if operator == MathOperator::Divide && operand == Amount::Number(0) {
            return Err("byte_math divides by 0".to_owned());
        }
        Ok(Self {
            count: byte_count(count, words.encoding(), names)?,
            offset: names.amount(offset)?,
            relative: words.relative,
            encoding: words.encoding(),
            operator,
            value: operand,
            variable: names.define(result)?,
            bitmask: words.bitmask,
        })
    }
}

impl IsDataAt {
    pub(crate) fn read(value: &str, names: &Names) -> Result<Self, String> {
        let arguments = scan::arguments(value);
        let [position, words @ ..] = arguments.as_slice() else { return Err("isdataat needs a position".to_owned()) };
        let (negated, position) = match position.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, *position),
        };
        let mut relative = false;
        for word in words {
            match *word {
                "relative" => relative = true,
                "rawbytes" => {}
                other => return Err(format!("`{other}` is not known here")),
            }
        }
        Ok(Self { position: names.amount(position)?, relative, negated })
    }
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
    fn byte_test_reads_its_words() {
        let test = ByteTest::read("4,!&,128,-6,relative,little,bitmask 0xF0", &Names::default()).unwrap();
        assert!(test.negated && test.relative);
        assert_eq!((test.comparison, test.bitmask), (Comparison::And, Some(0xF0)));
        assert_eq!(test.offset, Amount::Number(-6));
        for text in ["4,>,1", "9,>,1,0", "4,~,1,0", "4,>,1,0,sideways", "4,>,other,0"] {
            assert!(ByteTest::read(text, &Names::default()).is_err(), "{text}");
        }
    }

    #[test]
    fn a_number_is_remembered_before_it_is_used() {
        let mut names = Names::default();
        assert!(IsDataAt::read("!len,relative", &names).is_err());
        ByteExtract::read("2,0,len,relative", &mut names).unwrap();
        assert_eq!(IsDataAt::read("!len,relative", &names).unwrap().position, Amount::Variable(0));
    }

    #[test]
    fn digests_have_their_size() {
        assert!(HashMatch::read(DigestAlgorithm::Md5, "\"00112233445566778899aabbccddeeff\",length 4").is_ok());
        assert!(HashMatch::read(DigestAlgorithm::Sha256, "\"00112233445566778899aabbccddeeff\",length 4").is_err());
    }
}
