"""How are logs kept on one host? A journal that is synced before the answer, and columns that are asked by SQL.

    append:  encode → journal thread writes and syncs → (the answer) → engine thread inserts into the tail
    search:  waits for the appends that began before it, then the engine thread answers in order

Two threads, each owning its files: a long search delays no acknowledgement, and a search sees every record
acknowledged before it. A search or alert window that ends now misses nothing that arrived before now.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import orjson
import pyarrow as pa

from kodkod.logs import datasets, telemetry
from kodkod.logs.datasets import Dataset
from kodkod.logs.datasets.fields import shown
from kodkod.logs.errors import RecordRefused, StoreClosed
from kodkod.logs.query.binding import Bound
from kodkod.logs.query.duckdb import Sql
from kodkod.logs.store import ALWAYS, Group, Grouping, Metric, Order, Page, Stored, Usage, Window
from kodkod.logs.stores import cursors, groups, journal, statements
from kodkod.logs.stores.columns import Rows
from kodkod.logs.stores.cursors import Place
from kodkod.logs.stores.engine import TIMEOUT_S, Engine
from kodkod.logs.stores.journal import Head, Journal
from kodkod.logs.stores.parts import DAY_S, MICRO

log = logging.getLogger("kodkod.logs")
Answer = TypeVar("Answer")

SEAL_ROWS = 20_000  # what a restart replays: about a second; parts this small are merged
SCAN_BATCH = 1_000
INSERT_ROWS_MAX = 10_000  # of one statement
KNOWN_MAX = 1_000_000  # batch ids and keys remembered per data set; the oldest are forgotten first
PENDING_ROWS_MAX = 20_000  # rows journalled but not inserted; beyond it append waits, about a second at most
MEMORY_BYTES = 512 * 1024 * 1024
DISK_BYTES = 20 * 1024 * 1024 * 1024
# Shares of the disk bound; flows are by far the most, and must not push out what is rare and precious.
SHARES = {"flows": 0.6, "dns": 0.15, "audit": 0.1, "events": 0.1}
SHARE_OTHERS = 0.01


class Known:
    """A bounded memory of what was stored, by digest; the oldest is forgotten first."""

    def __init__(self, limit: int = KNOWN_MAX) -> None:
        self._limit = limit
        self._digests: OrderedDict[bytes, None] = OrderedDict()

    def __contains__(self, name: str) -> bool:
        return self._digest(name) in self._digests

    def add(self, name: str) -> None:
        self._digests[self._digest(name)] = None
        if len(self._digests) > self._limit:
            self._digests.popitem(last=False)

    @staticmethod
    def _digest(name: str) -> bytes:
        return blake2b(name.encode(), digest_size=12).digest()


@dataclass(slots=True)
class _Intake:
    """What appends to one data set share; touched only on the event loop, under its lock.

    waiting: journalled in the present file and not inserted; the engine thread takes all there is in one go. is_behind:
    rows could not be inserted, so the journal, which holds them, has to stay; the engine thread's own.
    """

    dataset: Dataset
    journal: Journal
    next_seq: int = 0
    file_seq: int = 0
    file_rows: int = 0
    last_us: int = 0
    waiting: deque[tuple[Head, list[bytes]]] = field(default_factory=deque)
    is_behind: bool = False
    batches: Known = field(default_factory=Known)
    keys: Known = field(default_factory=Known)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class DuckdbLogStore:
    """Logs below one folder. `open` it on the event loop that uses it; `close` it at the end."""

    def __init__(self, engine: Engine, intakes: dict[str, _Intake], threads: tuple[ThreadPoolExecutor, ...]) -> None:
        self._engine = engine
        self._intakes = intakes
        self._journal_thread, self._engine_thread = threads
        self._appends: set[asyncio.Task[int]] = set()
        self._pending_rows = 0
        self._is_closed = False
        self._seal_rows = SEAL_ROWS
        self._disk_bytes = DISK_BYTES

    @classmethod
    async def open(
        cls,
        root: Path,
        *,
        memory_bytes: int = MEMORY_BYTES,
        disk_bytes: int = DISK_BYTES,
        seal_rows: int = SEAL_ROWS,
        timeout_s: float = TIMEOUT_S,
    ) -> DuckdbLogStore:
        """Open or create; replays what the last run had journalled. OSError if the folder cannot be used."""
        threads = tuple(ThreadPoolExecutor(1, thread_name_prefix=f"logs-{name}") for name in ("journal", "engine"))
        kinds = [one for one in datasets.ALL.values() if one.has_data]
        loop = asyncio.get_running_loop()
        make = partial(Engine, root, kinds, memory_bytes=memory_bytes, timeout_s=timeout_s)
        engine = await loop.run_in_executor(threads[1], make)
        intakes = {one.name: _Intake(one, Journal(root / one.name / "journal")) for one in kinds}
        store = cls(engine, intakes, threads)
        store._seal_rows, store._disk_bytes = seal_rows, disk_bytes
        for intake in intakes.values():
            await store._on_engine(partial(_recover, engine, intake))
        return store

    # --- writing -----------------------------------------------------------------------------------------------
    async def append(
        self, dataset: str, records: Sequence[Mapping[str, Any]], *, arrival: datetime, batch: str | None = None
    ) -> int:
        kind = datasets.named(dataset)
        if self._is_closed:
            raise StoreClosed
        if not kind.has_data:
            raise RecordRefused(1, f"nothing is stored in data set {dataset}")
        bodies = [_body(number, record) for number, record in enumerate(records, 1)]
        work = self._append(self._intakes[dataset], records, bodies, int(arrival.timestamp() * MICRO), batch)
        task = asyncio.get_running_loop().create_task(work)
        self._appends.add(task)  # a search that starts now waits for it; a caller that gives up does not stop it
        task.add_done_callback(self._appends.discard)
        return await asyncio.shield(task)

    async def _append(
        self,
        intake: _Intake,
        records: Sequence[Mapping[str, Any]],
        bodies: list[bytes],
        arrival_us: int,
        batch: str | None,
    ) -> int:
        async with intake.lock:
            if batch is not None and batch in intake.batches:
                telemetry.records_stored(intake.dataset.name, 0, len(records))
                return 0
            fresh, keys = _fresh(intake, records, bodies)
            telemetry.records_stored(intake.dataset.name, len(fresh), len(records) - len(fresh))
            if not fresh and batch is None:
                return 0
            head = Head(intake.next_seq, max(arrival_us, intake.last_us), batch)
            self._turn_page(intake, head)
            await self._in_journal(lambda: intake.journal.write(intake.file_seq, head, fresh))
            self._accepted(intake, head, fresh, keys)
        while batch is not None and self._pending_rows > PENDING_ROWS_MAX:
            await self._on_engine(lambda: None)  # agents are slowed down; what the server itself has to say is little
        return len(fresh)

    def _turn_page(self, intake: _Intake, head: Head) -> None:
        """Start a new journal file, and seal what the old one holds, when it is full or its day is over."""
        is_full = intake.file_rows >= self._seal_rows
        is_new_day = intake.file_rows > 0 and head.arrival_us // MICRO // DAY_S != intake.last_us // MICRO // DAY_S
        if not is_full and not is_new_day:
            return
        old = intake.journal.files()
        intake.file_seq, intake.file_rows = head.first_seq, 0
        intake.waiting = deque()  # what is in the old one is inserted, and sealed, before anything of the new file
        self._submit(intake, lambda: self._seal(intake, old, head.arrival_us / MICRO))

    def _seal(self, intake: _Intake, old: list[Path], now_s: float) -> None:
        name = intake.dataset.name
        if intake.is_behind:
            return
        self._engine.seal(name)
        for path in old:
            intake.journal.remove(path)
        self._engine.merge(name)
        self._engine.drop(name, now_s=now_s, bytes_max=self._share(name))

    def _share(self, name: str) -> int:
        return int(self._disk_bytes * SHARES.get(name, SHARE_OTHERS))

    def _accepted(self, intake: _Intake, head: Head, bodies: list[bytes], keys: list[str]) -> None:
        intake.next_seq += len(bodies)
        intake.file_rows += len(bodies)
        intake.last_us = head.arrival_us
        if head.batch is not None:
            intake.batches.add(head.batch)
        for key in keys:
            intake.keys.add(key)
        if not bodies:
            return
        self._pending_rows += len(bodies)
        intake.waiting.append((head, bodies))
        self._submit(intake, partial(self._insert, intake, intake.waiting, asyncio.get_running_loop()))

    def _insert(
        self, intake: _Intake, waiting: deque[tuple[Head, list[bytes]]], loop: asyncio.AbstractEventLoop
    ) -> None:
        """On the engine thread: insert what waits, which may be more than was there when this was asked for.

        Once, and not until nothing waits: a search that was asked meanwhile has its turn too.
        """
        taken: list[Rows] = []
        while waiting and sum(map(len, taken)) < INSERT_ROWS_MAX:
            taken.append(journal.rows(*waiting.popleft()))
        if not taken:
            return
        try:
            insert(self._engine, intake, taken)
        finally:
            loop.call_soon_threadsafe(self._inserted, sum(map(len, taken)))

    def _inserted(self, rows: int) -> None:
        self._pending_rows -= rows

    def _submit(self, intake: _Intake, work: Callable[[], None]) -> None:
        """Queue work for the engine; the journal still holds what it fails to insert."""
        self._engine_thread.submit(work).add_done_callback(lambda done: _report(intake.dataset.name, done))

    async def maintain(self, now: datetime) -> None:
        """Drop what is too old or too much; to be called every few minutes, since a quiet data set seals nothing."""
        for name in self._intakes:
            drop = partial(self._engine.drop, name, now_s=now.timestamp(), bytes_max=self._share(name))
            await self._on_engine(drop)

    # --- reading -----------------------------------------------------------------------------------------------
    async def search(
        self,
        dataset: str,
        query: Bound,
        *,
        window: Window = ALWAYS,
        order: Order | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page:
        kind = datasets.named(dataset)
        order, columns = cursors.sort_columns(kind, order)
        after = cursors.decode(cursor, order) if cursor else None
        if not kind.has_data:
            return Page((), 0, None)
        condition = statements.where(query, window)

        def answer() -> Page:
            source = self._engine.source(dataset, window)
            total = self._engine.fetch(statements.count(source, condition))[0][0]
            found = statements.page(source, condition, order=order, columns=columns, after=after, limit=limit + 1)
            places = [Place(tuple(values), seq) for seq, *values in self._engine.fetch(found)] if limit else []
            stored = self._records(source, [place.seq for place in places[:limit]])
            more = cursors.encode(order, places[limit - 1]) if len(places) > limit else None
            return Page(stored, total, more)

        return await self._ask(answer)

    def _records(self, source: str, seqs: list[int]) -> tuple[Stored, ...]:
        if not seqs:
            return ()
        found = {row[0]: _stored(row) for row in self._engine.fetch(statements.records(source, seqs))}
        return tuple(found[seq] for seq in seqs)

    async def scan(self, dataset: str, query: Bound, *, window: Window = ALWAYS) -> AsyncIterator[list[Stored]]:
        if not datasets.named(dataset).has_data:
            return
        condition = statements.where(query, window)
        after = -1
        while True:
            rows = await self._ask(partial(self._scan, dataset, condition, window, after))
            if rows:
                yield [_stored(row) for row in rows]
                after = rows[-1][0]
            if len(rows) < SCAN_BATCH:
                return

    def _scan(self, dataset: str, condition: Sql, window: Window, after: int) -> list[tuple[Any, ...]]:
        source = self._engine.source(dataset, window)
        return self._engine.fetch(statements.scan(source, condition, after_seq=after, limit=SCAN_BATCH))

    async def aggregate(
        self, dataset: str, query: Bound, *, grouping: Grouping, window: Window = ALWAYS
    ) -> AsyncIterator[list[Group]]:
        kind = datasets.named(dataset)
        plan = groups.plan(kind, grouping)
        condition = statements.where(query, window)
        rows: list[tuple[Any, ...]] = []
        if kind.has_data:
            rows = await self._ask(partial(self._groups, dataset, condition, window, plan))
        elif plan.metric is Metric.COUNT and not plan.by:
            rows = [(0.0, 0, 0)]
        for start in range(0, len(rows), groups.BATCH_GROUPS):
            batch = (_group(plan, row) for row in rows[start : start + groups.BATCH_GROUPS])
            yield [one for one in batch if one is not None]

    def _groups(self, dataset: str, condition: Sql, window: Window, plan: groups.Plan) -> list[tuple[Any, ...]]:
        return self._engine.fetch(statements.groups(self._engine.source(dataset, window), condition, plan))

    async def usage(self) -> Mapping[str, Usage]:
        return await self._ask(self._engine.usage)

    async def close(self) -> None:
        """Finish what was accepted; later calls raise StoreClosed."""
        self._is_closed = True
        await self._settled()
        await self._on_engine(self._engine.close)
        for intake in self._intakes.values():
            await self._in_journal(intake.journal.close)
        for thread in (self._journal_thread, self._engine_thread):
            thread.shutdown(wait=True)

    async def _ask(self, question: Callable[[], Answer]) -> Answer:
        if self._is_closed:
            raise StoreClosed
        await self._settled()
        return await self._on_engine(question)

    async def _settled(self) -> None:
        """Wait for the appends that have begun; those that begin later have a later arrival."""
        if self._appends:
            await asyncio.wait(set(self._appends))

    async def _on_engine(self, work: Callable[[], Answer]) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._engine_thread, work)

    async def _in_journal(self, work: Callable[[], Answer]) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._journal_thread, work)


def _recover(engine: Engine, intake: _Intake) -> None:
    """Put what the journal holds back into the tail, and remember which batches and keys are known."""
    name = intake.dataset.name
    sealed = engine.last_seq(name)
    intake.next_seq = intake.file_seq = sealed + 1
    source = engine.source(name, ALWAYS)
    known = Sql(f"SELECT DISTINCT _batch FROM {source} WHERE _batch IS NOT NULL ORDER BY _batch LIMIT {KNOWN_MAX}")
    for (batch,) in engine.fetch(known):
        intake.batches.add(batch)
    latest = engine.fetch(Sql(f"SELECT max(_arrival) FROM {source}"))[0][0]
    intake.last_us = latest or 0
    if intake.dataset.key:
        for (key,) in engine.fetch(Sql(f'SELECT "{intake.dataset.key}" FROM {source} ORDER BY _seq')):
            intake.keys.add(str(key))
    _replay(engine, intake, intake.journal.files(), sealed)


def _replay(engine: Engine, intake: _Intake, paths: Sequence[Path], sealed: int) -> None:
    """Insert what the files hold and no part does. Batches are small and many: they are inserted in large portions."""
    portion: list[Rows] = []
    for path in paths:
        intake.file_seq, intake.file_rows = int(path.stem), 0
        for head, rows in journal.replay(path):
            fresh = rows.part(max(0, sealed + 1 - rows.first_seq), len(rows))
            if fresh:
                portion.append(fresh)
                intake.file_rows += len(fresh)
                intake.next_seq = fresh.next_seq
            intake.last_us = max(intake.last_us, head.arrival_us)
            if head.batch is not None:
                intake.batches.add(head.batch)
            if intake.dataset.key:
                for record in rows.records:
                    intake.keys.add(str(record.get(intake.dataset.key)))
            if sum(map(len, portion)) >= INSERT_ROWS_MAX:
                insert(engine, intake, portion)
                portion = []
    if portion:
        insert(engine, intake, portion)


def insert(engine: Engine, intake: _Intake, batches: Sequence[Rows]) -> None:
    """Insert rows; where the engine refuses them, row by row, so that one bad row costs no other.

    What cannot be inserted stays in the journal, which is not sealed any more: a later version may be able to.
    """
    name = intake.dataset.name
    try:
        engine.insert(name, batches)
        return
    except (duckdb.Error, pa.ArrowException) as error:
        telemetry.insert_failed(log, name, error)
    for rows in batches:
        for number in range(len(rows)):
            try:
                engine.insert(name, [rows.part(number, number + 1)])
            except (duckdb.Error, pa.ArrowException):
                intake.is_behind = True


def _fresh(intake: _Intake, records: Sequence[Mapping[str, Any]], bodies: list[bytes]) -> tuple[list[bytes], list[str]]:
    """The bodies that are not stored yet, and their keys where the data set has one."""
    if intake.dataset.key is None:
        return bodies, []
    fresh: dict[str, bytes] = {}
    for record, body in zip(records, bodies, strict=True):
        key = str(record.get(intake.dataset.key))
        if key not in intake.keys:
            fresh.setdefault(key, body)
    return list(fresh.values()), list(fresh)


def _body(number: int, record: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(record)
    except (TypeError, ValueError) as error:
        raise RecordRefused(number, f"no JSON object: {error}") from error


def _stored(row: tuple[Any, ...]) -> Stored:
    seq, arrival_us, record = row
    return Stored(seq, arrival_us / MICRO, orjson.loads(record))


def _group(plan: groups.Plan, row: tuple[Any, ...]) -> Group | None:
    *keys, value, count, operands = row
    if plan.operand is not None and operands == 0:
        return None
    names = tuple(shown(target, key) for target, key in zip(plan.by, keys, strict=True))
    return Group(names, value, count)


def _report(dataset: str, done: Future[None]) -> None:
    error = done.exception()
    if error is not None:
        telemetry.insert_failed(log, dataset, error)
