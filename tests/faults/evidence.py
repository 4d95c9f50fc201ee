"""What was promised? Seen on the disk from outside: records that a node has kept, packets that lie in capture files.

A record is promised once its frame is in the spool, and the spool is emptied as fast as the server takes it: so every
segment gets a second name the moment it appears, under which its content stays. A packet is promised once its bytes are
in a capture file; the files are read before a kill and at the end.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import struct
import threading
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

IN_CREATE = 0x100
EVENT = struct.Struct("iIII")
FRAME = struct.Struct("<II")
PCAP_HEADER, PCAP_RECORD = 24, struct.Struct("<IIII")
ETHERNET, TCP = 14, 6  # bytes of a header, number of a protocol

libc = ctypes.CDLL(None, use_errno=True)


class SpoolWatch:
    """Gives each new segment of some folders a second name. One thread of its own, from `start` to `stop`."""

    def __init__(self, folders: Mapping[str, Path], keep: Path) -> None:
        self._folders = folders
        self._keep = keep
        self._handle = libc.inotify_init1(os.O_CLOEXEC)
        self._watched: dict[int, tuple[str, Path]] = {}
        self._wake, self._stop = os.pipe()
        self._thread = threading.Thread(target=self._run, name="spool watch")
        self.missed = 0
        self._kept = 0

    def start(self) -> None:
        self._keep.mkdir(parents=True, exist_ok=True)
        for role, folder in self._folders.items():
            folder.mkdir(parents=True, exist_ok=True)
            number = libc.inotify_add_watch(self._handle, str(folder).encode(), IN_CREATE)
            self._watched[number] = (role, folder)
        self._thread.start()

    def stop(self) -> None:
        """End it; a second time does nothing."""
        if self._thread.is_alive():
            os.write(self._stop, b".")
            self._thread.join()

    def _run(self) -> None:
        while True:
            ready, _, _ = select.select([self._handle, self._wake], [], [])
            if self._wake in ready:
                return
            for number, name in _created(os.read(self._handle, 65536)):
                role, folder = self._watched[number]
                try:
                    os.link(folder / name, self._keep / f"{self._kept:06d}-{role}-{name}")
                except FileNotFoundError:
                    self.missed += 1
                self._kept += 1

    def records(self) -> dict[str, Counter[str]]:
        """Every record that was promised, by data set, in one spelling, with how often."""
        found: dict[str, Counter[str]] = {}
        for path in sorted(self._keep.iterdir()):
            for payload in frames(path.read_bytes()):
                head, *lines = payload.rstrip(b"\n").split(b"\n")
                found.setdefault(json.loads(head)["dataset"], Counter()).update(spelled(json.loads(x)) for x in lines)
        return found


def _created(data: bytes) -> Iterator[tuple[int, str]]:
    at = 0
    while at < len(data):
        number, _, _, length = EVENT.unpack_from(data, at)
        yield number, data[at + EVENT.size : at + EVENT.size + length].rstrip(b"\0").decode()
        at += EVENT.size + length


def frames(content: bytes) -> Iterator[bytes]:
    """The sound frames of a segment; what a kill tore off at the end was never promised."""
    at = 0
    while at + FRAME.size <= len(content):
        length, checksum = FRAME.unpack_from(content, at)
        payload = content[at + FRAME.size : at + FRAME.size + length]
        if len(payload) < length or zlib.crc32(payload) != checksum:
            return
        yield payload
        at += FRAME.size + length


def spelled(record: Mapping[str, Any]) -> str:
    """A record without what the server adds, so that two of them can be compared."""
    return json.dumps({key: value for key, value in record.items() if not key.startswith("_")}, sort_keys=True)


@dataclass(slots=True)
class Packets:
    """Packets that were seen in capture files, by digest, and the ports of their TCP segments by interface."""

    seen: Counter[bytes] = field(default_factory=Counter)
    ports: dict[str, Counter[int]] = field(default_factory=dict)
    files: int = 0


def packets_in(folder: Path) -> Packets:
    """Every whole packet in the pcap files below a folder."""
    found = Packets()
    for path in sorted(folder.glob("*/*/*.pcap")):
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            continue  # rotated since it was listed: it is read under its new name, or the next time
        found.files += 1
        interface = path.name.partition("_")[2].partition("-")[0].removesuffix(".pcap")
        ports = found.ports.setdefault(interface, Counter())
        for record in pcap_records(content):
            found.seen[blake2b(interface.encode() + record, digest_size=12).digest()] += 1
            ports.update(tcp_ports(record[PCAP_RECORD.size :]))
    return found


def pcap_records(content: bytes) -> Iterator[bytes]:
    at = PCAP_HEADER
    while at + PCAP_RECORD.size <= len(content):
        _, _, captured, _ = PCAP_RECORD.unpack_from(content, at)
        end = at + PCAP_RECORD.size + captured
        if end > len(content):
            return
        yield content[at:end]
        at = end


def tcp_ports(frame: bytes) -> tuple[int, ...]:
    """Source and destination port of a TCP segment over IPv4 on Ethernet; () for anything else."""
    if frame[12:14] != b"\x08\x00" or frame[ETHERNET + 9] != TCP:
        return ()
    start = ETHERNET + (frame[ETHERNET] & 0xF) * 4
    return struct.unpack_from("!HH", frame, start)
