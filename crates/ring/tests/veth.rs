//! Real packets between two network namespaces. Needs root; says so where it may not.

use std::io::Write;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use kodkod_ring::{Config, FilterRule, Ring, RingError, run_in};

static NEXT: AtomicU32 = AtomicU32::new(0);

/// Two namespaces joined by a pair of interfaces `left` (10.9.0.1) and `right` (10.9.0.2). Gone with the value.
struct Wire {
    left: String,
    right: String,
}

fn ip(arguments: &str) -> bool {
    Command::new("ip").args(arguments.split(' ')).output().is_ok_and(|output| output.status.success())
}

impl Wire {
    /// None, with a message, where we may not.
    fn new() -> Option<Self> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = |side| format!("kk-e4-{}-{number}{side}", std::process::id());
        let wire = Self { left: name('l'), right: name('r') };
        let Self { left, right } = &wire;
        let made = ip(&format!("netns add {left}"))
            && ip(&format!("netns add {right}"))
            && ip(&format!("link add left netns {left} type veth peer name right netns {right}"));
        if !made {
            eprintln!("skipped: no right to make network namespaces");
            return None;
        }
        for (namespace, interface, host) in [(left, "left", 1), (right, "right", 2)] {
            for command in [
                format!("-n {namespace} addr add 10.9.0.{host}/24 dev {interface}"),
                format!("-n {namespace} link set {interface} up"),
                format!("-n {namespace} link set lo up"),
            ] {
                assert!(ip(&command), "ip {command}");
            }
        }
        Some(wire)
    }

    fn ring(&self, filters: &[FilterRule]) -> Ring {
        open(&self.right, "right", filters).unwrap()
    }

    /// Send numbered datagrams from left to a port on the right.
    fn send_datagrams(&self, to: &str, numbers: std::ops::Range<u32>) {
        run_in(&self.left, || {
            let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
            for number in numbers {
                socket.send_to(&number.to_be_bytes(), to).unwrap();
            }
        })
        .unwrap();
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        ip(&format!("netns del {}", self.left));
        ip(&format!("netns del {}", self.right));
    }
}

fn open(netns: &str, interface: &str, filters: &[FilterRule]) -> Result<Ring, RingError> {
    Ring::open(&Config { interface, netns: Some(netns), ring_bytes: 8 << 20, snap_len: 65535, filters })
}

#[derive(Debug, Clone)]
struct Seen {
    data: Vec<u8>,
    wire_len: u32,
    is_checksum_partial: bool,
}

/// Frames until `enough` says so; a test that waits ten seconds has failed.
fn collect(ring: &mut Ring, mut enough: impl FnMut(&[Seen]) -> bool) -> Vec<Seen> {
    let start = Instant::now();
    let mut seen = Vec::new();
    while !enough(&seen) {
        assert!(start.elapsed() < Duration::from_secs(10), "after {} frames", seen.len());
        ring.wait(Duration::from_millis(100)).unwrap();
        drain(ring, &mut seen);
    }
    seen
}

fn drain(ring: &mut Ring, seen: &mut Vec<Seen>) {
    while let Some(mut block) = ring.next_block() {
        while let Some(frame) = block.next_frame() {
            seen.push(Seen {
                data: frame.data.to_vec(),
                wire_len: frame.wire_len,
                is_checksum_partial: frame.is_checksum_partial,
            });
        }
    }
}

/// A datagram to `port` with these tags, addressed to everybody.
fn tagged_datagram(tags: &[u8], port: u16) -> Vec<u8> {
    let mut ip = [0x45, 0, 0, 32, 0, 0, 0, 0, 64, 17, 0, 0, 10, 9, 7, 1, 10, 9, 7, 2].to_vec();
    ip.extend([0x9c, 0x40]);
    ip.extend(port.to_be_bytes());
    ip.extend([0, 12, 0, 0, b'd', b'a', b't', b'a']);
    [&[0xff; 6][..], &[2, 0, 0, 0, 0, 1], tags, &[0x08, 0x00], &ip].concat()
}

/// Put frames on an interface as they are.
fn inject(netns: &str, interface: &str, frames: &[&[u8]]) {
    let program = "import socket,sys\ns=socket.socket(socket.AF_PACKET,socket.SOCK_RAW)\ns.bind((sys.argv[1],0))\nfor f in sys.argv[2:]: s.send(bytes.fromhex(f))";
    let hex = frames.iter().map(|frame| frame.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    let status = Command::new("ip")
        .args(["netns", "exec", netns, "python3", "-c", program, interface])
        .args(hex)
        .status()
        .unwrap();
    assert!(status.success());
}

fn udp(port: u16) -> FilterRule {
    FilterRule { protocol: Some(17), ports: vec![(port, port)] }
}

/// The number in a datagram's payload, behind Ethernet, IPv4 and UDP headers.
fn number(seen: &Seen) -> u32 {
    u32::from_be_bytes(*seen.data[42..].first_chunk().unwrap())
}

#[test]
fn every_datagram_of_the_filtered_port_and_no_other_from_the_first_frame_on() {
    let Some(wire) = Wire::new() else { return };
    std::thread::scope(|scope| {
        let noise = scope.spawn(|| wire.send_datagrams("10.9.0.2:999", 0..20_000));
        let mut ring = wire.ring(&[udp(777)]);
        wire.send_datagrams("10.9.0.2:777", 0..5_000);
        let seen = collect(&mut ring, |seen| seen.len() >= 5_000);
        noise.join().unwrap();
        assert_eq!(seen.iter().map(number).collect::<Vec<_>>(), (0..5_000).collect::<Vec<_>>());
        let statistics = ring.statistics().unwrap();
        assert_eq!((statistics.packets, statistics.drops), (5_000, 0));
    });
}

#[test]
fn tagged_frames_match_a_port_filter_and_keep_their_tag_both_ways() {
    let Some(wire) = Wire::new() else { return };
    // On its way out the tag is in the frame; on arrival the kernel has taken the outer one off.
    let mut sender = open(&wire.left, "left", &[udp(777)]).unwrap();
    let mut receiver = wire.ring(&[udp(777)]);
    let single = tagged_datagram(&[0x81, 0x00, 0x60, 0x07], 777);
    let double = tagged_datagram(&[0x88, 0xa8, 0x00, 0x09, 0x81, 0x00, 0x00, 0x07], 777);
    let other_port = tagged_datagram(&[0x81, 0x00, 0x60, 0x07], 778);
    inject(&wire.left, "left", &[&other_port, &single, &double]);
    for ring in [&mut sender, &mut receiver] {
        let seen = collect(ring, |seen| seen.len() >= 2);
        assert_eq!(seen.iter().map(|seen| seen.data.as_slice()).collect::<Vec<_>>(), [&single, &double]);
        assert!(seen.iter().all(|seen| seen.wire_len as usize == seen.data.len()));
    }
}

#[test]
fn frames_of_segmentation_offload_come_whole() {
    let Some(wire) = Wire::new() else { return };
    let mut ring = wire.ring(&[FilterRule { protocol: Some(6), ports: vec![(888, 888)] }]);
    let sent = 3_000_000;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            run_in(&wire.right, || {
                let listener = TcpListener::bind("10.9.0.2:888").unwrap();
                let (mut stream, _) = listener.accept().unwrap();
                assert_eq!(std::io::copy(&mut stream, &mut std::io::sink()).unwrap(), sent as u64);
            })
            .unwrap();
        });
        run_in(&wire.left, || {
            let start = Instant::now();
            let mut stream = loop {
                match TcpStream::connect("10.9.0.2:888") {
                    Ok(stream) => break stream,
                    Err(error) => assert!(start.elapsed() < Duration::from_secs(10), "{error}"),
                }
            };
            stream.write_all(&vec![0x5a; sent]).unwrap();
        })
        .unwrap();
        let payload = |seen: &Seen| seen.data.iter().skip(66).filter(|&&byte| byte == 0x5a).count();
        let seen = collect(&mut ring, |seen| seen.iter().map(payload).sum::<usize>() >= sent);
        assert!(seen.iter().all(|seen| seen.data.len() == seen.wire_len as usize));
        assert!(seen.iter().any(|seen| seen.data.len() > 20_000), "no large frame: offload is off here");
        assert!(seen.iter().any(|seen| seen.is_checksum_partial));
    });
}

#[test]
fn on_loopback_each_frame_is_given_once() {
    let Some(wire) = Wire::new() else { return };
    let mut ring = open(&wire.left, "lo", &[udp(777)]).unwrap();
    wire.send_datagrams("127.0.0.1:777", 0..10);
    let mut seen = collect(&mut ring, |seen| seen.len() >= 10);
    std::thread::sleep(2 * Ring::LAG);
    drain(&mut ring, &mut seen);
    assert_eq!(seen.len(), 10);
}

#[test]
fn a_stopped_ring_gives_what_it_had_and_no_more() {
    let Some(wire) = Wire::new() else { return };
    let mut ring = wire.ring(&[udp(777)]);
    wire.send_datagrams("10.9.0.2:777", 0..10);
    ring.stop().unwrap();
    wire.send_datagrams("10.9.0.2:777", 10..20);
    let mut seen = collect(&mut ring, |seen| seen.len() >= 10);
    std::thread::sleep(2 * Ring::LAG);
    drain(&mut ring, &mut seen);
    assert_eq!(seen.len(), 10);
}

#[test]
fn a_full_ring_drops_and_counts() {
    let Some(wire) = Wire::new() else { return };
    let config =
        Config { interface: "right", netns: Some(&wire.right), ring_bytes: 0, snap_len: 65535, filters: &[udp(777)] };
    let mut ring = Ring::open(&config).unwrap();
    wire.send_datagrams("10.9.0.2:777", 0..10_000);
    // How many fit depends on how full the kernel closes its blocks; that none is unaccounted for does not.
    let (start, mut seen) = (Instant::now(), Vec::new());
    let statistics = loop {
        drain(&mut ring, &mut seen);
        let statistics = ring.statistics().unwrap();
        if statistics.packets == 10_000 && seen.len() as u64 + statistics.drops == 10_000 {
            break statistics;
        }
        assert!(start.elapsed() < Duration::from_secs(10), "{} frames, {statistics:?}", seen.len());
        ring.wait(Duration::from_millis(100)).unwrap();
    };
    assert!(statistics.drops > 0);
    assert!(!seen.is_empty());
}

#[test]
fn a_link_that_flaps_goes_on_and_one_that_is_deleted_is_gone() {
    let Some(wire) = Wire::new() else { return };
    let mut ring = wire.ring(&[udp(777)]);
    assert!(ring.health().is_ok());
    assert!(ip(&format!("-n {} link set right down", wire.right)));
    assert!(matches!(ring.health(), Err(RingError::Down)));
    assert!(ip(&format!("-n {} link set right up", wire.right)));
    assert!(ring.health().is_ok());
    wire.send_datagrams("10.9.0.2:777", 0..10);
    collect(&mut ring, |seen| seen.len() >= 10);
    assert!(ip(&format!("-n {} link del right", wire.right)));
    assert!(matches!(ring.health(), Err(RingError::Gone)));
}

#[test]
fn an_interface_that_is_not_there_is_refused_with_the_kernels_reason() {
    let Some(wire) = Wire::new() else { return };
    let error = open(&wire.left, "nowhere", &[]).map(|_| ()).unwrap_err();
    assert_eq!(error.errno(), 19);
    assert_eq!(error.to_string(), "cannot find the interface: No such device (os error 19)");
}
