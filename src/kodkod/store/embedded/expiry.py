"""How long is what `kubectl describe` tells kept? Core Events go after a day, as a cluster lets them go after an hour.

And the oldest go where there are very many: a controller that finds ever new words must not fill the store.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta

from kodkod.clock import Clock
from kodkod.resources import Object
from kodkod.resources.kinds import EVENT
from kodkod.store.embedded.resources import EmbeddedResources
from kodkod.store.errors import NotFound

KEPT = timedelta(hours=24)
EVENTS_MAX = 5_000
LOOK_S = 60.0


def expired(events: Iterable[Object], now: datetime) -> list[Object]:
    """Those that are too old by their last occurrence, and the oldest of too many."""
    dated = sorted(((last_seen(one), one) for one in events), key=lambda pair: pair[0])
    over = max(len(dated) - EVENTS_MAX, 0)
    return [one for number, (seen, one) in enumerate(dated) if number < over or now - seen > KEPT]


def last_seen(event: Object) -> datetime:
    """When it happened last; an event without any time counts from its making."""
    text = event.get("lastTimestamp") or event.get("eventTime") or event["metadata"].get("creationTimestamp")
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return datetime.fromisoformat(event["metadata"]["creationTimestamp"])


class EventExpiry:
    """Runs beside the embedded store; in a cluster the API server sees to its own."""

    def __init__(self, resources: EmbeddedResources, clock: Clock) -> None:
        self._resources = resources
        self._clock = clock

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_S)

    async def look(self) -> int:
        """Remove what is expired; how many that were."""
        gone = expired(self._resources.snapshot(EVENT), self._clock.now())
        for event in gone:
            with suppress(NotFound):  # somebody else was quicker
                await self._resources.delete(EVENT, event["metadata"]["name"], event["metadata"]["namespace"])
        return len(gone)
