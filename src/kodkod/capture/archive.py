"""Which bytes does a zip of these files have, before one of them is read? So that a download can go on where it broke.

Files are stored, not compressed, so their place in the archive follows from sizes and names alone; the checksums come
from the nodes. Any range of the archive is then a few literal headers and ranges of files. Equal files give equal
bytes. Source: APPNOTE.TXT 6.3.10 (4.3.7 local header, 4.3.12 central directory, 4.5.3 zip64).
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

T = TypeVar("T")

_MAX32 = 0xFFFF_FFFF
_MAX16 = 0xFFFF
_VERSION = 45  # needed to read zip64
_UNIX = 3 << 8
_UTF8 = 1 << 11
_MODE = 0o100644 << 16
_FIRST_YEAR, _LAST_YEAR = 1980, 2107


@dataclass(frozen=True, slots=True)
class Entry(Generic[T]):
    """One file. source: whatever its bytes are fetched by. modified: UTC, to two seconds."""

    name: str
    bytes: int
    crc32: int
    modified: datetime
    source: T


@dataclass(frozen=True, slots=True)
class Part(Generic[T]):
    """Bytes [begin, end) of an entry's file."""

    source: T
    begin: int
    end: int


class Archive(Generic[T]):
    """The layout of one zip. Names must be distinct."""

    def __init__(self, entries: Sequence[Entry[T]]) -> None:
        self._pieces: list[tuple[int, bytes | Entry[T]]] = []
        offset = 0
        central = []
        for entry in entries:
            header = _local_header(entry)
            central.append(_central_header(entry, offset))
            for piece, size in ((header, len(header)), (entry, entry.bytes)):
                self._pieces.append((offset, piece))
                offset += size
        directory = b"".join(central)
        end = directory + _end(len(entries), len(directory), offset)
        self._pieces.append((offset, end))
        self.bytes = offset + len(end)
        shown = "\0".join(f"{one.name}\0{one.bytes}\0{one.crc32}\0{one.modified.isoformat()}" for one in entries)
        self.etag = f'"{hashlib.blake2b(shown.encode(), digest_size=16).hexdigest()}"'

    def pieces(self, begin: int, end: int) -> Iterator[bytes | Part[T]]:
        """What stands in [begin, end), in order."""
        for start, piece in self._pieces:
            size = len(piece) if isinstance(piece, bytes) else piece.bytes
            low, high = max(begin - start, 0), min(end - start, size)
            if low >= high:
                continue
            if isinstance(piece, bytes):
                yield piece[low:high]
            else:
                yield Part(piece.source, low, high)


def _local_header(entry: Entry[T]) -> bytes:
    name, (date, time) = entry.name.encode(), _dos(entry.modified)
    extra = struct.pack("<HHQQ", 1, 16, entry.bytes, entry.bytes) if entry.bytes >= _MAX32 else b""
    size = min(entry.bytes, _MAX32)
    fixed = (b"PK\x03\x04", _VERSION, _UTF8, 0, time, date, entry.crc32, size, size, len(name), len(extra))
    return struct.pack("<4sHHHHHIIIHH", *fixed) + name + extra


def _central_header(entry: Entry[T], offset: int) -> bytes:
    name, (date, time) = entry.name.encode(), _dos(entry.modified)
    large = struct.pack("<QQ", entry.bytes, entry.bytes) if entry.bytes >= _MAX32 else b""
    if offset >= _MAX32:
        large += struct.pack("<Q", offset)
    extra = struct.pack("<HH", 1, len(large)) + large if large else b""
    size = min(entry.bytes, _MAX32)
    fixed = (
        b"PK\x01\x02", _UNIX | _VERSION, _VERSION, _UTF8, 0, time, date, entry.crc32, size, size, len(name),
        len(extra), 0, 0, 0, _MODE, min(offset, _MAX32),
    )  # fmt: skip
    return struct.pack("<4sHHHHHHIIIHHHHHII", *fixed) + name + extra


def _end(entries: int, directory_bytes: int, offset: int) -> bytes:
    large = b""
    if entries >= _MAX16 or directory_bytes >= _MAX32 or offset >= _MAX32:
        counts = (entries, entries, directory_bytes, offset)
        large = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, _UNIX | _VERSION, _VERSION, 0, 0, *counts)
        large += struct.pack("<4sIQI", b"PK\x06\x07", 0, offset + directory_bytes, 1)
    count = min(entries, _MAX16)
    sizes = (min(directory_bytes, _MAX32), min(offset, _MAX32))
    return large + struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, count, count, *sizes, 0)


def _dos(moment: datetime) -> tuple[int, int]:
    """Date and time as MS-DOS packed them."""
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        moment = datetime(_FIRST_YEAR, 1, 1, tzinfo=UTC)
    date = (moment.year - _FIRST_YEAR) << 9 | moment.month << 5 | moment.day
    return date, moment.hour << 11 | moment.minute << 5 | moment.second // 2
