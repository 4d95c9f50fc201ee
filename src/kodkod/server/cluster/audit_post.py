"""Where does the API face keep the record? In the server's log store: spooled on disk, posted in order, sent again.

A batch carries its id, so that one sent twice is stored once. While the server is away the spool grows to its bound;
the oldest go first and are counted.
"""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Any

import aiohttp

from kodkod.logs.spool import Batch, Spool
from kodkod.server.cluster import telemetry
from kodkod.server.cluster.pki import Keys
from kodkod.store.in_cluster import NotInCluster, TokenFile

QUEUED_MAX = 10_000
SPOOL_BYTES_MAX = 256 * 1024 * 1024
BATCHES_AT_ONCE = 16
PAUSE_FIRST_S = 0.5
PAUSE_MAX_S = 15.0
REQUEST = aiohttp.ClientTimeout(total=30.0, sock_connect=5.0)
GATHER_S = 0.2  # what is written within this time is one batch


class AuditPost:
    """Implements `services.AuditSink`; `run` is its task. Lives on the event loop."""

    def __init__(self, server: str, token: TokenFile, folder: Path) -> None:
        self._url = f"{server.rstrip('/')}/v1/ingest/audit"
        self._token = token
        self._queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue(QUEUED_MAX)
        self._spool = Spool(folder, bytes_max=SPOOL_BYTES_MAX)
        self._news = asyncio.Event()
        self._news.set()
        self._trust: ssl.SSLContext | None = None

    def take(self, keys: Keys) -> None:
        """Believe the server by this authority from now on."""
        self._trust = ssl.create_default_context(cadata=keys.authority.decode())

    def write(self, record: dict[str, Any]) -> None:
        try:
            self._queue.put_nowait(record)
        except asyncio.QueueFull:
            telemetry.audit_lost(1, "queue full")

    async def run(self) -> None:
        """Keep and send until cancelled; what is queued then is kept before the end."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._keep())
                group.create_task(self._send())
        finally:
            self._append(self._waiting())
            self._spool.close()

    async def _keep(self) -> None:
        while True:
            first = await self._queue.get()
            await asyncio.sleep(GATHER_S)
            self._append([first, *self._waiting()])

    def _waiting(self) -> list[dict[str, Any]]:
        return [self._queue.get_nowait() for _ in range(self._queue.qsize())]

    def _append(self, records: list[dict[str, Any]]) -> None:
        if not records:
            return
        try:
            self._spool.append("audit", records)
        except OSError as error:
            telemetry.audit_lost(len(records), str(error))
        self._news.set()

    async def _send(self) -> None:
        pause_s = PAUSE_FIRST_S
        while True:
            waiting = self._spool.waiting(BATCHES_AT_ONCE)
            if not waiting:
                self._news.clear()
                await self._news.wait()
                continue
            try:
                await self._post(waiting)
                pause_s = PAUSE_FIRST_S
            except (aiohttp.ClientError, TimeoutError, NotInCluster, Later) as error:
                telemetry.audit_not_sent(str(error) or type(error).__name__, pause_s)
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, PAUSE_MAX_S)

    async def _post(self, batches: list[Batch]) -> None:
        if self._trust is None:
            raise Later("the server's authority is not known yet")
        connector = aiohttp.TCPConnector(ssl=self._trust)
        async with aiohttp.ClientSession(connector=connector, timeout=REQUEST) as session:
            for batch in batches:
                headers = {
                    "Authorization": f"Bearer {self._token()}",
                    "Content-Type": "application/x-ndjson",
                    "X-Batch-Id": batch.id,
                }
                async with session.post(self._url, data=batch.body, headers=headers) as answer:
                    text = await answer.text()
                if answer.status in (400, 404, 413, 422):
                    telemetry.audit_lost(batch.records, f"refused: {answer.status}: {text[:200]}")
                elif answer.status != 200:
                    raise Later(f"status {answer.status}: {text[:200]}")
                self._spool.acknowledge(batch)


class Later(Exception):
    """The server cannot take it now."""
