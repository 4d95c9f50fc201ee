//! TCP conversations, as stories: segments in, chunks out.

use kodkod_stream::{Chunk, Direction, Reassembly, ReassemblyLimits, Session};
use kodkod_wire::compose::{self, Ends, Segment};
use kodkod_wire::{LinkType, TcpFlags, Transport, decode};

const SYN: u8 = TcpFlags::SYN.0;
const ACK: u8 = TcpFlags::ACK.0;
const FIN: u8 = TcpFlags::FIN.0;
const RST: u8 = TcpFlags::RST.0;
/// First sequence numbers; the client's is about to wrap around.
const CLIENT: u32 = u32::MAX - 2;
const SERVER: u32 = 5000;

/// A conversation that writes down what it hears: `>` to the server, `<` to the client, gaps in brackets, ends as `.`.
struct Ear {
    session: Session,
    shared: Reassembly,
    heard: String,
}

impl Ear {
    fn new() -> Self {
        Self::with(ReassemblyLimits::default())
    }

    fn with(limits: ReassemblyLimits) -> Self {
        Self { session: Session::default(), shared: Reassembly::new(limits), heard: String::new() }
    }

    fn after_handshake() -> Self {
        let mut ear = Self::new();
        ear.client(SYN, 0, 0, "");
        ear.server(SYN | ACK, 0, 1, "");
        ear.client(ACK, 1, 1, "");
        ear
    }

    /// A segment of the client; numbers count from the first ones.
    fn client(&mut self, flags: u8, seq: u32, ack: u32, payload: &str) {
        let (seq, ack) = (CLIENT.wrapping_add(seq), SERVER.wrapping_add(ack));
        self.segment(Direction::ToServer, Segment { seq, ack, flags: TcpFlags(flags), payload: payload.as_bytes() });
    }

    fn server(&mut self, flags: u8, seq: u32, ack: u32, payload: &str) {
        let (seq, ack) = (SERVER.wrapping_add(seq), CLIENT.wrapping_add(ack));
        self.segment(Direction::ToClient, Segment { seq, ack, flags: TcpFlags(flags), payload: payload.as_bytes() });
    }

    fn segment(&mut self, direction: Direction, segment: Segment<'_>) {
        self.cut_segment(direction, segment, 0);
    }

    fn cut_segment(&mut self, direction: Direction, segment: Segment<'_>, cut: usize) {
        let ends = Ends::parse("10.0.0.1:40000", "10.0.0.2:80").unwrap();
        let frame = compose::tcp(ends, segment);
        let packet = decode(LinkType::RAW, &frame[..frame.len() - cut]).unwrap();
        let Transport::Tcp(tcp) = packet.transport else { panic!("not TCP") };
        let heard = &mut self.heard;
        self.session.segment(direction, &tcp, packet.payload, packet.missing, &mut self.shared, |direction, chunk| {
            write_down(heard, direction, chunk);
        });
    }

    fn close(&mut self) {
        let heard = &mut self.heard;
        self.session.close(&mut self.shared, |direction, chunk| write_down(heard, direction, chunk));
    }
}

fn write_down(heard: &mut String, direction: Direction, chunk: Chunk<'_>) {
    heard.push(if direction == Direction::ToServer { '>' } else { '<' });
    match chunk {
        Chunk::Data(bytes) => heard.push_str(std::str::from_utf8(bytes).unwrap()),
        Chunk::Gap(hole) => heard.push_str(&format!("[{hole}]")),
        Chunk::End => heard.push('.'),
    }
}

#[test]
fn a_whole_conversation_in_order() {
    let mut ear = Ear::new();
    ear.client(SYN, 0, 0, "");
    ear.server(SYN | ACK, 0, 1, "");
    assert!(!ear.session.is_established());
    ear.client(ACK, 1, 1, "GET");
    assert!(ear.session.is_established() && !ear.session.is_mid_stream());
    ear.server(ACK, 1, 4, "OK");
    ear.client(ACK | FIN, 4, 3, "");
    ear.server(ACK | FIN, 3, 5, "!");
    assert_eq!(ear.heard, ">GET<OK>.<!<.");
    assert!(ear.session.is_closed());
    assert_eq!(ear.shared.counters, Default::default());
}

#[test]
fn what_comes_early_waits_and_what_comes_again_is_dropped() {
    let mut ear = Ear::after_handshake();
    ear.client(ACK, 4, 1, "def");
    ear.client(ACK, 4, 1, "def");
    ear.client(ACK, 7, 1, "ghi");
    assert_eq!(ear.heard, "");
    ear.client(ACK, 1, 1, "abc");
    ear.client(ACK, 1, 1, "abc");
    assert_eq!(ear.heard, ">abc>def>ghi");
    assert_eq!(ear.shared.counters.retransmissions, 2);
    assert_eq!(ear.shared.memory_used(), 0);
}

#[test]
fn where_segments_overlap_the_bytes_that_came_first_stay() {
    let mut ear = Ear::after_handshake();
    ear.client(ACK, 3, 1, "CD");
    ear.client(ACK, 1, 1, "abcdef");
    ear.client(ACK, 5, 1, "XYg");
    assert_eq!(ear.heard, ">ab>CD>ef>g");
    let mut ear = Ear::after_handshake();
    ear.client(ACK, 3, 1, "CD");
    ear.client(ACK, 2, 1, "bcdef");
    ear.client(ACK, 1, 1, "a");
    assert_eq!(ear.heard, ">a>b>CD>ef");
    assert_eq!(ear.shared.counters.conflicts, 1);
}

#[test]
fn a_hole_that_the_other_side_acknowledged_is_a_gap() {
    let mut ear = Ear::after_handshake();
    ear.client(ACK, 1, 1, "ab");
    ear.client(ACK, 6, 1, "fg");
    ear.server(ACK, 1, 3, "");
    assert_eq!(ear.heard, ">ab", "not acknowledged: it may still come");
    ear.server(ACK, 1, 8, "ok");
    assert_eq!(ear.heard, ">ab>[3]>fg<ok");
}

#[test]
fn an_acknowledgement_before_its_data_is_no_gap() {
    let mut ear = Ear::after_handshake();
    ear.server(ACK, 1, 4, "");
    ear.client(ACK, 1, 1, "abc");
    assert_eq!(ear.heard, ">abc");
    ear.server(ACK, 1, 7, "");
    ear.client(ACK, 7, 1, "ghi");
    assert_eq!(ear.heard, ">abc>[3]>ghi", "acknowledged, and the sender has gone on");
}

#[test]
fn keep_alives_and_window_probes_add_nothing() {
    let mut ear = Ear::after_handshake();
    ear.client(ACK, 0, 1, "x");
    ear.client(ACK, 1, 1, "abc");
    ear.client(ACK, 3, 1, "");
    ear.client(ACK, 3, 1, "c");
    ear.client(ACK, 4, 1, "d");
    ear.client(ACK, 4, 1, "def");
    assert_eq!(ear.heard, ">abc>d>ef");
}

#[test]
fn data_on_a_syn_counts_once_the_server_took_it() {
    let mut ear = Ear::new();
    ear.client(SYN, 0, 0, "early");
    assert_eq!(ear.heard, "");
    ear.server(SYN | ACK, 0, 6, "");
    ear.client(ACK, 6, 1, " bird");
    assert_eq!(ear.heard, ">early> bird");

    let mut ear = Ear::new();
    ear.client(SYN, 0, 0, "decoy");
    ear.server(SYN | ACK, 0, 1, "");
    ear.client(ACK, 1, 1, "truth");
    assert_eq!(ear.heard, ">truth");

    let mut ear = Ear::new();
    ear.client(SYN, 0, 0, "early");
    ear.client(ACK, 6, 1, " bird");
    assert_eq!(ear.heard, ">early> bird", "the server's answer was missed");
}

#[test]
fn a_conversation_under_way_is_picked_up() {
    let mut ear = Ear::new();
    ear.server(ACK, 100, 50, "tail");
    assert!(ear.session.is_established() && ear.session.is_mid_stream());
    ear.client(ACK, 50, 104, "next");
    ear.client(ACK, 48, 104, "exnext");
    assert_eq!(ear.heard, "<tail>next");
}

#[test]
fn a_reset_ends_both_directions_only_where_its_receiver_would_take_it() {
    let mut ear = Ear::after_handshake();
    ear.client(ACK, 1, 1, "abc");
    ear.server(RST, 700, 0, "");
    assert_eq!((ear.heard.as_str(), ear.session.is_closed()), (">abc", false));
    assert_eq!(ear.shared.counters.strays, 1);
    ear.server(RST, 1, 0, "");
    assert_eq!((ear.heard.as_str(), ear.session.is_closed()), (">abc>.<.", true));
}

#[test]
fn a_refused_connection_is_closed() {
    let mut ear = Ear::new();
    ear.client(SYN, 0, 0, "");
    ear.segment(
        Direction::ToClient,
        Segment { seq: 0, ack: CLIENT.wrapping_add(1), flags: TcpFlags(RST | ACK), payload: b"" },
    );
    assert!(ear.session.is_closed());
    assert_eq!(ear.heard, ">.<.");
}

#[test]
fn an_end_waits_for_the_bytes_before_it() {
    let mut ear = Ear::after_handshake();
    ear.client(ACK | FIN, 4, 1, "def");
    ear.client(ACK, 1, 1, "abc");
    assert_eq!(ear.heard, ">abc>def>.");
    ear.client(ACK, 7, 1, "more");
    assert_eq!(ear.heard, ">abc>def>.", "nothing comes after the end");
}

#[test]
fn the_end_of_a_flow_delivers_what_waits() {
    let mut ear = Ear::after_handshake();
    ear.client(ACK, 4, 1, "def");
    ear.server(ACK, 1, 1, "");
    ear.close();
    assert_eq!(ear.heard, ">[3]>def>.<.");
    assert_eq!(ear.shared.memory_used(), 0);
}

#[test]
fn bytes_that_the_snap_length_cut_are_a_gap() {
    let mut ear = Ear::after_handshake();
    let flags = TcpFlags(ACK);
    let segment = Segment { seq: CLIENT.wrapping_add(1), ack: SERVER.wrapping_add(1), flags, payload: b"abcdef" };
    ear.cut_segment(Direction::ToServer, segment, 4);
    ear.client(ACK, 7, 1, "gh");
    assert_eq!(ear.heard, ">ab>[4]>gh");
}

#[test]
fn a_stream_that_waits_too_long_gives_up_its_hole() {
    let mut ear = Ear::with(ReassemblyLimits { stream_bytes: 200, ..ReassemblyLimits::default() });
    ear.client(ACK, 1, 1, "a");
    ear.client(ACK, 3, 1, "c");
    ear.client(ACK, 5, 1, "e");
    ear.client(ACK, 7, 1, "g");
    ear.client(ACK, 9, 1, "i");
    assert_eq!(ear.heard, ">a>[1]>c");
    assert_eq!((ear.shared.counters.stream_full, ear.shared.counters.gap_bytes), (1, 1));
}

#[test]
fn streams_share_a_bounded_memory() {
    let mut ear = Ear::with(ReassemblyLimits { memory_bytes: 100, ..ReassemblyLimits::default() });
    ear.client(ACK, 1, 1, "a");
    ear.client(ACK, 3, 1, "c");
    ear.client(ACK, 5, 1, "e");
    assert_eq!(ear.heard, ">a>[1]>c");
    assert_eq!(ear.shared.counters.memory_full, 1);
    assert!(ear.shared.memory_used() <= 100);
}

#[test]
fn a_stray_segment_is_not_believed_and_many_are() {
    let mut ear = Ear::after_handshake();
    let far = 1 << 30;
    ear.client(ACK, far, 1, "z");
    ear.client(ACK, 1, 1, "abc");
    assert_eq!(ear.heard, ">abc");
    for step in 0..8 {
        ear.client(ACK, far + step, 1, "z");
    }
    assert_eq!(ear.heard, format!(">abc>[{}]>z", far + 7 - 4));
    assert_eq!(ear.shared.counters.strays, 9);
}

#[test]
fn nothing_is_delivered_to_who_stopped_listening_but_the_ends() {
    let mut ear = Ear::after_handshake();
    ear.client(ACK, 1, 1, "abc");
    ear.client(ACK, 7, 1, "waits");
    ear.session.stop(&mut ear.shared);
    assert_eq!(ear.shared.memory_used(), 0);
    ear.client(ACK, 4, 1, "def");
    ear.server(ACK | FIN, 1, 7, "bye");
    ear.client(ACK | FIN, 7, 5, "");
    assert_eq!(ear.heard, ">abc<.>.");
    assert!(ear.session.is_closed());
}
