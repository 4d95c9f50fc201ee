//! Which file takes this packet, and which file has to go?
//!
//! A [`Recording`] is one stem in one directory: one active file and at most so many rotated ones. Packets are gathered
//! in memory and written in one piece; a piece that cannot be written whole is taken back off the file, so that what is
//! on disk always ends after a packet.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::error::RecordError;
use crate::reader::Reader;
use crate::writer::{FILE_HEADER_LEN, RECORD_HEADER_LEN, file_header, record_header};
use crate::{names, size};

/// Packets gathered before they are written: large enough that a write costs little per packet, small enough that the
/// loss of a process loses little.
const GATHER_LEN: usize = 256 * 1024;
/// Owner writes, group reads: packets are nobody else's.
const FILE_MODE: u32 = 0o640;
/// After running out of space we wait for a twentieth of the file system, so as not to fill it again at once.
const RESUME_PERCENT: u64 = 5;

/// When files change and how many are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// No file grows beyond this, unless its first packet does.
    pub max_size_bytes: u64,
    /// A file is rotated once its first packet is this old.
    pub rotation_ns: u64,
    /// Rotated files kept; the oldest go. The active file is not counted.
    pub max_files: usize,
    /// Nothing is written while the file system has less than this for us. 0 turns the floor off.
    pub min_free_bytes: u64,
}

/// What a recording has done. All but `active_bytes` only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Packets taken into the active file, on disk or gathered.
    pub packets: u64,
    /// Their captured bytes.
    pub bytes: u64,
    /// Packets that could not be written to disk.
    pub lost_packets: u64,
    /// Captured bytes of the lost packets.
    pub lost_bytes: u64,
    /// Size of the active file with what is gathered.
    pub active_bytes: u64,
    /// Files that were closed and renamed, leftovers included.
    pub rotated_files: u64,
    /// Rotated files that were deleted to keep within `max_files`.
    pub discarded_files: u64,
    /// Active files that somebody took away while we wrote.
    pub vanished_files: u64,
    /// Time of the first packet.
    pub first_packet_ns: Option<u64>,
    /// Time of the last packet.
    pub last_packet_ns: Option<u64>,
}

/// One stem in one directory. Owned by the thread that writes; to read the files, list the directory.
pub struct Recording {
    directory: PathBuf,
    stem: String,
    link: u32,
    snap_len: u32,
    limits: Limits,
    active: Option<Active>,
    counters: Counters,
}

/// The file being written.
struct Active {
    file: File,
    written_bytes: u64,
    gathered: Vec<u8>,
    gathered_packets: u64,
    first_ns: u64,
}

impl Recording {
    /// Rotate an active file that an earlier process left; the directory is made if it is missing. No file is created
    /// before the first packet.
    ///
    /// link: link type of all packets. now_ns: names a leftover.
    pub fn open(
        directory: &Path,
        stem: &str,
        link: u32,
        snap_len: u32,
        limits: Limits,
        now_ns: u64,
    ) -> Result<Self, RecordError> {
        if !names::stem_is_valid(stem) {
            return Err(RecordError::Stem(stem.to_owned()));
        }
        fs::create_dir_all(directory).map_err(RecordError::io("make the directory", directory))?;
        let mut recording = Self {
            directory: directory.to_owned(),
            stem: stem.to_owned(),
            link,
            snap_len,
            limits,
            active: None,
            counters: Counters::default(),
        };
        recording.adopt_leftover(now_ns)?;
        recording.discard_oldest()?;
        Ok(recording)
    }

    /// Take one packet. What an error loses, this packet or the gathered ones with it, is counted; the recording can go on
    /// with the next.
    pub fn write(&mut self, ts_ns: u64, wire_len: u32, data: &[u8]) -> Result<(), RecordError> {
        let active = match self.file_for(ts_ns, RECORD_HEADER_LEN.saturating_add(data.len())) {
            Ok(active) => active,
            Err(error) => {
                self.lose(1, size(data.len()));
                return Err(error);
            }
        };
        active.gather(ts_ns, wire_len, data);
        let (length, gathered_len) = (active.length(), active.gathered.len());
        self.count(ts_ns, data.len(), length);
        if gathered_len >= GATHER_LEN { self.flush() } else { Ok(()) }
    }

    /// Rotate a file that has grown too old, and notice one that was taken away. Call about once a second.
    pub fn tick(&mut self, now_ns: u64) -> Result<(), RecordError> {
        self.notice_vanished()?;
        self.rotate_aged(now_ns)
    }

    /// Put what is gathered on disk, so that a reader of the file sees it.
    pub fn flush(&mut self) -> Result<(), RecordError> {
        let path = self.active_path();
        let Some(active) = &mut self.active else { return Ok(()) };
        let (packets, length) = (active.gathered_packets, size(active.gathered.len()));
        let result = active.write_out();
        if let Err(error) = result {
            self.lose_gathered(packets, length);
            return Err(RecordError::io("write", path)(error));
        }
        Ok(())
    }

    /// Close and rename the active file, if there is one, and delete the oldest rotated files.
    pub fn rotate(&mut self, now_ns: u64) -> Result<(), RecordError> {
        let flushed = self.flush();
        let Some(active) = self.active.take() else { return flushed };
        let only_header = !active.has_packets();
        drop(active);
        self.counters.active_bytes = 0;
        if only_header {
            // All its packets were lost.
            remove_if_there(&self.active_path())?;
        } else {
            self.rename_active(now_ns)?;
        }
        self.discard_oldest()?;
        flushed
    }

    /// Change when files rotate and how many stay; at once.
    pub fn set_limits(&mut self, limits: Limits) -> Result<(), RecordError> {
        self.limits = limits;
        self.discard_oldest()
    }

    /// Put everything on disk and close the file under its active name.
    pub fn close(&mut self) -> Result<(), RecordError> {
        let flushed = self.flush();
        self.active = None;
        flushed
    }

    /// Whether there is room to write on after a failure for lack of space: the floor, and a twentieth of the file system.
    pub fn has_room(&self) -> Result<bool, RecordError> {
        let space = Space::of(&self.directory)?;
        Ok(space.free >= self.limits.min_free_bytes.max(space.total.saturating_mul(RESUME_PERCENT) / 100))
    }

    /// What has been done so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// The limits in force.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Names and sizes of the files there are, active and rotated, sorted by name.
    pub fn files(&self) -> Result<Vec<(String, u64)>, RecordError> {
        let mut files = self.list(|name| name == names::active(&self.stem) || names::is_rotated(&self.stem, name))?;
        files.sort();
        Ok(files)
    }

    /// The active file, with room for a record; rotated and created as needed.
    fn file_for(&mut self, ts_ns: u64, record_len: usize) -> Result<&mut Active, RecordError> {
        let is_full = self.active.as_ref().is_some_and(|active| {
            active.has_packets() && active.length().saturating_add(size(record_len)) > self.limits.max_size_bytes
        });
        if is_full {
            self.rotate(ts_ns)?;
        } else {
            self.rotate_aged(ts_ns)?;
        }
        // Asked once per written piece, not per packet: we end at most one piece below the floor.
        if self.active.as_ref().is_none_or(|active| active.gathered.is_empty()) {
            self.check_space()?;
        }
        let active = match self.active.take() {
            Some(active) => active,
            None => self.create(ts_ns)?,
        };
        Ok(self.active.insert(active))
    }

    fn count(&mut self, ts_ns: u64, data_len: usize, active_bytes: u64) {
        let counters = &mut self.counters;
        counters.packets = counters.packets.saturating_add(1);
        counters.bytes = counters.bytes.saturating_add(size(data_len));
        counters.active_bytes = active_bytes;
        counters.first_packet_ns.get_or_insert(ts_ns);
        counters.last_packet_ns = Some(ts_ns);
    }

    fn lose(&mut self, packets: u64, bytes: u64) {
        self.counters.lost_packets = self.counters.lost_packets.saturating_add(packets);
        self.counters.lost_bytes = self.counters.lost_bytes.saturating_add(bytes);
    }

    /// Packets that were counted as taken turned out not to reach the disk.
    fn lose_gathered(&mut self, packets: u64, gathered_len: u64) {
        let bytes = gathered_len.saturating_sub(packets.saturating_mul(size(RECORD_HEADER_LEN)));
        self.counters.packets = self.counters.packets.saturating_sub(packets);
        self.counters.bytes = self.counters.bytes.saturating_sub(bytes);
        self.counters.active_bytes = self.active.as_ref().map_or(0, Active::length);
        self.lose(packets, bytes);
    }

    fn create(&mut self, first_ns: u64) -> Result<Active, RecordError> {
        let path = self.active_path();
        fs::create_dir_all(&self.directory).map_err(RecordError::io("make the directory", &self.directory))?;
        // There is one if an earlier rename failed.
        self.adopt_leftover(first_ns)?;
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(FILE_MODE)
            .open(&path)
            .map_err(RecordError::io("create", &path))?;
        if let Err(error) = file.write_all(&file_header(self.link, self.snap_len)) {
            drop(file);
            remove_if_there(&path)?;
            return Err(RecordError::io("write", path)(error));
        }
        let gathered = Vec::with_capacity(GATHER_LEN);
        Ok(Active { file, written_bytes: size(FILE_HEADER_LEN), gathered, gathered_packets: 0, first_ns })
    }

    fn rotate_aged(&mut self, now_ns: u64) -> Result<(), RecordError> {
        match &self.active {
            Some(active) if now_ns.saturating_sub(active.first_ns) >= self.limits.rotation_ns => self.rotate(now_ns),
            _ => Ok(()),
        }
    }

    /// An active file that was deleted or replaced takes our writes where nobody can read them: let go of it, so that
    /// the next packet opens a new one.
    fn notice_vanished(&mut self) -> Result<(), RecordError> {
        let path = self.active_path();
        let Some(active) = &self.active else { return Ok(()) };
        let ours = active.file.metadata().map_err(RecordError::io("look at", &path))?;
        let same =
            fs::symlink_metadata(&path).is_ok_and(|there| there.ino() == ours.ino() && there.dev() == ours.dev());
        if same {
            return Ok(());
        }
        let (packets, gathered_len) = (active.gathered_packets, size(active.gathered.len()));
        self.active = None;
        self.lose_gathered(packets, gathered_len);
        self.counters.vanished_files = self.counters.vanished_files.saturating_add(1);
        Ok(())
    }

    fn adopt_leftover(&mut self, now_ns: u64) -> Result<(), RecordError> {
        let path = self.active_path();
        let Ok(metadata) = fs::symlink_metadata(&path) else { return Ok(()) };
        if metadata.is_file() {
            mend(&path)?;
            let length = fs::metadata(&path).map_err(RecordError::io("look at", &path))?.len();
            if length <= size(FILE_HEADER_LEN) {
                return remove_if_there(&path);
            }
        }
        self.rename_active(now_ns)
    }

    fn rename_active(&mut self, now_ns: u64) -> Result<(), RecordError> {
        let from = self.active_path();
        let mut at_ns = now_ns;
        // We are the only writer of this stem, so each taken name is one of at most `max_files` or of an earlier rotation
        // in the same microsecond; a free one comes soon.
        let to = loop {
            let to = self.directory.join(names::rotated(&self.stem, at_ns));
            if fs::symlink_metadata(&to).is_err() {
                break to;
            }
            at_ns = at_ns.saturating_add(1000);
        };
        match fs::rename(&from, &to) {
            Ok(()) => self.counters.rotated_files = self.counters.rotated_files.saturating_add(1),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.counters.vanished_files = self.counters.vanished_files.saturating_add(1);
            }
            Err(error) => return Err(RecordError::io("rename", from)(error)),
        }
        Ok(())
    }

    fn discard_oldest(&mut self) -> Result<(), RecordError> {
        let mut rotated = self.list(|name| names::is_rotated(&self.stem, name))?;
        rotated.sort();
        let excess = rotated.len().saturating_sub(self.limits.max_files);
        for (name, _) in rotated.into_iter().take(excess) {
            remove_if_there(&self.directory.join(name))?;
            self.counters.discarded_files = self.counters.discarded_files.saturating_add(1);
        }
        Ok(())
    }

    fn check_space(&self) -> Result<(), RecordError> {
        let floor = self.limits.min_free_bytes;
        if floor == 0 {
            return Ok(());
        }
        match Space::of(&self.directory) {
            Ok(space) if space.free < floor => Err(RecordError::NoSpace { free: space.free, floor }),
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn list(&self, wanted: impl Fn(&str) -> bool) -> Result<Vec<(String, u64)>, RecordError> {
        let entries = match fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(RecordError::io("list", &self.directory)(error)),
        };
        let named = entries.filter_map(|entry| {
            let entry = entry.ok()?;
            let name = entry.file_name().into_string().ok().filter(|name| wanted(name))?;
            Some((name, entry.metadata().map_or(0, |metadata| metadata.len())))
        });
        Ok(named.collect())
    }

    fn active_path(&self) -> PathBuf {
        self.directory.join(names::active(&self.stem))
    }
}

impl Active {
    fn length(&self) -> u64 {
        self.written_bytes.saturating_add(size(self.gathered.len()))
    }

    fn has_packets(&self) -> bool {
        self.length() > size(FILE_HEADER_LEN)
    }

    fn gather(&mut self, ts_ns: u64, wire_len: u32, data: &[u8]) {
        let captured_len = u32::try_from(data.len()).unwrap_or(u32::MAX);
        self.gathered.extend_from_slice(&record_header(ts_ns, captured_len, wire_len));
        self.gathered.extend_from_slice(data);
        self.gathered_packets = self.gathered_packets.saturating_add(1);
    }

    /// All or nothing: on an error the file is cut back to where it was and the gathered packets are gone.
    fn write_out(&mut self) -> std::io::Result<()> {
        let result = self.file.write_all(&self.gathered);
        match &result {
            Ok(()) => self.written_bytes = self.length(),
            Err(_) => {
                // If even this fails, the reader stops at the half packet and `mend` cuts it off at the next start.
                let _ = self.file.set_len(self.written_bytes);
                let _ = std::io::Seek::seek(&mut self.file, std::io::SeekFrom::Start(self.written_bytes));
            }
        }
        self.gathered.clear();
        self.gathered_packets = 0;
        result
    }
}

/// Room on a file system.
struct Space {
    /// Bytes that we may still write.
    free: u64,
    total: u64,
}

impl Space {
    fn of(directory: &Path) -> Result<Self, RecordError> {
        let stat = rustix::fs::statvfs(directory)
            .map_err(|errno| RecordError::io("ask for the free space of", directory)(errno.into()))?;
        Ok(Self {
            free: stat.f_bavail.saturating_mul(stat.f_frsize),
            total: stat.f_blocks.saturating_mul(stat.f_frsize),
        })
    }
}

/// Cut a half-written packet off the end of a file whose writer was killed. What is otherwise odd is left as it is.
fn mend(path: &Path) -> Result<(), RecordError> {
    let file = File::open(path).map_err(RecordError::io("open", path))?;
    let Some(end) = torn_at(file) else { return Ok(()) };
    let file = OpenOptions::new().write(true).open(path).map_err(RecordError::io("open", path))?;
    file.set_len(end).map_err(RecordError::io("mend", path))
}

/// Where the last whole packet ends, if the file ends inside a packet.
fn torn_at(file: File) -> Option<u64> {
    let mut reader = match Reader::open(file) {
        Ok(reader) => reader,
        Err(error) => return error.is_truncated().then_some(0),
    };
    loop {
        match reader.next_frame() {
            Ok(Some(_)) => {}
            Ok(None) => return None,
            Err(error) => return error.is_truncated().then_some(error.offset),
        }
    }
}

fn remove_if_there(path: &Path) -> Result<(), RecordError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(RecordError::io("delete", path)(error)),
        _ => Ok(()),
    }
}
