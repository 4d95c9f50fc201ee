//! What a sensor tells with rules: alerts, in whatever shape the traffic comes.

mod scenes;

use std::sync::Arc;

use kodkod_detect::{Options, RuleSet, Source};
use kodkod_sensor::{Alert, Sensor, SensorConfig};
use kodkod_stream::Direction;
use kodkod_wire::compose;
use scenes::{Dialogue, SECOND, Scene, ends};

fn rules(texts: &[&str]) -> Arc<RuleSet> {
    let source = Source { name: "test.rules".into(), text: texts.join("\n").into_bytes() };
    let rules = RuleSet::compile(&[source], &Options::default());
    assert_eq!(rules.len(), texts.len(), "{:?}", rules.receipts());
    Arc::new(rules)
}

fn sensor(texts: &[&str]) -> Sensor {
    let mut sensor = Sensor::new(SensorConfig::default());
    sensor.set_rules(1, Some(rules(texts)));
    sensor
}

fn alerts(texts: &[&str], scene: &Scene) -> Vec<Alert> {
    let mut sensor = sensor(texts);
    scene.play(&mut sensor, 1);
    sensor.finish();
    sensor.drain().alerts
}

/// Rule and frame of each alert.
fn told(alerts: &[Alert]) -> Vec<(u32, u64)> {
    alerts.iter().map(|alert| (alert.signature().sid, alert.packet)).collect()
}

const EVIL: &str =
    r#"alert tcp any any -> any 4444 ( msg:"evil"; flow:to_server,established; content:"evil",nocase; sid:1; )"#;

#[test]
fn an_alert_says_where_when_and_who() {
    let mut scene = Scene::new();
    let mut dialogue = Dialogue::open(&mut scene, "10.0.0.1:40000", "10.0.0.2:4444");
    dialogue.ask(&mut scene, b"something EV");
    dialogue.ask(&mut scene, b"IL this way comes");
    dialogue.answer(&mut scene, b"ok");
    dialogue.close(&mut scene);
    let alerts = alerts(&[EVIL], &scene);
    assert_eq!(told(&alerts), [(1, 5)], "the frame that completed it, not the one that let us know");
    let alert = &alerts[0];
    assert_eq!((alert.ts_ns, alert.tag), (scene.frames[4].0, 1));
    assert_eq!(alert.source, ("10.0.0.1".parse().unwrap(), Some(40000)));
    assert_eq!(alert.destination, ("10.0.0.2".parse().unwrap(), Some(4444)));
    assert_eq!(alert.direction, Some(Direction::ToServer));
    assert_eq!(&*alert.signature().msg, "evil");
    assert!(alert.flow.unwrap().community_id().starts_with("1:"));
}

#[test]
fn wherever_the_stream_is_cut_the_alert_is_the_same() {
    let payload = b"something evil this way comes";
    for cut in 0..=payload.len() {
        let mut scene = Scene::new();
        let mut dialogue = Dialogue::open(&mut scene, "10.0.0.1:40000", "10.0.0.2:4444");
        dialogue.ask(&mut scene, &payload[..cut]);
        dialogue.ask(&mut scene, &payload[cut..]);
        dialogue.answer(&mut scene, b"ok");
        assert_eq!(alerts(&[EVIL], &scene).len(), 1, "cut at {cut}");
    }
}

#[test]
fn whatever_order_the_segments_come_in_the_alert_is_the_same() {
    let mut scene = Scene::new();
    let mut dialogue = Dialogue::open(&mut scene, "10.0.0.1:40000", "10.0.0.2:4444");
    for piece in [b"something e".as_slice(), b"vi", b"l this way"] {
        dialogue.ask(&mut scene, piece);
    }
    scene.frames.swap(3, 5);
    let repeated = scene.frames[4].clone();
    scene.frames.push(repeated);
    assert_eq!(told(&alerts(&[EVIL], &scene)), [(1, 7)], "the repeated frame is the last of its direction");
}

#[test]
fn a_quiet_flow_does_not_keep_its_alert_to_itself() {
    let mut scene = Scene::new();
    Dialogue::open(&mut scene, "10.0.0.1:40000", "10.0.0.2:4444").ask(&mut scene, b"evil");
    let mut sensor = sensor(&[EVIL]);
    scene.play(&mut sensor, 1);
    assert!(sensor.drain().alerts.is_empty(), "more of it may come");
    sensor.tick(scene.frames[3].0 + 3 * SECOND);
    assert_eq!(told(&sensor.drain().alerts), [(1, 4)]);
    sensor.finish();
    assert!(sensor.drain().alerts.is_empty(), "once");
}

#[test]
fn rules_about_packets_see_packets() {
    let texts = [
        r#"alert icmp any any -> any any ( msg:"ping"; itype:8; content:"pong"; sid:1; )"#,
        r#"alert udp any any -> any 53 ( msg:"long"; dsize:>20; sid:2; )"#,
        r#"alert tcp any any -> any any ( msg:"xmas"; flags:FPU; sid:3; )"#,
        r#"alert ip any any -> any any ( msg:"piece"; fragbits:M; sid:4; )"#,
    ];
    let mut scene = Scene::new();
    let ends = ends("10.0.0.1:40000", "10.0.0.2:53");
    scene.ip(&compose::icmp(ends, 8, 0, [0, 1, 0, 1], b"ping pong"));
    scene.ip(&compose::udp(ends, &[0; 30]));
    let flags = kodkod_wire::TcpFlags(0x29);
    scene.ip(&compose::tcp(ends, compose::Segment { seq: 1, ack: 0, flags, payload: b"" }));
    for piece in compose::fragments(&compose::udp(ends, &[0; 40]), 24, 9) {
        scene.ip(&piece);
    }
    let alerts = alerts(&texts, &scene);
    assert_eq!(told(&alerts), [(1, 1), (2, 2), (3, 3), (4, 4), (2, 5)]);
    assert_eq!(alerts[3].flow.map(|flow| flow.id), None, "a piece has no ports, so no flow");
    assert_eq!(alerts[0].source.1, None, "ICMP has no ports");
}

#[test]
fn new_rules_find_the_old_flows_with_their_marks() {
    let first = [r#"alert tcp any any -> any 4444 ( msg:"login"; content:"user root"; flowbits:set,root; sid:1; )"#];
    let second = [r#"alert tcp any any -> any 4444 ( msg:"rm"; flowbits:isset,root; content:"rm -rf"; sid:2; )"#];
    let mut scene = Scene::new();
    let mut dialogue = Dialogue::open(&mut scene, "10.0.0.1:40000", "10.0.0.2:4444");
    dialogue.ask(&mut scene, b"user root");
    dialogue.answer(&mut scene, b"welcome");
    dialogue.ask(&mut scene, b"hello");
    let mut sensor = sensor(&first);
    scene.play(&mut sensor, 1);
    sensor.set_rules(1, Some(rules(&second)));
    scene.frames.clear();
    dialogue.ask(&mut scene, b"rm -rf /");
    dialogue.answer(&mut scene, b"done");
    scene.play(&mut sensor, 1);
    sensor.set_rules(1, None);
    dialogue.ask(&mut scene, b"rm -rf /");
    dialogue.close(&mut scene);
    sensor.finish();
    let sids: Vec<u32> = sensor.drain().alerts.iter().map(|alert| alert.signature().sid).collect();
    assert_eq!(sids, [1, 2]);
}

#[test]
fn each_tag_has_its_own_rules() {
    let mut scene = Scene::new();
    let mut dialogue = Dialogue::open(&mut scene, "10.0.0.1:40000", "10.0.0.2:4444");
    dialogue.ask(&mut scene, b"evil");
    dialogue.close(&mut scene);
    let mut sensor = sensor(&[EVIL]);
    scene.play(&mut sensor, 1);
    scene.play(&mut sensor, 2);
    sensor.finish();
    let tags: Vec<u32> = sensor.drain().alerts.iter().map(|alert| alert.tag).collect();
    assert_eq!(tags, [1]);
}

#[test]
fn an_explained_alert_shows_its_bytes() {
    let mut scene = Scene::new();
    let mut dialogue = Dialogue::open(&mut scene, "10.0.0.1:40000", "10.0.0.2:4444");
    dialogue.ask(&mut scene, b"so Evil");
    dialogue.close(&mut scene);
    let mut sensor = Sensor::new(SensorConfig { explain: true, ..SensorConfig::default() });
    sensor.set_rules(1, Some(rules(&[EVIL])));
    scene.play(&mut sensor, 1);
    sensor.finish();
    let alerts = sensor.drain().alerts;
    let content = alerts[0].why.iter().find(|why| !why.bytes.is_empty()).unwrap();
    assert_eq!((content.offset, content.bytes.as_slice()), (3, b"Evil".as_slice()));
}
