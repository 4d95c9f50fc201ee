"""What did a practice pod print? Its log file, as `kubectl logs` asks for it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

from kodkod.lab import node
from kodkod.store.errors import NotFound

FOLLOW_EVERY_S = 0.3
CHUNK_BYTES = 64 << 10


class LogRequest(Protocol):
    """The parts of a log request that a plain file can honour."""

    @property
    def namespace(self) -> str: ...
    @property
    def pod(self) -> str: ...
    @property
    def follow(self) -> bool: ...
    @property
    def tail_lines(self) -> int | None: ...
    @property
    def limit_bytes(self) -> int | None: ...


class PodLogFiles:
    """The logs of the pods of the lab of one data folder."""

    def __init__(self, data: Path) -> None:
        self._data = data

    async def read(self, request: LogRequest) -> AsyncIterator[bytes]:
        """Chunks of a pod's output; with follow until the caller stops. Raises NotFound where there is no log."""
        file = node.log_file(self._data, request.namespace, request.pod)
        if not file.is_file() or "/" in request.pod or "/" in request.namespace:
            raise NotFound(f'no log of pod "{request.pod}"', kind="Pod", name=request.pod)
        left = request.limit_bytes if request.limit_bytes is not None else 1 << 62
        with file.open("rb") as log:
            if request.tail_lines is not None:
                log.seek(_tail(log.fileno(), request.tail_lines))
            while left > 0:
                chunk = log.read(min(CHUNK_BYTES, left))
                if chunk:
                    left -= len(chunk)
                    yield chunk
                elif not request.follow:
                    return
                else:
                    await asyncio.sleep(FOLLOW_EVERY_S)
                    if os.fstat(log.fileno()).st_size < log.tell():
                        log.seek(0)  # emptied at its bound


def _tail(descriptor: int, lines: int) -> int:
    """Where the last lines begin. Reads from the end, a block at a time."""
    end = os.fstat(descriptor).st_size
    at, seen = end, 0
    if lines <= 0:
        return end
    while at > 0:
        start = max(0, at - CHUNK_BYTES)
        block = os.pread(descriptor, at - start, start)
        for index in range(len(block) - 1, -1, -1):
            # The newline that ends the last line is not before a line.
            if block[index : index + 1] == b"\n" and start + index != end - 1:
                seen += 1
                if seen == lines:
                    return start + index + 1
        at = start
    return 0
