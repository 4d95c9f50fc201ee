//! The part before the parenthesis: action, protocol, addresses, ports, direction.

use crate::ast::{Action, Header, Protocol};
use crate::split::column;
use crate::suricata;
use crate::variables::Resolver;
use crate::{AddressSet, Dialect, MAX_LIST_DEPTH, PortSet, Reason};

/// What a header says.
pub(crate) struct ReadHeader {
    pub(crate) action: Action,
    pub(crate) header: Header,
    /// A service named in place of the protocol.
    pub(crate) service: Option<&'static str>,
    /// `tcp-pkt`, `tcp-stream`.
    pub(crate) scope: Option<crate::StreamScope>,
}

pub(crate) fn read(text: &[u8], dialect: Dialect, resolver: &mut Resolver<'_>) -> Result<ReadHeader, Reason> {
    let text = std::str::from_utf8(text).map_err(|_| Reason::fatal("syntax", 1, "the header is not plain text"))?;
    let words = words(text)?;
    let [(action_at, action), rest @ ..] = words.as_slice() else {
        return Err(Reason::fatal("syntax", 1, "the rule does not start with an action"));
    };
    let action = Action::ALL
        .iter()
        .find(|(name, _)| name == action)
        .map(|(_, action)| *action)
        .ok_or_else(|| Reason::fatal("unknown-action", column(*action_at), format!("`{action}` is no action")))?;
    match (rest, dialect) {
        ([(at, service)], Dialect::Snort3) => without_ends(action, *at, service),
        ([(at, protocol), ends @ ..], _) if ends.len() == 5 => {
            with_ends(action, (*at, protocol), ends, dialect, resolver)
        }
        ([], _) => Err(Reason::fatal("syntax", column(text.len()), "the header names no protocol")),
        (rest, _) => Err(Reason::fatal(
            "syntax",
            column(rest.last().map_or(0, |(at, _)| *at)),
            "a header has the shape `action protocol addresses ports -> addresses ports`",
        )),
    }
}

/// `alert http (…)`, `alert tcp (…)`: no addresses, no ports. `alert file (…)` is about files of any service.
fn without_ends(action: Action, at: usize, name: &str) -> Result<ReadHeader, Reason> {
    let (protocol, service) = match name {
        "tcp" => (Protocol::Tcp, None),
        "udp" => (Protocol::Udp, None),
        "icmp" => (Protocol::Icmp, None),
        "ip" => (Protocol::Ip, None),
        other => {
            let service = suricata::service(other).or_else(|| (other == "file").then_some("file"));
            let wrong = || Reason::fatal("unknown-protocol", column(at), format!("`{other}` is no service known here"));
            (Protocol::Ip, Some(service.ok_or_else(wrong)?))
        }
    };
    let header = Header {
        protocol,
        by_service: service.is_some(),
        source: AddressSet::any(),
        source_ports: PortSet::any(),
        destination: AddressSet::any(),
        destination_ports: PortSet::any(),
        both_ways: false,
    };
    Ok(ReadHeader { action, header, service, scope: None })
}

fn with_ends(
    action: Action,
    (at, name): (usize, &str),
    ends: &[(usize, &str)],
    dialect: Dialect,
    resolver: &mut Resolver<'_>,
) -> Result<ReadHeader, Reason> {
    let (protocol, service, scope) = protocol(name)
        .ok_or_else(|| Reason::fatal("unknown-protocol", column(at), format!("`{name}` is no protocol known here")))?;
    let [source, source_ports, arrow, destination, destination_ports] = ends else {
        return Err(Reason::fatal("syntax", column(at), "the header is not complete"));
    };
    let both_ways = match arrow.1 {
        "->" => false,
        "<>" => true,
        other => return Err(Reason::fatal("syntax", column(arrow.0), format!("`{other}` is neither `->` nor `<>`"))),
    };
    let mut ports = |end: &(usize, &str)| {
        let set = resolver.ports(end.1).map_err(|message| Reason::fatal("ports", column(end.0), message))?;
        if set.is_empty() { Err(Reason::fatal("never-matches", column(end.0), "no port is left")) } else { Ok(set) }
    };
    let (source_ports, destination_ports) = (ports(source_ports)?, ports(destination_ports)?);
    let mut addresses = |end: &(usize, &str)| {
        let set = resolver.addresses(end.1).map_err(|message| Reason::fatal("addresses", column(end.0), message))?;
        if set.is_empty() { Err(Reason::fatal("never-matches", column(end.0), "no address is left")) } else { Ok(set) }
    };
    let header = Header {
        protocol,
        by_service: service.is_some() && dialect != Dialect::Snort2,
        source: addresses(source)?,
        source_ports,
        destination: addresses(destination)?,
        destination_ports,
        both_ways,
    };
    Ok(ReadHeader { action, header, service, scope })
}

fn protocol(name: &str) -> Option<(Protocol, Option<&'static str>, Option<crate::StreamScope>)> {
    use crate::StreamScope::{NoStream, OnlyStream};
    Some(match name {
        "tcp" => (Protocol::Tcp, None, None),
        "tcp-pkt" => (Protocol::Tcp, None, Some(NoStream)),
        "tcp-stream" => (Protocol::Tcp, None, Some(OnlyStream)),
        "udp" => (Protocol::Udp, None, None),
        "icmp" | "icmpv4" | "icmpv6" => (Protocol::Icmp, None, None),
        "ip" | "ipv4" | "ip4" | "pkthdr" | "any" => (Protocol::Ip, None, None),
        "ipv6" | "ip6" => (Protocol::Ip, None, None),
        other => (Protocol::Ip, Some(suricata::service(other)?), None),
    })
}

/// Words of the header with their offsets; blanks inside brackets do not part words.
fn words(text: &str) -> Result<Vec<(usize, &str)>, Reason> {
    let mut found = Vec::with_capacity(7);
    let (mut start, mut depth) = (None, 0_usize);
    for (at, letter) in text.char_indices() {
        match letter {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_LIST_DEPTH {
            return Err(Reason::fatal("too-deep", column(at), format!("lists nest deeper than {MAX_LIST_DEPTH}")));
        }
        let is_blank = letter.is_whitespace() || letter == '\\';
        match start {
            None if !is_blank => start = Some(at),
            Some(from) if is_blank && depth == 0 => {
                found.push((from, &text[from..at]));
                start = None;
            }
            _ => {}
        }
    }
    found.extend(start.map(|from| (from, text[from..].trim_end())));
    Ok(found)
}
