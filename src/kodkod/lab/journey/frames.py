"""How does a TCP conversation look on the wire? A small builder of Ethernet, IPv4 and TCP, and of their file.

Source: RFC 791, RFC 9293, RFC 1071 (checksum); the pcap file format of libpcap's savefile documentation.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path

FIN, SYN, PSH, ACK = 0x01, 0x02, 0x08, 0x10
LINK_ETHERNET = 1
SNAP_LENGTH = 262144
START_US = 1_795_600_000_000_000
"""A fixed time, so that the same files are made each time."""
STEP_US = 500
CLIENT, SERVER = IPv4Address("192.0.2.10"), IPv4Address("192.0.2.80")


@dataclass(slots=True)
class Conversation:
    """One connection as frames in order. Both sides acknowledge with what they send."""

    client: IPv4Address = CLIENT
    server: IPv4Address = SERVER
    client_port: int = 40000
    server_port: int = 80
    frames: list[bytes] = field(default_factory=list)
    _client_sequence: int = 1000
    _server_sequence: int = 9000
    _identity: int = 1

    def open(self) -> None:
        self._from_client(SYN, b"")
        self._from_server(SYN | ACK, b"")
        self._from_client(ACK, b"")

    def say(self, data: bytes) -> None:
        self._from_client(PSH | ACK, data)

    def answer(self, data: bytes) -> None:
        self._from_server(PSH | ACK, data)
        self._from_client(ACK, b"")

    def close(self) -> None:
        self._from_client(FIN | ACK, b"")
        self._from_server(FIN | ACK, b"")
        self._from_client(ACK, b"")

    def _from_client(self, flags: int, data: bytes) -> None:
        ports = struct.pack(">HH", self.client_port, self.server_port)
        segment = _segment(ports, self._client_sequence, self._server_sequence, flags, data)
        self._add(self.client, self.server, segment)
        self._client_sequence += len(data) + bool(flags & (SYN | FIN))

    def _from_server(self, flags: int, data: bytes) -> None:
        ports = struct.pack(">HH", self.server_port, self.client_port)
        segment = _segment(ports, self._server_sequence, self._client_sequence, flags, data)
        self._add(self.server, self.client, segment)
        self._server_sequence += len(data) + bool(flags & (SYN | FIN))

    def _add(self, source: IPv4Address, destination: IPv4Address, segment: bytes) -> None:
        pseudo = source.packed + destination.packed + struct.pack(">BBH", 0, 6, len(segment))
        segment = segment[:16] + struct.pack(">H", checksum(pseudo + segment)) + segment[18:]
        head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(segment), self._identity, 0x4000, 64, 6, 0)
        head += source.packed + destination.packed
        head = head[:10] + struct.pack(">H", checksum(head)) + head[12:]
        self._identity += 1
        self.frames.append(_ethernet(source, destination) + head + segment)


def checksum(data: bytes) -> int:
    """The Internet checksum: ones' complement of the ones' complement sum of 16-bit words."""
    padded = data + b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f">{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def write_pcap(file: Path, frames: list[bytes]) -> None:
    """Classic pcap, little endian, microseconds."""
    parts = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, SNAP_LENGTH, LINK_ETHERNET)]
    for index, frame in enumerate(frames):
        seconds, micro = divmod(START_US + index * STEP_US, 1_000_000)
        parts += [struct.pack("<IIII", seconds, micro, len(frame), len(frame)), frame]
    file.write_bytes(b"".join(parts))


def _segment(ports: bytes, sequence: int, acknowledged: int, flags: int, data: bytes) -> bytes:
    acknowledged = acknowledged if flags & ACK else 0
    return ports + struct.pack(">IIBBHHH", sequence, acknowledged, 5 << 4, flags, 64240, 0, 0) + data


def _ethernet(source: IPv4Address, destination: IPv4Address) -> bytes:
    return b"\x02\0" + destination.packed + b"\x02\0" + source.packed + b"\x08\x00"
