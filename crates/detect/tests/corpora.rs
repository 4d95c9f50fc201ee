//! How much of the public rule sets is honoured? Needs `KODKOD_CORPORA`; skips, saying so, where it is not set.

use std::path::PathBuf;

use kodkod_detect::{Options, RuleSet, Source};
use kodkod_rules::Status;

fn compiled(file: &str) -> Option<RuleSet> {
    let Some(root) = std::env::var_os("KODKOD_CORPORA").map(PathBuf::from) else {
        eprintln!("skipped: KODKOD_CORPORA is not set");
        return None;
    };
    let text = std::fs::read(root.join("rules").join(file)).expect("the corpora have this file");
    Some(RuleSet::compile(&[Source { name: file.into(), text }], &Options::default()))
}

#[test]
fn the_snort_3_community_rules() {
    let Some(rules) = compiled("snort3-community.rules") else { return };
    assert_eq!(rules.receipts().len(), 4017, "a receipt for every rule");
    assert!(rules.count(Status::Full) >= 3800, "{} full", rules.count(Status::Full));
    for receipt in rules.receipts() {
        assert_eq!(receipt.reasons.is_empty(), receipt.status == Status::Full, "sid {}", receipt.sid);
    }
}

#[test]
fn the_snort_2_community_rules() {
    let Some(rules) = compiled("snort2-community.rules") else { return };
    assert_eq!(rules.receipts().len(), 561, "commented-out rules are no rules");
    assert!(rules.count(Status::Full) >= 470, "{} full", rules.count(Status::Full));
}
