"""What happened since? The recent changes of each kind, shared by all watchers, each at its own position.

There is no queue for a watcher: a slow one costs nothing, and is told Gone once what it needs has been dropped. A kind
that nobody writes drops nothing, so its idle watchers never fall out of history.
"""

from __future__ import annotations

import asyncio
import bisect
from collections.abc import Callable
from operator import attrgetter

import orjson

from kodkod.resources import Object
from kodkod.resources.kinds import Kind
from kodkod.store.embedded.state import Change
from kodkod.store.errors import Gone
from kodkod.store.protocol import EventType, WatchEvent

HISTORY_MAX = 5_000
"""Changes kept of one kind, in memory and on disk."""

HISTORY_BYTES_MAX = 16 << 20
"""Their size as JSON: reports of busy nodes are large and change every few seconds."""

SLACK = 500
"""Dropped at once, so that the disk is not asked at each write."""

Matches = Callable[[Object], bool]


class Topic:
    """The recent changes of one kind. Lives on the event loop."""

    def __init__(self, dropped: int = 0) -> None:
        self.dropped = dropped
        """Changes up to this version are no longer held."""
        self._changes: list[Change] = []
        self._sizes: list[int] = []
        self._bytes = 0
        self._base = 0
        self._waiters: set[asyncio.Future[None]] = set()
        self._events: dict[tuple[int, EventType], WatchEvent] = {}

    def append(self, change: Change) -> int | None:
        """Take a change in; answers the version up to which history was dropped, if it was."""
        self._changes.append(change)
        self._sizes.append(len(orjson.dumps(change.obj)))
        self._bytes += self._sizes[-1]
        excess = self._excess()
        if excess == 0:
            return None
        self._drop(excess)
        return self.dropped

    def _excess(self) -> int:
        """How many of the oldest changes have to go; the newest one stays, whatever its size."""
        if len(self._changes) >= HISTORY_MAX + SLACK:
            return SLACK
        if self._bytes <= HISTORY_BYTES_MAX:
            return 0
        left, count = self._bytes, 0
        while left > HISTORY_BYTES_MAX * 3 // 4 and count < len(self._changes) - 1:
            left -= self._sizes[count]
            count += 1
        return count

    def _drop(self, count: int) -> None:
        self.dropped = self._changes[count - 1].version
        self._bytes -= sum(self._sizes[:count])
        del self._changes[:count], self._sizes[:count]
        self._base += count
        self._events = {key: event for key, event in self._events.items() if key[0] > self.dropped}

    def wake(self) -> None:
        waiters, self._waiters = self._waiters, set()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def position(self, version: int) -> int:
        """Where changes after a version begin. Raises Gone."""
        if version < self.dropped:
            raise Gone(f"too old resource version: {version} ({self.dropped})")
        return self._base + bisect.bisect_right(self._changes, version, key=attrgetter("version"))

    def since(self, position: int) -> tuple[list[Change], int]:
        """Changes from a position on, and the position after them. Raises Gone for one that fell behind."""
        if position < self._base:
            raise Gone("too old resource version: the watch fell behind")
        return self._changes[position - self._base :], self._base + len(self._changes)

    async def wait(self, position: int, timeout_s: float) -> None:
        """Until there is something from a position on, or the time is over.

        The position is what makes it safe: what came while a slow watcher was being served is seen at once.
        """
        if position < self._base + len(self._changes):
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        try:
            async with asyncio.timeout(timeout_s):
                await waiter
        except TimeoutError:
            return
        finally:
            self._waiters.discard(waiter)

    def event(self, change: Change, type: EventType) -> WatchEvent:
        """The one event that all watchers of this change share."""
        key = (change.version, type)
        if key not in self._events:
            self._events[key] = WatchEvent(type, change.obj)
        return self._events[key]


def seen_as(change: Change, matches: Matches | None) -> EventType | None:
    """What a change is for a watcher with a selection: entering it is ADDED, leaving it DELETED."""
    if matches is None:
        return change.type
    now = matches(change.obj)
    if change.type == "DELETED":
        before = change.previous if change.previous is not None else change.obj
        return "DELETED" if matches(before) else None
    if change.type == "ADDED":
        return "ADDED" if now else None
    before_matched = change.previous is None or matches(change.previous)
    if now:
        return "MODIFIED" if before_matched else "ADDED"
    return "DELETED" if before_matched else None


class History:
    """The topics of all kinds."""

    def __init__(self) -> None:
        self._topics: dict[Kind, Topic] = {}

    def topic(self, kind: Kind) -> Topic:
        return self._topics.setdefault(kind, Topic())

    def restore(self, kind: Kind, dropped: int) -> None:
        self.topic(kind).dropped = dropped
