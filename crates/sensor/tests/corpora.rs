//! Every capture of the corpora is survived, and gives the same facts each time.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kodkod_detect::{Options, RuleSet, Source};
use kodkod_pcap::Reader;
use kodkod_sensor::{Checksums, Counters, FactKinds, PacketMeta, Sensor, SensorConfig};
use kodkod_wire::LinkType;

fn captures(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            captures(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "pcap" || extension == "pcapng") {
            found.push(path);
        }
    }
}

/// Facts as text, and counters. Bounds are tight, so that they are met.
fn seen(rules: &Arc<RuleSet>, path: &Path) -> Option<(String, Counters)> {
    let mut reader = Reader::open(File::open(path).unwrap()).ok()?;
    let mut config = SensorConfig { checksums: Checksums::Verify, ..SensorConfig::default() };
    config.flows.flows_max = 100;
    config.reassembly.memory_bytes = 64 * 1024;
    config.defragment.memory_bytes = 64 * 1024;
    let mut sensor = Sensor::new(config);
    sensor.set_rules(0, Some(Arc::clone(rules)));
    sensor.set_facts(0, FactKinds { flows: true, dns: true });
    while let Ok(Some(frame)) = reader.next_frame() {
        let meta = PacketMeta {
            ts_ns: frame.ts_ns,
            tag: 0,
            link: LinkType(frame.link),
            frame_number: frame.number,
            wire_len: frame.wire_len,
            checksum_partial: false,
        };
        sensor.packet(&meta, frame.data);
        assert!(sensor.counters().flows_alive <= 100, "{path:?}");
        assert!(sensor.counters().reassembly_bytes <= 64 * 1024, "{path:?}");
    }
    sensor.finish();
    let counters = sensor.counters();
    assert_eq!((counters.flows_alive, counters.reassembly_bytes), (0, 0), "{path:?}");
    Some((format!("{:?}", sensor.drain()), counters))
}

#[test]
fn every_capture_is_survived_within_bounds_and_gives_the_same_facts_again() {
    let Some(corpora) = std::env::var_os("KODKOD_CORPORA").map(PathBuf::from) else {
        eprintln!("skipped: KODKOD_CORPORA is not set");
        return;
    };
    let name = "snort3-community.rules".to_owned();
    let text = fs::read(corpora.join("rules").join(&name)).unwrap();
    let rules = Arc::new(RuleSet::compile(&[Source { name, text }], &Options::default()));
    let mut paths = Vec::new();
    captures(&corpora.join("pcaps"), &mut paths);
    let mut packets = 0;
    for path in &paths {
        let Some((facts, counters)) = seen(&rules, path) else { continue };
        let again = seen(&rules, path).unwrap();
        assert!(facts == again.0 && counters == again.1, "{path:?} differs the second time");
        packets += counters.packets;
    }
    assert!(packets > 10_000, "only {packets} packets in {} captures", paths.len());
}
