"""How does a store behave, said as plainly as possible? Lists and loops; for tests and as the judge of the others."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cmp_to_key, partial
from itertools import product
from typing import Any

import orjson

from kodkod.logs import datasets
from kodkod.logs.datasets import Dataset, Field, Normal
from kodkod.logs.datasets.fields import shown, values_of
from kodkod.logs.query.binding import Bound, column_of
from kodkod.logs.query.memory import column_values, predicate
from kodkod.logs.store import ALWAYS, Axis, Group, Grouping, Metric, Order, Page, Stored, Usage, Window
from kodkod.logs.stores import cursors, groups
from kodkod.logs.stores.cursors import TIME, Place

SCAN_BATCH = 1_000


@dataclass(slots=True)
class _Shelf:
    rows: list[Stored] = field(default_factory=list)
    batches: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)


class MemoryLogStore:
    """Everything in lists. Nothing survives the process, so it is no store for events that matter."""

    def __init__(self) -> None:
        self._shelves: dict[str, _Shelf] = {name: _Shelf() for name in datasets.ALL}

    async def append(
        self, dataset: str, records: Sequence[Mapping[str, Any]], *, arrival: datetime, batch: str | None = None
    ) -> int:
        kind, shelf = datasets.named(dataset), self._shelves[dataset]
        if batch is not None and batch in shelf.batches:
            return 0
        if batch is not None:
            shelf.batches.add(batch)
        when = max(arrival.timestamp(), shelf.rows[-1].arrival if shelf.rows else 0.0)
        fresh = [record for record in records if _is_new(kind, record, shelf.keys)]
        for record in fresh:
            shelf.rows.append(Stored(len(shelf.rows), when, orjson.loads(orjson.dumps(record))))
        return len(fresh)

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
        found = self._matches(kind, query, window)
        placed = [(Place(tuple(_sort_value(kind, one, row) for one in columns), row.seq), row) for row in found]
        by_place = cmp_to_key(partial(_compared, order=order))
        placed.sort(key=lambda pair: by_place(pair[0]))
        rest = [pair for pair in placed if after is None or _compared(pair[0], after, order) > 0]
        page = rest[:limit]
        more = cursors.encode(order, page[-1][0]) if page and len(rest) > limit else None
        return Page(tuple(row for _, row in page), len(found), more)

    async def scan(self, dataset: str, query: Bound, *, window: Window = ALWAYS) -> AsyncIterator[list[Stored]]:
        found = self._matches(datasets.named(dataset), query, window)
        for start in range(0, len(found), SCAN_BATCH):
            yield found[start : start + SCAN_BATCH]

    async def aggregate(
        self, dataset: str, query: Bound, *, grouping: Grouping, window: Window = ALWAYS
    ) -> AsyncIterator[list[Group]]:
        kind = datasets.named(dataset)
        plan = groups.plan(kind, grouping)
        found = self._matches(kind, query, window)
        collected: dict[tuple[Normal | None, ...], list[float | None]] = {} if plan.by else {(): []}
        for row in found:
            operand = _operand(plan, row.record)
            for keys in product(*(_group_values(kind, one, row.record) for one in plan.by)):
                collected.setdefault(keys, []).append(operand)
        rows = _reduced(collected, plan)
        for start in range(0, len(rows), groups.BATCH_GROUPS):
            yield rows[start : start + groups.BATCH_GROUPS]

    async def usage(self) -> Mapping[str, Usage]:
        return {
            name: Usage(len(shelf.rows), 0, shelf.rows[0].arrival if shelf.rows else None, {})
            for name, shelf in self._shelves.items()
        }

    async def close(self) -> None:
        self._shelves.clear()

    def _matches(self, kind: Dataset, query: Bound, window: Window) -> list[Stored]:
        judge = predicate(query, kind)
        rows = self._shelves[kind.name].rows
        return [row for row in rows if _is_within(kind, row, window) and judge(row.record)]


def event_time(dataset: Dataset, record: Mapping[str, Any], arrival: float) -> float:
    """A record's own time, or its arrival where it tells none."""
    found = values_of(dataset.field(dataset.time), record)
    return float(found[0]) if found else arrival


def _is_new(dataset: Dataset, record: Mapping[str, Any], known: set[str]) -> bool:
    if dataset.key is None:
        return True
    key = str(record.get(dataset.key))
    if key in known:
        return False
    known.add(key)
    return True


def _is_within(dataset: Dataset, row: Stored, window: Window) -> bool:
    when = row.arrival if window.axis is Axis.ARRIVAL else event_time(dataset, row.record, row.arrival)
    return (window.start is None or window.start <= when) and (window.end is None or when < window.end)


def _sort_value(dataset: Dataset, column: Field, row: Stored) -> Normal | None:
    if column is TIME:
        return event_time(dataset, row.record, row.arrival)
    return _first(values_of(column, row.record))


def _compared(mine: Place, theirs: Place, order: Order) -> int:
    """Below 0 where mine comes first."""
    for key, left, right in zip(order.keys, mine.values, theirs.values, strict=True):
        if left == right:
            continue
        if left is None or right is None:
            return 1 if left is None else -1
        return 1 if (left > right) != key.descending else -1  # type: ignore[operator]  # of one column, so of one type
    return (mine.seq - theirs.seq) * (-1 if order.descending else 1)


def _first(values: tuple[Normal, ...]) -> Normal | None:
    return values[0] if values else None


def _operand(plan: groups.Plan, record: Mapping[str, Any]) -> float | None:
    found = values_of(plan.operand, record) if plan.operand else ()
    return float(found[0]) if found else None


def _group_values(dataset: Dataset, target: Field, record: Mapping[str, Any]) -> Iterable[Normal | None]:
    values = column_values(dataset, column_of(target), record)
    if target.prefix:
        values = tuple(str(one)[len(target.prefix) :] for one in values if str(one).startswith(target.prefix))
    if not values:
        return (None,)
    return tuple(dict.fromkeys(values)) if target.many else values[:1]


def _reduced(collected: dict[tuple[Normal | None, ...], list[float | None]], plan: groups.Plan) -> list[Group]:
    rows = []
    for keys in sorted(collected, key=_nulls_last):
        value, is_empty = _metric(plan.metric, collected[keys])
        if not is_empty:
            names = tuple(shown(target, key) for target, key in zip(plan.by, keys, strict=True))
            rows.append(Group(names, value, len(collected[keys])))
    return rows


def _metric(metric: Metric | None, operands: list[float | None]) -> tuple[float | None, bool]:
    """The value, and whether the group has no row because it holds only nulls."""
    if metric is None or metric is Metric.COUNT:
        return (None if metric is None else float(len(operands))), False
    numbers = [one for one in operands if one is not None]
    if not numbers:
        return None, True
    total = float(sum(numbers))
    values = {
        Metric.SUM: total,
        Metric.AVG: total / len(numbers),
        Metric.MIN: float(min(numbers)),
        Metric.MAX: float(max(numbers)),
    }
    return values[metric], False


def _nulls_last(keys: tuple[Normal | None, ...]) -> tuple[tuple[bool, Normal], ...]:
    return tuple((key is None, key if key is not None else "") for key in keys)
