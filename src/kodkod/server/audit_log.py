"""Where do audit records go? Into the data set `audit`, in batches, by a task of its own, so that no request waits."""

from __future__ import annotations

import asyncio
from typing import Any

from kodkod.clock import Clock
from kodkod.logs.store import LogStore
from kodkod.server import telemetry

QUEUED_MAX = 10_000
"""Records held while the store is slow; further ones are counted as lost, never waited for."""


class AuditLog:
    """Implements `services.AuditSink`; `run` is its task. Records not yet stored go with the process (kill -9)."""

    def __init__(self, logs: LogStore, clock: Clock) -> None:
        self._logs = logs
        self._clock = clock
        self._queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue(QUEUED_MAX)

    def write(self, record: dict[str, Any]) -> None:
        try:
            self._queue.put_nowait(record)
        except asyncio.QueueFull:
            telemetry.audit_lost(1, "queue full")

    async def run(self) -> None:
        """Store what comes until cancelled; what is queued then is stored before the end."""
        try:
            while True:
                await self._store([await self._queue.get(), *self._waiting()])
        except asyncio.CancelledError:
            await asyncio.shield(self._store(self._waiting()))
            raise

    def _waiting(self) -> list[dict[str, Any]]:
        return [self._queue.get_nowait() for _ in range(self._queue.qsize())]

    async def _store(self, records: list[dict[str, Any]]) -> None:
        if not records:
            return
        try:
            await self._logs.append("audit", records, arrival=self._clock.now())
        except OSError as error:
            telemetry.audit_lost(len(records), str(error))
