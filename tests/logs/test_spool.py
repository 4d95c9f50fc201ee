"""Does the spool keep an agent's records until the server has them, within its bound?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kodkod.logs.segments import frames
from kodkod.logs.spool import Spool

OPENED: list[Spool] = []


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    yield
    while OPENED:
        OPENED.pop().close()


def opened(folder: Path, *, bytes_max: int = 1_000_000, segment_bytes: int = 4_000_000) -> Spool:
    OPENED.append(Spool(folder, bytes_max=bytes_max, segment_bytes=segment_bytes))
    return OPENED[-1]


def filled(folder: Path, count: int, *, bytes_max: int = 1_000_000, segment_bytes: int = 200) -> Spool:
    spool = opened(folder, bytes_max=bytes_max, segment_bytes=segment_bytes)
    for number in range(count):
        spool.append("flows", [{"n": number, "text": "x" * 40}])
    return spool


def test_batches_come_oldest_first_until_they_are_acknowledged(tmp_path: Path) -> None:
    spool = filled(tmp_path, 5)
    first = spool.waiting(1)[0]
    assert first.body.startswith(b'{"n":0')
    spool.acknowledge(first)
    spool.acknowledge(first)
    assert spool.waiting(1)[0].body.startswith(b'{"n":1')
    assert (spool.counters.acknowledged, spool.records) == (1, 4)


def test_ids_stay_the_same_over_a_restart(tmp_path: Path) -> None:
    before = [one.id for one in filled(tmp_path, 4).waiting(9)]
    after = opened(tmp_path)
    assert [one.id for one in after.waiting(9)] == before
    assert len(set(before)) == 4


def test_a_restarted_spool_does_not_write_into_old_segments(tmp_path: Path) -> None:
    filled(tmp_path, 2).close()
    again = opened(tmp_path)
    again.append("dns", [{"n": 9}])
    assert [one.dataset for one in again.waiting(9)] == ["flows", "flows", "dns"]


def test_files_go_when_all_their_batches_are_acknowledged(tmp_path: Path) -> None:
    spool = filled(tmp_path, 8)
    for batch in spool.waiting(99):
        spool.acknowledge(batch)
    assert list(tmp_path.glob("*.spool")) == []
    spool.append("flows", [{"n": 1}])
    assert len(spool.waiting(9)) == 1


def test_past_the_bound_the_oldest_go_and_are_counted(tmp_path: Path) -> None:
    spool = filled(tmp_path, 50, bytes_max=1_000)
    assert spool.size_bytes <= 1_000
    dropped = spool.counters.dropped["overflow"]
    assert dropped > 0
    assert dropped + spool.records == 50
    assert spool.waiting(1)[0].body.startswith(b'{"n":%d' % dropped)


def test_a_torn_tail_loses_only_itself(tmp_path: Path) -> None:
    filled(tmp_path, 2, segment_bytes=10_000).close()
    (path,) = tmp_path.glob("*.spool")
    path.write_bytes(path.read_bytes()[:-3])
    spool = opened(tmp_path)
    assert [one.body[:6] for one in spool.waiting(9)] == [b'{"n":0']
    assert spool.counters.dropped == {"damaged": 1}


@settings(max_examples=40, deadline=None)
@given(cut=st.integers(0, 400), flip=st.integers(0, 400))
def test_damage_anywhere_is_never_believed(tmp_path_factory: object, cut: int, flip: int) -> None:
    folder = tmp_path_factory.mktemp("spool")  # type: ignore[attr-defined]
    filled(folder, 3, segment_bytes=10_000).close()
    (path,) = folder.glob("*.spool")
    whole = [frame.payload for frame in frames(path)]
    content = bytearray(path.read_bytes())
    content[flip % len(content)] ^= 0x55
    path.write_bytes(content[: max(1, len(content) - cut)])
    assert [frame.payload for frame in frames(path)] == whole[: len(list(frames(path)))]
