//! Does HTTP give the same PDUs however it is cut, written or hidden?

mod support;

use kodkod_inspect::BufferKind::*;
use kodkod_inspect::{Anomaly, Conversation, Input, Limits, Service, Transaction, Transport};
use kodkod_stream::Direction::{ToClient, ToServer};
use support::{Recorder, cut_everywhere, every_prefix, play, play_wanting, whole};

const POST: &[u8] = b"POST /a/../secid%5fcanceltoken.cgi?x=%31 HTTP/1.1\r\nHost: Shop.Example:8080\r\nUser-Agent: Mozilla/4.0\r\n\
Cookie: a=1; b=2\r\nX-CMD: Test\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 8\r\n\r\nsmk=1234";
const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\nSet-Cookie: s=9\r\n\r\nhello";

#[test]
fn a_post_offers_its_head_and_then_its_body() {
    let seen = cut_everywhere(80, &[(ToServer, POST), (ToClient, OK)]);
    let [head, body, answer, page] = &seen.pdus[..] else { panic!("{:?}", seen.pdus) };
    assert_eq!((head.service, head.message, head.is_last), ("http", 0, false));
    assert_eq!(head.text(HttpMethod), "POST");
    assert_eq!(head.text(HttpUri), "/secid_canceltoken.cgi?x=1");
    assert_eq!(head.text(HttpRawUri), "/a/../secid%5fcanceltoken.cgi?x=%31");
    assert_eq!(head.text(HttpVersion), "HTTP/1.1");
    assert_eq!(head.text(HttpHost), "shop.example");
    assert_eq!(head.text(HttpCookie), "a=1; b=2");
    let header = head.text(HttpHeader);
    assert!(header.contains(r"\r\nUser-Agent: Mozilla/4.0\r\nX-CMD: Test\r\n"), "{header}");
    assert!(header.ends_with(r"Content-Length: 8\r\n\r\n") && !header.contains("Cookie"));
    assert!(head.text(HttpRawHeader).contains("Cookie: a=1"));
    assert_eq!((body.message, body.is_last), (0, true));
    assert_eq!(body.text(HttpClientBody), "smk=1234");
    assert_eq!(body.text(PktData), "smk=1234");
    assert_eq!(body.text(HttpUri), head.text(HttpUri));
    assert_eq!(answer.text(HttpStatCode), "200");
    assert_eq!(answer.text(HttpStatMsg), "OK");
    assert_eq!(answer.text(HttpCookie), "s=9");
    assert_eq!(page.text(FileData), "hello");
    assert!(seen.anomalies.is_empty(), "{:?}", seen.anomalies);
    assert!(matches!(&seen.facts[0], Transaction::HttpRequest(fact) if fact.host == "shop.example"));
}

#[test]
fn fields_and_parameters_are_found_by_name() {
    let wanted =
        [(HttpHeader, "user-agent"), (HttpParam, "x"), (HttpParam, "smk"), (HttpUri, "query"), (HttpHeader, "none")];
    let seen = play_wanting(80, &[(ToServer, POST)], &wanted, &Limits::default(), |_, _| 1000);
    let text = |field: &Option<Vec<u8>>| field.as_ref().map(|bytes| bytes.escape_ascii().to_string());
    let found: Vec<_> = seen.fields.iter().map(text).collect();
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(found[..5], [some("Mozilla/4.0"), some("1"), None, some("x=1"), None]);
    assert_eq!(found[5..], [some("Mozilla/4.0"), some("1"), some("1234"), some("x=1"), None]);
}

#[test]
fn pipelined_requests_and_answers_keep_their_framing() {
    let requests = [
        &b"HEAD /1 HTTP/1.1\r\nHost: a\r\n\r\n"[..],
        b"\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /3 HTTP/1.1\r\nHost: a\r\n\r\n",
    ]
    .concat();
    let answers = [
        &b"HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n"[..],
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0004\r\ndefg\r\n0\r\nX-Sum: 7\r\n\r\n",
        b"HTTP/1.0 404 Not Found\r\n\r\nuntil the end",
    ]
    .concat();
    let seen = cut_everywhere(80, &[(ToServer, &requests), (ToClient, &answers)]);
    let uris: Vec<_> = seen.pdus.iter().filter(|pdu| pdu.direction == ToServer).map(|pdu| pdu.text(HttpUri)).collect();
    assert_eq!(uris, ["/1", "/2", "/3"]);
    let codes: Vec<_> = seen
        .pdus
        .iter()
        .filter(|pdu| pdu.direction == ToClient)
        .map(|pdu| (pdu.text(HttpStatCode), pdu.text(FileData)))
        .collect();
    let none = "(none)";
    let expected = [
        ("200", none),
        ("100", none),
        ("304", none),
        ("200", none),
        ("200", "abcdefg"),
        ("404", none),
        ("404", "until the end"),
    ];
    assert_eq!(codes, expected.map(|(code, file)| (code.to_owned(), file.to_owned())));
    assert!(seen.pdus.iter().any(|pdu| pdu.text(HttpTrailer) == r"X-Sum: 7\r\n\r\n"));
}

#[test]
fn odd_heads_mean_what_servers_take_them_for() {
    let folded = b"GET /x HTTP/1.1\nHost:a\nX-Long: one\n\t two\nX-Tab:\t\tv \nAccept: a\nAccept: b\n\n";
    let seen = cut_everywhere(80, &[(ToServer, folded)]);
    assert_eq!(
        seen.pdus[0].text(HttpHeader),
        r"Host:a\r\nX-Long: one two\r\nX-Tab: v\r\nAccept: a\r\nAccept: b\r\n\r\n"
    );
    let wanted = [(HttpHeader, "accept"), (HttpHeader, "x-long")];
    let seen = play_wanting(80, &[(ToServer, folded)], &wanted, &Limits::default(), |_, _| 7);
    assert_eq!(seen.fields, [Some(b"a,b".to_vec()), Some(b"one two".to_vec())]);
}

#[test]
fn any_method_and_http_0_9_are_http() {
    for request in [
        &b"BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n"[..],
        b"GET /old\r\n",
        b"get /x http/1.0\r\n\r\n",
        b"ODD a/b HTTP/1.1\r\n\r\n",
    ] {
        let seen = cut_everywhere(4711, &[(ToServer, request)]);
        assert_eq!(seen.pdus.len(), 1, "{}", request.escape_ascii());
        assert_eq!(seen.pdus[0].service, "http");
        assert_ne!(seen.pdus[0].text(HttpUri), "(none)");
    }
    let seen = cut_everywhere(80, &[(ToServer, b"GET /old\r\n"), (ToClient, b"<html>no head</html>")]);
    assert_eq!(seen.pdus[1].text(FileData), "<html>no head</html>");
}

#[test]
fn packed_pages_are_unpacked() {
    let page = b"EICAR would stand here ".repeat(9);
    let packed = gzip(&page);
    let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", packed.len());
    let answer = [head.as_bytes(), &packed].concat();
    let seen = cut_everywhere(80, &[(ToServer, b"GET / HTTP/1.1\r\n\r\n"), (ToClient, &answer)]);
    assert_eq!(seen.pdus[2].bytes(FileData), page);
    assert_eq!(seen.pdus[2].bytes(HttpRawBody), packed);
}

#[test]
fn what_claims_to_be_packed_or_chunked_and_is_not_is_read_as_it_stands() {
    for fields in [
        "Content-Encoding: gzip\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Content-Encoding: deflate\r\nTransfer-Encoding: chunked\r\n",
    ] {
        let answer = format!("HTTP/1.1 200 OK\r\n{fields}\r\nplain text here");
        let seen = cut_everywhere(80, &[(ToServer, b"GET / HTTP/1.1\r\n\r\n"), (ToClient, answer.as_bytes())]);
        assert_eq!(seen.pdus[2].text(FileData), "plain text here", "{fields}");
    }
    let answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfade to black";
    let seen = cut_everywhere(80, &[(ToServer, b"GET / HTTP/1.1\r\n\r\n"), (ToClient, answer)]);
    assert_eq!(seen.pdus[2].text(FileData), "fade to black");
}

#[test]
fn evasive_framing_is_read_as_careless_readers_do() {
    let chunks = "4\r\nEICA\r\n3\0\r\nR-S\r\n0\r\n\r\n";
    for head in [
        "HTTP/1.1 200 ok\r\nTransfer-Encoding: xchunked\r\n\r\n",
        "HTTP/1.1 200 ok\r\nTransfer-Encoding:\r\n \r\n chunked\r\n\r\n",
        "HTTP/1.1 200 ok\r\nX: y\rTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 ok\r\nX: y\r\n\tTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 ok\r\nTransfer-\x0bEncoding:chu\0nked\r\n\r\n",
        "HTTP/1.1 200\rTransfer-Encoding:chunked\r\nX: y\r\n\r\n",
        "HTTP/1.1 200 ok\r\nTransfer-Encoding: chunked\n\r\r\n",
        "HTTP/1.1 200 ok\r\nTransfer-Encoding: chunked\n\r\r\n\r\n",
        "HTTP/1.1 200 ok\r\n\r\r\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 ok\r\nTransfer-Encoding: chunked\n \n",
        "HTTP/1.1 204 ok\r\nTransfer-Encoding: chunked\r\n\r\n",
        "foobar\r\nHTTP/1.1 200 ok\r\nTransfer-Encoding: chunked\r\n\r\n",
    ] {
        let answer = [head, chunks].concat();
        let seen = cut_everywhere(80, &[(ToServer, b"GET / HTTP/1.1\r\n\r\n"), (ToClient, answer.as_bytes())]);
        let page = seen.pdus.last().expect("a page");
        assert_eq!(page.text(FileData), "EICAR-S", "{}", head.escape_debug());
    }
}

#[test]
fn odd_content_encodings_are_undone() {
    let packed = gzip(b"EICAR");
    for field in [
        "Content-Encoding:gzip x",
        "Content-Encoding:: gzip",
        "X: y\rContent-Encoding: gzip",
        "Content\0-Encoding:\x0bgzip\x7f",
    ] {
        let head = format!("HTTP/1.1 200 ok\r\n{field}\r\n\r\n");
        let answer = [head.as_bytes(), &packed].concat();
        let seen = cut_everywhere(80, &[(ToServer, b"GET / HTTP/1.1\r\n\r\n"), (ToClient, &answer)]);
        assert_eq!(seen.pdus[2].text(FileData), "EICAR", "{}", field.escape_debug());
    }
}

#[test]
fn an_escaped_form_is_offered_as_written_and_decoded() {
    let post = b"POST / HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 13\r\n\r\n%66name=a+%31";
    let seen = cut_everywhere(80, &[(ToServer, post)]);
    let bodies: Vec<_> = seen.pdus[1..].iter().map(|pdu| (pdu.text(HttpClientBody), pdu.is_last)).collect();
    assert_eq!(bodies, [("%66name=a+%31".to_owned(), false), ("fname=a 1".to_owned(), true)]);
    assert_eq!(seen.pdus[2].fresh, [HttpClientBody]);
}

#[test]
fn the_parts_of_an_upload_are_files() {
    let form = "--B\r\nContent-Disposition: form-data; name=a\r\n\r\none\r\n--B\r\nContent-Transfer-Encoding: base64\r\n\r\nRUlDQVI=\r\n--B--\r\n";
    let post = format!(
        "POST /up HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=B\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    let seen = cut_everywhere(80, &[(ToServer, post.as_bytes())]);
    let files: Vec<_> = seen.pdus.iter().map(|pdu| (pdu.text(FileData), pdu.is_last)).collect();
    let expected = [("(none)", false), ("(none)", false), (r"one\r\n", false), ("EICAR", true)];
    assert_eq!(files, expected.map(|(file, is_last)| (file.to_owned(), is_last)));
    assert_eq!(seen.pdus[1].bytes(HttpClientBody), form.as_bytes());
}

#[test]
fn a_body_is_judged_to_its_depth_and_the_rest_is_skipped() {
    let limits = Limits { http_body_depth: 600, ..Limits::default() };
    let body = b"0123456789".repeat(100);
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
    let answer = [head.as_bytes(), &body, b"HTTP/1.1 404 No\r\n\r\n"].concat();
    let chunks = [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n".as_slice(),
        &body,
        b"\r\n0\r\n\r\nHTTP/1.1 404 No\r\n\r\n",
    ]
    .concat();
    for answer in [answer, chunks] {
        let turns = [(ToServer, &b"GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n"[..]), (ToClient, &answer[..])];
        let expected = play_wanting(80, &turns, &[], &limits, |_, _| 5000);
        for step in [1, 2, 3, 7, 599, 600, 601] {
            let found = play_wanting(80, &turns, &[], &limits, |_, _| step);
            support::assert_same(&found, &expected, &format!("steps of {step}"));
        }
        let to_client: Vec<_> = expected.pdus.iter().filter(|pdu| pdu.direction == ToClient).collect();
        assert_eq!(to_client[1].bytes(FileData), &body[..600]);
        assert!(to_client[1].is_last);
        assert_eq!(to_client[2].text(HttpStatCode), "404");
        assert_eq!(expected.anomalies, [Anomaly::HttpBodyDepth]);
    }
}

#[test]
fn skipping_what_need_not_be_seen_changes_nothing() {
    let limits = Limits { http_body_depth: 600, ..Limits::default() };
    let mut conversation = Conversation::new(Transport::Tcp, 80, &limits);
    let mut recorder = Recorder::default();
    conversation.on_stream(ToServer, Input::Data(b"GET / HTTP/1.1\r\n\r\n"), &mut recorder);
    conversation.on_stream(ToClient, Input::Data(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"), &mut recorder);
    conversation.on_stream(ToClient, Input::Data(&[b'x'; 1000]), &mut recorder);
    assert_eq!(conversation.skippable(ToClient), 999_000);
    conversation.on_stream(ToClient, Input::Gap(999_000), &mut recorder);
    conversation.on_stream(ToClient, Input::Data(b"HTTP/1.1 404 No\r\n\r\n"), &mut recorder);
    assert_eq!(recorder.pdus[3].text(HttpStatCode), "404");
    assert_eq!(recorder.anomalies, [Anomaly::HttpBodyDepth, Anomaly::HttpUnasked]);
}

#[test]
fn after_a_hole_the_next_message_is_found() {
    let mut conversation = Conversation::new(Transport::Tcp, 80, &Limits::default());
    let mut recorder = Recorder::default();
    conversation.on_stream(ToServer, Input::Data(b"GET /1 HTTP/1.1\r\nHost"), &mut recorder);
    conversation.on_stream(ToServer, Input::Gap(100), &mut recorder);
    conversation.on_stream(ToServer, Input::Data(b"rest of a field\r\nX: y\r\n\r\nGET /2 HT"), &mut recorder);
    conversation.on_stream(ToServer, Input::Data(b"TP/1.1\r\n\r\n"), &mut recorder);
    let last = recorder.pdus.last().expect("a request");
    assert_eq!(last.text(HttpUri), "/2");
    assert!(
        recorder.pdus.iter().any(|pdu| pdu.text(PktData).contains("rest of a field")),
        "the lost lines are judged too"
    );
}

#[test]
fn a_hole_inside_a_body_of_known_length_keeps_the_framing() {
    let mut conversation = Conversation::new(Transport::Tcp, 80, &Limits::default());
    let mut recorder = Recorder::default();
    conversation.on_stream(ToServer, Input::Data(b"GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n"), &mut recorder);
    conversation.on_stream(
        ToClient,
        Input::Data(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nbefore"),
        &mut recorder,
    );
    conversation.on_stream(ToClient, Input::Gap(9), &mut recorder);
    conversation.on_stream(ToClient, Input::Data(b"afterHTTP/1.1 404 No\r\n\r\n"), &mut recorder);
    let files: Vec<_> = recorder.pdus[3..].iter().map(|pdu| (pdu.text(FileData), pdu.is_last)).collect();
    assert_eq!(files, [("before".to_owned(), false), ("after".to_owned(), true), ("(none)".to_owned(), false)]);
    assert_eq!(recorder.pdus[5].text(HttpStatCode), "404");
}

#[test]
fn a_tunnel_is_named_anew() {
    let hello = b"SSH-2.0-OpenSSH_9.2\r\n";
    let turns = [
        (ToServer, &b"CONNECT host:22 HTTP/1.1\r\n\r\n"[..]),
        (ToClient, &[b"HTTP/1.1 200 Established\r\n\r\n", &hello[..]].concat()[..]),
        (ToServer, hello),
    ];
    let seen = cut_everywhere(8080, &turns);
    let services: Vec<_> = seen.pdus.iter().map(|pdu| pdu.service).collect();
    assert_eq!(services, ["http", "http", "ssh", "ssh"]);
}

#[test]
fn every_prefix_survives() {
    every_prefix(80, &[(ToServer, POST), (ToClient, OK)]);
    every_prefix(80, &[(ToServer, POST)]);
}

#[test]
fn garbage_on_the_web_port_is_judged_as_it_stands() {
    let seen = cut_everywhere(80, &[(ToServer, b"\x01\x02garbage"), (ToClient, b"what?")]);
    assert_eq!(seen.pdus[0].service, "http");
    assert_eq!(seen.pdus[0].text(PktData), r"\x01\x02garbage");
    assert_eq!(seen.pdus[1].text(PktData), "what?");
}

#[test]
fn endless_heads_are_cut() {
    let limits = Limits { http_head_max: 700, ..Limits::default() };
    let request = [&b"GET /x HTTP/1.1\r\n"[..], &b"A: b\r\n".repeat(500), b"\r\nGET /y HTTP/1.1\r\n\r\n"].concat();
    let expected = play_wanting(80, &[(ToServer, &request)], &[], &limits, |_, _| 10_000);
    for step in [1, 3, 699, 700, 701] {
        let found = play_wanting(80, &[(ToServer, &request)], &[], &limits, |_, _| step);
        support::assert_same(&found, &expected, &format!("steps of {step}"));
    }
    assert_eq!(expected.pdus[0].bytes(PktData).len(), 700);
    assert_eq!(expected.pdus.last().map(|pdu| pdu.text(HttpUri)), Some("/y".to_owned()));
    assert!(expected.anomalies.contains(&Anomaly::HttpHeadTooLong));
}

#[test]
fn the_service_is_told() {
    let mut conversation = Conversation::new(Transport::Tcp, 4711, &Limits::default());
    assert_eq!(conversation.service(), Service::Unknown);
    conversation.on_stream(ToServer, Input::Data(b"GET / HTTP/1.1\r\n\r\n"), &mut Recorder::default());
    assert_eq!(conversation.service(), Service::Http);
    assert!(!conversation.is_opaque());
}

#[test]
fn idle_bodies_are_judged_so_far() {
    let mut conversation = Conversation::new(Transport::Tcp, 80, &Limits::default());
    let mut recorder = Recorder::default();
    conversation.on_stream(ToServer, Input::Data(b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nslow"), &mut recorder);
    conversation.on_idle(&mut recorder);
    conversation.on_stream(ToServer, Input::Data(b" body"), &mut recorder);
    let bodies: Vec<_> = recorder.pdus[1..].iter().map(|pdu| (pdu.text(HttpClientBody), pdu.is_last)).collect();
    assert_eq!(bodies, [("slow".to_owned(), false), (" body".to_owned(), true)]);
}

fn gzip(text: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(text).expect("memory takes everything");
    encoder.finish().expect("memory takes everything")
}

const PIECES: &[&[u8]] = &[
    b"GET /a HTTP/1.1\r\n",
    b"POST / HTTP/1.0\n",
    b"Host: a\r\n",
    b"Content-Length: 7\r\n",
    b"\r\n",
    b"\n",
    b"Transfer-Encoding: chunked\r\n",
    b"3\r\nabc\r\n",
    b"0\r\n\r\n",
    b"xyz",
    b" fold\r\n",
    b"\x00\xff",
    b"HTTP/1.1 200 OK\r\n",
];

proptest::proptest! {
    #[test]
    fn any_bytes_cut_anyhow_give_the_same(
        pieces in proptest::collection::vec(proptest::sample::select(PIECES), 1..20),
        steps in proptest::collection::vec(1usize..9, 1..9),
    ) {
        let text = pieces.concat();
        for direction in [ToServer, ToClient] {
            let turns = [(ToServer, &b"GET / HTTP/1.1\r\n\r\n"[..]), (direction, &text[..])];
            let expected = whole(80, &turns);
            let found = play(80, &turns, |_, at| steps[at % steps.len()]);
            support::assert_same(&found, &expected, "cut");
        }
    }
}
