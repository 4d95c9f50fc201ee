"""What has been accepted and is not in a part yet? One file of synced frames at a time, replayed after a crash."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from kodkod.logs.segments import SegmentWriter, frames, sync_folder
from kodkod.logs.stores.columns import Rows


@dataclass(frozen=True, slots=True)
class Head:
    """The first line of a frame; the records follow, a line each."""

    first_seq: int
    arrival_us: int
    batch: str | None


class Journal:
    """Owned by the thread that writes; files are named by their first sequence number."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writer: SegmentWriter | None = None
        folder.mkdir(parents=True, exist_ok=True)

    def files(self) -> list[Path]:
        return sorted(self._folder.glob("*.journal"))

    def write(self, path_for: int, head: Head, bodies: Sequence[bytes]) -> None:
        """Append one batch to the file that starts at sequence number `path_for`, durably."""
        path = self._folder / f"{path_for:012d}.journal"
        if self._writer is None or self._writer.path != path:
            self.close()
            self._writer = SegmentWriter(path)
        line = orjson.dumps([head.first_seq, head.arrival_us, head.batch])
        self._writer.append(b"\n".join([line, *bodies]))

    def remove(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        sync_folder(self._folder)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def replay(path: Path) -> Iterator[tuple[Head, Rows]]:
    """The batches of a file in order; a torn last one was never acknowledged and is left out."""
    for frame in frames(path):
        line, *bodies = frame.payload.split(b"\n")
        first_seq, arrival_us, batch = orjson.loads(line)
        head = Head(first_seq, arrival_us, batch)
        yield head, rows(head, bodies)


def rows(head: Head, bodies: Sequence[bytes]) -> Rows:
    # One array is parsed faster than its elements: the parser keeps the keys it has seen.
    records = orjson.loads(b"[" + b",".join(bodies) + b"]")
    return Rows(head.first_seq, head.arrival_us, head.batch, records, bodies)
