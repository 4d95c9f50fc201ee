//! Every capture of the corpora is read to its end or to a named offset, and as many packets as its index says.

use std::fs;
use std::path::PathBuf;

use kodkod_pcap::{Reader, Unpacked};

#[test]
fn the_index_and_we_agree_on_the_number_of_packets() {
    let Some(corpora) = std::env::var_os("KODKOD_CORPORA").map(PathBuf::from) else {
        eprintln!("skipped: KODKOD_CORPORA is unset");
        return;
    };
    let index = fs::read_to_string(corpora.join("pcaps/INDEX.tsv")).unwrap();
    let mut wrong = Vec::new();
    let mut files = 0;
    for line in index.lines().skip(1) {
        let columns: Vec<_> = line.split('\t').collect();
        let expected: u64 = columns[2].parse().unwrap_or(0);
        let file = fs::File::open(corpora.join("pcaps").join(columns[0])).unwrap();
        let mut packets = 0;
        let mut end = String::new();
        match Reader::open(Unpacked::new(file).unwrap()) {
            Err(error) => end = error.to_string(),
            Ok(mut reader) => loop {
                match reader.next_frame() {
                    Ok(Some(_)) => packets += 1,
                    Ok(None) => break,
                    Err(error) => {
                        end = error.to_string();
                        break;
                    }
                }
            },
        }
        files += 1;
        if packets != expected {
            wrong.push(format!("{}: {packets} packets, {expected} expected; {end}", columns[0]));
        }
    }
    assert!(files > 1000);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
