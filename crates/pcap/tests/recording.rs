//! Rotation loses nothing, doubles nothing, and keeps to its directory and budget.

use std::fs;
use std::path::Path;

use kodkod_pcap::{Limits, Reader, RecordError, Recording};

const S: u64 = 1_000_000_000;
const START: u64 = 1_700_000_000 * S;
const WIDE: Limits = Limits { max_size_bytes: 1 << 40, rotation_ns: 1 << 60, max_files: 1000, min_free_bytes: 0 };

fn open(directory: &Path, limits: Limits) -> Recording {
    Recording::open(directory, "pod_eth0", 1, 65535, limits, START).unwrap()
}

fn names(recording: &Recording) -> Vec<String> {
    recording.files().unwrap().into_iter().map(|(name, _)| name).collect()
}

/// First bytes of each packet, over all files in the order of their names with the active one last.
fn told(directory: &Path) -> Vec<u32> {
    let mut paths: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort_by_key(|path| (path.ends_with("pod_eth0.pcap"), path.clone()));
    let mut numbers = Vec::new();
    for path in paths {
        let mut reader = Reader::open(fs::File::open(&path).unwrap()).unwrap();
        while let Some(frame) = reader.next_frame().unwrap() {
            numbers.push(u32::from_be_bytes(*frame.data.first_chunk().unwrap()));
        }
    }
    numbers
}

fn packet(number: u32, length: usize) -> Vec<u8> {
    let mut data = number.to_be_bytes().to_vec();
    data.resize(length, 0xaa);
    data
}

#[test]
fn the_file_appears_with_the_first_packet() {
    let directory = tempfile::tempdir().unwrap();
    let mut recording = open(directory.path(), WIDE);
    assert!(names(&recording).is_empty());
    recording.write(START, 60, &packet(1, 60)).unwrap();
    recording.flush().unwrap();
    assert_eq!(recording.files().unwrap(), [("pod_eth0.pcap".to_owned(), 24 + 16 + 60)]);
    assert_eq!(told(directory.path()), [1]);
}

#[test]
fn no_packet_is_lost_or_doubled_over_many_rotations_by_size() {
    let directory = tempfile::tempdir().unwrap();
    let mut recording = open(directory.path(), Limits { max_size_bytes: 10_000, ..WIDE });
    for number in 0..5000 {
        // All in one microsecond: names must still be unique.
        recording.write(START, 1500, &packet(number, 4 + number as usize % 1400)).unwrap();
    }
    recording.close().unwrap();
    assert_eq!(told(directory.path()), (0..5000).collect::<Vec<_>>());
    let counters = recording.counters();
    assert_eq!((counters.packets, counters.lost_packets), (5000, 0));
    let files = recording.files().unwrap();
    assert!(files.iter().all(|(_, length)| *length <= 10_000));
    assert_eq!(files.len() as u64, counters.rotated_files + 1);
}

#[test]
fn only_so_many_rotated_files_stay_and_they_are_the_newest() {
    let directory = tempfile::tempdir().unwrap();
    let mut recording = open(directory.path(), Limits { max_size_bytes: 200, max_files: 2, ..WIDE });
    for number in 0..10 {
        recording.write(START + u64::from(number) * S, 100, &packet(number, 100)).unwrap();
    }
    recording.flush().unwrap();
    assert_eq!(told(directory.path()), [7, 8, 9]);
    assert_eq!(
        names(&recording),
        ["pod_eth0-20231114T221328.000000Z.pcap", "pod_eth0-20231114T221329.000000Z.pcap", "pod_eth0.pcap"]
    );
    assert_eq!((recording.counters().rotated_files, recording.counters().discarded_files), (9, 7));
}

#[test]
fn a_file_is_rotated_by_age_at_a_tick_and_at_a_packet() {
    let directory = tempfile::tempdir().unwrap();
    let mut recording = open(directory.path(), Limits { rotation_ns: 10 * S, ..WIDE });
    recording.write(START, 60, &packet(1, 60)).unwrap();
    recording.tick(START + 9 * S).unwrap();
    assert_eq!(recording.counters().rotated_files, 0);
    recording.tick(START + 10 * S).unwrap();
    assert_eq!(names(&recording), ["pod_eth0-20231114T221330.000000Z.pcap"]);
    recording.tick(START + 100 * S).unwrap(); // an idle capture makes no empty files
    recording.write(START + 200 * S, 60, &packet(2, 60)).unwrap();
    recording.write(START + 210 * S, 60, &packet(3, 60)).unwrap();
    recording.flush().unwrap();
    assert_eq!(recording.counters().rotated_files, 2);
    assert_eq!(told(directory.path()), [1, 2, 3]);
}

#[test]
fn a_packet_larger_than_the_file_limit_is_kept_alone() {
    let directory = tempfile::tempdir().unwrap();
    let mut recording = open(directory.path(), Limits { max_size_bytes: 50, ..WIDE });
    for number in 0..3 {
        recording.write(START, 1000, &packet(number, 1000)).unwrap();
    }
    recording.close().unwrap();
    assert_eq!(told(directory.path()), [0, 1, 2]);
    assert_eq!(names(&recording).len(), 3);
}

#[test]
fn what_an_earlier_process_left_is_rotated_first_and_its_torn_end_cut_off() {
    let directory = tempfile::tempdir().unwrap();
    let mut killed = open(directory.path(), WIDE);
    killed.write(START, 60, &packet(1, 60)).unwrap();
    killed.write(START, 60, &packet(2, 60)).unwrap();
    killed.close().unwrap();
    let path = directory.path().join("pod_eth0.pcap");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 5]).unwrap();

    let mut next = open(directory.path(), WIDE);
    assert_eq!(names(&next), ["pod_eth0-20231114T221320.000000Z.pcap"]);
    next.write(START + S, 60, &packet(3, 60)).unwrap();
    next.close().unwrap();
    assert_eq!(told(directory.path()), [1, 3]);
}

#[test]
fn a_leftover_without_packets_is_removed_and_a_foreign_file_is_moved_aside_unharmed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("pod_eth0.pcap");
    fs::write(&path, kodkod_pcap::file_header(1, 65535)).unwrap();
    assert!(names(&open(directory.path(), WIDE)).is_empty());
    fs::write(&path, b"somebody's notes, longer than a header").unwrap();
    let recording = open(directory.path(), WIDE);
    let kept = directory.path().join(&names(&recording)[0]);
    assert_eq!(fs::read(kept).unwrap(), b"somebody's notes, longer than a header");
}

#[test]
fn a_link_in_place_of_the_file_is_not_followed() {
    let directory = tempfile::tempdir().unwrap();
    let outside = directory.path().join("outside");
    fs::write(&outside, b"untouched").unwrap();
    std::os::unix::fs::symlink(&outside, directory.path().join("pod_eth0.pcap")).unwrap();
    let mut recording = open(directory.path(), WIDE);
    recording.write(START, 60, &packet(1, 60)).unwrap();
    recording.close().unwrap();
    assert_eq!(fs::read(&outside).unwrap(), b"untouched");
}

#[test]
fn an_active_file_that_vanishes_is_noticed_and_the_next_packet_opens_another() {
    let directory = tempfile::tempdir().unwrap();
    let mut recording = open(directory.path(), WIDE);
    recording.write(START, 60, &packet(1, 60)).unwrap();
    recording.flush().unwrap();
    fs::remove_file(directory.path().join("pod_eth0.pcap")).unwrap();
    recording.tick(START + S).unwrap();
    recording.write(START + 2 * S, 60, &packet(2, 60)).unwrap();
    recording.flush().unwrap();
    assert_eq!(told(directory.path()), [2]);
    assert_eq!(recording.counters().vanished_files, 1);
}

#[test]
fn a_directory_that_vanishes_is_made_again() {
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().join("ns/capture");
    let mut recording = open(&directory, WIDE);
    recording.write(START, 60, &packet(1, 60)).unwrap();
    fs::remove_dir_all(&directory).unwrap();
    recording.rotate(START + S).unwrap();
    recording.write(START + 2 * S, 60, &packet(2, 60)).unwrap();
    recording.flush().unwrap();
    assert_eq!(told(&directory), [2]);
}

#[test]
fn below_the_floor_nothing_is_written_and_the_loss_is_counted() {
    let directory = tempfile::tempdir().unwrap();
    let mut recording = open(directory.path(), Limits { min_free_bytes: u64::MAX, ..WIDE });
    let error = recording.write(START, 60, &packet(1, 60)).unwrap_err();
    assert!(error.is_space() && matches!(error, RecordError::NoSpace { floor: u64::MAX, .. }));
    assert!(!recording.has_room().unwrap());
    assert!(names(&recording).is_empty());
    let counters = recording.counters();
    assert_eq!((counters.packets, counters.lost_packets, counters.lost_bytes), (0, 1, 60));

    recording.set_limits(WIDE).unwrap();
    recording.write(START, 60, &packet(2, 60)).unwrap();
    recording.close().unwrap();
    assert_eq!(told(directory.path()), [2]);
}

#[test]
fn space_that_runs_out_on_the_way_keeps_what_was_taken() {
    let directory = tempfile::tempdir().unwrap();
    let mut recording = open(directory.path(), WIDE);
    recording.write(START, 100, &packet(1, 100)).unwrap();
    recording.set_limits(Limits { min_free_bytes: u64::MAX, ..WIDE }).unwrap();
    recording.flush().unwrap();
    for number in 2..100 {
        assert!(recording.write(START, 100, &packet(number, 100)).unwrap_err().is_space());
    }
    recording.close().unwrap();
    assert_eq!(told(directory.path()), [1]);
    assert_eq!((recording.counters().packets, recording.counters().lost_packets), (1, 98));
}

#[test]
fn fewer_files_may_stay_from_now_on() {
    let directory = tempfile::tempdir().unwrap();
    let mut recording = open(directory.path(), Limits { max_size_bytes: 100, ..WIDE });
    for number in 0..5 {
        recording.write(START + u64::from(number), 60, &packet(number, 60)).unwrap();
    }
    recording.set_limits(Limits { max_size_bytes: 100, max_files: 1, ..WIDE }).unwrap();
    recording.close().unwrap();
    assert_eq!(told(directory.path()), [3, 4]);
}

#[test]
fn a_stem_that_would_leave_the_directory_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    for stem in ["", "../x", "a/b", ".."] {
        assert!(matches!(
            Recording::open(directory.path(), stem, 1, 65535, WIDE, START),
            Err(RecordError::Stem(refused)) if refused == stem
        ));
    }
}

#[test]
fn times_survive_to_the_microsecond() {
    let directory = tempfile::tempdir().unwrap();
    let mut recording = open(directory.path(), WIDE);
    recording.write(START + 123_456_789, 9000, &packet(1, 60)).unwrap();
    recording.close().unwrap();
    let file = fs::File::open(directory.path().join("pod_eth0.pcap")).unwrap();
    let mut reader = Reader::open(file).unwrap();
    let frame = reader.next_frame().unwrap().unwrap();
    assert_eq!((frame.ts_ns, frame.wire_len), (START + 123_456_000, 9000));
}
