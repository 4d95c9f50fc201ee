"""How are packets read for a benchmark capture? A small pcap and pcapng reader that knows nothing of the engine.

Independent of `crates/pcap` on purpose: the engine is measured on what this writes. Broken files end where they break.
"""

from __future__ import annotations

import gzip
import struct
from collections.abc import Iterator
from pathlib import Path

# magic -> byte order, resolution in seconds, length of a record's header
MAGICS = {
    b"\xd4\xc3\xb2\xa1": ("<", 1e-6, 16),
    b"\xa1\xb2\xc3\xd4": (">", 1e-6, 16),
    b"\x4d\x3c\xb2\xa1": ("<", 1e-9, 16),
    b"\xa1\xb2\x3c\x4d": (">", 1e-9, 16),
    b"\x34\xcd\xb2\xa1": ("<", 1e-6, 24),
    b"\xa1\xb2\xcd\x34": (">", 1e-6, 24),
}
SECTION = b"\x0a\x0d\x0d\x0a"
FRAME_BYTES_MAX = 0x4000000

Record = tuple[int, float, int, bytes]  # link type, seconds, length on the wire, bytes


def load(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data


def records(data: bytes) -> Iterator[Record]:
    """Packets in file order."""
    if data[:4] in MAGICS:
        yield from _pcap(data)
    elif data[:4] == SECTION:
        yield from _pcapng(data)


def _pcap(data: bytes) -> Iterator[Record]:
    order, resolution, header = MAGICS[data[:4]]
    if len(data) < 24:
        return
    link = struct.unpack(order + "I", data[20:24])[0] & 0xFFFF
    offset, read = 24, struct.Struct(order + "IIII").unpack_from
    while offset + header <= len(data):
        seconds, fraction, captured, wire = read(data, offset)
        offset += header
        if captured > FRAME_BYTES_MAX or offset + captured > len(data):
            return
        yield link, seconds + fraction * resolution, wire, data[offset : offset + captured]
        offset += captured


def _pcapng(data: bytes) -> Iterator[Record]:
    offset, order = 0, "<"
    interfaces: list[tuple[int, float]] = []
    while offset + 12 <= len(data):
        if data[offset : offset + 4] == SECTION:
            order = "<" if data[offset + 8 : offset + 12] == b"\x4d\x3c\x2b\x1a" else ">"
            interfaces = []
        kind, length = struct.unpack_from(order + "II", data, offset)
        if length < 12 or offset + length > len(data):
            return
        if kind == 1:
            interfaces.append(_interface(data, offset, length, order))
        else:
            record = _packet_block(kind, data, offset, length, order, interfaces)
            if record is not None:
                yield record
        offset += length


def _interface(data: bytes, offset: int, length: int, order: str) -> tuple[int, float]:
    link, resolution, at = struct.unpack_from(order + "H", data, offset + 8)[0], 1e-6, offset + 16
    while at + 4 <= offset + length - 4:
        code, size = struct.unpack_from(order + "HH", data, at)
        if code == 0:
            break
        if code == 9 and size >= 1:
            value = data[at + 4]
            resolution = 2.0 ** -(value & 0x7F) if value & 0x80 else 10.0**-value
        at += 4 + ((size + 3) & ~3)
    return link, resolution


def _packet_block(
    kind: int, data: bytes, offset: int, length: int, order: str, interfaces: list[tuple[int, float]]
) -> Record | None:
    if kind == 6:
        index, high, low, captured, wire = struct.unpack_from(order + "IIIII", data, offset + 8)
        if index < len(interfaces) and offset + 28 + captured <= len(data):
            link, resolution = interfaces[index]
            return link, ((high << 32) | low) * resolution, wire, data[offset + 28 : offset + 28 + captured]
    elif kind == 3 and interfaces:
        wire = struct.unpack_from(order + "I", data, offset + 8)[0]
        captured = min(wire, length - 16)
        return interfaces[0][0], 0.0, wire, data[offset + 12 : offset + 12 + captured]
    elif kind == 2 and interfaces:
        index, _drops, high, low, captured, wire = struct.unpack_from(order + "HHIIII", data, offset + 8)
        if index < len(interfaces):
            link, resolution = interfaces[index]
            return link, ((high << 32) | low) * resolution, wire, data[offset + 28 : offset + 28 + captured]
    return None


def network_offset(frame: bytes) -> tuple[int, int] | None:
    """Offset and ethertype of what an Ethernet frame carries, through VLAN tags, PPPoE and MPLS."""
    if len(frame) < 14:
        return None
    kind, offset = (frame[12] << 8) | frame[13], 14
    while kind in (0x8100, 0x88A8, 0x9100, 0x9200) and len(frame) >= offset + 4:
        kind = (frame[offset + 2] << 8) | frame[offset + 3]
        offset += 4
    if kind == 0x8864 and len(frame) >= offset + 8:
        point = (frame[offset + 6] << 8) | frame[offset + 7]
        offset += 8
        kind = {0x21: 0x800, 0x57: 0x86DD}.get(point, 0)
    if kind in (0x8847, 0x8848):
        while len(frame) >= offset + 4:
            is_bottom = frame[offset + 2] & 1
            offset += 4
            if is_bottom:
                break
        if len(frame) > offset:
            kind = {4: 0x800, 6: 0x86DD}.get(frame[offset] >> 4, 0)
    return offset, kind
