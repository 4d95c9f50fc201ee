//! One rule text → one tree.

use std::sync::Arc;

use super::Entry;
use super::modifiers::{Pending, service_names};
use crate::ast::{Action, Header, Rule, RuleOption, Spelled};
use crate::options::{
    Base64Decode, BerSkip, ByteExtract, ByteJump, ByteMath, ByteTest, Content, DigestAlgorithm, Flow, Flowbits,
    HashMatch, IsDataAt, Names, PacketTest, Pcre, Rate, Threshold, stream_size,
};
use crate::split::{self, OptionText, RuleText, column};
use crate::variables::Resolver;
use crate::{Buffer, BufferChoice, Consequence, Dialect, Range, Reason, StreamScope, header, scan, suricata};

/// Read a rule into its entry: the tree, or the reasons why there is none.
pub(super) fn rule(entry: &mut Entry, text: RuleText<'_>, dialect: Dialect, resolver: &mut Resolver<'_>) {
    let (head, options) = match split::parts(text.text, dialect) {
        Ok(parts) => parts,
        Err(reason) => {
            identify(entry, text.text);
            return entry.reasons.push(reason);
        }
    };
    let mut draft = Draft::new(dialect);
    for option in &options {
        if let Err(reason) = draft.option(option, text.text) {
            entry.reasons.push(reason);
        }
    }
    (entry.gid, entry.sid, entry.rev) = (draft.gid, draft.sid, draft.rev);
    let header = header::read(head, dialect, resolver);
    entry.reasons.append(&mut draft.finish_options());
    match header {
        Err(reason) => entry.reasons.push(reason),
        Ok(read) => {
            match read.service {
                Some("file") => FILE_SERVICES.iter().for_each(|service| draft.add_service(service)),
                Some(service) => draft.add_service(service),
                None => {}
            }
            if let Some(scope) = read.scope {
                let flow = Flow { scope: Some(scope), ..Flow::default() };
                draft.options.insert(0, Spelled { option: RuleOption::Flow(flow), column: 1, span: 0..0 });
            }
            draft.check(&mut entry.reasons);
            if !entry.reasons.iter().any(|reason| reason.consequence == Consequence::Fatal) {
                entry.rule = Some(draft.into_rule(entry, text, read.action, read.header));
            }
        }
    }
    entry.reasons.sort_by_key(|reason| reason.column);
}

/// Services that carry files.
const FILE_SERVICES: [&str; 5] = ["http", "ftp-data", "imap", "pop3", "smtp"];

/// The ids of a text that cannot be cut into options, as far as they can be found.
fn identify(entry: &mut Entry, text: &[u8]) {
    let text = text.get(..crate::MAX_RULE_BYTES).unwrap_or(text);
    let number = |key: &[u8]| -> Option<u32> {
        let at = memchr::memmem::rfind(text, key)? + key.len();
        let digits: String = text[at..]
            .iter()
            .skip_while(|byte| **byte == b' ')
            .take_while(|byte| byte.is_ascii_digit())
            .map(|byte| char::from(*byte))
            .collect();
        digits.parse().ok()
    };
    entry.sid = number(b"sid:").unwrap_or(0);
    entry.rev = number(b"rev:").unwrap_or(0);
}

/// A rule while it is read.
pub(super) struct Draft {
    pub(super) dialect: Dialect,
    pub(super) names: Names,
    pub(super) options: Vec<Spelled>,
    /// The content that the next modifiers are about.
    pub(super) pending: Option<Pending>,
    /// The buffer set last by a sticky option; contents with a modifier leave it for a while.
    pub(super) sticky: BufferChoice,
    /// The buffer that the options emitted last look into.
    pub(super) current: BufferChoice,
    gid: u32,
    sid: u32,
    rev: u32,
    msg: Option<Arc<str>>,
    classtype: Option<Arc<str>>,
    priority: Option<u8>,
    references: Vec<Arc<str>>,
    metadata: Vec<Arc<str>>,
    services: Vec<Arc<str>>,
    late: Vec<Reason>,
}

impl Draft {
    fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            names: Names::default(),
            options: Vec::with_capacity(16),
            pending: None,
            sticky: BufferChoice::whole(Buffer::PktData),
            current: BufferChoice::whole(Buffer::PktData),
            gid: 1,
            sid: 0,
            rev: 0,
            msg: None,
            classtype: None,
            priority: None,
            references: Vec::new(),
            metadata: Vec::new(),
            services: Vec::new(),
            late: Vec::new(),
        }
    }

    fn option(&mut self, option: &OptionText<'_>, text: &[u8]) -> Result<(), Reason> {
        let place = column(option.at);
        let name = String::from_utf8_lossy(option.name);
        let name =
            if name.starts_with(|first: char| first.is_ascii_uppercase()) { name.to_lowercase().into() } else { name };
        let value = String::from_utf8_lossy(option.value.unwrap_or_default());
        let raw = option.value.unwrap_or_default();
        let span = small(option.at)..small(option.end);
        let wrong = |message: String| Reason::fatal("argument", place, format!("{name}: {message}"));
        if self.general(&name, &value).map_err(wrong)? {
            return Ok(());
        }
        if self.modifier(&name, &value, place).map_err(wrong)? {
            return Ok(());
        }
        self.flush_pending();
        if let Some(reason) = self.ignorable(&name, place) {
            self.late.push(reason);
            return Ok(());
        }
        let read = self.payload_or_fact(&name, &value, raw, (span.clone(), place)).map_err(wrong)?;
        match read {
            Read::Option(read) => self.push(read, place, span),
            Read::Done => {}
            Read::Unknown => {
                let _ = text;
                return Err(Reason::fatal("unknown-option", place, format!("`{name}` is no option known here")));
            }
        }
        Ok(())
    }

    /// Options about the rule itself. Returns whether it was one.
    fn general(&mut self, name: &str, value: &str) -> Result<bool, String> {
        match name {
            "msg" => self.msg = Some(unescaped(scan::unquoted(value)).into()),
            "sid" => self.sid = scan::small(value)?,
            "gid" => self.gid = scan::small(value)?,
            "rev" => self.rev = scan::small(value)?,
            "priority" => self.priority = Some(scan::small(value)?),
            "classtype" => self.classtype = Some(scan::unquoted(value).into()),
            "reference" => self.references.push(value.into()),
            "service" => scan::arguments(value).into_iter().for_each(|service| self.add_service(service)),
            "metadata" => {
                for entry in scan::arguments(value).into_iter().filter(|entry| !entry.is_empty()) {
                    if let Some(service) = service_names(entry) {
                        self.add_service(service);
                    }
                    self.metadata.push(entry.into());
                }
            }
            "rem" | "target" | "soid" | "rule" => {}
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Options that we leave out without changing what the rule finds.
    fn ignorable(&self, name: &str, place: u32) -> Option<Reason> {
        let message = match name {
            "tag" => "tag: packets after the alert are not tagged; the ring of recent packets has them",
            "logto" => "logto: alerts go where all alerts go",
            "activates" | "activated_by" | "count" => "dynamic rules are not evaluated",
            "stream_reassemble" => "stream_reassemble: reassembly cannot be switched per flow",
            "replace" => "replace: traffic is only observed, never changed",
            "prefilter" | "priority_hint" => {
                return Some(Reason::ignored(
                    "hint",
                    place,
                    format!("{name}: candidates are chosen by the fast pattern"),
                ));
            }
            _ => return None,
        };
        Some(Reason::ignored("ignored-option", place, message))
    }

    fn payload_or_fact(
        &mut self,
        name: &str,
        value: &str,
        raw: &[u8],
        place: (std::ops::Range<u32>, u32),
    ) -> Result<Read, String> {
        if let Some(test) = PacketTest::read(name, value, self.dialect) {
            return Ok(Read::Option(RuleOption::Packet(test?)));
        }
        let option = match name {
            "content" | "uricontent" => {
                self.content(name, value, raw, place)?;
                return Ok(Read::Done);
            }
            "pcre" => {
                self.pcre(raw, place)?;
                return Ok(Read::Done);
            }
            "flow" => RuleOption::Flow(Flow::read(value)?),
            "flowbits" => Flowbits::read(value)?.map_or(RuleOption::NoAlert, RuleOption::Flowbits),
            "noalert" => RuleOption::NoAlert,
            "byte_test" => RuleOption::ByteTest(ByteTest::read(value, &self.names)?),
            "byte_jump" => RuleOption::ByteJump(ByteJump::read(value, &self.names)?),
            "byte_extract" => RuleOption::ByteExtract(ByteExtract::read(value, &mut self.names)?),
            "byte_math" => RuleOption::ByteMath(ByteMath::read(value, &mut self.names)?),
            "isdataat" => RuleOption::IsDataAt(IsDataAt::read(value, &self.names)?),
            "bufferlen" | "bsize" => self.buffer_length(value)?,
            "urilen" => return self.uri_length(value, place),
            "base64_decode" => RuleOption::Base64Decode(Base64Decode::read(value)?),
            "ber_data" => RuleOption::BerData(scan::small(value)?),
            "ber_skip" => RuleOption::BerSkip(BerSkip::read(value)?),
            "md5" | "protected_content" => RuleOption::Hash(HashMatch::read(DigestAlgorithm::Md5, value)?),
            "sha256" => RuleOption::Hash(HashMatch::read(DigestAlgorithm::Sha256, value)?),
            "sha512" => RuleOption::Hash(HashMatch::read(DigestAlgorithm::Sha512, value)?),
            "detection_filter" => RuleOption::DetectionFilter(Rate::read(value)?),
            "threshold" => RuleOption::Threshold(Threshold::read(value)?),
            "stream_size" => {
                let (range, sides, both) = stream_size(value, self.dialect)?;
                RuleOption::StreamSize { range, sides, both }
            }
            "ssl_state" => RuleOption::SslState(words(value)),
            "ssl_version" => RuleOption::SslVersion(words(value)),
            // With an argument this is Suricata's older test of the version, without one a buffer.
            "tls.version" if !value.is_empty() => {
                RuleOption::SslVersion(words(value).iter().map(|version| format!("tls{version}").into()).collect())
            }
            "sip_method" => RuleOption::SipMethod(words(value)),
            "sip_stat_code" => RuleOption::SipStatCode(numbers(value)?),
            "dce_iface" => RuleOption::DceIface(value.into()),
            "dce_opnum" => RuleOption::DceOpnum(opnums(scan::unquoted(value))?),
            "http_version_match" => {
                RuleOption::HttpVersion(scan::unquoted(value).split_whitespace().map(Arc::from).collect())
            }
            "http_num_headers" | "http_num_cookies" | "http_num_trailers" => {
                let first = scan::arguments(value).first().copied().unwrap_or_default().to_owned();
                RuleOption::HttpCount { what: name.into(), range: Range::read(&first, self.dialect)? }
            }
            "ftpbounce" => RuleOption::FtpBounce,
            "tls.subject" | "tls.issuerdn" | "tls.fingerprint" => return self.certificate(name, raw, place),
            "app-layer-protocol" => {
                let service = suricata::service(value).ok_or_else(|| format!("`{value}` is no service known here"))?;
                self.add_service(service);
                return Ok(Read::Done);
            }
            _ => return self.buffer(name, value),
        };
        Ok(Read::Option(option))
    }

    fn buffer_length(&self, value: &str) -> Result<RuleOption, String> {
        let arguments = scan::arguments(value);
        let relative = arguments.get(1).is_some_and(|word| *word == "relative");
        let range = Range::read(arguments.first().copied().unwrap_or_default(), self.dialect)?;
        Ok(RuleOption::BufferLength { range, relative })
    }

    /// `urilen:5<>10,norm`: the raw URI unless `norm`; Suricata's default is the normalised one.
    fn uri_length(&mut self, value: &str, (span, place): (std::ops::Range<u32>, u32)) -> Result<Read, String> {
        let arguments = scan::arguments(value);
        let is_normalised = match arguments.get(1).copied() {
            Some("norm") => true,
            Some("raw") => false,
            None => self.dialect == Dialect::Suricata,
            Some(other) => return Err(format!("`{other}` is not known here")),
        };
        let range = Range::read(arguments.first().copied().unwrap_or_default(), self.dialect)?;
        let buffer = if is_normalised { Buffer::HttpUri } else { Buffer::HttpRawUri };
        self.look_into(BufferChoice::whole(buffer), place, span.clone(), false);
        self.push(RuleOption::BufferLength { range, relative: false }, place, span);
        Ok(Read::Done)
    }

    /// Suricata's older words: a literal in one field of the certificate.
    fn certificate(
        &mut self,
        name: &str,
        raw: &[u8],
        (span, place): (std::ops::Range<u32>, u32),
    ) -> Result<Read, String> {
        let buffer = match name {
            "tls.subject" => Buffer::TlsCertSubject,
            "tls.issuerdn" => Buffer::TlsCertIssuer,
            _ => Buffer::TlsCertFingerprint,
        };
        let content = Content::read(raw)?;
        self.look_into(BufferChoice::whole(buffer), place, span.clone(), false);
        self.push(RuleOption::Content(content), place, span);
        Ok(Read::Done)
    }

    fn buffer(&mut self, name: &str, value: &str) -> Result<Read, String> {
        if let Some(transform) = suricata::transform(name).filter(|_| self.dialect == Dialect::Suricata) {
            match self.options.last_mut() {
                Some(Spelled { option: RuleOption::Buffer(choice), .. }) => {
                    choice.transforms.push(transform);
                    self.sticky = choice.clone();
                    self.current = choice.clone();
                    return Ok(Read::Done);
                }
                _ => return Err("a transformation stands right behind its buffer".to_owned()),
            }
        }
        let Some(mut choice) = Buffer::sticky(name, self.dialect) else { return Ok(Read::Unknown) };
        super::modifiers::buffer_arguments(&mut choice, value)?;
        self.sticky = choice.clone();
        self.current = choice.clone();
        Ok(Read::Option(RuleOption::Buffer(choice)))
    }

    fn content(
        &mut self,
        name: &str,
        value: &str,
        raw: &[u8],
        (span, place): (std::ops::Range<u32>, u32),
    ) -> Result<(), String> {
        let (quoted, arguments) = if self.dialect == Dialect::Snort3 {
            let end = super::modifiers::closing_quote(raw).ok_or("the text of a content stands in double quotes")?;
            (&raw[..=end], String::from_utf8_lossy(&raw[end + 1..]).into_owned())
        } else {
            (raw, String::new())
        };
        let _ = value;
        let mut content = Content::read(quoted)?;
        for argument in
            scan::arguments(arguments.trim().trim_start_matches(',')).into_iter().filter(|word| !word.is_empty())
        {
            let (word, rest) = scan::word_and_rest(argument);
            let modifier = crate::options::ContentModifier::from_name(word)
                .ok_or_else(|| format!("`{word}` is not known here"))?;
            content.modify(&modifier, rest, &self.names)?;
        }
        let buffer = (name == "uricontent").then(|| BufferChoice::whole(Buffer::HttpUri));
        self.pending = Some(Pending { content, buffer, span, place });
        if self.dialect == Dialect::Snort3 {
            self.flush_pending();
        }
        Ok(())
    }

    fn pcre(&mut self, raw: &[u8], (span, place): (std::ops::Range<u32>, u32)) -> Result<(), String> {
        let (pcre, buffer) = Pcre::read(raw, self.dialect)?;
        let relative = pcre.relative;
        self.look_into(buffer.unwrap_or_else(|| self.sticky.clone()), place, span.clone(), relative);
        self.push(RuleOption::Pcre(pcre), place, span);
        Ok(())
    }

    pub(super) fn push(&mut self, option: RuleOption, column: u32, span: std::ops::Range<u32>) {
        self.options.push(Spelled { option, column, span });
    }

    fn add_service(&mut self, service: &str) {
        if !service.is_empty() && !self.services.iter().any(|known| **known == *service) {
            self.services.push(service.into());
        }
    }

    fn finish_options(&mut self) -> Vec<Reason> {
        self.flush_pending();
        let mut reasons = std::mem::take(&mut self.late);
        for spelled in &self.options {
            if let RuleOption::Content(content) = &spelled.option
                && let Err(message) = content.check()
            {
                reasons.push(Reason::fatal("argument", spelled.column, format!("content: {message}")));
            }
        }
        reasons
    }

    fn check(&self, reasons: &mut Vec<Reason>) {
        if self.sid == 0 && !reasons.iter().any(|reason| reason.consequence == Consequence::Fatal) {
            reasons.push(Reason::ignored("no-sid", 1, "without a sid the alert cannot say which rule it is"));
        }
        let scopes = self.options.iter().filter_map(|spelled| match &spelled.option {
            RuleOption::Flow(flow) => flow.scope,
            _ => None,
        });
        let scopes: Vec<StreamScope> = scopes.collect();
        if scopes.windows(2).any(|pair| pair[0] != pair[1]) {
            reasons.push(Reason::fatal("never-matches", 1, "the rule asks for packets only and for streams only"));
        }
    }

    fn into_rule(self, entry: &Entry, text: RuleText<'_>, action: Action, header: Header) -> Rule {
        let whole = text.text.trim_ascii_end();
        Rule {
            dialect: self.dialect,
            file: Arc::clone(&entry.file),
            line: entry.line,
            text: String::from_utf8_lossy(whole).into(),
            action,
            header,
            gid: self.gid,
            sid: self.sid,
            rev: self.rev,
            msg: self.msg.unwrap_or_else(|| "".into()),
            classtype: self.classtype,
            priority: self.priority,
            references: self.references,
            metadata: self.metadata,
            services: self.services,
            options: if self.dialect == Dialect::Suricata {
                super::modifiers::grouped_by_buffer(self.options)
            } else {
                self.options
            },
            variables: self.names.known,
        }
    }
}

/// What became of one option's text.
enum Read {
    Option(RuleOption),
    Done,
    Unknown,
}

fn small(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

fn unescaped(text: &str) -> String {
    if !text.contains('\\') {
        return text.to_owned();
    }
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        plain.extend(if letter == '\\' { letters.next() } else { Some(letter) });
    }
    plain
}

fn words(value: &str) -> Vec<Arc<str>> {
    scan::arguments(value)
        .into_iter()
        .flat_map(str::split_whitespace)
        .map(|word| Arc::from(scan::unquoted(word).to_ascii_lowercase()))
        .collect()
}

fn numbers(value: &str) -> Result<Vec<u16>, String> {
    scan::arguments(value).into_iter().flat_map(str::split_whitespace).map(scan::small).collect()
}

fn opnums(value: &str) -> Result<Vec<(u16, u16)>, String> {
    scan::arguments(value)
        .into_iter()
        .map(|part| match part.split_once('-') {
            Some((low, high)) => Ok((scan::small(low)?, scan::small(high)?)),
            None => scan::small(part).map(|number| (number, number)),
        })
        .collect()
}
