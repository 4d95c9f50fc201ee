//! How do rules become a program?
//!
//! The program first finds the transport header (its offset in X, the protocol and whether ports are there in scratch
//! memory), then asks one rule after the other.

use super::assembler::Target::{Near, Next};
use super::assembler::{Assembler, Label, Program, code};
use super::{FilterError, FilterRule, Link};

const VLAN_TYPES: [u32; 3] = [0x8100, 0x88a8, 0x9100];
const IPV4: u32 = 0x0800;
const IPV6: u32 = 0x86dd;

const TCP: u8 = 6;
const UDP: u8 = 17;
const DCCP: u8 = 33;
const SCTP: u8 = 132;
const UDP_LITE: u8 = 136;
/// Protocols whose header starts with source and destination port.
const WITH_PORTS: [u8; 5] = [TCP, UDP, DCCP, SCTP, UDP_LITE];
/// What ports without a protocol mean.
const PORTS_ALONE: [u8; 3] = [TCP, UDP, SCTP];

/// Extension headers of IPv6 in the form (next header, length in 8-byte units beyond the first).
const EXTENSIONS: [u32; 4] = [0, 43, 60, 135];
const AUTHENTICATION: u32 = 51;
const FRAGMENT: u32 = 44;
/// RFC 8200 recommends an order of at most six.
const EXTENSIONS_MAX: usize = 6;

/// Scratch: protocol after all extension headers.
const PROTOCOL: u32 = 0;
/// Scratch: 1 for a piece other than the first.
const IS_LATER_PIECE: u32 = 1;
/// Scratch: the next header while X moves.
const NEXT_HEADER: u32 = 2;

/// Ranges tested between two returns, so that conditional jumps (one byte) reach their end.
const RANGES_PER_RETURN: usize = 100;

/// Turn rules into a program that gives `snap_len` bytes of each frame that matches any of them. No rules: every frame.
pub fn compile(rules: &[FilterRule], link: Link, snap_len: u32) -> Result<Program, FilterError> {
    rules.iter().try_for_each(check)?;
    let mut program = Assembler::default();
    if rules.is_empty() || rules.iter().any(|rule| rule.protocol.is_none() && rule.ports.is_empty()) {
        program.emit(code::RETURN, snap_len);
        return program.finish();
    }
    let compiler = Compiler { snap_len, reject: program.label(), rules: program.label() };
    compiler.network(&mut program, link);
    program.place(compiler.rules);
    for rule in rules {
        compiler.rule(&mut program, rule);
    }
    program.place(compiler.reject);
    program.emit(code::RETURN, 0);
    program.finish()
}

fn check(rule: &FilterRule) -> Result<(), FilterError> {
    if let Some(&(low, high)) = rule.ports.iter().find(|(low, high)| low > high) {
        return Err(FilterError::Range(low, high));
    }
    match rule.protocol {
        Some(protocol) if !rule.ports.is_empty() && !WITH_PORTS.contains(&protocol) => {
            Err(FilterError::NoPorts(protocol))
        }
        _ => Ok(()),
    }
}

struct Compiler {
    snap_len: u32,
    reject: Label,
    rules: Label,
}

impl Compiler {
    /// Find the IP header; X is its offset.
    fn network(&self, program: &mut Assembler, link: Link) {
        let (ipv4, ipv6) = (program.label(), program.label());
        match link {
            Link::Ethernet => self.ethernet(program, ipv4, ipv6),
            Link::RawIp => {
                program.emit(code::SET_X, 0);
                program.emit(code::BYTE_AT, 0);
                program.emit(code::AND, 0xf0);
                program.branch(code::IF_EQUAL, 0x40, Near(ipv4), Next);
                program.branch(code::IF_EQUAL, 0x60, Near(ipv6), Next);
                program.go(self.reject);
            }
        }
        program.place(ipv4);
        self.ipv4(program);
        program.place(ipv6);
        self.ipv6(program);
    }

    fn ethernet(&self, program: &mut Assembler, ipv4: Label, ipv6: Label) {
        let typed = program.label();
        for offset in [12, 16] {
            let next_tag = program.label();
            program.emit(code::SET_X, offset + 2);
            program.emit(code::HALF_AT, offset);
            for kind in VLAN_TYPES {
                program.branch(code::IF_EQUAL, kind, Near(next_tag), Next);
            }
            program.go(typed);
            program.place(next_tag);
        }
        program.emit(code::SET_X, 22);
        program.emit(code::HALF_AT, 20);
        program.place(typed);
        program.branch(code::IF_EQUAL, IPV4, Near(ipv4), Next);
        program.branch(code::IF_EQUAL, IPV6, Near(ipv6), Next);
        program.go(self.reject);
    }

    fn ipv4(&self, program: &mut Assembler) {
        let whole = program.label();
        program.emit(code::BYTE_AT_X, 9);
        program.emit(code::STORE, PROTOCOL);
        program.emit(code::HALF_AT_X, 6);
        program.branch(code::IF_ANY_BIT, 0x1fff, Next, Near(whole));
        self.later_piece(program);
        program.place(whole);
        program.emit(code::BYTE_AT_X, 0);
        program.emit(code::AND, 0x0f);
        program.emit(code::SHIFT_LEFT, 2);
        program.emit(code::ADD_X, 0);
        program.emit(code::A_TO_X, 0);
        self.transport_found(program);
    }

    fn ipv6(&self, program: &mut Assembler) {
        program.emit(code::BYTE_AT_X, 6);
        program.emit(code::STORE, NEXT_HEADER);
        move_by(program, |program| program.emit(code::SET_A, 40));
        let found = program.label();
        for _ in 0..EXTENSIONS_MAX {
            self.extension(program, found);
        }
        program.place(found);
        program.emit(code::RECALL, NEXT_HEADER);
        program.emit(code::STORE, PROTOCOL);
        self.transport_found(program);
    }

    /// One extension header, if there is one; falls through with X behind it.
    fn extension(&self, program: &mut Assembler, found: Label) {
        let [generic, authentication, fragment, over] = std::array::from_fn(|_| program.label());
        program.emit(code::RECALL, NEXT_HEADER);
        for kind in EXTENSIONS {
            program.branch(code::IF_EQUAL, kind, Near(generic), Next);
        }
        program.branch(code::IF_EQUAL, AUTHENTICATION, Near(authentication), Next);
        program.branch(code::IF_EQUAL, FRAGMENT, Near(fragment), Next);
        program.go(found);
        for (label, length_add, length_shift) in [(generic, 1, 3), (authentication, 2, 2)] {
            program.place(label);
            program.emit(code::BYTE_AT_X, 0);
            program.emit(code::STORE, NEXT_HEADER);
            move_by(program, |program| {
                program.emit(code::BYTE_AT_X, 1);
                program.emit(code::ADD, length_add);
                program.emit(code::SHIFT_LEFT, length_shift);
            });
            program.go(over);
        }
        program.place(fragment);
        let first = program.label();
        program.emit(code::BYTE_AT_X, 0);
        program.emit(code::STORE, NEXT_HEADER);
        program.emit(code::STORE, PROTOCOL);
        program.emit(code::HALF_AT_X, 2);
        program.branch(code::IF_ANY_BIT, 0xfff8, Next, Near(first));
        self.later_piece(program);
        program.place(first);
        move_by(program, |program| program.emit(code::SET_A, 8));
        program.place(over);
    }

    fn later_piece(&self, program: &mut Assembler) {
        program.emit(code::SET_A, 1);
        program.emit(code::STORE, IS_LATER_PIECE);
        program.go(self.rules);
    }

    fn transport_found(&self, program: &mut Assembler) {
        program.emit(code::SET_A, 0);
        program.emit(code::STORE, IS_LATER_PIECE);
        program.go(self.rules);
    }

    fn rule(&self, program: &mut Assembler, rule: &FilterRule) {
        let (matches_protocol, next_rule) = (program.label(), program.label());
        let protocols = rule.protocol.map_or(PORTS_ALONE.to_vec(), |protocol| vec![protocol]);
        program.emit(code::RECALL, PROTOCOL);
        for protocol in protocols {
            program.branch(code::IF_EQUAL, u32::from(protocol), Near(matches_protocol), Next);
        }
        program.go(next_rule);
        program.place(matches_protocol);
        if rule.ports.is_empty() {
            program.emit(code::RETURN, self.snap_len);
        } else {
            let has_ports = program.label();
            program.emit(code::RECALL, IS_LATER_PIECE);
            program.branch(code::IF_EQUAL, 0, Near(has_ports), Next);
            program.emit(code::RETURN, self.snap_len);
            program.place(has_ports);
            self.ports(program, &merged(&rule.ports));
        }
        program.place(next_rule);
    }

    fn ports(&self, program: &mut Assembler, ranges: &[(u16, u16)]) {
        for port_offset in [0, 2] {
            for ranges in ranges.chunks(RANGES_PER_RETURN) {
                let (accept, over) = (program.label(), program.label());
                program.emit(code::HALF_AT_X, port_offset);
                for &(low, high) in ranges {
                    let outside = program.label();
                    if low < high {
                        program.branch(code::IF_AT_LEAST, u32::from(low), Next, Near(outside));
                        program.branch(code::IF_GREATER, u32::from(high), Next, Near(accept));
                    } else {
                        program.branch(code::IF_EQUAL, u32::from(low), Near(accept), Next);
                    }
                    program.place(outside);
                }
                program.go(over);
                program.place(accept);
                program.emit(code::RETURN, self.snap_len);
                program.place(over);
            }
        }
    }
}

/// X += A, where `distance` sets A.
fn move_by(program: &mut Assembler, distance: impl FnOnce(&mut Assembler)) {
    distance(program);
    program.emit(code::ADD_X, 0);
    program.emit(code::A_TO_X, 0);
}

/// Sorted, and joined where they overlap or touch.
fn merged(ranges: &[(u16, u16)]) -> Vec<(u16, u16)> {
    let mut sorted = ranges.to_vec();
    sorted.sort_unstable();
    let mut joined: Vec<(u16, u16)> = Vec::with_capacity(sorted.len());
    for (low, high) in sorted {
        match joined.last_mut() {
            Some(last) if low <= last.1.saturating_add(1) => last.1 = last.1.max(high),
            _ => joined.push((low, high)),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::super::interpreter::run;
    use super::*;

    const SNAP: u32 = 262_144;
    const TO_80: &[u8] = &[0xc8, 0, 0, 80, 0, 0, 0, 0];
    const FROM_80: &[u8] = &[0, 80, 0xc8, 0, 0, 0, 0, 0];

    fn rule(protocol: Option<u8>, ports: &[(u16, u16)]) -> FilterRule {
        FilterRule { protocol, ports: ports.to_vec() }
    }

    fn ethernet(tags: &[(u16, u16)], ethertype: u16, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![2; 12];
        for (kind, tci) in tags {
            frame.extend(kind.to_be_bytes());
            frame.extend(tci.to_be_bytes());
        }
        frame.extend(ethertype.to_be_bytes());
        frame.extend(payload);
        frame
    }

    fn ipv4(protocol: u8, fragment: u16, options: usize, payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![0; 20 + options];
        packet[0] = 0x40 | (5 + options as u8 / 4);
        packet[6..8].copy_from_slice(&fragment.to_be_bytes());
        packet[9] = protocol;
        packet.extend(payload);
        packet
    }

    /// extensions: (kind, body); each body starts with the place of its next header.
    fn ipv6(extensions: &[(u8, Vec<u8>)], protocol: u8, payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![0; 40];
        packet[0] = 0x60;
        let kinds: Vec<u8> = extensions.iter().map(|(kind, _)| *kind).chain([protocol]).collect();
        packet[6] = kinds[0];
        for ((_, body), next) in extensions.iter().zip(&kinds[1..]) {
            let mut body = body.clone();
            body[0] = *next;
            packet.extend(body);
        }
        packet.extend(payload);
        packet
    }

    fn passes(rules: &[FilterRule], frame: &[u8]) -> bool {
        run(&compile(rules, Link::Ethernet, SNAP).unwrap(), frame) > 0
    }

    fn v4(protocol: u8, payload: &[u8]) -> Vec<u8> {
        ethernet(&[], 0x0800, &ipv4(protocol, 0, 0, payload))
    }

    fn v6(protocol: u8, payload: &[u8]) -> Vec<u8> {
        ethernet(&[], 0x86dd, &ipv6(&[], protocol, payload))
    }

    #[test]
    fn without_rules_or_with_an_empty_one_everything_passes() {
        let arp = ethernet(&[], 0x0806, &[0; 28]);
        for rules in [vec![], vec![rule(None, &[])], vec![rule(Some(6), &[(1, 1)]), rule(None, &[])]] {
            assert!(passes(&rules, &arp));
            assert_eq!(run(&compile(&rules, Link::Ethernet, 96).unwrap(), &arp), 96);
        }
        assert!(!passes(&[rule(Some(6), &[])], &arp));
    }

    #[test]
    fn a_port_matches_as_source_or_destination_of_its_protocol() {
        let tcp_80 = [rule(Some(6), &[(80, 80)])];
        for frame in [v4(6, TO_80), v4(6, FROM_80), v6(6, TO_80), v6(6, FROM_80)] {
            assert!(passes(&tcp_80, &frame));
        }
        for frame in [v4(17, TO_80), v6(17, TO_80), v4(6, &[0, 81, 0, 79, 0]), v4(1, TO_80)] {
            assert!(!passes(&tcp_80, &frame));
        }
    }

    #[test]
    fn ranges_include_their_ends() {
        let rules = [rule(Some(6), &[(8080, 8080), (1234, 5678)])];
        for (port, expected) in [(1233, false), (1234, true), (3000, true), (5678, true), (5679, false), (8080, true)] {
            let [high, low] = u16::to_be_bytes(port);
            assert_eq!(passes(&rules, &v4(6, &[0x9c, 0x40, high, low])), expected, "{port}");
            assert_eq!(passes(&rules, &v6(6, &[high, low, 0x9c, 0x40])), expected, "{port}");
        }
    }

    #[test]
    fn ports_alone_mean_tcp_udp_and_sctp() {
        let rules = [rule(None, &[(80, 80)])];
        for (protocol, expected) in [(6, true), (17, true), (132, true), (136, false), (1, false), (47, false)] {
            assert_eq!(passes(&rules, &v4(protocol, TO_80)), expected, "{protocol}");
        }
    }

    #[test]
    fn a_protocol_alone_needs_no_payload() {
        for protocol in [1, 58, 47, 200] {
            let rules = [rule(Some(protocol), &[])];
            assert!(passes(&rules, &v4(protocol, &[])) && passes(&rules, &v6(protocol, &[])));
            assert!(!passes(&rules, &v4(6, TO_80)));
        }
    }

    #[test]
    fn rules_are_alternatives() {
        let rules = [rule(Some(6), &[(443, 443)]), rule(Some(17), &[(53, 53)]), rule(Some(1), &[])];
        assert!(passes(&rules, &v4(17, &[0, 53, 1, 1])));
        assert!(passes(&rules, &v4(1, &[8, 0])));
        assert!(!passes(&rules, &v4(6, &[0, 53, 1, 1])));
    }

    #[test]
    fn tags_in_the_frame_are_stepped_over() {
        let rules = [rule(Some(6), &[(80, 80)])];
        let inner = ipv4(6, 0, 0, TO_80);
        for tags in [&[][..], &[(0x8100, 7)], &[(0x88a8, 7), (0x8100, 9)], &[(0x9100, 1), (0x8100, 2)]] {
            assert!(passes(&rules, &ethernet(tags, 0x0800, &inner)), "{tags:?}");
            assert!(!passes(&rules, &ethernet(tags, 0x0800, &ipv4(17, 0, 0, TO_80))), "{tags:?}");
            assert!(passes(&rules, &ethernet(tags, 0x86dd, &ipv6(&[], 6, TO_80))), "{tags:?}");
        }
        assert!(!passes(&rules, &ethernet(&[(0x8100, 1), (0x8100, 2), (0x8100, 3)], 0x0800, &inner)));
    }

    #[test]
    fn options_of_ipv4_are_stepped_over() {
        for options in [4, 12, 40] {
            let frame = ethernet(&[], 0x0800, &ipv4(6, 0, options, TO_80));
            assert!(passes(&[rule(Some(6), &[(80, 80)])], &frame));
            assert!(!passes(&[rule(Some(6), &[(81, 81)])], &frame));
        }
    }

    #[test]
    fn extension_headers_are_stepped_over() {
        let hop = (0_u8, vec![0; 8]);
        let long_options = (60_u8, [&[0, 2][..], &[0; 22]].concat());
        let routing = (43_u8, [&[0, 1][..], &[0; 14]].concat());
        let authentication = (51_u8, [&[0, 4][..], &[0; 22]].concat());
        let first_piece = (44_u8, vec![0, 0, 0, 1, 0, 0, 0, 9]);
        let rules = [rule(Some(6), &[(80, 80)])];
        for extensions in [
            vec![hop.clone()],
            vec![hop.clone(), long_options.clone()],
            vec![routing.clone(), first_piece.clone(), authentication.clone()],
            vec![hop.clone(), long_options.clone(), routing, first_piece, authentication, long_options.clone()],
        ] {
            assert!(passes(&rules, &ethernet(&[], 0x86dd, &ipv6(&extensions, 6, TO_80))), "{extensions:?}");
            assert!(!passes(&rules, &ethernet(&[], 0x86dd, &ipv6(&extensions, 17, TO_80))), "{extensions:?}");
        }
        let beyond = vec![long_options; EXTENSIONS_MAX + 1];
        assert!(!passes(&rules, &ethernet(&[], 0x86dd, &ipv6(&beyond, 6, TO_80))));
    }

    #[test]
    fn later_pieces_pass_by_protocol_and_first_pieces_by_port() {
        let rules = [rule(Some(17), &[(53, 53)])];
        let more = 0x2000;
        for (name, frame, expected) in [
            ("first piece, other port", ethernet(&[], 0x0800, &ipv4(17, more, 0, TO_80)), false),
            ("first piece, the port", ethernet(&[], 0x0800, &ipv4(17, more, 0, &[0, 53, 0, 0])), true),
            ("middle piece", ethernet(&[], 0x0800, &ipv4(17, more | 185, 0, TO_80)), true),
            ("last piece", ethernet(&[], 0x0800, &ipv4(17, 370, 0, &[1])), true),
            ("last piece of another protocol", ethernet(&[], 0x0800, &ipv4(6, 370, 0, TO_80)), false),
            (
                "IPv6 last piece",
                ethernet(&[], 0x86dd, &ipv6(&[(44, vec![0, 0, 0x05, 0xc8, 0, 0, 0, 9])], 17, &[1])),
                true,
            ),
            (
                "IPv6 last piece of TCP",
                ethernet(&[], 0x86dd, &ipv6(&[(44, vec![0, 0, 0x05, 0xc8, 0, 0, 0, 9])], 6, &[1])),
                false,
            ),
            ("IPv6 first piece", ethernet(&[], 0x86dd, &ipv6(&[(44, vec![0, 0, 0, 1, 0, 0, 0, 9])], 17, TO_80)), false),
        ] {
            assert_eq!(passes(&rules, &frame), expected, "{name}");
        }
    }

    #[test]
    fn no_truncation_passes_a_port_filter_and_none_goes_astray() {
        let rules = [rule(Some(6), &[(80, 80)])];
        let frame = ethernet(&[(0x8100, 7)], 0x86dd, &ipv6(&[(0, vec![0; 8])], 6, &FROM_80[..2]));
        for cut in 0..frame.len() {
            assert!(!passes(&rules, &frame[..cut]), "{cut}");
        }
        assert!(passes(&rules, &frame));
    }

    #[test]
    fn raw_ip_is_told_by_its_version() {
        let program = compile(&[rule(Some(6), &[(80, 80)])], Link::RawIp, SNAP).unwrap();
        assert!(run(&program, &ipv4(6, 0, 0, TO_80)) > 0);
        assert!(run(&program, &ipv6(&[], 6, TO_80)) > 0);
        assert_eq!(run(&program, &[0x50; 60]), 0);
    }

    #[test]
    fn many_ports_still_fit_and_too_many_are_refused() {
        let spread = |count: u16| (0..count).map(|n| (n * 20 + 1, n * 20 + 3)).collect::<Vec<_>>();
        let rules = [rule(Some(6), &spread(900))];
        for (port, expected) in [(1_u16, true), (3, true), (4, false), (17_983, true), (17_984, false), (9_001, true)] {
            let [high, low] = port.to_be_bytes();
            assert_eq!(passes(&rules, &v4(6, &[high, low, 0xff, 0xff])), expected, "{port}");
            assert_eq!(passes(&rules, &v4(6, &[0xff, 0xff, high, low])), expected, "{port}");
        }
        let refused = compile(&[rule(Some(6), &spread(1100))], Link::Ethernet, SNAP).unwrap_err();
        assert!(matches!(refused, FilterError::TooLong(_)));
    }

    #[test]
    fn ranges_that_touch_are_one() {
        assert_eq!(merged(&[(5, 9), (1, 2), (3, 3), (8, 20), (65535, 65535)]), [(1, 3), (5, 20), (65535, 65535)]);
    }

    #[test]
    fn rules_that_make_no_sense_are_refused() {
        assert_eq!(compile(&[rule(Some(1), &[(1, 2)])], Link::Ethernet, 1), Err(FilterError::NoPorts(1)));
        assert_eq!(compile(&[rule(None, &[(9, 2)])], Link::Ethernet, 1), Err(FilterError::Range(9, 2)));
    }
}
