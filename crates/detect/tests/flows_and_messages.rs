//! Flows, messages in stages, marks, filters, services, explanations.

mod support;

use kodkod_detect::{Cache, Options, RuleSet, Source};
use kodkod_inspect::{BufferKind, Service};
use kodkod_rules::{Dialect, Status, Variables};
use kodkod_stream::Direction;
use support::{Held, Judge, Stage, flow, rules};

const RULES: Dialect = Dialect::Snort3;

#[test]
fn a_rule_waits_for_the_rest_of_its_message() {
    let text = r#"alert tcp any any -> any any (http_uri; content:"/login",fast_pattern; http_client_body; content:"x"; sid:1;)"#;
    let mut judge = Judge::new(rules(RULES, text));
    let head = Held::of(&[(BufferKind::HttpUri, b"/login")]);
    let whole = Held::of(&[(BufferKind::HttpUri, b"/login"), (BufferKind::HttpClientBody, b"axb")]);
    let first = Stage { is_last: false, ..Stage::whole(Service::Http, &head) };
    assert!(judge.pdu(&first).is_empty(), "the body is not there yet");
    let body = Stage { fresh: vec![BufferKind::HttpClientBody], is_last: false, ..Stage::whole(Service::Http, &whole) };
    assert_eq!(judge.pdu(&body).len(), 1, "the body completes it");
    assert!(judge.pdu(&body).is_empty(), "one alert per message");
    let next = Stage { message: 1, fresh: vec![BufferKind::HttpClientBody], ..Stage::whole(Service::Http, &whole) };
    assert!(judge.pdu(&next).is_empty(), "nothing waits across messages");
}

#[test]
fn sides_and_states_of_flows() {
    let held = Held::payload(b"abc");
    for (options, direction, established, expected) in [
        ("flow:to_server,established;", Direction::ToServer, true, true),
        ("flow:to_server,established;", Direction::ToClient, true, false),
        ("flow:to_server,established;", Direction::ToServer, false, false),
        ("flow:to_client;", Direction::ToClient, false, true),
        ("flow:not_established;", Direction::ToServer, true, false),
        ("flow:stateless;", Direction::ToServer, false, true),
    ] {
        let text = format!(r#"alert tcp any any -> any any ({options} content:"abc"; sid:1;)"#);
        let mut judge = Judge::new(rules(RULES, &text));
        let facts = kodkod_detect::FlowFacts { established, ..flow(Service::Unknown) };
        let stage = Stage { direction, ..Stage::whole(Service::Unknown, &held) };
        assert_eq!(!judge.pdu_in(&facts, &stage).is_empty(), expected, "{options} {direction:?} {established}");
    }
}

#[test]
fn a_known_service_counts_more_than_ports() {
    let held = Held::payload(b"abc");
    for (rule, service, expected) in [
        ("tcp any any -> any 8080 (content:\"abc\"; service:http; sid:1;)", Service::Http, true),
        ("tcp any any -> any 80 (content:\"abc\"; service:http; sid:1;)", Service::Smtp, false),
        ("tcp any any -> any 80 (content:\"abc\"; service:http; sid:1;)", Service::Unknown, true),
        ("tcp any any -> any 8080 (content:\"abc\"; service:http; sid:1;)", Service::Unknown, false),
        ("tcp any any -> any 80 (content:\"abc\"; sid:1;)", Service::Http, true),
        ("tcp any any -> any 8080 (content:\"abc\"; sid:1;)", Service::Http, false),
        ("http (content:\"abc\"; sid:1;)", Service::Http, true),
        ("http (content:\"abc\"; sid:1;)", Service::Unknown, false),
        ("tcp any any -> any 1024: (content:\"abc\"; sid:1;)", Service::Unknown, false),
        ("tcp any 1024: -> any any (content:\"abc\"; sid:1;)", Service::Unknown, true),
    ] {
        let mut judge = Judge::new(rules(RULES, &format!("alert {rule}")));
        assert_eq!(!judge.pdu(&Stage::whole(service, &held)).is_empty(), expected, "{rule} {service:?}");
    }
}

#[test]
fn marks_join_rules() {
    let text = r#"
alert tcp any any -> any any (content:"one"; flowbits:set,a; flowbits:noalert; sid:1;)
alert tcp any any -> any any (content:"two"; flowbits:isset,a; sid:2;)
alert tcp any any -> any any (content:"three"; flowbits:isnotset,a; sid:3;)
alert tcp any any -> any any (content:"four"; flowbits:unset,a; flowbits:noalert; sid:4;)
alert tcp any any -> any any (content:"five"; flowbits:toggle,a; flowbits:noalert; sid:5;)
alert tcp any any -> any any (content:"six"; flowbits:isset,a|b; sid:6;)
alert tcp any any -> any any (content:"seven"; flowbits:isset,a&b; sid:7;)
"#;
    let mut judge = Judge::new(rules(RULES, text));
    for (said, expected) in [
        ("two", vec![]),
        ("three", vec![3]),
        ("one", vec![]),
        ("two", vec![2]),
        ("three", vec![]),
        ("six", vec![6]),
        ("seven", vec![]),
        ("four", vec![]),
        ("two", vec![]),
        ("five", vec![]),
        ("two", vec![2]),
        ("five", vec![]),
        ("two", vec![]),
    ] {
        let held = Held::payload(said.as_bytes());
        let alerts = judge.pdu(&Stage::whole(Service::Unknown, &held));
        assert_eq!(judge.sids(&alerts), expected, "after {said}");
    }
}

#[test]
fn filters_hold_back() {
    let text = r#"
alert tcp any any -> any any (content:"a"; detection_filter:track by_src,count 1,seconds 10; sid:1;)
"#;
    let mut judge = Judge::new(rules(RULES, text));
    let held = Held::payload(b"a");
    let mut fired = Vec::new();
    for now_s in [0, 1, 2, 20] {
        judge.now_s = now_s;
        fired.push(judge.pdu(&Stage::whole(Service::Unknown, &held)).len());
    }
    assert_eq!(fired, [0, 1, 1, 0]);
    let text = r#"alert tcp any any -> any any (content:"a"; threshold:type limit, track by_dst, count 1, seconds 10; sid:1;)"#;
    let mut judge = Judge::new(rules(Dialect::Suricata, text));
    let fired: Vec<usize> = (0..3).map(|_| judge.pdu(&Stage::whole(Service::Unknown, &held)).len()).collect();
    assert_eq!(fired, [1, 0, 0]);
    assert_eq!(judge.detector.counters().filtered, 2);
}

#[test]
fn a_pass_rule_silences_the_others() {
    let text = r#"
alert tcp any any -> any any (content:"bad"; sid:1;)
pass tcp any any -> any any (content:"known"; sid:2;)
"#;
    let mut judge = Judge::new(rules(RULES, text));
    assert_eq!(judge.pdu(&Stage::whole(Service::Unknown, &Held::payload(b"bad"))).len(), 1);
    assert!(judge.pdu(&Stage::whole(Service::Unknown, &Held::payload(b"bad known"))).is_empty());
}

#[test]
fn an_alert_says_why() {
    let text =
        r#"alert tcp any any -> any any (http_uri; content:"a"; content:"b",within 1; byte_jump:1,0,relative; sid:1;)"#;
    let mut judge = Judge::new(rules(RULES, text));
    judge.detector.explain(true);
    let held = Held::of(&[(BufferKind::HttpUri, b"axab\x01z")]);
    let alerts = judge.pdu(&Stage::whole(Service::Http, &held));
    let why: Vec<_> = alerts[0].why.iter().map(|why| (&*why.option, why.buffer, why.offset, &*why.bytes)).collect();
    assert_eq!(why[0], (r#"content:"a""#, "http_uri", 2, &b"a"[..]));
    assert_eq!(why[1], (r#"content:"b",within 1"#, "http_uri", 3, &b"b"[..]));
    assert_eq!(why[2].1, "http_uri");
}

#[test]
fn a_rule_that_costs_too_much_is_given_up_and_counted() {
    let text = r#"alert tcp any any -> any any (content:"a"; content:"a",distance 0; content:"a",distance 0; content:"a",distance 0; content:"a",distance 0; content:"b",within 1; sid:1;)"#;
    let mut judge = Judge::new(rules(RULES, text));
    assert!(
        judge
            .pdu(&Stage::whole(Service::Unknown, &Held::payload(&[b"a".repeat(2000), b"xb".to_vec()].concat())))
            .is_empty()
    );
    assert_eq!(judge.detector.counters().over_budget, 1);
}

#[test]
fn receipts_say_what_is_missing() {
    let text = r#"
alert tcp any any -> any any (content:"a"; sid:1; rev:2;)
alert tcp any any -> any any (content:"a"; tag:session,packets 5; sid:2;)
alert tcp any any -> any any (content:"a"; frobnicate:1; sid:3;)
alert tcp any any -> any any (sip_header; content:"a"; sid:4;)
alert tcp any any -> any any (content:"a"; sid:1; rev:1;)
alert tcp any any -> any any (pcre:"/(/"; sid:5;)
alert tcp any any -> any any (content:"a")
alert tcp any any -> any $NO_PORTS (content:"a"; sid:6;)
"#;
    let options = Options { dialect: Some(RULES), ..Options::default() };
    let rules = RuleSet::compile(&[Source { name: "x.rules".into(), text: text.into() }], &options);
    let found: Vec<_> = rules
        .receipts()
        .iter()
        .map(|receipt| (receipt.line, receipt.sid, receipt.status, receipt.reasons.first().map(|reason| reason.code)))
        .collect();
    assert_eq!(
        found,
        [
            (2, 1, Status::Full, None),
            (3, 2, Status::Degraded, Some("ignored-option")),
            (4, 3, Status::Skipped, Some("unknown-option")),
            (5, 4, Status::Skipped, Some("no-inspector")),
            (6, 1, Status::Skipped, Some("duplicate")),
            (7, 5, Status::Skipped, Some("pcre")),
            (8, 0, Status::Skipped, Some("syntax")),
            (9, 6, Status::Skipped, Some("ports")),
        ]
    );
    assert_eq!(rules.receipts()[2].reasons[0].column, 44);
}

#[test]
fn the_cache_gives_back_what_was_compiled() {
    let folder = std::env::temp_dir().join(format!("kodkod-detect-{}", std::process::id()));
    let options = Options { cache_dir: Some(folder.clone()), ..Options::default() };
    let text = r#"alert tcp any any -> any any (content:"abc",nocase; sid:1;)"#;
    let sources = [Source { name: "x.rules".into(), text: text.into() }];
    assert_eq!(RuleSet::compile(&sources, &options).cache(), Cache::Miss);
    let again = RuleSet::compile(&sources, &options);
    assert_eq!(again.cache(), Cache::Hit);
    assert_eq!(Judge::new(again).pdu(&Stage::whole(Service::Unknown, &Held::payload(b"xABC"))).len(), 1);
    for file in std::fs::read_dir(&folder).unwrap() {
        std::fs::write(file.unwrap().path(), b"damaged").unwrap();
    }
    assert_eq!(RuleSet::compile(&sources, &options).cache(), Cache::Miss, "a damaged file is not taken");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn variables_choose_addresses() {
    let text = r#"alert tcp $HOME_NET any -> any any (content:"abc"; sid:1;)"#;
    for (home, expected) in [("10.0.0.0/24", 1), ("192.168.0.0/16", 0), ("![10.0.0.1,10.0.0.9]", 0)] {
        let variables = Variables::new([("HOME_NET".to_owned(), home.to_owned())]);
        let options = Options { dialect: Some(RULES), variables, ..Options::default() };
        let set = RuleSet::compile(&[Source { name: "x".into(), text: text.into() }], &options);
        let held = Held::payload(b"abc");
        assert_eq!(Judge::new(set).pdu(&Stage::whole(Service::Unknown, &held)).len(), expected, "{home}");
    }
}
