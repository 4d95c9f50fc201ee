//! The steps that a rule's options become.

use std::sync::{Arc, OnceLock};

use kodkod_inspect::BufferKind;
use kodkod_rules::{
    Amount, Base64Decode, BerSkip, Buffer, BufferChoice, ByteExtract, ByteJump, ByteMath, ByteTest, Dialect, Encoding,
    Endian, FastPattern, Flow, FlowbitAction, HashMatch, IsDataAt, PacketTest, Range, Reason, Rule, RuleOption,
    Transform,
};
use pcre2::bytes::{Regex, RegexBuilder};

use super::{Filter, offer};

/// Steps of one match attempt of an expression; Snort's default.
const MATCH_LIMIT: u32 = 3500;
/// Depth of its backtracking.
const DEPTH_LIMIT: u32 = 1500;

/// One step of the evaluation.
pub(crate) struct Step {
    pub(crate) op: Op,
    /// The option as written, for explanations.
    pub(crate) text: Arc<str>,
    /// Its outcome depends on what earlier steps chose: on the cursor or on a remembered number.
    pub(crate) depends: bool,
    /// A later step, before the cursor is set anew, depends on where this one matches: try other places too.
    pub(crate) retry: bool,
}

/// Where a step looks.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Place {
    Whole(BufferKind),
    Field(BufferKind, Arc<str>),
    /// What `base64_decode` left.
    Base64,
    /// Names of all headers, each on a line of its own, between empty lines (Suricata `http.header_names`).
    HeaderNames,
    /// First line and headers as written (Suricata `http.start`).
    HttpStart,
}

pub(crate) enum Op {
    Buffer(Place, Vec<Transform>, &'static str),
    Content(Box<Content>),
    Pcre(Box<Pcre>),
    ByteTest(ByteTest),
    ByteJump(ByteJump),
    ByteExtract(ByteExtract),
    ByteMath(ByteMath),
    /// Suricata counts relative positions up to the end, Snort to the last byte.
    IsDataAt(IsDataAt, Dialect),
    BufferLength(Range, bool),
    Base64(Base64Decode),
    BerData(u8),
    BerSkip(BerSkip),
    Hash(HashMatch),
    Packet(PacketTest),
    StreamSize(Range, (bool, bool), bool),
    Flowbits(Flowbits),
    HttpVersion(Vec<Arc<str>>),
    HttpCount(Arc<str>, Range),
    FtpBounce,
    SslState(Vec<Arc<str>>),
    SslVersion(Vec<Arc<str>>),
}

/// A literal in a buffer.
pub(crate) struct Content {
    pub(crate) bytes: Vec<u8>,
    /// Set where case counts.
    pub(crate) finder: Option<memchr::memmem::Finder<'static>>,
    pub(crate) negated: bool,
    pub(crate) offset: Option<Amount>,
    pub(crate) depth: Option<Amount>,
    pub(crate) distance: Option<Amount>,
    pub(crate) within: Option<Amount>,
    pub(crate) ends_with: bool,
    pub(crate) fast_pattern: Option<FastPattern>,
}

/// An expression; compiled when it is first evaluated.
pub(crate) struct Pcre {
    source: String,
    flags: [bool; 4],
    pub(crate) negated: bool,
    pub(crate) relative: bool,
    regex: OnceLock<Option<Regex>>,
}

/// Marks by the digests of their names.
#[derive(Clone, Debug)]
pub(crate) struct Flowbits {
    pub(crate) action: FlowbitAction,
    pub(crate) marks: Vec<u64>,
    pub(crate) any: bool,
}

/// What a rule's options gave.
#[derive(Default)]
pub(crate) struct Built {
    pub(crate) steps: Vec<Step>,
    pub(crate) marks: Vec<Flowbits>,
    pub(crate) filter: Vec<Filter>,
    pub(crate) flow: Flow,
    pub(crate) noalert: bool,
    /// Facts of packets, also among the steps: asked before anything else is set up.
    pub(crate) facts: Vec<PacketTest>,
    /// Kinds looked into, with the columns of the options that name them.
    pub(crate) kinds: Vec<(BufferKind, u32)>,
    /// Looks into a buffer of which later stages of a message may bring more.
    pub(crate) grows: bool,
    /// Looks into payload of any kind.
    pub(crate) uses_payload: bool,
    /// Needs a buffer that only an inspector has.
    pub(crate) uses_inspected: bool,
    /// Needs facts that only a packet has.
    pub(crate) uses_packet: bool,
}

pub(crate) fn build(rule: &Rule, reasons: &mut Vec<Reason>) -> Built {
    let mut built = Built::default();
    let mut facts = Vec::new();
    let mut searches = Vec::new();
    for spelled in &rule.options {
        let text = rule.text.get(spelled.span.start as usize..spelled.span.end as usize).unwrap_or_default();
        let step = |op| Step { op, text: text.trim().into(), depends: false, retry: false };
        match built.take(rule, &spelled.option, spelled.column, reasons) {
            Some(op @ (Op::Packet(_) | Op::StreamSize(..) | Op::Flowbits(_))) => facts.push(step(op)),
            Some(op) => searches.push(step(op)),
            None => {}
        }
    }
    if built.uses_payload && searches.first().is_some_and(|step| !matches!(step.op, Op::Buffer(..))) {
        built.note(BufferKind::PktData, 1);
    }
    link(&mut searches);
    facts.append(&mut searches);
    built.steps = facts;
    built
}

impl Built {
    fn note(&mut self, kind: BufferKind, column: u32) {
        self.uses_payload = true;
        self.grows |= is_body(kind);
        self.uses_inspected |= !matches!(kind, BufferKind::PktData | BufferKind::RawData);
        if !self.kinds.iter().any(|(known, _)| *known == kind) {
            self.kinds.push((kind, column));
        }
    }

    fn take(&mut self, rule: &Rule, option: &RuleOption, column: u32, reasons: &mut Vec<Reason>) -> Option<Op> {
        if let Some(words) = offer::missing(option) {
            reasons.push(Reason::fatal("no-inspector", column, words));
            return None;
        }
        self.uses_payload |= !matches!(
            option,
            RuleOption::Flow(_)
                | RuleOption::Flowbits(_)
                | RuleOption::Packet(_)
                | RuleOption::StreamSize { .. }
                | RuleOption::NoAlert
                | RuleOption::DetectionFilter(_)
                | RuleOption::Threshold(_)
        );
        let op = match option {
            RuleOption::Buffer(choice) => return self.buffer(choice, column, reasons),
            RuleOption::Content(content) => Op::Content(Box::new(Content::new(content))),
            RuleOption::Pcre(pcre) => match Pcre::new(pcre) {
                Ok(pcre) => Op::Pcre(Box::new(pcre)),
                Err(message) => {
                    reasons.push(Reason::fatal("pcre", column, message));
                    return None;
                }
            },
            RuleOption::ByteTest(test) => Op::ByteTest(*test),
            RuleOption::ByteJump(jump) => Op::ByteJump(*jump),
            RuleOption::ByteExtract(extract) => Op::ByteExtract(*extract),
            RuleOption::ByteMath(math) => Op::ByteMath(*math),
            RuleOption::IsDataAt(at) => Op::IsDataAt(*at, rule.dialect),
            RuleOption::BufferLength { range, relative } => Op::BufferLength(*range, *relative),
            RuleOption::Base64Decode(decode) => Op::Base64(*decode),
            RuleOption::BerData(kind) => Op::BerData(*kind),
            RuleOption::BerSkip(skip) => Op::BerSkip(*skip),
            RuleOption::Hash(hash) => Op::Hash(hash.clone()),
            RuleOption::Packet(test) => {
                self.uses_packet = true;
                self.facts.push(*test);
                Op::Packet(*test)
            }
            RuleOption::StreamSize { range, sides, both } => Op::StreamSize(*range, *sides, *both),
            RuleOption::Flow(flow) => {
                self.flow = merged(self.flow, *flow);
                return None;
            }
            RuleOption::Flowbits(bits) => return self.flowbits(bits),
            RuleOption::DetectionFilter(rate) => {
                self.filter.push(Filter::Detection(*rate));
                return None;
            }
            RuleOption::Threshold(threshold) => {
                self.filter.push(Filter::Threshold(*threshold));
                return None;
            }
            RuleOption::NoAlert => {
                self.noalert = true;
                return None;
            }
            RuleOption::HttpVersion(words) => {
                self.note(BufferKind::HttpVersion, column);
                Op::HttpVersion(words.clone())
            }
            RuleOption::HttpCount { what, range } => {
                self.note(BufferKind::HttpHeader, column);
                Op::HttpCount(Arc::clone(what), *range)
            }
            RuleOption::FtpBounce => Op::FtpBounce,
            RuleOption::SslState(words) => Op::SslState(words.clone()),
            RuleOption::SslVersion(words) => Op::SslVersion(words.clone()),
            // `missing` has a word for these.
            RuleOption::SipMethod(_)
            | RuleOption::SipStatCode(_)
            | RuleOption::DceIface(_)
            | RuleOption::DceOpnum(_) => {
                return None;
            }
        };
        if uses_dce(&op) {
            reasons.push(Reason::fatal(
                "no-inspector",
                column,
                "the byte order of DCE/RPC is not known: nobody reads DCE/RPC yet",
            ));
        }
        Some(op)
    }

    fn buffer(&mut self, choice: &BufferChoice, column: u32, reasons: &mut Vec<Reason>) -> Option<Op> {
        if choice.request {
            let message = "a request's buffer is not kept until the answer is judged";
            reasons.push(Reason::fatal("no-inspector", column, message));
            return None;
        }
        let Some(place) = offer::place(choice) else {
            let message = format!("nobody offers the buffer {} yet", choice.buffer.name());
            reasons.push(Reason::fatal("no-inspector", column, message));
            return None;
        };
        match &place {
            Place::Whole(kind) | Place::Field(kind, _) => self.note(*kind, column),
            Place::HeaderNames | Place::HttpStart => self.note(BufferKind::HttpRawHeader, column),
            Place::Base64 => {}
        }
        if choice.buffer == Buffer::HttpResponseBody {
            self.flow.side.get_or_insert(kodkod_rules::FlowSide::ToClient);
        }
        Some(Op::Buffer(place, choice.transforms.clone(), choice.buffer.name()))
    }

    fn flowbits(&mut self, bits: &kodkod_rules::Flowbits) -> Option<Op> {
        let compiled =
            Flowbits { action: bits.action, marks: bits.names.iter().map(|name| mark(name)).collect(), any: bits.any };
        match bits.action {
            FlowbitAction::IsSet | FlowbitAction::IsNotSet => Some(Op::Flowbits(compiled)),
            FlowbitAction::Set | FlowbitAction::Unset | FlowbitAction::Toggle => {
                self.marks.push(compiled);
                None
            }
        }
    }
}

fn is_body(kind: BufferKind) -> bool {
    use BufferKind as K;
    matches!(kind, K::PktData | K::RawData | K::FileData | K::HttpClientBody | K::HttpRawBody)
}

fn merged(first: Flow, second: Flow) -> Flow {
    Flow {
        side: second.side.or(first.side),
        state: second.state.or(first.state),
        scope: second.scope.or(first.scope),
        whole: second.whole.or(first.whole),
    }
}

/// FNV-1a, 64 bits: the same mark for the same name in every rule set.
fn mark(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn uses_dce(op: &Op) -> bool {
    let encoding = match op {
        Op::ByteTest(test) => test.encoding,
        Op::ByteJump(jump) => jump.encoding,
        Op::ByteExtract(extract) => extract.encoding,
        Op::ByteMath(math) => math.encoding,
        _ => return false,
    };
    encoding == Encoding::Binary(Endian::Dce)
}

/// Say of each step whether it depends on earlier ones and whether later ones depend on it.
fn link(steps: &mut [Step]) {
    for step in steps.iter_mut() {
        step.depends = moves_from_cursor(&step.op) || uses_variable(&step.op);
    }
    let mut cursor_matters = false;
    for step in steps.iter_mut().rev() {
        step.retry = cursor_matters;
        match &step.op {
            Op::Buffer(Place::Base64, ..) => {}
            Op::Buffer(..) => cursor_matters = false,
            op => cursor_matters |= moves_from_cursor(op),
        }
    }
}

fn moves_from_cursor(op: &Op) -> bool {
    match op {
        Op::Content(content) => content.distance.is_some() || content.within.is_some(),
        Op::Pcre(pcre) => pcre.relative,
        Op::ByteTest(test) => test.relative,
        Op::ByteJump(jump) => jump.relative,
        Op::ByteExtract(extract) => extract.relative,
        Op::ByteMath(math) => math.relative,
        Op::IsDataAt(at, _) => at.relative,
        Op::BufferLength(_, relative) => *relative,
        Op::Base64(decode) => decode.relative,
        Op::Hash(hash) => hash.relative,
        Op::BerData(_) | Op::BerSkip(_) | Op::Buffer(Place::Base64, ..) => true,
        _ => false,
    }
}

fn uses_variable(op: &Op) -> bool {
    let is = |amount: Amount| matches!(amount, Amount::Variable(_));
    let may = |amount: Option<Amount>| amount.is_some_and(is);
    match op {
        Op::Content(c) => may(c.offset) || may(c.depth) || may(c.distance) || may(c.within),
        Op::ByteTest(test) => is(test.count) || is(test.value) || is(test.offset),
        Op::ByteJump(jump) => is(jump.count) || is(jump.offset) || is(jump.post_offset),
        Op::ByteExtract(extract) => is(extract.count) || is(extract.offset),
        Op::ByteMath(math) => is(math.count) || is(math.offset) || is(math.value),
        Op::IsDataAt(at, _) => is(at.position),
        _ => false,
    }
}

impl Content {
    fn new(content: &kodkod_rules::Content) -> Self {
        let mut bytes = content.bytes.clone();
        let finder = if content.nocase {
            bytes.make_ascii_lowercase();
            None
        } else {
            Some(memchr::memmem::Finder::new(&content.bytes).into_owned())
        };
        Self {
            bytes,
            finder,
            negated: content.negated,
            offset: content.offset,
            depth: content.depth,
            distance: content.distance,
            within: content.within,
            ends_with: content.ends_with,
            fast_pattern: content.fast_pattern,
        }
    }

    /// Whether letters match in either case.
    pub(crate) fn nocase(&self) -> bool {
        self.finder.is_none()
    }
}

impl Pcre {
    /// Refuses what does not compile.
    fn new(pcre: &kodkod_rules::Pcre) -> Result<Self, String> {
        let pattern = String::from_utf8(pcre.pattern.clone()).unwrap_or_else(|_| escaped(&pcre.pattern));
        let pattern = if pcre.dollar_end_only { strict_end(&pattern) } else { pattern };
        let source = format!(
            "(*LIMIT_MATCH={MATCH_LIMIT})(*LIMIT_DEPTH={DEPTH_LIMIT}){}{}",
            if pcre.ungreedy { "(?U)" } else { "" },
            if pcre.anchored { format!("\\G(?:{pattern})") } else { pattern },
        );
        let compiled = Self {
            source,
            flags: [pcre.caseless, pcre.dot_all, pcre.multi_line, pcre.extended],
            negated: pcre.negated,
            relative: pcre.relative,
            regex: OnceLock::new(),
        };
        compiled.build(false).map_err(|error| error.to_string())?;
        Ok(compiled)
    }

    fn build(&self, jit: bool) -> Result<Regex, pcre2::Error> {
        let [caseless, dot_all, multi_line, extended] = self.flags;
        RegexBuilder::new()
            .caseless(caseless)
            .dotall(dot_all)
            .multi_line(multi_line)
            .extended(extended)
            .jit_if_available(jit)
            .build(&self.source)
    }

    /// The compiled expression; none only where memory for it is gone.
    pub(crate) fn regex(&self) -> Option<&Regex> {
        self.regex.get_or_init(|| self.build(true).ok()).as_ref()
    }
}

/// Bytes above 127 as `\xHH`.
fn escaped(pattern: &[u8]) -> String {
    pattern
        .iter()
        .map(|byte| if byte.is_ascii() { char::from(*byte).to_string() } else { format!("\\x{byte:02x}") })
        .collect()
}

/// `$` → `\z`, outside classes and not where escaped.
fn strict_end(pattern: &str) -> String {
    let (mut strict, mut is_escaped, mut is_class) = (String::with_capacity(pattern.len() + 1), false, false);
    for letter in pattern.chars() {
        match letter {
            '$' if !is_escaped && !is_class => strict.push_str("\\z"),
            other => strict.push(other),
        }
        is_class = if is_escaped { is_class } else { (is_class || letter == '[') && letter != ']' };
        is_escaped = letter == '\\' && !is_escaped;
    }
    strict
}
