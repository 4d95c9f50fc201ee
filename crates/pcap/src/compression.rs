//! Is this capture file packed?

use std::io::{self, Chain, Cursor, Read};

use flate2::read::MultiGzDecoder;

const GZIP: [u8; 2] = [0x1f, 0x8b];

/// A capture file's bytes, unpacked while they are read.
pub enum Unpacked<R> {
    /// As they came.
    Plain(Chain<Cursor<Vec<u8>>, R>),
    /// Out of gzip, which is how collections keep captures.
    Gzip(Box<MultiGzDecoder<Chain<Cursor<Vec<u8>>, R>>>),
}

impl<R: Read> Unpacked<R> {
    /// Look at the first two bytes. Offsets in errors then count unpacked bytes.
    pub fn new(mut reader: R) -> io::Result<Self> {
        let mut magic = Vec::with_capacity(GZIP.len());
        reader.by_ref().take(2).read_to_end(&mut magic)?;
        let is_gzip = magic == GZIP;
        let whole = Cursor::new(magic).chain(reader);
        Ok(if is_gzip { Self::Gzip(Box::new(MultiGzDecoder::new(whole))) } else { Self::Plain(whole) })
    }
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(reader) => reader.read(into),
            Self::Gzip(reader) => reader.read(into),
        }
    }
}
