"""How do changes survive? One SQLite file, one thread that owns the connection, one transaction for a group of writes.

`synchronous=FULL`: what was acknowledged survives loss of power, for about 0.3 ms a group. AUTOINCREMENT: a resource
version is never used twice, even when the history that held it has been dropped. The recent history is kept too, so
that watches go on across a restart.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import orjson

from kodkod.resources import Object
from kodkod.resources.kinds import ALL, Kind
from kodkod.store.embedded.state import Change, Key

SCHEMA_VERSION = 1

_TABLES = """
CREATE TABLE IF NOT EXISTS objects (
    kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (kind, namespace, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS history (
    version INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, type TEXT NOT NULL, namespace TEXT NOT NULL,
    name TEXT NOT NULL, body BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS history_of_kind ON history (kind, version);
CREATE TABLE IF NOT EXISTS dropped (kind TEXT PRIMARY KEY, version INTEGER NOT NULL);
"""

R = TypeVar("R")

_KINDS = {kind.qualified: kind for kind in ALL}


@dataclass(frozen=True, slots=True)
class Restored:
    """What a file holds. changes: recent history, oldest first. dropped: by kind, how far history is gone."""

    objects: list[tuple[Kind, Key, Object, int]]
    changes: list[Change]
    dropped: dict[Kind, int]
    version: int


class Journal:
    """path: a file, or `:memory:` for a store that is forgotten."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="resources")
        self._connection: sqlite3.Connection | None = None

    async def open(self) -> Restored:
        return await self._run(self._open)

    async def append(self, changes: Sequence[Change], dropped: Sequence[tuple[Kind, int]]) -> None:
        """Make the changes durable, all or none. dropped: history up to these versions may go."""
        await self._run(self._append, changes, dropped)

    async def close(self) -> None:
        await self._run(self._close)
        self._thread.shutdown()

    async def _run(self, function: Callable[..., R], *args: object) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *args)

    def _open(self) -> Restored:
        connection = sqlite3.connect(self._path, isolation_level=None)
        self._connection = connection
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA wal_autocheckpoint=2000")
        found = connection.execute("PRAGMA user_version").fetchone()[0]
        if found > SCHEMA_VERSION:
            raise RuntimeError(f"{self._path} was written by a newer version (schema {found})")
        connection.executescript(_TABLES)
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        return Restored(
            objects=list(_objects(connection)),
            changes=list(_changes(connection)),
            dropped={_KINDS[k]: v for k, v in connection.execute("SELECT kind, version FROM dropped") if k in _KINDS},
            version=_last_version(connection),
        )

    def _append(self, changes: Sequence[Change], dropped: Sequence[tuple[Kind, int]]) -> None:
        connection = self._owned()
        connection.execute("BEGIN IMMEDIATE")
        try:
            for change in changes:
                _write(connection, change)
            for kind, version in dropped:
                connection.execute("DELETE FROM history WHERE kind=? AND version<=?", (kind.qualified, version))
                connection.execute("INSERT OR REPLACE INTO dropped VALUES (?, ?)", (kind.qualified, version))
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _close(self) -> None:
        self._owned().close()
        self._connection = None

    def _owned(self) -> sqlite3.Connection:
        if self._connection is None:
            raise sqlite3.ProgrammingError("the journal is not open")
        return self._connection


def _write(connection: sqlite3.Connection, change: Change) -> None:
    namespace, name = change.key
    kind, body = change.kind.qualified, orjson.dumps(change.obj)
    if change.type == "DELETED":
        connection.execute("DELETE FROM objects WHERE kind=? AND namespace=? AND name=?", (kind, namespace, name))
    else:
        connection.execute(
            "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?)", (kind, namespace, name, change.version, body)
        )
    connection.execute(
        "INSERT INTO history VALUES (?, ?, ?, ?, ?, ?)", (change.version, kind, change.type, namespace, name, body)
    )


def _objects(connection: sqlite3.Connection) -> Iterator[tuple[Kind, Key, Object, int]]:
    rows = connection.execute("SELECT kind, namespace, name, body, version FROM objects")
    for kind, namespace, name, body, version in rows:
        if kind in _KINDS:
            yield _KINDS[kind], (namespace, name), orjson.loads(body), version


def _changes(connection: sqlite3.Connection) -> Iterator[Change]:
    """History with each object's state before, as far as history itself knows it."""
    before: dict[tuple[str, Key], Object] = {}
    rows = connection.execute("SELECT version, kind, type, namespace, name, body FROM history ORDER BY version")
    for version, kind, type_, namespace, name, body in rows:
        if kind in _KINDS:
            key, obj = (namespace, name), orjson.loads(body)
            previous = None if type_ == "ADDED" else before.get((kind, key))
            before[kind, key] = obj
            yield Change(version, _KINDS[kind], type_, key, obj, previous)


def _last_version(connection: sqlite3.Connection) -> int:
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name='history'").fetchone()
    return int(row[0]) if row else 0
