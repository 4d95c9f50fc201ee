//! Whatever bytes come, the engine goes on: every frame of the hostile corpus, cut at every length from nothing to its end.
//!
//! Each cut frame goes the whole way, with rules: as its file's link type in a flow of its own; again in one flow for all
//! cuts of a frame, where a stream grows byte by byte; and, as far as headers reach, as every other link type.
//! Files of both formats are read. In a release build the 4.3 million cuts take 16 s of one processor
//! (`make verify SUITES=hostile`); a debug build, which also notices sums that overflow, cuts no longer than headers reach
//! and takes 6 s.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kodkod_detect::{Options, RuleSet, Source};
use kodkod_pcap::Reader;
use kodkod_sensor::{Checksums, FactKinds, PacketMeta, Sensor, SensorConfig};
use kodkod_wire::LinkType;

/// Where headers end at the latest; what follows is payload whatever the link type.
const HEADERS: usize = 160;
const LINKS: [LinkType; 10] = [
    LinkType::NULL,
    LinkType::ETHERNET,
    LinkType::RAW_BSD,
    LinkType::RAW_OPENBSD,
    LinkType::RAW,
    LinkType::LOOP,
    LinkType::LINUX_SLL,
    LinkType::IPV4,
    LinkType::IPV6,
    LinkType::LINUX_SLL2,
];

struct Given {
    link: LinkType,
    ts_ns: u64,
    data: Vec<u8>,
}

/// Frames up to the end or to where the file is broken.
fn frames(path: &Path) -> Vec<Given> {
    let mut frames = Vec::new();
    let Ok(mut reader) = Reader::open(File::open(path).unwrap()) else { return frames };
    while let Ok(Some(frame)) = reader.next_frame() {
        frames.push(Given { link: LinkType(frame.link), ts_ns: frame.ts_ns, data: frame.data.to_vec() });
    }
    frames
}

fn rules(corpora: &Path) -> Arc<RuleSet> {
    let name = "snort3-community.rules".to_owned();
    let text = fs::read(corpora.join("rules").join(&name)).unwrap();
    Arc::new(RuleSet::compile(&[Source { name, text }], &Options::default()))
}

/// A sensor with bounds so tight that they are met.
fn sensor(rules: &Arc<RuleSet>, tags: u32) -> Sensor {
    let mut config = SensorConfig { checksums: Checksums::Ignore, explain: true, ..SensorConfig::default() };
    config.flows.flows_max = 64;
    config.reassembly.memory_bytes = 64 * 1024;
    config.defragment.memory_bytes = 64 * 1024;
    let mut sensor = Sensor::new(config);
    for tag in 0..tags {
        sensor.set_rules(tag, Some(Arc::clone(rules)));
        sensor.set_facts(tag, FactKinds { flows: true, dns: true });
    }
    sensor
}

struct Run {
    sensor: Sensor,
    given: u64,
}

impl Run {
    fn give(&mut self, tag: u32, link: LinkType, ts_ns: u64, data: &[u8]) {
        self.given += 1;
        let meta = PacketMeta {
            ts_ns,
            tag,
            link,
            frame_number: self.given,
            wire_len: u32::try_from(data.len()).unwrap(),
            checksum_partial: false,
        };
        self.sensor.packet(&meta, data);
        if self.given % 256 == 0 {
            drop(self.sensor.drain());
        }
    }
}

/// Tags take turns, so that a cut finds no flow of the cut before it.
const TAGS: u32 = 128;
/// The tag in which all cuts of a frame follow each other.
const GROWING: u32 = TAGS;

fn cut(run: &mut Run, frame: &Given) {
    let to = if cfg!(debug_assertions) { frame.data.len().min(HEADERS) } else { frame.data.len() };
    for end in (0..=to).chain([frame.data.len()]) {
        let bytes = &frame.data[..end];
        let tag = u32::try_from(end).unwrap() % TAGS;
        run.give(tag, frame.link, frame.ts_ns, bytes);
        run.give(GROWING, frame.link, frame.ts_ns, bytes);
        if end <= HEADERS {
            for link in LINKS {
                run.give(tag, link, frame.ts_ns, bytes);
            }
        }
    }
}

#[test]
fn every_frame_cut_at_every_length_is_survived() {
    let Some(corpora) = std::env::var_os("KODKOD_CORPORA").map(PathBuf::from) else {
        eprintln!("skipped: KODKOD_CORPORA is not set");
        return;
    };
    let rules = rules(&corpora);
    let mut paths: Vec<PathBuf> =
        fs::read_dir(corpora.join("pcaps/tcpdump")).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let (mut given, mut links) = (0, std::collections::BTreeSet::new());
    for path in &paths {
        let mut run = Run { sensor: sensor(&rules, TAGS + 1), given: 0 };
        for frame in frames(path) {
            links.insert(frame.link.0);
            cut(&mut run, &frame);
            assert!(run.sensor.counters().flows_alive <= 64, "{path:?}");
        }
        run.sensor.finish();
        assert_eq!(run.sensor.counters().flows_alive, 0, "{path:?}");
        assert_eq!(run.sensor.counters().packets, run.given, "{path:?}");
        given += run.given;
    }
    println!("{given} cut frames of {} files, link types {links:?}", paths.len());
    assert!(given > 1_000_000, "only {given} cut frames");
}
