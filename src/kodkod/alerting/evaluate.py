"""What did the logs answer? One execution of an alert: rows of the window, kept where the condition holds (1.8)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from kodkod.alerting.promote import promoted
from kodkod.alerting.rule import Rule
from kodkod.events import Event, identity, types
from kodkod.logs.store import Group, LogStore, Window


@dataclass(frozen=True, slots=True)
class Row:
    """A result. values: the event's record. grouping: its grouping fields alone. number: apart from equal rows."""

    values: dict[str, Any]
    grouping: dict[str, Any]
    number: int = 0


async def rows(rule: Rule, logs: LogStore, window: Window) -> AsyncIterator[Row]:
    """The rows that are events, streamed: grouping and matching have no cap, the caller stops when it has enough."""
    if rule.grouping.metric is None and not rule.grouping.by:
        async for stored in logs.scan(rule.dataset.name, rule.query, window=window):
            for one in stored:
                yield Row(one.record, {}, one.seq)
        return
    async for batch in logs.aggregate(rule.dataset.name, rule.query, grouping=rule.grouping, window=window):
        for group in batch:
            if rule.is_met(group.value):
                yield _row(rule, group)


def event(rule: Rule, row: Row, window: Window) -> Event:
    """The event of a row. Its time is that of the execution, its id the same however often the run is repeated."""
    now_s = int(window.end or 0)
    return Event(
        id=identity.alert_id(
            uid=rule.uid, window_start=window.start or 0, row=row.grouping or row.values, number=row.number
        ),
        time=now_s,
        type=types.GLOBAL_ALERT,
        origin=rule.name,
        name=rule.name,
        description=rule.text.render(row.values),
        severity=rule.severity,
        fingerprint=identity.fingerprint(uid=rule.uid, grouping=row.grouping),
        record=dict(sorted(row.values.items())),
        **promoted(row.values),
    )


def overflow_event(rule: Rule, window: Window, limit: int) -> Event:
    """Instead of the rows past the cap: one event that says so."""
    return Event(
        id=identity.alert_id(uid=rule.uid, window_start=window.start or 0, row={"overflow": limit}, number=-1),
        time=int(window.end or 0),
        type=types.GLOBAL_ALERT,
        origin=rule.name,
        name=rule.name,
        description=f"{rule.name}: more than {limit} results in one run; the others are not listed",
        severity=rule.severity,
        fingerprint=identity.fingerprint(uid=rule.uid, grouping={}),
        record={"events_per_run_max": limit},
    )


def _row(rule: Rule, group: Group) -> Row:
    grouping = dict(zip(rule.grouping.by, group.keys, strict=True))
    if rule.grouping.metric is None or group.value is None:
        return Row(dict(grouping), grouping)
    value = int(group.value) if float(group.value).is_integer() else group.value
    return Row({**grouping, rule.grouping.metric.value: value}, grouping)
