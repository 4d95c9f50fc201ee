//! Words that belong to another option: modifiers behind a content, arguments of buffers, services in metadata.

use std::ops::Range as Span;
use std::sync::Arc;

use super::build::Draft;
use crate::ast::{RuleOption, Spelled};
use crate::buffer::With;
use crate::options::{Content, ContentModifier};
use crate::{Buffer, BufferChoice, Dialect, scan};

/// A content whose modifiers may still follow.
pub(super) struct Pending {
    pub(super) content: Content,
    pub(super) buffer: Option<BufferChoice>,
    pub(super) span: Span<u32>,
    pub(super) place: u32,
}

impl Draft {
    /// A modifier of the content before (old dialects). Returns whether it was one.
    pub(super) fn modifier(&mut self, name: &str, value: &str, _place: u32) -> Result<bool, String> {
        if self.dialect == Dialect::Snort3 {
            return Ok(false);
        }
        if let Some(modifier) = ContentModifier::from_name(name) {
            let last = match &mut self.pending {
                Some(pending) => &mut pending.content,
                None => last_content(&mut self.options).ok_or("there is no content before it")?,
            };
            last.modify(&modifier, value, &self.names)?;
            return Ok(true);
        }
        let Some(choice) = Buffer::modifier(name, self.dialect) else { return Ok(false) };
        match self.pending.as_mut() {
            Some(pending) => {
                if pending.buffer.as_ref().is_some_and(|buffer| *buffer != choice) {
                    return Err("the content already has a buffer".to_owned());
                }
                pending.buffer = Some(choice);
                Ok(true)
            }
            // Suricata keeps a few of these names as sticky buffers.
            None if self.dialect == Dialect::Suricata && Buffer::sticky(name, self.dialect).is_some() => Ok(false),
            None => Err("there is no content before it".to_owned()),
        }
    }

    /// The content is complete: switch to its buffer and keep it.
    pub(super) fn flush_pending(&mut self) {
        let Some(Pending { content, buffer, span, place }) = self.pending.take() else { return };
        let is_relative = content.distance.is_some() || content.within.is_some();
        if self.dialect != Dialect::Snort3 {
            let wanted = buffer.unwrap_or_else(|| self.sticky.clone());
            self.look_into(wanted, place, span.clone(), is_relative);
        }
        self.push(RuleOption::Content(content), place, span);
    }

    /// Make the following option look into `wanted`. Where that is already so, only an option that does not count from
    /// the cursor could need more, and it needs nothing.
    pub(super) fn look_into(&mut self, wanted: BufferChoice, place: u32, span: Span<u32>, _is_relative: bool) {
        if self.current != wanted {
            self.current = wanted.clone();
            self.push(RuleOption::Buffer(wanted), place, span);
        }
    }
}

/// Other options may stand between a content and its modifiers (`content:"a"; bsize:1; fast_pattern;`).
fn last_content(options: &mut [Spelled]) -> Option<&mut Content> {
    options.iter_mut().rev().find_map(|spelled| match &mut spelled.option {
        RuleOption::Content(content) => Some(content),
        _ => None,
    })
}

/// `metadata:service http, service imap`.
pub(super) fn service_names(entry: &str) -> Option<&str> {
    match scan::word_and_rest(entry) {
        ("service", name) if !name.is_empty() => Some(name),
        _ => None,
    }
}

/// `http_header:field user-agent,request`, `http_param:"id",nocase`, `http_uri:path`.
pub(super) fn buffer_arguments(choice: &mut BufferChoice, value: &str) -> Result<(), String> {
    if value.is_empty() {
        return if choice.buffer == Buffer::HttpParam {
            Err("the name of the parameter is needed".to_owned())
        } else {
            Ok(())
        };
    }
    for argument in scan::arguments(value).into_iter().filter(|argument| !argument.is_empty()) {
        let (word, rest) = scan::word_and_rest(argument);
        match (word, choice.buffer) {
            ("field", _) if !rest.is_empty() => choice.field = Some(Arc::from(scan::unquoted(rest))),
            ("request", _) => choice.request = true,
            ("with_header", _) => choice.with = Some(With::Header),
            ("with_body", _) => choice.with = Some(With::Body),
            ("with_trailer", _) => choice.with = Some(With::Trailer),
            ("nocase", Buffer::HttpParam) => choice.nocase = true,
            (name, Buffer::HttpParam) if choice.field.is_none() => choice.field = Some(Arc::from(scan::unquoted(name))),
            ("scheme" | "host" | "port" | "path" | "query" | "fragment", Buffer::HttpUri | Buffer::HttpRawUri) => {
                choice.field = Some(Arc::from(word));
            }
            // `file_data:mime` of old rules says what file_data means anyway.
            ("mime", Buffer::FileData) => {}
            (other, _) => return Err(format!("`{other}` is not known here")),
        }
    }
    Ok(())
}

/// Where the first argument of a Snort 3 `content` ends: a quote before a comma or the end.
pub(super) fn closing_quote(raw: &[u8]) -> Option<usize> {
    let open = raw.iter().position(|byte| *byte == b'"')?;
    let mut at = open + 1;
    loop {
        match raw.get(at)? {
            b'\\' => at += 2,
            b'"' if matches!(raw[at + 1..].trim_ascii_start().first(), None | Some(b',')) => return Some(at),
            _ => at += 1,
        }
    }
}

/// Suricata judges all options of one buffer together, in their order; the cursor of each buffer is its own. Options that
/// look into no buffer come first. Numbers keep their meaning as long as they are remembered before they are used.
pub(super) fn grouped_by_buffer(options: Vec<Spelled>) -> Vec<Spelled> {
    let packet_data = BufferChoice::whole(Buffer::PktData);
    let mut facts = Vec::new();
    let mut groups: Vec<(BufferChoice, Vec<Spelled>)> = vec![(packet_data, Vec::new())];
    let mut current = 0;
    for spelled in options {
        match &spelled.option {
            RuleOption::Buffer(choice) => {
                // What Base64 or BER decoding leaves behind depends on what came right before.
                let found = groups.iter().position(|(known, _)| known == choice && choice.buffer != Buffer::Base64Data);
                current = found.unwrap_or(groups.len());
                if found.is_none() {
                    groups.push((choice.clone(), vec![spelled]));
                }
            }
            RuleOption::Flow(_)
            | RuleOption::Flowbits(_)
            | RuleOption::Packet(_)
            | RuleOption::StreamSize { .. }
            | RuleOption::NoAlert
            | RuleOption::DetectionFilter(_)
            | RuleOption::Threshold(_) => facts.push(spelled),
            _ => groups[current].1.push(spelled),
        }
    }
    facts.extend(groups.into_iter().flat_map(|(_, options)| options));
    facts
}
