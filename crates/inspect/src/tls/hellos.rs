//! What do the two sides offer and choose?

use md5::{Digest, Md5};

use crate::reader::Reader;

/// Values that are listed of any one kind. Real hellos have tens; a hostile one may have thousands.
const LISTED_MAX: usize = 256;

/// A hello as rules and logs see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hello {
    /// Highest offered version, or the chosen one.
    pub(crate) version: u16,
    pub(crate) server_name: Option<Vec<u8>>,
    pub(crate) alpn: Vec<Vec<u8>>,
    /// The text that is hashed.
    pub(crate) ja3: String,
    pub(crate) ja3_hash: String,
}

/// Read the body of a client hello (RFC 8446 section 4.1.2; JA3 by its authors' description).
pub(crate) fn client_hello(body: &[u8]) -> Option<Hello> {
    let mut reader = Reader::new(body);
    let version = reader.u16()?;
    reader.bytes(32)?;
    reader.vector8()?;
    let ciphers = shorts(reader.vector16()?);
    reader.vector8()?;
    let mut extensions = Extensions { version, ..Extensions::default() };
    extensions.read(&mut reader, true);
    let lists = [&ciphers, &extensions.kinds, &extensions.groups, &extensions.formats];
    let [ciphers, kinds, groups, formats] = lists.map(|list| dashed(list));
    Some(extensions.hello(format!("{version},{ciphers},{kinds},{groups},{formats}")))
}

/// Read the body of a server hello (RFC 8446 section 4.1.3; JA3S likewise).
pub(crate) fn server_hello(body: &[u8]) -> Option<Hello> {
    let mut reader = Reader::new(body);
    let version = reader.u16()?;
    reader.bytes(32)?;
    reader.vector8()?;
    let cipher = reader.u16()?;
    reader.u8()?;
    let mut extensions = Extensions { version, ..Extensions::default() };
    extensions.read(&mut reader, false);
    let kinds = dashed(&extensions.kinds);
    Some(extensions.hello(format!("{version},{cipher},{kinds}")))
}

#[derive(Default)]
struct Extensions {
    version: u16,
    kinds: Vec<u16>,
    groups: Vec<u16>,
    formats: Vec<u16>,
    server_name: Option<Vec<u8>>,
    alpn: Vec<Vec<u8>>,
}

impl Extensions {
    /// Read as many as are whole (none at all is right for old clients).
    fn read(&mut self, reader: &mut Reader<'_>, is_client: bool) {
        let mut list = Reader::new(reader.vector16().unwrap_or_default());
        while let (Some(kind), Some(value)) = (list.u16(), list.vector16()) {
            if self.kinds.len() < LISTED_MAX && !is_grease(kind) {
                self.kinds.push(kind);
            }
            // Each reads what it can; an extension that breaks its own rules says nothing.
            let _ = self.extension(kind, value, is_client);
        }
    }

    fn extension(&mut self, kind: u16, value: &[u8], is_client: bool) -> Option<()> {
        let mut value = Reader::new(value);
        match kind {
            0 if is_client => {
                let mut names = Reader::new(value.vector16()?);
                let name_type = names.u8()?;
                let name = names.vector16()?;
                self.server_name = (name_type == 0).then(|| name.to_vec());
            }
            10 => self.groups = shorts(value.vector16()?),
            11 => self.formats = value.vector8()?.iter().map(|format| u16::from(*format)).collect(),
            16 => {
                let mut names = Reader::new(value.vector16()?);
                while let Some(name) = names.vector8().filter(|_| self.alpn.len() < LISTED_MAX) {
                    self.alpn.push(name.to_vec());
                }
            }
            43 if is_client => {
                let versions = shorts(value.vector8()?);
                self.version = versions.into_iter().max().map_or(self.version, |highest| highest.max(self.version));
            }
            43 => self.version = value.u16()?,
            _ => {}
        }
        Some(())
    }

    fn hello(self, ja3: String) -> Hello {
        let ja3_hash = Md5::digest(ja3.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        Hello { version: self.version, server_name: self.server_name, alpn: self.alpn, ja3, ja3_hash }
    }
}

/// Big-endian pairs without the reserved values that clients sprinkle in.
fn shorts(bytes: &[u8]) -> Vec<u16> {
    let pairs = bytes.chunks_exact(2).filter_map(|pair| pair.first_chunk::<2>());
    pairs.map(|pair| u16::from_be_bytes(*pair)).filter(|value| !is_grease(*value)).take(LISTED_MAX).collect()
}

/// 0x0a0a, 0x1a1a, … 0xfafa (RFC 8701 section 2).
fn is_grease(value: u16) -> bool {
    let [high, low] = value.to_be_bytes();
    high == low && low & 0x0f == 0x0a
}

fn dashed(values: &[u16]) -> String {
    values.iter().map(u16::to_string).collect::<Vec<_>>().join("-")
}
