//! Every format, byte order and kind of damage gives the same packets or says where it stops.

use kodkod_pcap::{ReadError, ReadProblem, Reader};

#[derive(Debug, PartialEq, Eq, Clone)]
struct Seen {
    number: u64,
    ts_ns: u64,
    link: u32,
    wire_len: u32,
    data: Vec<u8>,
}

/// Everything that can be read, and how it ended.
fn read(file: &[u8]) -> (Vec<Seen>, Option<ReadError>) {
    read_from(file)
}

fn read_from(file: impl std::io::Read) -> (Vec<Seen>, Option<ReadError>) {
    let mut seen = Vec::new();
    let mut reader = match Reader::open(file) {
        Ok(reader) => reader,
        Err(error) => return (seen, Some(error)),
    };
    loop {
        match reader.next_frame() {
            Ok(Some(frame)) => seen.push(Seen {
                number: frame.number,
                ts_ns: frame.ts_ns,
                link: frame.link,
                wire_len: frame.wire_len,
                data: frame.data.to_vec(),
            }),
            Ok(None) => return (seen, None),
            Err(error) => return (seen, Some(error)),
        }
    }
}

/// Gives one byte at a time, as a slow pipe may.
struct Dribble<'a>(&'a [u8]);

impl std::io::Read for Dribble<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let Some((first, rest)) = self.0.split_first() else { return Ok(0) };
        let Some(slot) = into.first_mut() else { return Ok(0) };
        *slot = *first;
        self.0 = rest;
        Ok(1)
    }
}

#[derive(Clone, Copy)]
struct Order(bool);

impl Order {
    fn u32(self, value: u32) -> [u8; 4] {
        if self.0 { value.to_be_bytes() } else { value.to_le_bytes() }
    }
    fn u16(self, value: u16) -> [u8; 2] {
        if self.0 { value.to_be_bytes() } else { value.to_le_bytes() }
    }
}

const BIG: Order = Order(true);
const LITTLE: Order = Order(false);

fn classic(order: Order, magic: u32, link: u32, packets: &[(u32, u32, u32, &[u8])]) -> Vec<u8> {
    let mut file = Vec::new();
    file.extend(order.u32(magic));
    file.extend(order.u16(2));
    file.extend(order.u16(4));
    file.extend(order.u32(0));
    file.extend(order.u32(0));
    file.extend(order.u32(65535));
    file.extend(order.u32(link));
    for (seconds, fraction, wire_len, data) in packets {
        file.extend(order.u32(*seconds));
        file.extend(order.u32(*fraction));
        file.extend(order.u32(data.len() as u32));
        file.extend(order.u32(*wire_len));
        file.extend(*data);
    }
    file
}

fn block(order: Order, kind: u32, body: &[u8]) -> Vec<u8> {
    let mut body = body.to_vec();
    body.resize(body.len().next_multiple_of(4), 0);
    let length = order.u32(body.len() as u32 + 12);
    [&order.u32(kind)[..], &length, &body, &length].concat()
}

fn section(order: Order) -> Vec<u8> {
    let body = [&order.u32(0x1a2b3c4d)[..], &order.u16(1), &order.u16(0), &[0xff; 8]].concat();
    block(order, 0x0a0d0d0a, &body)
}

fn interface(order: Order, link: u16, snap_len: u32, options: &[u8]) -> Vec<u8> {
    block(order, 1, &[&order.u16(link)[..], &[0, 0], &order.u32(snap_len), options].concat())
}

fn option(order: Order, code: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = [&order.u16(code)[..], &order.u16(value.len() as u16), value].concat();
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn enhanced(order: Order, interface: u32, ticks: u64, wire_len: u32, data: &[u8]) -> Vec<u8> {
    let mut body =
        [interface, (ticks >> 32) as u32, ticks as u32, data.len() as u32, wire_len].map(|n| order.u32(n)).concat();
    body.extend(data);
    body.resize(body.len().next_multiple_of(4), 0);
    body.extend(option(order, 1, b"a comment"));
    body.extend(option(order, 0, b""));
    block(order, 6, &body)
}

#[test]
fn classic_files_of_each_magic_number_tell_the_same() {
    for (name, order, magic, fraction) in [
        ("big endian, microseconds", BIG, 0xa1b2c3d4, 7),
        ("little endian, microseconds", LITTLE, 0xa1b2c3d4, 7),
        ("big endian, nanoseconds", BIG, 0xa1b23c4d, 7000),
        ("little endian, nanoseconds", LITTLE, 0xa1b23c4d, 7000),
    ] {
        let file = classic(order, magic, 1, &[(1_700_000_000, fraction, 60, b"first"), (1_700_000_001, 0, 2, b"no")]);
        let (seen, end) = read(&file);
        assert!(end.is_none(), "{name}: {end:?}");
        assert_eq!(
            seen,
            [
                Seen { number: 1, ts_ns: 1_700_000_000_000_007_000, link: 1, wire_len: 60, data: b"first".to_vec() },
                Seen { number: 2, ts_ns: 1_700_000_001_000_000_000, link: 1, wire_len: 2, data: b"no".to_vec() },
            ],
            "{name}"
        );
    }
}

#[test]
fn a_stream_that_comes_byte_by_byte_tells_the_same() {
    let file = classic(LITTLE, 0xa1b2c3d4, 101, &[(1, 2, 3, b"abc"), (4, 5, 6, b""), (7, 8, 9, &[9; 1000])]);
    assert_eq!(read_from(Dribble(&file)).0, read(&file).0);
}

#[test]
fn the_length_of_a_check_sequence_is_no_part_of_the_link_type() {
    let (seen, _) = read(&classic(LITTLE, 0xa1b2c3d4, 0x5400_0001, &[(0, 0, 1, b"x")]));
    assert_eq!(seen[0].link, 1);
}

#[test]
fn files_of_old_versions_have_their_lengths_the_other_way_round() {
    let mut file = classic(LITTLE, 0xa1b2c3d4, 1, &[(0, 0, 60, b"four")]);
    file[6] = 2; // version 2.2
    file[32..36].copy_from_slice(&60_u32.to_le_bytes());
    file[36..40].copy_from_slice(&4_u32.to_le_bytes());
    let (seen, end) = read(&file);
    assert!(end.is_none());
    assert_eq!((seen[0].wire_len, seen[0].data.as_slice()), (60, &b"four"[..]));
}

#[test]
fn every_truncation_gives_the_packets_before_it_and_the_offset_of_the_cut_record() {
    let packets: [(u32, u32, u32, &[u8]); 3] = [(1, 0, 3, b"abc"), (2, 0, 5, b"defgh"), (3, 0, 1, b"i")];
    let file = classic(BIG, 0xa1b2c3d4, 1, &packets);
    let ends = [24, 24 + 19, 24 + 19 + 21, 24 + 19 + 21 + 17];
    for cut in 0..file.len() {
        let (seen, end) = read(&file[..cut]);
        let whole = ends.iter().filter(|&&end| end <= cut).count().saturating_sub(1);
        assert_eq!(seen.len(), whole, "cut at {cut}");
        if ends.contains(&cut) {
            assert!(end.is_none(), "cut at {cut}: {end:?}");
        } else {
            let end = end.unwrap();
            assert!(end.is_truncated());
            let start = ends.iter().rev().find(|&&end| end <= cut).copied().unwrap_or(0);
            assert_eq!(end.offset, start as u64, "cut at {cut}");
        }
    }
}

#[test]
fn a_length_beyond_any_link_is_named_with_its_offset() {
    let mut file = classic(LITTLE, 0xa1b2c3d4, 1, &[(1, 0, 3, b"abc"), (2, 0, 3, b"def")]);
    file[24 + 19 + 8..24 + 19 + 12].copy_from_slice(&0x7fff_ffff_u32.to_le_bytes());
    let (seen, end) = read(&file);
    assert_eq!(seen.len(), 1);
    let end = end.unwrap();
    assert_eq!(end.offset, 43);
    assert!(matches!(end.problem, ReadProblem::PacketTooLong { length: 0x7fff_ffff, limit: 262_144 }));
    assert_eq!(end.to_string(), "byte offset 43: a packet of 2147483647 bytes is beyond 262144: the file is damaged");
}

#[test]
fn what_is_no_capture_says_so() {
    let (seen, end) = read(b"GET / HTTP/1.1\r\n");
    assert!(seen.is_empty());
    assert_eq!(end.unwrap().to_string(), "byte offset 0: neither pcap nor pcapng (starts with 47455420)");
    assert!(read(b"").1.unwrap().is_truncated());
}

#[test]
fn pcapng_in_either_order_with_two_interfaces_and_foreign_blocks() {
    for order in [BIG, LITTLE] {
        let file = [
            section(order),
            block(order, 0x0bad, b"custom"),
            interface(order, 1, 0, &[]),
            interface(order, 101, 96, &option(order, 9, &[9])),
            enhanced(order, 0, 1_700_000_000_000_001, 70, b"micro"),
            block(order, 5, &[0; 40]), // statistics
            enhanced(order, 1, 1_700_000_000_000_000_002, 5, b"nanos"),
            enhanced(order, 1, 3, 0, b""),
        ]
        .concat();
        let (seen, end) = read(&file);
        assert!(end.is_none(), "{end:?}");
        let told: Vec<_> = seen.iter().map(|s| (s.ts_ns, s.link, s.wire_len, s.data.as_slice())).collect();
        assert_eq!(
            told,
            [
                (1_700_000_000_000_001_000, 1, 70, &b"micro"[..]),
                (1_700_000_000_000_000_002, 101, 5, b"nanos"),
                (3, 101, 0, b""),
            ]
        );
    }
}

#[test]
fn resolutions_and_offsets_of_time() {
    for (name, resolution, offset, ticks, expected) in [
        ("seconds", 0, 0, 12, 12_000_000_000_u64),
        ("milliseconds", 3, 0, 1500, 1_500_000_000),
        ("picoseconds", 12, 0, 1_234_567, 1_234),
        ("2^-10 s", 0x8a, 0, 512, 500_000_000),
        ("2^-127 s", 0xff, 0, u64::MAX, 0),
        ("an offset", 6, 100, 1, 100_000_001_000),
        ("a negative offset", 0, -2, 5, 3_000_000_000),
        ("before 1970", 0, -9, 5, 0),
    ] {
        let options = [option(LITTLE, 9, &[resolution]), option(LITTLE, 14, &i64::to_le_bytes(offset))].concat();
        let file = [section(LITTLE), interface(LITTLE, 1, 0, &options), enhanced(LITTLE, 0, ticks, 1, b"x")].concat();
        assert_eq!(read(&file).0[0].ts_ns, expected, "{name}");
    }
}

#[test]
fn simple_and_old_packet_blocks() {
    let order = LITTLE;
    let old = [&order.u16(0)[..], &order.u16(3), &order.u32(0), &order.u32(77), &order.u32(3), &order.u32(9), b"old"]
        .concat();
    let file = [
        section(order),
        interface(order, 1, 4, &[]),
        block(order, 2, &old),
        block(order, 3, &[&order.u32(10)[..], b"simp"].concat()),
        block(order, 3, &[&order.u32(2)[..], b"si"].concat()),
    ]
    .concat();
    let (seen, end) = read(&file);
    assert!(end.is_none(), "{end:?}");
    let told: Vec<_> = seen.iter().map(|s| (s.ts_ns, s.wire_len, s.data.as_slice())).collect();
    assert_eq!(told, [(77_000, 9, &b"old"[..]), (77_000, 10, b"simp"), (77_000, 2, b"si")]);
}

#[test]
fn a_new_section_forgets_interfaces_and_may_change_its_order() {
    let file = [
        section(BIG),
        interface(BIG, 1, 0, &[]),
        enhanced(BIG, 0, 1, 1, b"a"),
        section(LITTLE),
        interface(LITTLE, 113, 0, &[]),
        enhanced(LITTLE, 0, 2, 1, b"b"),
        section(LITTLE),
        enhanced(LITTLE, 0, 3, 1, b"c"),
    ]
    .concat();
    let (seen, end) = read(&file);
    assert_eq!(seen.iter().map(|s| s.link).collect::<Vec<_>>(), [1, 113]);
    assert!(matches!(end.unwrap().problem, ReadProblem::UnknownInterface(0)));
}

#[test]
fn damaged_blocks_are_named() {
    let head = [section(LITTLE), interface(LITTLE, 1, 0, &[])].concat();
    let offset = head.len() as u64;
    let mut unequal = enhanced(LITTLE, 0, 1, 1, b"x");
    let last = unequal.len() - 4;
    unequal[last] ^= 0xff;
    let mut beyond = enhanced(LITTLE, 0, 1, 1, b"x");
    beyond[20..24].copy_from_slice(&200_u32.to_le_bytes());
    for (name, bad) in [
        ("lengths differ", unequal),
        ("packet beyond block", beyond),
        ("odd length", [LITTLE.u32(6), LITTLE.u32(33)].concat()),
        ("too small", [LITTLE.u32(6), LITTLE.u32(8)].concat()),
        ("too large for a packet", [LITTLE.u32(6), LITTLE.u32(0x7fff_fff0)].concat()),
        ("no room for a packet's head", block(LITTLE, 6, &[0; 8])),
    ] {
        let (seen, end) = read(&[head.clone(), bad].concat());
        let end = end.unwrap();
        assert!(seen.is_empty(), "{name}");
        assert!(!end.is_truncated(), "{name}: {end}");
        assert_eq!(end.offset, offset, "{name}");
    }
}

#[test]
fn no_flipped_byte_and_no_cut_makes_it_panic() {
    let order = LITTLE;
    let file = [
        section(order),
        interface(order, 1, 64, &option(order, 9, &[6])),
        enhanced(order, 0, 1, 5, b"hello"),
        block(order, 3, &[&order.u32(10)[..], b"simp"].concat()),
    ]
    .concat();
    for at in 0..file.len() {
        let whole = read(&file[..at]).0.len();
        assert!(whole <= 2);
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut bent = file.clone();
            bent[at] = value;
            assert!(read(&bent).0.len() <= 2);
        }
    }
}
