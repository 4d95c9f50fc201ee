"""What did a practice pod print? Its log file, as `kubectl logs` asks for it.

A pod writes its log itself, as plain text. Beside it lies a file of marks, kept by the lab's daemon: at this moment the
log was so long, and here the workload was started anew. A line's time is when it was noticed, within half a second.
"""

from __future__ import annotations

import asyncio
import os
from bisect import bisect_left
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Protocol

from kodkod.clock import rfc3339_micro
from kodkod.lab import node
from kodkod.store.errors import BadRequest, NotFound

FOLLOW_EVERY_S = 0.3
MARK_EVERY_S = 0.5
CHUNK_BYTES = 64 << 10
NO_LIMIT = 1 << 62
MARK_BYTES_MAX = 64  # of one line of the marks: three words


class LogRequest(Protocol):
    """The parts of a log request that a plain file and its marks can honour."""

    @property
    def namespace(self) -> str: ...
    @property
    def pod(self) -> str: ...
    @property
    def follow(self) -> bool: ...
    @property
    def previous(self) -> bool: ...
    @property
    def timestamps(self) -> bool: ...
    @property
    def since(self) -> datetime | None: ...
    @property
    def tail_lines(self) -> int | None: ...
    @property
    def limit_bytes(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Mark:
    """At `at` (unix seconds) the log had `size` bytes. begins: the workload was started anew here."""

    size: int
    at: float
    begins: bool = False


def add_mark(log: Path, at: float, *, begins: bool = False) -> None:
    """Note how long the log is now, unless the last mark says so already. Called by the lab's daemon alone."""
    size = log.stat().st_size if log.exists() else 0
    with _marks_file(log).open("a+b") as file:
        # The last one alone is read: in a week there are a hundred thousand.
        file.seek(max(0, file.tell() - MARK_BYTES_MAX))
        last = file.read().splitlines()[-1:]
        if begins or not last or int(last[0].split()[0]) != size:
            file.write(f"{size} {at:.3f}{' begins' if begins else ''}\n".encode())


def empty(log: Path, at: float) -> None:
    """Begin a log anew in place: the pod that writes it holds it open."""
    os.truncate(log, 0)
    _marks_file(log).write_text(f"0 {at:.3f}\n")


def marks(log: Path) -> list[Mark]:
    """In order; [] where there are none. A line that is not whole is being written, or was when its writer died."""
    try:
        lines = _marks_file(log).read_text().splitlines(keepends=True)
    except FileNotFoundError:
        return []
    found = []
    for line in lines:
        words = line.split()
        if line.endswith("\n") and len(words) in (2, 3) and words[0].isdigit():
            found.append(Mark(int(words[0]), float(words[1]), len(words) == 3))
    return found


class PodLogFiles:
    """The logs of the pods of the lab of one data folder."""

    def __init__(self, data: Path) -> None:
        self._data = data

    async def read(self, request: LogRequest) -> AsyncIterator[bytes]:
        """Chunks of a pod's output, an empty one first; with follow until the caller stops.

        Raises NotFound where there is no log, BadRequest where there is no previous one, both before the first chunk.
        """
        file = node.log_file(self._data, request.namespace, request.pod)
        if not file.is_file() or "/" in request.pod or "/" in request.namespace:
            raise NotFound(f'no log of pod "{request.pod}"', kind="Pod", name=request.pod)
        start, end = _span(marks(file), request)
        left = request.limit_bytes if request.limit_bytes is not None else NO_LIMIT
        yield b""
        with file.open("rb") as log:
            if request.tail_lines is not None:
                start = max(start, _tail(log.fileno(), request.tail_lines, end))
            pieces = _stamped(file, log, start, end, request.follow) if request.timestamps else None
            async for piece in pieces or _plain(log, start, end, request.follow):
                yield piece[:left]
                left -= len(piece)
                if left <= 0:
                    return


def _span(known: list[Mark], request: LogRequest) -> tuple[int, int | None]:
    """Where the wanted part of a log begins and ends; None is the log's own end, wherever it will be."""
    begins = [mark.size for mark in known if mark.begins]
    if request.previous:
        if not begins:
            raise BadRequest(f'previous terminated container in pod "{request.pod}" not found')
        start, end = (begins[-2] if len(begins) > 1 else 0), begins[-1]
    else:
        start, end = (begins[-1] if begins else 0), None
    if request.since is not None:
        before = [mark.size for mark in known if mark.at < request.since.timestamp()]
        start = max(start, before[-1] if before else 0)
    return start, end


async def _plain(log: BinaryIO, start: int, end: int | None, follow: bool) -> AsyncIterator[bytes]:
    log.seek(start)
    while True:
        room = CHUNK_BYTES if end is None else min(CHUNK_BYTES, end - log.tell())
        chunk = log.read(room)
        if chunk:
            yield chunk
        elif not follow or end is not None:
            return
        else:
            await asyncio.sleep(FOLLOW_EVERY_S)
            if os.fstat(log.fileno()).st_size < log.tell():
                log.seek(0)  # emptied at its bound


async def _stamped(file: Path, log: BinaryIO, start: int, end: int | None, follow: bool) -> AsyncIterator[bytes]:
    """Each line with its time before it, as `kubectl logs --timestamps` shows it."""
    waiting, at = b"", start
    async for chunk in _plain(log, start, end, follow):
        known = marks(file)
        *lines, waiting = (waiting + chunk).split(b"\n")
        for line in lines:
            at += len(line) + 1
            yield _time_of(at, known, log) + line + b"\n"
    if waiting:
        yield _time_of(at + len(waiting), known, log) + waiting


def _time_of(end: int, known: list[Mark], log: BinaryIO) -> bytes:
    """When the log was first seen to reach so far; what has no mark yet was written last."""
    place = bisect_left(known, end, key=lambda mark: mark.size)
    seconds = known[place].at if place < len(known) else os.fstat(log.fileno()).st_mtime
    return rfc3339_micro(datetime.fromtimestamp(seconds, UTC)).encode() + b" "


def _marks_file(log: Path) -> Path:
    return log.with_suffix(".times")


def _tail(descriptor: int, lines: int, end: int | None) -> int:
    """Where the last lines before `end` begin. Reads backwards, a block at a time."""
    if end is None:
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
