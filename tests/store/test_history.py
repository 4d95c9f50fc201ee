"""What readers and watchers see: only what is durable, soon, and within bounds."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator

import pytest

from kodkod.resources import kinds
from kodkod.store import errors
from kodkod.store.embedded import MEMORY, EmbeddedResources
from kodkod.store.embedded.history import HISTORY_BYTES_MAX, HISTORY_MAX, SLACK, Topic, seen_as
from kodkod.store.embedded.journal import Journal
from kodkod.store.embedded.state import Change
from kodkod.testing.clock import SimulatedClock

SETS = kinds.GLOBAL_NETWORK_SET


def change(version: int, size: int = 10, **metadata: object) -> Change:
    obj = {"metadata": {"name": "x", "resourceVersion": str(version), **metadata}, "data": "d" * size}
    return Change(version, SETS, "MODIFIED", ("", "x"), obj, None)


def test_history_is_bounded_by_count() -> None:
    topic = Topic()
    for version in range(1, HISTORY_MAX + SLACK + 1):
        topic.append(change(version))
    assert topic.dropped == SLACK
    with pytest.raises(errors.Gone):
        topic.position(SLACK - 1)
    assert len(topic.since(topic.position(SLACK))[0]) == HISTORY_MAX


def test_history_is_bounded_by_bytes_and_keeps_the_newest() -> None:
    topic = Topic()
    for version in range(1, 30):
        topic.append(change(version, size=1 << 20))
    kept, _ = topic.since(topic.position(topic.dropped))
    assert 0 < len(kept) <= HISTORY_BYTES_MAX >> 20
    assert kept[-1].version == 29
    topic.append(change(30, size=2 * HISTORY_BYTES_MAX))
    kept, _ = topic.since(topic.position(topic.dropped))
    assert [entry.version for entry in kept] == [30]


async def test_what_came_while_a_watcher_was_served_is_seen_at_once() -> None:
    topic = Topic()
    topic.append(change(1))
    _, position = topic.since(topic.position(0))
    topic.append(change(2))
    async with asyncio.timeout(5):
        await topic.wait(position, timeout_s=60)


def test_one_event_is_shared_by_all_watchers() -> None:
    topic = Topic()
    one = change(1)
    assert topic.event(one, "MODIFIED") is topic.event(one, "MODIFIED")


@pytest.mark.parametrize(
    ("before", "now", "seen"),
    [(True, True, "MODIFIED"), (False, True, "ADDED"), (True, False, "DELETED"), (False, False, None)],
)
def test_a_change_as_a_selection_sees_it(before: bool, now: bool, seen: str | None) -> None:
    old = {"metadata": {"labels": {"a": "b"} if before else {}}}
    new = {"metadata": {"labels": {"a": "b"} if now else {}}}
    step = Change(2, SETS, "MODIFIED", ("", "x"), new, old)
    assert seen_as(step, lambda obj: obj["metadata"]["labels"] == {"a": "b"}) == seen


class FullDisk(EmbeddedResources):
    """A store whose disk can be made to refuse."""

    def __init__(self) -> None:
        super().__init__(MEMORY, SimulatedClock())
        self.is_full = False
        journal: Journal = self._store._journal
        append = journal.append

        async def refusing(*args: object) -> None:
            if self.is_full:
                raise sqlite3.OperationalError("database or disk is full")
            await append(*args)  # type: ignore[arg-type]

        journal.append = refusing  # type: ignore[method-assign]


@pytest.fixture
async def disk() -> AsyncIterator[FullDisk]:
    store = FullDisk()
    await store.open()
    yield store
    await store.close()


async def test_what_the_disk_refuses_has_not_happened(disk: FullDisk) -> None:
    await disk.create(SETS, {"metadata": {"name": "kept"}})
    disk.is_full = True
    refused = await asyncio.gather(
        *(disk.create(SETS, {"metadata": {"name": f"lost-{number}"}}) for number in range(3)), return_exceptions=True
    )
    assert [type(error) for error in refused] == [errors.Unavailable] * 3
    disk.is_full = False
    await disk.create(SETS, {"metadata": {"name": "lost-1"}})
    assert [obj["metadata"]["name"] for obj in (await disk.list(SETS)).items] == ["kept", "lost-1"]


async def test_writers_of_one_moment_do_not_lose_each_other(disk: FullDisk) -> None:
    await disk.create(SETS, {"metadata": {"name": "x"}})
    patches = ({"metadata": {"labels": {f"l{number}": "1"}}} for number in range(20))
    await asyncio.gather(*(disk.patch(SETS, "x", body) for body in patches))
    assert len((await disk.get(SETS, "x"))["metadata"]["labels"]) == 20
