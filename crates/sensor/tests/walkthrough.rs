//! The four requests of the usual walk-through, whole and with their TCP payload cut again at each byte.
//!
//! Needs captures and public rules: `KODKOD_CORPORA` names a folder with `pcaps/walkthrough` and `rules`.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kodkod_detect::{Options, RuleSet, Source};
use kodkod_pcap::Reader;
use kodkod_sensor::{PacketMeta, Sensor, SensorConfig};
use kodkod_wire::compose::{self, Ends, Segment};
use kodkod_wire::{LinkType, Packet, TcpFlags, Transport, decode};

/// The rules of the walk-through; the others of the set may fire as well.
const SIDS: [u32; 4] = [21562, 57461, 1002, 2585];

/// Of each file, how often each rule fires, as `expected.json` has it.
const EXPECTED: [(&str, &[(u32, usize)]); 8] = [
    ("walkthrough-21562-smk.pcap", &[(21562, 1)]),
    ("walkthrough-21562-chunked.pcap", &[(21562, 1)]),
    ("walkthrough-57461.pcap", &[(57461, 1)]),
    ("walkthrough-1002.pcap", &[(1002, 1)]),
    ("walkthrough-2585.pcap", &[(2585, 1)]),
    ("walkthrough-none-regis.pcap", &[]),
    ("walkthrough-keepalive.pcap", &[(1002, 1), (2585, 1)]),
    ("walkthrough-all.pcap", &[(1002, 3), (2585, 1), (21562, 1), (57461, 2)]),
];

fn corpora() -> Option<PathBuf> {
    let folder = std::env::var_os("KODKOD_CORPORA");
    if folder.is_none() {
        eprintln!("skipped: KODKOD_CORPORA is not set");
    }
    folder.map(PathBuf::from)
}

fn community_rules(corpora: &Path) -> Arc<RuleSet> {
    let name = "snort3-community.rules".to_owned();
    let text = fs::read(corpora.join("rules").join(&name)).unwrap();
    Arc::new(RuleSet::compile(&[Source { name, text }], &Options::default()))
}

fn frames(path: &Path) -> Vec<(u64, Vec<u8>)> {
    let mut reader = Reader::open(File::open(path).unwrap()).unwrap();
    let mut frames = Vec::new();
    while let Some(frame) = reader.next_frame().unwrap() {
        assert_eq!(LinkType(frame.link), LinkType::ETHERNET);
        frames.push((frame.ts_ns, frame.data.to_vec()));
    }
    frames
}

/// Frame numbers of the alerts of the walk-through's rules, by rule.
fn alerts(rules: &Arc<RuleSet>, frames: &[(u64, Vec<u8>)]) -> BTreeMap<u32, Vec<u64>> {
    let mut sensor = Sensor::new(SensorConfig::default());
    sensor.set_rules(0, Some(Arc::clone(rules)));
    for ((ts_ns, frame), frame_number) in frames.iter().zip(1..) {
        let wire_len = u32::try_from(frame.len()).unwrap();
        let link = LinkType::ETHERNET;
        let meta = PacketMeta { ts_ns: *ts_ns, tag: 0, link, frame_number, wire_len, checksum_partial: false };
        sensor.packet(&meta, frame);
    }
    sensor.finish();
    let mut fired = BTreeMap::new();
    for alert in sensor.drain().alerts {
        let sid = alert.signature().sid;
        if SIDS.contains(&sid) {
            fired.entry(sid).or_insert_with(Vec::new).push(alert.packet);
        }
    }
    fired
}

fn counts(fired: &BTreeMap<u32, Vec<u64>>) -> Vec<(u32, usize)> {
    fired.iter().map(|(sid, packets)| (*sid, packets.len())).collect()
}

/// The same conversation with each payload in two segments, cut after `at` bytes (where it is that long).
fn cut_again(frames: &[(u64, Vec<u8>)], at: usize) -> Vec<(u64, Vec<u8>)> {
    let mut cut = Vec::new();
    for (ts_ns, frame) in frames {
        let packet = decode(LinkType::ETHERNET, frame).unwrap();
        match packet.payload.split_at_checked(at) {
            Some((first, second)) if !first.is_empty() && !second.is_empty() => {
                cut.push((*ts_ns, segment(&packet, 0, first)));
                cut.push((*ts_ns, segment(&packet, at, second)));
            }
            _ => cut.push((*ts_ns, frame.clone())),
        }
    }
    cut
}

fn segment(packet: &Packet<'_>, skipped: usize, payload: &[u8]) -> Vec<u8> {
    let Transport::Tcp(tcp) = packet.transport else { panic!("payload outside TCP") };
    let ends = Ends {
        source: (packet.source().unwrap(), tcp.source_port).into(),
        destination: (packet.destination().unwrap(), tcp.destination_port).into(),
    };
    // A FIN belongs to the last segment only; the walk-through sends its FINs without data.
    assert!(!tcp.flags.has(TcpFlags::FIN));
    let seq = tcp.seq.wrapping_add(u32::try_from(skipped).unwrap());
    compose::ethernet(&compose::tcp(ends, Segment { seq, ack: tcp.ack, flags: tcp.flags, payload }))
}

#[test]
fn the_right_rules_fire_so_often_and_no_more() {
    let Some(corpora) = corpora() else { return };
    let rules = community_rules(&corpora);
    for (name, expected) in EXPECTED {
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        let fired = alerts(&rules, &frames(&corpora.join("pcaps/walkthrough").join(name)));
        assert_eq!(counts(&fired), expected, "{name}: {fired:?}");
    }
}

#[test]
fn however_the_streams_are_cut_the_alerts_are_the_same() {
    let Some(corpora) = corpora() else { return };
    let rules = community_rules(&corpora);
    for (name, expected) in EXPECTED {
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        let whole = frames(&corpora.join("pcaps/walkthrough").join(name));
        let longest = whole.iter().map(|(_, frame)| frame.len() - 66).max().unwrap_or(0);
        for at in 1..=longest {
            let fired = alerts(&rules, &cut_again(&whole, at));
            assert_eq!(counts(&fired), expected, "{name} cut at {at}: {fired:?}");
        }
    }
}
