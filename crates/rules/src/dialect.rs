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

    /// Tell the dialect of a whole file by what only one language says; every word votes, a tie is Snort 3.
    ///
    /// Looks at the first 256 KiB only: files are not mixed, and telling must not cost more than reading.
    #[must_use]
    pub fn of(text: &[u8]) -> Self {
        let sample = text.get(..256 * 1024).unwrap_or(text);
        let count = |words: &[&[u8]]| -> usize {
            words.iter().map(|word| memchr::memmem::find_iter(sample, word).count()).sum()
        };
        let suricata = count(SURICATA_WORDS);
        let snort3 = count(SNORT3_WORDS);
        let snort2 = count(SNORT2_WORDS);
        // Suricata shares its modifiers with Snort 2.9, so its own words outweigh them.
        if suricata > 0 && suricata * 20 >= snort2 && suricata * 4 > snort3 {
            Self::Suricata
        } else if snort2 > snort3 {
            Self::Snort2
        } else {
            Self::Snort3
        }
    }
}

const SURICATA_WORDS: &[&[u8]] = &[
    b"http.",
    b"dns.query",
    b"dns_query",
    b"tls.",
    b"tls_sni",
    b"file.data",
    b"ja3",
    b"bsize:",
    b"startswith;",
    b"endswith;",
    b"dotprefix",
    b"app-layer-",
    b"alert tls ",
    b"alert dns ",
    b"alert smb ",
    b"tcp-pkt",
    b"xbits:",
    b"flowint:",
    b"http_user_agent;",
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
    b"bufferlen:",
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
    b"urilen:",
    b"uricontent:",
    b"rawbytes;",
];
