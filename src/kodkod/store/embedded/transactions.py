"""How do several writers share one disk? Each sees the newest state at once; a group of writes is made durable
together; nobody else sees them before.

Two states: `head` includes writes on their way to the disk and is what the next write is computed from, without waiting
and hence without locks; `committed` is what readers and watchers see. Where the disk refuses, head falls back.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Sequence

from kodkod.resources.kinds import Kind
from kodkod.store.embedded.history import History
from kodkod.store.embedded.journal import Journal, Restored
from kodkod.store.embedded.state import Change, State
from kodkod.store.errors import Unavailable

log = logging.getLogger(__name__)

GROUP_MAX = 256
"""Changes made durable together."""


class Transactions:
    """Lives on the event loop that opened it."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.head = State()
        self.committed = State()
        self.history = History()
        self.version = 0
        """Version of the last committed change of any kind."""
        self._head_version = 0
        self._queue: list[tuple[Sequence[Change], asyncio.Future[None]]] = []
        self._flusher: asyncio.Task[None] | None = None
        self._dropped: list[tuple[Kind, int]] = []

    async def open(self) -> None:
        restored = await self._journal.open()
        self._restore(restored)

    def _restore(self, restored: Restored) -> None:
        for kind, key, obj, version in restored.objects:
            self.committed.put(Change(version, kind, "ADDED", key, obj, None))
        for kind, version in restored.dropped.items():
            self.history.restore(kind, version)
        for change in restored.changes:
            self.history.topic(change.kind).append(change)
        self.head = self.committed.copy()
        self.version = self._head_version = restored.version

    async def close(self) -> None:
        if self._flusher is not None:
            await self._flusher
        await self._journal.close()

    def next_version(self) -> int:
        """The version that the next change of the transaction being computed carries."""
        self._head_version += 1
        return self._head_version

    async def commit(self, changes: Sequence[Change]) -> None:
        """Take changes, already applied to `head`, to the disk; returns once they are durable and seen.

        The computation that made the changes may not have waited since it read `head`. Raises Unavailable.
        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append((changes, done))
        if self._flusher is None or self._flusher.done():
            self._flusher = asyncio.create_task(self._flush(), name="resources journal")
        await asyncio.shield(done)

    async def _flush(self) -> None:
        while self._queue:
            group, self._queue = self._queue[:GROUP_MAX], self._queue[GROUP_MAX:]
            changes = [change for entry, _ in group for change in entry]
            dropped, self._dropped = self._dropped, []
            try:
                await self._journal.append(changes, dropped)
            except sqlite3.Error as error:
                self._fall_back(group, error)
                continue
            self._publish(changes)
            for _, done in group:
                if not done.done():
                    done.set_result(None)

    def _publish(self, changes: list[Change]) -> None:
        for change in changes:
            self.committed.put(change)
            trimmed = self.history.topic(change.kind).append(change)
            if trimmed is not None:
                self._dropped.append((change.kind, trimmed))
        self.version = changes[-1].version
        for kind in {change.kind for change in changes}:
            self.history.topic(kind).wake()

    def _fall_back(self, group: list[tuple[Sequence[Change], asyncio.Future[None]]], error: sqlite3.Error) -> None:
        """Nothing of the group is kept, nor of what was computed from it."""
        log.error("resources cannot be written", extra={"fields": {"error": str(error)}})
        lost, self._queue = [*group, *self._queue], []
        self.head = self.committed.copy()
        for _, done in lost:
            if not done.done():
                done.set_exception(Unavailable(f"resources cannot be written: {error}"))
