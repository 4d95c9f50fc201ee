"""SPDY/3.1 as kubectl speaks it: what one side writes the other reads, however the bytes are cut."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kodkod.server.kube.streaming import spdy

KUBECTL_OPENS_THE_ERROR_STREAM = bytes.fromhex(
    "80030001000000290000000100000000000078f9e3c6a7c26260606004a7b392a2d4c45c6851c29a0a0a6800000000ffff"
)
"""The first frame of kubectl 1.27's exec, as it came over the wire."""


def conversation() -> bytes:
    writer = spdy.Writer()
    return b"".join(
        [
            writer.open(1, {"streamType": "error"}),
            writer.open(3, {"streamType": "stdin"}),
            spdy.data(3, b"hello"),
            spdy.ping(7),
            spdy.data(3, b"", fin=True),
            spdy.reset(5, 3),
            spdy.go_away(3),
        ]
    )


MEANING = [
    spdy.StreamOpened(1, {"streamtype": "error"}, fin=False),
    spdy.StreamOpened(3, {"streamtype": "stdin"}, fin=False),
    spdy.Data(3, b"hello", fin=False),
    spdy.Ping(7),
    spdy.Data(3, b"", fin=True),
    spdy.StreamReset(5, 3),
    spdy.GoAway(3),
]


def test_the_dictionary_is_the_one_of_the_draft() -> None:
    assert (len(spdy.DICTIONARY), zlib.adler32(spdy.DICTIONARY)) == (1423, 0xE3C6A7C2)


def test_kubectls_own_bytes_are_read() -> None:
    (frame,) = spdy.Reader().feed(KUBECTL_OPENS_THE_ERROR_STREAM)
    assert frame == spdy.StreamOpened(1, {"streamtype": "error"}, fin=False)


def test_frames_are_read_as_they_were_written() -> None:
    assert list(spdy.Reader().feed(conversation())) == MEANING


def test_a_stream_cut_anywhere_gives_the_same_frames() -> None:
    whole = conversation()
    for cut in range(len(whole)):
        reader = spdy.Reader()
        assert [*reader.feed(whole[:cut]), *reader.feed(whole[cut:])] == MEANING


def test_frames_that_say_nothing_to_us_are_read_past() -> None:
    settings = struct.pack(">HHI", 0x8003, 4, 4) + struct.pack(">I", 0)
    window = struct.pack(">HHI", 0x8003, 9, 8) + struct.pack(">II", 1, 1000)
    reply = spdy.Writer().reply(1)
    assert list(spdy.Reader().feed(settings + window + reply + spdy.ping(1))) == [spdy.Ping(1)]


@pytest.mark.parametrize(
    "damaged",
    [
        pytest.param(struct.pack(">II", 1, (1 << 20) + 1), id="a frame of more than a megabyte"),
        pytest.param(struct.pack(">HHI", 0x8002, 6, 4) + bytes(4), id="another version"),
        pytest.param(struct.pack(">HHI", 0x8003, 6, 2) + bytes(2), id="a ping without a number"),
        pytest.param(struct.pack(">HHI", 0x8003, 1, 14) + bytes(14), id="headers that are no zlib"),
    ],
)
def test_what_is_no_spdy_is_refused(damaged: bytes) -> None:
    with pytest.raises(spdy.SpdyError):
        list(spdy.Reader().feed(damaged))


def test_headers_that_grow_without_end_are_refused() -> None:
    bomb = zlib.compressobj(zdict=spdy.DICTIONARY)
    block = bomb.compress(b"\0" * 10_000_000) + bomb.flush(zlib.Z_SYNC_FLUSH)
    frame = struct.pack(">HHI", 0x8003, 1, 10 + len(block)) + struct.pack(">IIBB", 1, 0, 0, 0) + block
    with pytest.raises(spdy.SpdyError, match="header block"):
        list(spdy.Reader().feed(frame))


@given(st.binary(max_size=400))
def test_any_bytes_give_frames_or_a_named_error(noise: bytes) -> None:
    try:
        list(spdy.Reader().feed(noise))
    except spdy.SpdyError:
        pass
