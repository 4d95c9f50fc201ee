"""How does one thread keep and ask columns? Parts on disk and a tail in memory, behind one DuckDB connection.

Everything here runs on the thread that made it; `duckdb.py` is the face that other threads may use. The tail holds
what the journal holds: it becomes a part when the journal's file is full or its day is over.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from kodkod.logs import telemetry
from kodkod.logs.datasets import Dataset
from kodkod.logs.errors import QueryTimedOut
from kodkod.logs.query.duckdb import Sql, identifier
from kodkod.logs.segments import sync_folder
from kodkod.logs.store import Usage, Window
from kodkod.logs.stores import columns, parts
from kodkod.logs.stores.columns import Rows
from kodkod.logs.stores.parts import MICRO, Part

log = logging.getLogger("kodkod.logs")

TIMEOUT_S = 30.0


@dataclass(slots=True)
class _Shelf:
    dataset: Dataset
    folder: Path
    tail: str
    parts: list[Part] = field(default_factory=list)
    tail_rows: int = 0
    dropped: dict[str, int] = field(default_factory=dict)


class Engine:
    """Owns the connection and the part files."""

    def __init__(self, root: Path, datasets: Sequence[Dataset], *, memory_bytes: int, timeout_s: float) -> None:
        self._connection = duckdb.connect(":memory:")
        self._connection.execute(f"SET memory_limit = '{memory_bytes // 1_000_000}MB'")
        self._connection.execute("SET threads = 2")
        self._connection.execute("SET preserve_insertion_order = false")
        self._connection.execute("SET temp_directory = ?", [str(root / "tmp")])
        self._timeout_s = timeout_s
        self._shelves = {one.name: self._shelf(root, one) for one in datasets}

    def _shelf(self, root: Path, dataset: Dataset) -> _Shelf:
        folder = root / dataset.name / "parts"
        folder.mkdir(parents=True, exist_ok=True)
        for unfinished in folder.glob("*.unfinished"):
            unfinished.unlink()
        found, swallowed = parts.found_in(folder)
        for part in swallowed:
            part.path.unlink()
        shelf = _Shelf(dataset, folder, tail=f"{dataset.name}_tail", parts=found)
        self._connection.execute(columns.create_table(dataset, shelf.tail))
        return shelf

    # --- writing -----------------------------------------------------------------------------------------------
    def last_seq(self, dataset: str) -> int:
        """The highest number in a sealed part; -1 if there is none."""
        return max((part.last_seq for part in self._shelves[dataset].parts), default=-1)

    def insert(self, dataset: str, batches: Sequence[Rows]) -> None:
        """Put rows into the tail, all or none. A statement costs some milliseconds, for one row or for thousands."""
        shelf = self._shelves[dataset]
        self._connection.register("incoming", columns.table(shelf.dataset, batches))
        try:
            self._connection.execute(f"INSERT INTO {identifier(shelf.tail)} SELECT * FROM incoming")
        finally:
            self._connection.unregister("incoming")
        shelf.tail_rows += sum(map(len, batches))

    def seal(self, dataset: str) -> None:
        """Make the tail a part. The caller removes the journal's file afterwards."""
        shelf = self._shelves[dataset]
        if not shelf.tail_rows:
            return
        self._write_part(shelf, f"SELECT * FROM {identifier(shelf.tail)} ORDER BY _seq")
        self._connection.execute(f"DROP TABLE {identifier(shelf.tail)}")
        self._connection.execute(columns.create_table(shelf.dataset, shelf.tail))
        shelf.tail_rows = 0

    def merge(self, dataset: str) -> None:
        """Make one part of a run of small ones."""
        shelf = self._shelves[dataset]
        small = parts.to_merge(shelf.parts)
        if not small:
            return
        shelf.parts = [one for one in shelf.parts if one not in small]
        self._write_part(shelf, f"SELECT * FROM {_files(small)} ORDER BY _seq")
        for part in small:
            part.path.unlink()

    def drop(self, dataset: str, *, now_s: float, bytes_max: int) -> None:
        """Drop whole parts that are too old, or too many for the disk; count them by reason."""
        shelf = self._shelves[dataset]
        old = parts.expired(shelf.parts, now_s=now_s, retention_days=shelf.dataset.retention_days)
        self._drop(shelf, old, "expired")
        self._drop(shelf, parts.over_budget(shelf.parts, bytes_max), "disk_bound")

    def _drop(self, shelf: _Shelf, going: Sequence[Part], reason: str) -> None:
        for part in going:
            part.path.unlink(missing_ok=True)
            shelf.parts.remove(part)
            shelf.dropped[reason] = shelf.dropped.get(reason, 0) + 1
            telemetry.part_dropped(log, shelf.dataset.name, reason, part.bytes, part.rows_max)

    def _write_part(self, shelf: _Shelf, selection: str) -> None:
        bounds = f"SELECT min(_arrival), max(_arrival), min(_seq), max(_seq) FROM ({selection})"
        row = self._connection.execute(bounds).fetchone()
        assert row is not None
        path = shelf.folder / parts.file_name(*row)
        unfinished = path.with_suffix(".unfinished")
        self._connection.execute(f"COPY ({selection}) TO '{_quoted(unfinished)}' (FORMAT parquet, COMPRESSION zstd)")
        handle = os.open(unfinished, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)
        unfinished.rename(path)
        sync_folder(shelf.folder)
        shelf.parts.append(parts.read(path))
        shelf.parts.sort(key=lambda one: one.first_seq)

    # --- reading -----------------------------------------------------------------------------------------------
    def source(self, dataset: str, window: Window) -> str:
        """What to select from so that every record of a window is seen."""
        shelf = self._shelves[dataset]
        asked = parts.within(shelf.parts, window)
        if not asked:
            return identifier(shelf.tail)
        return f"(SELECT * FROM {_files(asked)} UNION ALL BY NAME SELECT * FROM {identifier(shelf.tail)})"

    def fetch(self, statement: Sql) -> list[tuple[Any, ...]]:
        """All rows of a statement; QueryTimedOut after the engine's limit."""
        watchdog = threading.Timer(self._timeout_s, self._connection.interrupt)
        watchdog.start()
        try:
            return self._connection.execute(statement.text, list(statement.parameters)).fetchall()
        except duckdb.InterruptException:
            raise QueryTimedOut(self._timeout_s) from None
        finally:
            watchdog.cancel()
            watchdog.join()

    def usage(self) -> Mapping[str, Usage]:
        return {name: self._usage(shelf) for name, shelf in self._shelves.items()}

    def _usage(self, shelf: _Shelf) -> Usage:
        oldest = min((part.first_us for part in shelf.parts), default=None)
        rows = sum(part.rows_max for part in shelf.parts) + shelf.tail_rows
        size = sum(part.bytes for part in shelf.parts)
        return Usage(rows, size, None if oldest is None else oldest / MICRO, dict(shelf.dropped))

    def close(self) -> None:
        self._connection.close()


def _files(chosen: Sequence[Part]) -> str:
    names = ", ".join(f"'{_quoted(part.path)}'" for part in chosen)
    return f"read_parquet([{names}], union_by_name = true)"


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
