//! What a sensor tells without rules: flow records and counters.

mod scenes;

use kodkod_sensor::{Checksums, FactKinds, FlowRecord, PacketMeta, Sensor, SensorConfig};
use kodkod_wire::compose;
use kodkod_wire::{LinkType, Transport, decode};
use scenes::{Dialogue, SECOND, Scene, ends, meta};

const ALL: FactKinds = FactKinds { flows: true, dns: true };

fn sensor() -> Sensor {
    let mut sensor = Sensor::new(SensorConfig::default());
    sensor.set_facts(1, ALL);
    sensor
}

fn told(record: &FlowRecord) -> (u16, [u64; 2], bool, bool) {
    (record.identity.client.port, record.packets, record.started, record.ended)
}

#[test]
fn a_flow_that_is_over_is_one_record() {
    let mut scene = Scene::new();
    let mut dialogue = Dialogue::open(&mut scene, "10.0.0.1:40000", "10.0.0.2:4444");
    dialogue.ask(&mut scene, b"hello");
    dialogue.answer(&mut scene, b"hi");
    dialogue.close(&mut scene);
    let mut sensor = sensor();
    scene.play(&mut sensor, 1);
    assert!(sensor.drain().flows.is_empty(), "not over yet");
    sensor.tick(scene.frames[0].0 + 60 * SECOND);
    let flows = sensor.drain().flows;
    assert_eq!(flows.iter().map(told).collect::<Vec<_>>(), [(40000, [5, 3], true, true)]);
    assert_eq!(flows[0].bytes, [5 * 40 + 5, 3 * 40 + 2]);
    assert_eq!((flows[0].start_ns, flows[0].end_ns), (scene.frames[0].0, scene.frames[7].0));
    assert_eq!(flows[0].identity.community_id(), "1:hO6iRF4UwLuNkdAUKlf1nFQ2yKw=");
}

#[test]
fn an_open_flow_tells_each_interval_once() {
    let mut scene = Scene::new();
    let mut dialogue = Dialogue::open(&mut scene, "10.0.0.1:40000", "10.0.0.2:4444");
    let mut sensor = sensor();
    scene.play(&mut sensor, 1);
    sensor.flush_flows();
    assert_eq!(sensor.drain().flows.iter().map(told).collect::<Vec<_>>(), [(40000, [2, 1], true, false)]);
    sensor.flush_flows();
    assert!(sensor.drain().flows.is_empty(), "nothing happened");
    scene.frames.clear();
    dialogue.ask(&mut scene, b"more");
    scene.play(&mut sensor, 1);
    sensor.flush_flows();
    assert_eq!(sensor.drain().flows.iter().map(told).collect::<Vec<_>>(), [(40000, [1, 0], false, false)]);
    sensor.finish();
    assert_eq!(sensor.drain().flows.iter().map(told).collect::<Vec<_>>(), [(40000, [0, 0], false, true)]);
}

#[test]
fn a_connection_seen_at_both_ends_is_two_flows_and_nobody_asked_for_the_second() {
    let mut scene = Scene::new();
    Dialogue::open(&mut scene, "10.0.0.1:40000", "10.0.0.2:4444").close(&mut scene);
    let mut sensor = sensor();
    scene.play(&mut sensor, 1);
    scene.play(&mut sensor, 2);
    assert_eq!(sensor.counters().flows_alive, 2);
    sensor.finish();
    let tags: Vec<u32> = sensor.drain().flows.iter().map(|record| record.identity.tag).collect();
    assert_eq!(tags, [1]);
    assert_eq!(sensor.tag_counters(2).unwrap().packets, 6);
}

#[test]
fn a_wrong_checksum_is_believed_counted_or_excused() {
    let mut frame = compose::ethernet(&compose::udp(ends("10.0.0.1:40000", "10.0.0.2:9"), b"data"));
    *frame.last_mut().unwrap() ^= 1;
    let cases = [
        (Checksums::Ignore, false, 1, None),
        (Checksums::Verify, false, 0, Some(1)),
        (Checksums::Verify, true, 1, None),
    ];
    for (checksums, checksum_partial, flows, drops) in cases {
        let mut sensor = Sensor::new(SensorConfig { checksums, ..SensorConfig::default() });
        sensor.packet(&PacketMeta { checksum_partial, ..meta(1, 1, 1, &frame) }, &frame);
        assert_eq!(sensor.counters().flows_alive, flows);
        assert_eq!(sensor.tag_counters(1).unwrap().drops.get("udp.checksum").copied(), drops);
    }
}

#[test]
fn frames_that_cannot_be_read_are_counted_by_the_layer_that_failed() {
    let frame = compose::ethernet(&compose::udp(ends("10.0.0.1:40000", "10.0.0.2:9"), b"data"));
    let mut sensor = sensor();
    for end in [10, 20, 38] {
        sensor.packet(&meta(1, 1, 1, &frame[..end]), &frame[..end]);
    }
    let drops: Vec<(&str, u64)> =
        sensor.tag_counters(1).unwrap().drops.iter().map(|(name, count)| (*name, *count)).collect();
    assert_eq!(drops, [("ethernet.header", 1), ("ipv4.header", 1), ("udp.header", 1)]);
}

#[test]
fn a_datagram_in_pieces_is_one_packet_of_its_flow() {
    let whole = compose::udp(ends("10.0.0.1:40000", "10.0.0.2:9"), &[b'x'; 3000]);
    let mut scene = Scene::new();
    for piece in compose::fragments(&whole, 1480, 77) {
        scene.ip(&piece);
    }
    let mut sensor = sensor();
    scene.play(&mut sensor, 1);
    sensor.finish();
    let flows = sensor.drain().flows;
    assert_eq!(flows.iter().map(told).collect::<Vec<_>>(), [(40000, [1, 0], true, true)]);
    assert_eq!(flows[0].bytes, [3028, 0]);
    assert_eq!(sensor.counters().defragment.joined, 1);
}

#[test]
fn a_hole_in_a_stream_is_counted_at_its_tag() {
    let mut scene = Scene::new();
    let mut dialogue = Dialogue::open(&mut scene, "10.0.0.1:40000", "10.0.0.2:4444");
    dialogue.ask(&mut scene, b"first");
    dialogue.lose(100);
    dialogue.ask(&mut scene, b"last");
    dialogue.answer(&mut scene, b"all received");
    let mut sensor = sensor();
    scene.play(&mut sensor, 1);
    let counters = sensor.tag_counters(1).unwrap();
    assert_eq!((counters.gaps, counters.gap_bytes), (1, 100));
}

#[test]
fn a_table_that_is_full_says_whose_flows_had_to_go() {
    let mut config = SensorConfig::default();
    config.flows.flows_max = 2;
    let mut sensor = Sensor::new(config);
    let mut scene = Scene::new();
    for port in 1..=5 {
        scene.ip(&compose::udp(ends(&format!("10.0.0.1:{port}"), "10.0.0.2:9"), b""));
    }
    scene.play(&mut sensor, 7);
    assert_eq!(sensor.tag_counters(7).unwrap().evicted_flows, 3);
}

#[test]
fn a_frame_cut_anywhere_is_survived() {
    let mut scene = Scene::new();
    let mut dialogue = Dialogue::open(&mut scene, "10.0.0.1:40000", "10.0.0.2:80");
    dialogue.ask(&mut scene, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    let (ts_ns, frame) = scene.frames.last().unwrap();
    assert!(matches!(decode(LinkType::ETHERNET, frame).unwrap().transport, Transport::Tcp(_)));
    for end in 0..frame.len() {
        let mut sensor = sensor();
        sensor.packet(&meta(*ts_ns, 1, 1, frame), &frame[..end]);
        sensor.finish();
        assert_eq!(sensor.counters().packets, 1);
    }
}
