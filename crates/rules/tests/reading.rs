//! Rule texts of three dialects become the same trees; what cannot be read says where and why.

use std::time::{Duration, Instant};

use kodkod_rules::{Amount, Buffer, Content, Dialect, Entry, FlowSide, Reader, Rule, RuleOption, Variables};

fn read(dialect: Dialect, text: &str) -> Vec<Entry> {
    Reader::new(&Variables::default(), Some(dialect)).read("test.rules", text.as_bytes())
}

fn rule(dialect: Dialect, options: &str) -> Rule {
    let entry = read(dialect, &format!("alert tcp any any -> any any ({options})")).remove(0);
    assert!(entry.reasons.is_empty(), "{options}: {:?}", entry.reasons);
    entry.rule.unwrap()
}

fn contents(rule: &Rule) -> Vec<(Buffer, &Content)> {
    let mut buffer = Buffer::PktData;
    let mut found = Vec::new();
    for spelled in &rule.options {
        match &spelled.option {
            RuleOption::Buffer(choice) => buffer = choice.buffer,
            RuleOption::Content(content) => found.push((buffer, content)),
            _ => {}
        }
    }
    found
}

#[test]
fn three_dialects_one_meaning() {
    let snort3 = rule(Dialect::Snort3, r#"http_uri; content:"/a",nocase; http_header; content:"b",depth 3; sid:1;"#);
    let snort2 = rule(Dialect::Snort2, r#"content:"/a"; nocase; http_uri; content:"b"; depth:3; http_header; sid:1;"#);
    let suricata =
        rule(Dialect::Suricata, r#"http.uri; content:"/a"; nocase; http.header; content:"b"; depth:3; sid:1;"#);
    assert_eq!(contents(&snort3), contents(&snort2));
    assert_eq!(contents(&snort3), contents(&suricata));
    assert_eq!(contents(&snort3)[0].0, Buffer::HttpUri);
    assert_eq!(contents(&snort3)[1].1.depth, Some(Amount::Number(3)));
}

#[test]
fn what_a_rule_says_of_itself() {
    let text = r#"drop tcp $HOME_NET [80,8000:8080] <> !10.0.0.0/8 any (msg:"A \"b\"\; c"; flow:established,from_client; reference:cve,2021-1; reference:url,a.b/c; classtype:misc-attack; priority:4; metadata:policy x drop, service http, service imap; gid:3; sid:7; rev:9;)"#;
    let rule = read(Dialect::Snort2, text).remove(0).rule.unwrap();
    assert_eq!((rule.gid, rule.sid, rule.rev, rule.priority), (3, 7, 9, Some(4)));
    assert_eq!(&*rule.msg, "A \"b\"; c");
    assert_eq!(rule.classtype.as_deref(), Some("misc-attack"));
    assert_eq!(rule.references.iter().map(|it| &**it).collect::<Vec<_>>(), ["cve,2021-1", "url,a.b/c"]);
    assert_eq!(rule.services.iter().map(|it| &**it).collect::<Vec<_>>(), ["http", "imap"]);
    assert_eq!(rule.action.name(), "drop");
    assert!(rule.header.both_ways && rule.header.source_ports.contains(8001));
    assert!(!rule.header.destination.contains("10.1.1.1".parse().unwrap()));
    let side = rule.options.iter().find_map(|spelled| match &spelled.option {
        RuleOption::Flow(flow) => flow.side,
        _ => None,
    });
    assert_eq!(side, Some(FlowSide::ToServer));
}

#[test]
fn headers_without_addresses() {
    let entries = read(
        Dialect::Snort3,
        "alert tcp ( content:\"a\"; sid:1 )\nalert http ( content:\"a\"; sid:2; )\nalert file ( file_data; content:\"a\"; sid:3; )",
    );
    let services: Vec<usize> = entries.iter().map(|entry| entry.rule.as_ref().unwrap().services.len()).collect();
    assert_eq!(services, [0, 1, 5]);
    assert_eq!(entries[0].sid, 1);
}

#[test]
fn columns_point_at_the_option() {
    let entry = read(Dialect::Snort3, "alert tcp any any -> any any (msg:\"x\"; content:\"|0|\"; sid:5;)").remove(0);
    assert!(entry.rule.is_none());
    assert_eq!((entry.sid, entry.line, entry.reasons[0].code, entry.reasons[0].column), (5, 1, "argument", 40));
    let entry = read(Dialect::Snort3, "alert tcp any any => any any (sid:5;)").remove(0);
    assert_eq!((entry.reasons[0].code, entry.reasons[0].column), ("syntax", 19));
}

#[test]
fn all_that_an_author_can_mend_is_told_at_once() {
    let entry =
        read(Dialect::Snort3, "alert tcp any any -> any any (nonsense; flow:sideways; dsize:x; sid:5;)").remove(0);
    let codes: Vec<_> = entry.reasons.iter().map(|reason| reason.code).collect();
    assert_eq!(codes, ["unknown-option", "argument", "argument"]);
}

#[test]
fn monsters_are_refused_quickly() {
    let brackets = format!("alert tcp {}1.2.3.4{} any -> any any (sid:1;)", "[".repeat(20_000), "]".repeat(20_000));
    let long = format!("alert tcp any any -> any any (content:\"{}\"; sid:2;)", "a".repeat(1 << 20));
    let options = format!("alert tcp any any -> any any ({} sid:3;)", "dsize:1;".repeat(5_000));
    let open = format!("alert tcp any any -> any any {}", "(".repeat(20_000));
    let started = Instant::now();
    for (text, code) in [(brackets, "too-deep"), (long, "too-long"), (options, "too-many-options"), (open, "syntax")] {
        for dialect in [Dialect::Snort3, Dialect::Snort2, Dialect::Suricata] {
            let entry = read(dialect, &text).remove(0);
            assert!(entry.rule.is_none());
            assert_eq!(entry.reasons[0].code, code);
        }
    }
    assert!(started.elapsed() < Duration::from_secs(1));
}

#[test]
fn no_text_makes_the_reader_fail() {
    // Every prefix of a rule, and every prefix with one byte changed, gives an entry or nothing.
    let text = br#"alert tcp [$HOME_NET,!1.2.3.4/8] any <> any [80,!90:] (msg:"a|b"; content:!"a|41 42|",nocase,depth 5; pcre:"/a\/b/iR"; byte_test:1,>,5,0,relative; flowbits:set,a&b; sid:1;)"#;
    for dialect in [Dialect::Snort3, Dialect::Snort2, Dialect::Suricata] {
        for end in 0..=text.len() {
            let mut prefix = text[..end].to_vec();
            Reader::new(&Variables::default(), Some(dialect)).read("x", &prefix);
            for changed in [b'"', b'\\', b'|', b'[', b'(', 0, 0xff] {
                if let Some(last) = prefix.last_mut() {
                    *last = changed;
                }
                Reader::new(&Variables::default(), Some(dialect)).read("x", &prefix);
            }
        }
    }
}
