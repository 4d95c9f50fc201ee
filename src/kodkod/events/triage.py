"""What did people do with an event? A small overlay beside the log of events, which itself never changes."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

_TABLE = "CREATE TABLE IF NOT EXISTS dismissed (id TEXT PRIMARY KEY, at REAL NOT NULL, by TEXT NOT NULL) WITHOUT ROWID"


class Triage:
    """Dismissed events in SQLite; one thread owns the connection. The set is in memory too: each page asks it."""

    def __init__(self, thread: ThreadPoolExecutor, connection: sqlite3.Connection, dismissed: set[str]) -> None:
        self._thread = thread
        self._connection = connection
        self._dismissed = dismissed

    @classmethod
    async def open(cls, path: Path | None) -> Triage:
        """path: None keeps it in memory."""
        thread = ThreadPoolExecutor(1, thread_name_prefix="triage")
        connection, dismissed = await asyncio.get_running_loop().run_in_executor(thread, _connect, path)
        return cls(thread, connection, dismissed)

    @property
    def dismissed(self) -> frozenset[str]:
        return frozenset(self._dismissed)

    async def dismiss(self, ids: Sequence[str], *, by: str, at: datetime) -> None:
        """Durable when it returns. Dismissing twice keeps the first time and name."""
        rows = [(one, at.timestamp(), by) for one in ids]
        await self._write("INSERT OR IGNORE INTO dismissed (id, at, by) VALUES (?, ?, ?)", rows)
        self._dismissed.update(ids)

    async def restore(self, ids: Sequence[str]) -> None:
        await self._write("DELETE FROM dismissed WHERE id = ?", [(one,) for one in ids])
        self._dismissed.difference_update(ids)

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._connection.close)
        self._thread.shutdown()

    async def _write(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        def write() -> None:
            with self._connection:
                self._connection.executemany(statement, rows)

        await asyncio.get_running_loop().run_in_executor(self._thread, write)


def _connect(path: Path | None) -> tuple[sqlite3.Connection, set[str]]:
    connection = sqlite3.connect(path or ":memory:", check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(_TABLE)
    connection.commit()
    return connection, {row[0] for row in connection.execute("SELECT id FROM dismissed")}
