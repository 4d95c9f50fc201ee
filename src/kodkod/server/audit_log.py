"""Where do audit records go? Into the data set `audit`, and no answer leaves before its record is on the disk.

    write:   the record is queued; the request it belongs to has a future for it
    flush:   one append for all that is queued; while the disk syncs the next ones gather
    answer:  `AnswersOnRecord` holds the first byte of an answer back until the request's records are kept

So a write that somebody was told of is on record, whatever kills the server; under load many records share one sync.
"""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kodkod.clock import Clock
from kodkod.logs.store import LogStore
from kodkod.server import telemetry

QUEUED_MAX = 10_000
"""Records held while the store is slow; further ones are counted as lost, never waited for."""

_unkept: ContextVar[list[asyncio.Future[None]] | None] = ContextVar("unkept", default=None)
"""Of the request that is being served: its records that are not on the disk yet."""


class AuditLog:
    """Implements `services.AuditSink`. Lives on one event loop; as a controller it only sees to a clean end."""

    def __init__(self, logs: LogStore, clock: Clock) -> None:
        self._logs = logs
        self._clock = clock
        self._queue: list[tuple[dict[str, Any], asyncio.Future[None]]] = []
        self._flushing: asyncio.Task[None] | None = None

    def write(self, record: dict[str, Any]) -> None:
        """Queue a record; whoever answers the request awaits `kept` first."""
        if len(self._queue) >= QUEUED_MAX:
            telemetry.audit_lost(1, "queue full")
            return
        loop = asyncio.get_running_loop()
        kept = loop.create_future()
        self._queue.append((record, kept))
        waiting = _unkept.get()
        if waiting is not None:
            waiting.append(kept)
        if self._flushing is None or self._flushing.done():
            self._flushing = loop.create_task(self._flush())

    async def run(self) -> None:
        """Until cancelled; what is queued then is stored before the end."""
        try:
            await asyncio.Event().wait()
        finally:
            if self._flushing is not None:
                await asyncio.shield(self._flushing)

    async def _flush(self) -> None:
        while self._queue:
            taken, self._queue = self._queue, []
            try:
                await self._logs.append("audit", [record for record, _ in taken], arrival=self._clock.now())
            except Exception as error:  # whatever it is, those who wait must not wait for ever
                telemetry.audit_lost(len(taken), str(error) or type(error).__name__)
            for _, kept in taken:
                if not kept.done():
                    kept.set_result(None)


async def kept() -> None:
    """Wait until every record that the current request has written is on the disk (or counted as lost)."""
    waiting = _unkept.get()
    if waiting:
        await asyncio.wait(waiting)
        waiting.clear()


class AnswersOnRecord:
    """ASGI middleware, the outermost one: an answer waits for its request's records. Others wait for nothing."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            await kept()
            await send(message)

        token = _unkept.set([])
        try:
            await self._app(scope, receive, sending)
        finally:
            _unkept.reset(token)
