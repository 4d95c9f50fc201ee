//! What do a part's header fields say about its content?

/// The fields that matter here.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) encoding: Option<Vec<u8>>,
    pub(super) boundary: Option<Vec<u8>>,
    /// The content is a message with a header of its own.
    pub(super) is_message: bool,
}

impl Fields {
    pub(super) fn of(header: &[u8]) -> Self {
        let mut fields = Self::default();
        for line in unfolded(header) {
            let colon = memchr::memchr(b':', &line).unwrap_or(line.len());
            let (name, value) = line.split_at_checked(colon).unwrap_or((&line, &[]));
            let value = value.strip_prefix(b":").unwrap_or(value).trim_ascii();
            if name.trim_ascii().eq_ignore_ascii_case(b"content-transfer-encoding") {
                fields.encoding = Some(value.to_vec());
            } else if name.trim_ascii().eq_ignore_ascii_case(b"content-type") {
                fields.boundary = boundary(value);
                fields.is_message = value.get(..14).is_some_and(|kind| kind.eq_ignore_ascii_case(b"message/rfc822"));
            }
        }
        fields
    }
}

fn unfolded(header: &[u8]) -> Vec<Vec<u8>> {
    let mut lines: Vec<Vec<u8>> = Vec::new();
    for line in header.split(|byte| *byte == b'\n') {
        match (line.first(), lines.last_mut()) {
            (Some(b' ' | b'\t'), Some(last)) => {
                last.push(b' ');
                last.extend_from_slice(line.trim_ascii());
            }
            _ => lines.push(line.trim_ascii_end().to_vec()),
        }
    }
    lines
}

/// The boundary a container's content type names, with or without quotes; the last one, as most readers take it.
pub(super) fn boundary(content_type: &[u8]) -> Option<Vec<u8>> {
    const WORD: &[u8] = b"boundary=";
    let at = content_type.windows(WORD.len()).rposition(|window| window.eq_ignore_ascii_case(WORD))?;
    let value = content_type.get(at.saturating_add(WORD.len())..)?;
    let value = match value.strip_prefix(b"\"") {
        Some(quoted) => quoted.split(|byte| *byte == b'"').next()?,
        None => value.split(|byte| byte.is_ascii_whitespace() || matches!(byte, b';' | b',')).next()?,
    };
    (!value.is_empty()).then(|| value.to_vec())
}
