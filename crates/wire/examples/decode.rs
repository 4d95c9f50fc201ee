//! How long does it take to read a frame? Nanoseconds for each of a few frames, without and with their checksums.

use std::hint::black_box;
use std::time::Instant;

use kodkod_wire::compose::{self, Ends, Segment};
use kodkod_wire::{LinkType, decode};

const ROUNDS: u32 = 2_000_000;

fn main() {
    let v4 = Ends::parse("10.0.0.1:40000", "10.0.0.2:80").expect("addresses");
    let v6 = Ends::parse("[2001:db8::1]:40000", "[2001:db8::2]:53").expect("addresses");
    let payload = [b'x'; 1400];
    let tcp = compose::ethernet(&compose::tcp(v4, Segment { payload: &payload, ..Segment::default() }));
    let tagged = [&tcp[..12], &[0x88, 0xa8, 0, 5, 0x81, 0, 0, 6], &tcp[12..]].concat();
    for (name, frame) in [
        ("TCP over IPv4, 1,400 bytes", tcp),
        ("the same with two tags", tagged),
        ("UDP over IPv6, 40 bytes", compose::ethernet(&compose::udp(v6, &payload[..40]))),
    ] {
        let read = nanoseconds(|| {
            let _ = black_box(decode(LinkType::ETHERNET, black_box(&frame)));
        });
        let verified = nanoseconds(|| {
            let packet = decode(LinkType::ETHERNET, black_box(&frame));
            let _ = black_box(packet.map(|packet| packet.verify_checksums()));
        });
        println!("{name}: {read:.1} ns, verified {verified:.1} ns");
    }
}

fn nanoseconds(mut work: impl FnMut()) -> f64 {
    let started = Instant::now();
    for _ in 0..ROUNDS {
        work();
    }
    started.elapsed().as_secs_f64() * 1e9 / f64::from(ROUNDS)
}
