//! The tree of one rule.

use std::ops::Range as Span;
use std::sync::Arc;

use crate::options::{
    Base64Decode, BerSkip, ByteExtract, ByteJump, ByteMath, ByteTest, Content, Flow, Flowbits, HashMatch, IsDataAt,
    PacketTest, Pcre, Rate, Threshold,
};
use crate::{AddressSet, BufferChoice, Dialect, PortSet, Range};

/// One rule, in any dialect.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The language it was written in; a few options mean different things in each.
    pub dialect: Dialect,
    /// Name of the source it comes from.
    pub file: Arc<str>,
    /// Line of its first character, from 1.
    pub line: u32,
    /// Its text as written, without surrounding blanks.
    pub text: Arc<str>,
    /// What to do; this system only ever observes, so it is told, not done.
    pub action: Action,
    /// Which packets.
    pub header: Header,
    /// Generator id, 1 unless the rule says otherwise.
    pub gid: u32,
    /// Signature id.
    pub sid: u32,
    /// Revision.
    pub rev: u32,
    /// Message, unescaped.
    pub msg: Arc<str>,
    /// Class name.
    pub classtype: Option<Arc<str>>,
    /// Priority written in the rule itself.
    pub priority: Option<u8>,
    /// `system,id` pairs as written.
    pub references: Vec<Arc<str>>,
    /// `key value` pairs as written.
    pub metadata: Vec<Arc<str>>,
    /// Services named by `service:`, `metadata:service` or the header.
    pub services: Vec<Arc<str>>,
    /// What has to hold, in order of evaluation.
    pub options: Vec<Spelled>,
    /// Names of the rule's own numbers (`byte_extract`, `byte_math`), by their index in `Amount::Variable`.
    pub variables: Vec<Arc<str>>,
}

/// An option with the place where it stands.
#[derive(Clone, Debug)]
pub struct Spelled {
    /// What it asks.
    pub option: RuleOption,
    /// Column of its first character, from 1.
    pub column: u32,
    /// Where it stands in `Rule::text`.
    pub span: Span<u32>,
}

/// What the author wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the action of that name")]
pub enum Action {
    Alert,
    Log,
    Pass,
    Drop,
    Block,
    Reject,
    Rewrite,
    React,
    Sdrop,
}

impl Action {
    pub(crate) const ALL: [(&'static str, Self); 12] = [
        ("alert", Self::Alert),
        ("log", Self::Log),
        ("pass", Self::Pass),
        ("drop", Self::Drop),
        ("block", Self::Block),
        ("reject", Self::Reject),
        ("rejectsrc", Self::Reject),
        ("rejectdst", Self::Reject),
        ("rejectboth", Self::Reject),
        ("rewrite", Self::Rewrite),
        ("react", Self::React),
        ("sdrop", Self::Sdrop),
    ];

    /// The word of the rule.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, action)| *action == self).map_or("alert", |(name, _)| name)
    }
}

/// Which transport a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the protocol of that name")]
pub enum Protocol {
    Tcp,
    Udp,
    Icmp,
    Ip,
}

/// The part before the parenthesis.
#[derive(Clone, Debug)]
pub struct Header {
    /// Transport; `Ip` where only a service is named.
    pub protocol: Protocol,
    /// True where the header names a service in place of a transport (`alert http …`).
    pub by_service: bool,
    /// Source addresses as written.
    pub source: AddressSet,
    /// Source ports as written.
    pub source_ports: PortSet,
    /// Destination addresses as written.
    pub destination: AddressSet,
    /// Destination ports as written.
    pub destination_ports: PortSet,
    /// True for `<>`.
    pub both_ways: bool,
}

/// What one option asks.
#[derive(Clone, Debug)]
pub enum RuleOption {
    /// From here on look into this buffer, from its start.
    Buffer(BufferChoice),
    /// Literal bytes.
    Content(Content),
    /// A regular expression.
    Pcre(Pcre),
    /// Compare a number in the buffer.
    ByteTest(ByteTest),
    /// Move by a number in the buffer.
    ByteJump(ByteJump),
    /// Remember a number in the buffer.
    ByteExtract(ByteExtract),
    /// Remember a number computed from the buffer.
    ByteMath(ByteMath),
    /// There is data so far on.
    IsDataAt(IsDataAt),
    /// The buffer (or the rest of it) is so long.
    BufferLength {
        /// Bytes.
        range: Range,
        /// Count from the cursor.
        relative: bool,
    },
    /// Decode Base64 from here; `Buffer::Base64Data` has the result.
    Base64Decode(Base64Decode),
    /// The next BER element is of this type: move to its content.
    BerData(u8),
    /// Step over the next BER element.
    BerSkip(BerSkip),
    /// Digest of a part of the buffer.
    Hash(HashMatch),
    /// Side and state of the flow.
    Flow(Flow),
    /// Marks on the flow.
    Flowbits(Flowbits),
    /// A fact of the packet's headers.
    Packet(PacketTest),
    /// Bytes seen so far of one side (`to_server` true: sent by the client; none: either; both: `either` false).
    StreamSize {
        /// Bytes.
        range: Range,
        /// Whose bytes: sent by the client, by the server.
        sides: (bool, bool),
        /// True: both sides have to satisfy the range.
        both: bool,
    },
    /// Fire from the so-manieth match on.
    DetectionFilter(Rate),
    /// Limit how often to fire.
    Threshold(Threshold),
    /// TLS or SSL record state, any of these words.
    SslState(Vec<Arc<str>>),
    /// TLS or SSL version, any of these words; `negated` per word by a leading `!`.
    SslVersion(Vec<Arc<str>>),
    /// SIP method, any of these.
    SipMethod(Vec<Arc<str>>),
    /// SIP status, any of these; a single digit means the class.
    SipStatCode(Vec<u16>),
    /// DCE/RPC interface.
    DceIface(Arc<str>),
    /// DCE/RPC operation numbers.
    DceOpnum(Vec<(u16, u16)>),
    /// `HTTP/x.y` in this range of spellings (Snort 3 `http_version_match`).
    HttpVersion(Vec<Arc<str>>),
    /// How many of a thing an HTTP message has (`http_num_headers`, `http_num_cookies`, …).
    HttpCount {
        /// The option's name.
        what: Arc<str>,
        /// How many.
        range: Range,
    },
    /// An FTP PORT command that names another host.
    FtpBounce,
    /// Set no alert, only flow bits.
    NoAlert,
}
