"""What happened since? The recent changes of each kind, shared by all watchers, each at its own position.

There is no queue for a watcher: a slow one costs nothing, and is told Gone once what it needs has been dropped. A kind
that nobody writes drops nothing, so its idle watchers never fall out of history.
"""

from __future__ import annotations

import asyncio
import bisect
from collections.abc import Callable
from operator import attrgetter

from kodkod.resources import Object
from kodkod.resources.kinds import Kind
from kodkod.store.embedded.state import Change
from kodkod.store.errors import Gone
from kodkod.store.protocol import EventType, WatchEvent

HISTORY_MAX = 5_000
"""Changes kept of one kind, in memory and on disk."""

SLACK = 500
"""Dropped at once, so that the disk is not asked at each write."""

Matches = Callable[[Object], bool]


class Topic:
    """The recent changes of one kind. Lives on the event loop."""

    def __init__(self, dropped: int = 0) -> None:
        self.dropped = dropped
        """Changes up to this version are no longer held."""
        self._changes: list[Change] = []
        self._base = 0
        self._waiters: set[asyncio.Future[None]] = set()
        self._events: dict[tuple[int, EventType], WatchEvent] = {}

    def append(self, change: Change) -> int | None:
        """Take a change in; answers the version up to which history was dropped, if it was."""
        self._changes.append(change)
        trimmed = None
        if len(self._changes) >= HISTORY_MAX + SLACK:
            trimmed = self._changes[SLACK - 1].version
            self._drop(SLACK)
        return trimmed

    def _drop(self, count: int) -> None:
        self.dropped = self._changes[count - 1].version
        del self._changes[:count]
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

    async def wait(self, timeout_s: float) -> None:
        """Until something is appended, or the time is over."""
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
