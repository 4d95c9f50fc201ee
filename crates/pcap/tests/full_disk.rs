//! A file system that really is full: needs root for a tiny tmpfs; says so where it may not.

use std::path::Path;
use std::process::Command;
use std::{fs, io};

use kodkod_pcap::{Limits, Reader, Recording};

/// A tmpfs of a megabyte, gone with the test.
struct TinyDisk(tempfile::TempDir);

impl TinyDisk {
    fn mount() -> io::Result<Option<Self>> {
        let directory = tempfile::tempdir()?;
        let status = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m", "kk-e4-tiny"])
            .arg(directory.path())
            .output()?;
        Ok(status.status.success().then_some(Self(directory)))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for TinyDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.path()).status();
    }
}

#[test]
fn what_does_not_fit_is_counted_once_and_the_file_stays_readable() {
    let Ok(Some(disk)) = TinyDisk::mount() else {
        eprintln!("skipped: no right to mount a tmpfs");
        return;
    };
    let limits = Limits { max_size_bytes: 1 << 40, rotation_ns: 1 << 60, max_files: 2, min_free_bytes: 0 };
    let mut recording = Recording::open(disk.path(), "pod", 1, 65535, limits, 0).unwrap();
    let failed = (0..3000).filter(|&at| recording.write(at, 1000, &[7; 1000]).is_err()).count();
    let _ = recording.flush();
    assert!(failed > 0);

    let counters = recording.counters();
    assert_eq!(counters.packets + counters.lost_packets, 3000);
    let mut reader = Reader::open(fs::File::open(disk.path().join("pod.pcap")).unwrap()).unwrap();
    let mut there = 0;
    while reader.next_frame().unwrap().is_some() {
        there += 1;
    }
    assert_eq!(there, counters.packets);
    assert!(there > 500);

    assert!(fs::write(disk.path().join("filler"), vec![0; 1 << 20]).is_err());
    assert!(!recording.has_room().unwrap());
    fs::remove_file(disk.path().join("filler")).unwrap();
    assert!(recording.has_room().unwrap());
}
