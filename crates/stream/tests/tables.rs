//! Flows are found, told apart and forgotten; datagrams are joined.

use kodkod_stream::{
    Chunk, DefragmentLimits, Defragmenter, Direction, EndReason, FlowLimits, FlowTable, Reassembly, Tracked,
};
use kodkod_wire::compose::{self, Ends, Segment};
use kodkod_wire::{LinkType, TcpFlags, Transport, decode};

const SECOND: u64 = 1_000_000_000;
const SYN: u8 = TcpFlags::SYN.0;
const ACK: u8 = TcpFlags::ACK.0;
const RST: u8 = TcpFlags::RST.0;

fn ends() -> Ends {
    Ends::parse("10.0.0.9:40000", "10.0.0.2:80").unwrap()
}

fn segment(flags: u8, seq: u32, ack: u32) -> Segment<'static> {
    Segment { seq, ack, flags: TcpFlags(flags), payload: b"" }
}

/// A table whose flows' sessions are kept up to date, as the sensor does.
struct Tables {
    table: FlowTable<()>,
    shared: Reassembly,
}

impl Tables {
    fn new(limits: FlowLimits) -> Self {
        Self { table: FlowTable::new(limits), shared: Reassembly::default() }
    }

    fn see(&mut self, tag: u32, now_ns: u64, frame: &[u8]) -> Tracked {
        let packet = decode(LinkType::RAW, frame).unwrap();
        let tracked = self.table.track(tag, now_ns, &packet).unwrap();
        let flow = self.table.flow_mut(tracked.slot).unwrap();
        if let (Transport::Tcp(tcp), Some(session)) = (&packet.transport, &mut flow.session) {
            let nobody = |_: Direction, _: Chunk<'_>| {};
            session.segment(tracked.direction, tcp, packet.payload, 0, &mut self.shared, nobody);
        }
        self.table.settle(tracked.slot);
        tracked
    }

    fn tcp(&mut self, now_ns: u64, ends: Ends, segment: Segment<'_>) -> Tracked {
        self.see(0, now_ns, &compose::tcp(ends, segment))
    }

    fn endings(&mut self) -> Vec<EndReason> {
        std::iter::from_fn(|| self.table.pop_ended()).map(|ended| ended.reason).collect()
    }
}

#[test]
fn both_directions_are_one_flow_and_each_tag_has_its_own() {
    let mut tables = Tables::new(FlowLimits::default());
    let (there, back) = (compose::udp(ends(), b"?"), compose::udp(ends().reversed(), b"!!"));
    let first = tables.see(1, 0, &there);
    let answer = tables.see(1, 5, &back);
    let other_tag = tables.see(2, 5, &there);
    assert_eq!((first.slot, first.is_new), (answer.slot, true));
    assert_eq!((answer.direction, answer.is_new), (Direction::ToClient, false));
    assert!(other_tag.is_new);
    assert_eq!(tables.table.len(), 2);
    let flow = tables.table.flow_mut(first.slot).unwrap();
    assert_eq!(flow.traffic.map(|traffic| (traffic.packets, traffic.bytes)), [(1, 29), (1, 30)]);
    assert!(flow.is_established());
    assert_eq!(flow.identity.client.port, 40000);
}

#[test]
fn a_vlan_parts_flows() {
    let mut tables = Tables::new(FlowLimits::default());
    let frame = compose::ethernet(&compose::udp(ends(), b""));
    let tagged = [&frame[..12], &[0x81, 0, 0, 7], &frame[12..]].concat();
    for frame in [&frame, &tagged] {
        let packet = decode(LinkType::ETHERNET, frame).unwrap();
        assert!(tables.table.track(0, 0, &packet).unwrap().is_new);
    }
    let vlans: Vec<Option<u16>> = tables.table.iter_mut().map(|flow| flow.identity.vlan).collect();
    assert_eq!(vlans, [None, Some(7)]);
}

#[test]
fn who_is_the_client() {
    let parse = |source, destination| Ends::parse(source, destination).unwrap();
    let cases = [
        ("the sender of a SYN", parse("10.0.0.1:80", "10.0.0.2:40000"), SYN, Direction::ToServer),
        ("the receiver of a SYN-ACK", parse("10.0.0.1:40000", "10.0.0.2:80"), SYN | ACK, Direction::ToClient),
        ("the one without a well-known port", parse("10.0.0.1:80", "10.0.0.2:2000"), ACK, Direction::ToClient),
        ("the one with an ephemeral port", parse("10.0.0.1:8080", "10.0.0.2:40000"), ACK, Direction::ToClient),
        ("otherwise who spoke first", parse("10.0.0.1:8080", "10.0.0.2:9090"), ACK, Direction::ToServer),
    ];
    for (who, ends, flags, direction) in cases {
        let mut tables = Tables::new(FlowLimits::default());
        assert_eq!(tables.tcp(0, ends, segment(flags, 1, 1)).direction, direction, "{who}");
    }
}

#[test]
fn an_echo_and_its_reply_are_one_flow_and_an_error_is_counted_where_it_belongs() {
    let mut tables = Tables::new(FlowLimits::default());
    let ping = tables.see(0, 0, &compose::icmp(ends(), 8, 0, [0, 1, 0, 1], b"ping"));
    let pong = tables.see(0, 1, &compose::icmp(ends().reversed(), 0, 0, [0, 1, 0, 1], b"ping"));
    assert_eq!((ping.slot, pong.direction), (pong.slot, Direction::ToClient));

    let lost = compose::udp(ends(), b"hello");
    let flow = tables.see(0, 2, &lost);
    let error = compose::icmp(ends().reversed(), 3, 3, [0; 4], &lost[..28]);
    assert!(tables.see(0, 3, &error).is_new);
    let packet = decode(LinkType::RAW, &error).unwrap();
    let quoted = tables.table.note_error(0, &packet.vlans, &packet.quote().unwrap());
    assert_eq!(quoted, Some(flow.slot));
    assert_eq!(tables.table.flow_mut(flow.slot).unwrap().icmp_errors, 1);
}

#[test]
fn each_sort_of_flow_has_its_patience() {
    let mut tables = Tables::new(FlowLimits::default());
    let open = Ends::parse("10.0.0.1:1111", "10.0.0.2:80").unwrap();
    tables.tcp(0, open, segment(SYN, 1, 0));
    tables.tcp(0, open.reversed(), segment(SYN | ACK, 1, 2));
    tables.tcp(0, open, segment(ACK, 2, 2));
    tables.tcp(0, ends(), segment(SYN, 1, 0));
    let refused = Ends::parse("10.0.0.1:2222", "10.0.0.2:81").unwrap();
    tables.tcp(0, refused, segment(SYN, 1, 0));
    tables.tcp(0, refused.reversed(), segment(RST | ACK, 0, 2));
    tables.see(0, 0, &compose::udp(ends(), b""));
    let mut alive = Vec::new();
    for second in [9, 10, 30, 60, 3599, 3600] {
        tables.table.expire(second * SECOND);
        alive.push(tables.table.len());
    }
    assert_eq!(alive, [4, 3, 2, 1, 1, 0]);
    assert_eq!(tables.endings(), [EndReason::TimedOut; 4]);
    assert_eq!(tables.table.counters().timed_out, 4);
}

#[test]
fn a_flow_that_goes_on_does_not_time_out() {
    let mut tables = Tables::new(FlowLimits::default());
    for tenth in 0..2000 {
        let now_ns = tenth * SECOND / 10;
        tables.table.expire(now_ns);
        assert_eq!(tables.see(0, now_ns, &compose::udp(ends(), b"")).is_new, tenth == 0);
    }
    tables.table.expire(199 * SECOND + 59 * SECOND);
    assert_eq!(tables.table.len(), 1);
    tables.table.expire(199 * SECOND + 62 * SECOND);
    assert_eq!(tables.table.len(), 0);
}

#[test]
fn a_full_table_lets_go_of_the_flow_that_was_silent_longest() {
    let mut tables = Tables::new(FlowLimits { flows_max: 2, ..FlowLimits::default() });
    let from = |port: u16| Ends::parse(&format!("10.0.0.1:{port}"), "10.0.0.2:53").unwrap();
    tables.see(0, 0, &compose::udp(from(1), b""));
    tables.see(0, 2 * SECOND, &compose::udp(from(2), b""));
    tables.see(0, 4 * SECOND, &compose::udp(from(1), b""));
    tables.see(0, 5 * SECOND, &compose::udp(from(3), b""));
    let ended = tables.table.pop_ended().unwrap();
    assert_eq!((ended.reason, ended.flow.identity.client.port), (EndReason::Evicted, 2));
    assert_eq!((tables.table.len(), tables.table.counters().evicted), (2, 1));
}

#[test]
fn a_new_conversation_on_old_ports_is_a_new_flow() {
    let mut tables = Tables::new(FlowLimits::default());
    tables.tcp(0, ends(), segment(SYN, 100, 0));
    assert!(!tables.tcp(1, ends(), segment(SYN, 100, 0)).is_new, "a repeated SYN is the same conversation");
    tables.tcp(2, ends().reversed(), segment(RST | ACK, 0, 101));
    assert!(tables.tcp(3, ends(), segment(SYN, 900, 0)).is_new);
    assert_eq!(tables.endings(), [EndReason::Restarted]);
}

#[test]
fn a_syn_into_an_open_conversation_is_believed_when_it_is_answered() {
    let mut tables = Tables::new(FlowLimits::default());
    tables.tcp(0, ends(), segment(SYN, 100, 0));
    tables.tcp(0, ends().reversed(), segment(SYN | ACK, 500, 101));
    tables.tcp(0, ends(), segment(ACK, 101, 501));
    assert!(!tables.tcp(1, ends(), segment(SYN, 7000, 0)).is_new, "anybody can send a SYN");
    let answer = tables.tcp(2, ends().reversed(), segment(SYN | ACK, 800, 7001));
    assert_eq!((answer.is_new, answer.direction), (true, Direction::ToClient));
}

#[test]
fn the_end_gives_flows_in_the_order_they_began() {
    let mut tables = Tables::new(FlowLimits::default());
    for port in [5u16, 3, 9, 1] {
        let ends = Ends::parse(&format!("10.0.0.1:{port}"), "10.0.0.2:53").unwrap();
        tables.see(0, u64::from(port), &compose::udp(ends, b""));
    }
    tables.table.drain();
    let order: Vec<u64> =
        std::iter::from_fn(|| tables.table.pop_ended()).map(|ended| ended.flow.identity.start_ns).collect();
    assert_eq!(order, [1, 3, 5, 9]);
}

#[test]
fn an_id_is_the_same_wherever_the_same_packets_are_seen() {
    let id = |tag, now_ns| {
        let mut tables = Tables::new(FlowLimits { hash_seed: u64::from(tag), ..FlowLimits::default() });
        let slot = tables.see(tag, now_ns, &compose::udp(ends(), b"")).slot;
        tables.table.flow_mut(slot).unwrap().identity.id
    };
    assert_eq!(id(1, 77), id(2, 77));
    assert_ne!(id(1, 77), id(1, 78));
    assert!(i64::try_from(id(1, 77)).is_ok());
}

fn both_versions() -> [Ends; 2] {
    [ends(), Ends::parse("[2001:db8::1]:40000", "[2001:db8::2]:53").unwrap()]
}

#[test]
fn pieces_in_any_order_are_the_datagram_they_were_cut_from() {
    let payload: Vec<u8> = (0..200).collect();
    for ends in both_versions() {
        let whole = compose::udp(ends, &payload);
        let mut pieces = compose::fragments(&whole, 48, 7);
        for _ in 0..pieces.len() {
            pieces.rotate_left(1);
            let mut defragmenter = Defragmenter::new(DefragmentLimits::default());
            let mut joined = None;
            for piece in pieces.iter().chain(&pieces[..1]) {
                let packet = decode(LinkType::RAW, piece).unwrap();
                if let Some(datagram) = defragmenter.add(0, 0, &packet) {
                    joined = Some(datagram.to_vec());
                }
            }
            let joined = joined.expect("all pieces came");
            let packet = decode(LinkType::RAW, &joined).unwrap();
            assert_eq!(packet.transport.ports(), Some((40000, ends.destination.port())));
            assert_eq!(packet.payload, payload);
            assert_eq!(packet.verify_checksums(), Ok(()));
        }
    }
}

#[test]
fn overlapping_pieces_keep_the_first_bytes_in_ipv4_and_are_dropped_in_ipv6() {
    for (ends, is_joined) in both_versions().into_iter().zip([true, false]) {
        let good = compose::fragments(&compose::udp(ends, &[b'a'; 64]), 24, 7);
        let evil = compose::fragments(&compose::udp(ends, &[b'z'; 64]), 32, 7);
        let mut defragmenter = Defragmenter::new(DefragmentLimits::default());
        let mut joined = None;
        for piece in [&good[1], &evil[0], &good[0], &good[2]] {
            let packet = decode(LinkType::RAW, piece).unwrap();
            if let Some(datagram) = defragmenter.add(0, 0, &packet) {
                joined = Some(decode(LinkType::RAW, datagram).unwrap().payload.to_vec());
            }
        }
        // evil[0] came before good[0], and good[1] before both.
        let expected = [[b'z'; 16].as_slice(), &[b'a'; 48]].concat();
        assert_eq!(joined, is_joined.then_some(expected));
        assert!(defragmenter.counters().overlaps >= 1);
    }
}

#[test]
fn pieces_do_not_wait_for_ever_nor_without_bound() {
    let whole = compose::udp(ends(), &[0; 100]);
    let limits = DefragmentLimits { datagrams_max: 2, ..DefragmentLimits::default() };
    let mut defragmenter = Defragmenter::new(limits);
    for id in 0..3 {
        let pieces = compose::fragments(&whole, 48, id);
        assert_eq!(defragmenter.add(0, u64::from(id), &decode(LinkType::RAW, &pieces[0]).unwrap()), None);
    }
    assert_eq!(defragmenter.counters().evicted, 1);
    defragmenter.expire(31 * SECOND);
    assert_eq!(defragmenter.counters().timed_out, 2);
    for piece in &compose::fragments(&whole, 48, 1)[1..] {
        assert_eq!(defragmenter.add(0, 31 * SECOND, &decode(LinkType::RAW, piece).unwrap()), None);
    }
}

#[test]
fn a_datagram_longer_than_its_header_can_say_is_dropped() {
    let mut huge = compose::fragments(&compose::udp(ends(), &[0; 24]), 24, 7);
    huge.truncate(1);
    let mut last = compose::fragments(&compose::udp(ends(), &[0; 1500]), 1504, 7).remove(0);
    last[6..8].copy_from_slice(&0x1ffeu16.to_be_bytes());
    huge.push(last);
    let mut defragmenter = Defragmenter::new(DefragmentLimits::default());
    for piece in &huge {
        assert_eq!(defragmenter.add(0, 0, &decode(LinkType::RAW, piece).unwrap()), None);
    }
    assert_eq!(defragmenter.counters().impossible, 1);
}
