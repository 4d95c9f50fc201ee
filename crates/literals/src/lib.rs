//! Which of many literals occur in these bytes?
//!
//! One immutable `Database` of byte strings, each with an identity and with or without regard to case; `Database::scan`
//! names every literal that occurs, once, with the offset after its first occurrence found. Behind it is Hyperscan where the
//! machine has it, else a portable Aho-Corasick with the same answers.
//!
//! Hand-written `unsafe` of the matcher's binding lives in `hyperscan.rs` alone.

mod error;
#[cfg(hyperscan)]
mod hyperscan;
pub mod portable;

pub use error::BuildError;

#[cfg(hyperscan)]
pub use hyperscan::{Database, Scratch};
#[cfg(not(hyperscan))]
pub use portable::{Database, Scratch};

/// One literal to look for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Literal {
    /// What a match reports. Several literals may share one.
    pub id: u32,
    /// The bytes, at least one. NULs are bytes like others.
    pub bytes: Vec<u8>,
    /// Whether ASCII letters match in either case.
    pub nocase: bool,
}

/// Longest literal that is compiled; a longer one is refused. Rules choose a part of their content within this.
pub const LITERAL_BYTES_MAX: usize = 255;

/// Refuse what no matcher handles well, before it is compiled: Hyperscan accepts an empty literal silently.
fn check(literals: &[Literal]) -> Result<(), BuildError> {
    if literals.is_empty() {
        return Err(BuildError::NoLiterals);
    }
    for literal in literals {
        if literal.bytes.is_empty() {
            return Err(BuildError::EmptyLiteral { id: literal.id });
        }
        if literal.bytes.len() > LITERAL_BYTES_MAX {
            return Err(BuildError::LongLiteral { id: literal.id, bytes: literal.bytes.len() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
