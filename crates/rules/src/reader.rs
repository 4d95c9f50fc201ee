//! Rule files → trees and reasons.

mod build;
mod modifiers;

use std::sync::Arc;

use crate::split::{self, RuleText};
use crate::variables::Resolver;
use crate::{Dialect, Reason, Rule, Variables};

/// What one rule text gave.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Name of the source.
    pub file: Arc<str>,
    /// Line on which the rule starts, from 1.
    pub line: u32,
    /// Generator id.
    pub gid: u32,
    /// Signature id; 0 where the text could not be read that far.
    pub sid: u32,
    /// Revision.
    pub rev: u32,
    /// The tree; none where a reason is fatal.
    pub rule: Option<Rule>,
    /// What the author should know; a consumer adds to it.
    pub reasons: Vec<Reason>,
}

/// Reads rule files with one set of variables.
pub struct Reader<'v> {
    resolver: Resolver<'v>,
    dialect: Option<Dialect>,
}

impl<'v> Reader<'v> {
    /// dialect: none to tell it for each file by its text.
    #[must_use]
    pub fn new(variables: &'v Variables, dialect: Option<Dialect>) -> Self {
        Self { resolver: Resolver::new(variables), dialect }
    }

    /// Every rule of one file, in its order. Never fails as a whole: a bad rule is an entry with its reasons.
    pub fn read(&mut self, name: &str, text: &[u8]) -> Vec<Entry> {
        let dialect = self.dialect.unwrap_or_else(|| Dialect::of(text));
        let file: Arc<str> = Arc::from(name);
        let texts = split::rule_texts(text, dialect);
        texts.into_iter().map(|text| self.rule(&file, text, dialect)).collect()
    }

    fn rule(&mut self, file: &Arc<str>, text: RuleText<'_>, dialect: Dialect) -> Entry {
        let mut entry =
            Entry { file: Arc::clone(file), line: text.line, gid: 1, sid: 0, rev: 0, rule: None, reasons: Vec::new() };
        build::rule(&mut entry, text, dialect, &mut self.resolver);
        entry
    }
}
