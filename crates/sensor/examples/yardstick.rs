//! What could no rule engine on this matcher beat by searching everything once? `yardstick RULES CAPTURE` prints seconds and
//! the number of patterns: the bare block search of each rule's longest positive literal of at least 4 bytes over every
//! payload of the capture, all in one database.

use std::error::Error;
use std::fs::{self, File};
use std::io::BufReader;
use std::time::Instant;

use kodkod_literals::{Database, LITERAL_BYTES_MAX, Literal, Scratch};
use kodkod_pcap::Reader;
use kodkod_rules::{Reader as RuleReader, RuleOption, Variables};
use kodkod_wire::{LinkType, decode};

const LITERAL_BYTES_MIN: usize = 4;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(rules), Some(capture)) = (arguments.next(), arguments.next()) else {
        return Err("usage: yardstick RULES CAPTURE".into());
    };
    let literals = literals_of(&rules)?;
    let database = Database::compile(&literals)?;
    let mut scratch = Scratch::new();
    scratch.fit(&database);
    let mut reader = Reader::open(BufReader::with_capacity(1 << 20, File::open(capture)?))?;
    let (started, mut found) = (Instant::now(), 0_u64);
    while let Some(frame) = reader.next_frame()? {
        if let Ok(packet) = decode(LinkType(frame.link), frame.data) {
            database.scan(&mut scratch, packet.payload, |_, _| found += 1);
        }
    }
    println!("{} {} {found}", started.elapsed().as_secs_f64(), literals.len());
    Ok(())
}

/// One literal a rule, each spelling once.
fn literals_of(path: &str) -> Result<Vec<Literal>, Box<dyn Error>> {
    let variables = Variables::default();
    let entries = RuleReader::new(&variables, None).read(path, &fs::read(path)?);
    let mut chosen: Vec<(Vec<u8>, bool)> = entries
        .iter()
        .filter_map(|entry| entry.rule.as_ref())
        .filter_map(|rule| {
            let contents = rule.options.iter().filter_map(|spelled| match &spelled.option {
                RuleOption::Content(content) if !content.negated => Some((content.bytes.clone(), content.nocase)),
                _ => None,
            });
            contents.max_by_key(|(bytes, _)| bytes.len())
        })
        .filter(|(bytes, _)| bytes.len() >= LITERAL_BYTES_MIN)
        .map(|(mut bytes, nocase)| {
            bytes.truncate(LITERAL_BYTES_MAX);
            (bytes, nocase)
        })
        .collect();
    chosen.sort();
    chosen.dedup();
    Ok((0_u32..).zip(chosen).map(|(id, (bytes, nocase))| Literal { id, bytes, nocase }).collect())
}
