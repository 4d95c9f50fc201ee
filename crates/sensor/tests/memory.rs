//! What a flow costs is what the bounds take it to cost. A test of its own, since it asks the system for the process's
//! memory.

mod scenes;

use std::fs;

use kodkod_sensor::{FactKinds, Sensor, SensorConfig};
use kodkod_wire::{TcpFlags, compose};
use scenes::{Dialogue, Scene, ends, meta};

const FLOWS: u32 = 5_000;
const MEMORY: usize = 512 * 1024 * 1024;

/// Memory of the process, in bytes; none where the system does not tell.
fn resident() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/statm").ok()?;
    Some(text.split(' ').nth(1)?.parse::<u64>().ok()? * 4096)
}

fn client(number: u32) -> String {
    format!("10.{}.{}.1:{}", number >> 8, number & 0xff, 40_000)
}

/// A request under way: its head is whole, its body is not.
fn http(scene: &mut Scene, number: u32) {
    let mut dialogue = Dialogue::open(scene, &client(number), "10.99.0.2:80");
    let request = "POST /a/path?with=query HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux)\r\n\
                   Accept: text/html\r\nCookie: session=0123456789abcdef\r\nContent-Length: 400\r\n\r\n";
    dialogue.ask(scene, request.as_bytes());
    dialogue.ask(scene, &[b'x'; 200]);
}

/// A stream whose protocol is not known, with its first words held.
fn plain(scene: &mut Scene, number: u32) {
    let mut dialogue = Dialogue::open(scene, &client(number), "10.99.0.2:4444");
    dialogue.ask(scene, &[7; 200]);
}

/// A query without its answer.
fn dns(scene: &mut Scene, number: u32) {
    let query = b"\x00\x07\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www\x07example\x03com\x00\x00\x01\x00\x01";
    scene.ip(&compose::udp(ends(&client(number), "10.99.0.53:53"), query));
}

/// A port that nobody answers.
fn scan(scene: &mut Scene, number: u32) {
    let segment = compose::Segment { seq: 1, ack: 0, flags: TcpFlags::SYN, payload: b"" };
    scene.ip(&compose::tcp(ends(&client(number), "10.99.0.2:9"), segment));
}

#[test]
fn flows_of_every_sort_stay_within_what_they_are_taken_to_cost() {
    let Some(_) = resident() else {
        eprintln!("skipped: the system does not tell the process's memory");
        return;
    };
    let config = SensorConfig::with_memory(MEMORY);
    let taken = (MEMORY / 4 * 3 / config.flows.flows_max) as u64;
    // None is let go of, so that none uses the memory of another.
    let mut kept = Vec::new();
    for (name, sort) in [("http", http as fn(&mut Scene, u32)), ("plain", plain), ("dns", dns), ("scan", scan)] {
        let mut sensor = Sensor::new(config);
        sensor.set_facts(1, FactKinds { flows: true, dns: true });
        let before = resident().unwrap();
        for number in 0..FLOWS {
            let mut scene = Scene::new();
            sort(&mut scene, number);
            for (ts_ns, frame) in &scene.frames {
                sensor.packet(&meta(*ts_ns, 1, 1, frame), frame);
            }
        }
        let cost = resident().unwrap().saturating_sub(before) / u64::from(FLOWS);
        assert_eq!(sensor.counters().flows_alive, FLOWS as usize);
        println!("{name}: {cost} bytes a flow, taken to be {taken}");
        assert!(cost <= taken, "{name}: {cost} bytes a flow, taken to be {taken}");
        kept.push(sensor);
    }
}
