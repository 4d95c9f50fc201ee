"""How do logs, events and alerts become part of a server? One call in `app.compose`; it adds routes and controllers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from kodkod.alerting import validation
from kodkod.alerting.controller import Controller
from kodkod.clock import Clock
from kodkod.events import Events, Exemption, Triage, in_force
from kodkod.events.exceptions import check as check_exception
from kodkod.logs.stores.duckdb import DuckdbLogStore
from kodkod.resources import kinds
from kodkod.resources.validation import Checks
from kodkod.server import alerts, ingest, live, records, search
from kodkod.server.facts import Facts
from kodkod.server.live import Hints
from kodkod.server.services import Services
from kodkod.store.informer import Informer

MAINTAIN_EVERY_S = 300.0
WATCHED = (
    kinds.GLOBAL_ALERT,
    kinds.GLOBAL_ALERT_TEMPLATE,
    kinds.ALERT_EXCEPTION,
    kinds.PACKET_CAPTURE,
    kinds.DEEP_PACKET_INSPECTION,
    kinds.NODE_REPORT,
)


@contextlib.asynccontextmanager
async def facts_of(services: Services, logs: DuckdbLogStore) -> AsyncIterator[Facts]:
    """Add everything that stands on logs; close the triage at the end."""
    triage = await Triage.open(services.data / "triage.db")
    exceptions = Informer(services.resources, kinds.ALERT_EXCEPTION)

    def exemptions() -> list[Exemption]:
        return in_force(exceptions.items.values(), services.clock.now())

    events = Events(logs, triage, exemptions)
    facts = Facts(logs, events, services.resources, services.authorizer, services.clock, services.audit)
    hints = Hints(services.resources, WATCHED, events)
    services.routers += [one.router(facts) for one in (records, ingest, alerts)] + [live.router(hints)]
    services.routes += search.routes(facts)
    alert_controller = Controller(services.resources, logs, events, services.clock)
    services.controllers += [exceptions, hints, Maintenance(logs, services.clock)]
    services.elected.append(alert_controller)
    services.state["events"] = events
    add_checks(services.checks)
    try:
        yield facts
    finally:
        await events.close()


def add_checks(checks: Checks) -> Checks:
    """What the features know of their kinds that no schema can say."""
    for kind in (kinds.GLOBAL_ALERT, kinds.GLOBAL_ALERT_TEMPLATE):
        checks.add(kind, validation.check)
    checks.add(kinds.ALERT_EXCEPTION, check_exception)
    return checks


class Maintenance:
    """Drops log parts that are too old or too many, also while nothing is written."""

    def __init__(self, logs: DuckdbLogStore, clock: Clock) -> None:
        self._logs = logs
        self._clock = clock

    async def run(self) -> None:
        while True:
            await self._logs.maintain(self._clock.now())
            await asyncio.sleep(MAINTAIN_EVERY_S)
