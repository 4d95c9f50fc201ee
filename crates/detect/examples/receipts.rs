//! Compile rule files and count what became of them: `receipts FILE… [--cache DIR] [--list]`.

use std::collections::BTreeMap;
use std::time::Instant;

use kodkod_detect::{Options, RuleSet, Source};
use kodkod_rules::Status;

fn main() -> std::io::Result<()> {
    let (mut files, mut options, mut lists) = (Vec::new(), Options::default(), false);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--cache" => options.cache_dir = arguments.next().map(Into::into),
            "--list" => lists = true,
            _ => files.push(argument),
        }
    }
    for file in files {
        let source = Source { text: std::fs::read(&file)?, name: file.clone() };
        let started = Instant::now();
        let rules = RuleSet::compile(&[source], &options);
        let took = started.elapsed();
        let count = |status| rules.count(status);
        println!(
            "{file}: {} rules, {} full, {} degraded, {} skipped, {took:.0?}, cache {:?}",
            rules.receipts().len(),
            count(Status::Full),
            count(Status::Degraded),
            count(Status::Skipped),
            rules.cache()
        );
        let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
        for receipt in rules.receipts() {
            for reason in &receipt.reasons {
                let line = format!("{} {} {}", receipt.status.name(), reason.code, reason.message);
                *reasons.entry(if lists { format!("{} {line}", receipt.sid) } else { line }).or_default() += 1;
            }
        }
        let mut reasons: Vec<_> = reasons.into_iter().collect();
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        for (reason, count) in reasons.into_iter().take(if lists { usize::MAX } else { 25 }) {
            println!("  {count:6} {reason}");
        }
    }
    Ok(())
}
