//! A file → rule texts; a rule text → header and options. Knows where, not what.

use crate::{Dialect, MAX_OPTIONS, MAX_RULE_BYTES, Reason};

/// Most lines that one Snort 3 rule may run over without backslashes.
const MAX_RULE_LINES: usize = 400;

/// One rule text in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RuleText<'t> {
    /// From the first character of its first line; continued lines joined as they are.
    pub(crate) text: &'t [u8],
    /// Line of its start, from 1.
    pub(crate) line: u32,
}

/// Cut a file into rule texts: comments, empty lines and commented-out rules are left out.
pub(crate) fn rule_texts(file: &[u8], dialect: Dialect) -> Vec<RuleText<'_>> {
    let mut found = Vec::new();
    let (mut at, mut line) = (0, 1_u32);
    let mut in_comment = false;
    while at < file.len() {
        let start = at;
        let first_line = line;
        let mut end = line_end(file, at);
        let head = file[start..end].trim_ascii_start();
        if in_comment || head.starts_with(b"/*") {
            in_comment = !contains(head, b"*/");
            (at, line) = (end + 1, line + 1);
            continue;
        }
        line += 1;
        if head.is_empty() || head.starts_with(b"#") {
            at = end + 1;
            continue;
        }
        while file[start..end].trim_ascii_end().ends_with(b"\\") && end < file.len() {
            end = line_end(file, end + 1);
            line += 1;
        }
        if dialect == Dialect::Snort3 && !is_closed(&file[start..end]) {
            if let Some((closed_end, lines)) = closing_line(file, start, end) {
                end = closed_end;
                line += lines;
            }
        }
        found.push(RuleText { text: &file[start..end], line: first_line });
        at = end + 1;
    }
    found
}

fn line_end(file: &[u8], from: usize) -> usize {
    let rest = file.get(from..).unwrap_or_default();
    from + memchr::memchr(b'\n', rest).unwrap_or(rest.len())
}

fn contains(text: &[u8], what: &[u8]) -> bool {
    memchr::memmem::find(text, what).is_some()
}

fn is_closed(text: &[u8]) -> bool {
    let text = text.trim_ascii_end();
    text.ends_with(b")") || !text.contains(&b'(') && !opens_service_rule(text)
}

/// `alert http` with the parenthesis on the next line.
fn opens_service_rule(text: &[u8]) -> bool {
    text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).count() <= 2
}

/// Snort 3 lets a rule run on until its parenthesis closes. A line that starts another rule ends the search.
fn closing_line(file: &[u8], start: usize, mut end: usize) -> Option<(usize, u32)> {
    for lines in 1..=MAX_RULE_LINES {
        if end >= file.len() || end - start > MAX_RULE_BYTES {
            return None;
        }
        let next = end + 1;
        end = line_end(file, next);
        let head = file[next..end].trim_ascii_start();
        if crate::ast::Action::ALL.iter().any(|(action, _)| {
            head.strip_prefix(action.as_bytes()).is_some_and(|rest| rest.first().is_some_and(u8::is_ascii_whitespace))
        }) {
            return None;
        }
        if file[start..end].trim_ascii_end().ends_with(b")") {
            return Some((end, u32::try_from(lines).unwrap_or(u32::MAX)));
        }
    }
    None
}

/// One option as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OptionText<'t> {
    pub(crate) name: &'t [u8],
    /// Trimmed; none where no colon follows the name.
    pub(crate) value: Option<&'t [u8]>,
    /// Offset of the name in the rule's text.
    pub(crate) at: usize,
    /// Offset behind the value.
    pub(crate) end: usize,
}

/// Cut a rule into its header and its options.
pub(crate) fn parts(text: &[u8], dialect: Dialect) -> Result<(&[u8], Vec<OptionText<'_>>), Reason> {
    if text.len() > MAX_RULE_BYTES {
        return Err(Reason::fatal(
            "too-long",
            1,
            format!("the rule has {} bytes; at most {MAX_RULE_BYTES} are read", text.len()),
        ));
    }
    let open = memchr::memchr(b'(', text)
        .ok_or_else(|| Reason::fatal("syntax", column(text.len()), "the options, in parentheses, are missing"))?;
    let header = &text[..open];
    let mut options = Vec::with_capacity(16);
    let mut at = open + 1;
    loop {
        at += blanks(&text[at..]);
        match text.get(at) {
            None => return Err(Reason::fatal("syntax", column(text.len()), "the rule is not closed by `)`")),
            Some(b')') => break,
            Some(b';') => at += 1,
            Some(_) => {
                let option = option(text, at, dialect)?;
                at = option.end + usize::from(text.get(option.end) == Some(&b';'));
                options.push(option);
            }
        }
        if options.len() > MAX_OPTIONS {
            return Err(Reason::fatal("too-many-options", column(at), format!("more than {MAX_OPTIONS} options")));
        }
    }
    let rest = text[at + 1..].trim_ascii();
    if !rest.is_empty() && !rest.starts_with(b"#") {
        return Err(Reason::fatal("syntax", column(at + 2), "something follows the closing `)`"));
    }
    Ok((header, options))
}

/// Columns start at 1.
pub(crate) fn column(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX - 1) + 1
}

/// Blanks, and a backslash that continues a line.
fn blanks(text: &[u8]) -> usize {
    let mut at = 0;
    loop {
        match text.get(at) {
            Some(byte) if byte.is_ascii_whitespace() => at += 1,
            Some(b'\\') if matches!(text.get(at + 1), Some(b'\n' | b'\r')) => at += 1,
            _ => return at,
        }
    }
}

fn option(text: &[u8], at: usize, dialect: Dialect) -> Result<OptionText<'_>, Reason> {
    let end = option_end(text, at, dialect)
        .or_else(|| (dialect == Dialect::Snort3).then(|| last_option_end(text, at)).flatten())
        .ok_or_else(|| Reason::fatal("syntax", column(at), "the option is not closed by `;`"))?;
    let whole = &text[at..end];
    let (name, value) = match memchr::memchr(b':', whole) {
        Some(colon) => (whole[..colon].trim_ascii(), Some(whole[colon + 1..].trim_ascii())),
        None => (whole.trim_ascii(), None),
    };
    if name.is_empty() || !name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-')) {
        return Err(Reason::fatal("syntax", column(at), "an option starts with its name"));
    }
    Ok(OptionText { name, value, at, end })
}

/// The `;` that ends an option. A backslash takes the meaning from the next character; in Snort 3 double quotes do so
/// with all between them. The old dialects take a bare quote for itself, so there quotes must not count.
fn option_end(text: &[u8], at: usize, dialect: Dialect) -> Option<usize> {
    let quotes_count = dialect == Dialect::Snort3;
    let mut is_quoted = false;
    let mut from = at;
    loop {
        let found = from + memchr::memchr3(b';', b'\\', b'"', text.get(from..)?)?;
        match text[found] {
            b'\\' => from = found + 2,
            b'"' => {
                if quotes_count {
                    is_quoted = if is_quoted { !closes(&text[found + 1..]) } else { opens(&text[at..found]) };
                }
                from = found + 1;
            }
            _ if is_quoted => from = found + 1,
            _ => return Some(found),
        }
    }
}

/// Snort 3 takes a last option without its `;`: it ends before the `)` that ends the rule.
fn last_option_end(text: &[u8], at: usize) -> Option<usize> {
    let whole = text.trim_ascii_end();
    let end = whole.len().checked_sub(1)?;
    (whole.ends_with(b")") && end > at && !whole[at..end].contains(&b'"')).then_some(end)
}

/// A quote opens a text where an argument may start.
fn opens(before: &[u8]) -> bool {
    matches!(before.trim_ascii_end().last(), Some(b':' | b'!' | b','))
}

/// A quote closes a text where the argument may end.
fn closes(after: &[u8]) -> bool {
    matches!(after.trim_ascii_start().first(), Some(b';' | b',') | None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_continued_lines() {
        let file = b"# alert tcp any any -> any any (sid:1;)\n\n alert tcp a \\\n  b\nalert udp x\n";
        let texts = rule_texts(file, Dialect::Snort2);
        assert_eq!(texts.len(), 2);
        assert_eq!((texts[0].line, texts[1].line), (3, 5));
        assert_eq!(texts[0].text, b" alert tcp a \\\n  b");
    }

    #[test]
    fn snort_3_rules_run_on_until_they_close() {
        let file = b"alert http\n(\n msg:\"a\";\n sid:1;\n)\nalert tcp any any -> any any ( sid:2; )\n";
        let texts = rule_texts(file, Dialect::Snort3);
        assert_eq!(texts.iter().map(|text| text.line).collect::<Vec<_>>(), [1, 6]);
    }

    #[test]
    fn semicolons_in_quotes() {
        let (_, options) = parts(b"a (msg:\"x\\;y\"; content:\"a;b\",nocase; sid:1;)", Dialect::Snort3).unwrap();
        assert_eq!(options.len(), 3);
        assert_eq!(options[1].value, Some(&b"\"a;b\",nocase"[..]));
        let (_, options) = parts(b"a (msg:\"x \"y\" z\"; sid : 1;)", Dialect::Suricata).unwrap();
        assert_eq!((options[1].name, options[1].value), (&b"sid"[..], Some(&b"1"[..])));
    }

    #[test]
    fn what_is_not_closed_is_refused_with_its_place() {
        assert_eq!(parts(b"alert (sid:1; ", Dialect::Snort2).unwrap_err().code, "syntax");
        assert_eq!(parts(b"alert (sid:1", Dialect::Snort2).unwrap_err().column, 8);
        assert_eq!(parts(b"alert tcp", Dialect::Snort2).unwrap_err().column, 10);
        assert!(parts(b"a (sid:1;) tail", Dialect::Snort2).is_err());
    }

    #[test]
    fn a_megabyte_is_refused_before_it_is_read() {
        let huge = vec![b'('; 1 << 20];
        assert_eq!(parts(&huge, Dialect::Snort3).unwrap_err().code, "too-long");
    }
}
