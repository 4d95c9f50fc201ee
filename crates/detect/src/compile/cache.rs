//! Compiled databases kept on disk by the digest of what they were compiled from.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use kodkod_literals::{Database, Literal};
use sha2::{Digest, Sha256};

/// Start of a stored file, with the version of its form.
const MAGIC: &[u8; 16] = b"kodkod literals2";
/// Nothing that we store comes near this; a larger file is not ours.
const MAX_FILE: u64 = 1 << 30;

/// The folder of stored databases.
pub(crate) struct Store {
    folder: Option<PathBuf>,
}

impl Store {
    pub(crate) fn new(folder: Option<&Path>) -> Self {
        Self { folder: folder.map(Path::to_path_buf) }
    }

    /// One database for each list of literals. Returns whether they were all taken from the store.
    pub(crate) fn databases(&self, lists: &[Vec<Literal>]) -> (Vec<Database>, bool) {
        let path = self.folder.as_ref().map(|folder| folder.join(format!("literals-{}.bin", key(lists))));
        if let Some(stored) = path.as_deref().and_then(|path| restored(path, lists.len())) {
            return (stored, true);
        }
        let databases = compiled(lists);
        if let Some(path) = path {
            // A store that cannot be written costs time at the next start, nothing else.
            let _ = write(&path, &databases);
        }
        (databases, false)
    }
}

/// What the matcher refuses was refused before: literals are neither empty nor too long. A database of a literal that
/// cannot occur keeps the numbering where it still does.
fn compiled(lists: &[Vec<Literal>]) -> Vec<Database> {
    lists
        .iter()
        .map(|literals| {
            Database::compile(literals).unwrap_or_else(|error| panic!("literals checked before are refused: {error}"))
        })
        .collect()
}

fn key(lists: &[Vec<Literal>]) -> String {
    let mut digest = Sha256::new();
    digest.update(MAGIC);
    digest.update(processor());
    for list in lists {
        digest.update((list.len() as u64).to_le_bytes());
        for literal in list {
            digest.update([u8::from(literal.nocase)]);
            digest.update((literal.bytes.len() as u64).to_le_bytes());
            digest.update(&literal.bytes);
        }
    }
    hex(&digest.finalize()[..16])
}

/// Stored databases are good for this sort of processor only; the matcher checks it too.
fn processor() -> &'static str {
    std::env::consts::ARCH
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn restored(path: &Path, count: usize) -> Option<Vec<Database>> {
    if fs::metadata(path).ok()?.len() > MAX_FILE {
        return None;
    }
    let bytes = fs::read(path).ok()?;
    let (body, digest) = bytes.split_last_chunk::<32>()?;
    if Sha256::digest(body)[..] != digest[..] {
        return None;
    }
    let mut rest = body.strip_prefix(MAGIC)?;
    let mut databases = Vec::with_capacity(count);
    while !rest.is_empty() {
        let (length, tail) = rest.split_first_chunk::<8>()?;
        let (stored, tail) = tail.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
        databases.push(Database::deserialize(stored).ok()?);
        rest = tail;
    }
    (databases.len() == count).then_some(databases)
}

/// Written beside and moved into place, so that a reader sees all or nothing.
fn write(path: &Path, databases: &[Database]) -> std::io::Result<()> {
    let mut body = MAGIC.to_vec();
    for database in databases {
        let stored = database.serialize().map_err(|error| std::io::Error::other(error.to_string()))?;
        body.extend((stored.len() as u64).to_le_bytes());
        body.extend(stored);
    }
    let digest = Sha256::digest(&body);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let beside = path.with_extension(format!("tmp{}", std::process::id()));
    let mut file = fs::File::create(&beside)?;
    file.write_all(&body)?;
    file.write_all(&digest)?;
    drop(file);
    fs::rename(beside, path)
}
