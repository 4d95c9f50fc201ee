//! The matcher for machines without Hyperscan: two Aho-Corasick automata, one of them over lower-cased text.

use std::collections::{BTreeSet, HashMap};

use daachorse::{DoubleArrayAhoCorasick, DoubleArrayAhoCorasickBuilder};

use crate::{BuildError, Literal, check};

/// A compiled set of literals: immutable, shared between threads.
pub struct Database {
    exact: Option<Automaton>,
    folded: Option<Automaton>,
    literals: Vec<Literal>,
}

/// Distinct byte strings, and for each the places of the literals that are spelt so.
struct Automaton {
    search: DoubleArrayAhoCorasick<u32>,
    places: Vec<Vec<u32>>,
}

/// A thread's working memory: lower-cased text, and which literals were reported.
#[derive(Default)]
pub struct Scratch {
    folded: Vec<u8>,
    seen: BTreeSet<u32>,
    ends: Vec<(usize, u32)>,
}

impl Scratch {
    /// Empty.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Nothing to do here; Hyperscan needs it.
    pub fn fit(&mut self, _database: &Database) {}
}

impl Database {
    /// Compile for block scanning.
    ///
    /// # Errors
    /// When a literal is empty or too long.
    pub fn compile(literals: &[Literal]) -> Result<Self, BuildError> {
        check(literals)?;
        Ok(Self { exact: automaton(literals, false)?, folded: automaton(literals, true)?, literals: literals.to_vec() })
    }

    /// The literals themselves: compiling them again is how this matcher is read back.
    ///
    /// # Errors
    /// Never; the signature is Hyperscan's.
    pub fn serialize(&self) -> Result<Vec<u8>, BuildError> {
        let mut bytes = Vec::new();
        for literal in &self.literals {
            bytes.extend(literal.id.to_le_bytes());
            bytes.push(u8::from(literal.nocase));
            bytes.push(u8::try_from(literal.bytes.len()).unwrap_or(u8::MAX));
            bytes.extend(&literal.bytes);
        }
        Ok(bytes)
    }

    /// Read a database back.
    ///
    /// # Errors
    /// When the bytes are not those of `serialize`.
    pub fn deserialize(mut bytes: &[u8]) -> Result<Self, BuildError> {
        let mut literals = Vec::new();
        while let [a, b, c, d, nocase, length, rest @ ..] = bytes {
            let (literal, after) =
                rest.split_at_checked(usize::from(*length)).ok_or(BuildError::Unusable { code: 0 })?;
            literals.push(Literal {
                id: u32::from_le_bytes([*a, *b, *c, *d]),
                bytes: literal.to_vec(),
                nocase: *nocase == 1,
            });
            bytes = after;
        }
        if bytes.is_empty() { Self::compile(&literals) } else { Err(BuildError::Unusable { code: 0 }) }
    }

    /// Memory the compiled database takes.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        [&self.exact, &self.folded].into_iter().flatten().map(|automaton| automaton.search.heap_bytes()).sum()
    }

    /// Call `found(id, end)` for each literal that occurs in `text`, once a literal, in order of `end`.
    pub fn scan<F: FnMut(u32, usize)>(&self, scratch: &mut Scratch, text: &[u8], mut found: F) {
        scratch.seen.clear();
        scratch.ends.clear();
        if let Some(automaton) = &self.exact {
            collect(automaton, text, &mut scratch.seen, &mut scratch.ends);
        }
        if let Some(automaton) = &self.folded {
            scratch.folded.clear();
            scratch.folded.extend(text.iter().map(u8::to_ascii_lowercase));
            collect(automaton, &scratch.folded, &mut scratch.seen, &mut scratch.ends);
        }
        scratch.ends.sort_unstable();
        for (end, place) in &scratch.ends {
            if let Some(literal) = usize::try_from(*place).ok().and_then(|place| self.literals.get(place)) {
                found(literal.id, *end);
            }
        }
    }
}

fn collect(automaton: &Automaton, text: &[u8], seen: &mut BTreeSet<u32>, ends: &mut Vec<(usize, u32)>) {
    for found in automaton.search.find_overlapping_iter(text) {
        let spelling = usize::try_from(found.value()).unwrap_or(usize::MAX);
        for place in automaton.places.get(spelling).into_iter().flatten() {
            if seen.insert(*place) {
                ends.push((found.end(), *place));
            }
        }
    }
}

/// An automaton of the literals of one sort of case; none when there are none.
fn automaton(literals: &[Literal], nocase: bool) -> Result<Option<Automaton>, BuildError> {
    let mut spellings: HashMap<Vec<u8>, u32> = HashMap::new();
    let mut places: Vec<Vec<u32>> = Vec::new();
    for (place, literal) in (0_u32..).zip(literals) {
        if literal.nocase != nocase {
            continue;
        }
        let bytes = if nocase { literal.bytes.to_ascii_lowercase() } else { literal.bytes.clone() };
        let next = u32::try_from(places.len()).unwrap_or(u32::MAX);
        let spelling = *spellings.entry(bytes).or_insert_with(|| {
            places.push(Vec::new());
            next
        });
        if let Some(list) = usize::try_from(spelling).ok().and_then(|spelling| places.get_mut(spelling)) {
            list.push(place);
        }
    }
    if places.is_empty() {
        return Ok(None);
    }
    let search = DoubleArrayAhoCorasickBuilder::new()
        .build_with_values(spellings)
        .map_err(|error| BuildError::Refused { message: error.to_string() })?;
    Ok(Some(Automaton { search, places }))
}
