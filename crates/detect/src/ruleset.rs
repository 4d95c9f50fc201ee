//! Rule files, compiled: immutable, shared between threads.

use kodkod_rules::{Consequence, Reader, Receipt, Status};
use sha2::{Digest, Sha256};

use crate::compile::{self, Compiled, Draft, Groups, Options, Source, Store};
use crate::{Signature, compile::hex};

/// Whether the databases were taken from the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cache {
    /// All of them.
    Hit,
    /// They were compiled.
    Miss,
}

/// Compiled rules with a receipt for every rule text.
pub struct RuleSet {
    pub(crate) rules: Vec<Compiled>,
    pub(crate) groups: Groups,
    /// Tells flow states and plans of different rule sets apart.
    pub(crate) generation: u64,
    signatures: Vec<Signature>,
    receipts: Vec<Receipt>,
    digest: String,
    cache: Cache,
}

impl RuleSet {
    /// Read and compile rule files. Never fails for a bad rule: its receipt says why it is not loaded, the others load.
    ///
    /// Of two rules with one gid and sid the higher revision is kept, of equals the first.
    #[must_use]
    pub fn compile(sources: &[Source], options: &Options) -> Self {
        let mut reader = Reader::new(&options.variables, options.dialect);
        let mut entries = Vec::new();
        for source in sources {
            entries.append(&mut reader.read(&source.name, &source.text));
        }
        refuse_twins(&mut entries);
        let (mut rules, mut signatures, mut receipts) = (Vec::new(), Vec::new(), Vec::new());
        for mut entry in entries {
            if let Some(rule) = &entry.rule
                && let Some(compiled) = compile::rule(rule, &mut entry.reasons)
            {
                signatures.push(compile::signature(rule, &options.classification));
                rules.push(compiled);
            }
            entry.reasons.sort_by_key(|reason| reason.column);
            receipts.push(Receipt {
                file: entry.file,
                line: entry.line,
                gid: entry.gid,
                sid: entry.sid,
                rev: entry.rev,
                status: Receipt::status_of(&entry.reasons),
                reasons: entry.reasons,
            });
        }
        compile::choose_literals(&mut rules);
        let draft = Draft::new(&rules);
        let (databases, is_restored) = Store::new(options.cache_dir.as_deref()).databases(&draft.literals);
        let digest = digest(sources, options);
        Self {
            generation: digest.first_chunk().map_or(0, |first| u64::from_le_bytes(*first)),
            digest: hex(&digest),
            groups: draft.finish(databases),
            rules,
            signatures,
            receipts,
            cache: if is_restored { Cache::Hit } else { Cache::Miss },
        }
    }

    /// One for every rule text, in the order of the sources.
    #[must_use]
    pub fn receipts(&self) -> &[Receipt] {
        &self.receipts
    }

    /// How many rules have that status.
    #[must_use]
    pub fn count(&self, status: Status) -> usize {
        self.receipts.iter().filter(|receipt| receipt.status == status).count()
    }

    /// SHA-256 of everything that went in, hex: equal sets are equal.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Whether the cache had the databases.
    #[must_use]
    pub fn cache(&self) -> Cache {
        self.cache
    }

    /// Number of loaded rules.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether no rule is loaded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// What alerts show of a rule. Panics for a number that no alert of this set has.
    #[must_use]
    pub fn signature(&self, rule: u32) -> &Signature {
        &self.signatures[rule as usize]
    }
}

/// Two rules of one identity would count twice: keep the newest.
fn refuse_twins(entries: &mut [kodkod_rules::Entry]) {
    let mut order: Vec<usize> =
        (0..entries.len()).filter(|index| entries[*index].rule.is_some() && entries[*index].sid != 0).collect();
    order.sort_by_key(|index| {
        (entries[*index].gid, entries[*index].sid, std::cmp::Reverse(entries[*index].rev), *index)
    });
    for pair in 1..order.len() {
        let (before, this) = (order[pair - 1], order[pair]);
        if (entries[before].gid, entries[before].sid) == (entries[this].gid, entries[this].sid) {
            let kept =
                format!("{}:{} has the same gid and sid and is kept", entries[before].file, entries[before].line);
            entries[this].rule = None;
            let reason = kodkod_rules::Reason::fatal("duplicate", 1, kept);
            debug_assert_eq!(reason.consequence, Consequence::Fatal);
            entries[this].reasons.push(reason);
        }
    }
}

fn digest(sources: &[Source], options: &Options) -> [u8; 32] {
    let mut digest = Sha256::new();
    let mut add = |bytes: &[u8]| {
        digest.update((bytes.len() as u64).to_le_bytes());
        digest.update(bytes);
    };
    for source in sources {
        add(source.name.as_bytes());
        add(&source.text);
    }
    add(options.dialect.map_or("", kodkod_rules::Dialect::name).as_bytes());
    for (name, value) in options.variables.iter() {
        add(name.as_bytes());
        add(value.as_bytes());
    }
    for (name, class) in options.classification.iter() {
        add(name.as_bytes());
        add(class.text.as_bytes());
        add(&[class.priority]);
    }
    digest.finalize().into()
}
