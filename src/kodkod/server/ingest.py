"""How do agents deliver records? `POST /v1/ingest/{dataset}`: NDJSON, answered when it is durable.

A batch with an id (`X-Batch-Id`) that was stored already adds nothing, so an agent whose answer was lost sends again.
"""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Header, Request
from pydantic import BaseModel, Field

from kodkod.access import Caller
from kodkod.logs import datasets
from kodkod.logs.datasets import AUDIT, EVENTS
from kodkod.server import telemetry_facts
from kodkod.server.facts import Facts
from kodkod.server.problems import RESPONSES, Problem, ProblemRoute

BODY_BYTES_MAX = 16 * 1024 * 1024
LINE_BYTES_MAX = 10 * 1024 * 1024  # alerts-and-logs 4.1; longer lines are skipped and counted
BATCH_ID_CHARS_MAX = 128


class Accepted(BaseModel):
    """`accepted` records are durable, whether new or stored before; `skipped` are counted by reason."""

    accepted: int
    new: int
    skipped: dict[str, int] = Field(default_factory=dict)


def router(facts: Facts) -> APIRouter:
    routes = APIRouter(route_class=ProblemRoute, responses=RESPONSES)

    @routes.post("/ingest/{dataset}", response_model=Accepted, tags=["agents"])
    async def ingest(
        request: Request,
        dataset: str,
        x_batch_id: Annotated[str | None, Header(max_length=BATCH_ID_CHARS_MAX)] = None,
    ) -> Accepted:
        """Take records in. Needs `create` on `ingest`: agents alone."""
        caller: Caller = request.state.caller
        await facts.require(caller, "create", "ingest", dataset)
        kind = datasets.named(dataset)
        node = None if kind is AUDIT else caller.node  # the record of requests, told by whoever served them
        records, skipped = read_lines(await body_of(request), node)
        sender = f"{caller.name}/{caller.node}" if caller.node else caller.name
        batch = f"{sender}/{x_batch_id}" if x_batch_id else None
        arrival = facts.clock.now()
        if facts.names is not None:
            records = facts.names.complete(kind.name, records)
        if kind is EVENTS:
            new = await facts.events.write_records(records, arrival=arrival, batch=batch)
        else:
            new = await facts.logs.append(dataset, records, arrival=arrival, batch=batch)
        telemetry_facts.lines_skipped(dataset, skipped)
        return Accepted(accepted=len(records), new=new, skipped=skipped)

    return routes


async def body_of(request: Request) -> bytes:
    """The body, read no further than the bound."""
    told = request.headers.get("content-length", "")
    parts: list[bytes] = []
    size = int(told) if told.isdigit() else 0
    if size <= BODY_BYTES_MAX:
        size = 0
        async for part in request.stream():
            size += len(part)
            if size > BODY_BYTES_MAX:
                break
            parts.append(part)
    if size > BODY_BYTES_MAX:
        raise Problem(413, "too_large", f"a body may have {BODY_BYTES_MAX} bytes", "send smaller batches")
    return b"".join(parts)


def read_lines(body: bytes, node: str | None) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """Records, and the lines left out by reason: one bad line must not block the spool behind it for ever.

    node: an agent speaks for its own node: `host` is set to it. None where records are of no node.
    """
    records: list[dict[str, Any]] = []
    skipped: dict[str, int] = {}
    for line in body.split(b"\n"):
        if not line.strip():
            continue
        record, reason = _read(line)
        if record is None:
            skipped[reason] = skipped.get(reason, 0) + 1
            continue
        records.append({**record, "host": node} if node else record)
    return records, skipped


def _read(line: bytes) -> tuple[dict[str, Any] | None, str]:
    if len(line) > LINE_BYTES_MAX:
        return None, "too_long"
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None, "no_json"
    return (found, "") if isinstance(found, dict) else (None, "no_object")
