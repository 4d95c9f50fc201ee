"""What does `kubectl logs` show of a pod's file: since when, with which times, of which container?"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kodkod.lab import logs
from kodkod.lab.logs import PodLogFiles
from kodkod.server.services import LogRequest
from kodkod.store.errors import BadRequest, NotFound

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC).timestamp()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Two lines at noon, a restart, one line ten seconds later, and one that is not marked yet."""
    file = tmp_path / "lab/logs/dev_web.log"
    file.parent.mkdir(parents=True)
    file.write_text("one\ntwo\n")
    logs.add_mark(file, NOON)
    logs.add_mark(file, NOON + 1, begins=True)
    file.write_text("one\ntwo\nthree\n")
    logs.add_mark(file, NOON + 10)
    logs.add_mark(file, NOON + 11)  # it has not grown: no mark
    return file


async def read(log: Path, **asked: object) -> str:
    request = LogRequest("dev", "web", **asked)  # type: ignore[arg-type]  # fields, by the tests
    return b"".join([chunk async for chunk in PodLogFiles(log.parents[2]).read(request)]).decode()


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(NOON + seconds, UTC)


async def test_a_log_is_that_of_the_container_that_runs(log: Path) -> None:
    assert await read(log) == "three\n"


async def test_the_one_before_is_the_previous(log: Path) -> None:
    assert await read(log, previous=True) == "one\ntwo\n"
    assert await read(log, previous=True, tail_lines=1) == "two\n"


async def test_without_a_restart_there_is_no_previous_one(tmp_path: Path) -> None:
    file = tmp_path / "lab/logs/dev_web.log"
    file.parent.mkdir(parents=True)
    file.write_text("one\n")
    logs.add_mark(file, NOON)
    with pytest.raises(BadRequest, match="previous terminated container"):
        await read(file, previous=True)


@pytest.mark.parametrize(
    ("since_s", "expected"),
    [(-1.0, "one\ntwo\nthree\nfour\n"), (0.5, "three\nfour\n"), (10.5, "four\n"), (30.0, "")],
)
async def test_since_a_moment_shows_what_was_noticed_later(tmp_path: Path, since_s: float, expected: str) -> None:
    file = tmp_path / "lab/logs/dev_web.log"
    file.parent.mkdir(parents=True)
    for text, moment in (("one\ntwo\n", 0), ("three\n", 10), ("four\n", 20)):
        with file.open("a") as out:
            out.write(text)
        logs.add_mark(file, NOON + moment)
    assert await read(file, since=at(since_s)) == expected


async def test_every_line_has_the_time_at_which_it_was_noticed(log: Path) -> None:
    assert await read(log, previous=True, timestamps=True) == (
        "2026-11-25T12:00:00.000000Z one\n2026-11-25T12:00:00.000000Z two\n"
    )
    assert await read(log, timestamps=True) == "2026-11-25T12:00:10.000000Z three\n"


async def test_a_limit_counts_what_is_shown(log: Path) -> None:
    assert await read(log, limit_bytes=3) == "thr"


async def test_a_log_that_was_emptied_at_its_bound_begins_anew(log: Path) -> None:
    logs.empty(log, NOON + 20)
    await asyncio.to_thread(log.write_text, "five\n")
    logs.add_mark(log, NOON + 30)
    assert await read(log) == "five\n"
    assert await read(log, since=at(25)) == "five\n"


async def test_following_goes_on_with_what_is_written(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "FOLLOW_EVERY_S", 0.01)
    stream = PodLogFiles(log.parents[2]).read(LogRequest("dev", "web", follow=True, timestamps=True))
    assert [await anext(stream), await anext(stream)] == [b"", b"2026-11-25T12:00:10.000000Z three\n"]
    waiting = asyncio.ensure_future(anext(stream))
    with log.open("a") as out:
        out.write("four\n")
    logs.add_mark(log, NOON + 40)
    assert (await asyncio.wait_for(waiting, 10)).endswith(b" four\n")
    await stream.aclose()  # type: ignore[attr-defined]  # an async generator


async def test_no_log_is_not_found_before_anything_is_sent(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        await anext(PodLogFiles(tmp_path).read(LogRequest("dev", "nobody")))
