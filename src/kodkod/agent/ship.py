"""How do records reach the server? Spooled on disk, posted in order, removed when acknowledged.

A batch carries its id, so that one sent twice is stored once. While the server is away the spool grows to its bound;
the oldest go first and are counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kodkod.agent import telemetry
from kodkod.agent.upstream import Unreachable, Upstream
from kodkod.logs.spool import Batch, Spool
from kodkod.resources.kinds.node_report import SpoolReport

SPOOL_BYTES_MAX = 512 * 1024 * 1024
BATCHES_AT_ONCE = 16
PAUSE_FIRST_S = 0.5
PAUSE_MAX_S = 15.0


class Shipper:
    """Lives on the event loop: the spool is small writes, owned by this one thread."""

    def __init__(self, upstream: Upstream, folder: Path) -> None:
        self._upstream = upstream
        self._spool = Spool(folder, bytes_max=SPOOL_BYTES_MAX)
        self._news = asyncio.Event()
        self._news.set()
        self._refused = 0

    def add(self, dataset: str, records: Sequence[Mapping[str, Any]]) -> None:
        """Keep records durably; they are sent as soon as the server takes them.

        Where the disk refuses, they are lost and counted: the engine goes on, and the report says so.
        """
        if not records:
            return
        try:
            self._spool.append(dataset, records)
        except OSError as error:
            self._refused += len(records)
            telemetry.records_not_kept(dataset, len(records), str(error))
        self._news.set()

    def report(self) -> SpoolReport:
        lost = sum(self._spool.counters.dropped.values()) + self._refused
        return SpoolReport(segments=0, bytes=self._spool.size_bytes, lost=lost)

    async def run(self) -> None:
        """Send until cancelled."""
        pause_s = PAUSE_FIRST_S
        while True:
            waiting = self._spool.waiting(BATCHES_AT_ONCE)
            if not waiting:
                self._news.clear()
                await self._news.wait()
                continue
            try:
                for batch in waiting:
                    await self._send(batch)
                pause_s = PAUSE_FIRST_S
            except (Unreachable, Later) as error:
                telemetry.server_unreachable("ingest", str(error), pause_s)
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, PAUSE_MAX_S)

    async def _send(self, batch: Batch) -> None:
        """Raises Later where a retry may help; a batch that never will be taken is counted and given up."""
        headers = {"Content-Type": "application/x-ndjson", "X-Batch-Id": batch.id}
        status, text = await self._upstream.post(f"/v1/ingest/{batch.dataset}", batch.body, headers)
        if status in (400, 404, 413, 422):
            self._refused += batch.records
            telemetry.records_refused(batch.dataset, batch.records, status, text[:200])
        elif status != 200:
            raise Later(f"status {status}: {text[:200]}")
        self._spool.acknowledge(batch)

    def close(self) -> None:
        self._spool.close()


class Later(Exception):
    """The server cannot take it now."""
