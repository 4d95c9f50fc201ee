"""What do these SPDY/3.1 bytes say, and how is our answer spelled? Frames as values, no I/O.

Source: "SPDY Protocol - Draft 3.1" (the Chromium project), sections 2.2 (frames), 2.6 (control frames), 2.6.10
(name/value block and its compression). Of it we need what kubectl's remote command client uses: streams opened by the
client, answered by SYN_REPLY, data with FIN, PING. Client and kubelet both ignore flow control, so do we.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

VERSION = 3
FRAME_LENGTH_MAX = 1 << 20
"""kubectl sends frames of at most 32 KiB; the length field would allow 16 MiB."""
HEADER_BLOCK_MAX = 64 << 10
"""An exec stream's headers are two short lines; a compressed bomb must end somewhere."""

FLAG_FIN = 0x01
_SYN_STREAM, _SYN_REPLY, _RST_STREAM, _SETTINGS, _PING, _GOAWAY, _HEADERS, _WINDOW_UPDATE = 1, 2, 3, 4, 6, 7, 8, 9

_LENGTH_PREFIXED = (
    "options|head|post|put|delete|trace|accept|accept-charset|accept-encoding|accept-language|accept-ranges|age|allow|"
    "authorization|cache-control|connection|content-base|content-encoding|content-language|content-length|"
    "content-location|content-md5|content-range|content-type|date|etag|expect|expires|from|host|if-match|"
    "if-modified-since|if-none-match|if-range|if-unmodified-since|last-modified|location|max-forwards|pragma|"
    "proxy-authenticate|proxy-authorization|range|referer|retry-after|server|te|trailer|transfer-encoding|upgrade|"
    "user-agent|vary|via|warning|www-authenticate|method|get|status|200 OK|version|HTTP/1.1|url|public|set-cookie|"
    "keep-alive|origin"
)
_RUN_TOGETHER = (
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
    "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden"
    "404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable"
    "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT"
    "chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,"
    "publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0."
)
_WORDS = [word.encode() for word in _LENGTH_PREFIXED.split("|")]
DICTIONARY = b"".join(struct.pack(">I", len(word)) + word for word in _WORDS) + _RUN_TOGETHER.encode()
"""The compression dictionary of section 2.6.10.1: 1,423 bytes, Adler-32 0xe3c6a7c2 (zlib checks it on both sides)."""


class SpdyError(Exception):
    """These bytes are not SPDY/3.1 as we speak it; the connection cannot go on."""


@dataclass(frozen=True, slots=True)
class StreamOpened:
    stream: int
    headers: Mapping[str, str]
    fin: bool


@dataclass(frozen=True, slots=True)
class Data:
    stream: int
    payload: bytes
    fin: bool


@dataclass(frozen=True, slots=True)
class StreamReset:
    stream: int
    status: int


@dataclass(frozen=True, slots=True)
class Ping:
    number: int


@dataclass(frozen=True, slots=True)
class GoAway:
    last_good_stream: int


Frame = StreamOpened | Data | StreamReset | Ping | GoAway


class Reader:
    """Turns received bytes into frames. One for each connection, because header compression keeps state.

    Frames that say nothing to us (SETTINGS, WINDOW_UPDATE, HEADERS and unknown types) are read past.
    """

    def __init__(self) -> None:
        self._pending = bytearray()
        self._inflate = zlib.decompressobj(zdict=DICTIONARY)

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Take bytes, cut anywhere, and give the frames they complete. Raises SpdyError."""
        self._pending += data
        while len(self._pending) >= 8:
            word, flags_and_length = struct.unpack_from(">II", self._pending)
            length = flags_and_length & 0xFFFFFF
            if length > FRAME_LENGTH_MAX:
                raise SpdyError(f"frame of {length} bytes, at most {FRAME_LENGTH_MAX}")
            if len(self._pending) < 8 + length:
                return
            payload = bytes(self._pending[8 : 8 + length])
            del self._pending[: 8 + length]
            frame = self._frame(word, flags_and_length >> 24, payload)
            if frame is not None:
                yield frame

    def _frame(self, word: int, flags: int, payload: bytes) -> Frame | None:
        if not word & 0x80000000:
            return Data(stream=word, payload=payload, fin=bool(flags & FLAG_FIN))
        version, kind = (word >> 16) & 0x7FFF, word & 0xFFFF
        if version != VERSION:
            raise SpdyError(f"control frame of version {version}, we speak {VERSION}")
        try:
            return self._control(kind, flags, payload)
        except (struct.error, zlib.error, UnicodeDecodeError) as broken:
            raise SpdyError(f"control frame of type {kind} cannot be read: {broken}") from broken

    def _control(self, kind: int, flags: int, payload: bytes) -> Frame | None:
        match kind:
            case 1:
                (stream,) = struct.unpack_from(">I", payload)
                return StreamOpened(stream & 0x7FFFFFFF, self._headers(payload[10:]), bool(flags & FLAG_FIN))
            case 3:
                stream, status = struct.unpack(">II", payload)
                return StreamReset(stream & 0x7FFFFFFF, status)
            case 6:
                return Ping(*struct.unpack(">I", payload))
            case 7:
                return GoAway(struct.unpack_from(">I", payload)[0] & 0x7FFFFFFF)
            case 2 | 8:
                # Unused by kubectl, but they pass through the shared compression state and so have to be inflated.
                self._headers(payload[4:])
        return None

    def _headers(self, block: bytes) -> dict[str, str]:
        plain = self._inflate.decompress(block, HEADER_BLOCK_MAX)
        if self._inflate.unconsumed_tail:
            raise SpdyError(f"header block of more than {HEADER_BLOCK_MAX} bytes")
        (count,) = struct.unpack_from(">I", plain)
        position, headers = 4, {}
        for _ in range(min(count, HEADER_BLOCK_MAX)):
            name, position = _text(plain, position)
            value, position = _text(plain, position)
            headers[name.lower()] = value
        return headers


class Writer:
    """Spells our frames. One for each connection, because header compression keeps state."""

    def __init__(self) -> None:
        self._deflate = zlib.compressobj(zdict=DICTIONARY)

    def reply(self, stream: int, headers: Mapping[str, str] | None = None) -> bytes:
        """Accept a stream that the client opened."""
        return _control(_SYN_REPLY, struct.pack(">I", stream) + self._block(headers or {}))

    def open(self, stream: int, headers: Mapping[str, str], *, fin: bool = False) -> bytes:
        """Open a stream (a client's move: tests and clients of ours)."""
        head = struct.pack(">IIBB", stream, 0, 0, 0)
        return _control(_SYN_STREAM, head + self._block(headers), FLAG_FIN if fin else 0)

    def _block(self, headers: Mapping[str, str]) -> bytes:
        parts = [struct.pack(">I", len(headers))]
        for name, value in headers.items():
            for text in (name.lower().encode(), value.encode()):
                parts += [struct.pack(">I", len(text)), text]
        return self._deflate.compress(b"".join(parts)) + self._deflate.flush(zlib.Z_SYNC_FLUSH)


def data(stream: int, payload: bytes, *, fin: bool = False) -> bytes:
    """One DATA frame; fin half-closes our side of the stream."""
    return struct.pack(">II", stream, (FLAG_FIN << 24 if fin else 0) | len(payload)) + payload


def reset(stream: int, status: int) -> bytes:
    """Refuse or abandon a stream. status: section 2.6.3 (1 protocol error, 3 refused)."""
    return _control(_RST_STREAM, struct.pack(">II", stream, status))


def ping(number: int) -> bytes:
    """Answer a ping with its own number."""
    return _control(_PING, struct.pack(">I", number))


def go_away(last_good_stream: int) -> bytes:
    """Say that no further stream will be served; status 0 is OK."""
    return _control(_GOAWAY, struct.pack(">II", last_good_stream, 0))


def _control(kind: int, payload: bytes, flags: int = 0) -> bytes:
    return struct.pack(">HHI", 0x8000 | VERSION, kind, flags << 24 | len(payload)) + payload


def _text(plain: bytes, position: int) -> tuple[str, int]:
    (length,) = struct.unpack_from(">I", plain, position)
    end = position + 4 + length
    if end > len(plain):
        raise SpdyError(f"header text of {length} bytes runs past its block")
    return plain[position + 4 : end].decode(), end
