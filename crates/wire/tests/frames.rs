//! Frames we made ourselves are read as they were written.

use std::net::IpAddr;

use kodkod_wire::compose::{self, Ends, Segment};
use kodkod_wire::{
    ChecksumError, DecodeError, EtherType, LinkType, Network, Packet, Protocol, TcpFlags, Transport, decode,
};

fn v4() -> Ends {
    Ends::parse("10.1.0.1:40000", "10.1.0.2:80").unwrap()
}

fn v6() -> Ends {
    Ends::parse("[2001:db8::1]:5353", "[2001:db8::2]:53").unwrap()
}

fn request() -> Vec<u8> {
    let flags = TcpFlags(TcpFlags::PSH.0 | TcpFlags::ACK.0);
    compose::tcp(v4(), Segment { seq: 7, ack: 9, flags, payload: b"GET / HTTP/1.1\r\n\r\n" })
}

fn tagged(frame: &[u8], tags: &[[u8; 4]]) -> Vec<u8> {
    [&frame[..12], &tags.concat(), &frame[12..]].concat()
}

#[test]
fn a_tcp_segment_over_ethernet() {
    let frame = compose::ethernet(&request());
    let packet = decode(LinkType::ETHERNET, &frame).unwrap();
    let Transport::Tcp(tcp) = packet.transport else { panic!("not TCP: {:?}", packet.transport) };
    assert_eq!((tcp.source_port, tcp.destination_port), (40000, 80));
    assert_eq!((tcp.seq, tcp.ack), (7, 9));
    assert!(tcp.flags.has(TcpFlags::PSH) && tcp.flags.has(TcpFlags::ACK) && !tcp.flags.has(TcpFlags::SYN));
    assert_eq!(packet.payload, b"GET / HTTP/1.1\r\n\r\n");
    assert_eq!(packet.source(), Some("10.1.0.1".parse().unwrap()));
    assert_eq!(packet.source_mac.unwrap().to_string(), "02:00:00:00:00:01");
    assert_eq!(packet.verify_checksums(), Ok(()));
}

#[test]
fn padding_is_no_payload() {
    let mut frame = compose::ethernet(&compose::udp(v4(), b"hi"));
    frame.resize(60, 0xee);
    let packet = decode(LinkType::ETHERNET, &frame).unwrap();
    assert_eq!(packet.payload, b"hi");
    assert_eq!(packet.verify_checksums(), Ok(()));
}

#[test]
fn two_tags_are_kept_and_a_third_is_counted() {
    let frame = compose::ethernet(&request());
    let qinq = tagged(&frame, &[[0x88, 0xa8, 0x20, 100], [0x81, 0, 0, 7]]);
    let packet = decode(LinkType::ETHERNET, &qinq).unwrap();
    assert_eq!((packet.vlans.ids(), packet.vlans.outer()), ([100, 7].as_slice(), Some(100)));
    assert_eq!(packet.ethertype, EtherType::IPV4);

    let three = tagged(&frame, &[[0x81, 0, 0, 1], [0x81, 0, 0, 2], [0x81, 0, 0, 3]]);
    let packet = decode(LinkType::ETHERNET, &three).unwrap();
    assert_eq!((packet.vlans.ids(), packet.vlans.count()), ([1, 2].as_slice(), 3));
    assert_eq!(packet.payload, b"GET / HTTP/1.1\r\n\r\n");
}

#[test]
fn every_link_type_leads_to_the_same_packet() {
    let ip = request();
    let sll = [&[0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 8, 0], ip.as_slice()].concat();
    let sll2 = [&[8, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0], ip.as_slice()].concat();
    let cases = [
        (LinkType::ETHERNET, compose::ethernet(&ip)),
        (LinkType::LINUX_SLL, sll),
        (LinkType::LINUX_SLL2, sll2),
        (LinkType::RAW, ip.clone()),
        (LinkType::RAW_BSD, ip.clone()),
        (LinkType::RAW_OPENBSD, ip.clone()),
        (LinkType::IPV4, ip.clone()),
        (LinkType::NULL, [&[2, 0, 0, 0], ip.as_slice()].concat()),
        (LinkType::LOOP, [&[0, 0, 0, 2], ip.as_slice()].concat()),
        (LinkType::ETHERNET, snap(&ip)),
        (LinkType::ETHERNET, [&[0; 12], [0x88, 0x64, 0x11, 0, 0, 1, 0, 60, 0, 0x21].as_slice(), &ip].concat()),
        (LinkType::ETHERNET, [&[0; 12], [0x88, 0x47, 0, 1, 0, 64, 0, 2, 1, 64].as_slice(), &ip].concat()),
    ];
    for (link, frame) in cases {
        let packet = decode(link, &frame).unwrap_or_else(|error| panic!("{link:?}: {error}"));
        assert_eq!(packet.transport.ports(), Some((40000, 80)), "{link:?}");
        assert_eq!(packet.payload, b"GET / HTTP/1.1\r\n\r\n", "{link:?}");
    }
    let v6 = compose::udp(v6(), b"x");
    assert_eq!(decode(LinkType::IPV6, &v6).unwrap().payload, b"x");
    assert_eq!(decode(LinkType(105), &v6).unwrap_err(), DecodeError::UnknownLink(LinkType(105)));
}

fn snap(ip: &[u8]) -> Vec<u8> {
    [&[0; 12], [0, 66, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0].as_slice(), ip].concat()
}

#[test]
fn extension_headers_lead_to_the_transport() {
    let whole = compose::udp(v6(), b"query");
    let options = [60, 0, 1, 4, 0, 0, 0, 0]; // hop-by-hop, then destination options
    let destination = [17, 0, 1, 4, 0, 0, 0, 0];
    let mut frame = [&whole[..40], &options, &destination, &whole[40..]].concat();
    frame[6] = 0;
    frame[5] += 16;
    let packet = decode(LinkType::RAW, &frame).unwrap();
    let Some(Network::V6(ip)) = packet.network else { panic!("not IPv6") };
    let chain: Vec<u8> = ip.extensions().map(|extension| extension.protocol.0).collect();
    assert_eq!(chain, [0, 60]);
    assert_eq!((ip.protocol, packet.payload), (Protocol::UDP, b"query".as_slice()));
    assert_eq!(packet.verify_checksums(), Ok(()));
}

#[test]
fn a_chain_of_extension_headers_has_an_end() {
    let mut frame = compose::ip(v6(), Protocol(0), &[0; 17 * 8]);
    assert!(matches!(decode(LinkType::RAW, &frame), Err(DecodeError::Impossible { field: "ipv6.extensions", .. })));
    let last = frame.len() - 8;
    frame[last - 8] = 59;
    assert!(decode(LinkType::RAW, &frame).is_ok());
}

#[test]
fn pieces_keep_their_payload_and_have_no_transport() {
    for whole in [compose::udp(v4(), &[7; 100]), compose::udp(v6(), &[7; 100])] {
        let pieces = compose::fragments(&whole, 48, 0x1234);
        let read: Vec<Packet<'_>> = pieces.iter().map(|piece| decode(LinkType::RAW, piece).unwrap()).collect();
        let seen: Vec<(u32, bool, u32)> = read
            .iter()
            .map(|packet| packet.network.unwrap().fragment().unwrap())
            .map(|fragment| (fragment.offset, fragment.more, fragment.id))
            .collect();
        assert_eq!(seen, [(0, true, 0x1234), (48, true, 0x1234), (96, false, 0x1234)]);
        assert!(read.iter().all(|packet| matches!(packet.transport, Transport::Fragment(_))));
        assert!(read.iter().all(|packet| packet.network.unwrap().protocol() == Protocol::UDP));
    }
}

#[test]
fn a_total_length_of_zero_takes_the_rest_of_the_frame() {
    let big = vec![0x55; 70_000];
    let frame = compose::tcp(v4(), Segment { payload: &big, ..Segment::default() });
    let packet = decode(LinkType::RAW, &frame).unwrap();
    assert_eq!((packet.payload.len(), packet.missing), (70_000, 0));
}

#[test]
fn what_the_snap_length_cut_is_counted() {
    let frame = request();
    let packet = decode(LinkType::RAW, &frame[..45]).unwrap();
    assert_eq!((packet.payload, packet.missing), (b"GET /".as_slice(), 13));
    assert_eq!(packet.verify_checksums(), Ok(()), "not to be known, so not wrong");
}

#[test]
fn odd_numbers_are_kept() {
    let gre = compose::ip(v4(), Protocol::GRE, &[0; 8]);
    assert_eq!(decode(LinkType::RAW, &gre).unwrap().transport, Transport::Other(Protocol::GRE));
    let arp = [&[0xff; 12], [0x08, 0x06].as_slice(), &[1; 28]].concat();
    let packet = decode(LinkType::ETHERNET, &arp).unwrap();
    assert_eq!((packet.ethertype, packet.payload.len()), (EtherType::ARP, 28));
    assert!(packet.network.is_none());
}

#[test]
fn a_flipped_bit_is_told_by_the_checksum_of_its_layer() {
    let cases = [
        (compose::udp(v4(), b"data"), 30, ChecksumError::Udp),
        (compose::udp(v6(), b"data"), 50, ChecksumError::Udp),
        (request(), 45, ChecksumError::Tcp),
        (request(), 8, ChecksumError::Ipv4),
        (compose::icmp(v4(), 8, 0, [0, 1, 0, 1], b"ping"), 28, ChecksumError::Icmp),
        (compose::icmp(v6(), 128, 0, [0, 1, 0, 1], b"ping"), 49, ChecksumError::Icmp),
    ];
    for (mut frame, at, expected) in cases {
        assert_eq!(decode(LinkType::RAW, &frame).unwrap().verify_checksums(), Ok(()));
        frame[at] ^= 1;
        assert_eq!(decode(LinkType::RAW, &frame).unwrap().verify_checksums(), Err(expected));
    }
}

#[test]
fn an_icmp_error_says_which_packet_it_is_about() {
    let lost = compose::udp(v4(), b"nobody there");
    let frame = compose::icmp(v4().reversed(), 3, 3, [0; 4], &lost[..28]);
    let quote = decode(LinkType::RAW, &frame).unwrap().quote().unwrap();
    assert_eq!((quote.source, quote.ports), ("10.1.0.1".parse::<IpAddr>().unwrap(), (40000, 80)));
    let echo = compose::icmp(v4(), 8, 0, [0; 4], &lost[..28]);
    assert_eq!(decode(LinkType::RAW, &echo).unwrap().quote(), None);
}

#[test]
fn tcp_options_are_read_up_to_the_first_bad_one() {
    let mut frame = compose::tcp(v4(), Segment { payload: &[2, 4, 5, 180, 1, 1, 8, 99], ..Segment::default() });
    frame[32] = 0x70; // the eight payload bytes become options
    let Transport::Tcp(tcp) = decode(LinkType::RAW, &frame).unwrap().transport else { panic!("not TCP") };
    let options: Vec<(u8, Vec<u8>)> = tcp.options().map(|option| (option.kind, option.value.to_vec())).collect();
    assert_eq!(options, [(2, vec![5, 180])]);
}

#[test]
fn every_truncation_gives_a_packet_or_names_where_the_frame_ends() {
    let frames = [
        tagged(&compose::ethernet(&request()), &[[0x88, 0xa8, 0, 5], [0x81, 0, 0, 6]]),
        compose::ethernet(&compose::udp(v6(), b"payload")),
        compose::ethernet(&compose::icmp(v4(), 3, 3, [0; 4], &compose::udp(v4(), b""))),
        compose::ethernet(&compose::fragments(&compose::udp(v6(), &[1; 64]), 32, 5)[1]),
    ];
    for frame in &frames {
        for end in 0..frame.len() {
            match decode(LinkType::ETHERNET, &frame[..end]) {
                Ok(packet) => {
                    let is_cut_off = packet.missing > 0 || matches!(packet.transport, Transport::Unreadable(_));
                    assert!(is_cut_off, "{end} of {} bytes read as if whole: {packet:?}", frame.len());
                }
                Err(DecodeError::Truncated { offset, needed, had, .. }) => {
                    assert_eq!(offset + had, end);
                    assert!(needed > had);
                }
                Err(other) => panic!("{end} bytes: {other}"),
            }
        }
    }
}
