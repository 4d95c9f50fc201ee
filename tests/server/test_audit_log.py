"""No answer leaves before the record of its request is on the disk; what one request waits for holds up no other."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Message

from kodkod.clock import SystemClock
from kodkod.logs.query import EVERYTHING
from kodkod.logs.stores.duckdb import DuckdbLogStore
from kodkod.server.audit_log import AnswersOnRecord, AuditLog, kept


class SlowDisk:
    """A log store that keeps a batch when it is told to."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.let_go = asyncio.Event()
        self.fault: Exception | None = None

    async def append(
        self, dataset: str, records: Sequence[Mapping[str, Any]], *, arrival: datetime, batch: str | None = None
    ) -> int:
        self.batches.append([str(record["auditID"]) for record in records])
        await self.let_go.wait()
        if self.fault is not None:
            raise self.fault
        return len(records)


@pytest.fixture
async def disk() -> SlowDisk:
    return SlowDisk()


def served(audit: AuditLog) -> AnswersOnRecord:
    async def write(request: Request) -> Response:
        audit.write({"auditID": request.path_params["name"]})
        return PlainTextResponse("done")

    async def read(_request: Request) -> Response:
        return PlainTextResponse("seen")

    return AnswersOnRecord(Starlette(routes=[Route("/write/{name}", write), Route("/read", read)]))


async def ask(app: AnswersOnRecord, path: str) -> bytes:
    """The body of an answer."""
    body = b""

    async def send(message: Message) -> None:
        nonlocal body
        body += message.get("body", b"")

    async def receive() -> Message:
        return {"type": "http.request"}

    scope = {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b""}
    await app(scope, receive, send)
    return body


async def turns(count: int = 20) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_an_answer_waits_for_its_record_and_for_no_other(disk: SlowDisk) -> None:
    app = served(AuditLog(disk, SystemClock()))  # type: ignore[arg-type]  # of a store it needs append alone
    writing = asyncio.create_task(ask(app, "/write/one"))
    await turns()

    assert await ask(app, "/read") == b"seen"
    assert not writing.done()
    disk.let_go.set()
    assert await writing == b"done"


async def test_what_comes_while_the_disk_is_busy_shares_one_append(disk: SlowDisk) -> None:
    app = served(AuditLog(disk, SystemClock()))  # type: ignore[arg-type]  # of a store it needs append alone
    writing = [asyncio.create_task(ask(app, "/write/0"))]
    await turns()
    writing += [asyncio.create_task(ask(app, f"/write/{number}")) for number in range(1, 5)]
    await turns()

    disk.let_go.set()

    assert await asyncio.gather(*writing) == [b"done"] * 5
    assert disk.batches == [["0"], ["1", "2", "3", "4"]]


async def test_a_disk_that_refuses_is_counted_and_nobody_waits_for_ever(
    disk: SlowDisk, caplog: pytest.LogCaptureFixture
) -> None:
    app = served(AuditLog(disk, SystemClock()))  # type: ignore[arg-type]  # of a store it needs append alone
    disk.fault = OSError(28, "No space left on device")
    disk.let_go.set()

    assert await ask(app, "/write/one") == b"done"
    assert "audit records lost" in caplog.text


async def test_a_record_is_in_the_store_when_its_answer_is_there(tmp_path: Path) -> None:
    store = await DuckdbLogStore.open(tmp_path)
    try:
        await ask(served(AuditLog(store, SystemClock())), "/write/one")
        on_disk = b"".join(path.read_bytes() for path in (tmp_path / "audit/journal").iterdir())
        assert b'"auditID":"one"' in on_disk
    finally:
        await store.close()
    again = await DuckdbLogStore.open(tmp_path)
    found = (await again.search("audit", EVERYTHING)).items
    await again.close()
    assert [one.record["auditID"] for one in found] == ["one"]


async def test_outside_of_a_request_nobody_waits(disk: SlowDisk) -> None:
    audit = AuditLog(disk, SystemClock())  # type: ignore[arg-type]  # of a store it needs append alone
    audit.write({"auditID": "by itself"})
    await asyncio.wait_for(kept(), 1)

    running = asyncio.create_task(audit.run())
    await turns()
    running.cancel()
    await turns()
    assert not running.done()  # what is queued is stored before the end
    disk.let_go.set()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert disk.batches == [["by itself"]]
