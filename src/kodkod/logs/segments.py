"""How do bytes survive a crash? Append-only files of frames with a CRC each; a torn end is cut off, never believed.

A frame is its length and CRC-32 (both little-endian u32), then the payload. Used by the agents' spool and by the log
store's journal. One writer per file.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_HEADER = struct.Struct("<II")
FRAME_BYTES_MAX = 64 * 1024 * 1024  # a longer length is damage, not a frame


@dataclass(frozen=True, slots=True)
class Frame:
    """A payload and where the next frame starts."""

    payload: bytes
    end: int


class SegmentWriter:
    """Appends frames to one file. Not thread-safe; a torn end left by a crash is cut off on opening."""

    def __init__(self, path: Path) -> None:
        self.path = path
        is_new = not path.exists()
        self._file = path.open("ab")
        sound = sound_bytes(path)
        if sound < self._file.tell():
            self._file.truncate(sound)
            os.fsync(self._file.fileno())
        if is_new:
            sync_folder(path.parent)

    @property
    def size(self) -> int:
        return self._file.tell()

    def append(self, payload: bytes) -> None:
        """Write and sync one frame: when this returns, the payload survives kill -9 and a power cut.

        OSError (disk full) leaves the file as it was before.
        """
        start = self._file.tell()
        try:
            self._file.write(_HEADER.pack(len(payload), zlib.crc32(payload)))
            self._file.write(payload)
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError:
            self._forget_after(start)
            raise

    def _forget_after(self, start: int) -> None:
        """Drop what a failed write left in the buffer and in the file."""
        with_raw = self._file.raw if hasattr(self._file, "raw") else None
        path = self.path
        if with_raw is not None:
            with_raw.close()
        os.truncate(path, start)
        self._file = path.open("ab")

    def close(self) -> None:
        self._file.close()


def frames(path: Path) -> Iterator[Frame]:
    """The sound frames of a file in order; ends quietly at the first torn or damaged one."""
    with path.open("rb") as file:
        end = 0
        while len(header := file.read(_HEADER.size)) == _HEADER.size:
            length, checksum = _HEADER.unpack(header)
            if length > FRAME_BYTES_MAX:
                return
            payload = file.read(length)
            if len(payload) < length or zlib.crc32(payload) != checksum:
                return
            end += _HEADER.size + length
            yield Frame(payload, end)


def sound_bytes(path: Path) -> int:
    """How much of a file is sound frames."""
    end = 0
    for frame in frames(path):
        end = frame.end
    return end


def sync_folder(folder: Path) -> None:
    """Make a created, renamed or removed name durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
