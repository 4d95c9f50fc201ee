//! Why a database could not be made.

use std::fmt;

/// Why a set of literals could not be compiled, or a stored database not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BuildError {
    /// There is nothing to look for.
    NoLiterals,
    /// A literal without bytes would match everywhere.
    EmptyLiteral {
        /// Its identity.
        id: u32,
    },
    /// A literal above `LITERAL_BYTES_MAX`.
    LongLiteral {
        /// Its identity.
        id: u32,
        /// Its length.
        bytes: usize,
    },
    /// The matcher's compiler refused it, with its words.
    Refused {
        /// What it said.
        message: String,
    },
    /// A stored database is of another version or processor, or damaged: compile anew.
    Unusable {
        /// The matcher's error number.
        code: i32,
    },
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoLiterals => write!(f, "no literals to look for"),
            Self::EmptyLiteral { id } => write!(f, "literal {id} is empty"),
            Self::LongLiteral { id, bytes } => write!(f, "literal {id} has {bytes} bytes, too many"),
            Self::Refused { message } => write!(f, "the matcher refused the literals: {message}"),
            Self::Unusable { code } => write!(f, "stored database is unusable here (error {code})"),
        }
    }
}

impl std::error::Error for BuildError {}
