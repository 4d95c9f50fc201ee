//! A file may end anywhere: every file of the hostile corpus, cut at every length, gives the packets that are whole.
//!
//! 2.2 million cuts; bounded by leaving out, in a debug build, files of more than 8 KiB: reading all prefixes of a file
//! takes the square of its length. 11 s of one processor in a release build (`make verify SUITES=hostile`).

use std::fs;
use std::path::PathBuf;

use kodkod_pcap::Reader;

const LENGTH_MAX: usize = if cfg!(debug_assertions) { 8 * 1024 } else { usize::MAX };

/// Where each packet ends, and whether the file ends well.
fn ends(bytes: &[u8]) -> (Vec<u64>, bool) {
    let mut ends = Vec::new();
    let Ok(mut reader) = Reader::open(bytes) else { return (ends, false) };
    loop {
        match reader.next_frame() {
            Ok(Some(frame)) => {
                assert!(frame.data.len() <= bytes.len());
                ends.push(reader.offset());
            }
            Ok(None) => return (ends, true),
            Err(error) => {
                assert!(error.offset <= bytes.len() as u64);
                return (ends, false);
            }
        }
    }
}

#[test]
fn every_file_cut_at_every_length_gives_its_whole_packets() {
    let Some(corpora) = std::env::var_os("KODKOD_CORPORA").map(PathBuf::from) else {
        eprintln!("skipped: KODKOD_CORPORA is not set");
        return;
    };
    let (mut cuts, mut files) = (0_usize, 0);
    for entry in fs::read_dir(corpora.join("pcaps/tcpdump")).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        if bytes.len() > LENGTH_MAX {
            continue;
        }
        let (whole, _) = ends(&bytes);
        for end in 0..bytes.len() {
            let (found, _) = ends(&bytes[..end]);
            let expected = whole.iter().take_while(|at| **at <= end as u64).count();
            assert_eq!(found, whole[..expected], "{path:?} cut at {end}");
        }
        cuts += bytes.len();
        files += 1;
    }
    println!("{cuts} cuts of {files} files");
    assert!(files > 200, "only {files} files");
}
