"""Whose was this address a moment ago? A pod may be gone before what it did is told.

Endpoints that left, and pods that were over before their interface was seen, are remembered for a while: their facts
are attributed and their addresses named, unless somebody else has the address now.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from kodkod.endpoints.endpoint import Endpoint

REMEMBERED = timedelta(seconds=120)
"""Longer than facts are held (30 s) and than the default flush interval (10 s) together, with room for a slow API."""
RECENT_MAX = 4096  # the oldest go first: a node with that many pods in two minutes has other troubles


class Recent:
    """Not for several threads at once."""

    def __init__(self) -> None:
        self._here: dict[str, Endpoint] = {}
        self._gone: dict[str, tuple[Endpoint, datetime]] = {}

    def update(
        self, endpoints: Iterable[Endpoint], finished: Iterable[Endpoint], now: datetime
    ) -> tuple[Endpoint, ...]:
        """Take in who is there now; who was there until lately, the newest last."""
        here = {endpoint.id: endpoint for endpoint in endpoints if endpoint.ips}
        left = {key: endpoint for key, endpoint in self._here.items() if key not in here}
        known = {endpoint.uid for endpoint in (*left.values(), *(one for one, _ in self._gone.values()))}
        unseen = {endpoint.id: endpoint for endpoint in finished if endpoint.uid not in known}
        for key, endpoint in {**left, **unseen}.items():
            self._gone[key] = (endpoint, now + REMEMBERED)
        self._gone = {key: entry for key, entry in self._gone.items() if entry[1] > now and key not in here}
        while len(self._gone) > RECENT_MAX:
            self._gone.pop(next(iter(self._gone)))
        self._here = here
        return tuple(endpoint for endpoint, _ in self._gone.values())
