//! Do all options of one rule hold?
//!
//! The steps run in order with a cursor in the current buffer. Where a literal or an expression matches in several places
//! and later steps count from there, each place is tried; a step that depends on nothing chosen before ends the attempt
//! when it fails. A budget bounds the work; spending it is counted and the rule stays silent.

mod bytes;
mod decode;
pub(crate) mod facts;
mod search;

use kodkod_inspect::{BufferKind, Buffers};
use kodkod_rules::Amount;
use kodkod_stream::Direction;
use kodkod_wire::Packet;

use crate::compile::{Compiled, Content, Op, Pcre, Place, Step};
use crate::state::FlowState;
use crate::{Counters, FlowFacts, Why};

/// Work that one evaluation may do: steps, and a step more for each so many bytes searched.
const BUDGET: u32 = 20_000;
const BYTES_PER_STEP: usize = 256;
/// Numbers one rule may remember; the reader refuses more.
const VARIABLES: usize = 16;

/// What is evaluated against.
pub(crate) enum Material<'a> {
    Packet(&'a Packet<'a>),
    Pdu(&'a dyn Buffers),
}

/// Everything about the subject that options ask for.
pub(crate) struct Context<'a> {
    pub(crate) material: Material<'a>,
    pub(crate) flow: Option<(&'a FlowFacts, Direction)>,
    pub(crate) state: Option<&'a FlowState>,
}

/// How an evaluation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Match,
    /// No; `waits` where a buffer was missing that a later stage of the message may bring.
    Silent {
        waits: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Match,
    /// Another choice of an earlier step might help.
    Fail,
    /// Nothing helps.
    Hopeless,
}

/// The bytes looked at and where.
#[derive(Clone, Copy)]
struct Cursor<'c> {
    buffer: &'c [u8],
    at: usize,
    name: &'static str,
}

struct Evaluation<'a> {
    rule: &'a Compiled,
    context: &'a Context<'a>,
    variables: [i64; VARIABLES],
    budget: u32,
    is_missing: bool,
    over_match_limit: u64,
    trail: Option<Vec<Why>>,
}

/// Judge one rule. `why` is filled on a match where it is given.
pub(crate) fn evaluate<'a>(
    rule: &'a Compiled,
    context: &'a Context<'a>,
    counters: &mut Counters,
    why: Option<&mut Vec<Why>>,
) -> Verdict {
    let mut evaluation = Evaluation {
        rule,
        context,
        variables: [0; VARIABLES],
        budget: BUDGET,
        is_missing: false,
        over_match_limit: 0,
        trail: why.is_some().then(Vec::new),
    };
    let start = evaluation.start();
    let outcome = match start {
        Some(cursor) => evaluation.run(0, cursor, None),
        None => Outcome::Hopeless,
    };
    counters.over_budget += u64::from(evaluation.budget == 0);
    counters.over_match_limit += evaluation.over_match_limit;
    if outcome == Outcome::Match {
        if let (Some(why), Some(trail)) = (why, evaluation.trail) {
            *why = trail;
        }
        return Verdict::Match;
    }
    Verdict::Silent { waits: evaluation.is_missing }
}

impl<'a> Evaluation<'a> {
    /// The payload is the buffer that needs no naming. Rules that name another first can do without it.
    fn start(&mut self) -> Option<Cursor<'a>> {
        let buffer = match &self.context.material {
            Material::Packet(packet) => packet.payload,
            Material::Pdu(buffers) => match buffers.buffer(BufferKind::PktData) {
                Some(bytes) => bytes,
                None if self.needs_payload() => {
                    self.is_missing = true;
                    return None;
                }
                None => &[],
            },
        };
        Some(Cursor { buffer, at: 0, name: "pkt_data" })
    }

    fn needs_payload(&self) -> bool {
        let first = self
            .rule
            .steps
            .iter()
            .find(|step| !matches!(step.op, Op::Packet(_) | Op::StreamSize(..) | Op::Flowbits(_)));
        first.is_some_and(|step| !matches!(step.op, Op::Buffer(..)))
    }

    /// Spend some budget; false when it is gone.
    fn spend(&mut self, bytes: usize) -> bool {
        let cost = u32::try_from(1 + bytes / BYTES_PER_STEP).unwrap_or(u32::MAX);
        self.budget = self.budget.saturating_sub(cost);
        self.budget > 0
    }

    fn run<'c>(&mut self, from: usize, mut cursor: Cursor<'c>, mut decoded: Option<&'c [u8]>) -> Outcome
    where
        'a: 'c,
    {
        let rule = self.rule;
        let steps = rule.steps.get(from..).unwrap_or_default();
        for (step, index) in steps.iter().zip(from..) {
            if !self.spend(0) {
                return Outcome::Hopeless;
            }
            let holds = match &step.op {
                Op::Buffer(place @ (Place::HeaderNames | Place::HttpStart), transforms, name) => {
                    let Some(made) = self.made(place) else { return self.no(step) };
                    let made = decode::transformed(&made, transforms);
                    return self.run(index + 1, Cursor { buffer: &made, at: 0, name }, None);
                }
                Op::Buffer(place, transforms, name) => {
                    let Some(buffer) = self.buffer(place, decoded) else { return self.no(step) };
                    if !transforms.is_empty() {
                        let changed = decode::transformed(buffer, transforms);
                        self.note(step, name, 0, changed.len(), &changed);
                        return self.run(index + 1, Cursor { buffer: &changed, at: 0, name }, None);
                    }
                    cursor = Cursor { buffer, at: 0, name };
                    true
                }
                Op::Content(content) => match self.content(index, step, content, &mut cursor, decoded) {
                    Some(outcome) => return outcome,
                    None => true,
                },
                Op::Pcre(pcre) => match self.pcre(index, step, pcre, &mut cursor, decoded) {
                    Some(outcome) => return outcome,
                    None => true,
                },
                Op::Base64(decode) => {
                    let Some(bytes) = decode::base64(decode, cursor.buffer, cursor.at) else { return self.no(step) };
                    self.note(step, cursor.name, cursor.at, 0, cursor.buffer);
                    // The cursor's own buffer outlives the decoded bytes, so the rest of the rule runs inside.
                    return self.run(index + 1, cursor, Some(&bytes));
                }
                other => self.simple(step, other, &mut cursor),
            };
            if !holds {
                return self.no(step);
            }
            if matches!(step.op, Op::Buffer(Place::Base64, ..)) {
                decoded = None;
            }
        }
        Outcome::Match
    }

    fn no(&self, step: &Step) -> Outcome {
        if step.depends { Outcome::Fail } else { Outcome::Hopeless }
    }

    fn buffer<'c>(&mut self, place: &Place, decoded: Option<&'c [u8]>) -> Option<&'c [u8]>
    where
        'a: 'c,
    {
        let found = match (place, &self.context.material) {
            (Place::Base64, _) => return decoded,
            (Place::HeaderNames | Place::HttpStart, _) => None,
            (Place::Whole(BufferKind::PktData | BufferKind::RawData), Material::Packet(packet)) => Some(packet.payload),
            (_, Material::Packet(_)) => None,
            (Place::Whole(kind), Material::Pdu(buffers)) => buffers.buffer(*kind),
            (Place::Field(kind, name), Material::Pdu(buffers)) => buffers.field(*kind, name.as_bytes()),
        };
        self.is_missing |= found.is_none();
        found
    }

    /// Buffers made of others when a rule asks for them.
    fn made(&mut self, place: &Place) -> Option<Vec<u8>> {
        let headers = self.buffer(&Place::Whole(BufferKind::HttpRawHeader), None)?;
        if *place == Place::HeaderNames {
            return Some(decode::header_names(headers));
        }
        let request = self.buffer(&Place::Whole(BufferKind::HttpRawRequest), None);
        let first = request.or_else(|| self.buffer(&Place::Whole(BufferKind::HttpRawStatus), None))?;
        Some([first.trim_ascii_end(), b"\r\n", headers.trim_ascii_end(), b"\r\n\r\n"].concat())
    }

    fn amount(&self, amount: Amount) -> i64 {
        match amount {
            Amount::Number(number) => number,
            Amount::Variable(index) => self.variables.get(usize::from(index)).copied().unwrap_or(0),
        }
    }

    /// None: it holds at one place that is as good as any, go on; else the outcome of all that follows.
    fn content<'c>(
        &mut self,
        index: usize,
        step: &Step,
        content: &Content,
        cursor: &mut Cursor<'c>,
        decoded: Option<&'c [u8]>,
    ) -> Option<Outcome>
    where
        'a: 'c,
    {
        let window = search::window(content, cursor.buffer.len(), cursor.at, |amount| self.amount(amount));
        let region = window.and_then(|(from, to)| cursor.buffer.get(from..to).map(|region| (from, region)));
        if content.negated {
            let is_found =
                region.is_some_and(|(_, region)| search::find(content, region, 0, cursor.buffer.len()).is_some());
            return is_found.then(|| self.no(step));
        }
        let Some((from, region)) = region else { return Some(self.no(step)) };
        let tail = cursor.buffer.len() - from;
        if !self.spend(region.len()) {
            return Some(Outcome::Hopeless);
        }
        let mut next = 0;
        while let Some(at) = search::find(content, region, next, tail) {
            let end = from + at + content.bytes.len();
            let kept = self.note(step, cursor.name, from + at, content.bytes.len(), cursor.buffer);
            let after = Cursor { at: end, ..*cursor };
            if !step.retry {
                *cursor = after;
                return None;
            }
            match self.run(index + 1, after, decoded) {
                Outcome::Fail => self.forget(kept),
                decided => return Some(decided),
            }
            next = at + 1;
            if !self.spend(region.len().saturating_sub(next).min(BYTES_PER_STEP)) {
                return Some(Outcome::Hopeless);
            }
        }
        Some(self.exhausted(step, next > 0))
    }

    fn pcre<'c>(
        &mut self,
        index: usize,
        step: &Step,
        pcre: &Pcre,
        cursor: &mut Cursor<'c>,
        decoded: Option<&'c [u8]>,
    ) -> Option<Outcome>
    where
        'a: 'c,
    {
        let base = if pcre.relative { cursor.at.min(cursor.buffer.len()) } else { 0 };
        let subject = cursor.buffer.get(base..).unwrap_or_default();
        let mut next = 0;
        loop {
            if !self.spend(subject.len()) {
                return Some(Outcome::Hopeless);
            }
            let Some((start, end)) = self.find(pcre, subject, next) else { break };
            if pcre.negated {
                return Some(self.no(step));
            }
            let kept = self.note(step, cursor.name, base + start, end - start, cursor.buffer);
            let after = Cursor { at: base + end, ..*cursor };
            if !step.retry {
                *cursor = after;
                return None;
            }
            match self.run(index + 1, after, decoded) {
                Outcome::Fail => self.forget(kept),
                decided => return Some(decided),
            }
            next = if end > start { end } else { end + 1 };
            if next > subject.len() {
                break;
            }
        }
        if pcre.negated { None } else { Some(self.exhausted(step, next > 0)) }
    }

    fn find(&mut self, pcre: &Pcre, subject: &[u8], from: usize) -> Option<(usize, usize)> {
        match pcre.regex()?.find_at(subject, from) {
            Ok(found) => found.map(|found| (found.start(), found.end())),
            Err(_) => {
                self.over_match_limit += 1;
                None
            }
        }
    }

    /// All places were tried. Only where earlier choices could have changed the places, or what follows, may they go on.
    fn exhausted(&self, step: &Step, was_found: bool) -> Outcome {
        if step.depends || (was_found && self.rule.has_variables) { Outcome::Fail } else { Outcome::Hopeless }
    }

    /// Keep what satisfied a step; gives the length of the trail before it.
    fn note(&mut self, step: &Step, buffer: &'static str, offset: usize, length: usize, bytes: &[u8]) -> usize {
        let Some(trail) = &mut self.trail else { return 0 };
        let shown = length.min(Why::MAX_BYTES);
        trail.push(Why {
            option: step.text.clone(),
            buffer,
            offset: u32::try_from(offset).unwrap_or(u32::MAX),
            length: u32::try_from(length).unwrap_or(u32::MAX),
            bytes: bytes.get(offset..offset + shown).unwrap_or_default().to_vec(),
        });
        trail.len() - 1
    }

    fn forget(&mut self, kept: usize) {
        if let Some(trail) = &mut self.trail {
            trail.truncate(kept);
        }
    }

    /// Steps with one outcome.
    fn simple(&mut self, step: &Step, op: &Op, cursor: &mut Cursor<'_>) -> bool {
        let before = cursor.at;
        let holds = match op {
            Op::ByteTest(test) => self.byte_test(test, cursor),
            Op::ByteJump(jump) => self.byte_jump(jump, cursor),
            Op::ByteExtract(extract) => self.byte_extract(extract, cursor),
            Op::ByteMath(math) => self.byte_math(math, cursor),
            Op::IsDataAt(at, dialect) => self.is_data_at(at, *dialect, cursor),
            Op::BufferLength(range, relative) => {
                let length =
                    if *relative { cursor.buffer.len().saturating_sub(cursor.at) } else { cursor.buffer.len() };
                range.contains(i64::try_from(length).unwrap_or(i64::MAX))
            }
            Op::BerData(kind) => decode::ber_data(*kind, cursor.buffer, &mut cursor.at),
            Op::BerSkip(skip) => decode::ber_skip(*skip, cursor.buffer, &mut cursor.at),
            Op::Hash(hash) => decode::hash(hash, cursor.buffer, cursor.at),
            Op::Packet(test) => facts::packet(*test, self.context),
            Op::StreamSize(range, sides, both) => facts::stream_size(*range, *sides, *both, self.context),
            Op::Flowbits(bits) => facts::flowbits(bits, self.context.state),
            Op::HttpVersion(words) => self.http_version(words),
            Op::HttpCount(what, range) => self.http_count(what, *range),
            Op::FtpBounce => facts::ftp_bounce(cursor.buffer, cursor.at, self.context),
            Op::SslState(words) => facts::ssl_state(words, cursor.buffer),
            Op::SslVersion(words) => facts::ssl_version(words, cursor.buffer),
            Op::Buffer(..) | Op::Content(_) | Op::Pcre(_) | Op::Base64(_) => false,
        };
        if holds {
            let (from, to) = (before.min(cursor.at), before.max(cursor.at));
            let name =
                if matches!(op, Op::Packet(_) | Op::StreamSize(..) | Op::Flowbits(_)) { "" } else { cursor.name };
            self.note(step, name, from, to - from, cursor.buffer);
        }
        holds
    }

    fn http_version(&mut self, words: &[std::sync::Arc<str>]) -> bool {
        let Some(version) = self.buffer(&Place::Whole(BufferKind::HttpVersion), None) else { return false };
        let number = version.rsplit(|byte| *byte == b'/').next().unwrap_or(version);
        words.iter().any(|word| match &**word {
            "malformed" => !number.first().is_some_and(u8::is_ascii_digit),
            other => other.as_bytes() == number,
        })
    }

    fn http_count(&mut self, what: &str, range: kodkod_rules::Range) -> bool {
        let kind = match what {
            "http_num_cookies" => BufferKind::HttpRawCookie,
            "http_num_trailers" => BufferKind::HttpRawTrailer,
            _ => BufferKind::HttpRawHeader,
        };
        let text = self.buffer(&Place::Whole(kind), None).unwrap_or_default();
        let separator = if kind == BufferKind::HttpRawCookie { b';' } else { b'\n' };
        let count = text.split(|byte| *byte == separator).filter(|line| !line.trim_ascii().is_empty()).count();
        range.contains(i64::try_from(count).unwrap_or(i64::MAX))
    }
}
