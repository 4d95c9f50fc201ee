//! Conversations to look at, frame by frame.
#![allow(dead_code, reason = "each test file plays other scenes")]

use kodkod_sensor::{PacketMeta, Sensor};
use kodkod_wire::LinkType;
use kodkod_wire::TcpFlags;
use kodkod_wire::compose::{self, Ends, Segment};

pub(crate) const SECOND: u64 = 1_000_000_000;

/// Frames (Ethernet) with their times; numbered from 1.
#[derive(Clone, Default)]
pub(crate) struct Scene {
    pub(crate) frames: Vec<(u64, Vec<u8>)>,
    now_ns: u64,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self { frames: Vec::new(), now_ns: 1_700_000_000 * SECOND }
    }

    pub(crate) fn wait(&mut self, nanos: u64) {
        self.now_ns += nanos;
    }

    pub(crate) fn ip(&mut self, packet: &[u8]) {
        self.now_ns += 1_000_000;
        self.frames.push((self.now_ns, compose::ethernet(packet)));
    }

    pub(crate) fn play(&self, sensor: &mut Sensor, tag: u32) {
        for (index, (ts_ns, frame)) in self.frames.iter().enumerate() {
            sensor.packet(&meta(*ts_ns, tag, index as u64 + 1, frame), frame);
        }
    }
}

pub(crate) fn meta(ts_ns: u64, tag: u32, frame_number: u64, frame: &[u8]) -> PacketMeta {
    let wire_len = u32::try_from(frame.len()).unwrap();
    PacketMeta { ts_ns, tag, link: LinkType::ETHERNET, frame_number, wire_len, checksum_partial: false }
}

pub(crate) fn ends(source: &str, destination: &str) -> Ends {
    Ends::parse(source, destination).unwrap()
}

/// A TCP conversation that counts its own sequence numbers. Each segment is acknowledged by the next of the other side.
pub(crate) struct Dialogue {
    ends: Ends,
    client: u32,
    server: u32,
}

impl Dialogue {
    pub(crate) fn open(scene: &mut Scene, client: &str, server: &str) -> Self {
        let mut dialogue = Self { ends: ends(client, server), client: 1000, server: 9000 };
        dialogue.client(scene, TcpFlags::SYN.0, b"");
        dialogue.server(scene, TcpFlags::SYN.0 | TcpFlags::ACK.0, b"");
        dialogue.client(scene, TcpFlags::ACK.0, b"");
        dialogue
    }

    pub(crate) fn ask(&mut self, scene: &mut Scene, payload: &[u8]) {
        self.client(scene, TcpFlags::ACK.0 | TcpFlags::PSH.0, payload);
    }

    pub(crate) fn answer(&mut self, scene: &mut Scene, payload: &[u8]) {
        self.server(scene, TcpFlags::ACK.0 | TcpFlags::PSH.0, payload);
    }

    pub(crate) fn close(mut self, scene: &mut Scene) {
        self.client(scene, TcpFlags::FIN.0 | TcpFlags::ACK.0, b"");
        self.server(scene, TcpFlags::FIN.0 | TcpFlags::ACK.0, b"");
        self.client(scene, TcpFlags::ACK.0, b"");
    }

    /// Bytes that the client sends and nobody records.
    pub(crate) fn lose(&mut self, bytes: u32) {
        self.client += bytes;
    }

    pub(crate) fn client(&mut self, scene: &mut Scene, flags: u8, payload: &[u8]) {
        let segment = Segment { seq: self.client, ack: self.server, flags: TcpFlags(flags), payload };
        scene.ip(&compose::tcp(self.ends, segment));
        self.client += length(flags, payload);
    }

    pub(crate) fn server(&mut self, scene: &mut Scene, flags: u8, payload: &[u8]) {
        let segment = Segment { seq: self.server, ack: self.client, flags: TcpFlags(flags), payload };
        scene.ip(&compose::tcp(self.ends.reversed(), segment));
        self.server += length(flags, payload);
    }
}

fn length(flags: u8, payload: &[u8]) -> u32 {
    let is_counted = flags & (TcpFlags::SYN.0 | TcpFlags::FIN.0) != 0;
    u32::try_from(payload.len()).unwrap() + u32::from(is_counted)
}
