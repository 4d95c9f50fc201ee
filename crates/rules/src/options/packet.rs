//! Facts of packet headers.

use crate::{Dialect, Range, scan};

/// How bits are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FlagMatch {
    /// Exactly these.
    Exactly,
    /// These, and maybe others (`+`).
    All,
    /// Any of these (`*`).
    Any,
    /// None of these (`!`).
    Not,
}

/// `flags:S,12`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlagTest {
    /// TCP control bits as in the header.
    pub bits: u8,
    /// How they are compared.
    pub how: FlagMatch,
    /// Bits that do not count.
    pub ignored: u8,
}

/// `fragbits:!DM`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FragBits {
    /// 4 reserved, 2 don't fragment, 1 more fragments.
    pub bits: u8,
    /// How they are compared.
    pub how: FlagMatch,
}

/// `ipopts:rr`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IpOption {
    /// Any option at all.
    Any,
    /// The option with this type number (copied flag included).
    Kind(u8),
}

/// One fact of a packet's headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the option of that name")]
pub enum PacketTest {
    Dsize(Range),
    Ttl(Range),
    Tos(Range),
    Id(Range),
    IpProto(Range),
    FragOffset(Range),
    FragBits(FragBits),
    IpOption(IpOption),
    SameIp,
    Flags(FlagTest),
    Seq(Range),
    Ack(Range),
    Window(Range),
    Itype(Range),
    Icode(Range),
    IcmpId(Range),
    IcmpSeq(Range),
}

impl PacketTest {
    /// Read the option `name`; none where it is no option of this kind.
    pub(crate) fn read(name: &str, value: &str, dialect: Dialect) -> Option<Result<Self, String>> {
        let build: fn(Range) -> Self = match name {
            "dsize" => Self::Dsize,
            "ttl" => Self::Ttl,
            "tos" => Self::Tos,
            "id" => Self::Id,
            "ip_proto" => return Some(ip_protocol(value, dialect).map(Self::IpProto)),
            "fragoffset" => Self::FragOffset,
            "fragbits" => return Some(frag_bits(value).map(Self::FragBits)),
            "ipopts" => return Some(ip_option(value).map(Self::IpOption)),
            "sameip" => return Some(Ok(Self::SameIp)),
            "flags" | "tcp.flags" => return Some(flags(value).map(Self::Flags)),
            "seq" | "tcp.seq" => Self::Seq,
            "ack" | "tcp.ack" => Self::Ack,
            "window" | "tcp.window" => Self::Window,
            "itype" => Self::Itype,
            "icode" => Self::Icode,
            "icmp_id" => Self::IcmpId,
            "icmp_seq" => Self::IcmpSeq,
            _ => return None,
        };
        Some(Range::read(value, dialect).map(build))
    }
}

fn ip_protocol(value: &str, dialect: Dialect) -> Result<Range, String> {
    let (negated, name) = match value.trim().strip_prefix('!') {
        Some(rest) => (true, rest.trim()),
        None => (false, value.trim()),
    };
    let known = PROTOCOLS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    match known {
        Some((_, number)) => Ok(Range { negated, ..Range::exactly(*number) }),
        None => Range::read(value, dialect),
    }
}

const PROTOCOLS: &[(&str, i64)] = &[
    ("icmp", 1),
    ("igmp", 2),
    ("ipip", 4),
    ("tcp", 6),
    ("egp", 8),
    ("igp", 9),
    ("udp", 17),
    ("ipv6", 41),
    ("gre", 47),
    ("esp", 50),
    ("ah", 51),
    ("icmp6", 58),
    ("eigrp", 88),
    ("ospf", 89),
    ("pim", 103),
    ("sctp", 132),
];

fn flags(value: &str) -> Result<FlagTest, String> {
    let (wanted, ignored) = match value.split_once(',') {
        Some((wanted, ignored)) => (wanted, ignored),
        None => (value, ""),
    };
    let (bits, how) = lettered(wanted, tcp_bit)?;
    let (ignored, _) = lettered(ignored, tcp_bit)?;
    Ok(FlagTest { bits, how, ignored })
}

fn tcp_bit(letter: char) -> Option<u8> {
    Some(match letter.to_ascii_uppercase() {
        'F' => 0x01,
        'S' => 0x02,
        'R' => 0x04,
        'P' => 0x08,
        'A' => 0x10,
        'U' => 0x20,
        'E' | '2' => 0x40,
        'C' | '1' => 0x80,
        '0' => 0,
        _ => return None,
    })
}

fn frag_bits(value: &str) -> Result<FragBits, String> {
    let bit = |letter: char| match letter.to_ascii_uppercase() {
        'R' => Some(4),
        'D' => Some(2),
        'M' => Some(1),
        _ => None,
    };
    lettered(value, bit).map(|(bits, how)| FragBits { bits, how })
}

fn lettered(text: &str, bit: impl Fn(char) -> Option<u8>) -> Result<(u8, FlagMatch), String> {
    let (mut bits, mut how) = (0, FlagMatch::Exactly);
    for letter in text.trim().chars() {
        match letter {
            '+' => how = FlagMatch::All,
            '*' => how = FlagMatch::Any,
            '!' => how = FlagMatch::Not,
            ' ' => {}
            other => bits |= bit(other).ok_or_else(|| format!("`{other}` names no bit"))?,
        }
    }
    Ok((bits, how))
}

fn ip_option(value: &str) -> Result<IpOption, String> {
    Ok(match value.trim() {
        "any" => IpOption::Any,
        "eol" => IpOption::Kind(0),
        "nop" => IpOption::Kind(1),
        "rr" => IpOption::Kind(7),
        "ts" => IpOption::Kind(68),
        "sec" => IpOption::Kind(130),
        "lsrr" => IpOption::Kind(131),
        "lsrre" => IpOption::Kind(131),
        "esec" => IpOption::Kind(133),
        "satid" => IpOption::Kind(136),
        "ssrr" => IpOption::Kind(137),
        other => return Err(format!("`{other}` is no IP option known here")),
    })
}

/// Read `server,<,10`, `1,to_client`, `>=5,either`: which bytes of a stream have been seen.
pub(crate) fn stream_size(value: &str, dialect: Dialect) -> Result<(Range, (bool, bool), bool), String> {
    let arguments = scan::arguments(value);
    let (range, side) = match arguments.as_slice() {
        [side, operator, number] => (format!("{operator}{number}"), *side),
        [range, side] => ((*range).to_owned(), *side),
        [range] => ((*range).to_owned(), "either"),
        _ => return Err("stream_size has the shape `side,operator,bytes` or `range,side`".to_owned()),
    };
    let range = Range::read(&range, dialect)?;
    match side {
        // The old dialects name the sender, Snort 3 the receiver.
        "client" | "to_server" => Ok((range, (true, false), false)),
        "server" | "to_client" => Ok((range, (false, true), false)),
        "either" => Ok((range, (true, true), false)),
        "both" => Ok((range, (true, true), true)),
        other => Err(format!("`{other}` is no side of a stream")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_with_ignored_bits() {
        let Some(Ok(PacketTest::Flags(test))) = PacketTest::read("flags", "AS,12", Dialect::Snort3) else { panic!() };
        assert_eq!((test.bits, test.how, test.ignored), (0x12, FlagMatch::Exactly, 0xc0));
        let Some(Ok(PacketTest::Flags(test))) = PacketTest::read("flags", "FRS*", Dialect::Snort3) else { panic!() };
        assert_eq!((test.bits, test.how), (0x07, FlagMatch::Any));
        assert!(matches!(PacketTest::read("flags", "X", Dialect::Snort3), Some(Err(_))));
    }

    #[test]
    fn stream_sizes_in_both_spellings() {
        let old = stream_size("server,<,10", Dialect::Suricata).unwrap();
        assert_eq!((old.0.contains(9), old.0.contains(10), old.1), (true, false, (false, true)));
        assert_eq!(stream_size("1,to_client", Dialect::Snort3).unwrap().1, (false, true));
        assert!(stream_size("5,sideways", Dialect::Snort3).is_err());
    }
}
