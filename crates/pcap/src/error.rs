//! What can go wrong with a capture file, and where?

use std::path::PathBuf;
use std::{fmt, io};

/// Why a capture file cannot be read on. Everything before `offset` has been handed out.
#[derive(Debug)]
pub struct ReadError {
    /// Where the header, record or block starts that cannot be used, in bytes from the start of the file.
    pub offset: u64,
    /// What is wrong there.
    pub problem: ReadProblem,
}

/// What is wrong with a capture file.
#[derive(Debug)]
pub enum ReadProblem {
    /// The first four bytes belong to no capture format.
    UnknownFormat([u8; 4]),
    /// The file ends inside a header, record or block.
    Truncated {
        /// Bytes that were needed from `offset` on.
        needed: u64,
        /// Bytes that were there.
        had: u64,
    },
    /// A record claims more bytes than any link has, so we are not at a record.
    PacketTooLong {
        /// What it claims.
        length: u32,
        /// What we accept.
        limit: u32,
    },
    /// A block's length is too small, too large, odd, or not repeated at its end.
    BlockLength(u32),
    /// A section header with a byte-order mark that is neither way round.
    ByteOrder([u8; 4]),
    /// A packet block names an interface that its section has not described.
    UnknownInterface(u32),
    /// A packet block's captured length does not fit into the block.
    PacketBeyondBlock(u32),
    /// The operating system could not read.
    Io(io::Error),
}

impl ReadError {
    /// Whether the file just ends too early, as one that is still being written does.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        matches!(self.problem, ReadProblem::Truncated { .. })
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte offset {}: {}", self.offset, self.problem)
    }
}

impl fmt::Display for ReadProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownFormat([a, b, c, d]) => {
                write!(f, "neither pcap nor pcapng (starts with {a:02x}{b:02x}{c:02x}{d:02x})")
            }
            Self::Truncated { needed, had } => write!(f, "the file ends early: {needed} bytes needed, {had} there"),
            Self::PacketTooLong { length, limit } => {
                write!(f, "a packet of {length} bytes is beyond {limit}: the file is damaged")
            }
            Self::BlockLength(length) => write!(f, "a block cannot be {length} bytes long: the file is damaged"),
            Self::ByteOrder([a, b, c, d]) => write!(f, "no byte-order mark: {a:02x}{b:02x}{c:02x}{d:02x}"),
            Self::UnknownInterface(id) => write!(f, "a packet of interface {id}, which is not described"),
            Self::PacketBeyondBlock(length) => write!(f, "a packet of {length} bytes does not fit into its block"),
            Self::Io(_) => write!(f, "cannot read"),
        }
    }
}

impl std::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.problem {
            ReadProblem::Io(error) => Some(error),
            _ => None,
        }
    }
}

/// Why a recording cannot be written on. What was on disk before stays a readable file.
#[derive(Debug)]
pub enum RecordError {
    /// The stem would leave the directory, or is empty.
    Stem(String),
    /// The file system has less space than the floor: free something, or lower the floor.
    NoSpace {
        /// Bytes free for us.
        free: u64,
        /// Bytes that must be free to write.
        floor: u64,
    },
    /// The operating system refused.
    Io {
        /// What we tried.
        operation: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl RecordError {
    pub(crate) fn io(operation: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { operation, path, source }
    }

    /// The operating system's number for it; none where the caller's stem is at fault.
    #[must_use]
    pub fn errno(&self) -> Option<i32> {
        match self {
            Self::Stem(_) => None,
            Self::NoSpace { .. } => Some(rustix::io::Errno::NOSPC.raw_os_error()),
            Self::Io { source, .. } => Some(source.raw_os_error().unwrap_or(rustix::io::Errno::IO.raw_os_error())),
        }
    }

    /// Whether making room on the disk would help.
    #[must_use]
    pub fn is_space(&self) -> bool {
        match self {
            Self::NoSpace { .. } => true,
            Self::Io { source, .. } => {
                matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
            }
            Self::Stem(_) => false,
        }
    }
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stem(stem) => write!(f, "{stem:?} cannot start a file name"),
            Self::NoSpace { free, floor } => write!(f, "disk pressure: {free} bytes free, {floor} needed"),
            Self::Io { operation, path, source } => write!(f, "cannot {operation} {}: {source}", path.display()),
        }
    }
}

impl std::error::Error for RecordError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
