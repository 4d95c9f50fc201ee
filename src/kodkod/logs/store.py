"""What can a log store do? Keep records durably, find them, group them: the seam that rooms above stand on.

Two clocks. A record's *event time* is the data set's time field: what people see, filter and sort by. Its *arrival* is
when this store accepted it: alert windows use that, so each record is judged exactly once (alerts-and-logs 8.1). All
windows are half open, start <= t < end, in unix seconds.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Protocol

from kodkod.logs.query.binding import Bound

PAGE_MAX = 10_000


class Axis(Enum):
    EVENT = "event"
    ARRIVAL = "arrival"


@dataclass(frozen=True, slots=True)
class Window:
    start: float | None = None
    end: float | None = None
    axis: Axis = Axis.EVENT


ALWAYS = Window()


@dataclass(frozen=True, slots=True)
class Order:
    """By single-valued fields, ties by arrival. Records without the field come last, whichever the direction.

    then: further keys for records that are equal so far; theirs are not looked at. Arrival follows the first direction.
    """

    field: str
    descending: bool = True
    then: tuple[Order, ...] = ()

    @property
    def keys(self) -> tuple[Order, ...]:
        return (self, *self.then)


@dataclass(frozen=True, slots=True)
class Stored:
    """A record with its place: `seq` grows by one for each record of a data set."""

    seq: int
    arrival: float
    record: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """`total` counts all that match, not only this page."""

    items: tuple[Stored, ...]
    total: int
    next_cursor: str | None


class Metric(Enum):
    COUNT = "count"
    SUM = "sum"
    AVG = "avg"
    MIN = "min"
    MAX = "max"


@dataclass(frozen=True, slots=True)
class Grouping:
    """`by` as keys of the query language; `field` for every metric but COUNT."""

    by: tuple[str, ...] = ()
    metric: Metric | None = None
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """One combination of group values (None where the field is absent), its metric and number of records."""

    keys: tuple[Any, ...]
    value: float | None
    count: int


@dataclass(frozen=True, slots=True)
class Usage:
    """What a data set occupies: records kept, bytes on disk, oldest arrival; `dropped` parts by reason."""

    records: int
    bytes: int
    oldest: float | None
    dropped: Mapping[str, int]


class LogStore(Protocol):
    async def append(
        self, dataset: str, records: Sequence[Mapping[str, Any]], *, arrival: datetime, batch: str | None = None
    ) -> int:
        """Keep records; when this returns they survive kill -9. Returns how many are new.

        A batch id seen before adds nothing, nor does a record whose key (events: `id`) is known. An empty `records`
        is fine. OSError where the disk refuses; then nothing was kept.
        """
        ...

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
        """A page of matches, newest event first unless `order` says otherwise. Errors: BadCursor, BadSort."""
        ...

    def scan(self, dataset: str, query: Bound, *, window: Window = ALWAYS) -> AsyncIterator[list[Stored]]:
        """All matches in order of arrival, in batches: no bound on how many."""
        ...

    def aggregate(
        self, dataset: str, query: Bound, *, grouping: Grouping, window: Window = ALWAYS
    ) -> AsyncIterator[list[Group]]:
        """Groups in batches, ordered by their keys.

        Absent values group as None; a record with several values counts in a group for each. Nulls are ignored by
        the metrics; a group with only nulls has no row, but COUNT without `by` always has one.
        """
        ...

    async def usage(self) -> Mapping[str, Usage]: ...
    async def close(self) -> None: ...
