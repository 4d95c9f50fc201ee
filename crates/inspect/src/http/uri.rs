//! What does this URI name, however it is written?
//!
//! Follows Snort 3's defaults (`http_inspect`): percent-decoding, twice where the first yields a percent sign again
//! (`iis_double_decode`), overlong UTF-8 folded to ASCII (`utf8`), `\` to `/`, `+` to a space, and in the path dot
//! segments and doubled slashes removed (`simplify_path`). `%uXXXX` stays (`percent_u` is off there too).

use crate::hex::digit;
use crate::span::Span;

/// The parts of a URI (RFC 3986 section 3), as ranges of the buffer it stands in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) scheme: Span,
    pub(crate) host: Span,
    pub(crate) port: Span,
    pub(crate) path: Span,
    pub(crate) query: Span,
    pub(crate) fragment: Span,
}

impl Parts {
    /// Split without decoding: evasions inside a part stay inside it.
    pub(crate) fn of(uri: &[u8]) -> Self {
        let mut parts = Self::default();
        let end = uri.len();
        let fragment = memchr::memchr(b'#', uri).unwrap_or(end);
        let before_fragment = uri.get(..fragment).unwrap_or(uri);
        let query = memchr::memchr(b'?', before_fragment).unwrap_or(fragment);
        let before_query = uri.get(..query).unwrap_or(uri);
        parts.fragment = Span::new(fragment.saturating_add(1).min(end), end);
        parts.query = Span::new(query.saturating_add(1).min(fragment), fragment);
        let path = match memchr::memmem::find(before_query, b"://") {
            Some(at) if before_query.get(..at).is_some_and(is_scheme) => {
                parts.scheme = Span::new(0, at);
                let authority = at.saturating_add(3);
                let rest = before_query.get(authority..).unwrap_or_default();
                let path = memchr::memchr(b'/', rest).map_or(query, |slash| authority.saturating_add(slash));
                (parts.host, parts.port) = host_and_port(uri, Span::new(authority, path));
                path
            }
            _ => 0,
        };
        parts.path = Span::new(path, query);
        parts
    }

    /// The same parts where the buffer they stand in was appended at `base`.
    pub(crate) fn moved(self, base: usize) -> Self {
        Self {
            scheme: self.scheme.moved(base),
            host: self.host.moved(base),
            port: self.port.moved(base),
            path: self.path.moved(base),
            query: self.query.moved(base),
            fragment: self.fragment.moved(base),
        }
    }

    /// A part by Snort's name for it.
    pub(crate) fn named(&self, name: &[u8]) -> Option<Span> {
        let span = match name {
            b"scheme" => self.scheme,
            b"host" => self.host,
            b"port" => self.port,
            b"path" => self.path,
            b"query" => self.query,
            b"fragment" => self.fragment,
            _ => return None,
        };
        (!span.is_empty()).then_some(span)
    }
}

fn is_scheme(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

/// Host and port of an authority; user information is skipped, brackets of an IPv6 address stay.
pub(crate) fn host_and_port(bytes: &[u8], authority: Span) -> (Span, Span) {
    let text = authority.of(bytes);
    let host = memchr::memrchr(b'@', text).map_or(0, |at| at.saturating_add(1));
    let address_end = memchr::memrchr(b']', text).unwrap_or(host);
    let colon = memchr::memrchr(b':', text).filter(|at| *at >= address_end);
    let host_end = colon.unwrap_or(text.len());
    let port = colon.map_or(text.len(), |at| at.saturating_add(1));
    (Span::new(host, host_end).moved(authority.start), Span::new(port, text.len()).moved(authority.start))
}

/// Append the normalised URI to `out` and return its parts there (relative to its start), or none and nothing appended
/// where it is normal already.
pub(crate) fn normalise(uri: &[u8], parts: &Parts, out: &mut Vec<u8>) -> Option<Parts> {
    let path = parts.path.of(uri);
    if memchr::memchr3(b'%', b'+', b'\\', uri).is_none() && !has_odd_segments(path) {
        return None;
    }
    let base = out.len();
    let here = |out: &Vec<u8>| out.len().saturating_sub(base);
    let mut normal = *parts;
    out.extend_from_slice(uri.get(..parts.path.start).unwrap_or_default());
    let start = here(out);
    let decoded = decode(path);
    simplify(&decoded, out);
    normal.path = Span::new(start, here(out));
    for (mark, part, normal_part) in
        [(b'?', parts.query, &mut normal.query), (b'#', parts.fragment, &mut normal.fragment)]
    {
        // An empty query still has its mark.
        if part.start.checked_sub(1).and_then(|at| uri.get(at)) == Some(&mark) {
            out.push(mark);
        }
        let start = here(out);
        out.extend_from_slice(&decode(part.of(uri)));
        *normal_part = Span::new(start, here(out));
    }
    Some(normal)
}

fn has_odd_segments(path: &[u8]) -> bool {
    memchr::memchr_iter(b'/', path).any(|at| matches!(path.get(at.saturating_add(1)), Some(b'/' | b'.')))
        || path.starts_with(b".")
}

/// Percent-decode, fold and substitute.
pub(crate) fn decode(text: &[u8]) -> Vec<u8> {
    let mut once = percent_decode(text);
    // Only a decoded percent sign can make the second pass find more than the first left.
    if memchr::memmem::find(text, b"%25").is_some() {
        once = percent_decode(&once);
    }
    let mut folded = fold_overlong(&once);
    for byte in &mut folded {
        match byte {
            b'\\' => *byte = b'/',
            b'+' => *byte = b' ',
            _ => {}
        }
    }
    folded
}

fn percent_decode(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    // Ends because each turn drops what was copied and the percent sign.
    while let Some(at) = memchr::memchr(b'%', rest) {
        let (before, escape) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        out.extend_from_slice(before);
        rest = match escape {
            [_, high, low, after @ ..] => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => {
                    out.push(high << 4 | low);
                    after
                }
                _ => {
                    out.push(b'%');
                    escape.get(1..).unwrap_or_default()
                }
            },
            _ => {
                out.extend_from_slice(escape);
                &[]
            }
        };
    }
    out.extend_from_slice(rest);
    out
}

/// UTF-8 that is longer than it need be hides ASCII (`%c0%af` is a slash to careless servers): make it ASCII.
fn fold_overlong(text: &[u8]) -> Vec<u8> {
    if !text.iter().any(|byte| matches!(byte, 0xc0 | 0xc1 | 0xe0)) {
        return text.to_vec();
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    // Ends because each arm takes at least one byte.
    loop {
        rest = match rest {
            [lead @ (0xc0 | 0xc1), low @ 0x80..=0xbf, after @ ..] => {
                out.push((lead & 1) << 6 | low & 0x3f);
                after
            }
            [0xe0, middle @ (0x80 | 0x81), low @ 0x80..=0xbf, after @ ..] => {
                out.push((middle & 1) << 6 | low & 0x3f);
                after
            }
            [byte, after @ ..] => {
                out.push(*byte);
                after
            }
            [] => return out,
        };
    }
}

/// Remove `.`, resolve `..`, join slashes (RFC 3986 section 5.2.4, and what file systems do with `//`).
fn simplify(path: &[u8], out: &mut Vec<u8>) {
    let base = out.len();
    let mut segments = path.split(|byte| *byte == b'/').peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            b"." => {}
            b".." => {
                truncate_to_parent(out, base);
            }
            // The empty segment before a leading slash is kept, later ones are doubled slashes.
            b"" if out.len() > base || is_last => {}
            _ => out.extend_from_slice(segment),
        }
        let ends_in_slash = out.len() > base && out.last() == Some(&b'/');
        // Dots at the start of a relative path leave nothing behind, not even a slash.
        let is_nothing = matches!(segment, b"." | b"..") && out.len() == base && !path.starts_with(b"/");
        if !(is_last || ends_in_slash || is_nothing) {
            out.push(b'/');
        }
    }
}

/// Drop the last segment of what was written from `base` on, its own slash kept.
fn truncate_to_parent(out: &mut Vec<u8>, base: usize) {
    let written = out.get(base..).unwrap_or_default();
    let without_slash = written.strip_suffix(b"/").unwrap_or(written);
    let keep = memchr::memrchr(b'/', without_slash).map_or(0, |at| at.saturating_add(1));
    let root = usize::from(written.starts_with(b"/"));
    out.truncate(base.saturating_add(keep.max(root)));
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

    use super::*;

    fn normal(uri: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        match normalise(uri, &Parts::of(uri), &mut out) {
            Some(_) => out,
            None => uri.to_vec(),
        }
    }

    #[test]
    fn evasions_of_a_path_name_the_same_file() {
        for evasion in [
            &b"/cmd.exe"[..],
            b"/%63md%2eexe",
            b"/a/../cmd.exe",
            b"/a/%2e%2e/cmd.exe",
            b"/a%2f..%2fcmd.exe",
            b"//cmd.exe",
            b"/./cmd.exe",
            b"/a/b/../../cmd.exe",
            b"/../../cmd.exe",
            b"\\cmd.exe",
            b"/a\\..\\cmd.exe",
            b"/%2563md.exe",
            b"/x%c0%af..%c0%afcmd.exe",
            b"/x%e0%80%af../cmd.exe",
        ] {
            assert_eq!(normal(evasion), b"/cmd.exe", "{}", evasion.escape_ascii());
        }
    }

    #[test]
    fn what_is_no_evasion_stays() {
        for uri in [
            &b"/"[..],
            b"*",
            b"/a/b.html?x=1",
            b"http://h:80/a/",
            b"/100%",
            b"/%zz",
            b"/%u0041",
            b"/.well-known/x",
            b"",
        ] {
            assert_eq!(normal(uri), uri, "{}", uri.escape_ascii());
        }
    }

    #[test]
    fn query_is_decoded_but_its_dots_and_slashes_stay() {
        assert_eq!(normal(b"/a/./b?f=%2e%2e/..//x+y#%41"), b"/a/b?f=../..//x y#A");
        assert_eq!(normal(b"/a/.?"), b"/a/?");
        assert_eq!(normal(b"/a/.."), b"/");
    }

    #[test]
    fn parts_are_found_in_both_forms() {
        let uri = b"http://user@www.example.com:8080/%61/b?q=%31#f";
        let mut out = Vec::new();
        let parts = normalise(uri, &Parts::of(uri), &mut out).unwrap();
        assert_eq!(out, b"http://user@www.example.com:8080/a/b?q=1#f");
        let named = |name| parts.named(name).map(|span| span.of(&out)).unwrap_or_default();
        assert_eq!(named(b"scheme"), b"http");
        assert_eq!(named(b"host"), b"www.example.com");
        assert_eq!(named(b"port"), b"8080");
        assert_eq!(named(b"path"), b"/a/b");
        assert_eq!(named(b"query"), b"q=1");
        assert_eq!(named(b"fragment"), b"f");
    }
}
