//! Every option about payload fires on what it asks for, and not on the nearest thing that it does not.

mod support;

use kodkod_inspect::{BufferKind, Service};
use kodkod_rules::Dialect;
use support::{Held, fires, fires_on};

/// (options, fires on, near miss)
type Case = (&'static str, &'static [u8], &'static [u8]);

fn check(dialect: Dialect, cases: &[Case]) {
    for (options, payload, near_miss) in cases {
        assert!(fires(dialect, options, payload), "{options} fires on {}", payload.escape_ascii());
        assert!(!fires(dialect, options, near_miss), "{options} is silent on {}", near_miss.escape_ascii());
    }
}

#[test]
fn content_and_its_places() {
    check(
        Dialect::Snort3,
        &[
            (r#"content:"abc";"#, b"xxabcxx", b"xxabxcx"),
            (r#"content:"abc",nocase;"#, b"xABCx", b"xABx"),
            (r#"content:"ABC";"#, b"ABC", b"abc"),
            (r#"content:"|00 01|a|0d|";"#, b"\x00\x01a\r", b"\x00\x01a\n"),
            (r#"content:"abc",offset 2;"#, b"xxabc", b"xabcx"),
            (r#"content:"abc",depth 4;"#, b"xabc", b"xxabc"),
            (r#"content:"abc",offset 2,depth 3;"#, b"xxabcx", b"xxxabc"),
            (r#"content:"a"; content:"b",distance 2;"#, b"axxb", b"axb"),
            (r#"content:"a"; content:"b",within 2;"#, b"axb", b"axxb"),
            (r#"content:"a"; content:"b",distance 1,within 1;"#, b"axb", b"ab"),
            (r#"content:"abc"; content:"ab",distance -3;"#, b"abc", b"xabxc"),
            (r#"content:"a"; content:!"b",within 3;"#, b"axxxb", b"axbx"),
            (r#"content:"a"; content:!"b";"#, b"ac", b"ab"),
            (r#"content:!"b"; content:"a";"#, b"aa", b"ba"),
        ],
    );
}

#[test]
fn a_later_option_makes_an_earlier_one_look_again() {
    check(
        Dialect::Snort3,
        &[
            (r#"content:"a"; content:"b",within 1;"#, b"aaaab", b"aaaaxb"),
            (r#"content:"a"; content:"b",distance 0; content:"c",within 1;"#, b"axbxbc", b"axbxbxc"),
            (r#"content:"len="; byte_test:1,>,5,0,relative;"#, b"len=\x01 len=\x09", b"len=\x01 len=\x02"),
            (r#"pcre:"/k\d/"; content:"z",within 1;"#, b"k1a k2z", b"k1a k2az"),
            (
                r#"content:"a"; byte_extract:1,0,n,relative; content:"b",within 1,distance n;"#,
                b"a\x05 a\x02xxb",
                b"a\x05 a\x02xb",
            ),
        ],
    );
}

#[test]
fn old_dialects_put_modifiers_behind() {
    for dialect in [Dialect::Snort2, Dialect::Suricata] {
        check(
            dialect,
            &[
                (r#"content:"abc"; nocase; depth:4;"#, b"xABC", b"xxABC"),
                (r#"content:"a"; content:"b"; distance:1; within:1;"#, b"axb", b"axxb"),
                (r#"content:"abc"; rawbytes;"#, b"abc", b"abd"),
            ],
        );
    }
    check(
        Dialect::Suricata,
        &[
            (r#"content:"abc"; startswith;"#, b"abcx", b"xabc"),
            (r#"content:"abc"; endswith;"#, b"xabc", b"abcx"),
            (r#"content:"abc"; endswith; nocase;"#, b"xabcABC", b"xabcABCx"),
            (r#"content:"abc"; bsize:3; fast_pattern;"#, b"abc", b"abcd"),
        ],
    );
}

#[test]
fn expressions() {
    check(
        Dialect::Snort3,
        &[
            (r#"pcre:"/a.c/";"#, b"abc", b"a\nc"),
            (r#"pcre:"/a.c/s";"#, b"a\nc", b"ac"),
            (r#"pcre:"/ABC/i";"#, b"abc", b"ab"),
            (r#"pcre:"/^b$/m";"#, b"a\nb\nc", b"a\nbb\nc"),
            (r#"pcre:"/a b c/x";"#, b"abc", b"a b c"),
            (r#"pcre:"/abc/A";"#, b"abcx", b"xabc"),
            (r#"pcre:"/abc$/E";"#, b"abc", b"abc\n"),
            (r#"content:"k="; pcre:"/^\d+/R";"#, b"k=12", b"k=a 12"),
            (r#"content:"x"; pcre:!"/secret/";"#, b"x open", b"x secret"),
            (r#"content:"x"; pcre:"/(a+)b\1c/";"#, b"x aabaac", b"x aabbc"),
            (r#"pcre:"/<a.*>/G"; content:"b",within 1;"#, b"<a>b>", b"<a>cb"),
        ],
    );
}

#[test]
fn an_expression_that_never_ends_is_given_up() {
    let payload = [b"a".repeat(5000), b"!".to_vec()].concat();
    assert!(!fires(Dialect::Snort3, r#"pcre:"/(a+)+$/";"#, &payload));
}

#[test]
fn numbers() {
    check(
        Dialect::Snort3,
        &[
            ("byte_test:2,>,258,0;", b"\x01\x03", b"\x01\x02"),
            ("byte_test:2,<,258,0;", b"\x01\x01", b"\x01\x02"),
            ("byte_test:2,=,258,0,little;", b"\x02\x01", b"\x01\x02"),
            ("byte_test:2,!=,258,0;", b"\x02\x01", b"\x01\x02"),
            ("byte_test:1,&,0x80,1;", b"\x00\x81", b"\x81\x01"),
            ("byte_test:1,!&,0x80,0;", b"\x01", b"\x81"),
            ("byte_test:1,^,5,0;", b"\x04", b"\x05"),
            ("byte_test:1,>=,5,0;", b"\x05", b"\x04"),
            ("byte_test:1,<=,5,0;", b"\x05", b"\x06"),
            ("byte_test:5,>,256,0,string,dec;", b"00257", b"00256"),
            ("byte_test:4,=,255,0,string,hex;", b"00ff", b"00fe"),
            ("byte_test:3,=,8,0,string,oct;", b"010", b"011"),
            ("byte_test:1,=,0x0f,0,bitmask 0xf0;", b"\xf3", b"\xe3"),
            ("byte_test:4,=,1,0;", b"\0\0\0\x01", b"\0\0\x01"),
            (r#"content:"a"; byte_test:1,=,7,-2,relative;"#, b"\x07a", b"\x06a"),
            (r#"byte_jump:1,0; content:"b",within 1;"#, b"\x02xxb", b"\x02xb"),
            (r#"content:"L"; byte_jump:2,0,relative,little; content:"b",within 1;"#, b"L\x01\x00xb", b"L\x00\x01xb"),
            (r#"byte_jump:1,0,align; content:"b",within 1;"#, b"\x01xxxxb", b"\x01xb"),
            (r#"byte_jump:1,0,multiplier 2; content:"b",within 1;"#, b"\x01xxb", b"\x01xb"),
            (r#"byte_jump:1,1,from_beginning; content:"b",within 1;"#, b"x\x03xb", b"x\x02xb"),
            (r#"byte_jump:1,0,post_offset -1; content:"b",within 1;"#, b"\x02xbx", b"\x02xxb"),
            (r#"byte_jump:1,0,from_end,post_offset -3; content:"b",within 1;"#, b"\x00xxbxx", b"\x00xxxbx"),
        ],
    );
}

#[test]
fn remembered_numbers() {
    check(
        Dialect::Snort3,
        &[
            ("byte_extract:1,0,n; byte_test:1,=,n,1;", b"\x07\x07", b"\x07\x08"),
            (r#"byte_extract:1,0,n; content:"b",offset n;"#, b"\x03xxb", b"\x03xbx"),
            (r#"byte_extract:1,0,n,multiplier 2; content:"b",offset n;"#, b"\x02xxxb", b"\x02xbxx"),
            ("byte_extract:1,0,n; isdataat:!n;", b"\x03xx", b"\x03xxx"),
            (
                r#"byte_math:bytes 1,offset 0,oper +,rvalue 1,result m; content:"b",offset m,depth 1;"#,
                b"\x02xxb",
                b"\x02xbx",
            ),
            ("byte_math:bytes 1,offset 0,oper /,rvalue 2,result m; byte_test:1,=,m,1;", b"\x08\x04", b"\x08\x05"),
            ("byte_math:bytes 1,offset 0,oper <<,rvalue 2,result m; byte_test:1,=,m,1;", b"\x02\x08", b"\x02\x04"),
            ("byte_math:bytes 1,offset 0,oper -,rvalue 1,result m; byte_test:1,=,m,1;", b"\x01\x00", b"\x00\xff"),
        ],
    );
}

#[test]
fn lengths() {
    check(
        Dialect::Snort3,
        &[
            ("isdataat:3;", b"abcd", b"abc"),
            ("isdataat:!3;", b"abc", b"abcd"),
            (r#"content:"a"; isdataat:1,relative;"#, b"axx", b"ax"),
            (r#"content:"a"; isdataat:!1,relative;"#, b"ax", b"axx"),
            ("pkt_data; bufferlen:3;", b"abc", b"abcd"),
            ("pkt_data; bufferlen:>3;", b"abcd", b"abc"),
            ("pkt_data; bufferlen:2<=>3;", b"abc", b"abcd"),
            (r#"content:"a"; bufferlen:2,relative;"#, b"xaxx", b"xax"),
        ],
    );
    // Suricata counts up to the end, so the end itself is reached by 1.
    check(
        Dialect::Suricata,
        &[
            (r#"content:"a"; isdataat:!1,relative;"#, b"xa", b"xax"),
            (r#"content:"a"; isdataat:1,relative;"#, b"xax", b"xa"),
        ],
    );
}

#[test]
fn decoded_bytes() {
    check(
        Dialect::Snort3,
        &[
            (r#"content:"k:"; base64_decode:relative; base64_data; content:"hello";"#, b"k:aGVsbG8=", b"k:aGVsbA=="),
            (r#"base64_decode:bytes 8,offset 1; base64_data; content:"hello";"#, b"xaGVsbG8=", b"aGVsbG8="),
            (
                r#"ber_data:0x30; ber_skip:0x02,optional; ber_data:0x04; content:"z",within 1;"#,
                b"\x30\x06\x02\x01\x07\x04\x01z",
                b"\x30\x06\x02\x01\x07\x05\x01z",
            ),
            ("ber_data:0x30; ber_skip:0x02; ber_data:0x04;", b"\x30\x05\x02\x01\x07\x04\x00", b"\x30\x02\x04\x00"),
            (r#"md5:"900150983cd24fb0d6963f7d28e17f72",length 3;"#, b"abcx", b"abdx"),
            (
                r#"sha256:"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",length 3,offset 1;"#,
                b"xabc",
                b"abcx",
            ),
            (r#"content:"h"; md5:!"900150983cd24fb0d6963f7d28e17f72",length 3,relative;"#, b"habd", b"habc"),
        ],
    );
}

#[test]
fn facts_read_from_payload() {
    let hello: &[u8] = b"\x16\x03\x01\x00\x10\x02\x00\x00\x0c\x03\x03xx";
    let other: &[u8] = b"\x16\x03\x01\x00\x10\x01\x00\x00\x0c\x03\x03xx";
    check(
        Dialect::Snort3,
        &[
            ("ssl_state:server_hello;", hello, other),
            ("ssl_state:client_hello;", other, hello),
            ("ssl_version:tls1.2;", hello, b"\x16\x03\x01\x00\x10\x02\x00\x00\x0c\x03\x01xx"),
            ("ssl_version:!tls1.2;", b"\x16\x03\x01\x00\x10\x02\x00\x00\x0c\x03\x01xx", hello),
            (r#"content:"PORT"; ftpbounce;"#, b"PORT 10,0,0,9,4,1\r\n", b"PORT 10,0,0,1,4,1\r\n"),
        ],
    );
}

#[test]
fn buffers_and_their_parts() {
    use BufferKind as K;
    let request = |uri: &[u8], headers: &[u8]| {
        let mut held = Held::of(&[
            (K::PktData, b"raw"),
            (K::HttpMethod, b"GET"),
            (K::HttpUri, uri),
            (K::HttpRawUri, uri),
            (K::HttpHeader, headers),
            (K::HttpRawHeader, headers),
            (K::HttpVersion, b"HTTP/1.0"),
            (K::HttpRawRequest, b"GET / HTTP/1.0"),
        ]);
        held.fields.push((K::HttpHeader, "user-agent", headers.to_vec()));
        held.fields.push((K::HttpParam, "id", uri.to_vec()));
        held
    };
    for (dialect, options, uri, headers, near_uri, near_headers) in [
        (Dialect::Snort3, r#"http_uri; content:"/a";"#, "/a", "h", "/b", "/a"),
        (Dialect::Snort3, r#"http_uri; content:"a"; http_header; content:"b";"#, "a", "b", "ab", "a"),
        (Dialect::Snort3, r#"http_uri; content:"a"; http_uri; content:"b",distance 0;"#, "ba", "", "ac", ""),
        (Dialect::Snort3, r#"http_header:field user-agent; content:"bot";"#, "", "bot", "bot", "b"),
        (Dialect::Snort3, r#"http_param:"id"; content:"7",depth 1;"#, "7", "", "17", ""),
        (Dialect::Snort3, r#"http_uri; bufferlen:2; http_version_match:"1.0";"#, "ab", "", "abc", ""),
        (Dialect::Snort3, "http_num_headers:2;", "", "A: 1\r\nB: 2\r\n", "", "A: 1\r\n"),
        (Dialect::Snort2, r#"content:"a"; http_uri; content:"b"; http_header;"#, "a", "b", "ab", "a"),
        (Dialect::Snort2, r#"content:"a"; http_uri; pcre:"/^b/H";"#, "a", "b", "a", "ab"),
        (Dialect::Snort2, "urilen:2;", "ab", "", "abc", ""),
        (Dialect::Snort2, r#"uricontent:"a";"#, "a", "", "b", "a"),
        (Dialect::Suricata, r#"http.uri; content:"a"; http.header; content:"b";"#, "a", "b", "ab", "a"),
        (Dialect::Suricata, r#"http.user_agent; content:"bot"; bsize:3;"#, "", "bot", "", "bots"),
        (
            Dialect::Suricata,
            r#"http.uri; content:"a"; http.header; content:"h"; http.uri; content:"b"; distance:0;"#,
            "ab",
            "h",
            "ba",
            "h",
        ),
        (Dialect::Suricata, r#"http.uri; dotprefix; content:".a.b"; endswith;"#, "a.b", "", "xa.b", ""),
        (Dialect::Suricata, r#"http.uri; to_lowercase; content:"abc";"#, "ABC", "", "ABD", ""),
        (
            Dialect::Suricata,
            r#"http.header_names; content:"|0d 0a|Host|0d 0a 0d 0a|";"#,
            "",
            "Host: a\r\n",
            "",
            "Host: a\r\nB: c\r\n",
        ),
        (
            Dialect::Suricata,
            r#"http.start; content:"HTTP/1.0|0d 0a|Host";"#,
            "",
            "Host: a\r\n",
            "",
            "B: c\r\nHost: a\r\n",
        ),
        (
            Dialect::Suricata,
            r#"content:"a"; http_uri; content:"b"; http_header; content:!"c"; http_uri;"#,
            "a",
            "b",
            "ac",
            "b",
        ),
    ] {
        let held = request(uri.as_bytes(), headers.as_bytes());
        assert!(fires_on(dialect, options, Service::Http, &held), "{options} fires on {uri} {headers}");
        let near = request(near_uri.as_bytes(), near_headers.as_bytes());
        assert!(!fires_on(dialect, options, Service::Http, &near), "{options} is silent on {near_uri} {near_headers}");
    }
}

#[test]
fn a_buffer_that_is_not_there_never_matches() {
    let held = Held::payload(b"abc");
    assert!(!fires_on(Dialect::Snort3, r#"http_uri; content:!"x";"#, Service::Http, &held));
}
