"""Which events are hidden just now? AlertExceptions in force, judged by the present time (ui.md 6.2)."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from kodkod.events import telemetry
from kodkod.logs.datasets import EVENTS
from kodkod.logs.query import Bound, QueryError, bind, parse
from kodkod.resources import Object
from kodkod.resources.findings import Cause, invalid

log = logging.getLogger("kodkod.events")


@dataclass(frozen=True, slots=True)
class Exemption:
    """An AlertException's meaning. `end` None: for ever."""

    name: str
    start: datetime
    end: datetime | None
    hides: Bound

    def is_in_force(self, now: datetime) -> bool:
        return self.start <= now and (self.end is None or now < self.end)


def check(obj: Object) -> Iterator[Cause]:
    """What admission refuses: a selector that cannot be read or names no event field."""
    selector = obj["spec"].get("selector") or ""
    try:
        bind(parse(selector), EVENTS)
    except QueryError as error:
        yield invalid("spec.selector", selector, str(error))


def exemption(obj: Object) -> Exemption | None:
    """None, counted and logged, for a stored object whose selector does not parse: it must not hide everything."""
    spec, name = obj["spec"], obj["metadata"]["name"]
    try:
        hides = bind(parse(spec["selector"]), EVENTS)
        end = spec.get("endTime")
        return Exemption(
            name, datetime.fromisoformat(spec["startTime"]), datetime.fromisoformat(end) if end else None, hides
        )
    except (QueryError, ValueError, KeyError) as error:
        telemetry.exception_ignored(log, name, error)
        return None


def in_force(objects: Iterable[Object], now: datetime) -> list[Exemption]:
    found = (exemption(obj) for obj in objects)
    return [one for one in found if one is not None and one.is_in_force(now)]
