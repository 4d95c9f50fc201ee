//! Are commands cut at lines and the files in messages found, in each mail protocol?

mod support;

use kodkod_inspect::BufferKind::{FileData, PktData};
use kodkod_stream::Direction::{ToClient, ToServer};
use support::{Recorder, Seen, cut_everywhere, every_prefix};

const MESSAGE: &[u8] = b"Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhello\r\n--b\r\n\
Content-Transfer-Encoding: base64\r\n\r\nRUlDQVI=\r\n--b--\r\n";

fn files(seen: &Recorder) -> Vec<String> {
    let is_file = |pdu: &&Seen| !pdu.bytes(FileData).is_empty();
    seen.pdus.iter().filter(is_file).map(|pdu| pdu.text(FileData)).collect()
}

fn packets(seen: &Recorder, direction: kodkod_stream::Direction) -> Vec<String> {
    let is_packet = |pdu: &&Seen| pdu.direction == direction && !pdu.bytes(PktData).is_empty();
    seen.pdus.iter().filter(is_packet).map(|pdu| pdu.text(PktData)).collect()
}

#[test]
fn smtp_commands_are_lines_and_a_message_is_one_piece() {
    let data = [MESSAGE, b".\r\nQUIT\r\n"].concat();
    let turns = [
        (ToClient, &b"220 mx ESMTP\r\n"[..]),
        (ToServer, b"HELO a\r\nMAIL FROM:<a>\r\nDATA\r\n"),
        (ToClient, b"250 a\r\n250 b\r\n354 go\r\n"),
        (ToServer, &data),
        (ToClient, b"250 done\r\n"),
    ];
    let seen = cut_everywhere(25, &turns);
    every_prefix(25, &turns[..4]);
    assert!(seen.pdus.iter().all(|pdu| pdu.service == "smtp"));
    assert_eq!(files(&seen), [r"hello\r\n", "EICAR"]);
    let said = packets(&seen, ToServer);
    assert_eq!(said[..3], [r"HELO a\r\n", r"MAIL FROM:<a>\r\n", r"DATA\r\n"]);
    assert_eq!(said[3], format!(r"{}.\r\n", MESSAGE.escape_ascii()));
    assert_eq!(said[4..], [r"QUIT\r\n"]);
}

#[test]
fn a_refused_message_is_none() {
    let turns = [
        (ToClient, &b"220 mx ESMTP\r\n"[..]),
        (ToServer, b"DATA\r\n"),
        (ToClient, b"503 no\r\n"),
        (ToServer, b"HELO a\r\nQUIT\r\n"),
    ];
    let seen = cut_everywhere(25, &turns);
    assert_eq!(packets(&seen, ToServer), [r"DATA\r\n", r"HELO a\r\n", r"QUIT\r\n"]);
    assert!(files(&seen).is_empty());
}

#[test]
fn pop3_brings_messages_in_answers() {
    let answer = [b"+OK here\r\n", MESSAGE, b".\r\n"].concat();
    let turns = [
        (ToClient, &b"+OK ready\r\n"[..]),
        (ToServer, b"RETR 1\r\n"),
        (ToClient, &answer),
        (ToServer, b"QUIT\r\n"),
        (ToClient, b"+OK bye\r\n"),
    ];
    let seen = cut_everywhere(110, &turns);
    every_prefix(110, &turns[..3]);
    assert_eq!(files(&seen), [r"hello\r\n", "EICAR"]);
    assert_eq!(packets(&seen, ToClient).last().map(String::as_str), Some(r"+OK bye\r\n"));
}

#[test]
fn imap_counts_its_literals() {
    let fetched = format!("* 1 FETCH (RFC822 {{{}}}\r\n", MESSAGE.len());
    let answer = [fetched.as_bytes(), MESSAGE, b")\r\na2 OK done\r\n"].concat();
    let turns = [
        (ToClient, &b"* OK IMAP4rev1\r\n"[..]),
        (ToServer, b"a2 FETCH 1 RFC822\r\n"),
        (ToClient, &answer),
        (ToServer, b"a3 LOGOUT\r\n"),
    ];
    let seen = cut_everywhere(143, &turns);
    every_prefix(143, &turns[..3]);
    assert_eq!(files(&seen), [r"hello\r\n", "EICAR"]);
    assert_eq!(packets(&seen, ToClient).last().map(String::as_str), Some(r")\r\na2 OK done\r\n"));
}

#[test]
fn starttls_hands_over() {
    let hello = [&[22u8, 3, 1, 0, 4][..], &[1, 0, 0, 0]].concat();
    for (port, greeting, ask, grant) in [
        (25, "220 mx ESMTP\r\n", "STARTTLS\r\n", "220 go\r\n"),
        (110, "+OK ready\r\n", "STLS\r\n", "+OK go\r\n"),
        (143, "* OK ready\r\n", "a1 STARTTLS\r\n", "a1 OK go\r\n"),
        (21, "220 ftp\r\n", "AUTH TLS\r\n", "234 go\r\n"),
    ] {
        let turns = [
            (ToClient, greeting.as_bytes()),
            (ToServer, ask.as_bytes()),
            (ToClient, grant.as_bytes()),
            (ToServer, &hello[..]),
        ];
        let seen = cut_everywhere(port, &turns);
        assert_eq!(seen.pdus.last().map(|pdu| pdu.service), Some("tls"), "{greeting}");
        assert_eq!(packets(&seen, ToClient), [greeting, grant].map(|text| text.escape_default().to_string()));
    }
}

#[test]
fn ftp_commands_are_lines() {
    let turns =
        [(ToClient, &b"220 ready\r\n"[..]), (ToServer, b"USER a\r\nPASS b\r\n"), (ToClient, b"331 x\r\n230 y\r\n")];
    let seen = cut_everywhere(21, &turns);
    assert_eq!(packets(&seen, ToServer), [r"USER a\r\n", r"PASS b\r\n"]);
    assert!(seen.pdus.iter().all(|pdu| pdu.service == "ftp"));
}

#[test]
fn ftp_announces_its_data_channels() {
    use kodkod_inspect::{DataChannel, Service, Transaction};
    let address = |text: &str| Some(text.parse().expect("an address"));
    let cases = [
        (ToClient, "227 Entering Passive Mode (192,0,2,7,19,137).\r\n", address("192.0.2.7"), 5001),
        (ToClient, "229 Entering Extended Passive Mode (|||6446|)\r\n", None, 6446),
        (ToServer, "PORT 192,0,2,8,4,1\r\n", address("192.0.2.8"), 1025),
        (ToServer, "EPRT |2|2001:db8::1|5282|\r\n", address("2001:db8::1"), 5282),
    ];
    for (listener, line, address, port) in cases {
        let seen = cut_everywhere(21, &[(ToClient, b"220 ftp\r\n"), (listener, line.as_bytes())]);
        let channel = DataChannel { service: Service::FtpData, listener, address, port };
        assert_eq!(seen.facts, [Transaction::DataChannel(channel)], "{line}");
        every_prefix(21, &[(ToClient, b"220 ftp\r\n"), (listener, line.as_bytes())]);
    }
}

#[test]
fn an_expected_stream_is_a_file() {
    use kodkod_inspect::{Conversation, Input, Limits, Service};
    let mut conversation = Conversation::expected(Service::FtpData, &Limits::default());
    let mut recorder = Recorder::default();
    conversation.on_stream(ToClient, Input::Data(b"GET / HTTP/1.1 is but text here"), &mut recorder);
    conversation.on_stream(ToClient, Input::End, &mut recorder);
    assert_eq!((recorder.pdus[0].service, recorder.pdus[0].text(FileData).len()), ("ftp-data", 31));
}
