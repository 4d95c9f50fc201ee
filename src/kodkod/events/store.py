"""Where are events kept, found and triaged? An append-only data set with the triage overlay over it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from kodkod.events.event import Event
from kodkod.events.exceptions import Exemption
from kodkod.events.triage import Triage
from kodkod.events.visibility import visible
from kodkod.logs.datasets import EVENTS
from kodkod.logs.query import EVERYTHING, AllOf, Bound, HasText
from kodkod.logs.store import ALWAYS, Group, Grouping, LogStore, Metric, Order, Window

Record = Mapping[str, Any]

BULK_MAX = 10_000  # events that one bulk action may touch


@dataclass(frozen=True, slots=True)
class Sight:
    """What a caller may and wants to see. `limit_to`: a restriction by rights, None for everything."""

    include_dismissed: bool = False
    include_excepted: bool = False
    limit_to: Bound | None = None


ALL_EVENTS = Sight(include_dismissed=True, include_excepted=True)


@dataclass(frozen=True, slots=True)
class EventPage:
    items: tuple[dict[str, Any], ...]
    total: int
    next_cursor: str | None


class EventStore(Protocol):
    """What producers of events need."""

    async def write(self, events: Sequence[Event], *, arrival: datetime) -> int:
        """Keep events durably; returns how many are new. One with a known id is the same event and changes nothing."""
        ...

    async def seen(self, fingerprints: Sequence[str], *, since_s: float | None, only_open: bool) -> set[str]:
        """Those of the fingerprints that an event since then bears; only_open: one that nobody has dismissed."""
        ...


class Events:
    """The events of one log store, with their triage. exemptions: those in force, asked on each search."""

    def __init__(self, logs: LogStore, triage: Triage, exemptions: Callable[[], Iterable[Exemption]]) -> None:
        self._logs = logs
        self._triage = triage
        self._exemptions = exemptions
        self._listeners: list[Callable[[int], None]] = []

    def on_new(self, listener: Callable[[int], None]) -> None:
        """Be told how many events were added, after each write."""
        self._listeners.append(listener)

    async def write(self, events: Sequence[Event], *, arrival: datetime) -> int:
        return await self.write_records([event.to_record() for event in events], arrival=arrival)

    async def write_records(self, records: Sequence[Record], *, arrival: datetime, batch: str | None = None) -> int:
        """The same for records that an agent sends."""
        added = await self._logs.append(EVENTS.name, records, arrival=arrival, batch=batch)
        if added:
            for listener in self._listeners:
                listener(added)
        return added

    async def search(
        self,
        query: Bound,
        sight: Sight,
        *,
        window: Window = ALWAYS,
        order: Order | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> EventPage:
        shown = self._shown(query, sight)
        page = await self._logs.search(EVENTS.name, shown, window=window, order=order, limit=limit, cursor=cursor)
        return EventPage(tuple(self._marked(one.record) for one in page.items), page.total, page.next_cursor)

    async def get(self, event_id: str, sight: Sight) -> dict[str, Any] | None:
        """One event, or None if there is none that the caller may see."""
        everything = Sight(True, True, sight.limit_to)
        page = await self.search(HasText(EVENTS.field("id"), (event_id,)), everything, limit=1)
        return page.items[0] if page.items else None

    async def count(self, query: Bound, sight: Sight, *, by: str, window: Window = ALWAYS) -> list[Group]:
        """Numbers of events by a field's values."""
        grouping = Grouping((by,), Metric.COUNT)
        found = self._logs.aggregate(EVENTS.name, self._shown(query, sight), grouping=grouping, window=window)
        return [group async for batch in found for group in batch]

    async def seen(self, fingerprints: Sequence[str], *, since_s: float | None, only_open: bool) -> set[str]:
        if not fingerprints:
            return set()
        field = EVENTS.field("fingerprint")
        sight = Sight(include_dismissed=not only_open, include_excepted=True)
        window = Window(start=since_s) if since_s is not None else ALWAYS
        found = await self.count(HasText(field, tuple(fingerprints)), sight, by=field.name, window=window)
        return {str(group.keys[0]) for group in found}

    async def dismiss(self, ids: Sequence[str], *, by: str, at: datetime) -> None:
        await self._triage.dismiss(ids, by=by, at=at)

    async def restore(self, ids: Sequence[str]) -> None:
        await self._triage.restore(ids)

    async def ids(self, query: Bound, sight: Sight) -> list[str]:
        """The ids of at most BULK_MAX matching events, oldest first."""
        found = [record["id"] async for record in self._records(query, sight)]
        return found[:BULK_MAX]

    async def known(self, ids: Sequence[str]) -> set[str]:
        """Those of the ids that are events."""
        if not ids:
            return set()
        found = self._logs.scan(EVENTS.name, HasText(EVENTS.field("id"), tuple(ids)))
        return {one.record["id"] async for batch in found for one in batch}

    async def _records(self, query: Bound, sight: Sight) -> AsyncIterator[dict[str, Any]]:
        seen = 0
        async for batch in self._logs.scan(EVENTS.name, self._shown(query, sight)):
            for one in batch:
                yield one.record
            seen += len(batch)
            if seen >= BULK_MAX:
                return

    def _shown(self, query: Bound, sight: Sight) -> Bound:
        found = visible(
            query,
            dismissed=self._triage.dismissed,
            exemptions=self._exemptions(),
            include_dismissed=sight.include_dismissed,
            include_excepted=sight.include_excepted,
        )
        return found if sight.limit_to is None else AllOf((sight.limit_to, found))

    def _marked(self, record: dict[str, Any]) -> dict[str, Any]:
        return {**record, "dismissed": record.get("id") in self._triage.dismissed}

    async def close(self) -> None:
        await self._triage.close()


__all__ = ["ALL_EVENTS", "EVERYTHING", "EventPage", "EventStore", "Events", "Sight"]
