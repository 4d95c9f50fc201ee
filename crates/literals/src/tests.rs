//! Both matchers against a naive search.

use proptest::prelude::*;

use crate::{BuildError, Database, Literal, Scratch, portable};

fn literal(id: u32, bytes: &[u8], nocase: bool) -> Literal {
    Literal { id, bytes: bytes.to_vec(), nocase }
}

fn scanned(literals: &[Literal], text: &[u8]) -> Vec<u32> {
    let database = Database::compile(literals).expect("valid literals");
    let mut scratch = Scratch::new();
    scratch.fit(&database);
    let mut ids = Vec::new();
    database.scan(&mut scratch, text, |id, _| ids.push(id));
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn naive(literals: &[Literal], text: &[u8]) -> Vec<u32> {
    let mut ids: Vec<u32> = literals
        .iter()
        .filter(|literal| {
            text.windows(literal.bytes.len()).any(|window| {
                if literal.nocase { window.eq_ignore_ascii_case(&literal.bytes) } else { window == literal.bytes }
            })
        })
        .map(|literal| literal.id)
        .collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

#[test]
fn finds_with_and_without_regard_to_case() {
    let literals = [literal(1, b"cmd.exe", true), literal(2, b"Nessus", false), literal(3, b"\0\0", false)];
    assert_eq!(scanned(&literals, b"GET /CMD.EXE nessus"), [1]);
    assert_eq!(scanned(&literals, b"Nessus \0\0"), [2, 3]);
    assert_eq!(scanned(&literals, b""), [0_u32; 0]);
}

#[test]
fn reports_where_a_literal_ends() {
    let database = Database::compile(&[literal(7, b"abc", false)]).expect("valid");
    let mut scratch = Scratch::new();
    scratch.fit(&database);
    let mut ends = Vec::new();
    database.scan(&mut scratch, b"xxabcxabc", |id, end| ends.push((id, end)));
    assert_eq!(ends.first(), Some(&(7, 5)));
}

#[test]
fn refuses_what_would_match_everywhere_or_is_too_long() {
    assert_eq!(Database::compile(&[]).err(), Some(BuildError::NoLiterals));
    assert_eq!(Database::compile(&[literal(4, b"", false)]).err(), Some(BuildError::EmptyLiteral { id: 4 }));
    let long = literal(5, &[b'a'; 256], false);
    assert_eq!(Database::compile(&[long]).err(), Some(BuildError::LongLiteral { id: 5, bytes: 256 }));
}

#[test]
fn survives_a_round_trip_through_bytes() {
    let database = Database::compile(&[literal(1, b"one", true), literal(2, b"two", false)]).expect("valid");
    let back = Database::deserialize(&database.serialize().expect("serialised")).expect("read back");
    let mut scratch = Scratch::new();
    scratch.fit(&back);
    let mut ids = Vec::new();
    back.scan(&mut scratch, b"ONE two", |id, _| ids.push(id));
    assert_eq!(ids, [1, 2]);
}

#[test]
fn damaged_bytes_are_an_error() {
    assert!(Database::deserialize(b"not a database").is_err());
}

#[test]
fn one_scratch_serves_several_databases() {
    let first = Database::compile(&[literal(1, b"first", false)]).expect("valid");
    let second = Database::compile(&[literal(2, b"second", false)]).expect("valid");
    let mut scratch = Scratch::new();
    scratch.fit(&first);
    scratch.fit(&second);
    let mut ids = Vec::new();
    first.scan(&mut scratch, b"first second", |id, _| ids.push(id));
    second.scan(&mut scratch, b"first second", |id, _| ids.push(id));
    assert_eq!(ids, [1, 2]);
}

proptest! {
    #[test]
    fn both_matchers_find_what_a_naive_search_finds(
        words in prop::collection::vec((prop::collection::vec(prop::sample::select(b"aAbB\0\xff".to_vec()), 1..5), any::<bool>()), 1..12),
        text in prop::collection::vec(prop::sample::select(b"aAbB\0\xff".to_vec()), 0..60),
    ) {
        let literals: Vec<Literal> = (0_u32..).zip(words).map(|(id, (bytes, nocase))| Literal { id, bytes, nocase }).collect();
        let expected = naive(&literals, &text);
        prop_assert_eq!(scanned(&literals, &text), expected.clone());

        let fallback = portable::Database::compile(&literals).expect("valid literals");
        let mut ids = Vec::new();
        fallback.scan(&mut portable::Scratch::new(), &text, |id, _| ids.push(id));
        ids.sort_unstable();
        ids.dedup();
        prop_assert_eq!(ids, expected);
    }
}
