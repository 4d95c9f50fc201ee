//! What single options ask, and how each is read.

mod bytes;
mod content;
mod flow;
mod packet;
mod pcre;

pub use bytes::{
    Base64Decode, BerSkip, ByteExtract, ByteJump, ByteMath, ByteTest, Comparison, DigestAlgorithm, Encoding, Endian,
    HashMatch, IsDataAt, JumpBase, MathOperator, NumberBase,
};
pub use content::{Amount, Content, FastPattern};
pub use flow::{Flow, FlowEstablished, FlowSide, FlowbitAction, Flowbits, Rate, StreamScope, Threshold, Track};
pub use packet::{FlagMatch, FlagTest, FragBits, IpOption, PacketTest};
pub use pcre::Pcre;

pub(crate) use content::ContentModifier;
pub(crate) use packet::stream_size;

/// Names of a rule's own numbers while it is read.
#[derive(Debug, Default)]
pub(crate) struct Names {
    pub(crate) known: Vec<std::sync::Arc<str>>,
}

impl Names {
    /// Most numbers one rule may remember; Snort allows two, Suricata sixteen.
    pub(crate) const MAX: usize = 16;

    /// A number, or the name of one remembered before.
    pub(crate) fn amount(&self, text: &str) -> Result<Amount, String> {
        let text = text.trim();
        if let Some(index) = self.known.iter().position(|name| &**name == text) {
            return Ok(Amount::Variable(u8::try_from(index).unwrap_or(u8::MAX)));
        }
        crate::scan::number(text)
            .map(Amount::Number)
            .map_err(|_| format!("`{text}` is neither a number nor one remembered before"))
    }

    pub(crate) fn define(&mut self, name: &str) -> Result<u8, String> {
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic()) || name.as_bytes()[0].is_ascii_digit() {
            return Err(format!("`{name}` cannot name a number"));
        }
        let index = match self.known.iter().position(|known| &**known == name) {
            Some(index) => index,
            None if self.known.len() >= Self::MAX => {
                return Err(format!("more than {} numbers are remembered", Self::MAX));
            }
            None => {
                self.known.push(name.into());
                self.known.len() - 1
            }
        };
        Ok(u8::try_from(index).unwrap_or(u8::MAX))
    }
}
