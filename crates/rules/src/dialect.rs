//! Which of the three languages is a rule file written in?

/// A rule language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// Snort 3: options with arguments after commas (`content:"a",nocase`), sticky buffers.
    Snort3,
    /// Snort 2.9: modifiers as options of their own (`content:"a"; nocase; http_uri;`).
    Snort2,
    /// Suricata: dotted sticky buffers, application protocols in the header.
    Suricata,
}

impl Dialect {
    /// The spelling of the command line: `snort3`, `snort2`, `suricata`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Snort3 => "snort3",
            Self::Snort2 => "snort2",
            Self::Suricata => "suricata",
        }
    }

    /// The dialect of that spelling.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Snort3, Self::Snort2, Self::Suricata].into_iter().find(|dialect| dialect.name() == name)
    }

    /// Tell the dialect of a whole file by what only one language says; a tie is Snort 3.
    ///
    /// Looks at [`WINDOWS`] windows spread over the file, because big sets keep their oldest rules, in the oldest style,
    /// together; telling must not cost more than reading.
    #[must_use]
    pub fn of(text: &[u8]) -> Self {
        let count = |words: &[&[u8]]| -> usize {
            let windows = windows(text);
            windows.flat_map(|window| words.iter().map(|word| memchr::memmem::find_iter(window, word).count())).sum()
        };
        let (suricata, snort3, snort2) = (count(SURICATA_WORDS), count(SNORT3_WORDS), count(SNORT2_WORDS));
        if suricata > snort3 {
            Self::Suricata
        } else if snort3 == 0 && count(SURICATA_HEADERS) > 0 {
            // Suricata shares the old modifiers; application protocols before addresses are its own.
            Self::Suricata
        } else if snort2 > snort3 {
            Self::Snort2
        } else {
            Self::Snort3
        }
    }
}

const WINDOWS: usize = 16;
const WINDOW_BYTES: usize = 16 * 1024;

fn windows(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let step = (text.len() / WINDOWS).max(WINDOW_BYTES);
    text.chunks(step).map(|chunk| chunk.get(..WINDOW_BYTES).unwrap_or(chunk))
}

/// With their semicolon or colon these stand in no rule of the other dialects.
const SURICATA_WORDS: &[&[u8]] = &[
    b"http.uri;",
    b"http.method;",
    b"http.header;",
    b"http.host;",
    b"http.user_agent;",
    b"http.request_body;",
    b"http.stat_code;",
    b"http.header_names;",
    b"http.content_type;",
    b"http.protocol;",
    b"http.request_line;",
    b"http.response_body;",
    b"to_lowercase;",
    b"url_decode;",
    b"compress_whitespace;",
    b"strip_whitespace;",
    b"tls_cert_",
    b"dns.query;",
    b"dns_query;",
    b"tls.sni;",
    b"tls_sni;",
    b"tls.cert_subject;",
    b"file.data;",
    b"ja3_hash;",
    b"ja3.hash;",
    b" bsize:",
    b"startswith;",
    b"endswith;",
    b"dotprefix;",
    b" app-layer-",
    b" xbits:",
    b" flowint:",
];

const SURICATA_HEADERS: &[&[u8]] = &[
    b"alert http $",
    b"alert http any",
    b"alert http [",
    b"alert tls ",
    b"alert dns ",
    b"alert smb ",
    b"alert tcp-pkt ",
];

const SNORT3_WORDS: &[&[u8]] = &[
    b"\",nocase",
    b"\",fast_pattern",
    b"\",depth",
    b"\",offset",
    b"\",distance",
    b"\",within",
    b"\", nocase",
    b"\", fast_pattern",
    b"\", depth",
    b"\", offset",
    b"\", distance",
    b"\", within",
    b" bufferlen:",
    b" service:",
    b";service:",
    b"raw_data;",
    b"alert http (",
    b"alert http\n",
    b"http_header:field",
    b"http_header: field",
];

const SNORT2_WORDS: &[&[u8]] = &[
    b" nocase;",
    b";nocase;",
    b" depth:",
    b";depth:",
    b" offset:",
    b";offset:",
    b" distance:",
    b";distance:",
    b" within:",
    b";within:",
    b" fast_pattern;",
    b" fast_pattern:",
    b"metadata:service",
    b", service ",
    b" urilen:",
    b" uricontent:",
    b" rawbytes;",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_rule_tells() {
        for (text, dialect) in [
            (r#"alert tcp any any -> any 80 (content:"a",nocase; sid:1;)"#, Dialect::Snort3),
            (r#"alert tcp any any -> any 80 (content:"a"; nocase; http_uri; sid:1;)"#, Dialect::Snort2),
            (r#"alert http any any -> any any (http.uri; content:"a"; nocase; sid:1;)"#, Dialect::Suricata),
            (r#"alert http any any -> any any (content:"a"; nocase; http_uri; sid:1;)"#, Dialect::Suricata),
            (r#"alert http ( http_uri; content:"a"; sid:1; )"#, Dialect::Snort3),
            ("alert icmp any any -> any any (itype:8; sid:1;)", Dialect::Snort3),
        ] {
            assert_eq!(Dialect::of(text.as_bytes()), dialect, "{text}");
        }
    }

    #[test]
    fn new_rules_behind_many_old_ones_tell() {
        let old = r#"alert tcp any any -> any 80 (content:"a"; nocase; http_uri; sid:1;)"#.to_owned()
            + "
";
        let new = r#"alert http any any -> any any (http.uri; content:"a"; sid:1;)"#.to_owned()
            + "
";
        assert_eq!(Dialect::of((old.repeat(10_000) + &new.repeat(10_000)).as_bytes()), Dialect::Suricata);
    }
}
