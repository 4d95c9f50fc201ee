//! By which literal is a rule found?

use std::cmp::Reverse;
use std::collections::HashMap;

use kodkod_inspect::BufferKind;
use kodkod_rules::Transform;

use super::ops::{Content, Op, Place, Step};
use super::{Compiled, Stage};

/// Longest literal that the matcher takes.
const MAX_LITERAL: usize = kodkod_literals::LITERAL_BYTES_MAX;

/// The literal that has to be in a buffer before the rule is worth evaluating.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FastLiteral {
    pub(crate) kind: BufferKind,
    pub(crate) bytes: Vec<u8>,
    pub(crate) nocase: bool,
}

/// Choose for all rules of a set.
///
/// The author's choice where it can be searched for, else the literal that says most; those of buffers that say little (the
/// method, the status) only where there is nothing else. Of equals the one that fewest rules have wins: many rules about
/// one protocol start with the same bytes.
pub(crate) fn choose(rules: &mut [Compiled]) {
    let candidates: Vec<Vec<Candidate>> = rules.iter().map(|rule| candidates(&rule.steps, rule.stage)).collect();
    let mut uses: HashMap<&[u8], u32> = HashMap::new();
    for candidate in candidates.iter().flatten() {
        *uses.entry(&candidate.literal.bytes).or_default() += 1;
    }
    let best = |of_rule: &Vec<Candidate>| {
        let rarity =
            |candidate: &&Candidate| (candidate.score, Reverse(uses.get(&candidate.literal.bytes[..]).copied()));
        // `rev`: of equals the first one stands.
        of_rule.iter().rev().max_by_key(rarity).map(|candidate| candidate.literal.clone())
    };
    let chosen: Vec<Option<FastLiteral>> = candidates.iter().map(best).collect();
    for (rule, literal) in rules.iter_mut().zip(chosen) {
        rule.fast = literal;
    }
}

struct Candidate {
    score: Score,
    literal: FastLiteral,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Score {
    is_chosen: bool,
    tells: bool,
    weight: usize,
}

fn candidates(steps: &[Step], stage: Stage) -> Vec<Candidate> {
    let mut found = Vec::new();
    let mut place = Some((BufferKind::PktData, Vec::new()));
    for step in steps {
        match &step.op {
            Op::Buffer(chosen, transforms, _) => place = searched(chosen).map(|kind| (kind, transforms.clone())),
            Op::Content(content) if !content.negated => {
                let Some((kind, transforms)) = &place else { continue };
                if stage == Stage::Packet && !matches!(kind, BufferKind::PktData | BufferKind::RawData) {
                    continue;
                }
                let Some((bytes, nocase)) = literal(content, transforms) else { continue };
                let score = Score {
                    is_chosen: content.fast_pattern.is_some(),
                    tells: !says_little(*kind),
                    weight: weight(&bytes),
                };
                found.push(Candidate { score, literal: FastLiteral { kind: *kind, bytes, nocase } });
            }
            _ => {}
        }
    }
    found
}

/// How much a literal says: its length, runs of one byte counted once.
fn weight(bytes: &[u8]) -> usize {
    1 + bytes.windows(2).filter(|pair| pair[0] != pair[1]).count()
}

/// The buffer whose search finds what a place holds. A header's value is part of all headers; a decoded parameter need not
/// be written anywhere like that.
fn searched(place: &Place) -> Option<BufferKind> {
    match place {
        Place::Whole(kind) => Some(*kind),
        Place::Field(BufferKind::HttpParam, _) | Place::Base64 | Place::HeaderNames | Place::HttpStart => None,
        Place::Field(kind, _) => Some(*kind),
    }
}

fn says_little(kind: BufferKind) -> bool {
    matches!(
        kind,
        BufferKind::HttpMethod | BufferKind::HttpStatCode | BufferKind::HttpStatMsg | BufferKind::HttpVersion
    )
}

/// The bytes to search for in the untransformed buffer.
fn literal(content: &Content, transforms: &[Transform]) -> Option<(Vec<u8>, bool)> {
    let (mut bytes, mut nocase) = (&content.bytes[..], content.nocase());
    if let Some(chosen) = content.fast_pattern
        && let Some(part) = bytes.get(usize::from(chosen.offset)..)
    {
        bytes = chosen.length.and_then(|length| part.get(..usize::from(length))).unwrap_or(part);
    }
    for transform in transforms {
        match transform {
            Transform::DotPrefix => bytes = bytes.strip_prefix(b".").unwrap_or(bytes),
            Transform::ToLower | Transform::ToUpper => nocase = true,
            _ => return None,
        }
    }
    let bytes = bytes.get(..MAX_LITERAL).unwrap_or(bytes);
    (!bytes.is_empty()).then(|| (bytes.to_vec(), nocase))
}
