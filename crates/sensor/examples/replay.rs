//! How fast is the engine on this capture, and what did it see? `replay CAPTURE [RULES]`: facts to stdout, speed to
//! stderr. Made to be run under `perf record`.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::{self, File};
use std::sync::Arc;
use std::time::Instant;

use kodkod_detect::{Options, RuleSet, Source};
use kodkod_pcap::Reader;
use kodkod_sensor::{Alert, FactKinds, PacketMeta, Sensor, SensorConfig};
use kodkod_wire::LinkType;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let capture = arguments.next().ok_or("usage: replay CAPTURE [RULES]")?;
    let rules = arguments.next().map(|path| compile(&path)).transpose()?;
    replay(&capture, rules)
}

fn compile(path: &str) -> Result<Arc<RuleSet>, Box<dyn Error>> {
    let started = Instant::now();
    let source = Source { name: path.to_owned(), text: fs::read(path)? };
    let rules = RuleSet::compile(&[source], &Options::default());
    eprintln!("{} rules in {:.3} s", rules.len(), started.elapsed().as_secs_f64());
    Ok(Arc::new(rules))
}

fn replay(capture: &str, rules: Option<Arc<RuleSet>>) -> Result<(), Box<dyn Error>> {
    let mut sensor = Sensor::new(SensorConfig::default());
    sensor.set_facts(0, FactKinds { flows: true, dns: true });
    sensor.set_rules(0, rules);
    let started = Instant::now();
    let mut reader = Reader::open(File::open(capture)?)?;
    let mut seen = Seen::default();
    while let Some(frame) = reader.next_frame()? {
        let meta = PacketMeta {
            ts_ns: frame.ts_ns,
            tag: 0,
            link: LinkType(frame.link),
            frame_number: frame.number,
            wire_len: frame.wire_len,
            checksum_partial: false,
        };
        sensor.packet(&meta, frame.data);
        if frame.number % 4096 == 0 {
            seen.add(&mut sensor);
        }
    }
    sensor.finish();
    seen.add(&mut sensor);
    let took = started.elapsed().as_secs_f64();
    let counters = sensor.counters();
    println!("{seen:#?}\n{counters:#?}\n{:#?}", sensor.tag_counters(0));
    let (bytes, packets) = (counters.bytes as f64, counters.packets as f64);
    eprintln!("{took:.3} s, {:.0} MB/s, {:.0} kpps", bytes / took / 1e6, packets / took / 1e3);
    Ok(())
}

/// What came out, counted.
#[derive(Debug, Default)]
struct Seen {
    flows: usize,
    dns: usize,
    alerts: usize,
    alerts_by_sid: BTreeMap<u32, usize>,
}

impl Seen {
    fn add(&mut self, sensor: &mut Sensor) {
        let facts = sensor.drain();
        self.flows += facts.flows.len();
        self.dns += facts.dns.len();
        self.alerts += facts.alerts.len();
        for sid in facts.alerts.iter().map(Alert::signature).map(|signature| signature.sid) {
            *self.alerts_by_sid.entry(sid).or_default() += 1;
        }
    }
}
