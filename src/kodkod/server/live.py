"""What is new? `GET /v1/stream`: server-sent events that say what to ask for again, never what happened.

    event: event      data: {"count": 3}                            events were added
    event: resource   data: {"kind": "globalalerts"}                objects of a kind changed
    : keep-alive      every 15 s

Hints carry no content, so they need no further right than being known, and a slow reader loses nothing: hints of one
kind that wait are one hint.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence

import orjson
from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import StreamingResponse

from kodkod.events import Events
from kodkod.resources.kinds import Kind
from kodkod.server import telemetry_facts
from kodkod.store.informer import Informer
from kodkod.store.protocol import Resources

KEEP_ALIVE_S = 15.0
GATHER_S = 0.25  # hints within this time are told together
STREAMS_MAX = 500


class EventHint(BaseModel):
    """Data of an `event` message: so many events were added."""

    count: int


class ResourceHint(BaseModel):
    """Data of a `resource` message: objects of this kind changed."""

    kind: str = Field(description="The kind's plural, such as packetcaptures.")


class Hints:
    """Hands what is new to every open stream. `run` is its task."""

    def __init__(self, resources: Resources, kinds: Sequence[Kind], events: Events) -> None:
        self._informers = [Informer(resources, kind) for kind in kinds]
        self._listeners: set[_Listener] = set()
        events.on_new(self._events)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for informer in self._informers:
                group.create_task(informer.run())
                group.create_task(self._resources(informer))

    async def _resources(self, informer: Informer) -> None:
        async for _ in informer.changes():
            self._tell(lambda listener: listener.kinds.add(informer.kind.plural))

    def _events(self, count: int) -> None:
        def add(listener: _Listener) -> None:
            listener.events += count

        self._tell(add)

    def _tell(self, change: Callable[[_Listener], None]) -> None:
        for listener in self._listeners:
            change(listener)
            listener.wake.set()

    async def stream(self) -> AsyncIterator[bytes]:
        """Messages until the reader goes away."""
        listener = _Listener()
        self._listeners.add(listener)
        telemetry_facts.STREAMS.inc()
        try:
            yield b": connected\n\n"
            while True:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(listener.wake.wait(), KEEP_ALIVE_S)
                    await asyncio.sleep(GATHER_S)
                yield b"".join(listener.take()) or b": keep-alive\n\n"
        finally:
            self._listeners.discard(listener)
            telemetry_facts.STREAMS.dec()

    @property
    def is_full(self) -> bool:
        return len(self._listeners) >= STREAMS_MAX


class Stream(StreamingResponse):
    media_type = "text/event-stream"


class _Listener:
    """What one stream has not been told yet."""

    def __init__(self) -> None:
        self.wake = asyncio.Event()
        self.events = 0
        self.kinds: set[str] = set()

    def take(self) -> list[bytes]:
        self.wake.clear()
        told = [_message("event", {"count": self.events})] if self.events else []
        told += [_message("resource", {"kind": kind}) for kind in sorted(self.kinds)]
        self.events = 0
        self.kinds.clear()
        return told


def router(hints: Hints) -> APIRouter:
    routes = APIRouter()

    @routes.get("/stream", tags=["live"], response_class=Stream, responses={200: {"model": EventHint | ResourceHint}})
    async def stream() -> StreamingResponse:
        """Server-sent hints: `event` and `resource`."""
        if hints.is_full:
            return StreamingResponse(iter([b""]), 503)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return Stream(hints.stream(), headers=headers)

    return routes


def _message(name: str, data: dict[str, object]) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + orjson.dumps(data) + b"\n\n"
