//! The same bytes in any segmentation, order and number are the same stream.

use kodkod_stream::{Chunk, Direction, Reassembly, ReassemblyLimits, Session};
use kodkod_wire::compose::{self, Ends, Segment};
use kodkod_wire::{LinkType, TcpFlags, Transport, decode};
use proptest::prelude::*;

/// What a session delivers of segments `(place, bytes)`, after a handshake.
fn heard(first_seq: u32, segments: &[(usize, Vec<u8>)]) -> (Vec<u8>, u64, Reassembly) {
    let mut session = Session::default();
    let mut shared = Reassembly::new(ReassemblyLimits::default());
    let (mut stream, mut lost) = (Vec::new(), 0);
    let mut step = |direction, seq, ack, flags, payload: &[u8]| {
        let ends = Ends::parse("10.0.0.1:40000", "10.0.0.2:80").unwrap();
        let frame = compose::tcp(ends, Segment { seq, ack, flags: TcpFlags(flags), payload });
        let packet = decode(LinkType::RAW, &frame).unwrap();
        let Transport::Tcp(tcp) = packet.transport else { panic!("not TCP") };
        session.segment(direction, &tcp, packet.payload, 0, &mut shared, |_, chunk| match chunk {
            Chunk::Data(bytes) => stream.extend_from_slice(bytes),
            Chunk::Gap(hole) => lost += hole,
            Chunk::End => {}
        });
    };
    step(Direction::ToServer, first_seq, 0, 0x02, b"");
    step(Direction::ToClient, 77, first_seq.wrapping_add(1), 0x12, b"");
    for (place, bytes) in segments {
        let seq = first_seq.wrapping_add(1).wrapping_add(u32::try_from(*place).unwrap());
        step(Direction::ToServer, seq, 78, 0x10, bytes);
    }
    (stream, lost, shared)
}

/// Cut bytes at the given places.
fn cut(bytes: &[u8], mut cuts: Vec<usize>) -> Vec<(usize, Vec<u8>)> {
    cuts.extend([0, bytes.len()]);
    cuts.sort_unstable();
    cuts.dedup();
    cuts.windows(2).map(|pair| (pair[0], bytes[pair[0]..pair[1]].to_vec())).collect()
}

fn stream_and_segments() -> impl Strategy<Value = (Vec<u8>, Vec<(usize, Vec<u8>)>)> {
    proptest::collection::vec(any::<u8>(), 1..400).prop_flat_map(|bytes| {
        let len = bytes.len();
        let cuts = proptest::collection::vec(0..len, 0..20);
        let repeats = proptest::collection::vec((0..len, 0..len), 0..8);
        (Just(bytes), cuts, repeats).prop_flat_map(|(bytes, cuts, repeats)| {
            let mut segments = cut(&bytes, cuts);
            for (a, b) in repeats {
                let (from, to) = (a.min(b), a.max(b));
                segments.push((from, bytes[from..to].to_vec()));
            }
            (Just(bytes), Just(segments).prop_shuffle())
        })
    })
}

proptest! {
    #[test]
    fn any_segmentation_order_and_repetition_is_the_same_stream(
        (bytes, segments) in stream_and_segments(),
        first_seq in prop_oneof![any::<u32>(), (u32::MAX - 300)..],
    ) {
        let (stream, lost, shared) = heard(first_seq, &segments);
        prop_assert_eq!(stream, bytes);
        prop_assert_eq!(lost, 0);
        prop_assert_eq!(shared.memory_used(), 0);
        prop_assert_eq!(shared.counters.conflicts, 0);
    }

    /// Whatever comes: bytes and gaps never add up to more than the highest place seen.
    #[test]
    fn hostile_segments_keep_the_books_straight(
        segments in proptest::collection::vec((0usize..2000, proptest::collection::vec(any::<u8>(), 0..200)), 0..60),
    ) {
        let (stream, lost, _) = heard(9, &segments);
        let highest = segments.iter().map(|(place, bytes)| place + bytes.len()).max().unwrap_or(0);
        prop_assert!(stream.len() as u64 + lost <= highest as u64);
    }
}
