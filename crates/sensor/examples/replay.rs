//! How fast is the engine on this capture, and what did it see? `replay FILE [TIMES]`: facts to stdout, speed to stderr.
//! Made to be run under `perf record`.

use std::error::Error;
use std::fs::File;
use std::time::Instant;

use kodkod_pcap::Reader;
use kodkod_sensor::{FactKinds, PacketMeta, Sensor, SensorConfig};
use kodkod_wire::LinkType;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("usage: replay FILE [TIMES]")?;
    let times: u32 = arguments.next().map_or(Ok(1), |times| times.parse())?;
    for _ in 0..times {
        replay(&path)?;
    }
    Ok(())
}

fn replay(path: &str) -> Result<(), Box<dyn Error>> {
    let mut sensor = Sensor::new(SensorConfig::default());
    sensor.set_facts(0, FactKinds { flows: true, dns: true });
    let started = Instant::now();
    let mut reader = Reader::open(File::open(path)?)?;
    let (mut flows, mut dns) = (0, 0);
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
            let facts = sensor.drain();
            flows += facts.flows.len();
            dns += facts.dns.len();
        }
    }
    sensor.finish();
    let facts = sensor.drain();
    let took = started.elapsed().as_secs_f64();
    let counters = sensor.counters();
    println!("flows {} dns {} {counters:?}", flows + facts.flows.len(), dns + facts.dns.len());
    println!("{:?}", sensor.tag_counters(0));
    let (bytes, packets) = (counters.bytes as f64, counters.packets as f64);
    eprintln!("{took:.3} s, {:.0} MB/s, {:.0} kpps", bytes / took / 1e6, packets / took / 1e3);
    Ok(())
}
