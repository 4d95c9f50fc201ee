"""How are a few protobuf messages written and read? The wire format alone; kubectl insists on it in two places.

`/openapi/v2` must be answered in protobuf (`openapi`), and since 1.32 some small request bodies come in it (`bodies`).
Source: protobuf.dev, "Encoding".
"""

from __future__ import annotations

from collections.abc import Iterator

VARINT, LENGTH = 0, 2
FIXED64, FIXED32 = 1, 5
VARINT_BYTES_MAX = 10


class Malformed(ValueError):
    """The bytes are no protobuf message; the message says at which offset."""


def varint(value: int) -> bytes:
    """A non-negative integer, seven bits a byte, lowest first."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def text(number: int, value: str) -> bytes:
    """A string field; an empty one is left out, which means the same."""
    return message(number, value.encode()) if value else b""


def message(number: int, body: bytes) -> bytes:
    """An embedded message, string or bytes field."""
    return varint(number << 3 | LENGTH) + varint(len(body)) + body


def boolean(number: int, value: bool) -> bytes:
    return varint(number << 3 | VARINT) + b"\x01" if value else b""


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Field numbers and values in order: integers for varints and fixed ones, bytes for the rest. Raises Malformed."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, at = _varint(data, at)
            yield number, value
        elif kind == LENGTH:
            length, at = _varint(data, at)
            yield number, _taken(data, at, length)
            at += length
        elif kind in (FIXED64, FIXED32):
            length = 8 if kind == FIXED64 else 4
            yield number, int.from_bytes(_taken(data, at, length), "little")
            at += length
        else:
            raise Malformed(f"wire type {kind} at byte {at}")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for index in range(VARINT_BYTES_MAX):
        if at + index >= len(data):
            raise Malformed(f"integer cut off at byte {at}")
        byte = data[at + index]
        value |= (byte & 0x7F) << (7 * index)
        if not byte & 0x80:
            return value, at + index + 1
    raise Malformed(f"integer too long at byte {at}")


def _taken(data: bytes, at: int, length: int) -> bytes:
    if at + length > len(data):
        raise Malformed(f"field of {length} bytes cut off at byte {at}")
    return data[at : at + length]
