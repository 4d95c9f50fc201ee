"""mixed-dev: traffic of many protocols, joined from the corpora under KODKOD_CORPORA into one large capture.

For each file and repetition the addresses are rewritten so that no two copies share a flow: private IPv4 addresses
get fresh ones of 10.0.0.0/8; public ones stay in the first repetition (rules with address lists keep working) unless
a packet has no private end; IPv6 addresses get the file's number mixed into bits 48-79. Checksums are corrected by
the difference, so right stays right and wrong stays wrong. Each file starts at a random moment and long pauses are
cut, so that many flows overlap. The same corpora give the same bytes (3.1 M packets, 750 MB).

    python -m bench.captures.mixed CORPORA OUT.pcap
"""

from __future__ import annotations

import csv
import hashlib
import random
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.captures.files import load, network_offset, records

# Left out: captures of packets that are broken on purpose.
SOURCES = ["corelight", "suricata-verify", "zeek", "ndpi", "wireshark", "snort3_demo", "arkime", "walkthrough"]
GAP_MAX_S = 0.5  # longest pause kept
SPAN_MAX_S = 60.0  # longest file
FILE_BYTES_MAX = 1.5e6  # taken of one file
EPOCH_S = 1_700_000_000


def is_private(address: bytes) -> bool:
    first, second = address[0], address[1]
    return (
        first == 10
        or (first == 172 and 16 <= second < 32)
        or (first == 192 and second == 168)
        or (first == 100 and 64 <= second < 128)
    )


def is_fixed(address: bytes) -> bool:
    """Multicast, broadcast, loopback and zero are never changed."""
    return address[0] >= 224 or address[0] in (0, 127)


class Pool:
    """Fresh IPv4 addresses, one after another, for the whole capture."""

    def __init__(self) -> None:
        self._next = 0x0A000001

    def take(self) -> bytes:
        value = self._next
        self._next += 1
        if self._next & 0xFF in (0, 255):
            self._next = (self._next | 0xFF) + 2
        return struct.pack(">I", value)


class Addresses:
    """What one copy of one file calls its hosts."""

    def __init__(self, pool: Pool, repetition: int, serial: int) -> None:
        self._pool, self._repetition, self._serial = pool, repetition, serial
        self._v4: dict[bytes, bytes] = {}
        self._v6: dict[bytes, bytes] = {}

    def pair_v4(self, source: bytes, destination: bytes) -> tuple[bytes, bytes]:
        known = self._v4
        no_private_end = not is_private(destination) and not is_fixed(destination)
        force = no_private_end and destination not in known and source not in known
        return self._one_v4(source, force=force), self._one_v4(destination)

    def _one_v4(self, address: bytes, *, force: bool = False) -> bytes:
        known = self._v4.get(address)
        if known is not None:
            return known
        if is_fixed(address):
            renamed = address
        elif is_private(address) or force:
            renamed = self._pool.take()
        elif self._repetition:
            renamed = struct.pack(">I", struct.unpack(">I", address)[0] ^ ((self._repetition & 0xFF) << 8))
        else:
            renamed = address
        self._v4[address] = renamed
        return renamed

    def one_v6(self, address: bytes) -> bytes:
        known = self._v6.get(address)
        if known is not None:
            return known
        if address[0] == 0xFF or address[:15] == b"\0" * 15:
            renamed = address
        else:
            changed = bytearray(address)
            key = (self._serial * 2654435761 + self._repetition) & 0xFFFFFFFF
            for index in range(4):
                changed[6 + index] ^= (key >> (24 - 8 * index)) & 0xFF
            renamed = bytes(changed)
        self._v6[address] = renamed
        return renamed


def words_sum(data: bytes) -> int:
    return sum(struct.unpack(f">{len(data) // 2}H", data))


def correct(frame: bytearray, at: int, delta: int) -> None:
    """Add a one's complement difference to the checksum at `at`."""
    total = (~((frame[at] << 8) | frame[at + 1]) & 0xFFFF) + delta
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    total = ~total & 0xFFFF
    frame[at], frame[at + 1] = total >> 8, total & 0xFF


def rewritten(frame: bytes, addresses: Addresses) -> bytes:
    """The frame with this copy's addresses, checksums corrected."""
    found = network_offset(frame)
    if found is None:
        return frame
    offset, kind = found
    if kind == 0x800 and len(frame) >= offset + 20 and frame[offset] >> 4 == 4:
        return _rewritten_v4(frame, offset, addresses)
    if kind == 0x86DD and len(frame) >= offset + 40 and frame[offset] >> 4 == 6:
        return _rewritten_v6(frame, offset, addresses)
    return frame


def _rewritten_v4(frame: bytes, offset: int, addresses: Addresses) -> bytes:
    source, destination = frame[offset + 12 : offset + 16], frame[offset + 16 : offset + 20]
    new_source, new_destination = addresses.pair_v4(source, destination)
    if new_source == source and new_destination == destination:
        return frame
    changed = bytearray(frame)
    changed[offset + 12 : offset + 20] = new_source + new_destination
    delta = words_sum(new_source + new_destination) + (0xFFFF * 4 - words_sum(source + destination))
    correct(changed, offset + 10, delta)
    if not ((frame[offset + 6] << 8) | frame[offset + 7]) & 0x1FFF:
        _correct_transport(frame, changed, offset + (frame[offset] & 15) * 4, frame[offset + 9], delta)
    return bytes(changed)


def _rewritten_v6(frame: bytes, offset: int, addresses: Addresses) -> bytes:
    source, destination = frame[offset + 8 : offset + 24], frame[offset + 24 : offset + 40]
    new_source, new_destination = addresses.one_v6(source), addresses.one_v6(destination)
    if new_source == source and new_destination == destination:
        return frame
    changed = bytearray(frame)
    changed[offset + 8 : offset + 40] = new_source + new_destination
    delta = words_sum(new_source + new_destination) + (0xFFFF * 16 - words_sum(source + destination))
    _correct_transport(frame, changed, offset + 40, frame[offset + 6], delta)
    return bytes(changed)


def _correct_transport(frame: bytes, changed: bytearray, at: int, protocol: int, delta: int) -> None:
    if protocol == 6 and len(frame) >= at + 18:
        correct(changed, at + 16, delta)
    elif protocol == 17 and len(frame) >= at + 8 and (frame[at + 6] or frame[at + 7]):
        correct(changed, at + 6, delta)
        if not (changed[at + 6] or changed[at + 7]):
            changed[at + 6] = changed[at + 7] = 0xFF
    elif protocol == 58 and len(frame) >= at + 4:
        correct(changed, at + 2, delta)


def sources(corpora: Path) -> list[Path]:
    """Every distinct Ethernet capture of the index, sorted by path."""
    found: list[Path] = []
    seen: set[bytes] = set()
    root = corpora / "pcaps"
    with (root / "INDEX.tsv").open() as index:
        for row in csv.DictReader(index, delimiter="\t"):
            is_wanted = row["path"].split("/")[0] in SOURCES and row["packets"] not in ("", "0")
            if not is_wanted or "1" not in row["linktype"].split(","):
                continue
            digest = hashlib.sha256(load(root / row["path"])).digest()
            if digest not in seen:
                seen.add(digest)
                found.append(root / row["path"])
    return sorted(found, key=str)


class Timeline:
    """Frames with their moments, in the order they were added; `write` sorts them."""

    def __init__(self) -> None:
        self._raw = bytearray()
        self._moments: list[float] = []
        self._places: list[tuple[int, int, int]] = []  # offset, length, length on the wire

    def add(self, frames: Iterator[tuple[float, int, bytes]], rng: random.Random, seconds: float) -> int:
        """Put one file at a random moment of the window. Returns the bytes it takes in a pcap."""
        first, taken = len(self._moments), 0
        for moment, wire, frame in frames:
            self._places.append((len(self._raw), len(frame), max(wire, len(frame))))
            self._moments.append(moment)
            self._raw += frame
            taken += len(frame) + 16
            if taken > FILE_BYTES_MAX:
                break
        span = self._moments[-1] if len(self._moments) > first else 0.0
        scale = min(1.0, SPAN_MAX_S / span) if span else 1.0
        start = rng.uniform(0, max(seconds - span * scale, 1))
        for index in range(first, len(self._moments)):
            self._moments[index] = start + self._moments[index] * scale
        return taken

    def write(self, path: Path) -> None:
        record = struct.Struct("<IIII").pack
        with path.open("wb", buffering=1 << 20) as out:
            out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
            for index in sorted(range(len(self._moments)), key=self._moments.__getitem__):
                moment = self._moments[index]
                offset, length, wire = self._places[index]
                whole = int(moment)
                out.write(record(EPOCH_S + whole, int((moment - whole) * 1e6), length, wire))
                out.write(self._raw[offset : offset + length])


def frames_of(path: Path, addresses: Addresses) -> Iterator[tuple[float, int, bytes]]:
    """One file's Ethernet frames, renamed, with moments from zero and long pauses cut."""
    moment, last = 0.0, None
    for link, seconds, wire, frame in records(load(path)):
        if link != 1 or not 14 <= len(frame) <= 65535:
            continue
        if last is not None:
            moment += min(max(seconds - last, 0.0), GAP_MAX_S)
        last = seconds
        yield moment, wire, rewritten(frame, addresses)


def write(
    corpora: Path, path: Path, *, seconds: float = 300, target_mb: float = 800, repetitions: int = 40, seed: int = 1
) -> None:
    """Write the capture. Takes some minutes and about 2 GB of memory."""
    rng, pool, timeline, total = random.Random(seed), Pool(), Timeline(), 0
    files = sources(corpora)
    for repetition in range(repetitions):
        order = files[:]
        rng.shuffle(order)
        for serial, file in enumerate(order):
            if total >= target_mb * 1e6:
                break
            total += timeline.add(frames_of(file, Addresses(pool, repetition, serial)), rng, seconds)
        if total >= target_mb * 1e6:
            break
    timeline.write(path)


if __name__ == "__main__":
    write(Path(sys.argv[1]), Path(sys.argv[2]))
