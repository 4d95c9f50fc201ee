//! Every option about packets fires on what it asks for, and not on the nearest thing that it does not.

mod support;

use kodkod_rules::Dialect;
use support::{Ip, Judge, icmp, rules, tcp, udp};

fn fires(header: &str, options: &str, packet: &Ip) -> bool {
    let text = format!("alert {header} ({options} sid:1;)");
    !Judge::new(rules(Dialect::Snort3, &text)).packet(&packet.bytes()).is_empty()
}

fn with(change: impl FnOnce(&mut Ip), mut packet: Ip) -> Ip {
    change(&mut packet);
    packet
}

#[test]
fn icmp_facts() {
    let any = "icmp any any -> any any";
    for (options, hit, miss) in [
        ("itype:8;", icmp(8, 0, 1, 1, b""), icmp(0, 0, 1, 1, b"")),
        ("itype:3; icode:>1;", icmp(3, 2, 0, 0, b""), icmp(3, 1, 0, 0, b"")),
        ("icmp_id:666;", icmp(8, 0, 666, 0, b""), icmp(8, 0, 667, 0, b"")),
        ("icmp_seq:0;", icmp(0, 0, 5, 0, b""), icmp(0, 0, 5, 1, b"")),
        // Only echoes have an id.
        ("icmp_id:666;", icmp(0, 0, 666, 0, b""), icmp(3, 0, 666, 0, b"")),
        (r#"content:"ping"; dsize:4;"#, icmp(8, 0, 1, 1, b"ping"), icmp(8, 0, 1, 1, b"pings")),
    ] {
        assert!(fires(any, options, &hit), "{options} fires");
        assert!(!fires(any, options, &miss), "{options} is silent");
    }
}

#[test]
fn ip_facts() {
    let any = "ip any any -> any any";
    let plain = || udp(b"x");
    for (options, hit, miss) in [
        ("ttl:>200;", with(|ip| ip.ttl = 201, plain()), with(|ip| ip.ttl = 200, plain())),
        ("tos:4;", with(|ip| ip.tos = 4, plain()), with(|ip| ip.tos = 5, plain())),
        ("id:13170;", with(|ip| ip.id = 13170, plain()), with(|ip| ip.id = 13171, plain())),
        ("ip_proto:2;", Ip::new(2, vec![0; 8]), Ip::new(88, vec![0; 8])),
        ("ip_proto:!2;", Ip::new(88, vec![0; 8]), Ip::new(2, vec![0; 8])),
        ("fragbits:M;", with(|ip| ip.fragment = 0x2000, plain()), with(|ip| ip.fragment = 0x6000, plain())),
        ("fragbits:M+;", with(|ip| ip.fragment = 0x6000, plain()), with(|ip| ip.fragment = 0x4000, plain())),
        ("fragbits:!DM;", with(|ip| ip.fragment = 0x8000, plain()), with(|ip| ip.fragment = 0x4000, plain())),
        ("fragbits:DM*;", with(|ip| ip.fragment = 0x4000, plain()), with(|ip| ip.fragment = 0x8000, plain())),
        ("fragoffset:>0;", with(|ip| ip.fragment = 0x0001, plain()), plain()),
        ("sameip;", with(|ip| ip.source = [10, 0, 0, 2], plain()), plain()),
        (
            "ipopts:rr;",
            with(|ip| ip.options = vec![1, 7, 3, 4], plain()),
            with(|ip| ip.options = vec![1, 68, 3, 4], plain()),
        ),
        ("ipopts:any;", with(|ip| ip.options = vec![1, 1, 1, 0], plain()), plain()),
    ] {
        assert!(fires(any, options, &hit), "{options} fires");
        assert!(!fires(any, options, &miss), "{options} is silent");
    }
}

#[test]
fn tcp_facts() {
    let any = "tcp any any -> any any";
    for (options, hit, miss) in [
        ("flags:S;", tcp(0x02, 0, 0, 0, b""), tcp(0x12, 0, 0, 0, b"")),
        ("flags:A+;", tcp(0x18, 0, 0, 0, b""), tcp(0x08, 0, 0, 0, b"")),
        ("flags:FRS*;", tcp(0x11, 0, 0, 0, b""), tcp(0x18, 0, 0, 0, b"")),
        ("flags:!FR;", tcp(0x10, 0, 0, 0, b""), tcp(0x11, 0, 0, 0, b"")),
        ("flags:S,CE;", tcp(0xc2, 0, 0, 0, b""), tcp(0x22, 0, 0, 0, b"")),
        ("seq:1958810375;", tcp(2, 1_958_810_375, 0, 0, b""), tcp(2, 1, 0, 0, b"")),
        ("ack:0;", tcp(2, 0, 0, 0, b""), tcp(2, 0, 1, 0, b"")),
        ("window:2048;", tcp(2, 0, 0, 2048, b""), tcp(2, 0, 0, 2049, b"")),
        ("dsize:3;", tcp(0x18, 0, 0, 0, b"abc"), tcp(0x18, 0, 0, 0, b"abcd")),
        (r#"flow:no_stream; content:"abc";"#, tcp(0x18, 0, 0, 0, b"abc"), tcp(0x18, 0, 0, 0, b"abd")),
        ("flow:to_server; flags:S; stream_size:<101,to_server;", tcp(2, 0, 0, 0, b""), tcp(3, 0, 0, 0, b"")),
    ] {
        assert!(fires(any, options, &hit), "{options} fires");
        assert!(!fires(any, options, &miss), "{options} is silent");
    }
    let syn = tcp(2, 0, 0, 0, b"");
    assert!(!fires(any, "flags:S; flow:to_client;", &syn));
    assert!(!fires(any, "flags:S; stream_size:>100,to_server;", &syn));
    assert!(fires(any, "flags:S; stream_size:>100,to_client;", &syn));
    assert!(!fires(any, "flags:S; stream_size:>100,both;", &syn));
    assert!(!fires(any, "flags:S; flow:not_established;", &syn), "the test's flow is established");
}

#[test]
fn the_header_decides_first() {
    let packet = udp(b"x");
    for (header, expected) in [
        ("udp any any -> any 80", true),
        ("udp any any -> any 81", false),
        ("udp any 80 -> any any", false),
        ("udp any 80 <> any any", true),
        ("udp 10.0.0.1 any -> any any", true),
        ("udp !10.0.0.1 any -> any any", false),
        ("udp 10.0.0.2 any <> 10.0.0.1 any", true),
        ("udp [10.0.0.0/8,!10.0.0.1] any -> any any", false),
        ("udp any 1024: -> any [79:81,!80]", false),
        ("tcp any any -> any any", false),
        ("ip any any -> any any", true),
        ("icmp any any -> any any", false),
    ] {
        assert_eq!(fires(header, "dsize:1;", &packet), expected, "{header}");
    }
}
