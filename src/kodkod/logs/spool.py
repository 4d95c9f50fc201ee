"""Where do an agent's records wait until the server has them? In bounded segment files on its own disk.

    spool.append("flows", records)      durable when it returns
    for batch in spool.waiting(10):     oldest first, ids stay the same over a restart
        POST /v1/ingest/{batch.dataset}, header X-Batch-Id: batch.id, body batch.body
        spool.acknowledge(batch)        a segment is removed when all its batches are

Bound: `bytes_max` on disk. Past it the oldest segment goes, and its records are counted under `overflow`: what is new
is worth more than what nobody fetched. A batch sent twice (its answer was lost) is
stored once: the server knows its id.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from kodkod.logs.segments import SegmentWriter, frames, sync_folder

SEGMENT_BYTES = 4 * 1024 * 1024
BATCH_BYTES_MAX = 8 * 1024 * 1024  # the server takes bodies up to 16 MiB


@dataclass(frozen=True, slots=True)
class Batch:
    """Records of one data set on their way: `body` is NDJSON."""

    id: str
    dataset: str
    records: int
    body: bytes
    segment: int


@dataclass(slots=True)
class SpoolCounters:
    """`dropped` records by reason: overflow, damaged (a torn or rotten segment counts one), oversize."""

    appended: int = 0
    acknowledged: int = 0
    dropped: dict[str, int] = field(default_factory=dict)

    def drop(self, reason: str, records: int) -> None:
        self.dropped[reason] = self.dropped.get(reason, 0) + records


@dataclass(slots=True)
class _Segment:
    number: int
    path: Path
    bytes: int = 0
    waiting: dict[str, int] = field(default_factory=dict)  # batch id → records


class Spool:
    """Owned by one process, used from one thread."""

    def __init__(self, directory: Path, *, bytes_max: int, segment_bytes: int = SEGMENT_BYTES) -> None:
        self._directory = directory
        self._bytes_max = bytes_max
        self._segment_bytes = min(segment_bytes, max(1, bytes_max // 2))
        self.counters = SpoolCounters()
        directory.mkdir(parents=True, exist_ok=True)
        self._segments: deque[_Segment] = deque(self._found())
        self._next = self._segments[-1].number + 1 if self._segments else 0
        self._writer: SegmentWriter | None = None

    @property
    def size_bytes(self) -> int:
        return sum(one.bytes for one in self._segments)

    @property
    def records(self) -> int:
        """Records that wait."""
        return sum(sum(one.waiting.values()) for one in self._segments)

    def append(self, dataset: str, records: Sequence[Mapping[str, Any]]) -> None:
        """Keep records until they are acknowledged. OSError if the disk refuses; then nothing was kept."""
        lines = [orjson.dumps(record) for record in records]
        for part in _split(lines, self.counters):
            self._write(dataset, part)

    def waiting(self, limit: int) -> list[Batch]:
        """Up to `limit` batches that are not acknowledged, oldest first."""
        found: list[Batch] = []
        for segment in self._segments:
            for batch in _batches(segment.path, segment.number):
                if batch.id in segment.waiting:
                    found.append(batch)
                    if len(found) == limit:
                        return found
        return found

    def acknowledge(self, batch: Batch) -> None:
        """The server has it. Unknown and repeated acknowledgements are no error."""
        segment = next((one for one in self._segments if one.number == batch.segment), None)
        if segment is None:
            return
        self.counters.acknowledged += segment.waiting.pop(batch.id, 0)
        if not segment.waiting:
            self._remove(segment)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _write(self, dataset: str, lines: list[bytes]) -> None:
        segment = self._open_segment()
        assert self._writer is not None
        payload = _payload(dataset, lines, segment.number, segment.bytes)
        self._writer.append(payload)
        segment.bytes = self._writer.size
        segment.waiting[_batch(payload, segment.number).id] = len(lines)
        self.counters.appended += len(lines)
        self._keep_bound()

    def _open_segment(self) -> _Segment:
        if self._writer is not None and self._segments and self._segments[-1].bytes < self._segment_bytes:
            return self._segments[-1]
        self.close()
        segment = _Segment(self._next, self._directory / f"{self._next:012d}.spool")
        self._writer = SegmentWriter(segment.path)
        self._segments.append(segment)
        self._next += 1
        return segment

    def _keep_bound(self) -> None:
        while self.size_bytes > self._bytes_max and len(self._segments) > 1:
            oldest = self._segments[0]
            self.counters.drop("overflow", sum(oldest.waiting.values()))
            self._remove(oldest)

    def _remove(self, segment: _Segment) -> None:
        if self._writer is not None and self._writer.path == segment.path:
            self.close()
        segment.path.unlink(missing_ok=True)
        sync_folder(self._directory)
        self._segments.remove(segment)

    def _found(self) -> Iterator[_Segment]:
        """Segments of an earlier run; a damaged end is counted and left behind."""
        for path in sorted(self._directory.glob("*.spool")):
            segment = _Segment(int(path.stem), path, bytes=path.stat().st_size)
            end = 0
            for frame in frames(path):
                batch = _batch(frame.payload, segment.number)
                segment.waiting[batch.id] = batch.records
                end = frame.end
            if end < segment.bytes:
                self.counters.drop("damaged", 1)
            if segment.waiting:
                yield segment
            else:
                path.unlink()


def _split(lines: list[bytes], counters: SpoolCounters) -> Iterator[list[bytes]]:
    part: list[bytes] = []
    size = 0
    for line in lines:
        if len(line) > BATCH_BYTES_MAX:
            counters.drop("oversize", 1)
            continue
        if part and size + len(line) > BATCH_BYTES_MAX:
            yield part
            part, size = [], 0
        part.append(line)
        size += len(line) + 1
    if part:
        yield part


def _payload(dataset: str, lines: list[bytes], segment: int, offset: int) -> bytes:
    """A head line, then NDJSON. The place is part of it, so that two equal batches have two ids."""
    head = orjson.dumps({"dataset": dataset, "records": len(lines), "segment": segment, "offset": offset})
    return head + b"\n" + b"\n".join(lines) + b"\n"


def _batches(path: Path, segment: int) -> Iterator[Batch]:
    return (_batch(frame.payload, segment) for frame in frames(path))


def _batch(payload: bytes, segment: int) -> Batch:
    """The id is a digest of the content: a spool that was wiped and starts again cannot repeat an old id."""
    head, _, body = payload.partition(b"\n")
    told = orjson.loads(head)
    digest = hashlib.blake2b(payload, digest_size=16).hexdigest()
    return Batch(digest, told["dataset"], told["records"], body, segment)
