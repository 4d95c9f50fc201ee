"""What is on this node's disk for a capture? Folders, names, snapshots.

Layout: `{base}/{namespace}/{capture}/{workload}_{interface}[-{rotation time}].pcap`, and beside the files a hidden
`.capture.json` with what must survive a restart: whose folder this is (uid) and the totals so far.

A file is handed out by an id that survives its renaming at rotation (inode and a digest of its first packet's header,
since inodes are used again), so a reader that was told of an active file still gets that file's packets afterwards. A
snapshot is cut at a packet boundary.
"""

from __future__ import annotations

import json
import os
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

SUFFIX = ".pcap"
MARKER = ".capture.json"
# A DNS-1123 subdomain, as namespaces and captures are named; it can hold neither a slash nor a leading dot.
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_ROTATED = re.compile(r"-\d{8}T\d{6}\.\d{6}Z(-\d+)?\.pcap$")
_HEADER_BYTES = 24
_RECORD_BYTES = 16
_IDENTITY_BYTES = _HEADER_BYTES + _RECORD_BYTES  # there from a file's first moment: files are made at the first packet
_CAPTURED_MAX = 1 << 28
_CHUNK_BYTES = 1 << 20
_MAGIC = {
    b"\xd4\xc3\xb2\xa1": "<",
    b"\x4d\x3c\xb2\xa1": "<",
    b"\xa1\xb2\xc3\xd4": ">",
    b"\xa1\xb2\x3c\x4d": ">",
}
_NANO = (b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d")


class UnsafeName(ValueError):
    """A namespace, capture or file name that could lead out of the capture directory."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One capture file. `active`: by its name it has not been rotated. `id`: empty unless asked for."""

    name: str
    bytes: int
    id: str
    active: bool
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Sealed:
    """One capture file as it can be handed out now. bytes: up to the last whole packet; crc32: of these."""

    name: str
    id: str
    bytes: int
    crc32: int
    active: bool
    mtime_ns: int


@dataclass(slots=True)
class Totals:
    """What a capture has done since its object was made, over all restarts. Times are ns since 1970."""

    packets: int = 0
    bytes: int = 0
    drops: dict[str, int] = field(default_factory=dict)
    rotated_files: int = 0
    discarded_files: int = 0
    first_packet_ns: int | None = None
    last_packet_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Folder:
    """The folder of one capture below a base directory. Raises UnsafeName on construction for a name with a way out."""

    base: str
    namespace: str
    name: str

    def __post_init__(self) -> None:
        for part in (self.namespace, self.name):
            if not _NAME.fullmatch(part):
                raise UnsafeName(f"{part!r} is not a name of a namespace or capture")

    @property
    def path(self) -> Path:
        return Path(self.base) / self.namespace / self.name

    def files(self, *, identify: bool = False) -> list[Stored]:
        """Capture files sorted by name; [] where there is no folder. identify: with ids, which reads into each."""
        found = []
        try:
            with os.scandir(self.path) as entries:
                for entry in entries:
                    if entry.name.endswith(SUFFIX) and entry.is_file(follow_symlinks=False):
                        found.append(_stored(self.path / entry.name, entry.stat(follow_symlinks=False), identify))
        except FileNotFoundError:
            return []
        return sorted(found, key=lambda stored: stored.name)

    def open(self, file_id: str) -> tuple[IO[bytes], int]:
        """A file by its id, whatever it is called now, and the bytes of it that end at a packet boundary.

        Raises FileNotFoundError where rotation has discarded it meanwhile.
        """
        for stored in self.files():
            try:
                handle = (self.path / stored.name).open("rb")
            except FileNotFoundError:
                continue  # renamed or discarded since it was listed
            if _identity(os.fstat(handle.fileno()), handle.read(_IDENTITY_BYTES)) == file_id:
                return handle, whole_packets(handle)
            handle.close()
        raise FileNotFoundError(file_id)

    def sealed(self) -> list[Sealed]:
        """Every file with its checksum, for which each is read; one that rotation discards meanwhile is left out."""
        found = []
        for stored in self.files(identify=True):
            try:
                handle, length = self.open(stored.id)
            except FileNotFoundError:
                continue
            with handle:
                checksum = _crc32(handle, length)
            found.append(Sealed(stored.name, stored.id, length, checksum, stored.active, stored.mtime_ns))
        return found

    def delete_files(self) -> int:
        """Remove the capture files, keep the folder. Returns how many went."""
        gone = 0
        for stored in self.files():
            (self.path / stored.name).unlink(missing_ok=True)
            gone += 1
        return gone

    def remove(self) -> None:
        """Remove files, marker and folder, and the namespace's folder when it was the last. Nothing else is touched."""
        self.delete_files()
        (self.path / MARKER).unlink(missing_ok=True)
        for path in (self.path, self.path.parent):
            try:
                path.rmdir()
            except OSError:
                return  # gone already, or something that is not ours lies in it

    def write_marker(self, uid: str, totals: Totals) -> None:
        """Replace the marker in one step, so that a crash leaves the old or the new one."""
        self.path.mkdir(parents=True, exist_ok=True)
        staged = self.path / f"{MARKER}.new"
        staged.write_text(json.dumps({"uid": uid, **asdict(totals)}))
        staged.replace(self.path / MARKER)

    def read_marker(self) -> tuple[str, Totals] | None:
        """Whose folder this is and its totals; None where that cannot be told."""
        try:
            stored: dict[str, Any] = json.loads((self.path / MARKER).read_text())
            uid = str(stored.pop("uid"))
            return uid, Totals(**stored)
        except (OSError, ValueError, KeyError, TypeError):
            return None


def folders(base: str) -> Iterator[Folder]:
    """Every folder below a base directory that carries a marker."""
    for marker in Path(base).glob(f"*/*/{MARKER}"):
        try:
            yield Folder(base, marker.parent.parent.name, marker.parent.name)
        except UnsafeName:
            continue


def namespaces_of(base: str, name: str) -> set[str]:
    """Namespaces whose folders hold files of captures of this name, whether or not the objects are still there."""
    if not _NAME.fullmatch(name):
        raise UnsafeName(f"{name!r} is not a name of a capture")
    found = (path.parent.name for path in Path(base).glob(f"*/{name}"))
    return {namespace for namespace in found if _NAME.fullmatch(namespace) and Folder(base, namespace, name).files()}


def whole_packets(handle: IO[bytes]) -> int:
    """Length of the longest prefix of a pcap that ends with a whole packet; leaves the position at 0.

    Something that is no pcap counts as whole: it is handed out as it is. Ends because each step moves on by at least
    a record header.
    """
    size = os.fstat(handle.fileno()).st_size
    handle.seek(0)
    head = handle.read(_HEADER_BYTES)
    handle.seek(0)
    order = _MAGIC.get(head[:4])
    if len(head) < _HEADER_BYTES:
        return 0
    if order is None:
        return size
    handle.seek(_HEADER_BYTES)
    length = struct.Struct(order + "8xI4x")
    end = _HEADER_BYTES
    while end + _RECORD_BYTES <= size:
        header = handle.read(_RECORD_BYTES)
        if len(header) < _RECORD_BYTES:
            break
        (captured,) = length.unpack(header)
        if captured > _CAPTURED_MAX or end + _RECORD_BYTES + captured > size:
            break
        end += _RECORD_BYTES + captured
        handle.seek(captured, os.SEEK_CUR)
    handle.seek(0)
    return end


def first_packet_ns(path: Path) -> int | None:
    """Time of a pcap's first packet, ns since 1970; None where there is none."""
    try:
        with path.open("rb") as handle:
            start = handle.read(_HEADER_BYTES + 8)
    except OSError:
        return None
    order = _MAGIC.get(start[:4])
    if order is None or len(start) < _HEADER_BYTES + 8:
        return None
    seconds, fraction = struct.unpack(order + "II", start[_HEADER_BYTES:])
    return int(seconds * 1_000_000_000 + fraction * (1 if start[:4] in _NANO else 1000))


def _crc32(handle: IO[bytes], length: int) -> int:
    checksum = 0
    while length > 0 and (chunk := handle.read(min(_CHUNK_BYTES, length))):
        checksum = zlib.crc32(chunk, checksum)
        length -= len(chunk)
    return checksum


def _stored(path: Path, stat: os.stat_result, identify: bool) -> Stored:
    return Stored(
        name=path.name,
        bytes=stat.st_size,
        id=_identity(stat, _head(path)) if identify else "",
        active=not _ROTATED.search(path.name),
        mtime_ns=stat.st_mtime_ns,
    )


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as handle:
            return handle.read(_IDENTITY_BYTES)
    except FileNotFoundError:
        return b""


def _identity(stat: os.stat_result, head: bytes) -> str:
    return f"{stat.st_ino:x}-{zlib.crc32(head):08x}"
