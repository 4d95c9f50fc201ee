//! Odd and hostile packets, cut at every length, are survived.

use std::fs;
use std::path::{Path, PathBuf};

use kodkod_wire::{LinkType, decode};

/// Frames of a capture in the classic format, with its link type; none for pcapng and what is damaged.
fn frames(path: &Path) -> Option<(LinkType, Vec<Vec<u8>>)> {
    let bytes = fs::read(path).ok()?;
    let is_little = match bytes.get(..4)? {
        [0xd4, 0xc3, 0xb2, 0xa1] | [0x4d, 0x3c, 0xb2, 0xa1] => true,
        [0xa1, 0xb2, 0xc3, 0xd4] | [0xa1, 0xb2, 0x3c, 0x4d] => false,
        _ => return None,
    };
    let word = |at: usize| {
        let word: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
        Some(if is_little { u32::from_le_bytes(word) } else { u32::from_be_bytes(word) })
    };
    let link = LinkType(word(20)? & 0xffff);
    let mut frames = Vec::new();
    let mut at = 24;
    while let Some(len) = word(at + 8) {
        let Some(frame) = bytes.get(at + 16..at + 16 + len as usize) else { break };
        frames.push(frame.to_vec());
        at += 16 + len as usize;
    }
    Some((link, frames))
}

fn captures(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// Summing checksums of every prefix would cost the square of the frame, so only those of short ones are summed.
const HEADERS: usize = 200;

fn is_survived(link: LinkType, frame: &[u8]) -> bool {
    let Ok(packet) = decode(link, frame) else { return false };
    assert!(packet.payload.len() <= frame.len());
    if frame.len() <= HEADERS {
        let _ = packet.verify_checksums();
        let _ = packet.quote();
    }
    true
}

#[test]
fn every_prefix_of_every_frame_is_survived() {
    let Some(corpora) = std::env::var_os("KODKOD_CORPORA") else {
        eprintln!("skipped: KODKOD_CORPORA is not set");
        return;
    };
    let mut read = 0u64;
    for path in captures(&Path::new(&corpora).join("pcaps/tcpdump")) {
        let Some((link, frames)) = frames(&path) else { continue };
        for frame in frames {
            for end in 0..=frame.len() {
                read += u64::from(is_survived(link, &frame[..end]));
            }
            // As other links, as far as headers reach: the rest is payload.
            for end in 0..=frame.len().min(HEADERS) {
                for link in [LinkType::ETHERNET, LinkType::RAW, LinkType::LINUX_SLL2] {
                    read += u64::from(is_survived(link, &frame[..end]));
                }
            }
        }
    }
    assert!(read > 100_000, "only {read} prefixes could be read");
}
